//! The audience, from a bridge's message to the picture: what is drawn, what is refused and counted, and a flood that costs
//! no frame.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::broker::Broker;
use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::{Guard, wait_for};

const LIMIT: Duration = Duration::from_secs(20);
/// Messages a second in the flood.
const RATE: u64 = 5000;
const TIME: Duration = Duration::from_secs(30);

fn ctl(it: &TheBox, args: &[&str]) -> (Option<i32>, Value, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    command.arg("ctl").args(args).args(["--json", "--config"]);
    let (code, out, err) = run_to_end(command.arg(it.path("boothcast.toml")), LIMIT);
    let said = serde_json::from_str(&out).unwrap_or(Value::Null);
    (code, said, format!("{out}{err}"))
}

fn status(it: &TheBox) -> Value {
    let (code, said, text) = ctl(it, &["status"]);
    assert_eq!(code, Some(0), "{text}");
    said
}

/// A number of what became of the audience's messages; what is not there is none.
fn figure(status: &Value, path: &str) -> u64 {
    status["audience"]
        .pointer(path)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

fn start(broker: &Broker, more: &str) -> TheBox {
    let config = format!(
        "[mqtt]\nbroker = \"{}\"\nfleet = \"show\"\nid = \"b1\"\n[room]\nname = \"hall\"\n\
         [video]\nsource = \"test\"\ntest_pattern = \"black\"\n[audio]\nsource = \"none\"\n[adaptive]\nenabled = false\n\
         [encode]\nprofile = \"custom\"\nwidth = 640\nheight = 360\nfps = 30\nbitrate = 600000\n{more}",
        broker.url()
    );
    let mut it = TheBox::spawn(Options {
        config: &config,
        ..Options::default()
    });
    it.wait_up();
    wait_for("the room's connection", LIMIT, || {
        broker
            .log()
            .contains("boothcast/v1/show/room/hall/in/+")
            .then_some(())
    });
    it
}

/// As a bridge without a program of its own would do it.
fn say(broker: &Broker, source: &str, payload: &str) {
    let mut mosquitto_pub = Command::new("mosquitto_pub");
    let topic = format!("boothcast/v1/show/room/hall/in/{source}");
    mosquitto_pub.args([
        "-p",
        &broker.port.to_string(),
        "-q",
        "1",
        "-t",
        &topic,
        "-m",
        payload,
    ]);
    let (code, out, err) = run_to_end(&mut mosquitto_pub, LIMIT);
    assert_eq!(code, Some(0), "{out}{err}");
}

#[test]
fn what_bridges_publish_is_drawn_or_refused_with_a_reason() {
    let broker = Broker::start();
    let it = start(
        &broker,
        "[moderation]\nmode = \"free\"\nwords = \"badword\"\n",
    );
    // The three lines of the documentation.
    say(&broker, "test", "hello");
    say(
        &broker,
        "youtube",
        r#"{"kind":"chat","who":"Mia","text":"世界 hello"}"#,
    );
    say(
        &broker,
        "youtube",
        r#"{"kind":"gift","who":"Mia","text":"a rose","count":3}"#,
    );
    wait_for("two comments and an alert", LIMIT, || {
        let status = status(&it);
        (figure(&status, "/drawn") == 2 && figure(&status, "/alerts") == 1).then_some(())
    });
    for (payload, reason) in [
        (
            r#"{"kind":"chat","who":"Eve","text":"b a d w o r d"}"#,
            "word",
        ),
        (
            r#"{"kind":"chat","who":"Eva","text":"see www.example.com"}"#,
            "link",
        ),
        (r#"{"kind":"chat","who":"Eve","text":7}"#, "malformed"),
        (
            r#"{"kind":"chat","who":"Mia","text":"世界 hello"}"#,
            "repeat",
        ),
    ] {
        let before = figure(&status(&it), &format!("/refused/{reason}"));
        say(&broker, "youtube", payload);
        wait_for(payload, LIMIT, || {
            let status = status(&it);
            (figure(&status, &format!("/refused/{reason}")) == before + 1).then_some(())
        });
    }
    let (code, _, text) = ctl(&it, &["panic"]);
    assert_eq!(code, Some(0), "{text}");
    say(&broker, "test", "after the panic");
    wait_for("a refusal while panic holds", LIMIT, || {
        (figure(&status(&it), "/refused/panic") >= 1).then_some(())
    });
    assert_eq!(figure(&status(&it), "/drawn"), 2);
    let (code, _, text) = ctl(&it, &["panic", "--off"]);
    assert_eq!(code, Some(0), "{text}");
    say(&broker, "test", "and life goes on");
    wait_for("a third comment", LIMIT, || {
        (figure(&status(&it), "/drawn") == 3).then_some(())
    });
}

#[test]
fn what_is_held_waits_for_a_person() {
    let broker = Broker::start();
    let it = start(&broker, "[moderation]\nmode = \"hold\"\n");
    for text in ["yes please", "no thanks"] {
        let payload = format!(
            r#"{{"kind":"chat","who":"{}","text":"{text}"}}"#,
            &text[..2]
        );
        say(&broker, "youtube", &payload);
    }
    let queue = wait_for("two that wait", LIMIT, || {
        let (_, said, _) = ctl(&it, &["moderation", "queue"]);
        let waiting = said["waiting"].as_array()?.clone();
        (waiting.len() == 2).then_some(waiting)
    });
    let id = |text: &str| {
        let item = queue
            .iter()
            .find(|w| w["text"] == text)
            .unwrap_or_else(|| panic!("{queue:?}"));
        item["item"].to_string()
    };
    assert_eq!(figure(&status(&it), "/drawn"), 0);
    for (act, item) in [("approve", id("yes please")), ("reject", id("no thanks"))] {
        let (code, _, text) = ctl(&it, &["moderation", act, &item]);
        assert_eq!(code, Some(0), "{text}");
    }
    wait_for("the one", LIMIT, || {
        (figure(&status(&it), "/drawn") == 1).then_some(())
    });
    let status = status(&it);
    assert_eq!(
        figure(&status, "/refused/rejected"),
        1,
        "{}",
        status["audience"]
    );
    assert_eq!(figure(&status, "/waiting"), 0, "{}", status["audience"]);
}

/// Frames since the start, and resident memory in KiB.
fn look(it: &TheBox) -> (u64, i64) {
    let frames = status(it)["flow"]["main"].as_u64().unwrap();
    let proc = std::fs::read_to_string(format!("/proc/{}/status", it.process.0.id())).unwrap();
    let rss = proc.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    (frames, rss.trim().trim_end_matches(" kB").parse().unwrap())
}

/// Publishes [`RATE`] messages a second for `time` through one connection; gives how many.
fn flood(broker: &Broker, time: Duration) -> u64 {
    let mut command = Command::new("mosquitto_pub");
    let topic = "boothcast/v1/show/room/hall/in/flood";
    command.args(["-p", &broker.port.to_string(), "-q", "0", "-l", "-t", topic]);
    let mut publisher = Guard::spawn(command.stdin(Stdio::piped()));
    let mut lines = std::io::BufWriter::new(publisher.0.stdin.take().unwrap());
    let begun = Instant::now();
    let mut sent = 0;
    while begun.elapsed() < time {
        let due = begun.elapsed().as_millis() as u64 * RATE / 1000;
        while sent < due {
            sent += 1;
            let (who, text) = (sent % 997, words(sent));
            let line = match sent % 10 {
                0 => format!(r#"{{"kind":"like","who":"viewer {who}"}}"#),
                1 => format!(
                    r#"{{"kind":"gift","who":"viewer {who}","text":"rose","count":{}}}"#,
                    sent % 7 + 1
                ),
                2 => format!("no JSON at all {sent}"),
                3 => format!(
                    r#"{{"kind":"chat","who":"viewer {who}","text":"b.a.d.w.o.r.d {text}"}}"#
                ),
                4 => r#"{"kind":"chat","who":"#.to_owned(),
                _ => {
                    format!(r#"{{"kind":"chat","who":"viewer {who}","text":"{text} 你好 {sent}"}}"#)
                }
            };
            writeln!(lines, "{line}").unwrap();
        }
        lines.flush().unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(lines);
    assert!(
        publisher.wait(LIMIT).is_some(),
        "mosquitto_pub does not end"
    );
    assert!(
        sent >= RATE * time.as_secs() * 9 / 10,
        "only {sent} were sent"
    );
    sent
}

/// Words that differ from message to message.
fn words(n: u64) -> String {
    const WORDS: [&str; 8] = [
        "wow", "nice", "where", "colour", "price", "blue", "again", "love",
    ];
    let word = |n: u64| WORDS[(n % 8) as usize];
    format!("{} {} {}", word(n), word(n / 8), word(n / 64))
}

#[test]
fn a_flood_of_chat_costs_neither_frames_nor_memory() {
    let broker = Broker::with("allow_anonymous true\nmax_queued_messages 1000\n", |_| {});
    let it = start(
        &broker,
        "[moderation]\nmode = \"free\"\nwords = \"badword\"\n",
    );
    // Everything that grows once has grown: letters, caches, authors.
    flood(&broker, Duration::from_secs(5));
    std::thread::sleep(Duration::from_secs(12));
    let (before, _) = look(&it);
    let begun = Instant::now();
    std::thread::sleep(Duration::from_secs(10));
    let calm = (look(&it).0 - before) as f64 / begun.elapsed().as_secs_f64();
    let audience = status(&it);
    let ((frames, rss), begun) = (look(&it), Instant::now());
    let sent = flood(&broker, TIME);
    let took = begun.elapsed().as_secs_f64();
    let (frames_after, rss_after) = look(&it);
    let flooded = (frames_after - frames) as f64 / took;
    // What still waits is drawn or has expired.
    std::thread::sleep(Duration::from_secs(12));
    let after = status(&it);
    let more = |path: &str| figure(&after, path) - figure(&audience, path);
    let refused: u64 = after["audience"]["refused"]
        .as_object()
        .unwrap()
        .keys()
        .map(|reason| more(&format!("/refused/{reason}")))
        .sum();
    println!(
        "calm {calm:.2}/s, flooded {flooded:.2}/s, {} KiB more; sent {sent}, {}",
        rss_after - rss,
        after["audience"]
    );
    assert!(
        (flooded / calm - 1.0).abs() <= 0.01,
        "{calm} then {flooded} frames a second"
    );
    assert!(rss_after - rss <= 8192, "{} KiB more", rss_after - rss);
    assert!(
        more("/drawn") as f64 <= 20.0 * (took + 12.0),
        "{} were drawn",
        more("/drawn")
    );
    assert!(
        more("/drawn") >= 30,
        "hardly anything was drawn: {}",
        more("/drawn")
    );
    // Nothing is lost between the doors without a reason. What the broker itself drops never came.
    let taken = more("/taken");
    assert!(taken >= sent / 2 && taken <= sent, "{taken} of {sent} came");
    let sum = more("/drawn") + more("/merged") + more("/alerts") + more("/counted") + refused;
    // Alerts wait for their turn, 32 at most; no comment waits longer than its time to live.
    let waiting = figure(&after, "/waiting");
    assert!(waiting <= 32, "{}", after["audience"]);
    // Those that waited when the flood began have had their turn.
    let before = figure(&audience, "/waiting");
    assert_eq!(sum + waiting, taken + before, "{}", after["audience"]);
    for (reason, least) in [
        ("word", 5),
        ("malformed", 1000),
        ("room-rate", 1000),
        ("author-rate", 5),
    ] {
        let n = more(&format!("/refused/{reason}"));
        assert!(n >= least, "{reason}: {}", after["audience"]);
    }
    // It hears commands as ever, and answers at once.
    let begun = Instant::now();
    let (code, _, text) = ctl(&it, &["panic"]);
    assert!(
        code == Some(0) && begun.elapsed() < Duration::from_secs(5),
        "{text}"
    );
}
