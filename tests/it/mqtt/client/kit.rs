//! What the tests of the client share.

use std::process::{Command, Stdio};
use std::time::Duration;

use boothcast::edge::mqtt::client::{
    Client, ClientOptions, Happening, MAX_INCOMING, Message, Properties, Qos, Received, Reconnect,
    Timing,
};
use boothcast::error::Result;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::support::Guard;
use crate::support::broker::Broker;

/// Nothing here takes so long, not even on a loaded machine.
pub const LONG: Duration = Duration::from_secs(40);

/// Options that try again at once, with a session of one minute.
pub fn options(broker: &Broker, id: &str) -> ClientOptions {
    ClientOptions {
        broker: broker.url().parse().unwrap(),
        client_id: id.into(),
        user: String::new(),
        password: None,
        tls_ca: Default::default(),
        tls_cert: Default::default(),
        tls_key: Default::default(),
        session_expiry: Duration::from_secs(60),
        will: None,
        reconnect: Reconnect {
            start: Duration::ZERO,
            first: Duration::from_millis(100),
            cap: Duration::from_millis(400),
            stable: Duration::from_secs(60),
        },
        max_incoming: MAX_INCOMING,
    }
}

pub fn message(topic: &str, payload: &str) -> Message {
    Message {
        topic: topic.into(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        qos: Qos::AtLeastOnce,
        retain: false,
        properties: Properties::default(),
    }
}

/// A client on a runtime of its own, so that it can vanish as a killed process does.
pub struct Peer {
    pub client: Client,
    pub happenings: mpsc::Receiver<Happening>,
    runtime: Life,
}

/// A runtime that ends at once when it is dropped.
pub struct Life(Option<tokio::runtime::Runtime>);

impl Drop for Life {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Peer {
    pub fn start(options: ClientOptions, filters: &[&str]) -> Self {
        Self::timed(options, filters, Timing::default())
    }

    pub fn timed(options: ClientOptions, filters: &[&str], timing: Timing) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let filters = filters.iter().map(|f| (*f).to_owned()).collect();
        let (client, happenings) =
            Client::start_timed(options, filters, timing, runtime.handle()).unwrap();
        Self {
            client,
            happenings,
            runtime: Life(Some(runtime)),
        }
    }

    pub async fn next(&mut self) -> Happening {
        tokio::time::timeout(LONG, self.happenings.recv())
            .await
            .expect("nothing happens")
            .expect("the client has ended")
    }

    /// Waits for the next connection; says whether the broker knew the session.
    pub async fn connected(&mut self) -> bool {
        loop {
            if let Happening::Connected { session_present } = self.next().await {
                return session_present;
            }
        }
    }

    /// Waits for the next loss; gives the reason.
    pub async fn lost(&mut self) -> String {
        loop {
            if let Happening::Lost { reason } = self.next().await {
                return reason;
            }
        }
    }

    /// Waits for the next message.
    pub async fn received(&mut self) -> Received {
        loop {
            if let Happening::Received(message) = self.next().await {
                return message;
            }
        }
    }

    /// Whether nothing comes for a while.
    pub async fn is_quiet(&mut self, during: Duration) -> bool {
        tokio::time::timeout(during, self.happenings.recv())
            .await
            .is_err()
    }

    /// Publishes without waiting.
    pub fn publish_later(&self, message: Message) -> JoinHandle<Result<()>> {
        let client = self.client.clone();
        tokio::spawn(async move { client.publish(message).await })
    }

    /// Ends as by SIGKILL: sockets closed, nothing said.
    pub fn vanish(mut self) {
        if let Some(runtime) = self.runtime.0.take() {
            // Its threads are gone before the last handle is, which would say goodbye.
            let end = std::thread::spawn(move || runtime.shutdown_timeout(LONG));
            end.join().unwrap();
        }
    }

    /// The parts; the client's task runs as long as the last of them is kept.
    pub fn into_parts(self) -> (Client, mpsc::Receiver<Happening>, Life) {
        (self.client, self.happenings, self.runtime)
    }
}

/// mosquitto_sub; it has subscribed when this returns.
pub fn subscribe_with(broker: &Broker, arguments: &[&str]) -> Subscriber {
    let before = broker.log().matches("Sending SUBACK").count();
    let process = Guard::spawn(
        Command::new("mosquitto_sub")
            .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit()),
    );
    crate::support::wait_for("mosquitto_sub", LONG, || {
        (broker.log().matches("Sending SUBACK").count() > before).then_some(())
    });
    Subscriber(process)
}

pub struct Subscriber(Guard);

impl Subscriber {
    /// What it printed until it ended.
    pub fn lines(mut self) -> Vec<String> {
        assert!(self.0.wait(LONG).is_some(), "mosquitto_sub does not end");
        let out = self.0.0.stdout.take().unwrap();
        std::io::read_to_string(out)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }
}

/// mosquitto_pub, to its end.
pub fn publish_with(broker: &Broker, arguments: &[&str]) {
    let done = Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
        .args(arguments)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
}

/// The retained messages below `filter`, as `topic content`, sorted.
pub fn retained(broker: &Broker, filter: &str) -> Vec<String> {
    let out = Command::new("mosquitto_sub")
        .args(["-h", "127.0.0.1", "-p", &broker.port.to_string()])
        .args(["-t", filter, "-v", "--retained-only", "-W", "2"])
        .output()
        .unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}
