//! The consumer's end: async through a waker, or blocking with a bound for threads.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::queue::Queue;
use super::{ConsumerStats, Shared, Unit, lock};

/// What [`Consumer::next_timeout`] brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<U> {
    /// The next unit.
    Unit(U),
    /// Nothing came in time.
    TimedOut,
    /// The fan-out is closed and everything queued was handed out.
    Closed,
}

/// A consumer's queue as fan-out and consumer share it.
pub(super) struct Slot<U> {
    id: u64,
    name: String,
    inner: Mutex<Inner<U>>,
    ready: Condvar,
}

struct Inner<U> {
    queue: Queue<U>,
    waker: Option<Waker>,
    closed: bool,
}

/// What became of an offer: `waker` is to be woken once no lock is held.
pub(super) struct Offered {
    pub(super) waker: Option<Waker>,
    pub(super) keyframe_wanted: bool,
}

impl<U: Unit> Slot<U> {
    pub(super) fn new(id: u64, name: String, queue: Queue<U>, closed: bool) -> Self {
        Self {
            id,
            name,
            inner: Mutex::new(Inner {
                queue,
                waker: None,
                closed,
            }),
            ready: Condvar::new(),
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn stats(&self) -> ConsumerStats {
        lock(&self.inner).queue.stats()
    }

    pub(super) fn offer(&self, unit: &U) -> Offered {
        let mut inner = lock(&self.inner);
        let verdict = inner.queue.offer(unit);
        let waker = if verdict.taken {
            self.ready.notify_one();
            inner.waker.take()
        } else {
            None
        };
        Offered {
            waker,
            keyframe_wanted: verdict.keyframe_wanted,
        }
    }

    pub(super) fn close(&self) {
        let waker = {
            let mut inner = lock(&self.inner);
            inner.closed = true;
            self.ready.notify_one();
            inner.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// Takes units in order, for one task or one thread. Leaves the fan-out on drop.
pub struct Consumer<U: Unit> {
    slot: Arc<Slot<U>>,
    fanout: Weak<Shared<U>>,
}

impl<U: Unit> Consumer<U> {
    pub(super) fn new(slot: Arc<Slot<U>>, fanout: Weak<Shared<U>>) -> Self {
        Self { slot, fanout }
    }

    /// The next unit; `None` once the fan-out is closed and the queue is empty. Safe to cancel: nothing is lost.
    pub async fn next(&mut self) -> Option<U> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`Consumer::next`], for hand-written futures.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<U>> {
        let mut inner = lock(&self.slot.inner);
        if let Some(unit) = inner.queue.pop() {
            return Poll::Ready(Some(unit));
        }
        if inner.closed {
            return Poll::Ready(None);
        }
        match &mut inner.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// The next unit, waiting at most `limit`: for threads.
    pub fn next_timeout(&mut self, limit: Duration) -> Next<U> {
        let mut popped = None;
        let (inner, _) = self
            .slot
            .ready
            .wait_timeout_while(lock(&self.slot.inner), limit, |inner| {
                popped = inner.queue.pop();
                popped.is_none() && !inner.closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        match popped {
            Some(unit) => Next::Unit(unit),
            None if inner.closed => Next::Closed,
            None => Next::TimedOut,
        }
    }

    /// The next unit if there is one now.
    pub fn try_next(&mut self) -> Next<U> {
        self.next_timeout(Duration::ZERO)
    }

    /// Figures so far.
    #[must_use]
    pub fn stats(&self) -> ConsumerStats {
        self.slot.stats()
    }

    /// Number within this fan-out, never used twice.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.slot.id()
    }

    /// Name given in the options.
    #[must_use]
    pub fn name(&self) -> &str {
        self.slot.name()
    }
}

impl<U: Unit> Drop for Consumer<U> {
    fn drop(&mut self) {
        if let Some(fanout) = self.fanout.upgrade() {
            fanout.leave(self.slot.id());
        }
    }
}

impl<U: Unit> fmt::Debug for Consumer<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("id", &self.slot.id())
            .field("name", &self.slot.name())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
