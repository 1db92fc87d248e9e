//! What the box tells of itself over MQTT, as plain data: `conn`, `info`, `status`, `reported` and telemetry. Pure; the
//! types here are also what `docs/mqtt/*.schema.json` is made from.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::core_words;
pub use super::job::UpdateReport;
use crate::config::{BoxId, FleetName, GroupName, Profile};
use crate::device::event::{DestinationState, Rendition};
use crate::device::health::Severity;
use crate::device::led::LedPattern;
use crate::device::settings::{DesiredReport, SettingError, Settings};
use crate::device::status::{SourceStatus, Status};
use crate::device::thermal::HeatLevel;

/// Version of the topics and payloads: the `v1` of the topics.
pub const SCHEMA_VERSION: u32 = 1;

/// How far the temperature must be from what was told before it is told anew, °C: more than half, so that a reading
/// between two whole degrees does not chatter.
const CHATTER_C: f32 = 0.75;

/// JSON of plain data; text keys only, so that it cannot fail.
#[must_use]
pub fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|e| {
        tracing::error!(error = %e, "a message could not be written");
        Vec::new()
    })
}

/// Whether the box is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConnState {
    /// It is.
    Online,
    /// It ended in order.
    Stopped,
    /// The broker has not heard of it for a while.
    Offline,
}

/// `conn`, retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Conn {
    /// Whether the box is there.
    pub state: ConnState,
    /// Rises with each start of the box, so that an old `offline` is known as old.
    pub session: u64,
}

/// `info`, retained: what does not change while the box runs.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Info {
    /// Who it is in its fleet.
    pub id: BoxId,
    /// Its fleet.
    pub fleet: FleetName,
    /// What people call it.
    pub name: String,
    /// Version of Boothcast.
    pub version: String,
    /// The board.
    pub board: BoardInfo,
    /// Version of the image that runs; null where Boothcast was installed otherwise.
    pub system: Option<String>,
    /// The slot of the card that runs: `A` or `B`; null where there are none.
    pub slot: Option<String>,
    /// Version of the Linux kernel.
    pub kernel: String,
    /// Processor architecture, such as `aarch64`.
    pub arch: String,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Unix time of its start, s; null while the clock is not set.
    pub started_at: Option<i64>,
    /// As in `conn`.
    pub session: u64,
}

/// The board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BoardInfo {
    /// Boothcast's name of it, such as `rpi4`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What the hardware calls itself, if it does.
    pub model: Option<String>,
}

/// What a box can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Capabilities {
    /// H.264 encoders in the order in which they are used.
    pub encoders: Vec<String>,
    /// Commands, as in the topic: `live/start`.
    pub commands: Vec<String>,
    /// Whether there is a sound track.
    pub sound: bool,
    /// Version of topics and payloads.
    pub schema: u32,
}

/// Where a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceWord {
    /// There is none.
    Off,
    /// It is being opened.
    Opening,
    /// It delivers.
    Up,
    /// It does not deliver.
    Lost,
}

impl From<&SourceStatus> for SourceWord {
    fn from(source: &SourceStatus) -> Self {
        match source {
            SourceStatus::Off => Self::Off,
            SourceStatus::Opening => Self::Opening,
            SourceStatus::Up { .. } => Self::Up,
            SourceStatus::Lost { .. } => Self::Lost,
        }
    }
}

/// Where a push stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DestinationWord {
    /// Not wanted.
    Off,
    /// Connecting.
    Connecting,
    /// The server takes the stream.
    Live,
    /// Waiting for the next try.
    Waiting,
    /// The server refuses the stream key.
    KeyRejected,
}

impl From<&DestinationState> for DestinationWord {
    fn from(state: &DestinationState) -> Self {
        match state {
            DestinationState::Off => Self::Off,
            DestinationState::Connecting => Self::Connecting,
            DestinationState::Live => Self::Live,
            DestinationState::Waiting { .. } => Self::Waiting,
            DestinationState::KeyRejected { .. } => Self::KeyRejected,
        }
    }
}

