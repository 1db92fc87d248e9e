//! What the broker has kept of each box, as far as a list needs it: a few hundred bytes a box.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::cli::broker::link::Said;
use crate::config::{BoxId, GroupName};
use crate::device::health::Severity;
use crate::edge::mqtt::topics::Fleet;

/// The most boxes that are listed; more are counted.
const MAX_BOXES: usize = 200_000;
/// The longest sentence that is kept, in characters.
const MAX_TEXT: usize = 160;
/// The longest name, version and so on, in characters.
const MAX_WORD: usize = 64;
/// The most groups of one box.
const MAX_GROUPS: usize = 16;
/// The largest message that is read.
const MAX_PAYLOAD: usize = 256 * 1024;

/// Whether a box is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Conn {
    /// Nothing is known.
    #[default]
    Unknown,
    /// It lost its connection.
    Offline,
    /// It ended in order.
    Stopped,
    /// It is there.
    Online,
}

impl Conn {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Offline => "offline",
            Self::Stopped => "stopped",
            Self::Online => "online",
        }
    }
}

/// One box.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(super) struct Known {
    pub state: Conn,
    /// From `info`, or else `status`.
    pub name: Box<str>,
    pub version: Box<str>,
    pub status: Option<Brief>,
    pub settings: Option<Settings>,
}

/// Of `status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Brief {
    pub live: bool,
    pub severity: Option<Severity>,
    pub sentence: Box<str>,
    pub profile: Box<str>,
    /// bit/s.
    pub bitrate: u64,
    pub temperature_c: Option<i64>,
    /// Whether there is an encoder that works.
    pub encodes: bool,
    pub groups: Box<[GroupName]>,
}

/// Of `reported`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Settings {
    pub version: u64,
    /// How many were not taken up.
    pub errors: usize,
    /// The first of them.
    pub first_error: Option<Box<str>>,
    pub trial: bool,
    pub rolled_back: Option<Box<str>>,
}

impl Known {
    pub(super) fn severity(&self) -> Option<Severity> {
        self.status.as_ref()?.severity
    }

    pub(super) fn groups(&self) -> &[GroupName] {
        self.status.as_ref().map_or(&[], |s| &s.groups)
    }

    pub(super) fn in_group(&self, group: &GroupName) -> bool {
        self.groups().contains(group)
    }

    /// Whether somebody should look at it: its health, or settings that it did not take.
    pub(super) fn has_trouble(&self) -> bool {
        let unwell = self.severity().is_some_and(|s| s >= Severity::Warning);
        let settings = self.settings.as_ref();
        unwell || settings.is_some_and(|s| s.errors > 0 || s.rolled_back.is_some())
    }
}

/// All boxes that were heard of.
#[derive(Debug, Default)]
pub(super) struct Boxes {
    pub all: BTreeMap<BoxId, Known>,
    /// Boxes that found no room.
    pub more: usize,
}

impl Boxes {
    /// Takes a message; which box it is about, and what changed there, if it is of those that are kept.
    pub(super) fn take(&mut self, fleet: &Fleet, said: &Said) -> Option<(BoxId, Leaf)> {
        let (id, leaf) = fleet.split(&said.topic)?;
        let leaf = Leaf::of(leaf)?;
        if said.payload.len() > MAX_PAYLOAD {
            return None;
        }
        if !self.all.contains_key(&id) && self.all.len() >= MAX_BOXES {
            self.more += 1;
            return None;
        }
        // An empty retained message is how an operator clears a topic: the broker forgets it.
        let value: Value = if said.payload.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&said.payload).ok()?
        };
        let known = self.all.entry(id.clone()).or_default();
        match leaf {
            Leaf::Conn => known.state = conn(&value),
            Leaf::Info => {
                known.name = word(&value, "name");
                known.version = word(&value, "version");
            }
            Leaf::Status => take_status(known, &value),
            Leaf::Reported => known.settings = settings(&value),
        }
        Some((id, leaf))
    }
}

/// The topics of a box that are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Conn,
    Info,
    Status,
    Reported,
}

