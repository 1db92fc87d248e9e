//! Makes a history: a box that is killed again and again, and an operator who commands it all the while.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use boothcast::edge::mqtt::client::{Client, ClientOptions, Happening, Message, Properties, Qos};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::super::client::kit;
use super::checker::{History, REGISTERS, Register, Write};
use crate::support::broker::Broker;
use crate::support::the_box::{Options, TheBox};

/// Kills of a seed.
const KILLS: u64 = 2;
/// Longest life of the box before a kill: a start takes about half of it.
const LIFE_MS: u64 = 1600;
/// Within this everything is answered at the end.
const SETTLE: Duration = Duration::from_secs(60);

/// What there was.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    pub ok: u64,
    pub interrupted: u64,
    pub refused: u64,
    pub repeated: u64,
    pub kills: u64,
    pub reported: u64,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.ok += other.ok;
        self.interrupted += other.interrupted;
        self.refused += other.refused;
        self.repeated += other.repeated;
        self.kills += other.kills;
        self.reported += other.reported;
    }
}

impl History {
    pub fn count(&self) -> Count {
        let first = |w: &Write| w.answers.first().cloned().unwrap_or_default();
        let how_many =
            |f: &dyn Fn(&Value) -> bool| self.writes.iter().filter(|w| f(&first(w))).count() as u64;
        Count {
            ok: how_many(&|a| a["ok"] == true),
            interrupted: how_many(&|a| a["error"]["code"] == "interrupted"),
            refused: how_many(&|a| a["ok"] == false && a["error"]["code"] != "interrupted"),
            repeated: self.writes.iter().filter(|w| w.answers.len() > 1).count() as u64,
            kills: self.kills,
            reported: self.reported.len() as u64,
        }
    }
}

/// One seed.
pub fn run(seed: u64, broker: &Broker) -> History {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut driver = Driver::new(seed, broker).await;
        for _ in 0..KILLS {
            driver.live_and_die().await;
        }
        driver.settle().await;
        driver.history
    })
}

struct Driver {
    rng: SmallRng,
    base: String,
    config: String,
    client: Client,
    happenings: mpsc::Receiver<Happening>,
    the_box: Option<TheBox>,
    history: History,
    next: u64,
    /// The values at the end are there.
    read: bool,
}

impl Driver {
    async fn new(seed: u64, broker: &Broker) -> Self {
        let id = format!("s{seed}");
        let base = format!("boothcast/v1/history/box/{id}");
        let options = ClientOptions {
            session_expiry: Duration::ZERO,
            ..kit::options(broker, &format!("operator-{seed}"))
        };
        let filters = vec![format!("{base}/rsp/#"), format!("{base}/reported")];
        let runtime = tokio::runtime::Handle::current();
        let (client, mut happenings) = Client::start(options, filters, &runtime).unwrap();
        let first = tokio::time::timeout(Duration::from_secs(20), happenings.recv()).await;
        assert!(
            matches!(first, Ok(Some(Happening::Connected { .. }))),
            "{first:?}"
        );
        let config = format!(
            "[mqtt]\nbroker = \"{}\"\nfleet = \"history\"\nid = \"{id}\"\nrate_per_s = 1000\nrate_burst = 1000\n\
             [video]\nsource = \"test\"\n[audio]\nsource = \"none\"\n\
             [encode]\nprofile = \"custom\"\nwidth = 160\nheight = 120\nfps = 5\nbitrate = 100000\n[adaptive]\nenabled = false\n",
            broker.url()
        );
        Self {
            rng: SmallRng::seed_from_u64(seed),
            base,
            config,
            client,
            happenings,
            the_box: None,
            history: History::default(),
            next: seed * 10_000,
            read: false,
        }
    }

    fn start(&mut self) {
        let dir = self.the_box.take().map(|it| {
            let log = it.stderr();
            let TheBox { process, dir, .. } = it;
            // Kills it, where it still runs.
            drop(process);
            self.history.ran.extend(log.lines().filter_map(ran));
            dir
        });
        self.the_box = Some(TheBox::spawn(Options {
            config: &self.config,
            rtsp: "enabled = false",
            dir,
            ..Options::default()
        }));
    }

    /// A life of random length in which commands are sent at random moments, mostly right before its end.
    async fn live_and_die(&mut self) {
        self.start();
        let life = Duration::from_millis(self.rng.random_range(100..LIFE_MS));
        let end = Instant::now() + life;
        let crowd = self.rng.random_range(1..4_u32);
        while Instant::now() < end {
            for _ in 0..crowd {
                self.command().await;
            }
            if self.rng.random_ratio(1, 4) {
                self.again().await;
            }
            if self.rng.random_ratio(1, 8) {
                self.desire().await;
            }
            let pause = Duration::from_millis(self.rng.random_range(5..120));
            self.listen(pause.min(end.saturating_duration_since(Instant::now())))
                .await;
        }
        // SIGKILL, in the middle of whatever it is at.
        let the_box = self.the_box.as_ref().unwrap();
        the_box.process.signal(libc::SIGKILL);
        self.history.kills += 1;
        self.listen(Duration::from_millis(20)).await;
    }

    /// A new write.
    async fn command(&mut self) {
        self.next += 1;
        let register = REGISTERS[self.rng.random_range(0..REGISTERS.len())];
        let write = Write {
            id: format!("w{}", self.next),
            register,
            value: 100_000 + self.next,
            answers: Vec::new(),
        };
        self.send(&write).await;
        self.history.writes.push(write);
    }

