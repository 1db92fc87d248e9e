//! At most once: duplicates, other content, kills, commands that are too old.

use std::time::Duration;

use serde_json::json;

use super::{BASE, LONG, Scene, accepted};

#[test]
fn a_duplicate_gets_the_same_answer_and_is_not_run_again() {
    let mut scene = Scene::new();
    let command = json!({"id": "one", "args": {"bitrate": 150_000}});
    for n in 1..=3 {
        scene.send("bitrate/set", &command);
        assert_eq!(scene.answer("bitrate/set", "one", n), accepted("one"));
    }
    // The same in other words, to another place.
    let more = ["-V", "5", "-D", "publish", "response-topic", "answers/me"];
    scene.raw(
        "bitrate/set",
        br#"{ "args": {"bitrate": 150000}, "expires_s": 60, "id": "one" }"#,
        &more,
    );
    assert_eq!(
        scene.ears.wait_for("answers/me", 1, |p| p["id"] == "one"),
        accepted("one")
    );
    // Other content, another command: refused, and the first answer stays.
    scene.send(
        "bitrate/set",
        &json!({"id": "one", "args": {"bitrate": 160_000}}),
    );
    let answer = scene.answer("bitrate/set", "one", 4);
    assert_eq!(answer["error"]["code"], "conflict", "{answer}");
    scene.send("live/stop", &json!({"id": "one"}));
    assert_eq!(
        scene.answer("live/stop", "one", 1)["error"]["code"],
        "conflict"
    );
    // Also across a kill.
    assert_eq!(bitrates_set(&scene), 1);
    scene = scene.again();
    scene.send("bitrate/set", &command);
    assert_eq!(scene.answer("bitrate/set", "one", 5), accepted("one"));
    assert_eq!(bitrates_set(&scene), 0);
    // Correlation data of the length of a UUID stand for an id; shorter ones may be a counter.
    for (data, runs) in [("0b5a7c9e-1f0d-4a7b-8a3e-5d2f", 1), ("7", 2)] {
        let more = ["-V", "5", "-D", "publish", "correlation-data", data];
        let before = bitrates_set(&scene);
        let bitrate = 170_000 + data.len();
        let payload = json!({"args": {"bitrate": bitrate}}).to_string();
        let known = |p: &serde_json::Value| {
            p["id"].is_null() == (runs == 2) && p["ok"] == true && p["id"] != "one"
        };
        for n in 1..=2 {
            scene.raw("bitrate/set", payload.as_bytes(), &more);
            scene
                .ears
                .wait_for(&format!("{BASE}/rsp/bitrate/set"), n, known);
        }
        assert_eq!(bitrates_set(&scene) - before, runs);
    }
    scene.assert_alive();
}

#[test]
fn what_had_begun_before_a_kill_is_interrupted_and_never_run() {
    let scene = Scene::new();
    // Somewhere within an hour: not within this test.
    let later = json!({"id": "later", "spread_s": 3600, "args": {"bitrate": 150_000}});
    scene.send("bitrate/set", &later);
    // Answers come in order of the commands, so it is noted by now.
    scene.send("live/set", &json!({"id": "after", "args": {"live": false}}));
    scene.answer("live/set", "after", 1);
    let mut scene = scene.again();
    let answer = scene.answer("bitrate/set", "later", 1);
    assert_eq!(answer["error"]["code"], "interrupted", "{answer}");
    scene.send("bitrate/set", &later);
    let again = scene.answer("bitrate/set", "later", 2);
    assert_eq!(again, answer);
    assert_eq!(bitrates_set(&scene), 0);
    scene.assert_alive();
}

#[test]
fn a_command_that_is_too_old_is_not_run() {
    let mut scene = Scene::new();
    scene.send(
        "bitrate/set",
        &json!({"id": "old", "expires_s": 0, "args": {"bitrate": 150_000}}),
    );
    let answer = scene.answer("bitrate/set", "old", 1);
    assert_eq!(answer["error"]["code"], "expired", "{answer}");
    // Its random moment comes after its end, but for one chance in 3600; then it is said at once.
    scene.send(
        "bitrate/set",
        &json!({"id": "spread", "expires_s": 1, "spread_s": 3600, "args": {"bitrate": 150_001}}),
    );
    let answer = scene.answer("bitrate/set", "spread", 1);
    assert_eq!(answer["error"]["code"], "expired", "{answer}");
    assert_eq!(bitrates_set(&scene), 0);
    // One that waits at the broker for a box that is away: the broker's own rule, and the box's own.
    scene.it.process.signal(libc::SIGSTOP);
    let more = ["-V", "5", "-D", "publish", "message-expiry-interval", "1"];
    scene.raw(
        "bitrate/set",
        br#"{"id":"waited","args":{"bitrate":150002}}"#,
        &more,
    );
    scene.raw(
        "bitrate/set",
        br#"{"id":"fresh","args":{"bitrate":150003}}"#,
        &[],
    );
    std::thread::sleep(Duration::from_millis(2500));
    scene.it.process.signal(libc::SIGCONT);
    assert_eq!(scene.answer("bitrate/set", "fresh", 1), accepted("fresh"));
    scene.assert_alive();
}

#[test]
fn a_retained_command_is_never_run_and_its_sender_is_told() {
    let scene = Scene::new();
    let command = br#"{"id":"kept","args":{"bitrate":150000}}"#;
    scene.raw("bitrate/set", command, &["-r"]);
    let answer = scene.answer("bitrate/set", "kept", 1);
    assert_eq!(answer["error"]["code"], "bad_request", "{answer}");
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("retained")
    );
    // The broker brings it again at each new subscription.
    let mut scene = scene.again();
    scene.answer("bitrate/set", "kept", 2);
    assert_eq!(bitrates_set(&scene), 0);
    scene.it.wait_log("retained", LONG);
    scene.assert_alive();
}

fn bitrates_set(scene: &Scene) -> usize {
    scene.ran("\"name\":\"bitrate-set\"")
}
