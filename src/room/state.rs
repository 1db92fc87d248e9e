//! The room's state: takes what comes, lets it wait, and says what is to be seen.

use std::collections::VecDeque;
use std::time::Duration;

use super::alerts::{Added, Alerts};
use super::counts::Counts;
use super::hold::{Hold, Waiting};
use super::item::{Item, ItemId, Output};
use super::moderation::Moderator;
use super::noted::{Noted, Notes};
use super::rate::{Authors, Limits, Overall};
use super::reason::Reason;
use super::seen::{Sayings, Seen};
use crate::config::{ModerationConfig, ModerationMode, RoomConfig};
use crate::error::{Error, Kind, Result};

/// Comments that can be taken off the picture again: the last that were shown.
pub const MAX_RECALL: usize = 1024;
/// The longest while of *delay*.
pub const MAX_DELAY: Duration = Duration::from_secs(30);
/// Authors whose rate is remembered.
pub const MAX_AUTHORS: usize = 8192;
/// Alerts that bridges may send, 1/s; more than that is no audience, but a bridge gone wild.
const MAX_EVENTS: f64 = 50.0;
/// Of them new followers, which cost nothing to make up.
const MAX_FOLLOWS: f64 = 5.0;
/// Outputs that wait for [`Room::turn`].
const MAX_OUTPUTS: usize = 2048;

/// What the owner decided about the room.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `[moderation]`.
    pub moderation: ModerationConfig,
    /// The lines of `moderation.words_file`; `moderation.words` counts as well.
    pub words: Vec<String>,
    /// `[room]`.
    pub room: RoomConfig,
}

/// Which way something came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via<'a> {
    /// A bridge, by its name in the topic.
    Bridge(&'a str),
    /// A command, over whatever edge.
    Command,
    /// The box's own room, which has limits of authors of its own.
    Live {
        /// It is to run over the picture, too.
        drawn: bool,
    },
}

/// What becomes of something at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is drawn as soon as there is a lane, or as its turn comes.
    Shown(ItemId),
    /// It is drawn after this while, unless somebody rejects it.
    Delayed(ItemId, Duration),
    /// It waits until somebody approves it.
    Held(ItemId),
    /// It was counted; there is nothing to draw.
    Counted,
    /// It is fit to be seen, but is not drawn: nobody asked for that, or there is no room on the picture.
    Passed,
    /// It is not drawn.
    Refused(Reason),
}

/// The room.
#[derive(Debug)]
pub struct Room {
    pub(super) moderator: Moderator,
    mode: ModerationMode,
    delay: Duration,
    pub(super) repeat: Duration,
    pub(super) panic: bool,
    pub(super) hold: Hold,
    pub(super) alerts: Alerts,
    pub(super) seen: Seen,
    pub(super) sayings: Sayings,
    limits: Limits,
    pub(super) authors: Authors,
    max_drawn: f32,
    /// The room's limit of comments.
    pub(super) all: Overall,
    /// Comments of viewers are refused unseen until then: the room's limit is reached.
    pub(super) full_until: Duration,
    /// The limit of alerts of bridges, and of followers among them.
    pub(super) events: Overall,
    pub(super) follows: Overall,
    recall: VecDeque<ItemId>,
    outputs: Vec<Output>,
    pub(super) counts: Counts,
    pub(super) notes: Notes,
    last: u64,
}

impl Room {
    /// An empty room.
    ///
    /// # Errors
    /// `BadConfig` where the word list cannot be used.
    pub fn new(settings: &Settings) -> Result<Self> {
        let moderation = &settings.moderation;
        let limits = Limits::new(moderation);
        let max_drawn = settings.room.max_drawn_per_s;
        let per_s = f64::from(max_drawn);
        Ok(Self {
            moderator: Moderator::new(moderation, &settings.words)?,
            mode: moderation.mode,
            delay: seconds(moderation.delay_s).min(MAX_DELAY),
            repeat: seconds(moderation.repeat_s),
            panic: false,
            hold: Hold::default(),
            alerts: Alerts::default(),
            seen: Seen::default(),
            sayings: Sayings::default(),
            limits,
            authors: Authors::new(limits, MAX_AUTHORS, per_s),
            max_drawn,
            all: Overall::new(per_s, per_s),
            full_until: Duration::ZERO,
            events: Overall::new(MAX_EVENTS, MAX_EVENTS),
            follows: Overall::new(MAX_FOLLOWS, MAX_FOLLOWS),
            recall: VecDeque::new(),
            outputs: Vec::new(),
            counts: Counts::default(),
            notes: Notes::default(),
            last: 0,
        })
    }

