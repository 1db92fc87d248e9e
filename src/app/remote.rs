//! Remote control over MQTT: joins the client with the desk, the core and the store.
//!
//! ```text
//!   client ──Received──> commands.rs ──journal──> desk ──> answers.rs ──journal──> client
//!          ──desired───> desired.rs ──Command::DesiredApply──> desk
//!          <──conn────── presence.rs
//!   watch<Status> ─────> tell.rs ──> info, status, reported, telemetry; events through the outbox
//! ```
//!
//! One task takes what the client brings and never waits for anything else, so the connection always goes on.

mod answers;
mod commands;
mod desired;
mod presence;

#[allow(dead_code)]
pub mod tell;

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::config::board::Board;
use crate::config::{BoxId, BrokerUrl, Config};
use crate::device::status::Status;
use crate::edge::desk::Desk;
use crate::edge::mqtt::client::{
    Client, ClientOptions, Happening, MAX_INCOMING, Received, Reconnect,
};
use crate::edge::mqtt::topics::{BoxTopics, Fleet, Meant};
use crate::edge::net;
use crate::error::{Error, Kind, Result};
use crate::store::db::Db;
use commands::Commands;

/// How long the broker waits before it says that a box is gone: a short break is none.
const WILL_DELAY: Duration = Duration::from_secs(15);

/// What remote control needs.
pub struct Parts<'a> {
    /// The configuration in force; `mqtt.broker` is there.
    pub config: &'a Config,
    /// The board's facts.
    pub board: &'a Board,
    /// Where commands go.
    pub desk: &'a Desk,
    /// What the box is doing.
    pub status: watch::Receiver<Status>,
    /// Where its tasks run.
    pub runtime: &'a tokio::runtime::Handle,
}

/// Remote control while it runs.
pub struct Remote {
    client: Client,
    topics: BoxTopics,
    session: u64,
    stop: watch::Sender<bool>,
    /// In the order in which they end: each lets go of what the next waits for.
    tasks: Vec<(&'static str, JoinHandle<()>)>,
}

impl Remote {
    /// Starts it; whether there is a broker shows later.
    ///
    /// # Errors
    /// When certificates cannot be read, or nothing says who this box is.
    pub fn start(parts: &Parts<'_>, db: &Db) -> Result<Self> {
        let config = parts.config;
        let Some(broker) = config.mqtt.broker.clone() else {
            return Err(
                Error::new(Kind::BadConfig, "There is no MQTT broker.").mend("Set mqtt.broker.")
            );
        };
        let id = box_id(config)?;
        let topics = Fleet::new(&config.mqtt.fleet).of(&id);
        let session = db.session();
        let options = options(config, broker, &id, presence::will(&topics, session));
        tracing::info!(broker = %options.broker, fleet = %config.mqtt.fleet, %id, "remote control over MQTT");
        let (client, happenings) = Client::start(options, topics.filters(), parts.runtime)?;

        let (stop, stopped) = watch::channel(false);
        let (connected, connects) = watch::channel(0);
        let (answers, outgoing) = answers::queue();
        let (queue, commands) = commands::queue();
        let (desired, wishes) = desired::queue();
        let runner = commands::Runner::new(parts.desk.clone(), db.clone(), answers.clone());
        let joint = Joint {
            commands: Commands::new(parts.desk.clone(), topics.clone(), queue, answers),
            topics: topics.clone(),
            desired,
            connected,
        };
        let sender = answers::Sender::new(client.clone(), topics.clone(), db.clone());
        let runtime = parts.runtime;
        let presence = presence::Presence::new(client.clone(), &topics, session);
        let tasks = vec![
            (
                "presence",
                runtime.spawn(presence.run(connects, stopped.clone())),
            ),
            (
                "desired",
                runtime.spawn(desired::run(parts.desk.clone(), wishes, stopped.clone())),
            ),
            (
                "joint",
                runtime.spawn(joint.run(happenings, stopped.clone())),
            ),
            ("commands", runtime.spawn(runner.run(commands, stopped))),
            ("answers", runtime.spawn(sender.run(outgoing))),
        ];
        Ok(Self {
            client,
            topics,
            session,
            stop,
            tasks,
        })
    }

