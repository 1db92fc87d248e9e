//! A connection to a broker that is kept: MQTT 5 (OASIS standard of 7 March 2019) through rumqttc.
//!
//! ```text
//!   Client ──Ask──> task.rs ──> rumqttc's event loop <──TCP, TLS──> broker
//!                     │ ▲             wire.rs, tls.rs
//!    Happening <──────┘ └── Ack
//!
//!   options.rs   what rumqttc is told           subscriptions.rs  filters, wanted and in force (pure)
//!   backoff.rs   when it is tried again (pure)  sending.rs        what waits and what flies (pure)
//!   held.rs      a reader who is slow (pure)    explain.rs        errors for people (pure)
//!   mend.rs      what the next connection needs  (pure)
//!   traffic.rs   what goes through a connection task.rs           its life: back-off, sign of life, goodbye
//! ```
//!
//! One task polls the event loop and never waits for anything else. A message with QoS 1 is ours until the broker has
//! acknowledged it; if the broker comes back without our session it is sent again, in the old order.

mod backoff;
mod explain;
mod held;
mod mend;
mod options;
mod sending;
mod subscriptions;
mod task;
mod tls;
mod traffic;
mod wire;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

pub use held::Room;

use crate::config::{BrokerUrl, Secret};
use crate::error::{Error, Kind, Result};

use task::{Ask, Task};
use traffic::Publishing;

/// The largest packet that is taken from the broker, in bytes.
pub const MAX_INCOMING: u32 = 64 * 1024;
/// Publishes that wait or fly at most; who publishes more waits.
pub const MAX_PUBLISHING: usize = 1024;
/// Happenings that a reader may be behind before what comes in is held back.
const HAPPENINGS: usize = 16;
/// What a task that was told to end gets beyond its limit, for the goodbye itself.
const GRACE: Duration = Duration::from_millis(300);

/// How a lost connection is tried again: waits are random between nothing and a ceiling, which doubles from `first` to
/// `cap` and begins anew after a connection that held for `stable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnect {
    /// Ceiling of the wait before the very first connection.
    pub start: Duration,
    /// Ceiling of the first wait after a loss.
    pub first: Duration,
    /// Highest ceiling.
    pub cap: Duration,
    /// A connection that held for so long was a good one.
    pub stable: Duration,
}

impl Reconnect {
    /// For one of many boxes at a shared broker: start within 10 s, the first wait up to `first`, never above 120 s.
    #[must_use]
    pub fn fleet(first: Duration) -> Self {
        Self {
            start: Duration::from_secs(10),
            first,
            cap: Duration::from_secs(120),
            stable: Duration::from_secs(60),
        }
    }

    /// For the only client that matters: a broker on this machine, or a command line. At once, then up to 1 s, at most 5 s.
    #[must_use]
    pub fn alone() -> Self {
        Self {
            start: Duration::ZERO,
            first: Duration::from_secs(1),
            cap: Duration::from_secs(5),
            stable: Duration::from_secs(60),
        }
    }
}

/// What a connection needs.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// Where.
    pub broker: BrokerUrl,
    /// Client identifier, unique at the broker.
    pub client_id: String,
    /// User; empty: none.
    pub user: String,
    /// Password.
    pub password: Option<Secret>,
    /// PEM file of a certificate authority; empty: the system's.
    pub tls_ca: PathBuf,
    /// PEM client certificate; empty: none.
    pub tls_cert: PathBuf,
    /// PEM key of the client certificate.
    pub tls_key: PathBuf,
    /// For how long the broker keeps the session while we are away; zero: a clean session each time.
    pub session_expiry: Duration,
    /// What the broker says when we are gone without a word, and how long it waits before it does.
    pub will: Option<(Message, Duration)>,
    /// How a loss is tried again.
    pub reconnect: Reconnect,
    /// The largest packet that is taken, in bytes: [`MAX_INCOMING`] for a box.
    pub max_incoming: u32,
}

