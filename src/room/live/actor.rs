//! The task that owns the live room, and handles to it.
//!
//! ```text
//!   act, come, order … ──bounded inbox──> batch ──decide, apply──> events ──save, one commit──> reply, told, broadcast
//!   connect / drop ──a counter per viewer─^                           └─failed: load anew, all of the batch: NotSaved
//!   Like, Seen ──gathered for 250 ms──────^
//! ```
//!
//! Nobody is told that something is done, nor is it shown to anybody, before it is on the disk; likes and what was seen alone
//! are taken at once, for a quarter of a second of them may be lost.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};

use super::act::{Act, By, Done, Refusal, Why};
use super::bridged::{Bridged, NewOrder};
use super::draws::DrawProof;
use super::event::{Event, Role};
use super::state::{Highest, Live, LiveSettings};
use super::view::{Line, Out, Person, Room, Staff, You};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};

#[path = "actor_ask.rs"]
mod ask;
#[path = "actor_look.rs"]
mod look;
#[path = "actor_presence.rs"]
mod presence;
#[path = "actor_task.rs"]
mod task;

use ask::{Ask, First};
use presence::Connections;
pub use presence::Presence;

/// Wishes that wait.
pub const MAX_WAITING: usize = 8192;
/// Messages that a connection may lag behind before it must join anew.
pub const MAX_LAG: usize = 4096;
/// How long a judge may take.
pub const JUDGE_LIMIT: Duration = Duration::from_secs(2);
/// How long [`LiveHandle::stop`] waits for the task.
pub const STOP_LIMIT: Duration = Duration::from_secs(3);

/// Something that is there later.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How much a loss of power may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Safety {
    /// The last second or so of them: likes, what was seen.
    Lazy,
    /// Nothing, once it is saved.
    Full,
}

/// Saves events in one commit: all or none of them. Called for one batch after the other.
pub type SaveFn = Box<dyn Fn(Vec<Event>, Safety) -> Later<Result<()>> + Send + Sync>;
/// All events of the room that are stored, in order, and the highest numbers ever given.
pub type LoadFn = Box<dyn Fn() -> Later<Result<(Vec<Event>, Highest)>> + Send + Sync>;
/// Says what becomes of a line: the rules of the picture's own room.
pub type JudgeFn = Arc<dyn Fn(JudgeLine) -> Later<Judged> + Send + Sync>;
/// Told of each event after it was saved; must not block.
pub type ToldFn = Box<dyn Fn(&Event, &Live) + Send>;

/// A line that is to be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeLine {
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
    /// It is to run over the picture. Where it is not, it must be judged without being drawn.
    pub danmaku: bool,
}

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// Everybody sees it.
    Shown {
        /// Id in the overlay's room.
        item: Option<u64>,
    },
    /// It waits for a moderator or its time; [`LiveHandle::line_state`] says when that is over.
    Held {
        /// Id in the overlay's room.
        item: Option<u64>,
    },
    /// Nobody sees it.
    Refused {
        /// Stable name of the reason.
        code: String,
        /// For a person.
        sentence: String,
    },
}

/// What the actor is made of.
pub struct Parts {
    /// Time that does not jump.
    pub clock: Clock,
    /// Milliseconds since 1970.
    pub wall: Box<dyn Fn() -> i64 + Send + Sync>,
    /// Saves events.
    pub save: SaveFn,
    /// Loads them, after a failure.
    pub load: LoadFn,
    /// Judges lines.
    pub judge: JudgeFn,
    /// Told of each event.
    pub told: ToldFn,
    /// The secret seed of a draw: the same number gives the same seed, for ever.
    pub seeds: Box<dyn Fn(u64) -> [u8; 32] + Send>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}

/// What a connection gets first.
#[derive(Debug, Clone, PartialEq)]
pub struct Hello {
    /// The room. Messages of a seq that is not above its own are in it already.
    pub room: Room,
    /// What concerns this viewer.
    pub you: You,
    /// Lines, oldest first.
    pub lines: Vec<Line>,
    /// For the staff.
    pub staff: Option<Staff>,
}

