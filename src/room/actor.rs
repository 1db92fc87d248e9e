//! One thread that owns the room, and handles to it: nobody who has a handle can block it, nor be blocked by it.
//!
//! ```text
//!   offer(source, payload) ──never waits; full: counted──> messages ──┐
//!   ask(Ask) ────────────────a queue of their own, first──> asks ─────┴─> thread: Room ──> outputs(Output)
//!   panic ───────────────────a flag, looked at before each message──^
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::counts::Counts;
use super::hold::Waiting;
use super::intake::MAX_PAYLOAD;
use super::item::{Comment, Item, ItemId, Output};
use super::noted::Noted;
use super::reason::Reason;
use super::state::{Room, Verdict, Via};
use crate::clock::Clock;
use crate::config::ModerationMode;
use crate::error::{Error, Kind, Result};

/// Messages that wait to be looked at.
pub const MAX_MESSAGES: usize = 16_384;
/// Bytes of messages that wait to be looked at.
pub const MAX_BYTES: usize = 4 << 20;
/// Requests that wait.
pub const MAX_ASKS: usize = 256;
/// How long [`RoomHandle::stop`] waits for the thread.
pub const STOP_LIMIT: Duration = Duration::from_secs(2);
/// Messages between two looks at time and counters.
const BATCH: usize = 256;

/// Something that is asked of the room.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Take an item that came by command; answered by [`Answer::Verdict`].
    Take {
        /// What.
        item: Item,
        /// A name of its author that stays.
        author: Option<String>,
    },
    /// Judge a line of the box's own room, and draw it where it is wanted; answered by [`Answer::Verdict`]. An item 0 that
    /// is held is nothing that this room knows of.
    Line {
        /// What.
        comment: Comment,
        /// It is to run over the picture.
        drawn: bool,
    },
    /// Let something that waits be seen.
    Approve(ItemId),
    /// Take away something that waits or is seen.
    Reject(ItemId),
    /// What waits; answered by [`Answer::Queue`].
    Queue,
    /// Another mode of moderation, and the while of *delay*.
    SetMode(ModerationMode, Duration),
    /// Panic on or off. Nothing that is offered after this was asked is seen while it is on, however much waits.
    SetPanic(bool),
}

/// What the room answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done,
    /// What becomes of the item.
    Verdict(Verdict),
    /// What waits, oldest first.
    Queue(Vec<Waiting>),
}

/// Is told what the room did.
pub type Observer = Box<dyn Fn(Noted) + Send>;

/// The answer, once it is there. The channel closes without one if the room has ended.
pub type Reply = oneshot::Receiver<Result<Answer>>;

struct Envelope {
    ask: Ask,
    reply: oneshot::Sender<Result<Answer>>,
}

#[derive(Default)]
struct Inbox {
    messages: VecDeque<(Box<str>, Bytes)>,
    bytes: usize,
    asks: VecDeque<Envelope>,
    capacity: Option<f32>,
    stop: bool,
    ended: bool,
}

