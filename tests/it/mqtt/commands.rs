//! Commands over MQTT: the whole box, a real mosquitto, and the ordinary programs mosquitto_pub and mosquitto_sub.

mod bad_input;
pub mod ears;
mod once;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::broker::Broker;
use crate::support::the_box::{Options, TheBox};
use ears::{Ears, publish};

/// Where the box's topics begin.
const BASE: &str = "boothcast/v1/home/box/b1";
/// How long anything may take on a machine that has much to do.
const LONG: Duration = Duration::from_secs(20);

/// A box, its broker, and one who listens to all that it says.
pub struct Scene {
    pub broker: Broker,
    pub it: TheBox,
    pub ears: Ears,
}

fn config(broker: &Broker, mqtt: &str) -> String {
    format!(
        "[mqtt]\nbroker = \"{}\"\nid = \"b1\"\n{mqtt}\n[video]\nsource = \"test\"\n[audio]\nsource = \"none\"\n\
         [encode]\nprofile = \"custom\"\nwidth = 160\nheight = 120\nfps = 5\nbitrate = 100000\n\
         [adaptive]\nenabled = false\n",
        broker.url()
    )
}

impl Scene {
    /// With further keys of `[mqtt]`; the box is online.
    pub fn with(mqtt: &str) -> Self {
        let broker = Broker::start();
        let ears = Ears::open(&broker, &["boothcast/#", "answers/#"]);
        let it = TheBox::spawn(Options {
            config: &config(&broker, mqtt),
            rtsp: "enabled = false",
            ..Options::default()
        });
        let mut scene = Self { broker, it, ears };
        scene.wait_online(1);
        scene
    }

    pub fn new() -> Self {
        // Tests send more than a person.
        Self::with("rate_per_s = 1000\nrate_burst = 1000")
    }

    /// Until the box has said for the n-th time that it is there.
    pub fn wait_online(&mut self, n: usize) {
        let topic = format!("{BASE}/conn");
        crate::support::wait_for("the box", LONG, || {
            let ended = self.it.process.0.try_wait().unwrap();
            assert!(ended.is_none(), "the box ended: {}", self.it.stderr());
            let words = self.ears.with(&topic, |p| p["state"] == "online");
            (words.len() >= n).then_some(())
        });
    }

    /// The same box once more, in its folder, after a kill or an end.
    pub fn again(mut self) -> Self {
        let sessions = self
            .ears
            .with(&format!("{BASE}/conn"), |p| p["state"] == "online")
            .len();
        self.it.process.signal(libc::SIGKILL);
        assert!(self.it.process.wait(LONG).is_some());
        let TheBox { process, dir, .. } = self.it;
        drop(process);
        self.it = TheBox::spawn(Options {
            config: &config(&self.broker, "rate_per_s = 1000\nrate_burst = 1000"),
            rtsp: "enabled = false",
            dir: Some(dir),
            ..Options::default()
        });
        self.wait_online(sessions + 1);
        self
    }

    /// Sends a command.
    pub fn send(&self, name: &str, payload: &Value) {
        self.raw(name, payload.to_string().as_bytes(), &[]);
    }

    /// Sends these very bytes, with further arguments of mosquitto_pub.
    pub fn raw(&self, name: &str, payload: &[u8], more: &[&str]) {
        publish(&self.broker, &format!("{BASE}/cmd/{name}"), payload, more);
    }

    /// The n-th answer with this id on the usual topic.
    pub fn answer(&self, name: &str, id: &str, n: usize) -> Value {
        self.ears
            .wait_for(&format!("{BASE}/rsp/{name}"), n, |p| p["id"] == id)
    }

    /// The box still does what it is told.
    pub fn assert_alive(&mut self) {
        let id = format!("alive-{}", rand::random::<u32>());
        self.send("status", &json!({"id": id}));
        let answer = self.answer("status", &id, 1);
        assert!(answer["data"]["generation"].is_u64(), "{answer}");
        assert!(self.it.process.0.try_wait().unwrap().is_none());
    }

    /// How often the box has run a command whose log line holds this.
    pub fn ran(&self, what: &str) -> usize {
        let log = self.it.stderr();
        log.lines()
            .filter(|l| l.contains("origin=Mqtt command=") && l.contains(what))
            .count()
    }
}

fn accepted(id: &str) -> Value {
    json!({"id": id, "ok": true, "data": {"outcome": "accepted"}})
}

