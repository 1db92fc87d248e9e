//! What happened, as messages under `evt/`: the difference of two statuses, told no more often than anybody can read. Pure.
//!
//! | type | told when | severity |
//! |---|---|---|
//! | `started` | the program started | notice |
//! | `live` | pushing is wanted, or no more | notice |
//! | `health` | it becomes a warning or a problem, or ceases to be one | as it is |
//! | `camera`, `mic` | lost, or there | problem, warning; ok |
//! | `destination` | live; lost; the key is refused | ok; warning; problem |
//! | `encoder` | one failed, and the next is tried | warning |
//! | `slate` | it goes on air, or off | notice |
//! | `heat` | the picture is made smaller, or grows back | warning; ok |
//! | `power` | the supply is too weak, or well again; the processor is slowed down | problem; ok; warning |
//! | `desired` | settings were taken up, taken up in part, rolled back | notice, warning, problem |
//! | `update` | a new version is installed; kept; not installed; taken back | notice; ok; warning; problem |
//! | `button` | it was pressed | notice |
//! | `refused` | commands were refused because there were too many | warning |
//!
//! A `problem` is an alarm: the outbox never drops it.

mod between;
mod pace;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json};

pub use between::between;
pub use pace::{BURST, EVERY, Pace};

use super::core_words;
use crate::device::health::Severity;
use crate::device::status::Status;

/// What kind of thing happened: the last segment of the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The program started.
    Started,
    /// Pushing is wanted, or no more.
    Live,
    /// The health became worse or better.
    Health,
    /// The camera was lost or came.
    Camera,
    /// The microphone was lost or came.
    Mic,
    /// A push began, was lost or was refused.
    Destination,
    /// An encoder failed.
    Encoder,
    /// The slate went on air or off.
    Slate,
    /// Heat changed the picture.
    Heat,
    /// The supply changed.
    Power,
    /// Desired settings were taken up or rolled back.
    Desired,
    /// A new version was installed, kept, refused or taken back.
    Update,
    /// The button was pressed.
    Button,
    /// Commands were refused because there were too many.
    Refused,
}

impl Kind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Live => "live",
            Self::Health => "health",
            Self::Camera => "camera",
            Self::Mic => "mic",
            Self::Destination => "destination",
            Self::Encoder => "encoder",
            Self::Slate => "slate",
            Self::Heat => "heat",
            Self::Power => "power",
            Self::Desired => "desired",
            Self::Update => "update",
            Self::Button => "button",
            Self::Refused => "refused",
        }
    }

    /// Its topic below the box.
    #[must_use]
    pub fn leaf(self) -> String {
        format!("evt/{}", self.name())
    }
}

/// Something that happened, before it has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// What kind of thing.
    pub kind: Kind,
    /// To which of several things of its kind, such as a destination by its name; may be empty.
    pub subject: String,
    /// How bad it is.
    pub severity: Severity,
    /// One plain sentence.
    pub message: String,
    /// For programs: an object.
    pub data: Value,
}

impl Happened {
    fn new(kind: Kind, severity: Severity, message: impl Into<String>, data: Value) -> Self {
        Self {
            kind,
            subject: String::new(),
            severity,
            message: message.into(),
            data,
        }
    }

    fn about(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.subject);
        self
    }

    /// Whether it must never be dropped.
    #[must_use]
    pub fn is_alarm(&self) -> bool {
        self.severity == Severity::Problem
    }

    /// The program started.
    #[must_use]
    pub fn started(status: &Status, version: &str) -> Self {
        Self::new(
            Kind::Started,
            Severity::Notice,
            format!("Boothcast {version} has started."),
            json!({"version": version, "live": status.live}),
        )
    }

    /// Commands were refused because there were too many.
    #[must_use]
    pub fn refused(count: u64) -> Self {
        let commands = if count == 1 {
            "command was"
        } else {
            "commands were"
        };
        Self::new(
            Kind::Refused,
            Severity::Warning,
            format!("{count} {commands} refused because there were too many at once."),
            json!({ "count": count }),
        )
    }

    /// What stands in `desired` is no version with settings; `why` is a clause.
    #[must_use]
    pub fn unreadable(why: &str) -> Self {
        Self::new(
            Kind::Desired,
            Severity::Problem,
            format!(
                "What stands in desired cannot be read: {why}. Write {{\"version\":n,\"settings\":{{…}}}}."
            ),
            json!({ "errors": [{ "path": "", "code": "bad_request", "message": why }] }),
        )
    }

    /// As it goes out.
    #[must_use]
    pub fn numbered(self, seq: u64, at: Option<i64>) -> EventReport {
        EventReport {
            seq,
            at,
            kind: self.kind,
            severity: self.severity,
            message: self.message,
            data: self.data,
        }
    }
}

/// `evt/{type}`
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EventReport {
    /// Rises with each event and each telemetry message that waited; the same number is the same event.
    pub seq: u64,
    /// Unix time, s; null while the clock is not set.
    pub at: Option<i64>,
    /// What kind of thing happened.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// How bad it is; `problem` is an alarm.
    #[schemars(schema_with = "core_words::severity")]
    pub severity: Severity,
    /// One plain sentence.
    pub message: String,
    /// For programs; `left_out` counts events of this type that were not told because there were too many.
    #[schemars(schema_with = "object_schema")]
    pub data: Value,
}

fn object_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object"})
}

#[cfg(test)]
mod tests;