    /// Takes a message of a bridge as it came.
    pub fn receive(&mut self, source: &str, payload: &[u8], now: Duration) -> Verdict {
        self.counts.taken += 1;
        let verdict = self.judge_payload(source, payload, now);
        self.note(verdict.unwrap_or_else(Verdict::Refused))
    }

    /// Takes an item. `author` is a name of the author that stays; left out, `who` on its platform counts.
    pub fn take(
        &mut self,
        via: Via<'_>,
        item: Item,
        author: Option<&str>,
        now: Duration,
    ) -> Verdict {
        self.counts.taken += 1;
        let verdict = self.judge(via, item, author, now);
        self.note(verdict.unwrap_or_else(Verdict::Refused))
    }

    /// Somebody wants to know what it does ([`Room::noted`]).
    pub fn note_all(&mut self) {
        self.notes.want();
    }

    /// What it did since this was asked last.
    pub fn noted(&mut self) -> Vec<Noted> {
        self.notes.take()
    }

    /// Counts what was refused before it came here.
    pub fn refuse(&mut self, reason: Reason, n: u64) {
        self.counts.taken += n;
        self.counts.refuse(reason, n);
    }

    fn note(&mut self, verdict: Verdict) -> Verdict {
        if let Verdict::Refused(reason) = verdict {
            self.counts.refuse(reason, 1);
        }
        verdict
    }

    /// Whether what comes now is seen only once somebody approves it.
    pub(super) fn waits_for_approval(&self, trusted: bool) -> bool {
        self.mode == ModerationMode::Hold && !trusted
    }

    /// Lets an item that may be seen wait, or be seen.
    pub(super) fn place(
        &mut self,
        trusted: bool,
        item: Item,
        author: Option<String>,
        now: Duration,
    ) -> Result<Verdict, Reason> {
        self.last += 1;
        let id = ItemId(self.last);
        let due = match self.mode {
            ModerationMode::Hold if !trusted => None,
            ModerationMode::Delay if !trusted && !self.delay.is_zero() => Some(now + self.delay),
            _ => return self.show(id, item, now).map(|()| Verdict::Shown(id)),
        };
        let waiting = Waiting {
            id,
            item,
            author,
            since: now,
            due,
        };
        match self.hold.add(waiting) {
            Some(gone) if gone.id == id => return Err(Reason::HeldFull),
            Some(_) => self.counts.refuse(Reason::HeldFull, 1),
            None => {}
        }
        match due {
            Some(_) => self.counts.delayed += 1,
            None => self.counts.held += 1,
        }
        Ok(due.map_or(Verdict::Held(id), |due| {
            Verdict::Delayed(id, due.saturating_sub(now))
        }))
    }

    /// Shows what waited.
    fn let_through(&mut self, waiting: Waiting, now: Duration) -> Result<(), Reason> {
        self.show(waiting.id, waiting.item, now)?;
        self.notes.add(|| Noted::Shown(waiting.id));
        Ok(())
    }

    fn show(&mut self, id: ItemId, item: Item, now: Duration) -> Result<(), Reason> {
        match item {
            Item::Comment(comment) => {
                if self.outputs.len() >= MAX_OUTPUTS {
                    return Err(Reason::Overflow);
                }
                if self.recall.len() >= MAX_RECALL {
                    self.recall.pop_front();
                }
                self.recall.push_back(id);
                self.outputs.push(Output::Comment(id, comment));
                self.counts.shown += 1;
            }
            Item::Alert(alert) => match self.alerts.add(id, alert, now) {
                Added::Queued => {}
                Added::Instead(_) => self.counts.refuse(Reason::AlertsFull, 1),
                Added::Full => return Err(Reason::AlertsFull),
            },
        }
        Ok(())
    }

    /// Lets something that waits be seen.
    ///
    /// # Errors
    /// `NotFound` where nothing of that name waits; `Refused` where there is no room for it.
    pub fn approve(&mut self, id: ItemId, now: Duration) -> Result<()> {
        let waiting = self.hold.remove(id).ok_or_else(|| unknown(id))?;
        self.counts.approved += 1;
        self.let_through(waiting, now).map_err(|reason| {
            self.counts.refuse(reason, 1);
            Error::new(Kind::Refused, reason.sentence()).mend("Approve it again later.")
        })
    }