/// How soon things are noticed; the default is what boxes use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// The broker is asked for a sign of life after so much silence (whole seconds; the broker may set another time), and
    /// given up after half as much again.
    pub keep_alive: Duration,
    /// A try to connect, from name resolution to CONNACK, takes at most this.
    pub connect_limit: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            keep_alive: Duration::from_secs(30),
            connect_limit: Duration::from_secs(10),
        }
    }
}

/// Delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Qos {
    /// QoS 0: may be lost.
    AtMostOnce,
    /// QoS 1: is sent until the broker acknowledges it.
    AtLeastOnce,
}

/// MQTT 5 properties of a message that Boothcast uses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties {
    /// Where an answer goes.
    pub response_topic: Option<String>,
    /// What the answer repeats.
    pub correlation: Option<Bytes>,
    /// Seconds after which it is worth nothing.
    pub expiry_s: Option<u32>,
    /// MIME type.
    pub content_type: Option<String>,
}

/// A message to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Topic.
    pub topic: String,
    /// Content.
    pub payload: Bytes,
    /// Delivery.
    pub qos: Qos,
    /// Whether the broker keeps it for those who come later.
    pub retain: bool,
    /// Properties.
    pub properties: Properties,
}

/// A message that came.
#[derive(Debug)]
pub struct Received {
    /// Topic.
    pub topic: String,
    /// Content.
    pub payload: Bytes,
    /// It was published to be kept (the broker had kept it, or keeps it from now on).
    pub retain: bool,
    /// The broker may have sent it before.
    pub dup: bool,
    /// Properties.
    pub properties: Properties,
    /// Tells the broker that it need not send it again; a QoS 1 message whose `Ack` is dropped comes again with the next
    /// connection of the same session.
    pub ack: Ack,
}

/// The acknowledgement of one message that came.
#[derive(Debug)]
pub struct Ack(Option<Owed>);

/// What is owed to the broker, on one connection.
#[derive(Debug)]
struct Owed {
    packet: u16,
    connection: u64,
    to: mpsc::Sender<(u64, u16)>,
}

impl Ack {
    /// Of a message that needs none (QoS 0).
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Tells the broker. Never blocks. Nothing is told if the connection that brought the message is gone: then the
    /// message comes again.
    pub fn done(self) {
        if let Some(owed) = self.0 {
            // There is room: no more are owed at one time than the broker may send.
            let _ = owed.to.try_send((owed.connection, owed.packet));
        }
    }

    fn is_owed(&self) -> bool {
        self.0.is_some()
    }

    #[cfg(test)]
    fn owed_for_tests() -> Self {
        Self(Some(Owed {
            packet: 1,
            connection: 0,
            to: mpsc::channel(1).0,
        }))
    }
}

/// What happens on a connection, in order.
#[derive(Debug)]
pub enum Happening {
    /// Connected, and all subscriptions are acknowledged.
    Connected {
        /// The broker knew us still, and what it kept for us follows.
        session_present: bool,
    },
    /// The connection is lost; it is tried again.
    Lost {
        /// Why, one clause without secrets.
        reason: String,
    },
    /// A message.
    Received(Received),
}

/// Whether there is a connection; for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Tried for the first time.
    Connecting,
    /// There is.
    Up,
    /// There is none; it is tried again.
    Down {
        /// Why, one clause without secrets.
        reason: String,
    },
}