/// How the box is, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct HealthReport {
    /// How bad it is.
    #[schemars(schema_with = "core_words::severity")]
    pub severity: Severity,
    /// One plain sentence, with the mend if there is one.
    pub sentence: String,
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DestinationReport {
    /// Switched on.
    pub enabled: bool,
    /// Where the push stands.
    pub state: DestinationWord,
    /// Why it is not live, one clause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// `status`, retained: what the box does now. Numbers that never stand still are in the telemetry.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct StatusReport {
    /// What people call it.
    pub name: String,
    /// Pushing is wanted.
    pub live: bool,
    /// How it is.
    pub health: HealthReport,
    /// What the status light shows: `booting`, `set_up`, `ready`, `connecting`, `live`, `degraded`, `error_1` to
    /// `error_5`, `updating`, `identify`, `confirm`.
    pub led: String,
    /// Named profile that is wanted of the main rendition; `custom`: its numbers have no name.
    #[schemars(with = "Profile")]
    pub profile: &'static str,
    /// Width of the main rendition now, pixels.
    pub width: u32,
    /// Height of the main rendition now, pixels.
    pub height: u32,
    /// Frames per second of the main rendition now.
    pub fps: u32,
    /// Bitrate of the main rendition now, bit/s.
    pub bitrate: u32,
    /// Bitrate that is wanted of it, bit/s.
    pub bitrate_wanted: u32,
    /// Encoder of the main rendition; null while there is none.
    pub encoder: Option<String>,
    /// The camera.
    pub camera: SourceWord,
    /// The microphone.
    pub mic: SourceWord,
    /// Sound off by command; null without a sound track.
    pub muted: Option<bool>,
    /// The slate is on air instead of the camera.
    pub slate: bool,
    /// Destinations by name.
    pub destinations: BTreeMap<String, DestinationReport>,
    /// Nothing of the audience is shown, by command.
    pub panic: bool,
    /// Whether comments of the audience run, by command; null: as configured.
    pub danmaku: Option<bool>,
    /// RTSP readers now.
    pub readers: u32,
    /// Temperature of the processor, whole °C; null: unknown.
    pub temperature_c: Option<i32>,
    /// What heat does to the picture.
    #[schemars(schema_with = "core_words::heat")]
    pub heat: HeatLevel,
    /// Unix time of the start, s; null while the clock is not set.
    pub started_at: Option<i64>,
    /// Version of Boothcast.
    pub version: String,
    /// Last version of desired settings that was taken up; 0: none.
    pub desired_version: u64,
    /// Groups whose commands are heard.
    pub groups: Vec<GroupName>,
    /// What is known of a newer version.
    pub update: UpdateReport,
}

/// What `status` says beside what the core knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Version of Boothcast.
    pub version: String,
    /// Unix time of the start, s.
    pub started_at: Option<i64>,
}

impl StatusReport {
    /// What is to be said of `status`, after `before` was said.
    #[must_use]
    pub fn of(status: &Status, wishes: &Wishes, facts: &Facts, before: Option<&Self>) -> Self {
        let main = status
            .encoders
            .iter()
            .find(|e| e.rendition == Rendition::Main);
        let number = |n: fn(&crate::config::VideoSettings) -> u32| main.map_or(0, |e| n(&e.video));
        Self {
            name: status.name.clone(),
            live: status.live,
            health: HealthReport {
                severity: status.health.severity,
                sentence: status.health.sentence.clone(),
            },
            led: led(status.health.led),
            profile: wishes.settings.profile.map_or("custom", Profile::name),
            width: number(|v| v.width),
            height: number(|v| v.height),
            fps: number(|v| v.fps),
            bitrate: status.bitrate.now,
            bitrate_wanted: status.bitrate.wanted,
            encoder: main
                .filter(|e| e.state == "up")
                .and_then(|e| e.encoder.clone()),
            camera: (&status.camera).into(),
            mic: (&status.mic).into(),
            muted: status.sound.as_ref().map(|s| s.muted),
            slate: status.slate,
            destinations: destinations(status),
            panic: status.stage.panic,
            danmaku: status.stage.danmaku.enabled,
            readers: status.rtsp_readers,
            temperature_c: steady(
                status.hardware.temperature_c,
                before.and_then(|b| b.temperature_c),
            ),
            heat: status.hardware.heat,
            started_at: facts.started_at,
            version: facts.version.clone(),
            desired_version: wishes.desired.version,
            groups: wishes.settings.groups.clone().unwrap_or_default(),
            update: UpdateReport::of(status, &facts.version),
        }
    }
}

