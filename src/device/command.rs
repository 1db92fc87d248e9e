//! What the box can be told to do, and by whom. Plain data: the reply channel travels in an envelope around it.

use serde::{Deserialize, Serialize};

use super::control::{ControlName, ControlValue};
use crate::config::{DestinationName, VideoSettings};

/// One order to the box.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", content = "args", rename_all = "kebab-case")]
pub enum Command {
    /// Push to all enabled destinations.
    LiveStart,
    /// Push to nobody; RTSP goes on.
    LiveStop,
    /// Switch one destination on or off.
    DestinationEnable {
        /// Which.
        destination: DestinationName,
        /// On or off.
        enabled: bool,
    },
    /// Encode the main rendition differently.
    ProfileSet {
        /// The new numbers.
        video: VideoSettings,
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
    /// Blink and say the address, so that a person finds the box.
    Identify,
    /// Forget settings, passwords and what was wanted, and begin anew.
    FactoryReset,
    /// End in order.
    Shutdown,
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