    /// One of the last writes once more, with the same id, as an operator does who heard nothing.
    async fn again(&mut self) {
        let count = self.history.writes.len();
        if count == 0 {
            return;
        }
        let index = self.rng.random_range(count.saturating_sub(6)..count);
        let write = self.history.writes[index].clone();
        self.send(&write).await;
    }

    async fn desire(&mut self) {
        self.history.desired += 1;
        let version = self.history.desired;
        let settings = json!({"groups": [format!("g{version}")]});
        let payload = json!({"version": version, "settings": settings});
        self.publish("desired", &payload, true).await;
    }

    async fn send(&self, write: &Write) {
        let (name, args) = match write.register {
            Register::Bitrate => ("bitrate/set", json!({"bitrate": write.value})),
            Register::Banner => ("overlay/text", json!({"text": format!("n{}", write.value)})),
            Register::Ceiling => (
                "destination/set",
                json!({"destination": "a", "url": "rtmp://127.0.0.1:9/live", "key": "k", "enabled": false,
                       "max_bitrate": write.value}),
            ),
        };
        let payload = json!({"id": write.id, "args": args});
        self.publish(&format!("cmd/{name}"), &payload, false).await;
    }

    async fn publish(&self, leaf: &str, payload: &Value, retain: bool) {
        let message = Message {
            topic: format!("{}/{leaf}", self.base),
            payload: payload.to_string().into(),
            qos: Qos::AtLeastOnce,
            retain,
            properties: Properties::default(),
        };
        self.client.publish(message).await.unwrap();
    }

    /// Takes what comes, for so long.
    async fn listen(&mut self, time: Duration) {
        let end = tokio::time::Instant::now() + time;
        while let Ok(Some(happening)) = tokio::time::timeout_at(end, self.happenings.recv()).await {
            if let Happening::Received(message) = happening {
                let payload: Value = serde_json::from_slice(&message.payload).unwrap();
                message.ack.done();
                self.note(message.topic.strip_prefix(&self.base).unwrap(), payload);
            }
        }
    }

    fn note(&mut self, leaf: &str, payload: Value) {
        if leaf == "/reported" {
            let number = |key: &str| payload[key].as_u64().unwrap();
            self.history
                .reported
                .push((number("version"), number("revision")));
            return;
        }
        let id = payload["id"].as_str();
        if id == Some("read") {
            self.history.read = read(&payload["data"]);
            self.read = true;
        } else if let Some(write) = self
            .history
            .writes
            .iter_mut()
            .find(|w| Some(w.id.as_str()) == id)
        {
            write.answers.push(payload);
        }
    }

    /// The box lives; whoever was not answered asks again; then its values are read.
    async fn settle(&mut self) {
        self.start();
        let end = Instant::now() + SETTLE;
        loop {
            let open: Vec<Write> = self
                .history
                .writes
                .iter()
                .filter(|w| w.answers.is_empty())
                .cloned()
                .collect();
            let version = self.history.reported.last().map_or(0, |r| r.0);
            if (open.is_empty() && version == self.history.desired) || Instant::now() > end {
                break;
            }
            let the_box = self.the_box.as_mut().unwrap();
            if let Some(status) = the_box.process.0.try_wait().unwrap() {
                panic!("the box ended, {status}: {}", the_box.stderr());
            }
            for write in &open {
                self.send(write).await;
            }
            self.listen(Duration::from_millis(700)).await;
        }
        while !self.read && Instant::now() < end + SETTLE {
            self.publish("cmd/status", &json!({"id": "read"}), false)
                .await;
            self.listen(Duration::from_millis(300)).await;
        }
        let it = self.the_box.take().unwrap();
        self.history.ran.extend(it.stderr().lines().filter_map(ran));
        self.client.stop(Duration::from_secs(2)).await;
    }
}

/// What a line of the box's log says ran.
fn ran(line: &str) -> Option<(Register, u64)> {
    let (_, command) = line.split_once("origin=Mqtt command=")?;
    let (command, _) = command.split_once(" answer=")?;
    let command: Value = serde_json::from_str(command).ok()?;
    let args = &command["args"];
    match command["name"].as_str()? {
        "bitrate-set" => Some((Register::Bitrate, args["bitrate"].as_u64()?)),
        "overlay-text" => Some((Register::Banner, number_of(args["text"].as_str()?)?)),
        "destination-set" => Some((Register::Ceiling, args["max_bitrate"].as_u64()?)),
        _ => None,
    }
}

/// A banner's text is `n` and its value.
fn number_of(text: &str) -> Option<u64> {
    text.strip_prefix('n')?.parse().ok()
}

/// The registers in a whole status.
fn read(status: &Value) -> BTreeMap<Register, u64> {
    let mut read = BTreeMap::new();
    // What was never written is at its default and does not count.
    if let Some(bitrate) = status["bitrate"]["wanted"]
        .as_u64()
        .filter(|b| *b != 100_000)
    {
        read.insert(Register::Bitrate, bitrate);
    }
    let banner = status["stage"]["banner"].as_str();
    if let Some(value) = banner.and_then(number_of) {
        read.insert(Register::Banner, value);
    }
    let destinations = status["destinations"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    if let Some(value) = destinations.iter().find_map(|d| d["max_bitrate"].as_u64()) {
        read.insert(Register::Ceiling, value);
    }
    assert!(status["generation"].is_u64(), "no status: {status}");
    read
}
