//! A fleet that loses its broker: `cargo bench --bench fleet_sim [-- BOXES]`, or `make fleet-sim`.
//!
//! 2,000 boxes with the product's own client, topics, payloads and intervals at one mosquitto over loopback, without TLS.
//! The broker is killed and comes back 2 s later without its sessions and retained messages. Goals: no second in which more
//! than 5 % of the fleet come back, all back within 130 s of the loss, and each box's retained messages there again.
//! Prints a Markdown table for `docs/benchmarks.md`; ends with 1 when a goal is missed.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::cast_precision_loss)]

mod broker;
mod words;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boothcast::config::FleetName;
use boothcast::edge::mqtt::client::{Client, ClientOptions, Happening, MAX_INCOMING, Reconnect};
use boothcast::edge::mqtt::topics::Fleet;
use tokio::sync::mpsc;

use broker::{Broker, cpu_seconds, raise_limit, resident_mib};
use words::{Words, will};

/// Telemetry of a box that does not stream (`mqtt.telemetry_idle_s`).
const TELEMETRY: Duration = Duration::from_secs(60);
/// `mqtt.reconnect_s`.
const RECONNECT: Duration = Duration::from_secs(30);
/// `mqtt.session_expiry_s` of a box.
const SESSION: Duration = Duration::from_secs(3600);
/// How long the broker is away.
const AWAY: Duration = Duration::from_secs(2);
/// All are back by then, after the loss.
const BACK: Duration = Duration::from_secs(130);
/// Share of the fleet that may come back in one second.
const PEAK: f64 = 0.05;
/// How long the fleet is watched while nothing happens.
const IDLE: Duration = Duration::from_secs(60);
/// After this the broker's figures of itself are new (`sys_interval`).
const SYS: Duration = Duration::from_secs(6);
/// Retained messages of a box.
const KEPT: f64 = 4.0;

/// What the simulation hears of a box.
enum Heard {
    /// It is connected, and all is subscribed.
    Connected(Instant),
    /// All that a box says after that is acknowledged.
    Greeted(Instant),
}

