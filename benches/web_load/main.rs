//! A crowd: WebSocket viewers, talkers among them, and some who never read. `cargo bench --bench web_load`, or `make web-load`;
//! prints a Markdown table for `docs/benchmarks.md`. Environment: `VIEWERS` (1000), `PER_S` (50), `LOAD_S` (60).
#![allow(
    missing_docs,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss
)]

#[path = "../whole_box/process.rs"]
mod process;
#[path = "../../tests/it/support/visitor.rs"]
mod visitor;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use visitor::Visitor;

/// Viewers who never read.
const SLOW: usize = 5;
/// Who talks: each stays below the rate of one viewer.
const TALKERS: usize = 100;

fn number(name: &str, default: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(default)
}

struct Shared {
    begun: Instant,
    delivered: AtomicU64,
}

fn main() {
    if std::env::args().any(|a| a == "--list") {
        return;
    }
    let (viewers, per_s, seconds) = (
        number("VIEWERS", 1000),
        number("PER_S", 50),
        number("LOAD_S", 60),
    );
    let dir = tempfile::tempdir().unwrap();
    let (rtsp, web) = (process::free_port(), process::free_port());
    let config = format!(
        "[web]\nport = {web}\ntls_port = 0\nmetrics = \"\"\nstaff_over_http = true\n[watch]\nenabled = false\n\
         [moderation]\nmode = \"free\"\n[setup]\nenabled = false\n"
    );
    let the_box = process::start_box(dir.path(), rtsp, &config);
    let pid = the_box.0.id();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(crowd(dir.path(), pid, web, viewers, per_s, seconds));
}

async fn crowd(
    dir: &std::path::Path,
    pid: u32,
    web: u16,
    viewers: usize,
    per_s: usize,
    seconds: usize,
) {
    let bare = frames(dir, Duration::from_secs(10)).await;
    let idle = resident(pid);
    let shared = Arc::new(Shared {
        begun: Instant::now(),
        delivered: AtomicU64::new(0),
    });
    let (late, mut lates) = mpsc::unbounded_channel::<u32>();
    let mut talkers = Vec::new();
    let mut readers = tokio::task::JoinSet::new();
    let mut slow = Vec::new();
    for n in 0..viewers + SLOW {
        let visitor = Visitor::join(web, &format!("viewer {n}")).await;
        if n < TALKERS {
            talkers.push(visitor.cookie.clone());
        }
        if n >= viewers {
            slow.push(visitor.into_socket());
            continue;
        }
        readers.spawn(read(visitor, shared.clone(), late.clone()));
    }
    drop(late);
    println!("{viewers} viewers are in");
    let begun = Instant::now();
    let watch = frames(dir, Duration::from_secs(seconds as u64));
    let talk = talk(web, talkers, shared.clone(), per_s, seconds);
    let (sent, busy) = tokio::join!(talk, watch);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let took = begun.elapsed();
    readers.abort_all();
    while readers.join_next().await.is_some() {}
    let mut all = Vec::new();
    while let Some(ms) = lates.recv().await {
        all.push(ms);
    }
    all.sort_unstable();
    let at = |q: f64| {
        f64::from(
            all.get(((all.len() as f64 - 1.0) * q) as usize)
                .copied()
                .unwrap_or_default(),
        ) / 10.0
    };
    let expected = sent * viewers as u64;
    let told = told(slow).await;
    println!("| what | figure |\n|---|---|");
    println!(
        "| viewers, lines acknowledged, seconds | {viewers}, {sent}, {:.1} |",
        took.as_secs_f64()
    );
    println!("| delivered of expected | {} of {expected} |", all.len());
    println!(
        "| delivery median, p95, p99, worst | {:.1}, {:.1}, {:.1}, {:.1} ms |",
        at(0.5),
        at(0.95),
        at(0.99),
        at(1.0)
    );
    println!(
        "| frames per second without and with the crowd | {bare:.2}, {busy:.2} ({:+.2} %) |",
        (busy / bare - 1.0) * 100.0
    );
    println!(
        "| memory of the box before and after | {:.0}, {:.0} MiB |",
        idle,
        resident(pid)
    );
    println!("| slow viewers dropped and told | {told} of {SLOW} |");
}

