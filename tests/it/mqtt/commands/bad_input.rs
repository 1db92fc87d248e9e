//! What a stranger may send: a typed refusal, nothing is run, and the box lives.

use serde_json::json;

use super::ears::publish;
use super::{BASE, Scene};

#[test]
fn bad_input_is_refused_by_its_kind_and_nothing_is_run() {
    let mut scene = Scene::new();
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let nested = format!(r#"{{"id":"deep","args":{}}}"#, deep(1000));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("live/start", b"live".to_vec(), "bad_request"),
        ("live/start", b"{\"id\":\"1\"".to_vec(), "bad_request"),
        ("live/start", b"[]".to_vec(), "bad_request"),
        ("live/start", b"null".to_vec(), "bad_request"),
        ("live/start", b"\xff\xfe\x00\x80".to_vec(), "bad_request"),
        (
            "live/start",
            b"{\"id\":\"\xc3\x28\"}".to_vec(),
            "bad_request",
        ),
        ("live/start", br#"{"id":7}"#.to_vec(), "bad_request"),
        ("live/start", br#"{"id":""}"#.to_vec(), "bad_request"),
        (
            "live/start",
            json!({"id": "x".repeat(65)}).to_string().into_bytes(),
            "bad_request",
        ),
        (
            "live/start",
            br#"{"id":"1","more":true}"#.to_vec(),
            "bad_request",
        ),
        (
            "live/start",
            br#"{"id":"1","args":{"more":true}}"#.to_vec(),
            "bad_request",
        ),
        (
            "live/start",
            br#"{"id":"1","args":7}"#.to_vec(),
            "bad_request",
        ),
        (
            "live/start",
            br#"{"id":"1","spread_s":-1}"#.to_vec(),
            "bad_request",
        ),
        (
            "live/start",
            br#"{"id":"1","spread_s":3601}"#.to_vec(),
            "bad_request",
        ),
        (
            "live/start",
            br#"{"id":"1","expires_s":"soon"}"#.to_vec(),
            "bad_request",
        ),
        (
            "live/set",
            br#"{"id":"1","args":{"live":"yes"}}"#.to_vec(),
            "bad_request",
        ),
        (
            "live/set",
            br#"{"id":"1","args":{}}"#.to_vec(),
            "bad_request",
        ),
        (
            "bitrate/set",
            br#"{"id":"1","args":{"bitrate":1e99}}"#.to_vec(),
            "bad_request",
        ),
        (
            "bitrate/set",
            br#"{"id":"1","args":{"bitrate":1}}"#.to_vec(),
            "bad_request",
        ),
        (
            "audio/gain",
            br#"{"id":"2","args":{"gain_db":1000}}"#.to_vec(),
            "bad_request",
        ),
        ("live/start", nested.into_bytes(), "bad_request"),
        ("live/start", deep(30_000).into_bytes(), "bad_request"),
        ("live-start", br#"{"id":"1"}"#.to_vec(), "unknown_command"),
        (
            "live/start/now",
            br#"{"id":"1"}"#.to_vec(),
            "unknown_command",
        ),
        ("make/coffee", br#"{"id":"1"}"#.to_vec(), "unknown_command"),
        ("LIVE/START", br#"{"id":"1"}"#.to_vec(), "unknown_command"),
        ("überall", br#"{"id":"1"}"#.to_vec(), "unknown_command"),
    ];
    let mut refusals = 0;
    for (name, payload, code) in &cases {
        scene.raw(name, payload, &[]);
        let plain = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b"/-".contains(&b));
        let topic = format!("{BASE}/rsp/{}", if plain { name } else { "unknown" });
        refusals += 1;
        let all = crate::support::wait_for("a refusal", super::LONG, || {
            let all: Vec<_> = RSP
                .iter()
                .flat_map(|leaf| {
                    scene
                        .ears
                        .with(&format!("{BASE}/rsp/{leaf}"), |p| p["ok"] == false)
                })
                .collect();
            (all.len() >= refusals).then_some(all)
        });
        assert_eq!(all.len(), refusals);
        let last = scene
            .ears
            .with(&topic, |_| true)
            .pop()
            .unwrap_or_else(|| panic!("nothing on {topic}"));
        let what = String::from_utf8_lossy(&payload[..payload.len().min(60)]);
        assert_eq!(last["error"]["code"], *code, "{name} {what}: {last}");
        assert_eq!(last["error"]["retryable"], false);
        assert!(
            last["error"]["message"]
                .as_str()
                .is_some_and(|m| m.len() > 10 && m.len() < 2000)
        );
    }
    // A name is told as it is written in topics.
    let unknown = scene
        .ears
        .with(&format!("{BASE}/rsp/make/coffee"), |_| true);
    assert!(
        unknown[0]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("live/start, "),
        "{unknown:?}"
    );
    // Larger than the box takes: the broker keeps it to itself.
    scene.raw("live/start", &vec![b'x'; 1 << 20], &[]);
    // For another box, another fleet, nobody.
    let start = br#"{"id":"2"}"#;
    for topic in [
        "boothcast/v1/home/box/b2/cmd/live/start",
        "boothcast/v1/away/box/b1/cmd/live/start",
        &format!("{BASE}/cmd"),
        &format!("{BASE}/live/start"),
    ] {
        publish(&scene.broker, topic, start, &[]);
    }
    // Settings that are none.
    for payload in [&b"{"[..], br#"{"version":-1,"settings":{}}"#, b"\xff"] {
        publish(&scene.broker, &format!("{BASE}/desired"), payload, &[]);
    }
    scene.assert_alive();
    // Two reached the core, which refused them as well.
    let log = scene.it.stderr();
    let ran: Vec<&str> = log
        .lines()
        .filter(|l| l.contains("origin=Mqtt command=") && !l.contains("answer=Err"))
        .collect();
    assert!(ran.is_empty(), "{ran:?}");
    assert!(!log.contains("panicked"), "{log}");
}

/// Where the refusals of this test go.
const RSP: [&str; 9] = [
    "live/start",
    "live/set",
    "bitrate/set",
    "audio/gain",
    "live-start",
    "live/start/now",
    "make/coffee",
    "unknown",
    "live/stop",
];

#[test]
fn desired_settings_that_cannot_be_read_are_an_event_and_change_nothing() {
    let mut scene = Scene::new();
    let desired = format!("{BASE}/desired");
    publish(&scene.broker, &desired, b"{\"version\":1", &["-r"]);
    let event = format!("{BASE}/evt/desired");
    let told = scene
        .ears
        .wait_for(&event, 1, |p| p["severity"] == "problem");
    let error = &told["data"]["errors"][0];
    assert_eq!(error["code"], "bad_request", "{told}");
    assert!(told["message"].as_str().unwrap().contains("EOF"), "{told}");
    let good =
        json!({"version": 1, "settings": {"bitrate": 200_000, "audio": {"gain_db": "loud"}}});
    publish(
        &scene.broker,
        &desired,
        good.to_string().as_bytes(),
        &["-r"],
    );
    let reported = format!("{BASE}/reported");
    let said = scene.ears.wait_for(&reported, 1, |p| p["version"] == 1);
    assert_eq!(said["settings"]["bitrate"], 200_000, "{said}");
    assert_eq!(said["errors"][0]["path"], "audio.gain_db", "{said}");
    scene.assert_alive();
}