/// Counters since the program started, and how things stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Viewers who are here.
    pub viewers: u64,
    /// Number of the last event.
    pub seq: u64,
    /// Events that were saved.
    pub events: u64,
    /// Commits that were made for them.
    pub batches: u64,
    /// Commits that failed.
    pub failed: u64,
    /// Wishes that were refused.
    pub refused: u64,
    /// Lines of the chat.
    pub lines: u64,
    /// Likes.
    pub likes: u64,
    /// Votes in polls.
    pub votes: u64,
    /// Gifts.
    pub gifts: u64,
    /// Questions.
    pub questions: u64,
    /// Clicks.
    pub clicks: u64,
    /// Orders.
    pub orders: u64,
    /// Messages that were given to connections to send on.
    pub messages: u64,
}

/// The way to the live room: cheap to clone.
#[derive(Clone)]
pub struct LiveHandle {
    inbox: mpsc::Sender<Ask>,
    out: broadcast::Sender<Out>,
    judge: JudgeFn,
    connections: Arc<Connections>,
    figures: Arc<std::sync::Mutex<Figures>>,
}

impl std::fmt::Debug for LiveHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LiveHandle")
    }
}

fn ended() -> Refusal {
    Refusal::new(
        Why::NotSaved,
        "The room cannot answer: it has ended, or its disk fails.",
    )
}

impl LiveHandle {
    /// Starts the task with what was stored. Whoever was here when the program ended last is said to have left.
    ///
    /// # Errors
    /// `BadConfig` where the list of words cannot be used.
    #[allow(clippy::needless_pass_by_value)]
    pub fn start(
        parts: Parts,
        events: Vec<Event>,
        highest: Highest,
        settings: LiveSettings,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Self> {
        let live = Live::load(settings, highest, &events)?;
        let (inbox, asks) = mpsc::channel(MAX_WAITING);
        let (out, _) = broadcast::channel(MAX_LAG);
        let connections = Arc::new(Connections::new(parts.clock.clone()));
        let handle = Self {
            inbox,
            out: out.clone(),
            judge: Arc::clone(&parts.judge),
            connections: Arc::clone(&connections),
            figures: Arc::default(),
        };
        let task = task::Task::new(parts, live, out, connections, Arc::clone(&handle.figures));
        runtime.spawn(task.run(asks));
        Ok(handle)
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.inbox.send(ask(reply)).await.ok()?;
        answer.await.ok()
    }

    /// Does what is wished, or says why not. Once it is done, it is on the disk (but for likes and what was seen).
    ///
    /// # Errors
    /// Why it is not done.
    pub async fn act(&self, by: By, act: Act) -> Result<Done, Refusal> {
        let first = self.ask(|reply| Ask::Act { by, act, reply }).await;
        self.judged(first).await
    }

    /// Takes what a bridge heard: chat, question, gift, like.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn hear(&self, bridged: Bridged) -> Result<Done, Refusal> {
        let first = self.ask(|reply| Ask::Hear { bridged, reply }).await;
        self.judged(first).await
    }

    /// Has a line judged where it is one: here, so that a slow judge keeps nobody else waiting.
    async fn judged(&self, first: Option<Result<First, Refusal>>) -> Result<Done, Refusal> {
        let line = match first.ok_or_else(ended)?? {
            First::Done(done) => return Ok(done),
            First::Judge(line) => line,
        };
        let judge = (self.judge)(line.to_judge());
        let judged = tokio::time::timeout(JUDGE_LIMIT, judge).await;
        let judged = judged.unwrap_or_else(|_| Judged::Refused {
            code: "overflow".into(),
            sentence: "Moderation has too much to do.".into(),
        });
        let said = self.ask(|reply| Ask::Say {
            line,
            judged,
            reply,
        });
        said.await.unwrap_or_else(|| Err(ended()))
    }

