//! From publishing a command at a real broker to its effect and to its answer, while the box encodes 720p30.
//!
//! *Effect*: the core has changed the bitrate and hands it to the encoder: seen from another side, the status on the box's
//! local control socket. *Answer*: the MQTT message, which also waits until the journal and what is wanted are on disk.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use boothcast::edge::mqtt::client::{
    Client, ClientOptions, Happening, Message, Properties, Qos, Reconnect,
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::process::{Guard, free_port, quantile, start_box};

const ROUNDS: u32 = 500;
const PAUSE: Duration = Duration::from_millis(60);
const BASE: &str = "boothcast/v1/bench/box/b1";

pub fn measure() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let _broker = start_broker(dir.path(), port);
    let config = format!(
        "[mqtt]\nbroker = \"mqtt://127.0.0.1:{port}\"\nfleet = \"bench\"\nid = \"b1\"\nrate_per_s = 1000\n[video]\nsource = \"test\"\n"
    );
    let _box = start_box(dir.path(), free_port(), &config);
    let (mut effects, mut answers) = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(rounds(dir.path(), port));
    for (what, times, goal) in [
        ("effect", &mut effects, "p99 below 50 ms"),
        ("answer", &mut answers, "none"),
    ] {
        println!(
            "| command over MQTT to its {what}, {ROUNDS} of `bitrate/set` (goal: {goal}) | median {:.1} ms, p99 {:.1} ms |",
            quantile(times, 0.5),
            quantile(times, 0.99)
        );
    }
}

fn start_broker(dir: &std::path::Path, port: u16) -> Guard {
    let file = dir.join("mosquitto.conf");
    let lines = format!("listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n");
    std::fs::write(&file, lines).unwrap();
    let mut command = Command::new("mosquitto");
    command
        .arg("-c")
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let guard = Guard(command.spawn().unwrap());
    let end = Instant::now() + Duration::from_secs(5);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "mosquitto did not come up");
        std::thread::sleep(Duration::from_millis(20));
    }
    guard
}

/// Milliseconds to the effect and to the answer.
async fn rounds(dir: &std::path::Path, port: u16) -> (Vec<f64>, Vec<f64>) {
    let options = ClientOptions {
        broker: format!("mqtt://127.0.0.1:{port}").parse().unwrap(),
        client_id: "bench".into(),
        user: String::new(),
        password: None,
        tls_ca: Default::default(),
        tls_cert: Default::default(),
        tls_key: Default::default(),
        session_expiry: Duration::ZERO,
        will: None,
        reconnect: Reconnect::alone(),
        max_incoming: 1 << 20,
    };
    let here = tokio::runtime::Handle::current();
    let (client, mut heard) = Client::start(options, vec![format!("{BASE}/rsp/#")], &here).unwrap();
    while !matches!(heard.recv().await, Some(Happening::Connected { .. })) {}
    let mut seen = watch(dir);
    let (mut effects, mut answers) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let bitrate = u64::from(1_000_000 + round * 1000);
        let message = Message {
            topic: format!("{BASE}/cmd/bitrate/set"),
            payload: format!("{{\"id\":\"{round}\",\"args\":{{\"bitrate\":{bitrate}}}}}").into(),
            qos: Qos::AtLeastOnce,
            retain: false,
            properties: Properties::default(),
        };
        let begun = Instant::now();
        let (sent, effect, answer) = tokio::join!(
            client.publish(message),
            effect(&mut seen, bitrate),
            answer(&mut heard, round)
        );
        sent.unwrap();
        effects.push((effect - begun).as_secs_f64() * 1e3);
        answers.push((answer - begun).as_secs_f64() * 1e3);
        tokio::time::sleep(PAUSE).await;
    }
    client.stop(Duration::from_secs(1)).await;
    (effects, answers)
}

/// The bitrate that is wanted, with the moment at which the local socket said so.
fn watch(dir: &std::path::Path) -> mpsc::Receiver<(Instant, u64)> {
    let mut socket = UnixStream::connect(dir.join("state/control.sock")).unwrap();
    socket
        .write_all(b"{\"id\":\"w\",\"watch\":true}\n")
        .unwrap();
    let (tx, rx) = mpsc::channel(1024);
    // Ends with the box, which closes the socket.
    std::thread::spawn(move || {
        for line in BufReader::new(socket).lines() {
            let Ok(line) = line else { return };
            let at = Instant::now();
            let status: Value = serde_json::from_str(&line).unwrap();
            let wanted = status["data"]["bitrate"]["wanted"].as_u64().unwrap();
            if tx.blocking_send((at, wanted)).is_err() {
                return;
            }
        }
    });
    rx
}

async fn effect(seen: &mut mpsc::Receiver<(Instant, u64)>, bitrate: u64) -> Instant {
    loop {
        let (at, wanted) = seen.recv().await.expect("the box has gone");
        if wanted == bitrate {
            return at;
        }
    }
}

async fn answer(heard: &mut mpsc::Receiver<Happening>, round: u32) -> Instant {
    loop {
        if let Happening::Received(message) = heard.recv().await.expect("the client has ended") {
            let at = Instant::now();
            let answer: Value = serde_json::from_slice(&message.payload).unwrap();
            message.ack.done();
            if answer["id"].as_str() == Some(round.to_string().as_str()) {
                assert_eq!(answer["ok"], true, "{answer}");
                return at;
            }
        }
    }
}
