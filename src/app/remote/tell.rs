//! Tells what the box does, from the one `watch<Status>`, in three tasks that cannot hold one another up:
//!
//! ```text
//!   retained.rs   info, status, reported, conn, Home Assistant: anew at each connection, and when they change
//!   record.rs     events ──────────────────────────> outbox (synced)
//!                 telemetry ── connected: at once, else ──> outbox
//!   deliver.rs    outbox ── in order, until the broker has it ──> broker
//! ```

mod deliver;
mod record;
mod retained;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::config::BoxId;
use crate::config::Config;
use crate::config::board::Board;
use crate::device::status::Status;
use crate::edge::mqtt::client::{Client, Link, Message, Properties, Qos};
use crate::edge::mqtt::tell::{BoardInfo, Capabilities, Conn, ConnState, Info, SCHEMA_VERSION};
use crate::edge::mqtt::topics::BoxTopics;
use crate::edge::mqtt::{homeassistant, schema, tell};
use crate::edge::system;
use crate::error::{Error, Kind, Result};
use crate::media::sync::lock;
use crate::store::db::Db;

/// How long the broker waits, when the box has gone without a word, before it says so.
const WILL_DELAY: Duration = Duration::from_secs(15);

/// What telling needs.
pub struct Parts<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// The board's facts.
    pub board: &'a Board,
    /// H.264 encoders in the order in which they are used.
    pub encoders: &'a [String],
    /// What the box is doing.
    pub status: watch::Receiver<Status>,
    /// The connection; its will is [`will`].
    pub client: Client,
    /// The topics of this box.
    pub topics: BoxTopics,
    /// Who it is.
    pub id: BoxId,
    /// Events and telemetry wait in here.
    pub db: Db,
    /// Where its tasks run.
    pub runtime: &'a tokio::runtime::Handle,
}

/// What the broker says when the box is gone without a word, and how long it waits before that.
#[must_use]
pub fn will(topics: &BoxTopics, db: &Db) -> (Message, Duration) {
    (conn(topics, ConnState::Offline, db.session()), WILL_DELAY)
}

fn conn(topics: &BoxTopics, state: ConnState, session: u64) -> Message {
    let payload = tell::json(&Conn { state, session });
    kept(topics.own("conn"), payload)
}

/// A message that the broker keeps.
fn kept(topic: String, payload: Vec<u8>) -> Message {
    Message {
        topic,
        payload: Bytes::from(payload),
        qos: Qos::AtLeastOnce,
        retain: true,
        properties: written(),
    }
}

/// Properties of a message in JSON.
fn written() -> Properties {
    Properties {
        content_type: Some("application/json".into()),
        ..Properties::default()
    }
}

/// What the tasks share.
struct Shared {
    client: Client,
    topics: BoxTopics,
    db: Db,
    info: Info,
    /// Home Assistant's prefix, if the box announces itself there.
    homeassistant: Option<String>,
    /// The state folder.
    folder: PathBuf,
    /// Telemetry while live, and while not.
    every: (Duration, Duration),
    /// Unix time of the start, once it is known.
    started_at: OnceLock<i64>,
    /// There is something in the outbox.
    filled: Notify,
    /// Home Assistant has started.
    born: Notify,
    /// Commands that were refused because there were too many, since the last event that said so.
    refused: AtomicU64,
    /// Why the last desired settings could not be read, until the event that says so.
    unreadable: Mutex<Option<String>>,
    stop: watch::Receiver<bool>,
}

impl Shared {
    /// Unix time of the start of the program, s, from the first moment at which the clock is right.
    fn started_at(&self, uptime_s: u64) -> Option<i64> {
        if let Some(at) = self.started_at.get() {
            return Some(*at);
        }
        let at = system::unix_time()?.checked_sub(i64::try_from(uptime_s).ok()?)?;
        Some(*self.started_at.get_or_init(|| at))
    }

    fn is_up(&self) -> bool {
        *self.client.link().borrow() == Link::Up
    }

