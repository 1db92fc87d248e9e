//! Boxes that are played: a peer at the broker that keeps and answers what boxes do, through a client of its own. Only so can
//! hundreds be had at once, and boxes that get worse.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use boothcast::edge::mqtt::client::{Client, Happening};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::mqtt::client::kit::{Life, Peer, message, options};
use crate::support::broker::Broker;

/// What a box reports of settings: errors, the severity of its health, whether it encodes. `None`: it says nothing at all.
pub type Manner = fn(id: &str, settings: &Value) -> Option<(Value, &'static str, bool)>;

/// Takes everything well.
pub fn well(_: &str, _: &Value) -> Option<(Value, &'static str, bool)> {
    Some((json!([]), "ok", true))
}

/// What was written for a box: version and settings.
pub type Writes = BTreeMap<String, Vec<(u64, Value)>>;

pub struct Fakes {
    pub writes: Arc<Mutex<Writes>>,
    client: Client,
    on_the_way: Mutex<JoinSet<()>>,
    runtime: tokio::runtime::Runtime,
    _life: Life,
}

pub fn topic(id: &str, leaf: &str) -> String {
    format!("boothcast/v1/shop/box/{id}/{leaf}")
}

fn status(severity: &str, encodes: bool) -> Value {
    json!({"name": "Played", "live": true, "health": {"severity": severity, "sentence": format!("It is {severity}.")},
        "profile": "720p30", "bitrate": 2_500_000, "encoder": encodes.then_some("x264enc"), "temperature_c": 40,
        "groups": ["hall"], "version": "0.1.0", "camera": "up", "mic": "up", "readers": 0, "destinations": {}})
}

impl Fakes {
    /// These boxes, online and well, with `bitrate` 2,500,000 in force.
    pub fn start(broker: &Broker, ids: &[String], manner: Manner) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut peer = Peer::start(
            options(broker, "fakes"),
            &["boothcast/v1/shop/box/+/desired"],
        );
        runtime.block_on(peer.connected());
        let (client, mut happenings, life) = peer.into_parts();
        let writes = Arc::new(Mutex::new(Writes::new()));
        let fakes = Self {
            writes: Arc::clone(&writes),
            client: client.clone(),
            on_the_way: Mutex::default(),
            runtime,
            _life: life,
        };
        for id in ids {
            fakes.keep(id, "conn", &json!({"state": "online", "session": 1}));
        }
        for id in ids {
            fakes.keep(id, "status", &status("ok", true));
        }
        for id in ids {
            let settings = json!({"bitrate": 2_500_000, "groups": ["hall"]});
            fakes.keep(id, "reported", &json!({"version": 4, "revision": 1, "settings": settings, "errors": [], "trial": false, "rolled_back": null}));
        }
        fakes.flush();
        let answering = client;
        fakes.runtime.spawn(async move {
            while let Some(happening) = happenings.recv().await {
                let Happening::Received(received) = happening else {
                    continue;
                };
                let id = received.topic.split('/').nth(4).unwrap().to_owned();
                let desired: Value = serde_json::from_slice(&received.payload).unwrap();
                received.ack.done();
                let (version, settings) = (desired["version"].as_u64().unwrap(), desired["settings"].clone());
                let said = manner(&id, &settings);
                writes.lock().unwrap().entry(id.clone()).or_default().push((version, settings.clone()));
                let Some((errors, severity, encodes)) = said else {
                    continue;
                };
                let reported = json!({"version": version, "revision": version, "settings": settings, "errors": errors, "trial": true, "rolled_back": null});
                for (leaf, payload) in [("status", status(severity, encodes)), ("reported", reported)] {
                    let mut message = message(&topic(&id, leaf), &payload.to_string());
                    message.retain = true;
                    // Not waited for: the next box must not wait, and the client keeps the order.
                    let client = answering.clone();
                    tokio::spawn(async move { client.publish(message).await });
                }
            }
        });
        fakes
    }

    /// Publishes something retained, without waiting.
    pub fn keep(&self, id: &str, leaf: &str, payload: &Value) {
        let mut message = message(&topic(id, leaf), &payload.to_string());
        message.retain = true;
        let client = self.client.clone();
        let publish = async move { client.publish(message).await.unwrap() };
        let mut on_the_way = self.on_the_way.lock().unwrap();
        on_the_way.spawn_on(publish, self.runtime.handle());
    }

    /// Until the broker has all that was published before.
    pub fn flush(&self) {
        let all = std::mem::take(&mut *self.on_the_way.lock().unwrap());
        self.runtime.block_on(all.join_all());
    }

    /// The boxes that were written to, with what was written.
    pub fn written(&self) -> Writes {
        self.writes.lock().unwrap().clone()
    }
}
