//! A table of commands and what becomes of each, on a box that is up and not live.

use super::*;
use crate::config::H264Profile;
use crate::device::testing::{Rig, name, setup, video};

fn decided(command: &Command) -> Decision {
    decide(&Rig::up().state, command, Origin::Mqtt)
}

fn accepted(command: &Command) -> bool {
    decided(command) == Decision::Accept
}

fn code(command: &Command) -> Option<DenialCode> {
    match decided(command) {
        Decision::Deny(denial) => {
            assert!(
                denial.message.ends_with('.') && !denial.message.contains('\n'),
                "{denial:?}"
            );
            Some(denial.code)
        }
        _ => None,
    }
}

fn ignored(command: &Command) -> bool {
    matches!(decided(command), Decision::Ignore(_))
}

#[test]
fn numbers_are_accepted_up_to_their_bounds_and_no_further() {
    let sizes = [
        (15, false),
        (16, true),
        (17, false),
        (3840, true),
        (3842, false),
        (0, false),
    ];
    for (size, ok) in sizes {
        let tall = VideoSettings {
            height: size,
            ..video(1_000_000)
        };
        let wide = VideoSettings {
            width: size,
            ..video(1_000_000)
        };
        assert_eq!(
            accepted(&Command::ProfileSet {
                profile: None,
                bitrate: None,
                video: Some(tall)
            }),
            ok,
            "{size}"
        );
        assert_eq!(
            accepted(&Command::ProfileSet {
                profile: None,
                bitrate: None,
                video: Some(wide)
            }),
            ok,
            "{size}"
        );
    }
    for (fps, ok) in [(0, false), (1, true), (60, true), (61, false)] {
        let video = VideoSettings {
            fps,
            ..video(1_000_000)
        };
        assert_eq!(
            accepted(&Command::ProfileSet {
                profile: None,
                bitrate: None,
                video: Some(video)
            }),
            ok,
            "{fps}"
        );
    }
    let gops = [
        (0.49, false),
        (0.5, true),
        (10.0, true),
        (10.1, false),
        (f32::NAN, false),
        (f32::INFINITY, false),
    ];
    for (gop_s, ok) in gops {
        let video = VideoSettings {
            gop_s,
            ..video(1_000_000)
        };
        assert_eq!(
            accepted(&Command::ProfileSet {
                profile: None,
                bitrate: None,
                video: Some(video)
            }),
            ok,
            "{gop_s}"
        );
    }
    let rates = [
        (49_999, false),
        (50_000, true),
        (50_000_000, true),
        (50_000_001, false),
        (0, false),
        (u32::MAX, false),
    ];
    for (bitrate, ok) in rates {
        assert_eq!(accepted(&Command::BitrateSet { bitrate }), ok, "{bitrate}");
        assert_eq!(accepted(&Command::video(video(bitrate))), ok, "{bitrate}");
    }
    let gains = [
        (-60.0, true),
        (30.0, true),
        (-60.1, false),
        (30.1, false),
        (f32::NAN, false),
        (f32::NEG_INFINITY, false),
    ];
    for (gain_db, ok) in gains {
        assert_eq!(accepted(&Command::AudioGain { gain_db }), ok, "{gain_db}");
    }
    let offsets = [
        (-2000, true),
        (2000, true),
        (-2001, false),
        (2001, false),
        (i32::MIN, false),
    ];
    for (offset_ms, ok) in offsets {
        assert_eq!(
            accepted(&Command::AudioOffset { offset_ms }),
            ok,
            "{offset_ms}"
        );
    }
    assert_eq!(
        code(&Command::AudioOffset { offset_ms: 2001 }),
        Some(DenialCode::OutOfRange)
    );
}

#[test]
fn what_is_so_already_is_ignored() {
    for command in [
        Command::LiveStop,
        Command::DestinationEnable {
            destination: name("youtube"),
            enabled: true,
        },
        Command::DestinationEnable {
            destination: name("spare"),
            enabled: false,
        },
        Command::video(setup().main),
        Command::BitrateSet {
            bitrate: setup().main.bitrate,
        },
        Command::AudioMute { muted: false },
        Command::AudioGain { gain_db: 0.0 },
        Command::AudioOffset { offset_ms: 0 },
    ] {
        assert!(ignored(&command), "{command:?}");
    }
    for command in [Command::LiveStart, Command::Identify, Command::Shutdown] {
        assert!(accepted(&command), "{command:?}");
    }
    let video = VideoSettings {
        h264_profile: H264Profile::High,
        ..setup().main
    };
    assert!(accepted(&Command::ProfileSet {
        profile: None,
        bitrate: None,
        video: Some(video)
    }));
}

#[test]
fn an_unknown_destination_is_denied_with_the_known_ones() {
    let command = Command::DestinationEnable {
        destination: name("yuotube"),
        enabled: true,
    };
    assert_eq!(code(&command), Some(DenialCode::UnknownDestination));
    let Decision::Deny(denial) = decided(&command) else {
        panic!()
    };
    assert_eq!(
        denial.message,
        "There is no destination named yuotube. Choose one of: spare, twitch, youtube."
    );
}

#[test]
fn sound_commands_need_a_sound_track() {
    let mut plan = setup();
    plan.audio = false;
    let (rig, _) = Rig::new(plan, false);
    for command in [
        Command::AudioMute { muted: true },
        Command::AudioGain { gain_db: 3.0 },
        Command::AudioOffset { offset_ms: 3 },
    ] {
        let Decision::Deny(denial) = decide(&rig.state, &command, Origin::Web) else {
            panic!("{command:?}")
        };
        assert_eq!(denial.code, DenialCode::NoAudio);
        assert!(!denial.code.retryable());
    }
}

