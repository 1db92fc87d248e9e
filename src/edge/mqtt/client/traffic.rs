//! What goes through a connection: publishes, subscriptions, messages and their acknowledgements.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use rumqttc::{
    AsyncClient, ConnAck, ManualAck, PubAck, PubAckReason, Publish, PublishNoticeError,
    PublishOptions, PublishResult, QoS, SubscribeFilter, SubscribeReasonCode, ValidatedTopicFilter,
};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::held::Held;
use super::options::{self, FLYING_MAX};
use super::sending::{Sending, Ticket};
use super::subscriptions::Subscriptions;
use super::{Ack, Message, Owed, Properties, Qos, Received, ended, explain};
use crate::error::{Error, Kind, Result};

/// Filters in one SUBSCRIBE packet.
const FILTERS: usize = 64;
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

/// A request about filters that the broker answered, or that came to nothing.
#[derive(Debug)]
pub struct Settled {
    request: u64,
    connection: u64,
    filters: Vec<String>,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Subscribed(Vec<SubscribeReasonCode>),
    Unsubscribed,
    Nothing,
}

/// The traffic of one client, over all of its connections.
#[derive(Debug)]
pub struct Traffic {
    mqtt: AsyncClient,
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
    subscriptions: Subscriptions,
    acks: mpsc::Sender<(u64, u16)>,
    pub flights: JoinSet<Flight>,
    pub settling: JoinSet<Settled>,
    pub held: Held,
}

