//! The one task that mutates. One bounded queue in, effects out, one `watch<Status>` for everybody who reads.
//!
//! ```text
//!   command(origin, c) ──envelope──> ┌────────────┐            ┌──> effects (bounded; a busy world delays nobody)
//!   event(rare)       ──try_send──>  │ queue 1024 │ ──> step ──┤
//!   event(frequent)   ──> latest ──> └────────────┘            └──> watch<Status>, generation rising
//!   tick, 4 times a second ─────────────^
//! ```
//!
//! A command that changed what is wanted is answered once that is on disk (`supervisor_held.rs`), all others at once.
//!
//! It ends once `Effect::Shutdown` was handed over (or nobody is left to take effects or to send events). Whoever
//! reads the status sees its last value, then that the channel closed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout, timeout_at};

use super::actual::Saved;
use super::coalesce::{Latest, Route};
use super::command::{Command, Origin};
use super::effect::Effect;
use super::effect_queue::EffectQueue;
use super::event::{Event, HardwareEvent, MediaEvent};
use super::policy::{self, Decision, Denial, DenialCode};
use super::state::{State, step};
use super::status::Status;
use super::supervisor_held::{Held, Reply, not_saved};
use crate::clock::{Clock, unix_now};

/// Envelopes that the queue holds.
pub const QUEUE: usize = 1024;
/// Time between ticks.
pub const TICK: Duration = Duration::from_millis(250);
/// How long a command waits for its answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// While so many effects wait, no command is taken.
const MOST_PENDING: usize = 1024;
/// How long the last effects may take to be handed over.
const FLUSH_LIMIT: Duration = Duration::from_secs(2);

/// What an accepted command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// It is being carried out; the outcome shows in the status.
    Done,
    /// It was so already; says how.
    AlreadySo(String),
    /// It is kept, and comes into effect later; says when.
    Kept(String),
}

/// The plain event or command, with the reply channel around it.
enum Envelope {
    Event(Event),
    Command {
        origin: Origin,
        command: Command,
        reply: Reply,
    },
}

/// What handles and the task share.
#[derive(Default)]
struct Shared {
    latest: Mutex<Latest>,
    wake: Notify,
    lost: AtomicU64,
}

impl Shared {
    fn latest(&self) -> MutexGuard<'_, Latest> {
        // Nothing that holds this lock can panic half-way; a poisoned map is whole.
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way in and out: cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Handle {
    queue: mpsc::Sender<Envelope>,
    shared: Arc<Shared>,
    status: watch::Receiver<Status>,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("supervisor::Handle")
    }
}

impl Handle {
    /// Tells the core what happened. Never blocks. A state is never lost: with a full queue the last one of each subject
    /// is kept. A command or a press of the button that finds the queue full is dropped, counted and logged; use
    /// [`Handle::command`] to hear of it.
    pub fn event(&self, event: Event) {
        // Held over `try_send`, so that the words about one subject stay in order.
        let mut latest = self.shared.latest();
        let Route::Queue(event) = latest.route(event) else {
            drop(latest);
            self.shared.wake.notify_one();
            return;
        };
        match self.queue.try_send(Envelope::Event(event)) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
            Err(mpsc::error::TrySendError::Full(envelope)) => {
                let kept = match envelope {
                    Envelope::Event(event) => latest.keep(event),
                    Envelope::Command { .. } => false,
                };
                drop(latest);
                self.shared.wake.notify_one();
                self.overrun(kept);
            }
        }
    }

    /// [`Handle::event`] for what the media engine reports.
    pub fn media(&self, event: MediaEvent) {
        self.event(Event::Media(event));
    }

    /// [`Handle::event`] for what the devices of the box report.
    pub fn hardware(&self, event: HardwareEvent) {
        self.event(Event::Hardware(event));
    }

    fn overrun(&self, kept: bool) {
        if kept {
            tracing::debug!("the supervisor's queue is full; the latest state is kept");
            return;
        }
        let lost = self.shared.lost.fetch_add(1, Ordering::Relaxed) + 1;
        if lost.is_power_of_two() {
            tracing::warn!(lost, "the supervisor's queue is full; an event was dropped");
        }
    }

    /// Events that were dropped since start.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    /// Asks for something and waits, at most 5 s, for the answer: what was accepted is on disk then. The outcome shows in
    /// the status.
    ///
    /// # Errors
    /// The denial of `policy::decide`; `NotSaved` when it is done but could not be saved; `Busy` when the queue is full or
    /// no answer comes in time; `ShuttingDown` when the box has ended.
    pub async fn command(&self, origin: Origin, command: Command) -> Result<Accepted, Denial> {
        let (reply, answer) = oneshot::channel();
        let urgent = command.is_urgent();
        let envelope = Envelope::Command {
            origin,
            command,
            reply,
        };
        if urgent {
            // Whatever else waits: it gets in, or nothing does any more.
            let sent = timeout(ANSWER_LIMIT, self.queue.send(envelope)).await;
            sent.map_err(|_| too_busy())?.map_err(|_| ended())?;
        } else {
            self.queue.try_send(envelope).map_err(|e| match e {
                mpsc::error::TrySendError::Full(_) => too_busy(),
                mpsc::error::TrySendError::Closed(_) => ended(),
            })?;
        }
        match timeout(ANSWER_LIMIT, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(ended()),
            Err(_) => Err(Denial::new(
                DenialCode::Busy,
                "The box did not answer in time; it may do this, or have done it, and save it later. Look at its status before you try again.",
            )),
        }
    }

    /// The status, now and from now on. Closed when the supervisor has ended.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }
}

