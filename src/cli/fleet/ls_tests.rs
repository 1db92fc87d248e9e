use std::time::{Duration, Instant};

use serde_json::json;

use super::*;
use crate::cli::broker::link::Said;
use crate::edge::mqtt::topics::Fleet;

fn fleet() -> Fleet {
    Fleet::new(&"shop".parse().unwrap())
}

fn say(boxes: &mut Boxes, id: &str, leaf: &str, payload: &Value) {
    let said = Said {
        topic: format!("boothcast/v1/shop/box/{id}/{leaf}"),
        payload: payload.to_string().into(),
        retain: true,
    };
    assert!(boxes.take(&fleet(), &said).is_some(), "{id} {leaf}");
}

fn one(boxes: &mut Boxes, id: &str, state: &str, severity: &str, group: &str) {
    say(boxes, id, "conn", &json!({"state": state, "session": 1}));
    say(
        boxes,
        id,
        "info",
        &json!({"name": "Till", "version": "0.1.0"}),
    );
    let status = json!({
        "name": "Till", "live": severity == "ok", "version": "0.1.0", "profile": "720p30", "bitrate": 2_500_000,
        "encoder": "x264enc", "health": {"severity": severity, "sentence": "Something is to be said about it."},
        "temperature_c": 51, "groups": [group], "camera": "up", "destinations": {},
    });
    say(boxes, id, "status", &status);
    say(
        boxes,
        id,
        "reported",
        &json!({"version": 3, "revision": 9, "settings": {}, "errors": [], "trial": false}),
    );
}

fn some() -> Boxes {
    let mut boxes = Boxes::default();
    one(&mut boxes, "b", "online", "problem", "hall");
    one(&mut boxes, "a", "online", "ok", "hall");
    one(&mut boxes, "c", "offline", "ok", "stage");
    say(&mut boxes, "d", "conn", &json!({"state": "stopped"}));
    boxes
}

#[test]
fn the_table_is_sorted_and_counted() {
    let text = page(&LsArgs::default(), &some());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    let first: Vec<&str> = lines[1..5]
        .iter()
        .map(|l| l.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(first, ["a", "b", "c", "d"]);
    let a: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(
        a,
        [
            "a", "online", "live", "ok", "0.1.0", "720p30", "2500", "51", "hall", "3"
        ]
    );
    assert!(
        lines[2].ends_with("Something is to be said about it."),
        "{text}"
    );
    assert_eq!(
        lines[5],
        "4 boxes: 2 online, 2 not; 2 live; 1 with a problem, 0 with a warning. Version 0.1.0 on 3."
    );
}

#[test]
fn filters_choose_and_programs_get_the_same() {
    let boxes = some();
    let ids = |args: &LsArgs| {
        let json = for_programs(args, &boxes);
        let names: Vec<String> = json["boxes"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(json["counts"]["all"], names.len());
        names.join("")
    };
    assert_eq!(ids(&LsArgs::default()), "abcd");
    let hall = LsArgs {
        group: Some("hall".parse().unwrap()),
        ..LsArgs::default()
    };
    assert_eq!(ids(&hall), "ab");
    assert_eq!(
        ids(&LsArgs {
            problem: true,
            ..LsArgs::default()
        }),
        "b"
    );
    assert_eq!(
        ids(&LsArgs {
            offline: true,
            ..LsArgs::default()
        }),
        "cd"
    );
    assert_eq!(for_programs(&hall, &boxes)["boxes"]["a"]["state"], "online");
    let none = LsArgs {
        group: Some("nowhere".parse().unwrap()),
        ..LsArgs::default()
    };
    assert_eq!(page(&none, &boxes), "No box is so.\n");
}

/// What a box costs: its entry and the texts that hang on it.
fn bytes(known: &Known) -> usize {
    let status = known.status.as_ref().unwrap();
    let groups: usize = status
        .groups
        .iter()
        .map(|g| size_of_val(g) + g.as_str().len())
        .sum();
    size_of::<BoxId>()
        + 32
        + size_of_val(known)
        + known.name.len()
        + known.version.len()
        + status.sentence.len()
        + status.profile.len()
        + groups
}

#[test]
fn ten_thousand_boxes_are_quick_and_small() {
    let begun = Instant::now();
    let mut boxes = Boxes::default();
    for n in 0..10_000 {
        one(&mut boxes, &format!("kasse-{n:05}"), "online", "ok", "hall");
    }
    let text = page(&LsArgs::default(), &boxes);
    assert_eq!(text.lines().count(), 10_002);
    // Without optimization and beside other tests; it takes about half a second alone.
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    let most = boxes.all.values().map(bytes).max().unwrap();
    assert!(most < 1024, "{most} bytes");
    assert!(gather::doubt(&boxes).is_none());
}

#[test]
fn a_broker_that_cuts_off_is_noticed() {
    let mut boxes = some();
    assert!(gather::doubt(&boxes).is_none());
    for n in 0..20 {
        say(
            &mut boxes,
            &format!("x{n}"),
            "conn",
            &json!({"state": "online"}),
        );
    }
    assert!(
        gather::doubt(&boxes)
            .unwrap()
            .contains("max_queued_messages")
    );
}
