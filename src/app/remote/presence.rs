//! `conn`: whether the box is there. Said at each connection; by the broker, when the box is gone without a word.

use serde_json::json;
use tokio::sync::watch;

use crate::edge::mqtt::client::{Client, Message, Properties, Qos};
use crate::edge::mqtt::topics::BoxTopics;

/// Says that the box is online.
pub struct Presence {
    client: Client,
    online: Message,
    desired: String,
}

impl Presence {
    pub fn new(client: Client, topics: &BoxTopics, session: u64) -> Self {
        Self {
            client,
            online: message(topics, "online", session),
            desired: topics.own("desired"),
        }
    }

    /// Until `stop`, or nobody connects any more. `connects` rises with each connection.
    pub async fn run(self, mut connects: watch::Receiver<u64>, mut stop: watch::Receiver<bool>) {
        let all = async {
            let mut first = true;
            while connects.changed().await.is_ok() {
                let online = self.client.publish(self.online.clone());
                if let Err(e) = online.await {
                    tracing::warn!("the box cannot say that it is online: {}", e.report());
                }
                if std::mem::take(&mut first) {
                    // A broker that kept the session would not say again what it holds, and this may be a box that
                    // was reset meanwhile.
                    let again = self.client.subscribe(vec![self.desired.clone()]);
                    if let Err(e) = again.await {
                        tracing::warn!("desired settings are not heard: {}", e.report());
                    }
                }
            }
        };
        tokio::select! {
            _ = stop.wait_for(|s| *s) => {}
            () = all => {}
        }
    }
}

/// What the broker says when the box is gone.
pub fn will(topics: &BoxTopics, session: u64) -> Message {
    message(topics, "offline", session)
}

/// `session` tells a late word of an earlier life from one of this life.
pub fn message(topics: &BoxTopics, state: &str, session: u64) -> Message {
    Message {
        topic: topics.own("conn"),
        payload: json!({"state": state, "session": session})
            .to_string()
            .into(),
        qos: Qos::AtLeastOnce,
        retain: true,
        properties: Properties {
            content_type: Some("application/json".into()),
            ..Properties::default()
        },
    }
}
