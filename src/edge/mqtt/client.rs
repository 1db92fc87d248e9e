//! A connection to a broker that is kept: MQTT 5 (OASIS standard of 7 March 2019) through rumqttc.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use crate::config::{BrokerUrl, Secret};
use crate::error::{Error, Kind, Result};

/// The largest packet that is taken from the broker, in bytes.
pub const MAX_INCOMING: u32 = 64 * 1024;

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
    /// The broker had kept it.
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
pub struct Ack(());

impl Ack {
    /// Tells the broker. Never blocks.
    pub fn done(self) {}
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
    /// Being tried.
    Connecting,
    /// There is.
    Up,
    /// There is none.
    Down {
        /// Why, one clause without secrets.
        reason: String,
    },
}

/// A connection; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client(());

impl Client {
    /// Starts to connect, on `runtime`, and keeps at it. `filters` are subscribed with QoS 1 at each connection that the
    /// broker does not remember. Happenings wait in a bounded queue; a reader who is slow holds up only what comes in.
    ///
    /// # Errors
    /// `BadConfig` when certificates cannot be read.
    pub fn start(
        _options: ClientOptions,
        _filters: Vec<String>,
        _runtime: &tokio::runtime::Handle,
    ) -> Result<(Self, mpsc::Receiver<Happening>)> {
        Err(Error::new(Kind::Unsupported, "There is no MQTT yet."))
    }

    /// Publishes, and waits until the broker has acknowledged it (QoS 1) or it is on the wire (QoS 0), through any
    /// number of reconnects: what a broker forgot is sent again.
    ///
    /// # Errors
    /// `Refused` when the broker says no to this message (topic not allowed, too large), `Network` when the client
    /// has ended, or for QoS 0 when there is no connection.
    pub async fn publish(&self, _message: Message) -> Result<()> {
        Err(Error::new(Kind::Unsupported, "There is no MQTT yet."))
    }

    /// Subscribes further filters, at this connection and at later ones.
    ///
    /// # Errors
    /// `Network` when the client has ended; `Refused` when the broker says no.
    pub async fn subscribe(&self, _filters: Vec<String>) -> Result<()> {
        Err(Error::new(Kind::Unsupported, "There is no MQTT yet."))
    }

    /// Ends subscriptions.
    ///
    /// # Errors
    /// `Network` when the client has ended.
    pub async fn unsubscribe(&self, _filters: Vec<String>) -> Result<()> {
        Err(Error::new(Kind::Unsupported, "There is no MQTT yet."))
    }

    /// The connection's state.
    #[must_use]
    pub fn link(&self) -> watch::Receiver<Link> {
        watch::channel(Link::Connecting).1
    }

    /// Sends what waits, for at most `limit`, then says goodbye (so the will is not sent) and ends. What was not
    /// acknowledged by then fails.
    pub async fn stop(&self, _limit: Duration) {}
}