/// Frames per second of the main rendition over a while.
async fn frames(dir: &std::path::Path, over: Duration) -> f64 {
    let count = || {
        let out = std::process::Command::new(env!("CARGO_BIN_EXE_boothcast"))
            .args(["ctl", "--config"])
            .arg(dir.join("boothcast.toml"))
            .args(["status", "--json"])
            .output()
            .unwrap();
        let status: Value = serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&out.stderr)));
        status["flow"]["main"].as_u64().unwrap() as f64
    };
    let (first, begun) = (tokio::task::block_in_place(count), Instant::now());
    tokio::time::sleep(over).await;
    (tokio::task::block_in_place(count) - first) / begun.elapsed().as_secs_f64()
}

/// Resident memory, MiB.
fn resident(pid: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1024.0
}

/// Reads until it is stopped and tells how late each line was, in tenths of a millisecond.
async fn read(visitor: Visitor, shared: Arc<Shared>, late: mpsc::UnboundedSender<u32>) {
    let mut socket = visitor.into_socket();
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        if !text.contains("\"t\":\"line\"") {
            continue;
        }
        let Some(at) = text.find("sent ").and_then(|i| text.get(i + 5..)) else {
            continue;
        };
        let digits: String = at.chars().take_while(char::is_ascii_digit).collect();
        let Ok(sent) = digits.parse::<u64>() else {
            continue;
        };
        let now = shared.begun.elapsed().as_micros() as u64;
        shared.delivered.fetch_add(1, Ordering::Relaxed);
        let _ = late.send(u32::try_from(now.saturating_sub(sent) / 100).unwrap_or(u32::MAX));
    }
}

/// Says `per_s` lines a second, each talker in turn; gives how many were acknowledged.
async fn talk(
    web: u16,
    talkers: Vec<String>,
    shared: Arc<Shared>,
    per_s: usize,
    seconds: usize,
) -> u64 {
    let each = talkers.len();
    let mut tasks = tokio::task::JoinSet::new();
    let begun = tokio::time::Instant::now();
    for (n, cookie) in talkers.into_iter().enumerate() {
        let shared = shared.clone();
        tasks.spawn(async move {
            let mut me = Visitor::enter(web, &cookie, Some(u64::MAX >> 12))
                .await
                .unwrap();
            let mut done = 0;
            let mut turn = n;
            while turn < per_s * seconds {
                tokio::time::sleep_until(
                    begun + Duration::from_secs_f64(turn as f64 / per_s as f64),
                )
                .await;
                let text = format!("line {turn} sent {}", shared.begun.elapsed().as_micros());
                match me
                    .act(json!({ "do": "say", "text": text, "nonce": format!("n{turn}") }))
                    .await
                {
                    Ok(_) => done += 1,
                    Err(e) => println!("not taken: {e}"),
                }
                turn += each;
            }
            done
        });
    }
    let mut sum = 0;
    while let Some(done) = tasks.join_next().await {
        sum += done.unwrap();
    }
    sum
}

/// How many of those who never read find at the end of what was kept for them that they were dropped.
async fn told(
    slow: Vec<
        tokio_tungstenite::WebSocketStream<
            tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>,
        >,
    >,
) -> usize {
    let mut told = 0;
    for mut socket in slow {
        let mut dropped = false;
        while let Ok(Some(message)) =
            tokio::time::timeout(Duration::from_secs(5), socket.next()).await
        {
            match message {
                Ok(Message::Text(text)) if text.contains("\"t\":\"lost\"") => dropped = true,
                Ok(Message::Close(_)) | Err(_) => {
                    dropped = true;
                    break;
                }
                Ok(_) => {}
            }
        }
        told += usize::from(dropped);
    }
    told
}
