//! One connection to the broker for as long as a command line runs.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::args::Reach;
use crate::cli::outcome::Trouble;
use crate::edge::mqtt::client::{
    Client, Happening, Link as State, Message, Properties, Qos, Room, Timing,
};
use crate::error::{Error, Kind};

/// Messages that are on their way at once: enough for a line of 100 ms to carry hundreds a second.
const AT_ONCE: usize = 64;
/// How long the goodbye may take.
const BYE: Duration = Duration::from_secs(1);

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Said {
    pub topic: String,
    pub payload: Bytes,
    /// The broker had kept it.
    pub retain: bool,
}

/// A connection.
pub(in crate::cli) struct Link {
    client: Client,
    events: mpsc::Receiver<Happening>,
    /// Where, for messages.
    broker: String,
}

impl Link {
    /// Connects and subscribes, within the limit of an answer; the first failure is the answer.
    pub(in crate::cli) async fn open(reach: &Reach, filters: Vec<String>) -> Result<Self, Trouble> {
        let end = Instant::now() + reach.limit;
        let options = reach.options.clone();
        let broker = options.broker.to_string();
        let runtime = tokio::runtime::Handle::current();
        let bounds = (Timing::default(), Room::FLEET);
        let (client, events) = Client::start_roomy(options, filters, bounds, &runtime)
            .map_err(|e| started(&broker, &e))?;
        let mut link = Self {
            client,
            events,
            broker,
        };
        match timeout_at(end, link.connected()).await {
            Ok(Ok(())) => Ok(link),
            Ok(Err(reason)) => {
                let trouble = link.unreached(&reason);
                link.close().await;
                Err(trouble)
            }
            Err(_) => {
                let trouble = link.unreached("it does not answer");
                link.close().await;
                Err(trouble)
            }
        }
    }

    async fn connected(&mut self) -> Result<(), String> {
        let mut state = self.client.link();
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => match event {
                    Some(Happening::Connected { .. }) => return Ok(()),
                    Some(Happening::Lost { reason }) => return Err(reason),
                    Some(Happening::Received(_)) => {}
                    None => return Err("the connection was given up".into()),
                },
                down = state.wait_for(|s| matches!(s, State::Down { .. })) => {
                    if let Ok(down) = down
                        && let State::Down { reason } = &*down
                    {
                        return Err(reason.clone());
                    }
                    return Err("the connection was given up".into());
                }
            }
        }
    }

    /// The next message; nothing at `end`. A connection that breaks is tried again until then.
    pub(in crate::cli) async fn next(&mut self, end: Instant) -> Result<Option<Said>, Trouble> {
        loop {
            match timeout_at(end, self.events.recv()).await {
                Err(_) => return Ok(None),
                Ok(None) => return Err(self.unreached("the connection was given up")),
                Ok(Some(event)) => {
                    if let Some(said) = taken(event) {
                        return Ok(Some(said));
                    }
                }
            }
        }
    }

    /// Publishes all of it until `end`, and hands what comes in meanwhile to `on`.
    pub(in crate::cli) async fn send(
        &mut self,
        messages: impl IntoIterator<Item = Message>,
        end: Instant,
        on: &mut dyn FnMut(Said),
    ) -> Result<(), Trouble> {
        let mut waiting = messages.into_iter();
        let mut on_the_way = JoinSet::new();
        loop {
            while on_the_way.len() < AT_ONCE
                && let Some(message) = waiting.next()
            {
                let client = self.client.clone();
                on_the_way.spawn(async move { client.publish(message).await });
            }
            tokio::select! {
                done = on_the_way.join_next() => match done {
                    None => return Ok(()),
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(e))) => return Err(refused(&self.broker, &e)),
                    Some(Err(e)) => return Err(Trouble::Broken(format!("Sending failed: {e}."))),
                },
                event = self.events.recv() => match event {
                    None => return Err(self.unreached("the connection was given up")),
                    Some(event) => taken(event).into_iter().for_each(&mut *on),
                },
                () = tokio::time::sleep_until(end) => {
                    return Err(self.unreached("it does not acknowledge in time"));
                }
            }
        }
    }

    /// Subscribes further filters; what comes in meanwhile goes to `on`.
    pub(in crate::cli) async fn subscribe(
        &mut self,
        filters: Vec<String>,
        end: Instant,
        on: &mut dyn FnMut(Said),
    ) -> Result<(), Trouble> {
        let client = self.client.clone();
        let mut done = std::pin::pin!(client.subscribe(filters));
        loop {
            tokio::select! {
                done = &mut done => return done.map_err(|e| refused(&self.broker, &e)),
                event = self.events.recv() => match event {
                    None => return Err(self.unreached("the connection was given up")),
                    Some(event) => taken(event).into_iter().for_each(&mut *on),
                },
                () = tokio::time::sleep_until(end) => {
                    return Err(self.unreached("it does not acknowledge in time"));
                }
            }
        }
    }

    /// Says goodbye.
    pub(in crate::cli) async fn close(self) {
        self.client.stop(BYE).await;
    }

    fn unreached(&self, reason: &str) -> Trouble {
        Trouble::NoBroker(format!(
            "The broker at {} cannot be reached: {}. Look at its address, and whether it runs.",
            self.broker,
            reason.trim_end_matches('.')
        ))
    }
}

fn taken(event: Happening) -> Option<Said> {
    let Happening::Received(received) = event else {
        return None;
    };
    received.ack.done();
    Some(Said {
        topic: received.topic,
        payload: received.payload,
        retain: received.retain,
    })
}

fn started(broker: &str, e: &Error) -> Trouble {
    match e.kind() {
        Kind::BadConfig => Trouble::Config(e.report()),
        _ => Trouble::NoBroker(format!(
            "The broker at {broker} cannot be reached: {}",
            e.report()
        )),
    }
}

fn refused(broker: &str, e: &Error) -> Trouble {
    match e.kind() {
        Kind::Refused => Trouble::Forbidden(format!(
            "The broker at {broker} does not allow it: {} Look at its access list for this user.",
            e.report()
        )),
        _ => Trouble::NoBroker(format!(
            "The connection to the broker at {broker} broke: {}",
            e.report()
        )),
    }
}

/// A message that arrives at least once, and is kept by the broker if `retain`.
pub(in crate::cli) fn message(topic: String, payload: Vec<u8>, retain: bool) -> Message {
    Message {
        topic,
        payload: payload.into(),
        qos: Qos::AtLeastOnce,
        retain,
        properties: Properties {
            content_type: Some("application/json".into()),
            ..Properties::default()
        },
    }
}
