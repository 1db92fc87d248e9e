//! The rules of `step`, one by one: start, sources, encoders, time. Wishes and bitrate are in `wish_tests.rs`, long random
//! sequences in `properties.rs`.

use std::time::Duration;

use super::command::{Command, Origin};
use super::effect::Effect;
use super::encoder::Session;
use super::event::*;
use super::health::Severity;
use super::policy::{Decision, DenialCode, decide};
use super::source::Source;
use super::state::*;
use super::status::Status;
use super::testing::{Rig, name, secs, setup, video};
use crate::config::VideoSettings;

fn lost(reason: &str) -> MediaEvent {
    MediaEvent::CameraLost {
        reason: reason.into(),
    }
}

#[test]
fn start_opens_everything_once() {
    let (mut rig, effects) = Rig::new(setup(), true);
    assert_eq!(
        effects,
        [
            Effect::SlateText("The camera is starting.".into()),
            Effect::OpenEncoder {
                rendition: Rendition::Main,
                index: 0,
                video: video(2_500_000)
            },
            Effect::OpenEncoder {
                rendition: Rendition::Sub,
                index: 0,
                video: setup().sub.unwrap()
            },
            Effect::OpenCamera,
            Effect::OpenMic,
            Effect::ShowStage(Box::default()),
            Effect::OpenDestination(name("twitch")),
            Effect::OpenDestination(name("youtube")),
        ]
    );
    let (again, none) = rig.state.clone().start(secs(1));
    assert!(none.is_empty());
    assert_eq!(again, rig.state);
    assert_eq!(rig.health().0, Severity::Notice);
    rig.all_up();
    assert_eq!(
        rig.health(),
        (Severity::Ok, "Live to twitch and youtube.".into())
    );
}

#[test]
fn start_gives_what_was_changed_by_command_before() {
    let mut wanted = Wanted::new(false);
    wanted.muted = true;
    wanted.gain_db = Some(6.0);
    wanted.offset_ms = Some(-80);
    wanted.video = Some(video(1_000_000));
    let (_, effects) = State::new(setup(), wanted).start(secs(0));
    for expected in [
        Effect::SetMute(true),
        Effect::SetGain(6.0),
        Effect::SetAudioOffset(-80),
        Effect::OpenEncoder {
            rendition: Rendition::Main,
            index: 0,
            video: video(1_000_000),
        },
    ] {
        assert!(effects.contains(&expected), "{expected:?} in {effects:?}");
    }
}

#[test]
fn impossible_saved_values_follow_the_configuration() {
    let mut wanted = Wanted::new(false);
    wanted.gain_db = Some(1e9);
    wanted.offset_ms = Some(i32::MIN);
    wanted.video = Some(VideoSettings {
        width: 0,
        ..video(1)
    });
    let state = State::new(setup(), wanted.clone());
    assert_eq!(state.gain_db(), 0.0);
    assert_eq!(state.offset_ms(), 0);
    assert_eq!(state.video(), setup().main);
    assert_eq!(state.wanted, wanted, "what was saved is not changed");
}

#[test]
fn a_lost_camera_shows_why_and_is_tried_for_ever() {
    let mut rig = Rig::up();
    rig.run_to(secs(20));
    let effects = rig.media(lost("Camera was unplugged"));
    let sentence = "No camera picture: Camera was unplugged. Plug it in again.";
    assert_eq!(effects, [Effect::SlateText(sentence.into())]);
    assert_eq!(rig.health(), (Severity::Problem, sentence.into()));
    let mut opened = Vec::new();
    for _ in 0..2000 {
        let next = rig.state.now + Duration::from_millis(250);
        rig.flow();
        for effect in rig.event(Event::Tick(next)) {
            assert_eq!(effect, Effect::OpenCamera);
            opened.push(next);
            rig.media(lost("Camera was unplugged"));
        }
    }
    let mut gaps = vec![opened[0] - secs(20)];
    gaps.extend(opened.windows(2).map(|w| w[1] - w[0]));
    assert_eq!(gaps[..4], [secs(1), secs(2), secs(4), secs(5)]);
    assert!(gaps[4..].iter().all(|g| *g == secs(5)), "{gaps:?}");
    assert!(opened.len() > 95, "{}", opened.len());
    let effects = rig.media(MediaEvent::CameraUp {
        description: "cam".into(),
    });
    assert!(effects.is_empty());
    assert_eq!(rig.health(), (Severity::Ok, "Ready. Not live.".into()));
}

#[test]
fn an_encoder_that_fails_is_followed_by_the_next_then_waits() {
    let mut rig = Rig::up();
    let open = |index| Effect::OpenEncoder {
        rendition: Rendition::Main,
        index,
        video: video(2_500_000),
    };
    assert_eq!(rig.encoder_fails("v4l2h264enc"), [open(1)]);
    assert!(
        rig.encoder_fails("v4l2h264enc").is_empty(),
        "a late word of the one before"
    );
    assert_eq!(rig.encoder_fails("x264enc"), [open(2)]);
    assert!(rig.encoder_fails("openh264enc").is_empty());
    assert_eq!(rig.health().0, Severity::Problem);
    assert!(rig.tick_to(Duration::from_millis(1999)).is_empty());
    assert_eq!(rig.tick_to(secs(2)), [open(0)]);
    rig.encoder_up(Rendition::Main);
    assert_eq!(rig.health().0, Severity::Ok);
    assert_eq!(rig.state.actual.main.failures, 3);
    rig.run_to(secs(63));
    assert_eq!(rig.state.actual.main.failures, 0);
}

