//! Subscriptions of a client, on its connection.

use rumqttc::{QoS, SubscribeFilter, SubscribeReasonCode, ValidatedTopicFilter};
use tracing::{debug, warn};

use super::{Reply, Traffic};
use crate::edge::mqtt::client::explain;
use crate::error::{Error, Kind, Result};

/// Filters in one SUBSCRIBE packet.
const FILTERS: usize = 64;

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

impl Traffic {
    /// Asks for all that a new connection needs.
    pub(super) fn begin(&mut self) {
        let requests = self.subscriptions.at_connection(self.session_present);
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
    }

    /// Further filters.
    pub fn subscribe(&mut self, filters: &[String], reply: Reply) {
        if let Err(e) = check_filters(filters) {
            let _ = reply.send(Err(e));
            return;
        }
        self.subscriptions.add(filters);
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
        match self.mqtt.as_ref()?.try_subscribe_many_tracked(wanted) {
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
        match self.mqtt.as_ref()?.try_unsubscribe_many_tracked(topics) {
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
    pub fn settled(&mut self, settled: &Settled) {
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
        match &settled.outcome {
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