#[test]
fn an_ending_box_takes_no_orders() {
    let mut rig = Rig::up();
    rig.order(Command::Shutdown);
    assert!(matches!(
        decide(&rig.state, &Command::Shutdown, Origin::Signal),
        Decision::Ignore(_)
    ));
    for command in [Command::LiveStart, Command::Identify, Command::LiveStop] {
        assert!(matches!(
            decide(&rig.state, &command, Origin::Signal),
            Decision::Deny(d) if d.code == DenialCode::ShuttingDown
        ));
    }
}

mod devices {
    use super::*;
    use crate::device::control::{ControlInfo, ControlKind, ControlName, ControlValue};
    use crate::device::event::HardwareEvent;

    fn control(s: &str) -> ControlName {
        ControlName::new(s).unwrap()
    }

    fn wish(name: &str, value: i64) -> Command {
        Command::CameraControl {
            control: control(name),
            value: ControlValue::Number(value),
        }
    }

    fn info(name: &str) -> ControlInfo {
        ControlInfo {
            control: control(name),
            label: name.into(),
            kind: ControlKind::Number {
                min: 0,
                max: 100,
                step: 1,
            },
            default: 50,
            value: Some(50),
            writable: true,
            active: true,
        }
    }

    fn with(infos: Vec<ControlInfo>) -> Rig {
        let mut rig = Rig::up();
        rig.hardware(HardwareEvent::CameraControls(infos));
        rig
    }

    fn denied(rig: &Rig, command: &Command) -> (DenialCode, String) {
        match decide(&rig.state, command, Origin::Mqtt) {
            Decision::Deny(d) => (d.code, d.message),
            other => panic!("{command:?}: {other:?}"),
        }
    }

    #[test]
    fn an_unknown_control_is_denied_with_the_nearest_and_the_known_ones() {
        let rig = with(vec![info("brightness"), info("contrast")]);
        let expected = "The camera has no control named britness. Did you mean brightness? It has: brightness, contrast.";
        for command in [
            wish("britness", 1),
            Command::CameraControlReset {
                control: Some(control("britness")),
            },
        ] {
            assert_eq!(
                denied(&rig, &command),
                (DenialCode::UnknownControl, expected.into())
            );
        }
        let (_, message) = denied(&rig, &wish("zoom", 1));
        assert!(!message.contains("Did you mean"), "{message}");
        let (_, message) = denied(&with(Vec::new()), &wish("zoom", 1));
        assert!(
            message.starts_with("This camera has no controls"),
            "{message}"
        );
    }

    #[test]
    fn values_are_checked_against_the_camera() {
        let mut fixed = info("zoom");
        fixed.writable = false;
        let mut governed = info("exposure");
        governed.active = false;
        let rig = with(vec![info("brightness"), fixed, governed]);
        let decide = |c: &Command| decide(&rig.state, c, Origin::Mqtt);
        assert_eq!(decide(&wish("brightness", 100)), Decision::Accept);
        assert_eq!(
            decide(&wish("brightness", 50)),
            Decision::Accept,
            "kept from now on"
        );
        assert!(matches!(decide(&wish("exposure", 3)), Decision::Keep(_)));
        assert_eq!(
            denied(&rig, &wish("brightness", 101)),
            (
                DenialCode::OutOfRange,
                "brightness cannot be 101. Choose a number from 0 to 100.".into()
            )
        );
        assert_eq!(denied(&rig, &wish("zoom", 3)).0, DenialCode::ReadOnly);
    }

    #[test]
    fn wishes_are_bounded_in_number_and_length() {
        let mut rig = Rig::up();
        for n in 0..MAX_WANTED_CONTROLS {
            rig.order(wish(&format!("c{n}"), 1));
        }
        assert_eq!(rig.state.wanted.camera_controls.len(), MAX_WANTED_CONTROLS);
        assert_eq!(denied(&rig, &wish("one_more", 1)).0, DenialCode::TooMany);
        let again = decide(&rig.state, &wish("c1", 2), Origin::Mqtt);
        assert!(matches!(again, Decision::Keep(_)));
        for text in ["x".repeat(MAX_CHOICE + 1), "a\nb".into()] {
            let command = Command::CameraControl {
                control: control("c1"),
                value: ControlValue::Choice(text),
            };
            assert_eq!(denied(&rig, &command).0, DenialCode::OutOfRange);
        }
    }

    #[test]
    fn the_microphone_has_its_bounds_too() {
        let mut rig = Rig::up();
        let volume = |percent| Command::MicVolume { percent };
        assert_eq!(denied(&rig, &volume(101)).0, DenialCode::OutOfRange);
        rig.hardware(HardwareEvent::MicMixer {
            percent: Some(70),
            on: None,
        });
        assert_eq!(
            decide(&rig.state, &volume(100), Origin::Mqtt),
            Decision::Accept
        );
        rig.order(volume(70));
        let same = decide(&rig.state, &volume(70), Origin::Mqtt);
        assert!(matches!(same, Decision::Ignore(_)));
        let mut plan = setup();
        plan.audio = false;
        let (rig, _) = Rig::new(plan, false);
        assert_eq!(denied(&rig, &volume(50)).0, DenialCode::NoAudio);
    }
}
