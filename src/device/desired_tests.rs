use serde_json::json;

use super::*;
use crate::config::{GroupName, Secret};
use crate::device::command::Command;
use crate::device::control::{ControlInfo, ControlKind, ControlName};
use crate::device::event::{Event, HardwareEvent, MediaEvent, Rendition};
use crate::device::policy::decide as ask;
use crate::device::status::Status;
use crate::device::testing::{Rig, name, setup, video};

pub(in crate::device) fn apply(version: u64, settings: Value) -> Command {
    Command::DesiredApply { version, settings }
}

fn report(rig: &Rig) -> crate::device::settings::DesiredReport {
    Status::of(&rig.state).desired.unwrap()
}

/// Path and code of each error.
fn errors(rig: &Rig) -> Vec<(String, String)> {
    let errors = report(rig).errors;
    for e in &errors {
        assert!(
            e.message.ends_with('.') || e.message.ends_with('?'),
            "{}",
            e.message
        );
        assert!(!e.message.contains("canary"), "{}", e.message);
    }
    errors.into_iter().map(|e| (e.path, e.code)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let own = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    expected.iter().map(own).collect()
}

#[test]
fn each_key_is_applied_and_all_are_saved_once() {
    let mut rig = Rig::up();
    let effects = rig.order(apply(
        42,
        json!({
            "live": true,
            "profile": "480p30",
            "bitrate": 900_000,
            "audio": {"muted": true, "gain_db": -3, "offset_ms": 120},
            "mic": {"percent": 60, "on": true},
            "camera": {"brightness": 12, "auto": false, "line": "50 Hz"},
            "destinations": {
                "fair": {"url": "rtmp://a.example/live", "key": "canary-1", "max_bitrate": 700_000},
                "twitch": {"enabled": false},
            },
            "groups": ["north", "shops"],
        }),
    ));
    assert_eq!(report(&rig).version, 42);
    assert_eq!(errors(&rig), []);
    let saves = effects.iter().filter(|e| matches!(e, Effect::Persist(_)));
    assert_eq!(saves.count(), 1);
    assert_eq!(effects[0], Effect::Persist(rig.state.wanted.clone()));
    assert_eq!(rig.state.wanted.revision, 1);
    let wanted = &rig.state.wanted;
    assert!(wanted.live && wanted.muted);
    let made = rig.state.wanted_video();
    assert_eq!((made.width, made.height, made.bitrate), (854, 480, 900_000));
    assert_eq!((wanted.gain_db, wanted.offset_ms), (Some(-3.0), Some(120)));
    assert_eq!((wanted.mic_percent, wanted.mic_on), (Some(60), Some(true)));
    assert_eq!(wanted.camera_controls.len(), 3);
    assert_eq!(wanted.added[&name("fair")].key, Secret::new("canary-1"));
    assert!(!wanted.destinations[&name("twitch")]);
    let groups = Status::of(&rig.state).groups;
    assert_eq!(
        groups.iter().map(GroupName::as_str).collect::<Vec<_>>(),
        ["north", "shops"]
    );
    for effect in [
        Effect::SetMute(true),
        Effect::SetGain(-3.0),
        Effect::SetAudioOffset(120),
        Effect::OpenDestination(name("fair")),
        Effect::OpenDestination(name("youtube")),
    ] {
        assert!(effects.contains(&effect), "{effect:?} in {effects:?}");
    }
    assert!(!effects.contains(&Effect::OpenDestination(name("twitch"))));
}

#[test]
fn what_is_wrong_is_named_with_its_path_and_the_rest_is_applied() {
    let mut rig = Rig::up();
    rig.order(apply(
        1,
        json!({
            "live": "canary",
            "lives": 1,
            "profile": "4k",
            "bitrate": 800_000,
            "audio": {"muted": true, "gain_db": 99, "gain": 1, "offset_ms": "canary"},
            "mic": 7,
            "camera": {"Bright ness": 1, "zoom": [1], "tilt": 3},
            "destinations": {
                "BAD NAME": {},
                "fair": {"url": "http://canary", "key": "canary-1"},
                "gone": null,
                "keyless": {"url": "rtmp://a.example/live"},
                "placeless": {"key": "canary-1"},
                "youtube": {"enabled": false, "key": "canary-1"},
                "twitch": null,
            },
            "groups": ["north", "NORTH", "north", 3],
        }),
    ));
    assert_eq!(
        errors(&rig),
        pairs(&[
            ("lives", "unknown_setting"),
            ("live", "invalid"),
            ("profile", "invalid"),
            ("audio.gain", "unknown_setting"),
            ("audio.offset_ms", "invalid"),
            ("mic", "invalid"),
            ("camera.Bright ness", "unknown_control"),
            ("camera.zoom", "invalid"),
            ("destinations.BAD NAME", "invalid"),
            ("destinations.fair.url", "invalid"),
            ("destinations.keyless.key", "invalid"),
            ("destinations.placeless.url", "invalid"),
            ("destinations.youtube.key", "configured"),
            ("groups.1", "invalid"),
            ("groups.2", "invalid"),
            ("groups.3", "invalid"),
            ("audio.gain_db", "out_of_range"),
            ("destinations.twitch", "configured"),
        ])
    );
    let wanted = &rig.state.wanted;
    assert!(wanted.muted && !wanted.live && wanted.added.is_empty());
    assert_eq!(rig.state.wanted_video().bitrate, 800_000);
    assert_eq!(wanted.camera_controls.len(), 1);
    assert_eq!(rig.state.destination_enabled(&name("youtube")), Some(false));
    assert_eq!(wanted.groups.len(), 1);
}

#[test]
fn versions_only_rise_and_the_whole_must_be_an_object_of_bounded_size() {
    let mut rig = Rig::up();
    let many: serde_json::Map<_, _> = (0..65).map(|n| (format!("k{n}"), json!(1))).collect();
    for settings in [
        json!([1]),
        json!(null),
        json!("canary"),
        Value::Object(many.clone()),
        json!({"camera": many}),
        json!({"a": {"b": {"c": {"d": 1}}}}),
        json!({"a": "x".repeat(5000)}),
        json!({"groups": vec![1; 65]}),
    ] {
        let command = apply(3, settings);
        let Decision::Deny(denial) = ask(&rig.state, &command, Origin::Mqtt) else {
            panic!("{command:?}")
        };
        assert_eq!(denial.code, DenialCode::Invalid);
        assert!(rig.order(command).is_empty());
    }
    assert!(rig.state.wanted.desired.is_none());
    let zero = ask(&rig.state, &apply(0, json!({})), Origin::Mqtt);
    assert!(matches!(zero, Decision::Deny(_)), "{zero:?}");
    assert!(!rig.order(apply(7, json!({"live": true}))).is_empty());
    for old in [1, 7] {
        let command = apply(old, json!({"live": false}));
        let Decision::Ignore(how) = ask(&rig.state, &command, Origin::Mqtt) else {
            panic!("{old}")
        };
        assert!(
            how.contains(&old.to_string()) && how.contains("version 7"),
            "{how}"
        );
        assert!(rig.order(command).is_empty());
    }
    assert!(!rig.order(apply(u64::MAX, json!({}))).is_empty());
    assert_eq!(report(&rig).version, u64::MAX);
    assert!(
        rig.order(apply(u64::MAX, json!({"live": false})))
            .is_empty()
    );
    assert!(rig.state.wanted.live);
}

#[test]
fn picture_numbers_belong_together() {
    let made = |settings: Value| {
        let mut rig = Rig::up();
        rig.order(apply(1, settings));
        let v = rig.state.wanted_video().clone();
        (errors(&rig), (v.width, v.height, v.fps, v.bitrate))
    };
    let as_before = (1280, 720, 30, 2_500_000);
    let (wrong, v) = made(json!({"video": {"width": 640, "height": 360, "fps": 25}}));
    assert_eq!((wrong.as_slice(), v), (&[][..], (640, 360, 25, 2_500_000)));
    let (wrong, v) = made(json!({"video": {"width": 640, "height": "x"}}));
    assert_eq!(
        (wrong, v),
        (pairs(&[("video.height", "invalid")]), as_before)
    );
    let (wrong, v) = made(json!({"video": {"width": 641}, "bitrate": 600_000}));
    assert_eq!((wrong, v), (pairs(&[("video", "out_of_range")]), as_before));
    let (wrong, v) = made(json!({"video": {"width": 640}, "profile": "480p30"}));
    assert_eq!((wrong, v), (pairs(&[("video", "invalid")]), as_before));
    let (wrong, v) = made(json!({"profile": "1080p30", "bitrate": 1}));
    assert_eq!(wrong, pairs(&[("bitrate", "out_of_range")]));
    assert_eq!(v, (1920, 1080, 30, 4_500_000));
}

#[test]
fn destinations_are_changed_in_part_and_removed_to_make_room() {
    let mut rig = Rig::up();
    let all: serde_json::Map<_, _> = (0..16)
        .map(|n| {
            let it =
                json!({"url": "rtmp://a.example/live", "key": "canary-1", "max_bitrate": 500_000});
            (format!("z{n}"), it)
        })
        .collect();
    rig.order(apply(1, json!({"destinations": all})));
    assert_eq!(errors(&rig), []);
    rig.order(apply(
        2,
        json!({"destinations": {
            "new": {"url": "rtmp://b.example/live", "key": "canary-2"},
            "z1": null,
            "z2": {"max_bitrate": null},
            "z3": {"enabled": false},
            "z4": {"url": "rtmp://bad host/live", "key": "canary-9", "enabled": false},
            "more": {"url": "rtmp://b.example/live", "key": "canary-2"},
        }}),
    ));
    let wrong = pairs(&[
        ("destinations.z4.url", "invalid"),
        ("destinations.new", "too_many"),
    ]);
    assert_eq!(errors(&rig), wrong, "one went, two came, in their order");
    let added = &rig.state.wanted.added;
    assert!(added.contains_key(&name("more")) && !added.contains_key(&name("z1")));
    assert_eq!(added[&name("z2")].max_bitrate, None);
    let (z3, z4) = (&added[&name("z3")], &added[&name("z4")]);
    assert_eq!((z3.enabled, z3.max_bitrate), (false, Some(500_000)));
    assert_eq!(
        (z4.enabled, z4.key.expose()),
        (false, "canary-1"),
        "no new key for an old place"
    );
}

#[test]
fn a_control_that_is_null_goes_back_to_its_default() {
    let mut rig = Rig::up();
    let zoom = ControlInfo {
        control: ControlName::new("zoom").unwrap(),
        label: "Zoom".into(),
        kind: ControlKind::Number {
            min: 0,
            max: 9,
            step: 1,
        },
        default: 1,
        value: Some(1),
        writable: true,
        active: true,
    };
    let is = |value| ControlInfo {
        value: Some(value),
        ..zoom.clone()
    };
    rig.hardware(HardwareEvent::CameraControls(vec![is(1)]));
    rig.order(apply(1, json!({"camera": {"zoom": 5}})));
    rig.hardware(HardwareEvent::CameraControls(vec![is(5)]));
    let effects = rig.order(apply(2, json!({"camera": {"zoom": null, "tilt": 3}})));
    assert_eq!(errors(&rig), pairs(&[("camera.tilt", "unknown_control")]));
    let back = Effect::SetCameraControl {
        control: zoom.control.clone(),
        value: 1,
    };
    assert!(effects.contains(&back), "{effects:?}");
    assert!(rig.state.wanted.camera_controls.is_empty());
}

#[test]
fn what_is_reported_is_what_is_in_force_and_changes_nothing_when_sent_back() {
    let mut rig = Rig::up();
    rig.order(apply(
        1,
        json!({
            "live": true,
            "video": {"width": 640, "height": 360, "gop_s": 1.5, "bitrate": 700_000},
            "audio": {"gain_db": -4.5},
            "mic": {"percent": 40},
            "camera": {"tilt": 3},
            "destinations": {"fair": {"url": "rtmp://a.example:1935/live/", "key": "canary-1"}},
            "groups": ["north"],
        }),
    ));
    for passthrough in [false, true] {
        if passthrough {
            rig.state.setup.passthrough = true;
            rig.media(MediaEvent::EncoderUp {
                rendition: Rendition::Main,
                encoder: "passthrough".into(),
            });
        }
        let settings = Status::of(&rig.state).settings();
        let text = serde_json::to_string(&settings).unwrap();
        assert!(!text.contains("canary") && !text.contains("key"), "{text}");
        let json: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["profile"], "custom");
        assert_eq!(json["video"]["width"], 640);
        assert_eq!(json["audio"]["gain_db"], -4.5);
        assert_eq!(json["destinations"]["fair"]["url"], "rtmp://a.example/live");
        assert_eq!(json["destinations"]["twitch"]["max_bitrate"], 2_000_000);
        let before = rig.state.wanted.clone();
        rig.order(apply(2 + u64::from(passthrough), json));
        assert_eq!(errors(&rig), []);
        assert_eq!(shows(&rig.state.wanted), shows(&before));
        assert!(rig.state.wanted.trial == before.trial);
    }
}

#[test]
fn named_numbers_are_reported_by_name_and_a_box_without_sound_reports_none() {
    let mut plan = setup();
    plan.audio = false;
    plan.main = video(3_000_000);
    let state = State::new(plan, Wanted::new(false));
    let settings = Status::of(&state).settings();
    assert_eq!(settings.profile, Some(crate::config::Profile::P720));
    assert_eq!((settings.video, settings.bitrate), (None, Some(3_000_000)));
    assert_eq!((settings.audio, settings.mic), (None, None));
}

#[test]
fn a_person_may_say_the_opposite_later_and_the_version_stays() {
    let mut rig = Rig::up();
    rig.order(apply(5, json!({"live": true})));
    rig.order(Command::LiveStop);
    rig.event(Event::Persisted {
        revision: 2,
        error: None,
    });
    assert_eq!(report(&rig).version, 5);
    assert_eq!(Status::of(&rig.state).settings().live, Some(false));
    assert_eq!(Status::of(&rig.state).revision, 2);
}
