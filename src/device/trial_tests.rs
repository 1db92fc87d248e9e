use serde_json::json;

use super::*;
use crate::device::command::Command;
use crate::device::control::{ControlInfo, ControlKind, ControlName};
use crate::device::event::{Event, HardwareEvent};
use crate::device::health::Severity;
use crate::device::settings::DesiredReport;
use crate::device::status::Status;
use crate::device::testing::{Rig, name, secs, setup};

fn apply(version: u64, settings: serde_json::Value) -> Command {
    Command::DesiredApply { version, settings }
}

fn report(rig: &Rig) -> DesiredReport {
    Status::of(&rig.state).desired.unwrap()
}

fn core(wanted: &Wanted) -> Wanted {
    Wanted {
        revision: 0,
        desired: None,
        trial: None,
        ..wanted.clone()
    }
}

/// Up and live, with frames, and with something wanted of everything.
fn flowing() -> Rig {
    let mut rig = Rig::up();
    rig.hardware(HardwareEvent::CameraControls(vec![zoom(2)]));
    rig.order(Command::LiveStart);
    rig.order(Command::AudioGain { gain_db: 2.0 });
    rig.order(Command::CameraControl {
        control: zoom(2).control,
        value: crate::device::control::ControlValue::Number(2),
    });
    rig.run_to(secs(5));
    rig
}

fn zoom(value: i64) -> ControlInfo {
    ControlInfo {
        control: ControlName::new("zoom").unwrap(),
        label: "Zoom".into(),
        kind: ControlKind::Number {
            min: 0,
            max: 9,
            step: 1,
        },
        default: 0,
        value: Some(value),
        writable: true,
        active: true,
    }
}

fn everything() -> serde_json::Value {
    json!({
        "live": false,
        "profile": "1080p30",
        "audio": {"muted": true, "gain_db": 9, "offset_ms": 400},
        "camera": {"zoom": 7},
        "destinations": {
            "fair": {"url": "rtmp://a.example/live", "key": "canary"},
            "youtube": {"enabled": false},
        },
        "groups": ["north"],
    })
}

#[test]
fn settings_that_stop_the_picture_are_taken_back() {
    let mut rig = flowing();
    let before = rig.state.wanted.clone();
    rig.order(apply(9, everything()));
    assert!(report(&rig).trial);
    rig.hardware(HardwareEvent::CameraControls(vec![zoom(7)]));
    let with = rig.state.wanted.clone();
    assert_ne!(core(&with), core(&before));
    rig.tick_to(secs(34));
    assert_eq!(core(&rig.state.wanted), core(&with), "not yet");
    let effects = rig.tick_to(secs(36));
    assert_eq!(core(&rig.state.wanted), core(&before));
    assert_eq!(rig.state.wanted.revision, with.revision + 1);
    let first = effects
        .iter()
        .position(|e| matches!(e, Effect::Persist(_)))
        .unwrap();
    assert_eq!(effects[first], Effect::Persist(rig.state.wanted.clone()));
    let after = &effects[first + 1..];
    for effect in [
        Effect::SetMute(false),
        Effect::SetGain(2.0),
        Effect::SetAudioOffset(0),
        Effect::SetCameraControl {
            control: zoom(0).control,
            value: 2,
        },
        Effect::ForgetDestination(name("fair")),
        Effect::OpenDestination(name("youtube")),
    ] {
        assert!(after.contains(&effect), "{effect:?} in {after:?}");
    }
    let small = after
        .iter()
        .any(|e| matches!(e, Effect::OpenEncoder { video, .. } if video.width == 1280));
    assert!(small, "{after:?}");
    let report = report(&rig);
    assert_eq!((report.version, report.trial), (9, false));
    let sentence = report.rolled_back.unwrap();
    assert!(
        sentence.contains("No picture went out for 30 s"),
        "{sentence}"
    );
    let last = report.errors.last().unwrap();
    assert_eq!(
        (last.path.as_str(), last.code.as_str()),
        ("", "rolled_back")
    );
    // The same again is not applied again, a newer one is.
    assert!(rig.order(apply(9, everything())).is_empty());
    assert!(!rig.order(apply(10, json!({"live": false}))).is_empty());
    assert!(
        Status::of(&rig.state)
            .desired
            .unwrap()
            .rolled_back
            .is_none()
    );
}

#[test]
fn people_are_told_for_ten_minutes_or_until_they_command() {
    let told = |rig: &Rig| {
        let (severity, sentence) = rig.health();
        let it = sentence.contains("The settings of version 3 were taken back.");
        assert!(!it || severity == Severity::Warning);
        it
    };
    let rolled_back = || {
        let mut rig = flowing();
        rig.order(apply(3, json!({"audio": {"muted": true}})));
        rig.tick_to(secs(40));
        rig.all_up();
        rig.encoder_up(crate::device::event::Rendition::Main);
        rig
    };
    let mut rig = rolled_back();
    assert!(told(&rig), "{:?}", rig.health());
    rig.order(Command::Identify);
    assert!(told(&rig), "that changes nothing");
    rig.order(Command::LiveStop);
    assert!(!told(&rig));
    let mut rig = rolled_back();
    rig.run_to(secs(30 + 599));
    assert!(told(&rig), "{:?}", rig.health());
    rig.run_to(secs(40 + 600));
    assert!(!told(&rig));
    assert!(report(&rig).rolled_back.is_some(), "it is still reported");
}

