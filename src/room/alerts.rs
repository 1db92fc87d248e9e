//! Alerts, one at a time.
//!
//! ```text
//!   add ─same who, kind, combo─> the counter of the shown or waiting one rises
//!       └──────────────────────> queue of 32, by kind, then by age ──> shown 6 s, 3 s while others wait ──> next
//! ```
//!
//! With a full queue the lowest kind goes first, of that the oldest. An alert that waited for a minute goes, too.

use std::time::Duration;

use super::item::{Alert, ItemId, Output};

/// Alerts that wait at most.
pub const MAX_ALERTS: usize = 32;
/// How long one is shown.
pub const SHOWN: Duration = Duration::from_secs(6);
/// How long one is shown while others wait.
pub const SHOWN_BRIEFLY: Duration = Duration::from_secs(3);
/// How long one is shown at most, however its counter rises.
pub const SHOWN_AT_MOST: Duration = Duration::from_secs(15);
/// How long one waits at most.
pub const TTL: Duration = Duration::from_secs(60);

#[derive(Debug)]
struct Shown {
    id: ItemId,
    alert: Alert,
    /// Since when it is shown.
    since: Duration,
    /// When its counter rose last.
    rose: Duration,
}

#[derive(Debug)]
struct Queued {
    id: ItemId,
    alert: Alert,
    since: Duration,
}

/// What became of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It waits for its turn.
    Queued,
    /// It waits for its turn, and one that waited made room.
    Instead(ItemId),
    /// The queue is full of what counts more.
    Full,
}

/// The shown alert and those that wait.
#[derive(Debug, Default)]
pub struct Alerts {
    shown: Option<Shown>,
    queue: Vec<Queued>,
    /// What the world was told last.
    told: Option<(ItemId, u32)>,
}

/// Whether two alerts are one with a rising counter.
#[must_use]
pub fn same_combo(a: &Alert, b: &Alert) -> bool {
    a.combo.is_some()
        && a.kind == b.kind
        && a.combo == b.combo
        && a.who == b.who
        && a.platform == b.platform
}

impl Alerts {
    /// Raises the counter of the one that `alert` belongs to, if it is shown or waits here. The counter becomes the highest
    /// that was told.
    pub fn join(&mut self, alert: &Alert, now: Duration) -> Option<ItemId> {
        if let Some(shown) = self.shown.as_mut().filter(|s| same_combo(&s.alert, alert)) {
            if alert.count > shown.alert.count {
                shown.alert.count = alert.count;
                shown.rose = now;
            }
            return Some(shown.id);
        }
        let queued = self
            .queue
            .iter_mut()
            .find(|q| same_combo(&q.alert, alert))?;
        queued.alert.count = queued.alert.count.max(alert.count);
        Some(queued.id)
    }

    /// Lets an alert wait for its turn.
    pub fn add(&mut self, id: ItemId, alert: Alert, now: Duration) -> Added {
        let mut added = Added::Queued;
        if self.queue.len() >= MAX_ALERTS {
            // The first of the least: `min_by_key` takes the first of equals, and the queue is in the order of coming.
            let lowest = self
                .queue
                .iter()
                .enumerate()
                .min_by_key(|(_, q)| q.alert.kind);
            match lowest {
                Some((at, q)) if q.alert.kind <= alert.kind => {
                    added = Added::Instead(self.queue.remove(at).id);
                }
                _ => return Added::Full,
            }
        }
        self.queue.push(Queued {
            id,
            alert,
            since: now,
        });
        added
    }

    /// Takes one off the picture or out of the queue; whether it was shown already, or `None` if it is unknown.
    pub fn remove(&mut self, id: ItemId) -> Option<bool> {
        if self.shown.as_ref().is_some_and(|s| s.id == id) {
            self.shown = None;
            return Some(true);
        }
        let at = self.queue.iter().position(|q| q.id == id)?;
        self.queue.remove(at);
        Some(false)
    }

    /// Takes all of them off; how many waited.
    pub fn clear(&mut self) -> usize {
        self.shown = None;
        self.told = None;
        let n = self.queue.len();
        self.queue.clear();
        n
    }

    /// Time went on: what is new to be told, how many were shown, and how many waited too long.
    pub fn turn(&mut self, now: Duration) -> Turned {
        let before = self.queue.len();
        self.queue.retain(|q| now.saturating_sub(q.since) < TTL);
        let late = before - self.queue.len();
        if self.end().is_some_and(|end| now >= end) {
            self.shown = None;
        }
        let mut shown = 0;
        if self.shown.is_none()
            && let Some(at) = self.first()
        {
            let Queued { id, alert, .. } = self.queue.remove(at);
            self.shown = Some(Shown {
                id,
                alert,
                since: now,
                rose: now,
            });
            shown = 1;
        }
        Turned {
            output: self.news(),
            shown,
            late,
        }
    }

    /// The next to be shown: of the highest kind the oldest.
    fn first(&self) -> Option<usize> {
        let by_kind = |(_, q): &(usize, &Queued)| std::cmp::Reverse(q.alert.kind);
        self.queue
            .iter()
            .enumerate()
            .min_by_key(by_kind)
            .map(|(at, _)| at)
    }

    fn news(&mut self) -> Option<Output> {
        let now = self.shown.as_ref().map(|s| (s.id, s.alert.count));
        if now == self.told {
            return None;
        }
        self.told = now;
        Some(Output::Alert(
            self.shown.as_ref().map(|s| (s.id, s.alert.clone())),
        ))
    }

    fn end(&self) -> Option<Duration> {
        let shown = self.shown.as_ref()?;
        let limit = if self.queue.is_empty() {
            SHOWN
        } else {
            SHOWN_BRIEFLY
        };
        Some((shown.rose + limit).min(shown.since + SHOWN_AT_MOST))
    }

    /// When [`Alerts::turn`] has something to do next.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        if self.shown.is_none() && self.queue.is_empty() {
            return None;
        }
        let told = self.shown.as_ref().map(|s| (s.id, s.alert.count)) == self.told;
        let oldest = self.queue.iter().map(|q| q.since + TTL).min();
        match self.end().filter(|_| told) {
            Some(end) => Some(oldest.map_or(end, |oldest| oldest.min(end))),
            None => Some(Duration::ZERO),
        }
    }

    /// Alerts that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}

/// What [`Alerts::turn`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Turned {
    /// What the world is to be told.
    pub output: Option<Output>,
    /// Alerts that were shown for the first time.
    pub shown: u64,
    /// Alerts that waited too long.
    pub late: usize,
}

#[cfg(test)]
#[path = "alerts_tests.rs"]
mod tests;
