//! The rules of `step`, one by one: what people wish, and the bitrate that follows.

use std::time::Duration;

use super::command::{Command, Origin};
use super::effect::Effect;
use super::event::*;
use super::health::{Severity, health};
use super::led::LedPattern;
use super::policy::{Decision, DenialCode, decide};
use super::state::*;
use super::status::Status;
use super::testing::{Rig, name, secs, setup, video};
use crate::config::VideoSettings;

fn lost(reason: &str) -> MediaEvent {
    MediaEvent::CameraLost {
        reason: reason.into(),
    }
}

fn waiting() -> DestinationState {
    DestinationState::Waiting {
        reason: "the server closed the connection".into(),
        retry_ms: 500,
    }
}

fn set_bitrate(bitrate: u32) -> Effect {
    Effect::SetBitrate {
        rendition: Rendition::Main,
        bitrate,
    }
}

#[test]
fn going_live_opens_only_what_is_enabled_and_saves_first() {
    let mut rig = Rig::up();
    let effects = rig.order(Command::LiveStart);
    assert!(rig.state.wanted.live);
    assert_eq!(rig.state.wanted.revision, 1);
    assert_eq!(
        effects,
        [
            Effect::Persist(rig.state.wanted.clone()),
            Effect::OpenDestination(name("twitch")),
            Effect::OpenDestination(name("youtube")),
        ]
    );
    assert!(rig.order(Command::LiveStart).is_empty());
    assert_eq!(
        rig.health(),
        (Severity::Notice, "Connecting to twitch and youtube.".into())
    );
    let effects = rig.order(Command::DestinationEnable {
        destination: name("twitch"),
        enabled: false,
    });
    let mut wanted = Wanted::new(true);
    wanted.revision = 2;
    wanted.destinations.insert(name("twitch"), false);
    assert_eq!(
        effects,
        [
            Effect::Persist(wanted.clone()),
            Effect::CloseDestination(name("twitch"))
        ]
    );
    // A word from the push that was closed does not bring it back.
    rig.destination("twitch", DestinationState::Live);
    assert_eq!(
        rig.state.actual.destinations[&name("twitch")].state,
        DestinationState::Off
    );
    (wanted.live, wanted.revision) = (false, 3);
    assert_eq!(
        rig.order(Command::LiveStop),
        [
            Effect::Persist(wanted),
            Effect::CloseDestination(name("youtube"))
        ]
    );
}

#[test]
fn the_bitrate_is_the_lowest_of_wanted_ceiling_and_advice() {
    let mut rig = Rig::up();
    assert!(
        rig.media(MediaEvent::BitrateAdvised(400_000)).is_empty(),
        "advice without a live destination"
    );
    rig.order(Command::LiveStart);
    assert!(
        rig.destination("youtube", DestinationState::Live)
            .is_empty()
    );
    assert_eq!(
        rig.destination("twitch", DestinationState::Live),
        [set_bitrate(2_000_000)]
    );
    assert_eq!(
        rig.media(MediaEvent::BitrateAdvised(1_200_000)),
        [set_bitrate(1_200_000)]
    );
    assert_eq!(
        rig.health(),
        (
            Severity::Notice,
            "Live to twitch and youtube, at reduced quality because the network is slow.".into()
        )
    );
    assert!(rig.media(MediaEvent::BitrateAdvised(1_200_000)).is_empty());
    assert_eq!(
        rig.media(MediaEvent::BitrateAdvised(10)),
        [set_bitrate(300_000)],
        "the floor"
    );
    assert_eq!(
        rig.media(MediaEvent::BitrateAdvised(u32::MAX)),
        [set_bitrate(2_000_000)]
    );
    rig.media(MediaEvent::BitrateAdvised(800_000));
    assert!(rig.destination("twitch", waiting()).is_empty());
    assert_eq!(
        rig.destination("youtube", waiting()),
        [set_bitrate(2_500_000)],
        "the last one is gone"
    );
    assert!(
        rig.destination("youtube", DestinationState::Live)
            .is_empty(),
        "old advice is forgotten"
    );
    assert_eq!(
        rig.order(Command::BitrateSet { bitrate: 900_000 })[1..],
        [set_bitrate(900_000)]
    );
}

#[test]
fn without_adaptive_advice_changes_nothing() {
    let mut plan = setup();
    plan.adaptive.enabled = false;
    let (mut rig, _) = Rig::new(plan, true);
    rig.all_up();
    assert!(rig.media(MediaEvent::BitrateAdvised(100_000)).is_empty());
    assert_eq!(rig.state.actual.bitrate, 2_000_000);
}

#[test]
fn a_new_profile_opens_the_encoder_and_a_new_bitrate_does_not() {
    let mut rig = Rig::up();
    let small = VideoSettings {
        width: 854,
        height: 480,
        ..video(1_200_000)
    };
    let effects = rig.order(Command::video(small.clone()));
    assert!(matches!(&effects[0], Effect::Persist(w) if w.video.as_ref() == Some(&small)));
    assert_eq!(
        effects[1..],
        [Effect::OpenEncoder {
            rendition: Rendition::Main,
            index: 0,
            video: small.clone()
        }]
    );
    rig.encoder_up(Rendition::Main);
    let effects = rig.order(Command::video(VideoSettings {
        bitrate: 1_000_000,
        ..small
    }));
    assert_eq!(effects[1..], [set_bitrate(1_000_000)]);
}

#[test]
fn shutdown_is_given_once_and_nothing_follows() {
    let mut rig = Rig::up();
    rig.order(Command::LiveStart);
    assert_eq!(rig.order(Command::Shutdown), [Effect::Shutdown]);
    assert!(rig.order(Command::Shutdown).is_empty());
    assert!(rig.order(Command::LiveStop).is_empty());
    assert!(rig.state.wanted.live, "ending is not a wish to stop");
    rig.media(lost("closed"));
    assert!(rig.encoder_fails("v4l2h264enc").is_empty());
    assert!(rig.tick_to(secs(100)).is_empty());
    assert_eq!(rig.health(), (Severity::Notice, "Shutting down.".into()));
    assert!(Status::of(&rig.state).ending);
    assert!(matches!(
        decide(&rig.state, &Command::LiveStop, Origin::Web),
        Decision::Deny(d) if d.code == DenialCode::ShuttingDown
    ));
}

#[test]
fn a_save_that_fails_is_said_and_tried_again() {
    let mut rig = Rig::up();
    rig.order(Command::AudioMute { muted: true });
    rig.event(Event::Persisted {
        revision: 1,
        error: Some("No space left on device".into()),
    });
    let (severity, sentence) = rig.health();
    assert_eq!(severity, Severity::Warning);
    assert!(
        sentence.starts_with("Settings cannot be saved: No space left on device. "),
        "{sentence}"
    );
    let effects = rig.run_to(secs(11));
    assert_eq!(effects, [Effect::Persist(rig.state.wanted.clone())]);
    rig.event(Event::Persisted {
        revision: 1,
        error: None,
    });
    assert_eq!(
        rig.health(),
        (
            Severity::Notice,
            "Ready. Not live; the sound is muted.".into()
        )
    );
}

#[test]
fn identify_blinks_for_five_seconds() {
    let mut rig = Rig::up();
    assert_eq!(rig.order(Command::Identify), [Effect::Identify]);
    assert_eq!(health(&rig.state).led, LedPattern::Identify);
    rig.run_to(Duration::from_millis(4999));
    assert_eq!(health(&rig.state).led, LedPattern::Identify);
    rig.run_to(secs(5));
    assert_eq!(health(&rig.state).led, LedPattern::Ready);
}