    /// Takes away something that waits, or takes it off the picture.
    ///
    /// # Errors
    /// `NotFound` where nothing of that name waits or was shown of late.
    pub fn reject(&mut self, id: ItemId, now: Duration) -> Result<()> {
        if self.hold.remove(id).is_some() {
            self.counts.rejected += 1;
            self.notes.add(|| Noted::Gone(id));
            return Ok(());
        }
        match self.alerts.remove(id) {
            Some(true) => self.counts.withdrawn += 1,
            Some(false) => self.counts.rejected += 1,
            None => self.recall(id)?,
        }
        self.notes.add(|| Noted::Gone(id));
        self.turn_alerts(now);
        Ok(())
    }

    fn recall(&mut self, id: ItemId) -> Result<()> {
        let at = self.recall.iter().position(|shown| *shown == id);
        at.and_then(|at| self.recall.remove(at))
            .ok_or_else(|| unknown(id))?;
        self.counts.withdrawn += 1;
        self.outputs.push(Output::Withdraw(id));
        Ok(())
    }

    /// Another mode. What waits for its time waits for approval once the mode is *hold*, else no longer than the new while.
    /// What waits for approval goes on waiting for it: what nobody has read does not pour out.
    pub fn set_mode(&mut self, mode: ModerationMode, delay: Duration, now: Duration) {
        self.mode = mode;
        self.delay = delay.min(MAX_DELAY);
        match mode {
            ModerationMode::Hold => self.hold.hold_all(),
            ModerationMode::Delay => self.hold.due_by(now + self.delay),
            ModerationMode::Free => self.hold.due_by(now),
        }
    }

    /// Panic: all that the audience said goes, on the picture and off it, and nothing more is taken until it is taken back.
    pub fn set_panic(&mut self, on: bool) {
        self.panic = on;
        if !on {
            return;
        }
        let unseen = self
            .outputs
            .iter()
            .filter(|o| matches!(o, Output::Comment(..)))
            .count();
        self.counts.shown = self.counts.shown.saturating_sub(unseen as u64);
        let gone = self.hold.clear() + self.alerts.clear() + unseen;
        self.counts.refuse(Reason::Panic, gone as u64);
        self.recall.clear();
        self.outputs.clear();
        self.outputs.push(Output::Clear);
    }

    /// Comments that the lanes hold, 1/s; more than `room.max_drawn_per_s` are not taken anyway.
    pub fn set_capacity(&mut self, per_s: f32, now: Duration) {
        let per_s = Overall::limit(f64::from(per_s), self.max_drawn);
        self.all.set(per_s, per_s, now);
        self.authors.set(self.limits, per_s, now);
        self.full_until = Duration::ZERO;
    }

    /// What waits for approval or for its time, oldest first.
    #[must_use]
    pub fn queue(&self) -> Vec<Waiting> {
        self.hold.iter().cloned().collect()
    }

    /// Time went on: what is to be seen.
    pub fn turn(&mut self, now: Duration) -> Vec<Output> {
        for waiting in self.hold.take_due(now) {
            if let Err(reason) = self.let_through(waiting, now) {
                self.counts.refuse(reason, 1);
            }
        }
        self.turn_alerts(now);
        std::mem::take(&mut self.outputs)
    }

    fn turn_alerts(&mut self, now: Duration) {
        let turned = self.alerts.turn(now);
        self.counts.shown += turned.shown;
        self.counts.alerts += turned.shown;
        self.counts.refuse(Reason::Late, turned.late as u64);
        self.outputs.extend(turned.output);
    }

    /// When [`Room::turn`] has something to do next; a time that is past means now.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        if !self.outputs.is_empty() {
            return Some(Duration::ZERO);
        }
        match (self.hold.next(), self.alerts.next()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// How many came, and what became of them.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What waits: of comments and alerts for a moderator or their time, and alerts for their turn.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.hold.len() + self.alerts.waiting()
    }
}

fn seconds(s: f32) -> Duration {
    Duration::try_from_secs_f32(s).unwrap_or_default()
}

fn unknown(id: ItemId) -> Error {
    Error::new(
        Kind::NotFound,
        format!("Nothing with the id {} waits or was shown of late.", id.0),
    )
    .mend("Ask for the list of what waits and take an id of that.")
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