struct Shared {
    inbox: Mutex<Inbox>,
    wake: Condvar,
    ended: Condvar,
    /// Requests wait: looked at before each message.
    asked: AtomicBool,
    overflow: AtomicU64,
    too_large: AtomicU64,
    counts: Mutex<Counts>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The way to the room: cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct RoomHandle {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for RoomHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RoomHandle")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds these locks can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl RoomHandle {
    /// Starts the thread. `outputs` is called on it with what is to be seen, and must not block. Once the last handle is
    /// dropped without [`RoomHandle::stop`], the thread goes on until the program ends.
    ///
    /// # Errors
    /// `Internal` where the system starts no thread.
    pub fn start(room: Room, clock: Clock, outputs: Box<dyn Fn(Output) + Send>) -> Result<Self> {
        Self::start_observed(room, clock, outputs, None)
    }

    /// [`RoomHandle::start`] with somebody who is told, on the thread, what the room did; `observer` must not block.
    ///
    /// # Errors
    /// `Internal` where the system starts no thread.
    pub fn start_observed(
        mut room: Room,
        clock: Clock,
        outputs: Box<dyn Fn(Output) + Send>,
        observer: Option<Observer>,
    ) -> Result<Self> {
        if observer.is_some() {
            room.note_all();
        }
        let shared = Arc::new(Shared {
            inbox: Mutex::default(),
            wake: Condvar::new(),
            ended: Condvar::new(),
            asked: AtomicBool::new(false),
            overflow: AtomicU64::new(0),
            too_large: AtomicU64::new(0),
            counts: Mutex::new(room.counts().clone()),
            thread: Mutex::new(None),
        });
        let worker = Worker {
            room,
            clock,
            outputs,
            observer,
            shared: Arc::clone(&shared),
        };
        let thread = std::thread::Builder::new()
            .name("room".into())
            .spawn(move || worker.run());
        let thread = thread.map_err(|e| {
            let said = "The thread of the room could not be started.";
            Error::new(Kind::Internal, said).caused_by(e)
        })?;
        *lock(&shared.thread) = Some(thread);
        Ok(Self { shared })
    }

    /// Hands in a message of a bridge; whether there was room. Never waits for the room.
    pub fn offer(&self, source: &str, payload: Bytes) -> bool {
        let shared = &self.shared;
        if payload.len() > MAX_PAYLOAD {
            shared.too_large.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let mut inbox = lock(&shared.inbox);
        let full = inbox.messages.len() >= MAX_MESSAGES || inbox.bytes + payload.len() > MAX_BYTES;
        if full || inbox.stop {
            shared.overflow.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        inbox.bytes += payload.len();
        inbox.messages.push_back((source.into(), payload));
        let first = inbox.messages.len() == 1;
        drop(inbox);
        if first {
            shared.wake.notify_one();
        }
        true
    }

    /// Asks for something; it overtakes the messages that wait. Never waits for the room.
    ///
    /// # Errors
    /// `InUse` where too many ask, or the room has ended.
    pub fn ask(&self, ask: Ask) -> Result<Reply> {
        let mut inbox = lock(&self.shared.inbox);
        // Panic is never refused for want of room: twice as many may ask for it.
        let most = if matches!(ask, Ask::SetPanic(_)) {
            2 * MAX_ASKS
        } else {
            MAX_ASKS
        };
        if inbox.stop || inbox.asks.len() >= most {
            return Err(Error::new(Kind::InUse, "The room has too much to do.")
                .mend("Try again in a moment."));
        }
        let (reply, answer) = oneshot::channel();
        inbox.asks.push_back(Envelope { ask, reply });
        self.shared.asked.store(true, Ordering::Release);
        drop(inbox);
        self.shared.wake.notify_one();
        Ok(answer)
    }

    /// Comments that the lanes hold, 1/s.
    pub fn set_capacity(&self, per_s: f32) {
        lock(&self.shared.inbox).capacity = Some(per_s);
        self.shared.wake.notify_one();
    }

    /// How many came until the last look, and what became of them.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = lock(&self.shared.counts).clone();
        for (lost, reason) in [
            (&self.shared.overflow, Reason::Overflow),
            (&self.shared.too_large, Reason::TooLarge),
        ] {
            let lost = lost.load(Ordering::Relaxed);
            counts.taken += lost;
            counts.refuse(reason, lost);
        }
        counts
    }

    /// Ends the thread; what waits is not looked at. Whether it ended within [`STOP_LIMIT`]: else it hangs in `outputs` and
    /// is left behind.
    pub fn stop(&self) -> bool {
        let shared = &self.shared;
        let until = Instant::now() + STOP_LIMIT;
        let mut inbox = lock(&shared.inbox);
        inbox.stop = true;
        shared.asked.store(true, Ordering::Release);
        shared.wake.notify_one();
        while !inbox.ended {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            inbox = shared
                .ended
                .wait_timeout(inbox, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        drop(inbox);
        lock(&shared.thread)
            .take()
            .is_none_or(|thread| thread.join().is_ok())
    }
}

struct Worker {
    room: Room,
    clock: Clock,
    outputs: Box<dyn Fn(Output) + Send>,
    observer: Option<Observer>,
    shared: Arc<Shared>,
}

/// Says that the thread has ended, also when it panics.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        let mut inbox = lock(&self.0.inbox);
        inbox.stop = true;
        inbox.ended = true;
        // Whoever waits for an answer sees its channel close.
        inbox.asks.clear();
        self.0.ended.notify_all();
    }
}

impl Worker {
    fn run(mut self) {
        let _ended = Ended(Arc::clone(&self.shared));
        let mut messages = VecDeque::new();
        loop {
            self.turn();
            let Some(asks) = self.wait(&mut messages) else {
                return;
            };
            for Envelope { ask, reply } in asks {
                let answer = self.answer(ask, &mut messages);
                self.turn();
                // Whoever asked may have gone.
                let _ = reply.send(answer);
            }
            self.look(&mut messages);
        }
    }

    /// Waits until there is something to do; takes the requests, and the messages if there are none left. `None`: the end.
    fn wait(&self, messages: &mut VecDeque<(Box<str>, Bytes)>) -> Option<VecDeque<Envelope>> {
        let shared = &self.shared;
        let mut inbox = lock(&shared.inbox);
        loop {
            if inbox.stop {
                return None;
            }
            let idle = inbox.asks.is_empty()
                && inbox.messages.is_empty()
                && messages.is_empty()
                && inbox.capacity.is_none();
            if !idle {
                break;
            }
            let left = self
                .room
                .next()
                .map(|next| next.saturating_sub(self.clock.now()));
            inbox = match left {
                Some(Duration::ZERO) => break,
                Some(left) => {
                    shared
                        .wake
                        .wait_timeout(inbox, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => shared
                    .wake
                    .wait(inbox)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
        shared.asked.store(false, Ordering::Release);
        if messages.is_empty() {
            std::mem::swap(messages, &mut inbox.messages);
            inbox.bytes = 0;
        }
        Some(std::mem::take(&mut inbox.asks))
    }

    fn look(&mut self, messages: &mut VecDeque<(Box<str>, Bytes)>) {
        if let Some(per_s) = lock(&self.shared.inbox).capacity.take() {
            self.room.set_capacity(per_s, self.clock.now());
        }
        let now = self.clock.now();
        for _ in 0..BATCH {
            if self.shared.asked.load(Ordering::Acquire) {
                break;
            }
            let Some((source, payload)) = messages.pop_front() else {
                break;
            };
            self.room.receive(&source, &payload, now);
        }
    }

    fn answer(&mut self, ask: Ask, messages: &mut VecDeque<(Box<str>, Bytes)>) -> Result<Answer> {
        let now = self.clock.now();
        match ask {
            Ask::Take { item, author } => {
                let author = author.as_deref();
                let verdict = self.room.take(Via::Command, item, author, now);
                return Ok(Answer::Verdict(verdict));
            }
            Ask::Line { comment, drawn } => {
                let item = Item::Comment(comment);
                let verdict = self.room.take(Via::Live { drawn }, item, None, now);
                return Ok(Answer::Verdict(verdict));
            }
            Ask::Queue => return Ok(Answer::Queue(self.room.queue())),
            Ask::Approve(id) => self.room.approve(id, now)?,
            Ask::Reject(id) => self.room.reject(id, now)?,
            Ask::SetMode(mode, delay) => self.room.set_mode(mode, delay, now),
            Ask::SetPanic(on) => self.panic(on, messages),
        }
        Ok(Answer::Done)
    }

    /// What waits to be looked at was said before panic came or went: it is refused either way.
    fn panic(&mut self, on: bool, messages: &mut VecDeque<(Box<str>, Bytes)>) {
        self.room.set_panic(on);
        let mut inbox = lock(&self.shared.inbox);
        let unseen = messages.len() + inbox.messages.len();
        messages.clear();
        inbox.messages.clear();
        inbox.bytes = 0;
        drop(inbox);
        self.room.refuse(Reason::Panic, unseen as u64);
    }

    fn turn(&mut self) {
        for output in self.room.turn(self.clock.now()) {
            (self.outputs)(output);
        }
        if let Some(observer) = &self.observer {
            self.room.noted().into_iter().for_each(observer);
        }
        lock(&self.shared.counts).clone_from(self.room.counts());
    }
}

#[cfg(test)]
#[path = "actor_tests.rs"]
mod tests;
#[cfg(test)]
pub(super) use tests::room as tests_room;