    /// A new viewer; their number. `addr`: keyed hash of their address, empty: not known.
    ///
    /// # Errors
    /// A bad name, or too many new ones of that address.
    pub async fn come(&self, name: &str, role: Role, addr: &str) -> Result<u64, Refusal> {
        let (name, addr) = (name.to_owned(), addr.to_owned());
        let come = self.ask(|reply| Ask::Come {
            name,
            role,
            addr,
            reply,
        });
        come.await.unwrap_or_else(|| Err(ended()))
    }

    /// Somebody who is known, by number: a cookie of somebody who is not has to be made anew with [`LiveHandle::come`].
    pub async fn person(&self, viewer: u64) -> Option<Person> {
        self.ask(|reply| Ask::Person { viewer, reply }).await?
    }

    /// A connection of a viewer: they are here until the last of these is dropped.
    #[must_use]
    pub fn connect(&self, viewer: u64) -> Presence {
        self.connections.connect(viewer)
    }

    /// Somebody follows `/r/{pin}`; where to. `viewer` 0: not known.
    ///
    /// # Errors
    /// `NotFound` where there is no such pin, or its product has no address.
    pub async fn click(&self, pin: u64, viewer: u64) -> Result<String, Refusal> {
        let click = self.ask(|reply| Ask::Click { pin, viewer, reply });
        click.await.unwrap_or_else(|| Err(ended()))
    }

    /// An order of the shop; the same id again is `again` and changes nothing.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn order(&self, order: NewOrder) -> Result<Done, Refusal> {
        let order = self.ask(|reply| Ask::Order { order, reply });
        order.await.unwrap_or_else(|| Err(ended()))
    }

    /// The overlay's room let a held line through, or rejected it.
    pub async fn line_state(&self, item: u64, shown: bool) {
        self.ask(|reply| Ask::LineState { item, shown, reply })
            .await;
    }

    /// The box went live, or ended; whether that changed anything.
    ///
    /// # Errors
    /// `NotSaved`.
    pub async fn show(&self, on: bool, title: &str) -> Result<Done, Refusal> {
        let title = title.to_owned();
        let show = self.ask(|reply| Ask::Show { on, title, reply });
        show.await.unwrap_or_else(|| Err(ended()))
    }

    /// The stream had a fault, or it is over.
    pub async fn incident(&self, text: &str, over: bool) {
        let text = text.to_owned();
        self.ask(|reply| Ask::Incident { text, over, reply }).await;
    }

    /// What is sent to browsers from now on. One who lags more than [`MAX_LAG`] messages has lost some and must join anew.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Out> {
        self.out.subscribe()
    }

    /// What a connection gets first: subscribe before, then leave out messages with `0 < seq <= room.seq`. `after`: only lines
    /// with a higher number. The staff's part is given to moderators and owners.
    ///
    /// # Errors
    /// The room has ended, or what is stored cannot be read.
    pub async fn hello(
        &self,
        viewer: u64,
        role: Role,
        after: Option<u64>,
    ) -> Result<Hello, Refusal> {
        let hello = self.ask(|reply| Ask::Hello {
            viewer,
            role,
            after,
            reply,
        });
        hello.await.ok_or_else(ended)
    }

    /// A draw with all that is needed to recompute it.
    pub async fn draw(&self, draw: u64) -> Option<DrawProof> {
        self.ask(|reply| Ask::Draw { draw, reply }).await?
    }

    /// Makes the state anew from what is stored: after something was erased there.
    ///
    /// # Errors
    /// It could not be read.
    pub async fn reload(&self) -> Result<()> {
        let gone = || Error::new(Kind::Internal, "The live room has ended.");
        self.ask(|reply| Ask::Reload { reply })
            .await
            .ok_or_else(gone)?
    }

    /// Saves what was gathered, says that all have left, and ends the task.
    pub async fn stop(&self) {
        let stop = self.ask(|reply| Ask::Stop { reply });
        let _ = tokio::time::timeout(STOP_LIMIT, stop).await;
    }

    /// Counters for metrics.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let figures = self.figures.lock();
        *figures.unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "actor_tests.rs"]
mod tests;
