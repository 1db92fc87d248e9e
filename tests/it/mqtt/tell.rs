//! What a box tells over MQTT, as a stranger's client hears it.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::broker::Broker;
use crate::support::schema;
use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::wait_for;
use crate::support::witness::{Seen, Witness, publish};

/// More than any of it takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(30);
const P: &str = "boothcast/v1/shop/box/b1";
const CANARY: &str = "Cn4ryK3y";
const DISCOVERY: &str = "homeassistant/device/shop-b1/config";

fn topic(leaf: &str) -> String {
    format!("{P}/{leaf}")
}

fn config(broker: &Broker, more: &str) -> String {
    format!(
        "[box]\nname = \"Corner shop\"\n[video]\nsource = \"test\"\n[audio]\nsource = \"test\"\n\
         [encode]\nprofile = \"480p30\"\n\
         [[destination]]\nname = \"spare\"\nurl = \"rtmp://127.0.0.1:9/live\"\nkey = \"{CANARY}-1\"\nenabled = false\n\
         [mqtt]\nbroker = \"{}\"\nfleet = \"shop\"\nid = \"b1\"\nuser = \"box\"\npassword = \"{CANARY}-2\"\n\
         telemetry_live_s = 1\ntelemetry_idle_s = 1\n{more}\n",
        broker.url()
    )
}

fn start(broker: &Broker, more: &str, dir: Option<tempfile::TempDir>) -> TheBox {
    let mut it = TheBox::spawn(Options {
        config: &config(broker, more),
        dir,
        ..Options::default()
    });
    it.wait_up();
    it
}

/// Ends the box in order; gives its folder for the next life.
fn end(mut it: TheBox) -> tempfile::TempDir {
    assert_eq!(it.interrupt().0, Some(0), "{}", it.stderr());
    it.dir
}

fn ctl(it: &TheBox, args: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    command.arg("ctl").args(args).arg("--config");
    command.arg(it.path("boothcast.toml"));
    let (code, out, err) = run_to_end(&mut command, LIMIT);
    assert_eq!(code, Some(0), "{args:?}: {out}{err}");
}

/// The schema of a message, by its topic below the box.
fn schema_of(leaf: &str) -> Option<String> {
    let (first, rest) = leaf.split_once('/').unwrap_or((leaf, ""));
    match first {
        "conn" | "info" | "status" | "reported" => Some(first.to_owned()),
        "tel" => Some(format!("tel.{rest}")),
        "evt" => Some("evt".to_owned()),
        "job" => Some(format!("job.{rest}")),
        "rsp" => Some("answer".to_owned()),
        "cmd" => Some(format!("cmd.{}", rest.replace('/', "-"))),
        _ => None,
    }
}

/// Every message is what its schema says, and none has a secret. Gives the kinds that were there.
fn all_are_as_documented(seen: &[Seen]) -> std::collections::BTreeSet<String> {
    let mut kinds = std::collections::BTreeSet::new();
    for message in seen {
        let text = String::from_utf8_lossy(&message.payload);
        assert!(!text.contains(CANARY), "{}: {text}", message.topic);
        let Some(leaf) = message.topic.strip_prefix(&format!("{P}/")) else {
            continue;
        };
        let Some(name) = schema_of(leaf) else {
            continue;
        };
        let problems = schema::problems(&schema::load(&name), &message.json());
        assert!(
            problems.is_empty(),
            "{}: {text}\n{problems:#?}",
            message.topic
        );
        kinds.insert(name);
    }
    kinds
}

/// The events that were seen, without those that were sent twice, in order.
fn events(witness: &Witness) -> Vec<Value> {
    let mut out: Vec<Value> = Vec::new();
    for event in witness.all(&topic("evt/")) {
        let event = event.json();
        if out.last().is_none_or(|l| l["seq"] != event["seq"]) {
            out.push(event);
        }
    }
    out
}

