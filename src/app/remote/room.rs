//! What happens in the room goes out with QoS 0: whoever wants all of it asks the box.

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::ending;
use crate::edge::mqtt::client::{Client, Link, Message, Properties, Qos};
use crate::edge::mqtt::room::RoomEvent;
use crate::edge::mqtt::topics::RoomTopics;

/// Sends facts until the end, or until there are no more. Without a connection they are left out: old news is none.
pub async fn run(
    client: Client,
    topics: RoomTopics,
    mut facts: mpsc::Receiver<RoomEvent>,
    mut stop: watch::Receiver<bool>,
) {
    let link = client.link();
    loop {
        let fact = tokio::select! {
            biased;
            () = ending(&mut stop) => return,
            fact = facts.recv() => fact,
        };
        let Some(fact) = fact else {
            return;
        };
        if *link.borrow() != Link::Up {
            continue;
        }
        let Ok(payload) = serde_json::to_vec(&fact) else {
            continue;
        };
        let message = Message {
            topic: topics.event(fact.kind),
            payload: Bytes::from(payload),
            qos: Qos::AtMostOnce,
            retain: false,
            properties: Properties {
                content_type: Some("application/json".into()),
                ..Properties::default()
            },
        };
        let sent = tokio::select! {
            biased;
            () = ending(&mut stop) => return,
            sent = client.publish(message) => sent,
        };
        if let Err(e) = sent {
            tracing::debug!("a fact of the room is not told: {}", e.report());
        }
    }
}
