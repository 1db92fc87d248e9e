//! mosquitto_sub as a witness, and mosquitto_pub as a sender.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::LONG;
use crate::support::broker::Broker;
use crate::support::the_box::run_to_end;
use crate::support::{Guard, wait_for};

/// One message as mosquitto_sub saw it.
#[derive(Debug, Clone)]
pub struct Heard {
    pub topic: String,
    /// JSON, or a text where it is none.
    pub payload: Value,
    pub properties: Value,
}

/// Everything on some topics, from now on.
pub struct Ears {
    dir: tempfile::TempDir,
    _process: Guard,
}

impl Ears {
    pub fn open(broker: &Broker, filters: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("mosquitto_sub");
        command
            .args(["-V", "5", "-h", "127.0.0.1", "-q", "1", "-F", "%j", "-p"])
            .arg(broker.port.to_string())
            .args(filters.iter().flat_map(|f| ["-t", f]))
            .stdin(Stdio::null())
            .stdout(File::create(dir.path().join("heard")).unwrap())
            .stderr(Stdio::null());
        let ears = Self {
            _process: Guard::spawn(&mut command),
            dir,
        };
        // It says nothing when it listens, so it is told something until it hears it.
        wait_for("mosquitto_sub", LONG, || {
            publish(broker, "boothcast/ready", b"\"ready\"", &[]);
            std::thread::sleep(Duration::from_millis(20));
            ears.all()
                .iter()
                .any(|h| h.topic == "boothcast/ready")
                .then_some(())
        });
        ears
    }

    fn all(&self) -> Vec<Heard> {
        let bytes = fs::read(self.dir.path().join("heard")).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole
            .lines()
            .filter_map(|line| {
                let mut message: Value = serde_json::from_str(line).ok()?;
                let payload = message["payload"].take();
                let payload = match payload.as_str() {
                    Some(text) => serde_json::from_str(text).unwrap_or(payload.clone()),
                    None => payload,
                };
                Some(Heard {
                    topic: message["topic"].as_str()?.to_owned(),
                    payload,
                    properties: message["properties"].take(),
                })
            })
            .collect()
    }

    /// Topics of all messages, in order.
    pub fn topics(&self) -> Vec<String> {
        self.all().into_iter().map(|h| h.topic).collect()
    }

    /// Payloads on a topic of which this holds.
    pub fn with(&self, topic: &str, holds: impl Fn(&Value) -> bool) -> Vec<Value> {
        let all = self.all().into_iter();
        all.filter(|h| h.topic == topic && holds(&h.payload))
            .map(|h| h.payload)
            .collect()
    }

    /// The n-th message on a topic of which this holds.
    pub fn wait_message(&self, topic: &str, n: usize, holds: impl Fn(&Value) -> bool) -> Heard {
        let end = std::time::Instant::now() + LONG;
        loop {
            let all = self.all();
            let found = all
                .iter()
                .filter(|h| h.topic == topic && holds(&h.payload))
                .nth(n - 1);
            if let Some(found) = found {
                return found.clone();
            }
            assert!(
                std::time::Instant::now() < end,
                "waited in vain for {topic}: {all:#?}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its payload.
    pub fn wait_for(&self, topic: &str, n: usize, holds: impl Fn(&Value) -> bool) -> Value {
        self.wait_message(topic, n, holds).payload
    }
}

/// mosquitto_pub, QoS 1 unless `more` says otherwise. With `-l` in `more` each line is a message.
pub fn publish(broker: &Broker, topic: &str, payload: &[u8], more: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("payload");
    fs::write(&file, payload).unwrap();
    let mut command = Command::new("mosquitto_pub");
    command
        .args(["-h", "127.0.0.1", "-p"])
        .arg(broker.port.to_string())
        .args(["-t", topic]);
    if !more.contains(&"-q") {
        command.args(["-q", "1"]);
    }
    command.args(more);
    if more.contains(&"-l") {
        command
            .stdin(File::open(&file).unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = Guard::spawn(&mut command).wait(LONG);
        assert!(
            status.is_some_and(|s| s.success()),
            "{command:?}: {status:?}"
        );
        return;
    }
    if payload.is_empty() {
        command.arg("-n");
    } else {
        command.arg("-f").arg(&file);
    }
    let (code, _, err) = run_to_end(&mut command, LONG);
    assert_eq!(code, Some(0), "{command:?}: {err}");
}
