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
        assert_eq!(accepted(&Command::ProfileSet { video: tall }), ok, "{size}");
        assert_eq!(accepted(&Command::ProfileSet { video: wide }), ok, "{size}");
    }
    for (fps, ok) in [(0, false), (1, true), (60, true), (61, false)] {
        let video = VideoSettings {
            fps,
            ..video(1_000_000)
        };
        assert_eq!(accepted(&Command::ProfileSet { video }), ok, "{fps}");
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
        assert_eq!(accepted(&Command::ProfileSet { video }), ok, "{gop_s}");
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
        assert_eq!(
            accepted(&Command::ProfileSet {
                video: video(bitrate)
            }),
            ok,
            "{bitrate}"
        );
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
        Command::ProfileSet {
            video: setup().main,
        },
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
    assert!(accepted(&Command::ProfileSet { video }));
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
