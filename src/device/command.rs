//! What the box can be told to do, and by whom. Plain data: the reply channel travels in an envelope around it.
//!
//! A command's name over MQTT is its name here with the first `-` written as `/`: `live-start` is `live/start`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::control::{ControlName, ControlValue};
use super::notice::{Banner, Notice};
use crate::config::{DestinationName, Profile, Secret, StreamUrl, VideoSettings};

/// One order to the box. `Debug` gives its JSON without secrets, fit for the log.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", content = "args", rename_all = "kebab-case")]
pub enum Command {
    /// Push to all enabled destinations.
    LiveStart,
    /// Push to nobody; RTSP goes on.
    LiveStop,
    /// The two in one, for switches.
    LiveSet {
        /// Push, or not.
        live: bool,
    },
    /// Add a destination, or change one that was added so; kept across restarts.
    DestinationSet {
        /// Its name; not that of a destination of the configuration file.
        destination: DestinationName,
        /// Server and application, without the stream key.
        url: StreamUrl,
        /// Stream key; left out: the one that it has.
        #[serde(default)]
        key: Option<Secret>,
        /// On or off; left out: as it is, on if it is new.
        #[serde(default)]
        enabled: Option<bool>,
        /// Highest bitrate of the picture while it is live, bit/s; left out: no ceiling.
        #[serde(default)]
        max_bitrate: Option<u32>,
    },
    /// Forget a destination that was added by command.
    DestinationRemove {
        /// Which.
        destination: DestinationName,
    },
    /// Switch one destination on or off.
    DestinationEnable {
        /// Which.
        destination: DestinationName,
        /// On or off.
        enabled: bool,
    },
    /// Encode the main rendition differently: exactly one of `profile` and `video`.
    ProfileSet {
        /// A named profile, with its usual bitrate.
        #[serde(default)]
        profile: Option<Profile>,
        /// Another bitrate for it, bit/s.
        #[serde(default)]
        bitrate: Option<u32>,
        /// Numbers of one's own.
        #[serde(default)]
        video: Option<VideoSettings>,
    },
    /// Change the main rendition's bitrate without a new session.
    BitrateSet {
        /// bit/s.
        bitrate: u32,
    },
    /// Sound off or on.
    AudioMute {
        /// Off or on.
        muted: bool,
    },
    /// Digital gain.
    AudioGain {
        /// dB, −60 to +30.
        gain_db: f32,
    },
    /// Sound later than picture.
    AudioOffset {
        /// Milliseconds, −2000 to +2000.
        offset_ms: i32,
    },
    /// Set a control of the camera by name; kept, and set again whenever the camera comes back.
    CameraControl {
        /// Which.
        control: ControlName,
        /// To what.
        value: ControlValue,
    },
    /// Give a control of the camera its default and forget what was wanted of it.
    CameraControlReset {
        /// Which; `None`: all of them.
        #[serde(default)]
        control: Option<ControlName>,
    },
    /// Capture volume of the sound card itself (before the digital gain); kept, and set again when the card returns.
    MicVolume {
        /// Per cent of the card's range, 0 to 100.
        percent: u8,
    },
    /// Capture switch of the sound card itself; kept, and set again when the card returns.
    MicSwitch {
        /// Lets sound through.
        on: bool,
    },
    /// Write a line on the picture.
    OverlayText(Banner),
    /// Take the line and all notifications off the picture.
    OverlayClear,
    /// Show a chat notification on the picture for a while.
    Notify(Notice),
    /// Settings of an operator, applied key by key ([`super::desired`]).
    DesiredApply {
        /// Only rises.
        version: u64,
        /// What is wanted; what is left out stays as it is.
        #[schemars(with = "super::settings::Settings")]
        settings: serde_json::Value,
    },
    /// A picture of what is on air, as JPEG.
    Snapshot {
        /// Largest width in pixels, 64 to 3840.
        #[serde(default)]
        max_width: Option<u32>,
    },
    /// How the box is.
    Status,
    /// The last lines of the log, without secrets.
    Logs {
        /// How many, 1 to 1000; left out: 100.
        #[serde(default)]
        lines: Option<u32>,
    },
    /// Check a configuration file without using it.
    ConfigValidate {
        /// Its text.
        toml: String,
    },
    /// Blink and say the address, so that a person finds the box.
    Identify,
    /// End the program in order and start it anew.
    Restart,
    /// Start the machine anew.
    Reboot,
    /// Forget settings, passwords and what was wanted, and begin anew.
    FactoryReset,
    /// End in order.
    Shutdown,
}

impl Command {
    /// [`Command::ProfileSet`] with numbers of one's own.
    #[must_use]
    pub fn video(video: VideoSettings) -> Self {
        Self::ProfileSet {
            profile: None,
            bitrate: None,
            video: Some(video),
        }
    }

    /// Whether it only asks: then nothing is changed, and it may be asked again at any time.
    #[must_use]
    pub fn only_asks(&self) -> bool {
        matches!(
            self,
            Self::Snapshot { .. } | Self::Status | Self::Logs { .. } | Self::ConfigValidate { .. }
        )
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Keys stand in there as plain text, under names that may be misspelt.
            Self::DesiredApply { version, settings } => {
                let keys = settings.as_object().map(|o| o.keys().collect::<Vec<_>>());
                write!(f, "desired-apply version {version} of {keys:?}")
            }
            Self::ConfigValidate { toml } => write!(f, "config-validate of {} bytes", toml.len()),
            other => match serde_json::to_string(other) {
                Ok(json) => f.write_str(&json),
                Err(_) => f.write_str("a command that is no JSON"),
            },
        }
    }
}

/// Where a command came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A signal to the process.
    Signal,
    /// The command line.
    Cli,
    /// MQTT.
    Mqtt,
    /// The web pages.
    Web,
    /// The button on the box.
    Button,
    /// A schedule.
    Schedule,
}
