//! A table of situations: what is so, and what is said of it. Each row adds to a live box on which all is well.

use super::{LedPattern, Severity, health, slate_sentence};
use crate::device::command::Command;
use crate::device::event::*;
use crate::device::led::Trouble;
use crate::device::testing::{Rig, name, secs, setup};

type Setting = fn(&mut Rig);

fn live() -> Rig {
    let mut rig = Rig::up();
    rig.order(Command::LiveStart);
    rig.all_up();
    rig
}

fn camera(rig: &mut Rig) {
    rig.media(MediaEvent::CameraLost {
        reason: "Camera was unplugged".into(),
    });
}

fn encoder(rig: &mut Rig) {
    for e in ["v4l2h264enc", "x264enc", "openh264enc"] {
        rig.encoder_fails(e);
    }
}

fn key(rig: &mut Rig) {
    rig.destination(
        "youtube",
        DestinationState::KeyRejected {
            reason: "NetStream.Publish.BadName".into(),
        },
    );
}

fn away(rig: &mut Rig, who: &[&str]) {
    for n in who {
        rig.destination(
            n,
            DestinationState::Waiting {
                reason: "the connection broke".into(),
                retry_ms: 1,
            },
        );
    }
}

fn mic(rig: &mut Rig) {
    rig.media(MediaEvent::MicLost {
        reason: "USB Audio was unplugged".into(),
    });
}

fn level(rig: &mut Rig, state: LevelState) {
    rig.media(MediaEvent::Levels {
        channels: Vec::new(),
        state,
    });
}

fn unsaved(rig: &mut Rig) {
    rig.event(Event::Persisted {
        error: Some("No space left on device".into()),
    });
}

