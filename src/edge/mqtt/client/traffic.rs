//! What goes through a connection: publishes, messages and their acknowledgements; subscriptions in `filters.rs`.

mod filters;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use rumqttc::{
    AsyncClient, ConnAck, ManualAck, PubAck, PubAckReason, Publish, PublishNoticeError,
    PublishOptions, PublishResult, QoS,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::debug;

use super::held::Held;
use super::options::{self, FLYING_MAX};
use super::sending::{Sending, Ticket};
use super::subscriptions::Subscriptions;
use super::{Ack, Message, Owed, Properties, Qos, Received, Room, ended, explain};
use crate::error::{Error, Kind, Result};
pub use filters::{Settled, check_filters};

/// A filter that nobody subscribes: to unsubscribe it is a question that changes nothing.
const NOTHING: &str = "boothcast/nothing";

/// Where an answer goes.
pub type Reply = oneshot::Sender<Result<()>>;

/// A message that is to be published.
#[derive(Debug)]
pub struct Publishing {
    pub message: Message,
    pub reply: Reply,
    /// Gives its place back when the message is answered.
    pub _room: OwnedSemaphorePermit,
}

type Flight = (Ticket, Result<PublishResult, PublishNoticeError>);

/// The traffic of one client, over all of its connections.
#[derive(Debug)]
pub struct Traffic {
    /// The way to the event loop.
    mqtt: Option<AsyncClient>,
    persistent: bool,
    /// Number of the connection, from 1.
    connection: u64,
    up: bool,
    /// Subscriptions with which this connection began that are not answered.
    starting: BTreeSet<u64>,
    /// Requests about filters, counted.
    requests: u64,
    /// Who waits for the answer to one.
    askers: BTreeMap<u64, Reply>,
    session_present: bool,
    max_packet: usize,
    retain: bool,
    sending: Sending<Publishing>,
    /// One of the messages makes the broker say what rumqttc cannot read: which one is found by sending them singly.
    one_by_one: bool,
    subscriptions: Subscriptions,
    acks: mpsc::Sender<(u64, u16)>,
    pub flights: JoinSet<Flight>,
    pub settling: JoinSet<Settled>,
    pub held: Held,
}

impl Traffic {
    pub fn new(
        persistent: bool,
        filters: Vec<String>,
        acks: mpsc::Sender<(u64, u16)>,
        room: Room,
    ) -> Self {
        Self {
            mqtt: None,
            persistent,
            one_by_one: false,
            connection: 0,
            up: false,
            starting: BTreeSet::new(),
            requests: 0,
            askers: BTreeMap::new(),
            session_present: false,
            max_packet: usize::MAX,
            retain: true,
            sending: Sending::default(),
            subscriptions: Subscriptions::new(filters),
            acks,
            flights: JoinSet::new(),
            settling: JoinSet::new(),
            held: Held::with(room),
        }
    }

    /// From now on through this.
    pub fn through(&mut self, mqtt: AsyncClient) {
        self.mqtt = Some(mqtt);
        self.sending.session_lost();
    }

    /// Whether nothing is on its way out.
    pub fn is_idle(&self) -> bool {
        self.sending.is_empty()
    }

    /// Whether there is a connection on which all is subscribed.
    pub fn is_ready(&self) -> bool {
        self.up && self.starting.is_empty()
    }

    /// The broker took us.
    pub fn connected(&mut self, connack: &ConnAck) {
        // What was acknowledged before the loss need not be sent again.
        while let Some(flight) = self.flights.try_join_next() {
            if let Ok(flight) = flight {
                self.landed(flight);
            }
        }
        self.connection += 1;
        self.up = true;
        self.session_present = connack.session_present;
        if !connack.session_present {
            self.sending.session_lost();
        }
        let properties = connack.properties.as_ref();
        self.max_packet = properties
            .and_then(|p| p.max_packet_size)
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(usize::MAX);
        self.retain = properties.and_then(|p| p.retain_available) != Some(0);
        self.begin();
        self.launch();
    }

    /// The connection is gone.
    pub fn lost(&mut self, reason: &str) {
        self.up = false;
        self.subscriptions.lost();
        self.held.lost(reason.to_owned(), self.persistent);
        // What was asked about filters is asked again with the next connection.
        for (_, asker) in std::mem::take(&mut self.askers) {
            let _ = asker.send(Ok(()));
        }
        for lost in self.sending.take(|p| p.message.qos == Qos::AtMostOnce) {
            let _ = lost.reply.send(Err(no_connection()));
        }
    }

    /// A message is to be published.
    pub fn publish(&mut self, publishing: Publishing) {
        if publishing.message.qos == Qos::AtMostOnce && !self.up {
            let _ = publishing.reply.send(Err(no_connection()));
            return;
        }
        self.sending.add(publishing);
        self.launch();
    }