#[test]
fn a_command_is_carried_out_and_answered_to_every_kind_of_client() {
    let mut scene = Scene::new();
    // MQTT 5: where the requester wants it, with what it wants repeated.
    let five = [
        "-V",
        "5",
        "-D",
        "publish",
        "response-topic",
        "answers/me",
        "-D",
        "publish",
        "correlation-data",
        "abc",
    ];
    scene.raw(
        "bitrate/set",
        br#"{"id":"v5","args":{"bitrate":150000}}"#,
        &five,
    );
    let heard = scene
        .ears
        .wait_message("answers/me", 1, |p| p["id"] == "v5");
    assert_eq!(heard.payload, accepted("v5"));
    assert_eq!(heard.properties["correlation-data"], "abc");
    assert_eq!(heard.properties["content-type"], "application/json");
    assert!(
        heard.properties["message-expiry-interval"]
            .as_u64()
            .is_some_and(|s| s <= 300)
    );
    // MQTT 3.1.1 has nothing but the payload.
    for version in ["311", "31"] {
        let payload = json!({"id": version, "args": {"bitrate": 160_000}});
        scene.raw(
            "bitrate/set",
            payload.to_string().as_bytes(),
            &["-V", version],
        );
        let answer = scene.answer("bitrate/set", version, 1);
        assert_eq!(answer["ok"], true, "{answer}");
    }
    // Nothing at all, and QoS 0.
    scene.raw("identify", b"", &["-q", "0"]);
    let answer = scene
        .ears
        .wait_for(&format!("{BASE}/rsp/identify"), 1, |p| p["ok"] == true);
    assert_eq!(
        answer,
        json!({"id": null, "ok": true, "data": {"outcome": "accepted"}})
    );
    scene
        .it
        .wait_log("this is the box that you are looking for", LONG);
    // A response topic that none may have: the usual one instead.
    for topic in ["a/+/b", "$SYS/x", "boothcast/v1/home/box/b2/cmd/reboot"] {
        let more = ["-V", "5", "-D", "publish", "response-topic", topic];
        let id = format!("to {topic}");
        scene.raw(
            "live/set",
            json!({"id": id, "args": {"live": false}})
                .to_string()
                .as_bytes(),
            &more,
        );
        assert_eq!(scene.answer("live/set", &id, 1)["ok"], true);
    }
    assert!(
        scene
            .ears
            .with("boothcast/v1/home/box/b2/cmd/reboot", |_| true)
            .is_empty()
    );
    // What the core refuses has its reason.
    scene.send(
        "destination/remove",
        &json!({"id": "d", "args": {"destination": "nowhere"}}),
    );
    let answer = scene.answer("destination/remove", "d", 1);
    assert_eq!(answer["error"]["code"], "bad_request", "{answer}");
    assert_eq!(answer["error"]["reason"], "unknown_destination");
    scene.assert_alive();
}

#[test]
fn a_restart_is_answered_before_the_box_goes() {
    let mut scene = Scene::new();
    scene.send("restart", &json!({"id": "again"}));
    assert_eq!(scene.answer("restart", "again", 1), accepted("again"));
    let conn = format!("{BASE}/conn");
    scene
        .ears
        .wait_for(&conn, 1, |p| p["state"] == "stopped" && p["session"] == 1);
    scene
        .ears
        .wait_for(&conn, 1, |p| p["state"] == "online" && p["session"] == 2);
    // The answer was taken by the broker, so it is not sent again; and to ask again does not restart it again.
    scene.send("restart", &json!({"id": "again"}));
    assert_eq!(scene.answer("restart", "again", 2), accepted("again"));
    scene.assert_alive();
    let topic = format!("{BASE}/rsp/restart");
    let answers = scene.ears.with(&topic, |p| p["id"] == "again");
    assert_eq!(answers.len(), 2);
    assert!(scene.ears.with(&conn, |p| p["session"] == 3).is_empty());
}

