//! Faults of the stream, and what the staff did about somebody.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::{Count, Evidence};
use super::line::Line;
use crate::room::live::event::{Fact, Moderation};

/// A fault of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Incident {
    /// One sentence.
    pub text: String,
    /// When it began, ms since 1970; `None`: before the show.
    pub from_ms: Option<i64>,
    /// When it was over; `None`: not yet.
    pub to_ms: Option<i64>,
    /// How long, ms; `None` if an end is missing.
    pub took_ms: Option<u64>,
    /// These events.
    pub from: Evidence,
}

/// In the order of their beginnings. An end belongs to the last open one of the same sentence, else to the last open one.
pub(super) fn incidents(line: &Line<'_>) -> Vec<Incident> {
    let mut all: Vec<(Option<u64>, Incident)> = Vec::new();
    for (elapsed, event) in line.during() {
        let Fact::Incident { text, over } = &event.fact else {
            continue;
        };
        if *over {
            let open = |(_, i): &(Option<u64>, Incident)| i.to_ms.is_none();
            let same = all.iter().rposition(|i| open(i) && i.1.text == *text);
            let which = same.or_else(|| all.iter().rposition(open));
            if let Some((begun, incident)) = which.and_then(|i| all.get_mut(i)) {
                incident.to_ms = Some(event.at_ms);
                incident.took_ms = begun.map(|b| elapsed.saturating_sub(b));
                incident.from.add(event);
                continue;
            }
        }
        let mut from = Evidence::default();
        from.add(event);
        let (begun, ended) = if *over {
            (None, Some(event.at_ms))
        } else {
            (Some(event.at_ms), None)
        };
        let incident = Incident {
            text: text.clone(),
            from_ms: begun,
            to_ms: ended,
            took_ms: None,
            from,
        };
        all.push((begun.map(|_| *elapsed), incident));
    }
    all.into_iter().map(|(_, incident)| incident).collect()
}

/// What the staff did about somebody or to the room.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Acts {
    /// All acts.
    pub acts: Count,
    /// Those that took another one back.
    pub undone: Count,
    /// By kind.
    pub by_kind: BTreeMap<&'static str, Count>,
}

impl Acts {
    pub(super) fn of(line: &Line<'_>) -> Self {
        let mut all = Self::default();
        for (_, event) in line.during() {
            let Fact::Moderated { what, undoes, .. } = &event.fact else {
                continue;
            };
            all.acts.one(event);
            all.by_kind.entry(kind(what)).or_default().one(event);
            if undoes.is_some() {
                all.undone.one(event);
            }
        }
        all
    }
}

fn kind(what: &Moderation) -> &'static str {
    match what {
        Moderation::Approve { .. } => "approve",
        Moderation::Hide { .. } => "hide",
        Moderation::TimeOut { .. } => "time-out",
        Moderation::Ban { .. } => "ban",
        Moderation::Slow { .. } => "slow",
        Moderation::Words { .. } => "words",
        Moderation::Danmaku { .. } => "danmaku",
        Moderation::Panic { .. } => "panic",
    }
}