#[test]
fn every_situation_has_its_sentence() {
    use LedPattern::*;
    use Severity::*;
    let table: &[(Setting, Severity, LedPattern, &str)] = &[
        (|_| (), Ok, Live, "Live to twitch and youtube."),
        (
            |r| drop(r.order(Command::LiveStop)),
            Ok,
            Ready,
            "Ready. Not live.",
        ),
        (
            |r| drop(r.order(Command::Shutdown)),
            Notice,
            Booting,
            "Shutting down.",
        ),
        (
            |r| drop(r.order(Command::Identify)),
            Ok,
            Identify,
            "Live to twitch and youtube.",
        ),
        (
            camera,
            Problem,
            Error(Trouble::Camera),
            "No camera picture: Camera was unplugged. Plug it in again.",
        ),
        (
            |r| {
                drop(r.media(MediaEvent::CameraLost {
                    reason: "/dev/video0 is used by ffmpeg. Stop ffmpeg.".into(),
                }));
            },
            Problem,
            Error(Trouble::Camera),
            "No camera picture: /dev/video0 is used by ffmpeg. Stop ffmpeg.",
        ),
        (
            |r| {
                drop(r.media(MediaEvent::CameraLost {
                    reason: "it did not answer within 10 s".into(),
                }));
            },
            Problem,
            Error(Trouble::Camera),
            "No camera picture: it did not answer within 10 s. Check the camera and its cable.",
        ),
        (
            encoder,
            Problem,
            Error(Trouble::Camera),
            "The picture cannot be encoded: device busy. Choose a smaller picture, or restart the box.",
        ),
        (
            |r| drop(r.encoder_fails("v4l2h264enc")),
            Warning,
            Degraded,
            "The encoder failed and another begins: device busy.",
        ),
        (
            |r| {
                r.media(MediaEvent::EncoderFailed {
                    rendition: Rendition::Sub,
                    encoder: "v4l2h264enc".into(),
                    reason: "out of memory".into(),
                });
            },
            Warning,
            Degraded,
            "The small picture cannot be encoded: out of memory. Set sub.enabled to false if it is not needed.",
        ),
        (
            key,
            Problem,
            Error(Trouble::Server),
            "youtube refuses the stream key. Check the key.",
        ),
        (
            |r| {
                key(r);
                r.destination(
                    "twitch",
                    DestinationState::KeyRejected {
                        reason: "no".into(),
                    },
                );
            },
            Problem,
            Error(Trouble::Server),
            "twitch and youtube refuse their stream keys. Check the keys.",
        ),
        (
            |r| away(r, &["youtube"]),
            Warning,
            Degraded,
            "The stream does not reach youtube: the connection broke. The box tries again by itself; check the network.",
        ),
        (
            |r| away(r, &["youtube", "twitch"]),
            Problem,
            Error(Trouble::Network),
            "The stream does not reach twitch and youtube: the connection broke. The box tries again by itself; check the network.",
        ),
        (
            unsaved,
            Warning,
            Degraded,
            "Settings cannot be saved: No space left on device. Make room on the disk, or check its permissions.",
        ),
        (
            mic,
            Warning,
            Degraded,
            "No sound: USB Audio was unplugged. Check the microphone and its cable.",
        ),
        (
            |r| level(r, LevelState::Clipping),
            Warning,
            Degraded,
            "The sound is too loud and distorts. Turn the microphone down.",
        ),
        (
            |r| level(r, LevelState::Silent),
            Notice,
            Live,
            "Live to twitch and youtube; the microphone hears nothing. Check that it is switched on.",
        ),
        (
            |r| drop(r.order(Command::AudioMute { muted: true })),
            Notice,
            Live,
            "Live to twitch and youtube; the sound is muted.",
        ),
        (
            |r| drop(r.media(MediaEvent::BitrateAdvised(500_000))),
            Notice,
            Live,
            "Live to twitch and youtube, at reduced quality because the network is slow.",
        ),
        (
            |r| drop(r.destination("youtube", DestinationState::Connecting)),
            Notice,
            Live,
            "Connecting to youtube.",
        ),
        (
            |r| {
                for n in ["youtube", "twitch"] {
                    r.order(Command::DestinationEnable {
                        destination: name(n),
                        enabled: false,
                    });
                }
            },
            Notice,
            Ready,
            "Live, but no destination is enabled. Enable one, or watch over RTSP.",
        ),
        (
            |r| {
                // The picture goes on, the sound track does not.
                for n in 1..=12 {
                    let audio = r.state.actual.flow.audio;
                    r.event(Event::Tick(secs(n)));
                    r.media(MediaEvent::Flow {
                        main: 30 * n,
                        sub: 30 * n,
                        audio,
                    });
                }
            },
            Warning,
            Degraded,
            "The sound track has stopped. Restart the box if it does not come back.",
        ),
        (
            |r| drop(r.hardware(HardwareEvent::Temperature(82.0))),
            Warning,
            Degraded,
            "The box is hot, so its picture is smaller than wanted. Give it air and shade.",
        ),
        (
            |r| drop(r.hardware(HardwareEvent::Temperature(90.0))),
            Problem,
            Error(Trouble::Heat),
            "The box is too hot although its picture is at its smallest. Give it air and shade.",
        ),
        (
            |r| {
                drop(r.hardware(HardwareEvent::Button {
                    gesture: Gesture::VeryLong,
                    at: secs(0),
                }));
            },
            Notice,
            Confirm,
            "Press the button once more, shortly, within 10 s to forget all settings. To keep them, do nothing.",
        ),
        // The order: the first that is so is said.
        (
            |r| {
                camera(r);
                encoder(r);
            },
            Problem,
            Error(Trouble::Camera),
            "The picture cannot be encoded: device busy. Choose a smaller picture, or restart the box.",
        ),
        (
            |r| {
                key(r);
                camera(r);
            },
            Problem,
            Error(Trouble::Camera),
            "No camera picture: Camera was unplugged. Plug it in again.",
        ),
        (
            |r| {
                away(r, &["twitch"]);
                key(r);
            },
            Problem,
            Error(Trouble::Server),
            "youtube refuses the stream key. Check the key.",
        ),
        (
            |r| {
                mic(r);
                unsaved(r);
                away(r, &["twitch"]);
            },
            Warning,
            Degraded,
            "The stream does not reach twitch: the connection broke. The box tries again by itself; check the network.",
        ),
        (
            |r| {
                camera(r);
                r.order(Command::Shutdown);
            },
            Notice,
            Booting,
            "Shutting down.",
        ),
    ];
    for (n, (setting, severity, led, sentence)) in table.iter().enumerate() {
        let mut rig = live();
        setting(&mut rig);
        let health = health(&rig.state);
        assert_eq!(health.sentence, *sentence, "row {n}");
        assert_eq!((health.severity, health.led), (*severity, *led), "row {n}");
    }
}

#[test]
fn a_box_without_encoder_says_so_from_the_start() {
    let mut plan = setup();
    plan.encoders.clear();
    let (rig, _) = Rig::new(plan, false);
    let health = health(&rig.state);
    assert_eq!(health.severity, Severity::Problem);
    assert!(health.sentence.contains("boothcast doctor"), "{health:?}");
}

#[test]
fn the_sentence_does_not_flicker_while_a_camera_is_tried() {
    let mut rig = live();
    camera(&mut rig);
    let said = health(&rig.state);
    for _ in 0..100 {
        let next = rig.state.now + std::time::Duration::from_millis(100);
        rig.flow();
        rig.event(Event::Tick(next));
        assert_eq!(health(&rig.state), said);
    }
    assert_eq!(slate_sentence(&rig.state), Some(said.sentence));
}

