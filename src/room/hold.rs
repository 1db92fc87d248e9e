//! What waits for a moderator or for its time: bounded, in the order of its coming.

use std::collections::VecDeque;
use std::time::Duration;

use super::item::{AlertKind, Item, ItemId, Rank};

/// Items that wait at most.
pub const MAX_WAITING: usize = 500;

/// An item that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its name.
    pub id: ItemId,
    /// What it is, as it would be drawn.
    pub item: Item,
    /// Stable name of its author, where there is one.
    pub author: Option<String>,
    /// When it came, in the room's time.
    pub since: Duration,
    /// When it is drawn, in the room's time; `None`: once somebody approves.
    pub due: Option<Duration>,
}

/// How much an item counts when room is short.
#[must_use]
pub fn worth(item: &Item) -> Rank {
    match item {
        Item::Comment(comment) => comment.rank,
        Item::Alert(alert) => match alert.kind {
            AlertKind::Chat | AlertKind::Follow => Rank::Text,
            AlertKind::Question => Rank::Question,
            AlertKind::Gift | AlertKind::Order => Rank::Paid,
        },
    }
}

/// The queue of what waits.
#[derive(Debug, Default)]
pub struct Hold {
    waiting: VecDeque<Waiting>,
    /// No item is due before this; `None`: none is due ever.
    due: Option<Duration>,
}

impl Hold {
    /// Puts an item in. With a full queue the oldest of the lowest rank goes: the answer is what went, which may be the new
    /// one.
    pub fn add(&mut self, new: Waiting) -> Option<Waiting> {
        let mut gone = None;
        if self.waiting.len() >= MAX_WAITING {
            let lowest = self
                .waiting
                .iter()
                .enumerate()
                .min_by_key(|(_, w)| worth(&w.item));
            match lowest {
                Some((at, w)) if worth(&w.item) <= worth(&new.item) => {
                    gone = self.waiting.remove(at);
                }
                _ => return Some(new),
            }
        }
        self.due = earlier(self.due, new.due);
        self.waiting.push_back(new);
        gone
    }

    /// Takes an item out.
    pub fn remove(&mut self, id: ItemId) -> Option<Waiting> {
        let at = self.waiting.iter().position(|w| w.id == id)?;
        self.waiting.remove(at)
    }

    /// Takes out what is due.
    pub fn take_due(&mut self, now: Duration) -> Vec<Waiting> {
        if self.due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        let is_due = |w: &Waiting| w.due.is_some_and(|due| due <= now);
        let (due, rest) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition::<VecDeque<_>, _>(is_due);
        self.waiting = rest;
        self.due = self.waiting.iter().filter_map(|w| w.due).min();
        due.into()
    }

    /// When the next one is due (or, after a removal, some time before).
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        self.due
    }

    /// From now on everything waits for approval.
    pub fn hold_all(&mut self) {
        self.due = None;
        for waiting in &mut self.waiting {
            waiting.due = None;
        }
    }

    /// From now on nothing that is due some day is due later than this.
    pub fn due_by(&mut self, latest: Duration) {
        self.due = self.due.map(|due| due.min(latest));
        for waiting in &mut self.waiting {
            waiting.due = waiting.due.map(|due| due.min(latest));
        }
    }

    /// The first that `wanted` holds for.
    pub fn find(&mut self, wanted: impl Fn(&Item) -> bool) -> Option<&mut Waiting> {
        self.waiting.iter_mut().find(|w| wanted(&w.item))
    }

    /// Takes everything out.
    pub fn clear(&mut self) -> usize {
        self.due = None;
        let n = self.waiting.len();
        self.waiting.clear();
        n
    }

    /// What waits, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

fn earlier(a: Option<Duration>, b: Option<Duration>) -> Option<Duration> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