#[test]
fn a_box_tells_what_it_is_what_it_does_and_when_it_ends() {
    let broker = Broker::start();
    let witness = Witness::of(&broker);
    let it = start(&broker, "", None);
    let conn = witness.wait(&topic("conn"), LIMIT, |v| v["state"] == "online");
    let status = witness.wait(&topic("status"), LIMIT, |v| v["health"]["severity"] == "ok");
    assert_eq!(
        (&status["name"], &status["live"], &status["profile"]),
        (&json!("Corner shop"), &json!(false), &json!("480p30"))
    );
    let info = witness.wait(&topic("info"), LIMIT, |_| true);
    assert_eq!(info["session"], conn["session"]);
    let commands = info["capabilities"]["commands"].as_array().unwrap();
    assert!(commands.contains(&json!("live/start")), "{commands:?}");
    let reported = witness.wait(&topic("reported"), LIMIT, |_| true);
    assert_eq!(reported["settings"]["live"], false);

    publish(&broker, &topic("cmd/live/start"), r#"{"id":"1"}"#);
    witness.wait(&topic("rsp/live/start"), LIMIT, |v| v["ok"] == true);
    witness.wait(&topic("status"), LIMIT, |v| v["live"] == true);
    witness.wait(&topic("reported"), LIMIT, |v| {
        v["settings"]["live"] == true && v["revision"].as_u64() > reported["revision"].as_u64()
    });
    witness.wait(&topic("evt/live"), LIMIT, |v| v["data"]["live"] == true);
    ctl(&it, &["live", "stop"]);
    witness.wait(&topic("status"), LIMIT, |v| v["live"] == false);
    publish(
        &broker,
        &topic("cmd/bitrate/set"),
        r#"{"id":"2","args":{"bitrate":1}}"#,
    );
    witness.wait(&topic("rsp/bitrate/set"), LIMIT, |v| v["ok"] == false);

    // Telemetry each second: at least so many in a while, and not more than there were seconds.
    let rounds = |w: &Witness| w.all(&topic("tel/stream")).len();
    let (before, begun) = (rounds(&witness), std::time::Instant::now());
    wait_for("telemetry", LIMIT, || {
        (rounds(&witness) >= before + 4).then_some(())
    });
    let most = begun.elapsed().as_secs_f64() + 2.0;
    let there = rounds(&witness) - before;
    assert!(there as f64 <= most, "{there} in {most} s");
    let flows = witness.wait(&topic("tel/stream"), LIMIT, |v| {
        v["fps"]["main"].as_f64().is_some_and(|f| f > 5.0)
    });
    assert_eq!(flows["destinations"]["spare"]["state"], "off");

    // A client that comes now finds the retained ones.
    let late = Witness::of(&broker);
    for leaf in ["conn", "info", "status", "reported"] {
        assert!(
            late.last(&topic(leaf)).is_some_and(|s| s.retained),
            "{leaf}"
        );
    }
    end(it);
    let stopped = witness.wait(&topic("conn"), LIMIT, |v| v["state"] == "stopped");
    assert_eq!(stopped["session"], conn["session"]);

    // No status more often than once a second, but for the one at the connection.
    let told = witness.all(&topic("status")).len() as f64;
    assert!(told <= begun.elapsed().as_secs_f64() + 20.0, "{told}");
    let kinds = all_are_as_documented(&witness.all(""));
    for kind in [
        "answer",
        "cmd.bitrate-set",
        "cmd.live-start",
        "conn",
        "evt",
        "info",
        "reported",
        "status",
        "tel.net",
        "tel.stream",
        "tel.sys",
    ] {
        assert!(kinds.contains(kind), "{kind} was not seen: {kinds:?}");
    }
}

#[test]
fn a_box_that_is_killed_is_offline_and_back_with_a_higher_session() {
    let broker = Broker::start();
    let witness = Witness::of(&broker);
    let it = start(&broker, "", None);
    let online = witness.wait(&topic("conn"), LIMIT, |v| v["state"] == "online");
    witness.wait(&topic("evt/started"), LIMIT, |_| true);
    it.process.signal(libc::SIGKILL);
    // The will waits 15 s.
    let offline = witness.wait(&topic("conn"), 2 * LIMIT, |v| v["state"] == "offline");
    assert_eq!(offline["session"], online["session"]);
    let TheBox { dir, process, .. } = it;
    drop(process);
    let it = start(&broker, "", Some(dir));
    let again = witness.wait(&topic("conn"), LIMIT, |v| v["state"] == "online");
    assert!(again["session"].as_u64() > online["session"].as_u64());
    let started = |v: &[Value]| v.iter().filter(|e| e["type"] == "started").count();
    wait_for("the second start", LIMIT, || {
        (started(&events(&witness)) == 2).then_some(())
    });
    end(it);
}

#[test]
fn events_come_in_order_through_outages_of_the_broker_and_restarts_of_the_box() {
    let mut broker = Broker::start();
    let before = Witness::of(&broker);
    let it = start(&broker, "", None);
    before.wait(&topic("evt/started"), LIMIT, |_| true);
    ctl(&it, &["live", "start"]);
    before.wait(&topic("evt/live"), LIMIT, |v| v["data"]["live"] == true);

    // It would come back by itself and hear everything twice.
    let first = events(&before);
    drop(before);
    broker.kill();
    ctl(&it, &["live", "stop"]);
    // Time for telemetry that waits, and for the event to reach the disk.
    std::thread::sleep(Duration::from_secs(2));
    let it = start(&broker, "", Some(end(it)));
    ctl(&it, &["live", "start"]);
    std::thread::sleep(Duration::from_secs(2));
    // Held while the broker comes back, so that the witness is there first.
    it.process.signal(libc::SIGSTOP);
    broker.run();
    let after = Witness::of(&broker);
    it.process.signal(libc::SIGCONT);
    after.wait(&topic("evt/live"), LIMIT, |v| v["data"]["live"] == true);
    ctl(&it, &["live", "stop"]);
    after.wait(&topic("evt/live"), LIMIT, |v| {
        v["data"]["live"] == false && v["seq"].as_u64() > events(&after)[0]["seq"].as_u64()
    });
    wait_for("the last event", LIMIT, || {
        (events(&after).last()?["data"]["live"] == false && events(&after).len() > 3).then_some(())
    });

    let all = [first, events(&after)].concat();
    let seqs: Vec<u64> = all.iter().map(|e| e["seq"].as_u64().unwrap()).collect();
    assert!(seqs.windows(2).all(|w| w[0] < w[1]), "{seqs:?}");
    let lives: Vec<_> = all
        .iter()
        .filter(|e| e["type"] == "live" || e["type"] == "started")
        .map(|e| e["data"]["live"].as_bool().unwrap())
        .collect();
    // started, on, off during the outage; started anew, on during the outage, off.
    assert_eq!(lives, [false, true, false, false, true, false], "{all:#?}");
    // Telemetry that waited came, too, each message with a time of its own.
    let waited = after.all(&topic("tel/sys"));
    assert!(waited.len() >= 3, "{}", waited.len());
    all_are_as_documented(&after.all(""));
    end(it);
}

#[test]
fn home_assistant_hears_of_the_box_again_when_it_starts_and_no_more_when_it_shall_not() {
    let broker = Broker::start();
    let witness = Witness::of(&broker);
    let it = start(&broker, "homeassistant = true", None);
    let device = witness.wait(DISCOVERY, LIMIT, |_| true);
    // The golden file, which Home Assistant's own package takes, has the same entities.
    let golden =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/homeassistant.json");
    let golden: Value = serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
    assert_eq!(device["components"], golden["components"]);

    let told = |w: &Witness| w.all(DISCOVERY).len();
    let before = told(&witness);
    publish(&broker, "homeassistant/status", "online");
    wait_for("the renewal", LIMIT, || {
        (told(&witness) > before).then_some(())
    });
    // What Home Assistant sends when somebody moves the switch there.
    let live = &device["components"]["live"];
    let sent = live["command_template"]
        .as_str()
        .unwrap()
        .replace("{{ now().timestamp() }}", "1")
        .replace("{{ value }}", "true");
    publish(&broker, live["command_topic"].as_str().unwrap(), &sent);
    witness.wait(&topic("status"), LIMIT, |v| v["live"] == true);

    let it = start(&broker, "homeassistant = false", Some(end(it)));
    wait_for("the farewell", LIMIT, || {
        witness.last(DISCOVERY)?.payload.is_empty().then_some(())
    });
    let late = Witness::of(&broker);
    assert_eq!(late.last(DISCOVERY), None);
    all_are_as_documented(&witness.all(""));
    end(it);
}

#[test]
fn the_examples_of_the_readme_are_as_documented() {
    let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mqtt/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for line in readme.lines() {
        let (name, payload) = if let Some(rest) = line.strip_prefix("…/") {
            let (leaf, payload) = rest.split_once(' ').unwrap();
            (schema_of(leaf).unwrap(), payload)
        } else if line.starts_with("{\"id\":") {
            ("answer".to_owned(), line)
        } else {
            continue;
        };
        let value: Value = serde_json::from_str(payload).unwrap();
        let problems = schema::problems(&schema::load(&name), &value);
        assert!(problems.is_empty(), "{line}\n{problems:#?}");
        kinds.insert(name);
    }
    assert!(kinds.len() >= 8, "{kinds:?}");
}

#[test]
fn the_broker_on_the_box_runs_with_our_file_and_is_for_this_machine_alone() {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let ours = std::fs::read_to_string(file.join("boothcast-broker.conf")).unwrap();
    let (listener, rest): (Vec<&str>, Vec<&str>) =
        ours.lines().partition(|l| l.starts_with("listener "));
    assert_eq!(listener, ["listener 1883 127.0.0.1"]);
    // Another port, for the test alone; the log is where the test's broker has it.
    let rest: Vec<&str> = rest
        .into_iter()
        .filter(|l| !l.starts_with("log_"))
        .collect();
    let broker = Broker::with(&rest.join("\n"), |_| {});
    let witness = Witness::of(&broker);
    publish(&broker, "a/b", "here");
    wait_for("the message", LIMIT, || witness.last("a/b"));
    let unit = std::fs::read_to_string(file.join("boothcast-broker.service")).unwrap();
    assert!(unit.contains("boothcast check --get mqtt.broker"));
}