#[test]
fn a_stalled_encoder_is_replaced_within_3_seconds() {
    let mut rig = Rig::up();
    rig.run_to(secs(10));
    // The heartbeat goes on, its count does not; the sub rendition flows.
    let mut effects = Vec::new();
    for n in 1..=13 {
        let f = rig.state.actual.flow.clone();
        effects.extend(rig.media(MediaEvent::Flow {
            main: f.main,
            sub: f.sub + 7,
            audio: f.audio + 11,
        }));
        effects.extend(rig.event(Event::Tick(secs(10) + Duration::from_millis(250) * n)));
    }
    assert_eq!(
        effects,
        [Effect::OpenEncoder {
            rendition: Rendition::Main,
            index: 1,
            video: video(2_500_000)
        }]
    );
    assert_eq!(
        rig.state.actual.main.reason.as_deref(),
        Some("it gave no picture for 3 s")
    );
}

#[test]
fn hopeless_encoders_are_tried_at_a_bounded_pace() {
    let mut rig = Rig::up();
    let mut opened = Vec::new();
    let mut effects = rig.encoder_fails("v4l2h264enc");
    while rig.state.now < secs(600) {
        // Every try fails at once.
        while let Some(Effect::OpenEncoder { index, .. }) = effects.iter().find(|e| {
            matches!(
                e,
                Effect::OpenEncoder {
                    rendition: Rendition::Main,
                    ..
                }
            )
        }) {
            opened.push(rig.state.now);
            let encoder = setup().encoders[*index].clone();
            effects = rig.encoder_fails(&encoder);
        }
        rig.flow();
        effects = rig.event(Event::Tick(rig.state.now + Duration::from_millis(250)));
    }
    // Rounds of three at 0 (without its first entry, which ran before), 2, 6, 14, 30, then every 30 s up to 570.
    assert_eq!(opened.len(), 2 + 3 * 22, "{opened:?}");
    for (n, at) in [2, 6, 14, 30, 60, 90, 120].into_iter().enumerate() {
        assert_eq!(opened[2 + 3 * n], secs(at));
    }
}

#[test]
fn a_passed_through_camera_is_no_encoders_fault() {
    let mut plan = setup();
    plan.passthrough = true;
    let (mut rig, _) = Rig::new(plan, false);
    rig.media(MediaEvent::CameraUp {
        description: "H.264 camera".into(),
    });
    rig.media(MediaEvent::EncoderUp {
        rendition: Rendition::Main,
        encoder: "passthrough".into(),
    });
    rig.media(MediaEvent::MicUp {
        description: "tone".into(),
    });
    assert!(rig.run_to(secs(30)).is_empty(), "no encoder is blamed");
    assert_eq!(rig.health().0, Severity::Ok);
    assert_eq!(
        Status::of(&rig.state).encoders[0].encoder.as_deref(),
        Some("passthrough")
    );
    assert!(matches!(
        decide(&rig.state, &Command::BitrateSet { bitrate: 1_000_000 }, Origin::Web),
        Decision::Deny(d) if d.code == DenialCode::Passthrough
    ));
    // It dries up: the camera is lost, the slate's encoder gets its own time.
    let effects = rig.tick_to(secs(33));
    assert!(
        matches!(&effects[..], [Effect::SlateText(_)]),
        "{effects:?}"
    );
    assert!(matches!(rig.state.actual.camera, Source::Lost { .. }));
    assert!(matches!(
        rig.state.actual.main.session,
        Session::Opening { .. }
    ));
    rig.encoder_up(Rendition::Main);
    assert!(!rig.state.actual.passthrough);
}

#[test]
fn time_may_jump_or_stand_without_harm() {
    let mut rig = Rig::up();
    rig.event(Event::Tick(Duration::MAX));
    rig.media(lost("gone"));
    rig.encoder_fails("v4l2h264enc");
    rig.order(Command::Identify);
    rig.event(Event::Tick(Duration::ZERO));
    assert_eq!(rig.state.now, Duration::MAX);
    rig.event(Event::Tick(Duration::MAX));
}

#[test]
fn a_machine_that_stood_still_blames_no_encoder() {
    let mut rig = Rig::up();
    rig.run_to(secs(10));
    assert!(rig.event(Event::Tick(secs(40))).is_empty());
    assert!(rig.tick_to(Duration::from_millis(42_750)).is_empty());
    assert!(!rig.state.actual.audio_stalled);
    let effects = rig.tick_to(secs(43));
    assert_eq!(effects.len(), 2, "both renditions, 3 s later: {effects:?}");
}