/// A connection; cheap to clone. When the last clone is dropped the connection is closed with a goodbye (no will).
#[derive(Debug, Clone)]
pub struct Client {
    asks: mpsc::Sender<Ask>,
    room: Arc<Semaphore>,
    link: watch::Receiver<Link>,
    task: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Client {
    /// Starts to connect, on `runtime`, and keeps at it. `filters` are subscribed with QoS 1 at each connection that the
    /// broker does not remember. Happenings wait in a bounded queue; a reader who is slow holds up only what comes in.
    ///
    /// # Errors
    /// `BadConfig` when certificates cannot be read.
    pub fn start(
        options: ClientOptions,
        filters: Vec<String>,
        runtime: &tokio::runtime::Handle,
    ) -> Result<(Self, mpsc::Receiver<Happening>)> {
        Self::start_timed(options, filters, Timing::default(), runtime)
    }

    /// The same with another [`Timing`].
    ///
    /// # Errors
    /// `BadConfig` when certificates cannot be read.
    pub fn start_timed(
        options: ClientOptions,
        filters: Vec<String>,
        timing: Timing,
        runtime: &tokio::runtime::Handle,
    ) -> Result<(Self, mpsc::Receiver<Happening>)> {
        Self::start_roomy(options, filters, (timing, Room::BOX), runtime)
    }

    /// The same with another [`Timing`] and [`Room`].
    ///
    /// # Errors
    /// `BadConfig` when certificates cannot be read.
    pub fn start_roomy(
        options: ClientOptions,
        filters: Vec<String>,
        bounds: (Timing, Room),
        runtime: &tokio::runtime::Handle,
    ) -> Result<(Self, mpsc::Receiver<Happening>)> {
        let (asks, ask) = mpsc::channel(64);
        let (happenings, happening) = mpsc::channel(HAPPENINGS);
        let (link_sender, link) = watch::channel(Link::Connecting);
        let task = Task::new(options, filters, bounds, ask, happenings, link_sender)?;
        let task = runtime.spawn(task.run());
        let client = Self {
            asks,
            room: Arc::new(Semaphore::new(MAX_PUBLISHING)),
            link,
            task: Arc::new(Mutex::new(Some(task))),
        };
        Ok((client, happening))
    }

    /// Publishes, and waits until the broker has acknowledged it (QoS 1) or it is on the wire (QoS 0), through any
    /// number of reconnects: what a broker forgot is sent again. Once this waits the message is on its way, also if the
    /// future is dropped.
    ///
    /// # Errors
    /// `Refused` when the broker says no to this message (topic not allowed, too large), `Network` when the client
    /// has ended, or for QoS 0 when there is no connection.
    pub async fn publish(&self, message: Message) -> Result<()> {
        options::check(&message)?;
        let room = Arc::clone(&self.room)
            .acquire_owned()
            .await
            .map_err(|_| ended())?;
        let (reply, answer) = oneshot::channel();
        let publishing = Publishing {
            message,
            reply,
            _room: room,
        };
        self.ask(Ask::Publish(publishing), answer).await
    }

    /// Subscribes further filters, at this connection and at later ones. Without a connection they are noted for the
    /// next, and that is `Ok`.
    ///
    /// # Errors
    /// `Network` when the client has ended; `Refused` when the broker says no.
    pub async fn subscribe(&self, filters: Vec<String>) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Subscribe(filters, reply), answer).await
    }

    /// Ends subscriptions, now or at the next connection. Messages that were on their way may still come.
    ///
    /// # Errors
    /// `Network` when the client has ended.
    pub async fn unsubscribe(&self, filters: Vec<String>) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Unsubscribe(filters, reply), answer).await
    }

    /// The connection's state.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<Link> {
        self.link.clone()
    }

    /// Sends what waits, for at most `limit`, then says goodbye (so the will is not sent) and ends. What was not
    /// acknowledged by then fails.
    pub async fn stop(&self, limit: Duration) {
        let (reply, answer) = oneshot::channel();
        let _ =
            tokio::time::timeout(limit + GRACE, self.ask(Ask::Stop(limit, reply), answer)).await;
        let task = self
            .task
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take();
        if let Some(mut task) = task
            && tokio::time::timeout(GRACE, &mut task).await.is_err()
        {
            task.abort();
            let _ = task.await;
        }
    }

    async fn ask(&self, ask: Ask, answer: oneshot::Receiver<Result<()>>) -> Result<()> {
        self.asks.send(ask).await.map_err(|_| ended())?;
        answer.await.unwrap_or_else(|_| Err(ended()))
    }
}

fn ended() -> Error {
    Error::new(
        Kind::Network,
        "The connection to the MQTT broker has ended.",
    )
}