fn main() -> ExitCode {
    let boxes = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(2000);
    raise_limit();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let met = runtime.block_on(simulate(boxes));
    runtime.shutdown_timeout(Duration::from_secs(5));
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn simulate(boxes: usize) -> bool {
    let mut broker = Broker::start();
    let words = Arc::new(Words::new());
    println!("| bytes of content | {} |", words.sizes());
    let (heard, mut hears) = mpsc::channel(4 * boxes);
    let began = Instant::now();
    for n in 0..boxes {
        tokio::spawn(one_box(n, broker.port, Arc::clone(&words), heard.clone()));
    }
    let start = gather(&mut hears, boxes, began, Duration::from_secs(120)).await;
    start.print("start of the fleet", boxes);

    // The broker's figures of itself are up to 5 s old: those of the start are not to be in them.
    tokio::time::sleep(SYS).await;
    let (own, pid) = (std::process::id(), broker.pid());
    let cpu = (cpu_seconds(own), cpu_seconds(pid));
    let received = broker.tells("messages/received");
    let from = Instant::now();
    tokio::time::sleep(IDLE).await;
    let received = broker.tells("messages/received") - received;
    let seconds = from.elapsed().as_secs_f64();
    let share = |now: f64, then: f64| 100.0 * (now - then) / seconds;
    println!(
        "| idle fleet of {boxes}: messages into the broker | {:.1} a second |\n\
         | idle: CPU of mosquitto, of the simulator (all boxes), of one core | {:.1} %, {:.1} % |\n\
         | idle: resident memory of mosquitto, of the simulator | {:.1} MiB, {:.1} MiB |",
        received / seconds,
        share(cpu_seconds(pid), cpu.1),
        share(cpu_seconds(own), cpu.0),
        resident_mib(pid),
        resident_mib(own),
    );

    let lost = Instant::now();
    broker.kill();
    tokio::time::sleep(AWAY).await;
    broker.run();
    let cpu = cpu_seconds(broker.pid());
    let back = gather(&mut hears, boxes, lost, BACK + Duration::from_secs(60)).await;
    back.print("after the broker was killed and came back 2 s later", boxes);
    println!(
        "| CPU of mosquitto over the return | {:.2} s |",
        cpu_seconds(broker.pid()) - cpu
    );
    tokio::time::sleep(SYS).await;
    let kept = broker.tells("retained messages/count");
    let bytes = broker.tells("store/messages/bytes");
    println!(
        "| messages that the broker keeps, its own `$SYS` included; bytes of their content | {kept}; {bytes} |"
    );
    back.judge(boxes, kept)
}

/// One box, for ever.
async fn one_box(n: usize, port: u16, words: Arc<Words>, heard: mpsc::Sender<Heard>) {
    let fleet: FleetName = "shop".parse().unwrap();
    let id = format!("box-{n}").parse().unwrap();
    let topics = Fleet::new(&fleet).of(&id);
    let options = ClientOptions {
        broker: format!("mqtt://127.0.0.1:{port}").parse().unwrap(),
        client_id: format!("{fleet}-{id}"),
        user: String::new(),
        password: None,
        tls_ca: Default::default(),
        tls_cert: Default::default(),
        tls_key: Default::default(),
        session_expiry: SESSION,
        will: Some((will(&topics), Duration::from_secs(15))),
        reconnect: Reconnect::fleet(RECONNECT),
        max_incoming: MAX_INCOMING,
    };
    let handle = tokio::runtime::Handle::current();
    let (client, mut happenings) = Client::start(options, topics.filters(), &handle).unwrap();
    let mut minute = tokio::time::interval(TELEMETRY);
    loop {
        tokio::select! {
            happening = happenings.recv() => match happening {
                Some(Happening::Connected { .. }) => {
                    let _ = heard.send(Heard::Connected(Instant::now())).await;
                    minute.reset();
                    let (client, heard) = (client.clone(), heard.clone());
                    let greeting = words.greeting(&topics, &id, &fleet);
                    tokio::spawn(async move {
                        for message in greeting {
                            client.publish(message).await.unwrap();
                        }
                        let _ = heard.send(Heard::Greeted(Instant::now())).await;
                    });
                }
                Some(_) => {}
                None => return,
            },
            _ = minute.tick() => {
                for message in words.telemetry(&topics) {
                    // Telemetry without a connection is not sent.
                    let _ = client.publish(message).await;
                }
            }
        }
    }
}

/// When the boxes came.
struct Return {
    connected: Vec<Duration>,
    greeted: usize,
    last_greeted: Duration,
}

/// Waits until each of the boxes is connected and has said what it says, at most `limit` after `began`.
async fn gather(
    hears: &mut mpsc::Receiver<Heard>,
    boxes: usize,
    began: Instant,
    limit: Duration,
) -> Return {
    let mut seen = Return {
        connected: Vec::new(),
        greeted: 0,
        last_greeted: Duration::ZERO,
    };
    while seen.greeted < boxes {
        let left = limit.saturating_sub(began.elapsed());
        match tokio::time::timeout(left, hears.recv()).await {
            Ok(Some(Heard::Connected(at))) => seen.connected.push(at - began),
            Ok(Some(Heard::Greeted(at))) => {
                seen.greeted += 1;
                seen.last_greeted = at - began;
            }
            _ => break,
        }
    }
    seen.connected.sort();
    seen
}

impl Return {
    fn per_second(&self) -> Vec<usize> {
        let seconds = self
            .connected
            .last()
            .map_or(0, |d| d.as_secs() as usize + 1);
        let mut bins = vec![0; seconds];
        for at in &self.connected {
            bins[at.as_secs() as usize] += 1;
        }
        bins
    }

    fn peak(&self) -> usize {
        self.per_second().into_iter().max().unwrap_or(0)
    }

    /// The most in any window of a second, wherever it begins.
    fn sliding(&self) -> usize {
        let second = Duration::from_secs(1);
        let within = |at: &Duration| self.connected.partition_point(|d| *d < *at + second);
        let counts = self.connected.iter().enumerate();
        counts.map(|(n, at)| within(at) - n).max().unwrap_or(0)
    }

    fn print(&self, what: &str, boxes: usize) {
        let last = self.connected.last().copied().unwrap_or_default();
        let percent = |n: usize| 100.0 * n as f64 / boxes as f64;
        println!(
            "\n{what}: connected in each second {:?}\n",
            self.per_second()
        );
        println!(
            "| {what}: connected, the last after | {} of {boxes}, {:.1} s |\n\
             | all that they say acknowledged after | {:.1} s ({} boxes) |\n\
             | most in one second; in any window of a second | {} ({:.2} %); {} ({:.2} %) |",
            self.connected.len(),
            last.as_secs_f64(),
            self.last_greeted.as_secs_f64(),
            self.greeted,
            self.peak(),
            percent(self.peak()),
            self.sliding(),
            percent(self.sliding()),
        );
    }

    fn judge(&self, boxes: usize, kept: f64) -> bool {
        let last = self.connected.last().copied().unwrap_or_default();
        let goals = [
            (
                "all boxes are back, once each",
                self.connected.len() == boxes,
            ),
            ("within 130 s", last <= BACK && self.greeted == boxes),
            (
                "at most 5 % in a second",
                self.peak() as f64 <= PEAK * boxes as f64,
            ),
            (
                "each box's retained messages are there",
                kept >= KEPT * boxes as f64,
            ),
        ];
        println!();
        for (goal, met) in goals {
            println!("{}: {goal}", if met { "met" } else { "MISSED" });
        }
        goals.iter().all(|(_, met)| *met)
    }
}
