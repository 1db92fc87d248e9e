//! What bridges say of the audience, on its way to the room: by a connection of its own, so that no flood of chat can push
//! a command out of the broker's queue or hold it up.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Parts, box_id, each, room_name};
use crate::edge::mqtt::client::{Client, ClientOptions, Happening, Received};
use crate::edge::mqtt::topics::{Fleet, RoomTopics};
use crate::error::Result;
use crate::room::actor::RoomHandle;

/// The connection while it runs.
pub struct Audience {
    client: Client,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Audience {
    /// Starts it; whether there is a broker shows later. `options` are those of the box's own connection.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn start(parts: &Parts<'_>, options: ClientOptions, room: RoomHandle) -> Result<Self> {
        let config = parts.config;
        let id = box_id(config)?;
        let topics = Fleet::new(&config.mqtt.fleet).room(&room_name(config, &id));
        let options = ClientOptions {
            client_id: format!("{}-room", options.client_id),
            // What was said while nobody listened is of no use any more.
            session_expiry: Duration::ZERO,
            will: None,
            ..options
        };
        tracing::info!(topic = topics.filter(), "bridges are heard");
        let (client, happenings) = Client::start(options, vec![topics.filter()], parts.runtime)?;
        let (stop, stopped) = watch::channel(false);
        let task = parts
            .runtime
            .spawn(each(happenings, stopped, move |h| hear(&topics, &room, h)));
        Ok(Self { client, stop, task })
    }

    /// Ends it within `limit`.
    pub async fn stop(self, limit: Duration) {
        let _ = self.stop.send(true);
        let mut task = self.task;
        if tokio::time::timeout(limit / 2, &mut task).await.is_err() {
            task.abort();
            let _ = task.await;
        }
        self.client.stop(limit / 2).await;
    }
}

fn hear(topics: &RoomTopics, room: &RoomHandle, happening: Happening) {
    match happening {
        Happening::Received(received) => take(topics, room, received),
        Happening::Connected { .. } => tracing::info!("bridges can be heard"),
        Happening::Lost { reason } => tracing::warn!(reason, "bridges cannot be heard"),
    }
}

/// Hands a message in and acknowledges it, whatever comes of it: what there is no room for is counted, and a bridge that
/// sent it again would only add to the flood.
fn take(topics: &RoomTopics, room: &RoomHandle, received: Received) {
    match topics.source(&received.topic) {
        Some(source) => {
            room.offer(source, received.payload.clone());
        }
        None => tracing::debug!(topic = received.topic, "a message of no bridge"),
    }
    received.ack.done();
}
