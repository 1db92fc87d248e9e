//! Lines of the chat.

use std::collections::{HashMap, VecDeque};

use super::act::{By, Done, Refusal, Why};
use super::bridged::{Bridged, BridgedWhat};
use super::event::{Event, Fact, LineState, Role};
use super::state::{Decision, Live, Now};
use super::texts::{bad, word};
use super::view::Line;

/// Lines that are kept in memory, and given to whoever joins.
pub(super) const MAX_LINES: usize = 500;
/// Words of browsers for lines that are kept, so that a line that is sent again after a reconnect is known.
const MAX_NONCES: usize = 20_000;
/// Longest line.
pub(super) const MAX_TEXT: usize = 500;
/// Longest word of a browser for a line.
pub(super) const MAX_NONCE: usize = 40;
/// Longest name of a platform.
const MAX_ORIGIN: usize = 24;
/// Longest id of a platform.
const MAX_ID: usize = 80;

/// A line that is to be judged before it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its author; 0: none in the room.
    pub viewer: u64,
    /// Name, cleaned.
    pub name: String,
    /// Text, cleaned.
    pub text: String,
    /// Role of its author.
    pub role: Role,
    /// From where; `None`: this room.
    pub origin: Option<String>,
    /// What its sender called it.
    pub nonce: Option<String>,
    /// It is to run over the picture.
    pub danmaku: bool,
}

#[derive(Debug)]
pub(super) struct Kept {
    pub line: Line,
    pub item: Option<u64>,
}

/// The last lines.
#[derive(Debug, Default)]
pub(super) struct Chat {
    pub lines: VecDeque<Kept>,
    nonces: HashMap<(u64, String), u64>,
    order: VecDeque<(u64, String)>,
}

impl Chat {
    pub(super) fn said(&mut self, event: &Event) {
        let Fact::Said {
            line,
            name,
            text,
            role,
            origin,
            state,
            danmaku,
            item,
            nonce,
        } = &event.fact
        else {
            return;
        };
        if let Some(nonce) = nonce {
            let key = (event.viewer, nonce.clone());
            self.nonces.insert(key.clone(), *line);
            self.order.push_back(key);
            if self.order.len() > MAX_NONCES
                && let Some(oldest) = self.order.pop_front()
            {
                self.nonces.remove(&oldest);
            }
        }
        let line = Line {
            line: *line,
            at_ms: event.at_ms,
            viewer: event.viewer,
            name: name.clone(),
            text: text.clone(),
            role: *role,
            origin: origin.clone(),
            state: *state,
            danmaku: *danmaku,
            nonce: nonce.clone(),
        };
        self.lines.push_back(Kept { line, item: *item });
        if self.lines.len() > MAX_LINES {
            self.lines.pop_front();
        }
    }

    fn at(&self, line: u64) -> Option<usize> {
        self.lines
            .binary_search_by_key(&line, |kept| kept.line.line)
            .ok()
    }

    pub(super) fn get(&self, line: u64) -> Option<&Kept> {
        self.lines.get(self.at(line)?)
    }

    pub(super) fn set(&mut self, line: u64, state: LineState) {
        if let Some(kept) = self.at(line).and_then(|at| self.lines.get_mut(at)) {
            kept.line.state = state;
        }
    }

    /// The line that its sender called so.
    fn known(&self, viewer: u64, nonce: &str) -> Option<u64> {
        self.nonces.get(&(viewer, nonce.to_owned())).copied()
    }
}

impl Live {
    /// A line, if it is still kept in memory.
    #[must_use]
    pub fn line(&self, line: u64) -> Option<&Line> {
        self.chat.get(line).map(|kept| &kept.line)
    }

    /// The id of a line in the overlay's room.
    #[must_use]
    pub fn item_of(&self, line: u64) -> Option<u64> {
        self.chat.get(line)?.item
    }

    fn said_before(&self, viewer: u64, nonce: &str) -> Option<Decision> {
        let line = self.chat.known(viewer, nonce)?;
        let held = self.line(line).is_some_and(|l| l.state == LineState::Held);
        let done = Done {
            id: Some(line),
            again: true,
            held,
        };
        Some(Decision::Facts {
            facts: Vec::new(),
            done,
        })
    }

