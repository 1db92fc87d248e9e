use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::device::event::{Level, LevelState, PowerState, PushFigures};
use crate::device::status::SoundStatus;
use crate::device::testing::Rig;

/// A box that has something to say everywhere.
fn full() -> Status {
    let mut status = Status::of(&Rig::up().state);
    let level = Level {
        peak_db: -6.1,
        rms_db: -12.0,
    };
    status.sound = Some(SoundStatus {
        muted: false,
        gain_db: 0.0,
        offset_ms: 0,
        level: Some(LevelState::Ok),
        channels: vec![level, level],
    });
    status.drift_ppm = Some(12.5);
    status.hardware.temperature_c = Some(45.3);
    status.hardware.power = Some(PowerState {
        under_voltage: true,
        ..PowerState::default()
    });
    status.audience.refused = [("word", 3), ("link", 1)].into();
    status.destinations[0].figures = PushFigures {
        backlog_ms: 250,
        bps: 2_000_000,
        refused: 7,
        sessions: 2,
    };
    status
}

fn figures() -> RoomFigures {
    RoomFigures {
        viewers: 12,
        likes_total: 340,
        watch_whep: 2,
        http_requests_total: [0, 90, 1, 4, 0],
        ..RoomFigures::default()
    }
}

type Series = BTreeMap<(String, Vec<(String, String)>), f64>;

fn is_name(name: &str, colon: bool) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || colon && c == ':';
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(ok)
}

/// Labels up to the brace that ends them, and what follows it.
fn labels(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut labels = Vec::new();
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label without a value");
        assert!(is_name(name, false), "{name}");
        let (mut value, mut chars) = (String::new(), after.char_indices());
        let end = loop {
            match chars.next().expect("a value that does not end") {
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    c => panic!("\\{c}"),
                }),
                (at, '"') => break at,
                (_, c) => value.push(c),
            }
        };
        labels.push((name.to_owned(), value));
        rest = &after[end + 1..];
        match rest.chars().next() {
            Some(',') => rest = &rest[1..],
            Some('}') => return (labels, &rest[1..]),
            other => panic!("{other:?} after a label"),
        }
    }
}

/// By the rules of the format 0.0.4, strictly: a metric has its help and its type, then all of its samples.
fn parse(text: &str) -> (BTreeMap<String, String>, Series) {
    assert!(text.ends_with('\n'));
    let (mut types, mut series) = (BTreeMap::new(), Series::new());
    let (mut helped, mut current) = (BTreeSet::new(), String::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, what) = help.split_once(' ').unwrap();
            assert!(is_name(name, true) && !what.is_empty());
            assert!(helped.insert(name.to_owned()), "{name} twice");
            current = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, current);
            assert!(["gauge", "counter"].contains(&kind));
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none());
        } else {
            let end = line.find(['{', ' ']).unwrap();
            let (name, rest) = line.split_at(end);
            assert_eq!(name, current, "a sample away from its metric");
            assert!(types.contains_key(name));
            let (mut labels, value) = rest
                .strip_prefix('{')
                .map_or_else(|| (Vec::new(), rest), labels);
            let value: f64 = value.strip_prefix(' ').unwrap().parse().unwrap();
            labels.sort();
            assert!(
                series.insert((name.to_owned(), labels), value).is_none(),
                "{line} twice"
            );
        }
    }
    (types, series)
}

#[test]
fn the_text_is_what_prometheus_reads() {
    let (types, series) = parse(&render(&full(), &figures()));
    for (name, kind) in &types {
        assert!(name.starts_with("boothcast_"));
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        for odd in ["_ms", "_milliseconds", "_bits", "_kb", "_ppm", "_percent"] {
            assert!(!name.contains(odd), "{name} is not in base units");
        }
    }
    let value = |name: &str, labels: &[(&str, &str)]| {
        let labels = labels
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        series[&(name.to_owned(), labels)]
    };
    assert_eq!(value("boothcast_room_viewers", &[]), 12.0);
    assert_eq!(value("boothcast_room_likes_total", &[]), 340.0);
    assert_eq!(value("boothcast_temperature_celsius", &[]), 45.3);
    assert_eq!(
        value("boothcast_http_requests_total", &[("class", "2xx")]),
        90.0
    );
    assert_eq!(
        value("boothcast_watch_sessions", &[("transport", "whep")]),
        2.0
    );
    assert_eq!(
        value("boothcast_moderation_refused_total", &[("reason", "word")]),
        3.0
    );
    assert_eq!(value("boothcast_audio_drift_ratio", &[]), 12.5e-6);
    let first = full().destinations[0].name.as_str().to_owned();
    assert_eq!(
        value("boothcast_push_backlog_seconds", &[("destination", &first)]),
        0.25
    );
    assert_eq!(
        value(
            "boothcast_push_bytes_per_second",
            &[("destination", &first)]
        ),
        250_000.0
    );
    for destination in &full().destinations {
        let states = series.iter().filter(|((n, l), v)| {
            n == "boothcast_push_state" && l[0].1 == destination.name.as_str() && **v == 1.0
        });
        assert_eq!(states.count(), 1);
    }
}

#[test]
fn values_of_labels_are_escaped() {
    let mut text = Text::default();
    let hostile = "a\"} 1\nx{y=\"\\";
    text.metric("boothcast_x", Kind::Gauge, "X.")
        .sample(&[("a", hostile), ("b", "")], 1.0);
    let (_, series) = parse(&text.out);
    let ((_, labels), _) = series.first_key_value().unwrap();
    assert_eq!(labels[0].1, hostile);
}

#[test]
fn a_box_with_little_to_say_is_read_too() {
    let mut status = Status::of(&Rig::up().state);
    status.destinations.clear();
    status.encoders.clear();
    status.sound = None;
    parse(&render(&status, &RoomFigures::default()));
}

#[test]
fn the_dashboard_asks_only_for_what_there_is() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/grafana/boothcast.json");
    let dashboard = std::fs::read_to_string(path).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    assert!(parsed["panels"].as_array().unwrap().len() > 10);
    let (types, series) = parse(&render(&full(), &figures()));
    let sampled: BTreeSet<&str> = series.keys().map(|(name, _)| name.as_str()).collect();
    let mut asked = BTreeSet::new();
    for part in dashboard.split("boothcast_").skip(1) {
        let end = part
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap();
        asked.insert(format!("boothcast_{}", &part[..end]));
    }
    for name in &asked {
        assert!(sampled.contains(name.as_str()), "{name} is not produced");
    }
    let missing: Vec<&String> = types.keys().filter(|name| !asked.contains(*name)).collect();
    assert!(missing.is_empty(), "not on the dashboard: {missing:?}");
}
