//! Settings as an operator writes them into `desired`, and as the box reports them: every field may be left out.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::control::{ControlName, ControlValue};
use crate::config::{DestinationName, GroupName, Profile, Secret, StreamUrl, VideoSettings};

/// What is wanted of a box, or in force there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Push to the enabled destinations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub live: Option<bool>,
    /// A named profile; in what is reported `custom` where the numbers have no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Numbers of one's own; `profile` is left out or `custom` then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoSettings>,
    /// Bitrate of the main rendition, bit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitrate: Option<u32>,
    /// Sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioSettings>,
    /// The sound card itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mic: Option<MicSettings>,
    /// Controls of the camera; `null` gives one back to its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<BTreeMap<ControlName, Option<ControlValue>>>,
    /// Destinations by name; `null` removes one that was added so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destinations: Option<BTreeMap<DestinationName, Option<DestinationSettings>>>,
    /// Groups whose commands are heard, 16 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<GroupName>>,
}

/// Sound.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AudioSettings {
    /// Off or on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub muted: Option<bool>,
    /// Digital gain, dB, −60 to +30.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_db: Option<f32>,
    /// Later than the picture by this, ms, −2000 to +2000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset_ms: Option<i32>,
}

/// The sound card itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MicSettings {
    /// Capture volume, per cent of the card's range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// Capture switch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<bool>,
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DestinationSettings {
    /// Server and application; needed for one that is new, left out for one of the configuration file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<StreamUrl>,
    /// Stream key; never reported.
    #[serde(skip_serializing)]
    pub key: Option<Secret>,
    /// On or off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Highest bitrate, bit/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bitrate: Option<u32>,
}

/// What became of the desired settings; a part of the status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DesiredReport {
    /// The last version that was taken up; only rises.
    pub version: u64,
    /// What is in the way of some of them.
    pub errors: Vec<SettingError>,
    /// On trial: frames are watched, and the settings before are ready to return.
    pub trial: bool,
    /// Why the settings were rolled back, one sentence.
    pub rolled_back: Option<String>,
}

/// Why one setting was not taken up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingError {
    /// Where it stands, such as `audio.gain_db` or `destinations.youtube.url`.
    pub path: String,
    /// For programs; a denial's code, or `rolled_back`.
    pub code: String,
    /// For people.
    pub message: String,
}