    /// Hands to rumqttc what may fly.
    pub fn launch(&mut self) {
        let most = if self.one_by_one {
            1
        } else {
            usize::from(FLYING_MAX)
        };
        while self.up
            && let Some(mqtt) = &self.mqtt
            && let Some(first) = self.sending.first(most)
        {
            let packet = options::packet(&first.message);
            // The size before rumqttc gives it a number of two bytes.
            let size = packet.size() + 2;
            if let Some(refusal) = self.refusal(&packet, size) {
                if let Some(refused) = self.sending.drop_first() {
                    let _ = refused.reply.send(Err(refusal));
                }
                continue;
            }
            let options = PublishOptions::new(packet.qos).retain(packet.retain);
            let options = match packet.properties {
                Some(properties) => options.properties(properties),
                None => options,
            };
            let topic = first.message.topic.as_str();
            match mqtt.try_publish_tracked(topic, packet.payload, options) {
                Ok(notice) => {
                    if let Some(ticket) = self.sending.launch() {
                        self.flights
                            .spawn(async move { (ticket, notice.wait_async().await) });
                    }
                }
                // Its queue is longer than what may fly, so this is the rest of a batch: with the next event.
                Err(rumqttc::ClientError::RequestChannelFull(_)) => return,
                Err(e) => {
                    if let Some(refused) = self.sending.drop_first() {
                        let error = Error::new(Kind::Internal, "The MQTT message was not taken.");
                        let _ = refused.reply.send(Err(error.caused_by(e)));
                    }
                }
            }
        }
    }

    /// Why the broker would close the connection, or refuse, if this were sent.
    fn refusal(&self, packet: &Publish, size: usize) -> Option<Error> {
        if size > self.max_packet {
            let max = self.max_packet;
            let text = format!(
                "The MQTT message of {size} bytes is larger than the {max} that the broker takes."
            );
            return Some(
                Error::new(Kind::Refused, text).mend("Raise the broker's maximum packet size."),
            );
        }
        (packet.retain && !self.retain).then(|| {
            Error::new(Kind::Refused, "The MQTT broker keeps no retained messages.")
                .mend("Allow retained messages at the broker.")
        })
    }

    /// The broker refused one of the messages that fly with a code that rumqttc cannot read.
    pub fn refused_unread(&mut self, code: u8) {
        if !std::mem::replace(&mut self.one_by_one, true) {
            return;
        }
        for refused in self.sending.take_flying() {
            self.one_by_one = false;
            let _ = refused.reply.send(Err(explain::refused_with(code)));
        }
    }

    /// A flight ended.
    pub fn landed(&mut self, (ticket, result): Flight) {
        let answer = match result {
            Ok(PublishResult::Qos1(PubAck { reason, .. })) => match reason {
                PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                refused => Err(explain::refused(refused)),
            },
            Ok(_) => Ok(()),
            Err(PublishNoticeError::RetainNotSupported) => Err(Error::new(
                Kind::Refused,
                "The MQTT broker keeps no retained messages.",
            )),
            Err(PublishNoticeError::Qos0NotFlushed) => Err(no_connection()),
            // The broker, or rumqttc, forgot it. It is ours still.
            Err(e) => {
                debug!("An MQTT message is sent again: {e}.");
                self.sending.put_back(ticket);
                return;
            }
        };
        if let Some(done) = self.sending.finish(ticket) {
            let _ = done.reply.send(answer);
        }
    }

    /// A message came.
    pub fn received(&mut self, packet: Publish) {
        let ack = match packet.qos {
            QoS::AtLeastOnce => Ack(Some(Owed {
                packet: packet.pkid,
                connection: self.connection,
                to: self.acks.clone(),
            })),
            QoS::AtMostOnce | QoS::ExactlyOnce => Ack::none(),
        };
        // The topic is UTF-8 by the protocol; a broker that sends another is heard as far as it can be.
        let topic = String::from_utf8_lossy(&packet.topic).into_owned();
        let p = packet.properties.unwrap_or_default();
        self.held.received(Received {
            topic,
            payload: detached(&packet.payload),
            retain: packet.retain,
            dup: packet.dup,
            properties: Properties {
                response_topic: p.response_topic,
                correlation: p.correlation_data.as_ref().map(detached),
                expiry_s: p.message_expiry_interval,
                content_type: p.content_type,
            },
            ack,
        });
    }

    /// A message is acknowledged, unless its connection is gone.
    pub fn acknowledge(&mut self, (connection, packet): (u64, u16)) {
        if self.up && connection == self.connection {
            let ack = ManualAck::PubAck(PubAck::new(packet, None));
            if let Some(Err(e)) = self.mqtt.as_ref().map(|m| m.try_manual_ack(ack)) {
                debug!("An MQTT acknowledgement was not sent: {e}.");
            }
        }
    }

    /// A question that the broker must answer and that changes nothing: rumqttc pings only when nothing goes out, and
    /// telemetry with QoS 0 goes out for ever into a connection that is dead.
    pub fn probe(&self) {
        if let Some(mqtt) = &self.mqtt {
            let _ = mqtt.try_unsubscribe(NOTHING);
        }
    }

    /// Says goodbye, so that the will is not sent.
    pub fn goodbye(&self) {
        if let Some(mqtt) = &self.mqtt {
            let _ = mqtt.try_disconnect_now();
        }
    }

    /// Answers all that is not answered: the client has ended.
    pub fn fail_all(&mut self) {
        for left in self.sending.take(|_| true) {
            let _ = left.reply.send(Err(ended()));
        }
        for (_, asker) in std::mem::take(&mut self.askers) {
            let _ = asker.send(Err(ended()));
        }
    }
}

/// A copy of its own: a small part of a large read buffer would keep all of it.
fn detached(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

fn no_connection() -> Error {
    Error::new(Kind::Network, "There is no connection to the MQTT broker.")
}
