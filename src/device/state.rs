//! Wanted and actual state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::{DestinationName, VideoSettings};

/// What people asked for; survives a power cut. Absent fields follow the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Push to the enabled destinations.
    pub live: bool,
    /// Sound off.
    #[serde(default)]
    pub muted: bool,
    /// Gain in dB, if it was changed.
    #[serde(default)]
    pub gain_db: Option<f32>,
    /// Sound offset in ms, if it was changed.
    #[serde(default)]
    pub offset_ms: Option<i32>,
    /// Main rendition, if it was changed.
    #[serde(default)]
    pub video: Option<VideoSettings>,
    /// Destinations switched on or off by command.
    #[serde(default)]
    pub destinations: BTreeMap<DestinationName, bool>,
}
