//! `boothcast fleet`: list, watch, commands.

use super::fakes::{Fakes, topic, well};
use super::*;

/// mosquitto with the bounds of the sample, which have room for what thousands of boxes keep.
fn roomy() -> Broker {
    let sample = include_str!("../../../../docs/mqtt/mosquitto.conf");
    let bounds = sample.lines().filter(|l| l.starts_with("max_"));
    let bounds: Vec<&str> = bounds.collect();
    assert_eq!(bounds.len(), 3, "{bounds:?}");
    Broker::with(
        &format!("allow_anonymous true\n{}\n", bounds.join("\n")),
        |_| {},
    )
}

#[test]
fn two_thousand_boxes_are_listed_at_once() {
    let broker = roomy();
    let ids: Vec<String> = (0..2000).map(|n| format!("box-{n:04}")).collect();
    let fakes = Fakes::start(&broker, &ids, well);
    fakes.keep(
        "box-0007",
        "conn",
        &json!({"state": "offline", "session": 1}),
    );
    let ill = json!({"live": false, "health": {"severity": "problem", "sentence": "The camera is away."}, "groups": []});
    fakes.keep("box-0009", "status", &ill);
    fakes.flush();

    let begun = Instant::now();
    let (code, said) = run_json(&broker, &["fleet", "ls", "--timeout", "30"]);
    let took = begun.elapsed();
    assert_eq!((code, &said["counts"]["all"]), (0, &json!(2000)));
    assert_eq!(
        (&said["counts"]["online"], &said["counts"]["problem"]),
        (&json!(1999), &json!(1))
    );
    // One second of it is the silence after the last message.
    assert!(took < Duration::from_secs(20), "{took:?}");
    let names = |args: &[&str]| -> Vec<String> {
        let (_, said) = run_json(&broker, &[&["fleet", "ls"], args].concat());
        said["boxes"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(&["--offline"]), ["box-0007"]);
    assert_eq!(names(&["--problem"]), ["box-0009"]);
    assert_eq!(names(&["--group", "hall"]).len(), 1999);
    let (_, page, _) = run(&broker, &["fleet", "ls", "--problem"]);
    assert!(
        page.contains("The camera is away.") && page.contains("1 box:"),
        "{page}"
    );
}

#[test]
fn a_broker_that_cuts_the_list_off_is_complained_of() {
    let broker = Broker::with("allow_anonymous true\nmax_queued_messages 50\n", |_| {});
    let ids: Vec<String> = (0..300).map(|n| format!("box-{n:04}")).collect();
    let _fakes = Fakes::start(&broker, &ids, well);
    let (code, _, err) = run(&broker, &["fleet", "ls"]);
    assert_eq!(code, 0);
    assert!(err.contains("max_queued_messages"), "{err}");
}

#[test]
fn changes_are_watched_as_lines() {
    let broker = Broker::start();
    let fakes = Fakes::start(&broker, &["a".to_owned(), "b".to_owned()], well);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lines");
    let out = std::fs::File::create(&file).unwrap();
    let mut watch = command(&broker.url(), &["fleet", "watch", "--json"]);
    let _watch = Guard::spawn(watch.stdin(Stdio::null()).stdout(out));
    let line = |what: &str, holds: &dyn Fn(&Value) -> bool| {
        crate::support::wait_for(what, LIMIT, || {
            let lines = std::fs::read_to_string(&file).unwrap();
            let (whole, _) = lines.rsplit_once('\n')?;
            let all = whole
                .lines()
                .map(|l| serde_json::from_str::<Value>(l).unwrap());
            all.filter(|l| l["what"] == what && holds(l)).last()
        })
    };
    line("conn", &|l| l["box"] == "b" && l["data"] == "online");
    fakes.keep("a", "conn", &json!({"state": "stopped", "session": 1}));
    line("conn", &|l| l["box"] == "a" && l["data"] == "stopped");
    let event = json!({"seq": 1, "type": "camera", "severity": "problem", "message": "The camera is away."});
    publish(
        &broker,
        &topic("b", "evt/camera"),
        event.to_string().as_bytes(),
        &[],
    );
    let said = line("event", &|l| l["box"] == "b");
    assert_eq!(said["data"]["message"], "The camera is away.");
    // The same again is no change.
    let count = || std::fs::read_to_string(&file).unwrap().lines().count();
    let before = count();
    fakes.keep("a", "conn", &json!({"state": "stopped", "session": 1}));
    fakes.keep("b", "conn", &json!({"state": "offline", "session": 2}));
    line("conn", &|l| l["box"] == "b" && l["data"] == "offline");
    assert_eq!(count(), before + 1);
}

#[test]
fn commands_go_to_boxes_groups_and_all_and_the_exit_code_tells() {
    let broker = Broker::start();
    let _one = the_box(&broker, "kasse-1");
    let _two = the_box(&broker, "kasse-2");
    let (code, said) = run_json(
        &broker,
        &["fleet", "cmd", "audio/mute", r#"{"muted":true}"#, "--all"],
    );
    assert_eq!(
        (code, &said["answered"], &said["missing"]),
        (0, &json!(2), &json!([])),
        "{said}"
    );
    let (code, said) = run_json(
        &broker,
        &[
            "fleet",
            "cmd",
            "audio-gain",
            r#"{"gain_db":99}"#,
            "--box",
            "kasse-2",
        ],
    );
    assert_eq!(
        (code, &said["answers"]["kasse-2"]["error"]["code"]),
        (65, &json!("bad_request"))
    );
    let args = [
        "fleet",
        "cmd",
        "identify",
        "--box",
        "kasse-1",
        "--box",
        "nobody",
        "--timeout",
        "2",
    ];
    let (code, said) = run_json(&broker, &args);
    assert_eq!((code, &said["missing"]), (75, &json!(["nobody"])));
    let begun = Instant::now();
    let (code, _) = run_json(
        &broker,
        &["fleet", "cmd", "identify", "--all", "--spread", "4"],
    );
    assert!(
        code == 0 && begun.elapsed() >= Duration::from_secs(2),
        "{code}"
    );
    let args = [
        "fleet",
        "cmd",
        "identify",
        "--group",
        "nobody",
        "--timeout",
        "1",
    ];
    assert_eq!(run(&broker, &args).0, 75);
}