#[test]
fn with_frames_the_trial_ends_well() {
    let mut rig = flowing();
    rig.order(apply(1, everything()));
    rig.run_to(secs(124));
    assert!(report(&rig).trial);
    let with = rig.state.wanted.clone();
    let effects = rig.run_to(secs(127));
    assert!(!report(&rig).trial);
    assert_eq!(effects[0], Effect::Persist(rig.state.wanted.clone()));
    assert_eq!(core(&rig.state.wanted), core(&with));
    // What happens later has nothing to do with it.
    rig.tick_to(secs(300));
    assert_eq!(core(&rig.state.wanted), core(&with));
}

#[test]
fn a_gap_that_is_short_enough_is_none() {
    let mut rig = flowing();
    rig.order(apply(1, everything()));
    rig.tick_to(secs(30));
    rig.run_to(secs(110));
    // No frame at the end of the trial: it goes on until there is one.
    rig.tick_to(secs(130));
    assert!(report(&rig).trial);
    rig.run_to(secs(132));
    assert!(!report(&rig).trial && report(&rig).rolled_back.is_none());
}

#[test]
fn without_frames_before_there_is_no_trial_and_none_where_nothing_changes() {
    let mut rig = flowing();
    rig.tick_to(secs(10));
    rig.order(apply(1, everything()));
    assert!(!report(&rig).trial);
    rig.tick_to(secs(100));
    assert!(report(&rig).rolled_back.is_none());
    let mut rig = flowing();
    rig.order(apply(1, json!({"live": true, "groups": ["north"]})));
    assert!(!report(&rig).trial);
}

#[test]
fn further_settings_keep_the_older_before_and_begin_anew() {
    let mut rig = flowing();
    let before = rig.state.wanted.clone();
    rig.order(apply(1, everything()));
    rig.tick_to(secs(30));
    rig.order(apply(2, json!({"audio": {"gain_db": 5}})));
    rig.tick_to(secs(59));
    assert!(report(&rig).trial, "30 s from the newer ones");
    rig.tick_to(secs(61));
    assert_eq!(core(&rig.state.wanted), core(&before));
    assert_eq!(report(&rig).version, 2);
}

#[test]
fn a_person_who_commands_is_in_charge() {
    let mut rig = flowing();
    rig.order(apply(1, everything()));
    rig.order(Command::Identify);
    assert!(report(&rig).trial, "that changes nothing");
    rig.order(Command::AudioMute { muted: false });
    assert!(!report(&rig).trial);
    let with = rig.state.wanted.clone();
    rig.tick_to(secs(200));
    assert_eq!(rig.state.wanted, with);
}

fn start(wanted: &Wanted) -> (Rig, Vec<Effect>) {
    let (state, effects) = State::new(setup(), wanted.clone()).start(secs(0));
    (Rig { state }, effects)
}

#[test]
fn a_trial_outlives_one_start_and_the_second_ends_it() {
    let mut rig = flowing();
    let before = rig.state.wanted.clone();
    rig.order(apply(1, everything()));
    let with = rig.state.wanted.clone();
    let (mut once, effects) = start(&with);
    assert_eq!(effects[0], Effect::Persist(once.state.wanted.clone()));
    assert!(report(&once).trial);
    assert_eq!(core(&once.state.wanted), core(&with));
    let saved = once.state.wanted.clone();
    // No frame in 30 s: back.
    once.tick_to(secs(31));
    assert_eq!(core(&once.state.wanted), core(&before));
    // With frames it ends well.
    let (mut well, _) = start(&with);
    well.run_to(secs(122));
    assert!(!report(&well).trial);
    assert_eq!(core(&well.state.wanted), core(&with));
    // A second start: back at once, before anything is begun with them.
    let (twice, effects) = start(&saved);
    assert_eq!(core(&twice.state.wanted), core(&before));
    assert_eq!(effects[0], Effect::Persist(twice.state.wanted.clone()));
    assert!(!effects.contains(&Effect::SetMute(true)), "{effects:?}");
    assert!(effects.contains(&Effect::SetGain(2.0)));
    assert!(effects.contains(&Effect::OpenDestination(name("youtube"))));
    assert!(
        !effects
            .iter()
            .any(|e| matches!(e, Effect::SetDestination(_) | Effect::ForgetDestination(_)))
    );
    let report = report(&twice);
    assert_eq!((report.version, report.trial), (1, false));
    assert!(report.rolled_back.unwrap().contains("ended twice"));
    let (again, _) = start(&twice.state.wanted);
    assert_eq!(
        again.state.wanted, twice.state.wanted,
        "nothing is left to take back"
    );
}

#[test]
fn time_in_which_the_machine_stood_still_stops_no_picture() {
    let mut rig = flowing();
    rig.order(apply(1, everything()));
    rig.flow();
    rig.event(Event::Tick(secs(500)));
    assert!(report(&rig).trial);
    rig.tick_to(secs(528));
    assert!(report(&rig).trial);
    rig.tick_to(secs(531));
    assert!(report(&rig).rolled_back.is_some());
}