#[test]
fn the_sentence_does_not_flip_while_a_server_is_tried_again() {
    let mut rig = Rig::up();
    rig.order(Command::LiveStart);
    rig.destination("twitch", DestinationState::Live);
    let first = rig.health();
    assert_eq!(
        first,
        (Severity::Notice, "Connecting to youtube.".into()),
        "nothing failed yet"
    );
    away(&mut rig, &["youtube"]);
    let said = health(&rig.state);
    assert_eq!(said.severity, Severity::Warning);
    assert!(said.sentence.contains("the connection broke"), "{said:?}");
    for _ in 0..3 {
        rig.destination("youtube", DestinationState::Connecting);
        assert_eq!(health(&rig.state), said);
        away(&mut rig, &["youtube"]);
        assert_eq!(health(&rig.state), said);
    }
    rig.destination("youtube", DestinationState::Connecting);
    rig.destination("youtube", DestinationState::Live);
    assert_eq!(rig.health().1, "Live to twitch and youtube.");
    rig.destination("youtube", DestinationState::Connecting);
    assert_eq!(rig.health(), first, "the old failure is forgotten");
}

#[test]
fn a_failure_is_forgotten_with_the_push_and_by_another_answer() {
    let mut rig = live();
    away(&mut rig, &["youtube"]);
    rig.order(Command::LiveStop);
    assert_eq!(rig.health().1, "Ready. Not live.");
    rig.order(Command::LiveStart);
    assert_eq!(rig.health().1, "Connecting to twitch and youtube.");
    away(&mut rig, &["youtube"]);
    key(&mut rig);
    rig.destination("youtube", DestinationState::Connecting);
    assert_eq!(rig.health().1, "Connecting to twitch and youtube.");
    away(&mut rig, &["youtube"]);
    rig.destination("youtube", DestinationState::Connecting);
    rig.destination(
        "youtube",
        DestinationState::Waiting {
            reason: "nobody answers".into(),
            retry_ms: 1,
        },
    );
    rig.destination("youtube", DestinationState::Connecting);
    let (_, sentence) = rig.health();
    assert!(sentence.contains("youtube: nobody answers."), "{sentence}");
}

#[test]
fn sentences_are_one_short_line_whatever_the_reason() {
    let mut rig = live();
    rig.media(MediaEvent::CameraLost {
        reason: "a\nb\r\0".repeat(1000),
    });
    let sentence = health(&rig.state).sentence;
    assert!(!sentence.chars().any(char::is_control));
    assert!(sentence.chars().count() < 300);
}

#[test]
fn a_server_that_refuses_is_told_from_a_network_that_fails() {
    for (reason, trouble) in [
        (
            "cannot connect to a.example:1935: connection refused",
            Trouble::Network,
        ),
        ("the name a.example cannot be resolved", Trouble::Network),
        (
            "waited 5 s in vain for the TLS handshake of a.example",
            Trouble::Network,
        ),
        ("the server has taken nothing for 10 s", Trouble::Network),
        (
            "connection reset by peer before the answer to connect came",
            Trouble::Network,
        ),
        (
            "the server said NetStream.Publish.BadName: busy",
            Trouble::Server,
        ),
        ("connection closed in answer to publish", Trouble::Server),
        (
            "the certificate of a.example is out of date",
            Trouble::Server,
        ),
        ("the server ended the stream", Trouble::Server),
    ] {
        let mut rig = live();
        for n in ["twitch", "youtube"] {
            rig.destination(
                n,
                DestinationState::Waiting {
                    reason: reason.into(),
                    retry_ms: 1,
                },
            );
        }
        let led = health(&rig.state).led;
        assert_eq!(led, LedPattern::Error(trouble), "{reason}");
    }
}

#[test]
fn a_box_that_is_not_live_never_looks_live() {
    let troubles: &[(Setting, LedPattern)] = &[
        (mic, LedPattern::Ready),
        (unsaved, LedPattern::Error(Trouble::Storage)),
        (|r| level(r, LevelState::Clipping), LedPattern::Ready),
        (camera, LedPattern::Error(Trouble::Camera)),
        (
            |r| drop(r.hardware(HardwareEvent::Temperature(81.0))),
            LedPattern::Ready,
        ),
    ];
    for (n, (setting, led)) in troubles.iter().enumerate() {
        let mut rig = Rig::up();
        setting(&mut rig);
        assert_eq!(health(&rig.state).led, *led, "row {n}");
    }
    let mut rig = Rig::up();
    rig.order(Command::LiveStart);
    assert_eq!(health(&rig.state).led, LedPattern::Connecting);
    mic(&mut rig);
    assert_eq!(health(&rig.state).led, LedPattern::Connecting);
}
