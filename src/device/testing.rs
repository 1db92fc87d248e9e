//! For tests: a plan, and a box without a world around it.

use std::time::Duration;

use super::command::{Command, Origin};
use super::effect::Effect;
use super::event::*;
use super::health::{Severity, health};
use super::state::*;
use super::thermal::Limits;
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
        first_run: false,
        scan: true,
        safe: None,
        complaint: None,
        configured: false,
        heat: Limits::default(),
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

    pub fn hardware(&mut self, event: HardwareEvent) -> Vec<Effect> {
        self.event(Event::Hardware(event))
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
        let names: Vec<_> = self.state.actual.destinations.keys().cloned().collect();
        for n in names {
            self.destination(n.as_str(), DestinationState::Live);
        }
        self.event(Event::Persisted {
            revision: self.state.wanted.revision,
            error: None,
        });
        self.flow();
    }

    pub fn health(&self) -> (Severity, String) {
        let health = health(&self.state);
        (health.severity, health.sentence)
    }
}