fn destinations(status: &Status) -> BTreeMap<String, DestinationReport> {
    let report = |d: &crate::device::status::DestinationStatus| DestinationReport {
        enabled: d.enabled,
        state: (&d.state).into(),
        reason: match &d.state {
            DestinationState::Waiting { reason, .. } | DestinationState::KeyRejected { reason } => {
                Some(reason.clone())
            }
            _ => None,
        },
    };
    status
        .destinations
        .iter()
        .map(|d| (d.name.to_string(), report(d)))
        .collect()
}

fn led(pattern: LedPattern) -> String {
    if let LedPattern::Error(trouble) = pattern {
        return format!("error_{}", trouble.blinks());
    }
    match serde_json::to_value(pattern) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "booting".to_owned(),
    }
}

/// A temperature in whole degrees that stays as it was told until it is well off.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
fn steady(now: Option<f32>, told: Option<i32>) -> Option<i32> {
    let now = now?;
    match told {
        Some(told) if (now - told as f32).abs() < CHATTER_C => Some(told),
        _ => Some(now.round() as i32),
    }
}

/// `reported`, retained: the settings in force, and what became of the desired ones.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Reported {
    /// The last version of `desired` that was taken up; never falls. 0: none yet.
    pub version: u64,
    /// Rises with each change of what is wanted, by whomever.
    pub revision: u64,
    /// What is in force.
    pub settings: Settings,
    /// What is in the way of some of the desired settings.
    #[schemars(with = "Vec<SettingErrorReport>")]
    pub errors: Vec<SettingError>,
    /// The desired settings are on trial: the settings before are ready to return.
    pub trial: bool,
    /// Why the desired settings were rolled back, one sentence.
    pub rolled_back: Option<String>,
}

/// Schema of [`SettingError`].
#[derive(JsonSchema)]
#[schemars(rename = "SettingError")]
#[allow(dead_code)]
struct SettingErrorReport {
    /// Where it stands, such as `audio.gain_db`.
    path: String,
    /// For programs.
    code: String,
    /// For people.
    message: String,
}

/// What is wanted of the box, as the core says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Wishes {
    /// Rises with each change of what is wanted.
    pub revision: u64,
    /// What is in force.
    pub settings: Settings,
    /// What became of the desired settings.
    pub desired: DesiredReport,
}

impl Wishes {
    /// Those that `status` tells.
    #[must_use]
    pub fn of(status: &Status) -> Self {
        let none = || DesiredReport {
            version: 0,
            errors: Vec::new(),
            trial: false,
            rolled_back: None,
        };
        Self {
            revision: status.revision,
            settings: status.settings(),
            desired: status.desired.clone().unwrap_or_else(none),
        }
    }
}

impl From<Wishes> for Reported {
    fn from(wishes: Wishes) -> Self {
        let Wishes {
            revision,
            settings,
            desired,
        } = wishes;
        Self {
            version: desired.version,
            revision,
            settings,
            errors: desired.errors,
            trial: desired.trial,
            rolled_back: desired.rolled_back,
        }
    }
}

#[cfg(test)]
#[path = "tell_tests.rs"]
mod tests;
