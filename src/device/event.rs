//! What happened, as the one queue of the supervisor carries it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::command::{Command, Origin};
use super::control::{ControlInfo, ControlName};
use crate::config::DestinationName;

/// Anything that the core can hear.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody wants something.
    Command {
        /// Who.
        origin: Origin,
        /// What.
        command: Command,
    },
    /// The media engine saw something.
    Media(MediaEvent),
    /// A device of the box saw something.
    Hardware(HardwareEvent),
    /// [`super::effect::Effect::Persist`] was carried out.
    Persisted {
        /// [`super::state::Wanted::revision`] of what was to be saved.
        revision: u64,
        /// Why it could not be written, one clause; `None`: it is on disk.
        error: Option<String>,
    },
    /// Set-up: codes, network, page.
    Setup(super::setup::SetupEvent),
    /// Updates of the box's software.
    Update(super::update::UpdateEvent),
    /// Time goes on: monotonic time since start, about 4 times a second.
    Tick(Duration),
}

/// Renditions of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rendition {
    /// The full one.
    Main,
    /// The small one.
    Sub,
}

/// State of the sound level, with hysteresis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LevelState {
    /// Nothing to hear for a while.
    Silent,
    /// Too loud: samples are cut off.
    Clipping,
    /// Neither.
    Ok,
}

/// Peak and RMS of a channel over the last window, dBFS (0 = full scale, −120 = nothing).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// Highest sample.
    pub peak_db: f32,
    /// Root mean square.
    pub rms_db: f32,
}

/// Where a push stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DestinationState {
    /// Not wanted.
    Off,
    /// Connecting.
    Connecting,
    /// The server takes the stream.
    Live,
    /// Waiting for the next try.
    Waiting {
        /// Why, one clause without secrets.
        reason: String,
        /// Milliseconds until the next try, at the time of the event.
        retry_ms: u64,
    },
    /// The server refuses the stream key; tried at most every 30 s.
    KeyRejected {
        /// What the server said, without secrets.
        reason: String,
    },
}

/// Figures of a push, once a second.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PushFigures {
    /// Media not yet taken by the peer, ms.
    pub backlog_ms: u32,
    /// Delivered, bit/s, over the last seconds.
    pub bps: u32,
    /// Access units refused since start because the peer was slow.
    pub refused: u64,
    /// Sessions begun since start.
    pub sessions: u32,
}

/// What became of the audience's messages, since start. What was taken is in one of the others.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct AudienceFigures {
    /// Messages that came.
    pub taken: u64,
    /// Likes, and whatever else is only counted.
    pub counted: u64,
    /// Comments that were drawn.
    pub drawn: u64,
    /// Comments that became a `×N` of another.
    pub merged: u64,
    /// Notifications and alerts that were shown.
    pub alerts: u64,
    /// Waiting: for somebody to approve it, for its delay to pass, or for a lane.
    pub waiting: u64,
    /// What was not shown, by reason (`docs/moderation.md`).
    pub refused: BTreeMap<&'static str, u64>,
}

/// What the media engine and the room report.
#[derive(Debug, Clone, PartialEq)]
pub enum MediaEvent {
    /// The camera (or test picture, or file) delivers frames.
    CameraUp {
        /// What it is: name, mode, why chosen. One clause.
        description: String,
    },
    /// It does not, or no more.
    CameraLost {
        /// Why, one clause.
        reason: String,
    },
    /// The picture on air is the slate (true) or the camera (false).
    SlateOnAir(bool),
    /// The camera delivers, but always the same picture, for 8 s (true); the picture changes again (false).
    CameraStill(bool),
    /// The sound source delivers samples.
    MicUp {
        /// What it is. One clause.
        description: String,
    },
    /// It does not, or no more; silence stands in.
    MicLost {
        /// Why, one clause.
        reason: String,
    },
    /// Sound level per channel, about 4 times a second while there is sound.
    Levels {
        /// Per channel.
        channels: Vec<Level>,
        /// State with hysteresis.
        state: LevelState,
    },
    /// Drift of the microphone's clock against the box's, parts per million, about once every 10 s.
    Drift {
        /// ppm; positive: the microphone is fast.
        ppm: f32,
    },
    /// An encoder delivers.
    EncoderUp {
        /// For which rendition.
        rendition: Rendition,
        /// Element name, or `passthrough`.
        encoder: String,
    },
    /// An encoder failed while running or when opened.
    EncoderFailed {
        /// For which rendition.
        rendition: Rendition,
        /// Element name.
        encoder: String,
        /// Why, one clause.
        reason: String,
    },
    /// Heartbeat, once a second: access units that went into the fan-out since start.
    Flow {
        /// Main rendition's video access units.
        main: u64,
        /// Sub rendition's.
        sub: u64,
        /// Audio access units.
        audio: u64,
    },
    /// Readers connected over RTSP now.
    RtspReaders(u32),
    /// What became of the audience's messages.
    Audience(Box<AudienceFigures>),
    /// A push changed its state.
    Destination {
        /// Which.
        name: DestinationName,
        /// New state.
        state: DestinationState,
    },
    /// Figures of a push.
    Push {
        /// Which.
        name: DestinationName,
        /// Figures.
        figures: PushFigures,
    },
    /// The adaptive bitrate's advice for the main rendition, bit/s.
    BitrateAdvised(u32),
}

/// Kinds of device that can be plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceClass {
    /// A camera.
    Camera,
    /// A sound card.
    Sound,
}

/// How the button was pressed. Holding it goes through `Long` to `VeryLong`; each is told when its time is reached,
/// `Short` when the button is let go before 3 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gesture {
    /// Let go before 3 s.
    Short,
    /// Held for 3 s.
    Long,
    /// Held for 10 s.
    VeryLong,
}

/// What the board says of its supply and of the processor's clock; all false where it says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PowerState {
    /// The supply is too weak now.
    pub under_voltage: bool,
    /// The processor is slowed down now, for its supply or its heat.
    pub throttled: bool,
    /// The supply was too weak at some time since the board started.
    pub under_voltage_before: bool,
}

/// What the devices of the box report.
#[derive(Debug, Clone, PartialEq)]
pub enum HardwareEvent {
    /// A device of this class was plugged in or pulled out: what is lost is tried again at once.
    Plugged(DeviceClass),
    /// Controls of the camera, with their values: after each opening, and after each change.
    CameraControls(Vec<ControlInfo>),
    /// The camera refused a value.
    CameraControlFailed {
        /// Which.
        control: ControlName,
        /// Why, one clause.
        reason: String,
    },
    /// What the sound card's own mixer says, after each opening and change.
    MicMixer {
        /// Capture volume, per cent of the card's range; `None`: it has none.
        percent: Option<u8>,
        /// Capture switch; `None`: it has none.
        on: Option<bool>,
    },
    /// The sound card refused a volume or switch.
    MicMixerFailed {
        /// Why, one clause.
        reason: String,
    },
    /// Temperature of the processor, °C, about every 2 s.
    Temperature(f32),
    /// Supply and throttling, when they change.
    Power(PowerState),
    /// The button.
    Button {
        /// How.
        gesture: Gesture,
        /// When, monotonic time since start.
        at: Duration,
    },
    /// The LED cannot be driven (a clause), or can again (`None`).
    LedFault(Option<String>),
    /// The button cannot be read (a clause), or can again (`None`).
    ButtonFault(Option<String>),
    /// Where the box is reached, in answer to [`super::effect::Effect::Identify`]: one clause.
    Address(String),
}
