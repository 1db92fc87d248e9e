//! A table of situations: what is so, and what is said of it. Each row adds to a live box on which all is well.

use super::{LedPattern, Severity, health};
use crate::device::command::Command;
use crate::device::event::*;
use crate::device::led::Trouble;
use crate::device::mishaps::{away, camera, encoder, key, level, live, mic, unsaved};
use crate::device::testing::{Rig, name, secs, setup};

type Setting = fn(&mut Rig);

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
