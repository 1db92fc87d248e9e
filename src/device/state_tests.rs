//! The rules of `step`, one by one. Long random sequences are in `properties.rs`.

use std::time::Duration;

use super::command::{Command, Origin};
use super::effect::Effect;
use super::encoder::Session;
use super::event::*;
use super::health::{LedPattern, Severity, health};
use super::policy::{Decision, DenialCode, decide};
use super::source::Source;
use super::state::*;
use super::status::Status;
use crate::config::{AdaptiveConfig, DestinationName, H264Profile, VideoSettings};

pub(crate) fn name(s: &str) -> DestinationName {
    s.parse().unwrap()
}

pub(crate) fn video(bitrate: u32) -> VideoSettings {
    VideoSettings {
        width: 1280,
        height: 720,
        fps: 30,
        bitrate,
        gop_s: 2.0,
        h264_profile: H264Profile::Main,
    }
}

pub(crate) fn setup() -> Setup {
    let destination = |n: &str, enabled, max_bitrate| DestinationSetup {
        name: name(n),
        enabled,
        max_bitrate,
    };
    Setup {
        name: "Shop".parse().unwrap(),
        main: video(2_500_000),
        sub: Some(VideoSettings {
            width: 640,
            height: 360,
            ..video(500_000)
        }),
        encoders: vec!["v4l2h264enc".into(), "x264enc".into(), "openh264enc".into()],
        passthrough: false,
        audio: true,
        gain_db: 0.0,
        offset_ms: 0,
        destinations: vec![
            destination("twitch", true, Some(2_000_000)),
            destination("youtube", true, None),
            destination("spare", false, None),
        ],
        adaptive: AdaptiveConfig {
            enabled: true,
            floor: 300_000,
        },
    }
}

pub(crate) fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// A box with everything that it did, and helpers to speak to it.
pub(crate) struct Rig {
    pub state: State,
}

impl Rig {
    pub fn new(setup: Setup, live: bool) -> (Self, Vec<Effect>) {
        let (state, effects) = State::new(setup, Wanted::new(live)).start(Duration::ZERO);
        (Self { state }, effects)
    }

    /// Started, everything up, not live.
    pub fn up() -> Self {
        let (mut rig, _) = Self::new(setup(), false);
        rig.all_up();
        rig
    }

    pub fn event(&mut self, event: Event) -> Vec<Effect> {
        let (state, effects) = step(self.state.clone(), event);
        self.state = state;
        effects
    }

    pub fn media(&mut self, event: MediaEvent) -> Vec<Effect> {
        self.event(Event::Media(event))
    }

    pub fn order(&mut self, command: Command) -> Vec<Effect> {
        self.event(Event::Command {
            origin: Origin::Cli,
            command,
        })
    }

    /// Time goes on to `to`, in steps of 250 ms.
    pub fn tick_to(&mut self, to: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.state.now < to {
            let next = (self.state.now + Duration::from_millis(250)).min(to);
            effects.extend(self.event(Event::Tick(next)));
        }
        effects
    }

    pub fn flow(&mut self) -> Vec<Effect> {
        let f = self.state.actual.flow.clone();
        self.media(MediaEvent::Flow {
            main: f.main + 30,
            sub: f.sub + 30,
            audio: f.audio + 47,
        })
    }

    /// Like `tick_to`, with access units flowing.
    pub fn run_to(&mut self, to: Duration) -> Vec<Effect> {
        let mut effects = Vec::new();
        while self.state.now < to {
            let next = (self.state.now + Duration::from_millis(500)).min(to);
            effects.extend(self.flow());
            effects.extend(self.event(Event::Tick(next)));
        }
        effects
    }

    pub fn encoder_up(&mut self, rendition: Rendition) {
        let index = match rendition {
            Rendition::Main => self.state.actual.main.index,
            Rendition::Sub => self.state.actual.sub.as_ref().map_or(0, |e| e.index),
        };
        let Some(encoder) = self.state.setup.encoders.get(index).cloned() else {
            return;
        };
        self.media(MediaEvent::EncoderUp { rendition, encoder });
    }

    pub fn encoder_fails(&mut self, encoder: &str) -> Vec<Effect> {
        self.media(MediaEvent::EncoderFailed {
            rendition: Rendition::Main,
            encoder: encoder.into(),
            reason: "device busy".into(),
        })
    }

    pub fn destination(&mut self, n: &str, state: DestinationState) -> Vec<Effect> {
        self.media(MediaEvent::Destination {
            name: name(n),
            state,
        })
    }

    pub fn all_up(&mut self) {
        self.media(MediaEvent::CameraUp {
            description: "test picture".into(),
        });
        self.media(MediaEvent::SlateOnAir(false));
        self.media(MediaEvent::MicUp {
            description: "tone".into(),
        });
        self.media(MediaEvent::Levels {
            channels: Vec::new(),
            state: LevelState::Ok,
        });
        self.encoder_up(Rendition::Main);
        self.encoder_up(Rendition::Sub);
        for n in ["twitch", "youtube", "spare"] {
            self.destination(n, DestinationState::Live);
        }
        self.event(Event::Persisted { error: None });
        self.flow();
    }

    pub fn health(&self) -> (Severity, String) {
        let health = health(&self.state);
        (health.severity, health.sentence)
    }
}

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
    assert_eq!(state.video(), &setup().main);
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
fn going_live_opens_only_what_is_enabled_and_saves_first() {
    let mut rig = Rig::up();
    let effects = rig.order(Command::LiveStart);
    assert_eq!(
        effects,
        [
            Effect::Persist(Wanted::new(true)),
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
    wanted.live = false;
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
    let effects = rig.order(Command::ProfileSet {
        video: small.clone(),
    });
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
    let effects = rig.order(Command::ProfileSet {
        video: VideoSettings {
            bitrate: 1_000_000,
            ..small
        },
    });
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
    rig.event(Event::Persisted { error: None });
    assert_eq!(
        rig.health(),
        (
            Severity::Notice,
            "Ready. Not live; the sound is muted.".into()
        )
    );
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
fn identify_flickers_for_ten_seconds() {
    let mut rig = Rig::up();
    assert_eq!(rig.order(Command::Identify), [Effect::Identify]);
    assert_eq!(health(&rig.state).led, LedPattern::Flicker);
    rig.run_to(secs(9));
    assert_eq!(health(&rig.state).led, LedPattern::Flicker);
    rig.run_to(secs(10));
    assert_eq!(health(&rig.state).led, LedPattern::Heartbeat);
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