impl Leaf {
    pub(super) const ALL: [&'static str; 4] = ["conn", "info", "status", "reported"];

    fn of(leaf: &str) -> Option<Self> {
        match leaf {
            "conn" => Some(Self::Conn),
            "info" => Some(Self::Info),
            "status" => Some(Self::Status),
            "reported" => Some(Self::Reported),
            _ => None,
        }
    }
}

fn conn(value: &Value) -> Conn {
    match value["state"].as_str() {
        Some("online") => Conn::Online,
        Some("stopped") => Conn::Stopped,
        Some("offline") => Conn::Offline,
        _ => Conn::Unknown,
    }
}

fn take_status(known: &mut Known, value: &Value) {
    if value.is_null() {
        known.status = None;
        return;
    }
    if known.name.is_empty() {
        known.name = word(value, "name");
    }
    let version = word(value, "version");
    if !version.is_empty() {
        known.version = version;
    }
    let groups = value["groups"].as_array().into_iter().flatten();
    known.status = Some(Brief {
        live: value["live"] == true,
        severity: severity(&value["health"]["severity"]),
        sentence: cut(&value["health"]["sentence"], MAX_TEXT),
        profile: word(value, "profile"),
        bitrate: value["bitrate"].as_u64().unwrap_or_default(),
        temperature_c: value["temperature_c"].as_i64(),
        encodes: !value["encoder"].is_null(),
        groups: groups
            .filter_map(|g| g.as_str()?.parse().ok())
            .take(MAX_GROUPS)
            .collect(),
    });
}

fn settings(value: &Value) -> Option<Settings> {
    let errors = value["errors"].as_array();
    Some(Settings {
        version: value["version"].as_u64()?,
        errors: errors.map_or(0, Vec::len),
        first_error: errors.and_then(|e| e.first()).map(|e| {
            let text = format!(
                "{}: {}",
                cut(&e["path"], MAX_WORD),
                cut(&e["message"], MAX_TEXT)
            );
            text.into()
        }),
        trial: value["trial"] == true,
        rolled_back: value["rolled_back"]
            .is_string()
            .then(|| cut(&value["rolled_back"], MAX_TEXT)),
    })
}

/// The word that a status says, as the core has it.
pub(super) fn severity(value: &Value) -> Option<Severity> {
    [
        ("ok", Severity::Ok),
        ("notice", Severity::Notice),
        ("warning", Severity::Warning),
        ("problem", Severity::Problem),
    ]
    .iter()
    .find_map(|(word, severity)| (value == word).then_some(*severity))
}

/// How a severity is called.
pub(super) fn called(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::Ok) => "ok",
        Some(Severity::Notice) => "notice",
        Some(Severity::Warning) => "warning",
        Some(Severity::Problem) => "problem",
        None => "-",
    }
}

fn word(value: &Value, field: &str) -> Box<str> {
    cut(&value[field], MAX_WORD)
}

/// A text on one line, without what a terminal would obey.
fn cut(value: &Value, most: usize) -> Box<str> {
    let text = value.as_str().unwrap_or_default();
    let plain = text.chars().take(most);
    let plain: String = plain
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    plain.into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(topic: &str, payload: &str) -> Said {
        Said {
            topic: format!("boothcast/v1/shop/box/{topic}"),
            payload: payload.to_owned().into(),
            retain: true,
        }
    }

    #[test]
    fn a_box_is_what_its_topics_say_and_rubbish_changes_nothing() {
        let fleet = Fleet::new(&"shop".parse().unwrap());
        let mut boxes = Boxes::default();
        let status = json!({"name": "Till", "live": true, "bitrate": 2_500_000, "profile": "720p30",
            "health": {"severity": "warning", "sentence": "A\u{1b}[2J\nB"}, "encoder": "x264enc",
            "groups": ["hall", "BAD!"], "temperature_c": 48, "version": "0.1.0"});
        for (topic, payload) in [
            ("a/conn", r#"{"state":"online","session":3}"#),
            ("a/status", &status.to_string()),
            (
                "a/reported",
                r#"{"version":4,"errors":[{"path":"audio.gain_db","code":"x","message":"too loud"}],"trial":true}"#,
            ),
        ] {
            assert!(
                boxes.take(&fleet, &said(topic, payload)).is_some(),
                "{topic}"
            );
        }
        let before = boxes.all.clone();
        for (topic, payload) in [
            ("a/status", "{"),
            ("a/conn", "\u{0}"),
            ("A!/conn", r#"{"state":"online"}"#),
            ("a/tel/sys", "{}"),
        ] {
            assert_eq!(boxes.take(&fleet, &said(topic, payload)), None, "{topic}");
        }
        assert_eq!(boxes.all, before);
        let a = &boxes.all[&"a".parse().unwrap()];
        assert_eq!(
            (a.state, &*a.name, &*a.version),
            (Conn::Online, "Till", "0.1.0")
        );
        let brief = a.status.as_ref().unwrap();
        assert_eq!((&*brief.sentence, brief.groups.len()), ("A [2J B", 1));
        let settings = a.settings.as_ref().unwrap();
        assert_eq!((settings.version, settings.trial), (4, true));
        assert_eq!(
            settings.first_error.as_deref(),
            Some("audio.gain_db: too loud")
        );
        assert!(a.has_trouble());
        boxes.take(&fleet, &said("a/status", ""));
        assert_eq!(boxes.all[&"a".parse().unwrap()].status, None, "cleared");
    }
}
