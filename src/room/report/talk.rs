//! What was said, liked and given.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::{Count, Figure};
use super::line::Line;
use crate::room::live::event::{Fact, LineState};

/// What was said, liked and given, of bridges too.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Talk {
    /// Lines of the chat.
    pub messages: Count,
    /// Those of bridges among them.
    pub bridged: Count,
    /// Those that had to wait for the staff.
    pub held: Count,
    /// Lines that were taken away.
    pub hidden: Count,
    /// Lines per minute over the length of the show.
    pub per_minute: Figure,
    /// Lines in each step of the series.
    pub over_time: Vec<Count>,
    /// Likes.
    pub likes: Count,
    /// Gifts.
    pub gifts: Count,
    /// The same by kind of gift.
    pub gifts_by_kind: BTreeMap<String, Count>,
    /// Announcements.
    pub announcements: Count,
}

impl Talk {
    pub(super) fn of(line: &Line<'_>) -> Self {
        let mut talk = Self {
            over_time: vec![Count::default(); line.steps()],
            ..Self::default()
        };
        for (elapsed, event) in line.during() {
            match &event.fact {
                Fact::Said { origin, state, .. } => {
                    talk.messages.one(event);
                    if let Some(step) = talk.over_time.get_mut(line.step_of(*elapsed)) {
                        step.one(event);
                    }
                    if origin.is_some() {
                        talk.bridged.one(event);
                    }
                    if *state == LineState::Held {
                        talk.held.one(event);
                    }
                }
                Fact::LineHidden { .. } => talk.hidden.one(event),
                Fact::Liked { n } => talk.likes.more(u64::from(*n), event),
                Fact::Gave { gift, more, .. } => {
                    talk.gifts.more(u64::from(*more), event);
                    talk.gifts_by_kind
                        .entry(gift.clone())
                        .or_default()
                        .more(u64::from(*more), event);
                }
                Fact::Announced { text } if !text.is_empty() => talk.announcements.one(event),
                _ => {}
            }
        }
        talk.per_minute = talk.messages.per(line.length_ms() as f64 / 60_000.0);
        talk
    }
}
