use std::time::Duration;

use super::*;
use crate::device::event::{DestinationState, PowerState, Rendition};
use crate::device::status::SourceStatus;
use crate::device::testing::Rig;
use crate::device::thermal::HeatLevel;

fn status() -> Status {
    Status::of(&Rig::up().state)
}

fn types(happened: &[Happened]) -> Vec<(&'static str, Severity)> {
    happened
        .iter()
        .map(|h| (h.kind.name(), h.severity))
        .collect()
}

fn lost() -> SourceStatus {
    SourceStatus::Lost {
        reason: "it was unplugged".into(),
        since_s: 3,
        tries: 1,
    }
}

#[test]
fn nothing_happened_between_two_equal_statuses_nor_at_the_end() {
    let a = status();
    assert_eq!(between(&a, &a), []);
    let mut b = a.clone();
    (b.live, b.ending) = (true, true);
    assert_eq!(between(&a, &b), []);
}

#[test]
fn each_change_is_told_once_with_its_severity() {
    let a = status();
    type Change = fn(&mut Status);
    let cases: &[(Change, &[(&str, Severity)])] = &[
        (|s| s.live = true, &[("live", Severity::Notice)]),
        (|s| s.camera = lost(), &[("camera", Severity::Problem)]),
        (|s| s.mic = lost(), &[("mic", Severity::Warning)]),
        (|s| s.slate = true, &[("slate", Severity::Notice)]),
        (
            |s| s.hardware.heat = HeatLevel::Reduced,
            &[("heat", Severity::Warning)],
        ),
        (
            |s| {
                s.hardware.power = Some(PowerState {
                    under_voltage: true,
                    throttled: true,
                    under_voltage_before: true,
                });
            },
            &[("power", Severity::Problem), ("power", Severity::Warning)],
        ),
        (
            |s| {
                s.encoders[0].failures = 1;
                s.encoders[0].encoder = Some("x264enc".into());
            },
            &[("encoder", Severity::Warning)],
        ),
        (
            |s| s.health.severity = Severity::Problem,
            &[("health", Severity::Problem)],
        ),
        // A reader more or another level is no event.
        (|s| s.rtsp_readers = 7, &[]),
        (|s| s.health.severity = Severity::Notice, &[]),
    ];
    for (change, expected) in cases {
        let mut b = a.clone();
        change(&mut b);
        let happened = between(&a, &b);
        assert_eq!(types(&happened), *expected);
        for h in happened {
            assert!(h.message.ends_with('.') && h.data.is_object(), "{h:?}");
        }
    }
}

#[test]
fn what_comes_back_is_told_as_well() {
    let up = status();
    let mut down = up.clone();
    (down.camera, down.mic) = (lost(), lost());
    down.health.severity = Severity::Problem;
    let back = between(&down, &up);
    assert_eq!(
        types(&back),
        [
            ("camera", Severity::Ok),
            ("mic", Severity::Ok),
            ("health", Severity::Ok)
        ]
    );
    // Further tries in vain are no news.
    let mut again = down.clone();
    again.camera = SourceStatus::Lost {
        reason: "it is still away".into(),
        since_s: 3,
        tries: 9,
    };
    assert_eq!(between(&down, &again), []);
}

#[test]
fn an_encoder_that_fails_names_the_next() {
    let mut a = status();
    a.encoders[0].encoder = Some("v4l2h264enc".into());
    let mut b = a.clone();
    b.encoders[0].failures = 1;
    b.encoders[0].encoder = Some("x264enc".into());
    b.encoders[0].reason = Some("the driver hangs".into());
    assert_eq!(b.encoders[0].rendition, Rendition::Main);
    assert_eq!(
        between(&a, &b)[0].message,
        "The encoder v4l2h264enc of the main picture failed: the driver hangs. x264enc takes over."
    );
}