#[test]
fn questions_are_answered_beside_the_commands() {
    let mut scene = Scene::new();
    scene.send("snapshot", &json!({"id": "p", "args": {"max_width": 80}}));
    let answer = scene.answer("snapshot", "p", 1);
    let picture = &answer["data"];
    assert_eq!(picture["topic"], format!("{BASE}/snapshot"), "{answer}");
    assert_eq!(
        (&picture["width"], &picture["height"]),
        (&json!(80), &json!(60))
    );
    assert!(picture["bytes"].as_u64().is_some_and(|n| n > 100));
    // The picture itself came first.
    let all = scene.ears.topics();
    let place = |leaf: &str| all.iter().position(|t| *t == format!("{BASE}/{leaf}"));
    assert!(place("snapshot").unwrap() < place("rsp/snapshot").unwrap());
    scene.send("logs", &json!({"id": "l", "args": {"lines": 5}}));
    let answer = scene.answer("logs", "l", 1);
    assert_eq!(answer["ok"], true, "{answer}");
    scene.send(
        "config/validate",
        &json!({"id": "c", "args": {"toml": "[video]\nsource = 7"}}),
    );
    let answer = scene.answer("config/validate", "c", 1);
    assert_eq!(answer["ok"], true, "{answer}");
    // They are asked anew each time, also with the same id.
    let generation = |n| {
        scene.answer("status", "s", n)["data"]["generation"]
            .as_u64()
            .unwrap()
    };
    scene.send("status", &json!({"id": "s"}));
    let before = generation(1);
    scene.send(
        "bitrate/set",
        &json!({"id": "b", "args": {"bitrate": 120_000}}),
    );
    scene.answer("bitrate/set", "b", 1);
    scene.send("status", &json!({"id": "s"}));
    assert!(generation(2) > before);
    scene.assert_alive();
}

#[test]
fn what_only_somebody_at_the_box_may_do_is_forbidden() {
    let mut scene = Scene::new();
    scene.send("factory/reset", &json!({"id": "f"}));
    let answer = scene.answer("factory/reset", "f", 1);
    assert_eq!(answer["error"]["code"], "forbidden", "{answer}");
    scene.assert_alive();
}

#[test]
fn a_group_is_heard_once_it_is_set_and_no_longer_than_that() {
    let scene = Scene::new();
    let to_group = |id: &str| {
        let payload = json!({"id": id, "spread_s": 1, "args": {"live": false}});
        publish(
            &scene.broker,
            "boothcast/v1/home/group/hall/cmd/live/set",
            payload.to_string().as_bytes(),
            &[],
        );
    };
    let desire = |version: u32, groups: Value| {
        let payload = json!({"version": version, "settings": {"groups": groups}});
        publish(
            &scene.broker,
            &format!("{BASE}/desired"),
            payload.to_string().as_bytes(),
            &["-r"],
        );
        scene
            .ears
            .wait_for(&format!("{BASE}/reported"), 1, |p| p["version"] == version);
    };
    to_group("too early");
    desire(1, json!(["hall"]));
    crate::support::wait_for("the group to be heard", LONG, || {
        let id = format!("g{}", rand::random::<u32>());
        to_group(&id);
        std::thread::sleep(Duration::from_millis(1500));
        let answers = scene
            .ears
            .with(&format!("{BASE}/rsp/live/set"), |p| p["id"] == id.as_str());
        (!answers.is_empty()).then_some(())
    });
    desire(2, json!([]));
    to_group("too late");
    scene.send(
        "live/set",
        &json!({"id": "own", "spread_s": 1, "args": {"live": false}}),
    );
    assert_eq!(scene.answer("live/set", "own", 1)["ok"], true);
    std::thread::sleep(Duration::from_millis(1200));
    let answers = scene.ears.with(&format!("{BASE}/rsp/live/set"), |_| true);
    let ids: Vec<&str> = answers.iter().filter_map(|a| a["id"].as_str()).collect();
    assert!(
        !ids.contains(&"too early") && !ids.contains(&"too late"),
        "{ids:?}"
    );
}

#[test]
fn too_many_commands_hear_when_to_come_again() {
    let mut scene = Scene::with("rate_per_s = 5\nrate_burst = 10");
    let lines: Vec<String> = (0..60)
        .map(|n| json!({"id": format!("n{n}"), "args": {"live": false}}).to_string())
        .collect();
    scene.raw("live/set", lines.join("\n").as_bytes(), &["-l"]);
    let topic = format!("{BASE}/rsp/live/set");
    scene.ears.wait_for(&topic, 60, |_| true);
    let (well, refused): (Vec<Value>, Vec<Value>) = scene
        .ears
        .with(&topic, |_| true)
        .into_iter()
        .partition(|a| a["ok"] == true);
    // The burst, and what came in while the sixty were sent.
    assert!(well.len() >= 10 && well.len() < 50, "{}", well.len());
    for answer in &refused {
        let error = &answer["error"];
        assert_eq!(error["code"], "rate_limited", "{answer}");
        assert_eq!(error["retryable"], true);
        assert!(
            error["after_ms"]
                .as_u64()
                .is_some_and(|ms| (1..=200).contains(&ms)),
            "{answer}"
        );
        assert!(answer["id"].as_str().is_some_and(|id| id.starts_with('n')));
    }
    std::thread::sleep(Duration::from_millis(1000));
    scene.assert_alive();
}
