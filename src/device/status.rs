//! The only thing that goes out: LED, systemd, telemetry, web and command line all read this. Plain data, no secrets.

use serde::Serialize;

use super::actual::Push;
use super::encoder::{Encoder, Session};
use super::event::{AudienceFigures, DestinationState, Level, LevelState, PushFigures, Rendition};
use super::health::{Health, health};
use super::observe::PASSTHROUGH;
use super::on_stage::StageStatus;
use super::settings::DesiredReport;
use super::source::Source;
use super::state::State;
use super::status_hardware::{self as of, ControlStatus, HardwareStatus, KeptControl, MixerStatus};
use super::status_settings;
use crate::config::{DestinationName, GroupName, VideoSettings};

/// Everything that the box says about itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Rises with every published change.
    pub generation: u64,
    /// Rises with every change of what is wanted.
    pub revision: u64,
    /// Whole seconds since start, at the time of publication.
    pub uptime_s: u64,
    /// Name of the box.
    pub name: String,
    /// One sentence, severity, LED.
    pub health: Health,
    /// Pushing is wanted.
    pub live: bool,
    /// The box is shutting down.
    pub ending: bool,
    /// It will be back at once: it is shutting down in order to begin anew.
    pub restarting: bool,
    /// The picture source.
    pub camera: SourceStatus,
    /// The sound source.
    pub mic: SourceStatus,
    /// The slate is on air instead of the camera.
    pub slate: bool,
    /// Encoders, main first.
    pub encoders: Vec<EncoderStatus>,
    /// Bitrate of the main rendition.
    pub bitrate: BitrateStatus,
    /// What the main rendition is wanted to be; heat may make it smaller.
    pub wanted_video: VideoSettings,
    /// Sound settings and level; absent without a sound track.
    pub sound: Option<SoundStatus>,
    /// Drift of the microphone's clock against the box's, ppm; positive: the microphone is fast.
    pub drift_ppm: Option<f32>,
    /// Destinations, by name.
    pub destinations: Vec<DestinationStatus>,
    /// RTSP readers connected now.
    pub rtsp_readers: u32,
    /// Access units since start.
    pub flow: FlowStatus,
    /// Controls of the camera that is open, with what is wanted of them.
    pub controls: Vec<ControlStatus>,
    /// Wishes for controls that the camera lacks, or that wait for a camera.
    pub kept_controls: Vec<KeptControl>,
    /// How the box is told what it is.
    pub setup: super::setup::SetupStatus,
    /// Updates of its software.
    pub update: super::update::UpdateStatus,
    /// The sound card's own mixer; absent without a sound track.
    pub mixer: Option<MixerStatus>,
    /// Temperature, supply, button, faults.
    pub hardware: HardwareStatus,
    /// What became of the audience's messages.
    pub audience: AudienceFigures,
    /// What its owner has put on the picture.
    pub stage: StageStatus,
    /// What became of an operator's settings.
    pub desired: Option<DesiredReport>,
    /// Groups whose commands are heard.
    pub groups: Vec<GroupName>,
}

/// Where a source stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SourceStatus {
    /// There is none.
    Off,
    /// Was asked to open.
    Opening,
    /// Delivers.
    Up {
        /// What it is.
        description: String,
        /// Seconds since start when it came.
        since_s: u64,
    },
    /// Does not deliver.
    Lost {
        /// Why, one clause.
        reason: String,
        /// Seconds since start when it went.
        since_s: u64,
        /// Tries that failed.
        tries: u32,
    },
}

/// One encoder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EncoderStatus {
    /// Of which rendition.
    pub rendition: Rendition,
    /// `off`, `opening`, `up` or `waiting`.
    pub state: &'static str,
    /// Element that runs or is tried; `passthrough` while the camera's own stream is on air.
    pub encoder: Option<String>,
    /// Failures since the last stable minute.
    pub failures: u32,
    /// The last of them, one clause.
    pub reason: Option<String>,
    /// What it makes; its bitrate is the wanted one.
    pub video: VideoSettings,
}

/// Bitrate of the main rendition, bit/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BitrateStatus {
    /// In force.
    pub now: u32,
    /// Asked for.
    pub wanted: u32,
}

/// Sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SoundStatus {
    /// Off by command.
    pub muted: bool,
    /// dB.
    pub gain_db: f32,
    /// Later than the picture by this, ms.
    pub offset_ms: i32,
    /// `silent`, `clipping` or `ok`; absent while the microphone is away.
    pub level: Option<LevelState>,
    /// dBFS per channel.
    pub channels: Vec<Level>,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DestinationStatus {
    /// Name.
    pub name: DestinationName,
    /// Switched on.
    pub enabled: bool,
    /// Added by command; else it stands in the configuration file.
    pub added: bool,
    /// Server and application of one that was added, without what may be a key.
    pub url: Option<String>,
    /// Ceiling, bit/s.
    pub max_bitrate: Option<u32>,
    /// Where the push stands.
    #[serde(flatten)]
    pub state: DestinationState,
    /// Figures of the last second.
    pub figures: PushFigures,
}