    /// Until the end is asked for.
    async fn ended(&self) {
        let mut stop = self.stop.clone();
        // An owner that is gone is an end, too.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Publishes, through reconnects, but not beyond the end.
    async fn publish(&self, message: Message) -> Result<()> {
        tokio::select! {
            biased;
            () = self.ended() => Err(Error::new(Kind::Network, "The box ends.")),
            said = self.client.publish(message) => said,
        }
    }
}

/// Telling while it goes on.
pub struct Tell {
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Tell {
    /// Starts it. Whether there is a connection shows later; until then events and telemetry wait in the outbox.
    #[must_use]
    pub fn start(parts: Parts<'_>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mqtt = &parts.config.mqtt;
        let seconds = |s: u32| Duration::from_secs(s.max(1).into());
        let shared = Arc::new(Shared {
            info: info(&parts),
            client: parts.client,
            topics: parts.topics,
            db: parts.db,
            homeassistant: mqtt
                .homeassistant
                .then(|| mqtt.homeassistant_prefix.clone()),
            folder: parts.config.paths.state.clone(),
            every: (
                seconds(mqtt.telemetry_live_s),
                seconds(mqtt.telemetry_idle_s),
            ),
            started_at: OnceLock::new(),
            filled: Notify::new(),
            born: Notify::new(),
            refused: AtomicU64::new(0),
            unreadable: Mutex::new(None),
            stop: stopped,
        });
        let status = || parts.status.clone();
        let tasks = vec![
            parts.runtime.spawn(retained::run(shared.clone(), status())),
            parts.runtime.spawn(record::run(shared.clone(), status())),
            parts.runtime.spawn(deliver::run(shared.clone())),
        ];
        Self {
            shared,
            stop,
            tasks,
        }
    }

    /// Takes a message that came, if it is for telling: Home Assistant's word that it has started. Whoever reads what comes
    /// in must hand messages in here that it does not know.
    pub fn heard(&self, topic: &str, payload: &[u8]) -> bool {
        let Some(prefix) = &self.shared.homeassistant else {
            return false;
        };
        if topic != homeassistant::birth_topic(prefix) {
            return false;
        }
        if payload == homeassistant::BIRTH {
            self.shared.born.notify_one();
        }
        true
    }

    /// Counts a command that was refused because there were too many; an event tells of them together.
    pub fn refused(&self) {
        self.shared.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that desired settings could not be read; an event says why.
    pub fn unreadable(&self, why: String) {
        *lock(&self.shared.unreadable) = Some(why);
    }

    /// Ends the tasks and says `stopped`, within `limit`. The client must end after this.
    pub async fn stop(self, limit: Duration) {
        let end = Instant::now() + limit;
        let Self {
            shared,
            stop,
            tasks,
        } = self;
        let _ = stop.send(true);
        for mut task in tasks {
            // A quarter of the time is for the last word.
            if timeout_at(end - limit / 4, &mut task).await.is_err() {
                task.abort();
                tracing::warn!("a task that tells over MQTT did not end in time");
            }
        }
        if shared.is_up() {
            let word = conn(&shared.topics, ConnState::Stopped, shared.info.session);
            match timeout(end - Instant::now(), shared.client.publish(word)).await {
                Ok(Ok(())) => {}
                Ok(Err(e)) => tracing::debug!("{}", e.report()),
                Err(_) => tracing::debug!("the broker did not take the last word in time"),
            }
        }
    }
}

fn info(parts: &Parts<'_>) -> Info {
    Info {
        id: parts.id.clone(),
        fleet: parts.config.mqtt.fleet.clone(),
        name: parts.config.box_.name.to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        board: BoardInfo {
            id: parts.board.id.clone(),
            title: parts.board.title.clone(),
            model: system::model(),
        },
        system: None,
        slot: None,
        kernel: system::kernel(),
        arch: std::env::consts::ARCH.to_owned(),
        capabilities: Capabilities {
            encoders: parts.encoders.to_vec(),
            commands: schema::command_names(),
            sound: parts.status.borrow().sound.is_some(),
            schema: SCHEMA_VERSION,
        },
        started_at: None,
        session: parts.db.session(),
    }
}
