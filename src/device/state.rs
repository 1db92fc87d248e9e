//! Wanted and actual state, and the one function that changes them.
//!
//! ```text
//!   commands ──> policy ──> Wanted ──┐ Persist, then
//!                                    ├──────────────> effects ──> the world (app, media)
//!   media events ──────────> Actual ─┤                                │
//!   ticks ──> waits, stalls ────^    │                                │
//!                 ^                  └──> Status (generation)         │
//!                 └────────────── events <────────────────────────────┘
//!
//!   the box:   new ──start──> running ──Shutdown──> ending (effects cease; events are still noted)
//!   camera, microphone: see `source.rs`      encoders: see `encoder.rs`
//!   destination:        closed ──live and enabled──> open ──not live, or disabled──> closed
//!                       (between connects, waits and refusals the push itself goes on; it reports, we show)
//! ```
//!
//! The parts of `State`: `wishes.rs` carries out commands, `observe.rs` notes what media and time bring, `hardware.rs` what the
//! devices of the box bring.
//!
//! `step` is total and deterministic: no input, no clock, no randomness, no panic.

use std::time::Duration;

use super::actual::{Actual, Push};
use super::effect::Effect;
use super::encoder::Encoder;
use super::event::{Event, Rendition};
use super::thermal::{HeatLevel, Limits, cap};
pub use super::wanted::{Added, Desired, Trial, Wanted};
use super::{bitrate, policy, stage_check};
use crate::config::{AdaptiveConfig, BoxName, DestinationName, VideoSettings};

/// How long a box blinks to be found.
pub const IDENTIFY_FOR: Duration = Duration::from_secs(5);
/// How long a factory reset asked for by the button waits for its confirmation.
pub const CONFIRM_FOR: Duration = Duration::from_secs(10);
/// Wait before a failed save is tried again.
pub const SAVE_RETRY: Duration = Duration::from_secs(10);

/// What is known at start and never changes: from configuration and probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Setup {
    /// Name of the box.
    pub name: BoxName,
    /// The main rendition as configured.
    pub main: VideoSettings,
    /// The sub rendition, if it is made.
    pub sub: Option<VideoSettings>,
    /// Encoder elements that passed the probe, in the order in which they are tried.
    pub encoders: Vec<String>,
    /// Whether a camera's own H.264 may go on air without encoding.
    pub passthrough: bool,
    /// Whether there is a sound track.
    pub audio: bool,
    /// Configured gain, dB.
    pub gain_db: f32,
    /// Configured sound offset, ms.
    pub offset_ms: i32,
    /// Configured destinations.
    pub destinations: Vec<DestinationSetup>,
    /// Whether, and how far down, the bitrate follows the link.
    pub adaptive: AdaptiveConfig,
    /// At which temperatures the picture is made smaller.
    pub heat: Limits,
    /// Whether the box waits to be set up until somebody has claimed it.
    pub first_run: bool,
    /// Whether codes that are shown to the camera are taken.
    pub scan: bool,
    /// The box runs in safe mode: the sentence for people.
    pub safe: Option<String>,
    /// What is wrong with the settings that it was to start with; others are in force. One sentence.
    pub complaint: Option<String>,
    /// Whether the configuration says already what the box is: then nobody needs to claim it.
    pub configured: bool,
}

/// What the core must know of a destination: neither address nor key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DestinationSetup {
    /// Name.
    pub name: DestinationName,
    /// Configured switch; a command can override it.
    pub enabled: bool,
    /// Bitrate ceiling, bit/s.
    pub max_bitrate: Option<u32>,
}

/// The whole core.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Given at start.
    pub setup: Setup,
    /// Asked for by people.
    pub wanted: Wanted,
    /// Observed.
    pub actual: Actual,
    /// Monotonic time since start, of the last tick.
    pub now: Duration,
    /// Rises whenever `wanted` or `actual` changes.
    pub generation: u64,
}

impl State {
    /// A box before its start.
    #[must_use]
    pub fn new(setup: Setup, mut wanted: Wanted) -> Self {
        wanted.give_way(&setup.destinations);
        stage_check::keep_what_fits(&mut wanted.stage);
        let actual = Actual {
            destinations: setup
                .destinations
                .iter()
                .map(|d| &d.name)
                .chain(wanted.added.keys())
                .map(|name| (name.clone(), Push::default()))
                .collect(),
            sub: setup.sub.as_ref().map(|_| Encoder::default()),
            ..Actual::default()
        };
        let mut state = Self {
            setup,
            wanted,
            actual,
            now: Duration::ZERO,
            generation: 0,
        };
        state.actual.bitrate = bitrate::target(&state);
        state
    }