/// Access units since start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FlowStatus {
    /// Main rendition.
    pub main: u64,
    /// Sub rendition.
    pub sub: u64,
    /// Sound.
    pub audio: u64,
}

impl Status {
    /// What is to be said of `state`.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let actual = &state.actual;
        Self {
            generation: state.generation,
            revision: state.wanted.revision,
            uptime_s: state.now.as_secs(),
            name: state.setup.name.as_str().to_owned(),
            health: health(state),
            live: state.wanted.live,
            ending: actual.ending,
            restarting: actual.ending && actual.restarting,
            camera: SourceStatus::of(&actual.camera),
            mic: SourceStatus::of(&actual.mic),
            slate: actual.slate_on_air,
            encoders: encoders(state),
            bitrate: BitrateStatus {
                now: actual.bitrate,
                wanted: state.wanted_video().bitrate,
            },
            wanted_video: state.wanted_video().clone(),
            sound: sound(state),
            drift_ppm: actual.drift_ppm,
            destinations: actual
                .destinations
                .iter()
                .map(|(name, push)| destination(state, name, push))
                .collect(),
            rtsp_readers: actual.readers,
            flow: FlowStatus {
                main: actual.flow.main,
                sub: actual.flow.sub,
                audio: actual.flow.audio,
            },
            controls: of::controls(state),
            kept_controls: of::kept_controls(state),
            setup: super::setup::SetupStatus::of(state),
            update: super::update::UpdateStatus::of(state),
            mixer: of::mixer(state),
            hardware: of::hardware(state),
            audience: actual.audience.clone(),
            stage: StageStatus::of(&state.stage()),
            desired: status_settings::desired(state),
            groups: state.wanted.groups.clone(),
        }
    }
}

impl Status {
    /// Whether the camera's own stream is on air, on which nothing can be drawn.
    #[must_use]
    pub fn carries_no_words(&self) -> bool {
        let main = self.encoders.first();
        main.and_then(|e| e.encoder.as_deref()) == Some(PASSTHROUGH)
    }
}

impl SourceStatus {
    fn of(source: &Source) -> Self {
        if let Some(outage) = source.outage() {
            return Self::Lost {
                reason: outage.reason.clone(),
                since_s: outage.since.as_secs(),
                tries: outage.tries,
            };
        }
        match source {
            Source::Off => Self::Off,
            Source::Up {
                description, since, ..
            } => Self::Up {
                description: description.clone(),
                since_s: since.as_secs(),
            },
            Source::Opening { .. } | Source::Lost { .. } => Self::Opening,
        }
    }
}

fn encoders(state: &State) -> Vec<EncoderStatus> {
    let main = encoder(state, Rendition::Main, &state.actual.main, &state.video());
    let sub = match (&state.actual.sub, &state.setup.sub) {
        (Some(sub), Some(video)) => Some(encoder(state, Rendition::Sub, sub, video)),
        _ => None,
    };
    std::iter::once(main).chain(sub).collect()
}

fn encoder(
    state: &State,
    rendition: Rendition,
    encoder: &Encoder,
    video: &VideoSettings,
) -> EncoderStatus {
    let passthrough = rendition == Rendition::Main && state.actual.passthrough;
    let tried = || state.setup.encoders.get(encoder.index).cloned();
    let (word, name) = match &encoder.session {
        _ if passthrough => ("up", Some(PASSTHROUGH.to_owned())),
        Session::Off => ("off", None),
        Session::Opening { .. } => ("opening", tried()),
        Session::Up { name, .. } => ("up", Some(name.clone())),
        Session::Waiting { .. } => ("waiting", tried()),
    };
    EncoderStatus {
        rendition,
        state: word,
        encoder: name,
        failures: encoder.failures,
        reason: encoder.reason.clone(),
        video: video.clone(),
    }
}

fn sound(state: &State) -> Option<SoundStatus> {
    let levels = state.actual.levels.as_ref();
    state.setup.audio.then(|| SoundStatus {
        muted: state.wanted.muted,
        gain_db: state.gain_db(),
        offset_ms: state.offset_ms(),
        level: levels.map(|l| l.state),
        channels: levels.map(|l| l.channels.clone()).unwrap_or_default(),
    })
}

fn destination(state: &State, name: &DestinationName, push: &Push) -> DestinationStatus {
    let added = state.wanted.added.get(name);
    DestinationStatus {
        name: name.clone(),
        enabled: state.destination_enabled(name).unwrap_or(false),
        added: added.is_some(),
        url: added.map(|a| a.url.redacted()),
        max_bitrate: state.max_bitrate(name),
        state: push.state.clone(),
        figures: push.figures,
    }
}