#[test]
fn a_push_tells_its_turns_and_not_its_tries() {
    use DestinationState as S;
    let waiting = || S::Waiting {
        reason: "no route".into(),
        retry_ms: 100,
    };
    let refused = || S::KeyRejected {
        reason: "bad name".into(),
    };
    for (before, now, expected) in [
        (S::Off, S::Connecting, None),
        (S::Connecting, waiting(), None),
        (waiting(), S::Connecting, None),
        (S::Connecting, S::Live, Some(("live", Severity::Ok))),
        (S::Live, waiting(), Some(("lost", Severity::Warning))),
        (S::Live, S::Connecting, Some(("lost", Severity::Warning))),
        (S::Live, S::Off, Some(("ended", Severity::Notice))),
        (
            S::Connecting,
            refused(),
            Some(("key_rejected", Severity::Problem)),
        ),
        (refused(), refused(), None),
        (S::Off, S::Off, None),
    ] {
        let (mut a, mut b) = (status(), status());
        a.destinations[0].state = before.clone();
        b.destinations[0].state = now.clone();
        let told = between(&a, &b);
        let told = told.first().map(|h| {
            assert_eq!(h.subject, a.destinations[0].name.as_str());
            (h.data["state"].as_str().unwrap().to_owned(), h.severity)
        });
        let expected = expected.map(|(word, severity)| (word.to_owned(), severity));
        assert_eq!(told, expected, "{before:?} -> {now:?}");
    }
}

fn numbered(n: u64) -> Happened {
    let mut h = Happened::refused(n);
    h.kind = Kind::Camera;
    h
}

#[test]
fn a_flapping_camera_is_told_five_times_and_then_once_a_second() {
    let mut pace = Pace::default();
    let mut told = Vec::new();
    // 100 s, 20 changes a second.
    for step in 0..2000_u64 {
        let now = Duration::from_millis(step * 50);
        told.extend(pace.offer(numbered(step), now).map(|h| (step, h)));
        told.extend(pace.due(now).into_iter().map(|h| (step, h)));
    }
    assert!(told[..5].iter().map(|(s, _)| *s).eq(0..5), "{told:?}");
    assert!((103..=105).contains(&told.len()), "{}", told.len());
    // Each later one is the latest of its time, and counts the others.
    let (step, last) = told.last().unwrap();
    assert_eq!(last.data["count"].as_u64(), Some(*step));
    assert_eq!(last.data["left_out"], 19);
    // Nothing is lost silently: told and left out are all that there were.
    let left_out: u64 = told
        .iter()
        .filter_map(|(_, h)| h.data["left_out"].as_u64())
        .sum();
    let end = Duration::from_secs(200);
    let rest = pace.due(end);
    assert_eq!(rest.len(), 1);
    let rest = rest[0].data["left_out"].as_u64().unwrap_or(0) + 1;
    assert_eq!(told.len() as u64 + left_out + rest, 2000);
    // And then the burst is there again, and nothing is kept.
    pace.due(Duration::from_secs(400));
    let again = (0..6).filter_map(|n| pace.offer(numbered(n), Duration::from_secs(400)));
    assert_eq!(again.count(), 5);
}

#[test]
fn kinds_and_subjects_do_not_take_from_one_another() {
    let mut pace = Pace::default();
    let at = |subject: &str| numbered(1).about(subject);
    for subject in ["a", "b"] {
        for _ in 0..BURST {
            assert!(pace.offer(at(subject), Duration::ZERO).is_some());
        }
        assert!(pace.offer(at(subject), Duration::ZERO).is_none());
    }
    assert!(pace.offer(Happened::refused(1), Duration::ZERO).is_some());
}

#[test]
fn an_event_has_all_its_fields_also_without_a_clock() {
    let event = Happened::refused(3).numbered(7, None);
    assert_eq!(
        serde_json::to_value(event).unwrap(),
        serde_json::json!({
            "seq": 7, "at": null, "type": "refused", "severity": "warning",
            "message": "3 commands were refused because there were too many at once.",
            "data": {"count": 3},
        })
    );
}