    /// The first effects, at monotonic time `now`. A second call gives none.
    #[must_use]
    pub fn start(mut self, now: Duration) -> (Self, Vec<Effect>) {
        if self.actual.started || self.actual.ending {
            return (self, Vec::new());
        }
        self.actual.started = true;
        self.now = self.now.max(now);
        let now = self.now;
        self.actual.flow.main_at = now;
        self.actual.flow.sub_at = now;
        self.actual.flow.audio_at = now;
        self.actual.camera.open(now);
        let mut effects = Vec::new();
        self.resume_trial(&mut effects);
        self.sync_slate(&mut effects);
        if self.setup.audio {
            self.first_sound(&mut effects);
        }
        for rendition in [Rendition::Main, Rendition::Sub] {
            if !self.setup.encoders.is_empty()
                && let Some(encoder) = self.actual.encoder_mut(rendition)
            {
                encoder.open(now);
                self.open_encoder(rendition, &mut effects);
            }
        }
        effects.push(Effect::OpenCamera);
        if self.setup.audio {
            self.actual.mic.open(now);
            effects.push(Effect::OpenMic);
        }
        self.sync_stage(&mut effects);
        self.sync_destinations(&mut effects);
        self.sync_setup(&mut effects);
        self.generation = self.generation.saturating_add(1);
        (self, effects)
    }

    /// What differs from the configuration, so that the world needs to know the configuration only.
    fn first_sound(&self, effects: &mut Vec<Effect>) {
        if self.wanted.muted {
            effects.push(Effect::SetMute(true));
        }
        if self.gain_db() != self.setup.gain_db {
            effects.push(Effect::SetGain(self.gain_db()));
        }
        if self.offset_ms() != self.setup.offset_ms {
            effects.push(Effect::SetAudioOffset(self.offset_ms()));
        }
    }

    /// The main rendition in force: as wanted, but no more than the heat allows. The camera's own stream is what it is.
    #[must_use]
    pub fn video(&self) -> VideoSettings {
        let level = if self.actual.passthrough {
            HeatLevel::Normal
        } else {
            self.actual.heat.level
        };
        cap(self.wanted_video(), level)
    }

    /// The main rendition as wanted, if that is possible, else as configured.
    #[must_use]
    pub fn wanted_video(&self) -> &VideoSettings {
        self.wanted
            .video
            .as_ref()
            .filter(|v| policy::check_video(v).is_ok())
            .unwrap_or(&self.setup.main)
    }

    /// Gain in force, dB.
    #[must_use]
    pub fn gain_db(&self) -> f32 {
        self.wanted
            .gain_db
            .filter(|g| policy::check_gain(*g).is_ok())
            .unwrap_or(self.setup.gain_db)
    }

    /// Sound offset in force, ms.
    #[must_use]
    pub fn offset_ms(&self) -> i32 {
        self.wanted
            .offset_ms
            .filter(|o| policy::check_offset(*o).is_ok())
            .unwrap_or(self.setup.offset_ms)
    }

    /// Whether a destination is switched on; `None` if there is none of that name.
    #[must_use]
    pub fn destination_enabled(&self, name: &DestinationName) -> Option<bool> {
        let Some(setup) = self.configured(name) else {
            return self.wanted.added.get(name).map(|added| added.enabled);
        };
        let switched = self.wanted.destinations.get(name).copied();
        Some(switched.unwrap_or(setup.enabled))
    }

    /// A destination of the configuration file.
    #[must_use]
    pub fn configured(&self, name: &DestinationName) -> Option<&DestinationSetup> {
        self.setup.destinations.iter().find(|d| d.name == *name)
    }

    /// The ceiling of a destination, bit/s.
    #[must_use]
    pub fn max_bitrate(&self, name: &DestinationName) -> Option<u32> {
        match self.configured(name) {
            Some(setup) => setup.max_bitrate,
            None => self.wanted.added.get(name)?.max_bitrate,
        }
    }
}

/// The one function that changes the core: what happened in, what must be done out. Never panics.
#[must_use]
pub fn step(mut state: State, event: Event) -> (State, Vec<Effect>) {
    let before = (state.wanted.clone(), state.actual.clone());
    let were_up = (state.actual.camera.is_up(), state.actual.mic.is_up());
    let mut effects = Vec::new();
    match event {
        Event::Command { origin, command } => state.command(origin, command, &mut effects),
        Event::Media(event) => state.media(event, &mut effects),
        Event::Hardware(event) => state.hardware(event, &mut effects),
        Event::Persisted { revision, error } => state.persisted(revision, error),
        Event::Setup(event) => state.on_setup(event, &mut effects),
        Event::Update(event) => state.on_update(event, &mut effects),
        Event::Tick(now) => state.tick(now, &mut effects),
    }
    if state.actual.ending {
        effects.retain(Effect::ends);
    } else if state.actual.started {
        state.sync_devices(were_up, &mut effects);
        state.sync_profile(&mut effects);
        state.sync_setup(&mut effects);
        state.sync_slate(&mut effects);
        state.sync_stage(&mut effects);
        state.sync_destinations(&mut effects);
        state.sync_bitrate(&mut effects);
    }
    if before.0 != state.wanted || before.1 != state.actual {
        state.generation = state.generation.saturating_add(1);
    }
    (state, effects)
}