    pub(super) fn decide_say(
        &self,
        by: &By,
        text: &str,
        nonce: Option<&str>,
        now: Now,
    ) -> Result<Decision, Refusal> {
        let nonce = nonce.map(|nonce| word(nonce, MAX_NONCE)).transpose()?;
        if let Some(again) = nonce
            .as_deref()
            .and_then(|nonce| self.said_before(by.viewer, nonce))
        {
            return Ok(again);
        }
        if let Some(choice) = self.vote_in(text)
            && by.viewer != 0
        {
            return self.decide_vote(by, self.polls.number(), choice);
        }
        let name = self.speaker(by, now)?;
        let text = if by.role >= Role::Moderator {
            self.texts.staff(text, MAX_TEXT)?
        } else {
            self.texts.audience(text, MAX_TEXT)?
        };
        Ok(Decision::Judge(Draft {
            viewer: by.viewer,
            name,
            text,
            role: by.role,
            origin: None,
            nonce,
            danmaku: self.desk.danmaku,
        }))
    }

    /// A line that was judged.
    ///
    /// # Errors
    /// Why it is not said after all: its author was muted in the meantime.
    pub fn said(
        &self,
        draft: &Draft,
        state: LineState,
        item: Option<u64>,
        now: Now,
    ) -> Result<Decision, Refusal> {
        if let Some(again) = draft
            .nonce
            .as_deref()
            .and_then(|nonce| self.said_before(draft.viewer, nonce))
        {
            return Ok(again);
        }
        let by = By {
            viewer: draft.viewer,
            role: draft.role,
            account: None,
            addr: String::new(),
        };
        if draft.viewer != 0 {
            self.speaker(&by, now)?;
        } else if draft.role == Role::Viewer && self.desk.panic {
            return Err(
                Refusal::new(Why::Closed, "The room is closed for the moment.").because("panic"),
            );
        }
        let line = self.highest.line + 1;
        let fact = Fact::Said {
            line,
            name: draft.name.clone(),
            text: draft.text.clone(),
            role: draft.role,
            origin: draft.origin.clone(),
            state,
            danmaku: draft.danmaku,
            item,
            nonce: draft.nonce.clone(),
        };
        let done = Done {
            id: Some(line),
            again: false,
            held: state == LineState::Held,
        };
        Ok(Decision::Facts {
            facts: vec![fact],
            done,
        })
    }

    /// The overlay's room let a held line through, or rejected it. `from`: lines before it have ids of an earlier run.
    pub(super) fn decide_line_state(&self, item: u64, shown: bool, from: u64) -> Vec<Fact> {
        let held = |kept: &&super::chat::Kept| {
            kept.item == Some(item) && kept.line.line > from && kept.line.state == LineState::Held
        };
        let Some(kept) = self.chat.lines.iter().rev().find(held) else {
            return Vec::new();
        };
        let line = kept.line.line;
        vec![if shown {
            Fact::LineShown { line }
        } else {
            Fact::LineHidden {
                line,
                why: "rejected".into(),
            }
        }]
    }

    /// What a bridge heard.
    pub(super) fn decide_hear(&self, bridged: &Bridged) -> Result<Decision, Refusal> {
        let origin = self.texts.staff(&bridged.origin, MAX_ORIGIN)?;
        let name = self.texts.foreign_name(&bridged.name);
        let id = bridged
            .id
            .as_deref()
            .map(|id| word(id, MAX_ID))
            .transpose()?;
        // Ids of two platforms may be the same.
        let nonce = id.map(|id| format!("{origin}:{id}"));
        if self.desk.panic {
            return Err(
                Refusal::new(Why::Closed, "The room is closed for the moment.").because("panic"),
            );
        }
        match &bridged.what {
            BridgedWhat::Chat { text } => {
                if let Some(again) = nonce
                    .as_deref()
                    .and_then(|nonce| self.said_before(0, nonce))
                {
                    return Ok(again);
                }
                Ok(Decision::Judge(Draft {
                    viewer: 0,
                    name,
                    text: self.texts.audience(text, MAX_TEXT)?,
                    role: Role::Viewer,
                    origin: Some(origin),
                    nonce,
                    danmaku: self.desk.danmaku,
                }))
            }
            BridgedWhat::Question { text } => self.ask(0, name, text, Some(origin)),
            BridgedWhat::Gift { gift, combo, count } => {
                let combo = match (combo.as_str(), nonce) {
                    ("", Some(id)) => id,
                    (combo, _) => word(combo, MAX_NONCE)?,
                };
                self.give_from(origin, name, gift, &combo, *count)
            }
            BridgedWhat::Like { n: 0 } => Err(bad("n is at least 1.")),
            BridgedWhat::Like { n } => Ok(Decision::of(
                vec![Fact::Liked {
                    n: (*n).min(10_000),
                }],
                None,
            )),
        }
    }
}
