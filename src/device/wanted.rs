//! What people asked for: the only thing of the core that is saved.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::control::{ControlName, ControlValue};
#[cfg(doc)]
use super::policy;
use super::settings::SettingError;
use super::stage::Stage;
use super::state::DestinationSetup;
use crate::config::{Destination, DestinationName, GroupName, Secret, StreamUrl, VideoSettings};

/// What people asked for; survives a power cut. Absent fields follow the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Rises with every change of what is wanted.
    #[serde(default)]
    pub revision: u64,
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
    /// Destinations added by command, [`policy::MAX_ADDED`] at most.
    #[serde(default)]
    pub added: BTreeMap<DestinationName, Added>,
    /// Controls of the camera that were changed, [`policy::MAX_WANTED_CONTROLS`] at most.
    #[serde(default)]
    pub camera_controls: BTreeMap<ControlName, ControlValue>,
    /// Capture volume of the sound card itself, per cent, if it was changed.
    #[serde(default)]
    pub mic_percent: Option<u8>,
    /// Capture switch of the sound card itself, if it was changed.
    #[serde(default)]
    pub mic_on: Option<bool>,
    /// The line on the picture, if it stays until it is cleared.
    #[serde(default)]
    pub banner: Option<String>,
    /// Everything else that its owner has put on the picture, without an end; its own `banner` is empty.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub stage: Box<Stage>,
    /// Somebody has set the box up; until the factory reset.
    #[serde(default, skip_serializing_if = "not")]
    pub claimed: bool,
    /// SHA-256 of the token of whoever did, lower-case hex: later codes must carry the same token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<String>,
    /// Groups whose commands are heard, [`super::desired::MAX_GROUPS`] at most.
    #[serde(default)]
    pub groups: Vec<GroupName>,
    /// The last settings of an operator, and what became of them.
    #[serde(default)]
    pub desired: Option<Desired>,
    /// They are on trial.
    #[serde(default)]
    pub trial: Option<Trial>,
}

impl Wanted {
    /// Nothing but `live`; everything else follows the configuration.
    #[must_use]
    pub fn new(live: bool) -> Self {
        Self {
            revision: 0,
            live,
            muted: false,
            gain_db: None,
            offset_ms: None,
            video: None,
            destinations: BTreeMap::new(),
            added: BTreeMap::new(),
            camera_controls: BTreeMap::new(),
            mic_percent: None,
            mic_on: None,
            banner: None,
            stage: Box::default(),
            claimed: false,
            claim: None,
            groups: Vec::new(),
            desired: None,
            trial: None,
        }
    }

    /// All but what stands on the picture: that is none of the settings that can be on trial, so it neither ends a trial
    /// nor is taken back by one.
    #[must_use]
    pub fn without_stage(&self) -> Self {
        Self {
            banner: None,
            stage: Box::default(),
            ..self.clone()
        }
    }

    /// The configuration file has the last word: what was added under the name of one of its destinations is forgotten.
    pub fn give_way(&mut self, configured: &[DestinationSetup]) {
        let theirs = |name: &DestinationName| configured.iter().any(|d| d.name == *name);
        self.added.retain(|name, _| !theirs(name));
        if let Some(trial) = &mut self.trial {
            trial.before.added.retain(|name, _| !theirs(name));
        }
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn not(flag: &bool) -> bool {
    !flag
}

/// A file without it can be read by versions that do not know it.
fn is_empty(stage: &Stage) -> bool {
    *stage == Stage::default()
}

/// The last settings that were taken up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Desired {
    /// Their version.
    pub version: u64,
    /// What is in the way of some of them.
    pub errors: Vec<SettingError>,
    /// Why they were rolled back, one sentence.
    #[serde(default)]
    pub rolled_back: Option<String>,
}

/// Settings on trial ([`super::trial`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// What was wanted before; without a trial of its own, without [`Desired`], and without what stands on the picture.
    pub before: Box<Wanted>,
    /// The box was started once since.
    #[serde(default)]
    pub restarted: bool,
}

/// A destination added by command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Added {
    /// Server and application.
    pub url: StreamUrl,
    /// Stream key; the store keeps it beside, as it never serialises.
    pub key: Secret,
    /// On or off.
    pub enabled: bool,
    /// Ceiling, bit/s.
    #[serde(default)]
    pub max_bitrate: Option<u32>,
}

impl Added {
    /// As the engine knows it. Whether it is switched on is the core's to say, by opening it.
    #[must_use]
    pub fn destination(&self, name: &DestinationName) -> Destination {
        Destination {
            name: name.clone(),
            url: self.url.clone(),
            key: self.key.clone(),
            enabled: true,
            max_bitrate: self.max_bitrate,
            tls_ca: PathBuf::new(),
        }
    }
}
