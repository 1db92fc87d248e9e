//! Remote control over MQTT: joins the client with the desk, the core and the store.
//!
//! ```text
//!   client ──Received──> commands.rs ──journal──> desk ──> answers.rs ──journal──> client
//!          ──desired───> desired.rs ──Command::DesiredApply──> desk
//!          <─filters──── groups.rs <── watch<Status>
//!   watch<Status> ─────> tell.rs ──> conn, info, status, reported, telemetry; events through the outbox
//! ```
//!
//! One task takes what the client brings and never waits for anything else, so the connection always goes on.

mod answers;
mod audience;
mod commands;
mod desired;
mod groups;
mod room;
mod tell;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::config::board::Board;
use crate::config::{BoxId, BrokerUrl, Config, GroupName, RoomName};
use crate::device::status::Status;
use crate::edge::desk::Desk;
use crate::edge::mqtt::client::{
    Client, ClientOptions, Happening, MAX_INCOMING, Message, Received, Reconnect,
};
use crate::edge::mqtt::room::RoomEvent;
use crate::edge::mqtt::topics::{BoxTopics, Fleet, Meant};
use crate::edge::net;
use crate::error::{Error, Kind, Result};
use crate::room::actor::RoomHandle;
use crate::store::db::Db;
use audience::Audience;
use commands::Commands;
use tell::Tell;

/// What remote control needs.
pub struct Parts<'a> {
    /// The configuration in force; `mqtt.broker` is there.
    pub config: &'a Config,
    /// The board's facts.
    pub board: &'a Board,
    /// H.264 encoders in the order in which they are used.
    pub encoders: &'a [String],
    /// Where commands go.
    pub desk: &'a Desk,
    /// Where the audience is heard.
    pub room: &'a RoomHandle,
    /// What the box is doing.
    pub status: watch::Receiver<Status>,
    /// Where its tasks run.
    pub runtime: &'a tokio::runtime::Handle,
}

/// Remote control while it runs.
pub struct Remote {
    client: Client,
    tell: Arc<Tell>,
    audience: Option<Audience>,
    stop: watch::Sender<bool>,
    /// In the order in which they end: each lets go of what the next waits for.
    tasks: Vec<(&'static str, JoinHandle<()>)>,
}

impl Remote {
    /// Starts it; whether there is a broker shows later. `facts`: what happens in the live room.
    ///
    /// # Errors
    /// When certificates cannot be read, or nothing says who this box is.
    pub fn start(parts: &Parts<'_>, facts: mpsc::Receiver<RoomEvent>, db: &Db) -> Result<Self> {
        let config = parts.config;
        let Some(broker) = config.mqtt.broker.clone() else {
            let said = Error::new(Kind::BadConfig, "There is no MQTT broker.");
            return Err(said.mend("Set mqtt.broker."));
        };
        let id = box_id(config)?;
        let topics = Fleet::new(&config.mqtt.fleet).of(&id);
        let options = options(config, broker, &id, tell::will(&topics, db));
        tracing::info!(broker = %options.broker, fleet = %config.mqtt.fleet, %id, "remote control over MQTT");
        let bridges = config.room.bridges.then(|| options.clone());
        let (client, happenings) = Client::start(options, topics.filters(), parts.runtime)?;
        let audience = bridges.map(|options| Audience::start(parts, options, parts.room.clone()));
        let audience = audience.transpose()?;
        let tell = Arc::new(Tell::start(tell::Parts {
            config,
            board: parts.board,
            encoders: parts.encoders,
            status: parts.status.clone(),
            client: client.clone(),
            topics: topics.clone(),
            id,
            db: db.clone(),
            runtime: parts.runtime,
        }));

        let (stop, stopped) = watch::channel(false);
        let (answers, outgoing) = answers::queue();
        let (queue, commands) = commands::queue();
        let (desired, wishes) = desired::queue();
        let desk = || parts.desk.clone();
        let mut joint = Joint {
            commands: Commands::new(desk(), topics.clone(), queue, answers.clone()),
            topics: topics.clone(),
            desired,
            tell: tell.clone(),
            status: parts.status.clone(),
        };
        let runner = commands::Runner::new(desk(), db.clone(), answers);
        let groups = groups::run(
            client.clone(),
            topics.clone(),
            parts.status.clone(),
            stopped.clone(),
        );
        let sender = answers::Sender::new(client.clone(), topics, db.clone());
        let told = Fleet::new(&config.mqtt.fleet).room(&room_name(config, &box_id(config)?));
        let facts = room::run(client.clone(), told, facts, stopped.clone());
        let runtime = parts.runtime;
        let tasks = vec![
            ("groups", runtime.spawn(groups)),
            ("room", runtime.spawn(facts)),
            (
                "desired",
                runtime.spawn(desired::run(desk(), wishes, stopped.clone())),
            ),
            (
                "joint",
                runtime.spawn(each(happenings, stopped.clone(), move |h| joint.take(h))),
            ),
            ("commands", runtime.spawn(runner.run(commands, stopped))),
            ("answers", runtime.spawn(sender.run(outgoing))),
        ];
        Ok(Self {
            client,
            tell,
            audience,
            stop,
            tasks,
        })
    }

