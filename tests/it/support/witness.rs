//! mosquitto_sub as a witness of everything that goes through a broker.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::broker::Broker;
use super::{Guard, wait_for};

/// What was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub topic: String,
    pub payload: Vec<u8>,
    /// The broker had it already when we came.
    pub retained: bool,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload)
            .unwrap_or_else(|e| panic!("{}: {e}: {:?}", self.topic, self.payload))
    }
}

pub struct Witness {
    dir: tempfile::TempDir,
    _process: Guard,
}

impl Witness {
    /// Subscribes to everything, and waits until the broker tells it.
    pub fn of(broker: &Broker) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let out = File::create(dir.path().join("out")).unwrap();
        let mut command = Command::new("mosquitto_sub");
        command
            .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
            .args(["-q", "1", "-t", "#", "-F", "%r %t %x"])
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(Stdio::null());
        let it = Self {
            dir,
            _process: Guard::spawn(&mut command),
        };
        wait_for("the witness", Duration::from_secs(20), || {
            publish(broker, "witness/is/there", "1");
            it.all("witness/").pop()
        });
        it
    }

    /// Everything under topics that begin so, in order.
    pub fn all(&self, prefix: &str) -> Vec<Seen> {
        let text = fs::read_to_string(self.dir.path().join("out")).unwrap();
        let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
        whole
            .lines()
            .map(seen)
            .filter(|s| s.topic.starts_with(prefix))
            .collect()
    }

    /// The last message on a topic.
    pub fn last(&self, topic: &str) -> Option<Seen> {
        self.all(topic).into_iter().rfind(|s| s.topic == topic)
    }

    /// Waits until the last message on a topic is as it should be.
    pub fn wait(&self, topic: &str, limit: Duration, is: impl Fn(&Value) -> bool) -> Value {
        wait_for(topic, limit, || {
            let seen = self.last(topic).filter(|s| !s.payload.is_empty())?;
            Some(seen.json()).filter(|v| is(v))
        })
    }
}

fn seen(line: &str) -> Seen {
    let mut words = line.splitn(3, ' ');
    let mut next = || words.next().unwrap();
    let (retained, topic, hex) = (next() == "1", next().to_owned(), next());
    let byte = |n: usize| u8::from_str_radix(&hex[n..n + 2], 16).unwrap();
    Seen {
        topic,
        payload: (0..hex.len()).step_by(2).map(byte).collect(),
        retained,
    }
}

/// A message by mosquitto_pub.
pub fn publish(broker: &Broker, topic: &str, payload: &str) {
    let status = Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
        .args(["-q", "1", "-t", topic, "-m", payload])
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{topic}");
}