fn too_busy() -> Denial {
    Denial::new(
        DenialCode::Busy,
        "The box is too busy for this now. Try again in a moment.",
    )
}

fn ended() -> Denial {
    Denial::new(
        DenialCode::ShuttingDown,
        "The box is shutting down. Try again when it is back.",
    )
}

/// Starts the task.
#[derive(Debug)]
pub struct Supervisor;

impl Supervisor {
    /// Starts the task on `runtime` with a state that has not started yet; its first effects are given at once.
    /// `effects` should hold a few dozen: while it is full, newer effects replace older ones of the same kind.
    /// The task gives back the last state; it ends on shutdown, or when `effects` is closed.
    pub fn spawn(
        runtime: &tokio::runtime::Handle,
        state: State,
        clock: Clock,
        effects: mpsc::Sender<Effect>,
    ) -> (Handle, JoinHandle<State>) {
        Self::spawn_with(runtime, state, clock, effects, TICK)
    }

    /// [`Supervisor::spawn`] with another time between ticks.
    pub fn spawn_with(
        runtime: &tokio::runtime::Handle,
        state: State,
        clock: Clock,
        effects: mpsc::Sender<Effect>,
        tick: Duration,
    ) -> (Handle, JoinHandle<State>) {
        let (queue_tx, queue) = mpsc::channel(QUEUE);
        let (status, status_rx) = watch::channel(Status::of(&state));
        let shared = Arc::new(Shared::default());
        let handle = Handle {
            queue: queue_tx,
            shared: shared.clone(),
            status: status_rx,
        };
        let task = Task {
            state,
            clock,
            queue,
            shared,
            status,
            effects,
            pending: EffectQueue::default(),
            held: Held::default(),
        };
        (handle, runtime.spawn(task.run(tick)))
    }
}

struct Task {
    state: State,
    clock: Clock,
    queue: mpsc::Receiver<Envelope>,
    shared: Arc<Shared>,
    status: watch::Sender<Status>,
    effects: mpsc::Sender<Effect>,
    pending: EffectQueue,
    held: Held,
}

impl Task {
    async fn run(mut self, tick: Duration) -> State {
        let (state, effects) = self.state.start(self.clock.now());
        self.state = state;
        self.take(effects);
        let mut ticks = interval(tick);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.run_once(&mut ticks).await {}
        self.finish().await;
        self.state
    }

    /// One thing; false when it is over.
    async fn run_once(&mut self, ticks: &mut tokio::time::Interval) -> bool {
        let (effects, shared) = (self.effects.clone(), self.shared.clone());
        tokio::select! {
            Ok(permit) = effects.reserve(), if !self.pending.is_empty() => {
                if let Some(effect) = self.pending.pop() {
                    permit.send(effect);
                }
            }
            () = effects.closed() => {
                tracing::error!("nobody takes effects any more; the supervisor ends");
                return false;
            }
            envelope = self.queue.recv() => match envelope {
                Some(envelope) => self.open(envelope),
                None => return false,
            },
            () = shared.wake.notified() => self.drain(),
            _ = ticks.tick() => {
                // Everything that happened comes before the time that has passed: after a long delay of this task
                // nothing is taken for stalled or silent whose report lies in the queue.
                self.drain();
                self.event(Event::Tick(self.clock.now()));
            }
        }
        !self.state.actual.ending
    }

