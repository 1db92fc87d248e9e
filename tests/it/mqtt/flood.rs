//! A thousand messages a second for half a minute: the picture goes on at its rate, memory stays, and who is refused hears it.

use std::time::{Duration, Instant};

use boothcast::edge::mqtt::client::{Client, ClientOptions, Happening, Message, Properties, Qos};
use serde_json::Value;

use super::client::kit;
use crate::support::broker::Broker;
use crate::support::the_box::{Options, TheBox};

const RATE: u64 = 1000;
const TIME: Duration = Duration::from_secs(30);

/// Access units of the main rendition since the start, and resident memory in KiB.
fn look(it: &TheBox) -> (u64, u64) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_boothcast"));
    command
        .args(["ctl", "status", "--json", "--config"])
        .arg(it.path("boothcast.toml"));
    let (_, out, err) = crate::support::the_box::run_to_end(&mut command, Duration::from_secs(20));
    let status: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{err}"));
    let proc = std::fs::read_to_string(format!("/proc/{}/status", it.process.0.id())).unwrap();
    let rss = proc.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    let kib = rss.trim().trim_end_matches(" kB").parse().unwrap();
    (status["flow"]["main"].as_u64().unwrap(), kib)
}

/// Frames per second over `time`, during which `work` goes on, and KiB gained.
async fn measure(it: &TheBox, work: impl Future<Output = ()>) -> (f64, i64) {
    let (frames, rss) = look(it);
    let begun = Instant::now();
    work.await;
    let took = begun.elapsed();
    let (after, rss_after) = look(it);
    let fps = (after - frames) as f64 / took.as_secs_f64();
    (
        fps,
        i64::try_from(rss_after).unwrap() - i64::try_from(rss).unwrap(),
    )
}

#[test]
fn a_flood_of_commands_costs_neither_frames_nor_memory() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let broker = Broker::with("allow_anonymous true\nmax_queued_messages 1000\n", |_| {});
        let config = format!(
            "[mqtt]\nbroker = \"{}\"\nfleet = \"flood\"\nid = \"b1\"\n[video]\nsource = \"test\"\n[audio]\nsource = \"none\"\n\
             [encode]\nprofile = \"custom\"\nwidth = 320\nheight = 180\nfps = 30\nbitrate = 400000\n",
            broker.url()
        );
        let mut it = TheBox::spawn(Options {
            config: &config,
            ..Options::default()
        });
        it.wait_up();
        let base = "boothcast/v1/flood/box/b1";
        let options = |client_id: &str| ClientOptions {
            session_expiry: Duration::ZERO,
            ..kit::options(&broker, client_id)
        };
        let here = tokio::runtime::Handle::current();
        let (listener, mut answers) =
            Client::start(options("listener"), vec![format!("{base}/rsp/#")], &here).unwrap();
        let (flooder, mut up) = Client::start(options("flooder"), vec![], &here).unwrap();
        assert!(matches!(up.recv().await, Some(Happening::Connected { .. })));
        let counter = tokio::spawn(async move {
            let (mut accepted, mut limited, mut bad, mut other) = (0_u64, 0_u64, 0_u64, Vec::new());
            while let Some(happening) = answers.recv().await {
                let Happening::Received(message) = happening else {
                    continue;
                };
                let answer: Value = serde_json::from_slice(&message.payload).unwrap();
                message.ack.done();
                if answer["id"] == "end" {
                    break;
                }
                match answer["error"]["code"].as_str() {
                    None => accepted += 1,
                    Some("rate_limited") => {
                        assert!(answer["error"]["after_ms"].is_u64(), "{answer}");
                        limited += 1;
                    }
                    Some("bad_request" | "unknown_command") => bad += 1,
                    Some(code) => other.push(code.to_owned()),
                }
            }
            (accepted, limited, bad, other)
        });
        // Everything that grows once has grown.
        let flood = |time: Duration| {
            let flooder = &flooder;
            async move {
                let begun = Instant::now();
                let mut sent = 0_u64;
                while begun.elapsed() < time {
                    let due = begun.elapsed().as_millis() as u64 * RATE / 1000;
                    while sent < due {
                        sent += 1;
                        let (name, payload) = match sent % 4 {
                            0 => ("identify", format!("{{\"id\":\"f{sent}\"}}")),
                            1 => ("audio/gain", "not JSON".to_owned()),
                            2 => ("no/such", format!("{{\"id\":\"f{sent}\"}}")),
                            _ => ("bitrate/set", format!("{{\"id\":\"f{sent}\",\"args\":{{\"bitrate\":{}}}}}", 300_000 + sent)),
                        };
                        let message = Message {
                            topic: format!("{base}/cmd/{name}"),
                            payload: payload.into(),
                            qos: Qos::AtMostOnce,
                            retain: false,
                            properties: Properties::default(),
                        };
                        flooder.publish(message).await.unwrap();
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                assert!(sent >= RATE * time.as_secs() * 9 / 10, "only {sent} were sent");
            }
        };
        flood(Duration::from_secs(5)).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (calm, _) = measure(&it, tokio::time::sleep(Duration::from_secs(10))).await;
        let (flooded, gained) = measure(&it, flood(TIME)).await;
        // Out of the rate's reach again, so that the end is heard.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let end = Message {
            topic: format!("{base}/cmd/identify"),
            payload: "{\"id\":\"end\"}".into(),
            qos: Qos::AtLeastOnce,
            retain: false,
            properties: Properties::default(),
        };
        flooder.publish(end).await.unwrap();
        let told = tokio::time::timeout(Duration::from_secs(20), counter).await;
        let (accepted, limited, bad, other) = told.expect("the last command is not answered").unwrap();
        println!("calm {calm:.2}/s, flooded {flooded:.2}/s, {gained} KiB; {accepted} done, {limited} limited, {bad} bad, {other:?}");
        assert!((flooded / calm - 1.0).abs() <= 0.05, "{calm} then {flooded} frames a second");
        assert!(gained <= 2048, "{gained} KiB more");
        // 20 a second and a burst of 40, over 35 s in two parts.
        assert!((300..=900).contains(&accepted), "{accepted} were done");
        // What is bad counts as well, and is not looked into beyond the rate.
        assert!(limited > 10_000 && bad > 100, "{limited} limited, {bad} bad");
        assert!(other.iter().all(|c| c == "busy"), "{other:?}");
        listener.stop(Duration::from_secs(1)).await;
        flooder.stop(Duration::from_secs(1)).await;
        assert_eq!(it.interrupt().0, Some(0));
    });
}