impl Traffic {
    pub fn new(
        mqtt: AsyncClient,
        persistent: bool,
        filters: Vec<String>,
        acks: mpsc::Sender<(u64, u16)>,
    ) -> Self {
        Self {
            mqtt,
            persistent,
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
            held: Held::default(),
        }
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
        let requests = self.subscriptions.at_connection(connack.session_present);
        if !requests.unsubscribe.is_empty() {
            self.send_unsubscribe(requests.unsubscribe);
        }
        self.starting.clear();
        for some in requests.subscribe.chunks(FILTERS) {
            if let Some(request) = self.send_subscribe(some.to_vec()) {
                self.starting.insert(request);
            }
        }
        if self.starting.is_empty() {
            self.held.connected(self.session_present);
        }
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
        while self.up
            && let Some(first) = self.sending.first(usize::from(FLYING_MAX))
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
            match self
                .mqtt
                .try_publish_tracked(topic, packet.payload, options)
            {
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
            payload: detached(packet.payload),
            retain: packet.retain,
            dup: packet.dup,
            properties: Properties {
                response_topic: p.response_topic,
                correlation: p.correlation_data.map(detached),
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
            if let Err(e) = self.mqtt.try_manual_ack(ack) {
                debug!("An MQTT acknowledgement was not sent: {e}.");
            }
        }
    }

    /// Further filters.
    pub fn subscribe(&mut self, filters: Vec<String>, reply: Reply) {
        if let Err(e) = check_filters(&filters) {
            let _ = reply.send(Err(e));
            return;
        }
        self.subscriptions.add(&filters);
        if !self.up || filters.is_empty() {
            self.subscriptions.changed_unheard();
            let _ = reply.send(Ok(()));
            return;
        }
        let mut last = None;
        for some in filters.chunks(FILTERS) {
            last = self.send_subscribe(some.to_vec());
        }
        self.answer_later(last, reply);
    }

    /// Fewer filters.
    pub fn unsubscribe(&mut self, filters: Vec<String>, reply: Reply) {
        self.subscriptions.remove(&filters);
        if !self.up || filters.is_empty() {
            let _ = reply.send(Ok(()));
            return;
        }
        let request = self.send_unsubscribe(filters);
        self.answer_later(request, reply);
    }

    fn answer_later(&mut self, request: Option<u64>, reply: Reply) {
        match request {
            Some(request) => {
                self.askers.insert(request, reply);
            }
            None => {
                let _ = reply.send(Ok(()));
            }
        }
    }

    fn send_subscribe(&mut self, filters: Vec<String>) -> Option<u64> {
        let wanted = filters.iter().map(|f| SubscribeFilter {
            // So that a command that is published to be kept is known for one at once, not only the second time.
            preserve_retain: true,
            ..SubscribeFilter::new(f.as_str(), QoS::AtLeastOnce)
        });
        match self.mqtt.try_subscribe_many_tracked(wanted) {
            Ok(notice) => Some(self.settle(filters, async move {
                match notice.wait_async().await {
                    Ok(ack) => Outcome::Subscribed(ack.return_codes),
                    Err(_) => Outcome::Nothing,
                }
            })),
            Err(e) => {
                self.subscriptions.changed_unheard();
                warn!("MQTT subscriptions were not sent: {e}.");
                None
            }
        }
    }

    fn send_unsubscribe(&mut self, filters: Vec<String>) -> Option<u64> {
        let topics = filters.iter().map(String::as_str);
        match self.mqtt.try_unsubscribe_many_tracked(topics) {
            Ok(notice) => Some(self.settle(filters, async move {
                match notice.wait_async().await {
                    Ok(_) => Outcome::Unsubscribed,
                    Err(_) => Outcome::Nothing,
                }
            })),
            Err(e) => {
                debug!("MQTT subscriptions were not ended: {e}.");
                None
            }
        }
    }

    fn settle(
        &mut self,
        filters: Vec<String>,
        outcome: impl Future<Output = Outcome> + Send + 'static,
    ) -> u64 {
        self.subscriptions.asked();
        self.requests += 1;
        let (request, connection) = (self.requests, self.connection);
        self.settling.spawn(async move {
            Settled {
                request,
                connection,
                filters,
                outcome: outcome.await,
            }
        });
        request
    }

    /// The broker answered about filters.
    pub fn settled(&mut self, settled: Settled) {
        let answer = match &settled.outcome {
            Outcome::Subscribed(codes) => refusals(&settled.filters, codes),
            Outcome::Unsubscribed | Outcome::Nothing => Ok(()),
        };
        if let Some(asker) = self.askers.remove(&settled.request) {
            let _ = asker.send(answer);
        }
        if !self.up || settled.connection != self.connection {
            return;
        }
        match settled.outcome {
            Outcome::Unsubscribed => self.subscriptions.unsubscribed(&settled.filters),
            Outcome::Subscribed(_) => {
                let of_start = self.starting.remove(&settled.request);
                let all = of_start && self.starting.is_empty();
                self.subscriptions.subscribed(all);
                if all {
                    self.held.connected(self.session_present);
                }
            }
            Outcome::Nothing => {}
        }
    }

    /// A question that the broker must answer and that changes nothing: rumqttc pings only when nothing goes out, and
    /// telemetry with QoS 0 goes out for ever into a connection that is dead.
    pub fn probe(&self) {
        let _ = self.mqtt.try_unsubscribe(NOTHING);
    }

    /// Says goodbye, so that the will is not sent.
    pub fn goodbye(&self) {
        let _ = self.mqtt.try_disconnect_now();
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

/// Whether these can be filters.
///
/// # Errors
/// `Refused`, naming the first that cannot.
pub fn check_filters(filters: &[String]) -> Result<()> {
    let bad = filters
        .iter()
        .find(|f| ValidatedTopicFilter::new(f.as_str()).is_err());
    match bad {
        Some(filter) => Err(Error::new(
            Kind::Refused,
            format!("{filter} is not a filter of MQTT topics."),
        )),
        None => Ok(()),
    }
}

/// Whether the broker took all of them; each that it refused is logged.
fn refusals(filters: &[String], codes: &[SubscribeReasonCode]) -> Result<()> {
    let mut answer = Ok(());
    for (filter, code) in filters.iter().zip(codes) {
        if let Some(why) = explain::subscription(*code) {
            warn!("The MQTT broker does not let this client subscribe {filter}: {why}.");
            let text = format!("The MQTT broker refuses the subscription of {filter}: {why}.");
            answer = Err(Error::new(Kind::Refused, text));
        }
    }
    answer
}

/// A copy of its own: a small part of a large read buffer would keep all of it.
fn detached(bytes: Bytes) -> Bytes {
    Bytes::copy_from_slice(&bytes)
}

fn no_connection() -> Error {
    Error::new(Kind::Network, "There is no connection to the MQTT broker.")
}