    /// What is queued, then the latest values: what was kept for want of room is newer than what is queued now. Both are
    /// looked at under the lock that senders hold; what is queued later is newer still and stays for later.
    fn drain(&mut self) {
        let (queued, latest) = {
            let mut latest = self.shared.latest();
            (self.queue.len(), latest.drain())
        };
        for _ in 0..queued {
            let Ok(envelope) = self.queue.try_recv() else {
                break;
            };
            self.open(envelope);
        }
        for event in latest {
            self.event(event);
        }
    }

    fn open(&mut self, envelope: Envelope) {
        match envelope {
            Envelope::Event(event) => self.event(event),
            Envelope::Command {
                origin,
                command,
                reply,
            } => self.command(origin, command, reply),
        }
    }

    fn command(&mut self, origin: Origin, command: Command, reply: Reply) {
        let command = command.at(unix_now());
        let full = self.pending.len() >= MOST_PENDING || !self.held.has_room();
        if full && !command.is_urgent() {
            let _ = reply.send(Err(too_busy()));
            return;
        }
        let answer = match policy::decide(&self.state, &command, origin) {
            Decision::Accept => Ok(Accepted::Done),
            Decision::Keep(when) => Ok(Accepted::Kept(when)),
            Decision::Ignore(how) => Ok(Accepted::AlreadySo(how)),
            Decision::Deny(denial) => Err(denial),
        };
        tracing::info!(?origin, ?command, ?answer, "command");
        let before = self.state.wanted.revision;
        self.event(Event::Command { origin, command });
        let revision = self.state.wanted.revision;
        let answer = match (answer, &self.state.actual.saved) {
            (Ok(accepted), _) if revision != before => {
                return self.held.hold(revision, accepted, reply);
            }
            // It is so, but it may have been told to nobody that it is: the disk has not said so yet, or has said no.
            (Ok(so @ Accepted::AlreadySo(_)), Saved::Asked) => {
                return self.held.hold(revision, so, reply);
            }
            (Ok(Accepted::AlreadySo(_)), Saved::Failed { reason, .. }) => Err(not_saved(reason)),
            (answer, _) => answer,
        };
        // The asker may have gone; what was accepted is done all the same.
        let _ = reply.send(answer);
    }

    fn event(&mut self, event: Event) {
        if let Event::Hardware(HardwareEvent::Button { gesture, at }) = &event {
            tracing::info!(?gesture, ?at, "the button was pressed");
        }
        let saved = match &event {
            Event::Persisted { revision, error } => Some((*revision, error.clone())),
            _ => None,
        };
        self.state.at(self.clock.now());
        let (state, effects) = step(self.state.clone(), event);
        self.state = state;
        self.take(effects);
        if let Some((revision, error)) = saved {
            self.held.persisted(revision, error.as_deref());
        }
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.pending.push(effect);
        }
        let generation = self.state.generation;
        self.status.send_if_modified(|status| {
            let newer = generation > status.generation;
            if newer {
                *status = Status::of(&self.state);
            }
            newer
        });
    }

    /// Hands over what is left, the shutdown last, and gives the answers that wait for the disk, within a bound.
    async fn finish(&mut self) {
        let limit = tokio::time::Instant::now() + FLUSH_LIMIT;
        let all = async {
            while let Some(effect) = self.pending.pop() {
                if self.effects.send(effect).await.is_err() {
                    return;
                }
            }
        };
        if timeout_at(limit, all).await.is_err() {
            tracing::error!("the last effects were not taken within 2 s");
        }
        while !self.held.is_empty() && timeout_at(limit, self.hear_once()).await == Ok(true) {}
        self.held.give_up();
        self.queue.close();
    }

    /// One thing that the world says while the box ends; false when it says nothing any more.
    async fn hear_once(&mut self) -> bool {
        let (effects, shared) = (self.effects.clone(), self.shared.clone());
        tokio::select! {
            envelope = self.queue.recv() => match envelope {
                Some(envelope) => self.open(envelope),
                None => return false,
            },
            () = shared.wake.notified() => self.drain(),
            // What it said last lies in the queue.
            () = effects.closed() => {
                self.drain();
                return false;
            }
        }
        true
    }
}