    /// Sends what is answered already, says goodbye to the broker, and ends, within `limit`.
    pub async fn stop(self, limit: Duration) {
        let begun = Instant::now();
        let _ = self.stop.send(true);
        // The better half of the time is for the answers.
        let end = begun + limit * 6 / 10;
        for (name, mut task) in self.tasks {
            if timeout_at(end, &mut task).await.is_err() {
                tracing::debug!(name, "did not end in time");
                task.abort();
                let _ = task.await;
            }
        }
        let goodbye = presence::message(&self.topics, "stopped", self.session);
        if timeout_at(begun + limit * 8 / 10, self.client.publish(goodbye))
            .await
            .is_err()
        {
            tracing::debug!("the broker did not take the goodbye");
        }
        self.client
            .stop((begun + limit).saturating_duration_since(Instant::now()))
            .await;
    }
}

/// Who this box is: as configured, else by its hardware address, else by the machine's own id.
fn box_id(config: &Config) -> Result<BoxId> {
    if let Some(id) = &config.mqtt.id {
        return Ok(id.clone());
    }
    let made = net::hardware_id().and_then(|end| format!("box-{end}").parse().ok());
    made.ok_or_else(|| {
        let said = "This machine has neither a network card with an address of its own nor /etc/machine-id, so nothing says who it is over MQTT.";
        Error::new(Kind::BadConfig, said).mend("Set mqtt.id.")
    })
}

fn options(
    config: &Config,
    broker: BrokerUrl,
    id: &BoxId,
    will: crate::edge::mqtt::client::Message,
) -> ClientOptions {
    let mqtt = &config.mqtt;
    let reconnect = if broker.is_loopback() {
        Reconnect::alone()
    } else {
        Reconnect::fleet(Duration::from_secs(mqtt.reconnect_s.into()))
    };
    ClientOptions {
        broker,
        client_id: format!("boothcast-{}-{id}", mqtt.fleet),
        user: mqtt.user.clone(),
        password: mqtt.password.clone(),
        tls_ca: mqtt.tls_ca.clone(),
        tls_cert: mqtt.tls_cert.clone(),
        tls_key: mqtt.tls_key.clone(),
        session_expiry: Duration::from_secs(mqtt.session_expiry_s.into()),
        will: Some((will, WILL_DELAY)),
        reconnect,
        max_incoming: MAX_INCOMING,
    }
}

/// Takes what the client brings and hands it on; never waits for those it hands it to.
struct Joint {
    commands: Commands,
    topics: BoxTopics,
    desired: mpsc::Sender<desired::Wish>,
    /// How often the broker was reached.
    connected: watch::Sender<u64>,
}

impl Joint {
    async fn run(
        mut self,
        mut happenings: mpsc::Receiver<Happening>,
        mut stop: watch::Receiver<bool>,
    ) {
        loop {
            tokio::select! {
                biased;
                _ = stop.wait_for(|s| *s) => return,
                happening = happenings.recv() => match happening {
                    Some(happening) => self.take(happening),
                    None => return,
                },
            }
        }
    }

    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Connected { session_present } => {
                tracing::info!(session_present, "the MQTT broker is reached");
                self.connected.send_modify(|n| *n += 1);
            }
            Happening::Lost { reason } => tracing::warn!(reason, "the MQTT broker is lost"),
            Happening::Received(received) => self.received(received),
        }
    }

    fn received(&mut self, received: Received) {
        match self.topics.meant(&received.topic) {
            Meant::Command { name, .. } => self.commands.take(&name, received),
            Meant::Desired => desired::take(&self.desired, received),
            Meant::Other => {
                tracing::debug!(topic = received.topic, "a message that is not for this box");
                received.ack.done();
            }
        }
    }
}