    /// Sends what is answered already, says goodbye to the broker, and ends, within `limit`.
    pub async fn stop(self, limit: Duration) {
        let begun = Instant::now();
        let _ = self.stop.send(true);
        if let Some(audience) = self.audience {
            audience.stop(limit / 10).await;
        }
        // The better half of the time is for the answers.
        let end = begun + limit * 6 / 10;
        for (name, mut task) in self.tasks {
            if timeout_at(end, &mut task).await.is_err() {
                tracing::debug!(name, "did not end in time");
                task.abort();
                let _ = task.await;
            }
        }
        let left = || (begun + limit).saturating_duration_since(Instant::now());
        // The task that shared it has ended.
        if let Some(tell) = Arc::into_inner(self.tell) {
            tell.stop(left() / 2).await;
        }
        self.client.stop(left()).await;
    }
}

/// Who this box is: as configured, else by its hardware address, else by the machine's own id.
pub(super) fn box_id(config: &Config) -> Result<BoxId> {
    if let Some(id) = &config.mqtt.id {
        return Ok(id.clone());
    }
    let made = net::hardware_id().and_then(|end| format!("box-{end}").parse().ok());
    made.ok_or_else(|| {
        let said = "This machine has neither a network card with an address of its own nor /etc/machine-id, so nothing says who it is over MQTT.";
        Error::new(Kind::BadConfig, said).mend("Set mqtt.id.")
    })
}

/// The room whose audience this box draws: the configured one, else one of its own.
pub(super) fn room_name(config: &Config, id: &BoxId) -> RoomName {
    let own = || RoomName::from(id);
    config.room.name.clone().unwrap_or_else(own)
}

fn options(
    config: &Config,
    broker: BrokerUrl,
    id: &BoxId,
    will: (Message, Duration),
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
        will: Some(will),
        reconnect,
        max_incoming: MAX_INCOMING,
    }
}

/// Until the end is asked for, or nobody is left to ask for it.
async fn ending(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|s| *s).await;
}

/// Gives `take` what a client brings, one after another, until the end.
async fn each(
    mut happenings: mpsc::Receiver<Happening>,
    mut stop: watch::Receiver<bool>,
    mut take: impl FnMut(Happening),
) {
    loop {
        tokio::select! {
            biased;
            () = ending(&mut stop) => return,
            happening = happenings.recv() => match happening {
                Some(happening) => take(happening),
                None => return,
            },
        }
    }
}

/// Takes what the client brings and hands it on; never waits for those it hands it to.
struct Joint {
    commands: Commands,
    topics: BoxTopics,
    desired: mpsc::Sender<desired::Wish>,
    tell: Arc<Tell>,
    status: watch::Receiver<Status>,
}

impl Joint {
    fn take(&mut self, happening: Happening) {
        match happening {
            Happening::Connected { session_present } => {
                tracing::info!(session_present, "the MQTT broker is reached");
            }
            Happening::Lost { reason } => tracing::warn!(reason, "the MQTT broker is lost"),
            Happening::Received(received) => self.received(received),
        }
    }

    fn received(&mut self, received: Received) {
        match self.topics.meant(&received.topic) {
            // What the broker still sends of a group that the box has left.
            Meant::Command {
                group: Some(group), ..
            } if !self.belongs_to(&group) => {
                received.ack.done();
            }
            Meant::Command { name, .. } => {
                if !self.commands.take(&name, received) {
                    self.tell.refused();
                }
            }
            Meant::Desired => {
                if let Err(why) = desired::take(&self.desired, received) {
                    tracing::warn!("desired settings are no settings: {why}");
                    self.tell.unreadable(why);
                }
            }
            Meant::Other => {
                if !self.tell.heard(&received.topic, &received.payload) {
                    tracing::debug!(topic = received.topic, "a message that is not for this box");
                }
                received.ack.done();
            }
        }
    }

    fn belongs_to(&self, group: &GroupName) -> bool {
        self.status.borrow().groups.contains(group)
    }
}
