//! Who has connections: a counter per viewer, changed by whoever connects and looked at by the task when it gets to it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::clock::Clock;

/// Counters of connections.
#[derive(Debug)]
pub(super) struct Connections {
    clock: Clock,
    inner: Mutex<Inner>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    /// How many, and since when there is one.
    here: HashMap<u64, (u32, Duration)>,
    /// Whose counter went from or to nought, with since when they were here.
    changed: BTreeSet<u64>,
    since: HashMap<u64, Duration>,
}

/// Somebody who came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    /// Who.
    pub viewer: u64,
    /// Is here now.
    pub here: bool,
    /// Since when they are here, or were; `None`: they were when the program ended before.
    pub since: Option<Duration>,
}

impl Connections {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            inner: Mutex::default(),
            wake: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn connect(self: &Arc<Self>, viewer: u64) -> Presence {
        let now = self.clock.now();
        let mut inner = self.lock();
        let here = inner.here.entry(viewer).or_insert((0, now));
        here.0 += 1;
        let (count, since) = *here;
        if count == 1 {
            // Whoever comes back before anybody looked never left.
            inner.since.entry(viewer).or_insert(since);
            inner.changed.insert(viewer);
        }
        drop(inner);
        if count == 1 {
            self.wake.notify_one();
        }
        Presence {
            viewer,
            connections: Arc::clone(self),
        }
    }

    fn gone(&self, viewer: u64) {
        let mut inner = self.lock();
        if let Some(here) = inner.here.get_mut(&viewer) {
            here.0 = here.0.saturating_sub(1);
            if here.0 == 0 {
                inner.here.remove(&viewer);
                inner.changed.insert(viewer);
                drop(inner);
                self.wake.notify_one();
            }
        }
    }

    /// Waits until somebody came or went.
    pub(super) async fn changed(&self) {
        self.wake.notified().await;
    }

    /// At most `most` who came or went since the last call.
    pub(super) fn take(&self, most: usize) -> Vec<Change> {
        let mut inner = self.lock();
        let mut changes = Vec::new();
        while changes.len() < most
            && let Some(viewer) = inner.changed.pop_first()
        {
            let here = inner.here.contains_key(&viewer);
            let since = inner.since.get(&viewer).copied();
            if !here {
                inner.since.remove(&viewer);
            }
            changes.push(Change {
                viewer,
                here,
                since,
            });
        }
        if !inner.changed.is_empty() {
            self.wake.notify_one();
        }
        changes
    }

    /// Since when somebody is here.
    pub(super) fn since(&self, viewer: u64) -> Option<Duration> {
        self.lock().since.get(&viewer).copied()
    }

    /// Looks at all again: the state was made anew.
    pub(super) fn again(&self, known: impl Iterator<Item = u64>) {
        let mut inner = self.lock();
        let here: Vec<u64> = inner.here.keys().copied().collect();
        inner.changed.extend(here);
        inner.changed.extend(known);
        drop(inner);
        self.wake.notify_one();
    }
}

/// A connection of a viewer; dropped: it is gone.
#[derive(Debug)]
pub struct Presence {
    viewer: u64,
    connections: Arc<Connections>,
}

impl Presence {
    /// Whose.
    #[must_use]
    pub fn viewer(&self) -> u64 {
        self.viewer
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.connections.gone(self.viewer);
    }
}
