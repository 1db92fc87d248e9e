use std::collections::BTreeSet;

use super::*;
use crate::config::FleetName;
use crate::device::command::Command;
use crate::device::stage::DanmakuChange;
use crate::edge::mqtt::client::Properties;
use crate::edge::mqtt::codec::{Incoming, Taken, take};
use crate::edge::mqtt::tell::{BoardInfo, Capabilities};
use crate::edge::mqtt::topics::{Fleet, Meant};

fn info() -> Info {
    Info {
        id: "b1".parse().unwrap(),
        fleet: "shop".parse().unwrap(),
        name: "Corner shop".into(),
        version: "0.1.0".into(),
        board: BoardInfo {
            id: "rpi4".into(),
            title: "Raspberry Pi 4".into(),
            model: Some("Raspberry Pi 4 Model B Rev 1.4".into()),
        },
        system: None,
        slot: None,
        kernel: "6.6.20".into(),
        arch: "aarch64".into(),
        capabilities: Capabilities {
            encoders: vec!["v4l2h264enc".into()],
            commands: Vec::new(),
            sound: true,
            schema: 1,
        },
        started_at: None,
        session: 3,
    }
}

fn topics() -> BoxTopics {
    let fleet: FleetName = "shop".parse().unwrap();
    Fleet::new(&fleet).of(&"b1".parse().unwrap())
}

/// The golden file was checked with Home Assistant's own schemas; `docs/mqtt/README.md` says how.
#[test]
fn the_reference_payload_is_the_golden_one() {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/homeassistant.json");
    let text = format!("{:#}\n", device(&info(), &topics()));
    if std::env::var_os("BOOTHCAST_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        golden == text,
        "tests/golden/homeassistant.json differs. Run: make bless, then tests/homeassistant/check"
    );
}

#[test]
fn the_topic_is_one_that_home_assistant_looks_at() {
    assert_eq!(
        topic("homeassistant", &info()),
        "homeassistant/device/shop-b1/config"
    );
    assert_eq!(birth_topic("homeassistant"), "homeassistant/status");
}

#[test]
fn the_documented_rules_hold() {
    let device = device(&info(), &topics());
    assert!(
        !device["device"]["identifiers"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert!(device["origin"]["name"].is_string());
    let components = device["components"].as_object().unwrap();
    let mut ids = BTreeSet::new();
    for (name, c) in components {
        let platform = c["platform"].as_str().unwrap();
        assert!(
            ids.insert(c["unique_id"].as_str().unwrap()),
            "{name}: its unique_id is there twice"
        );
        let needs: &[&str] = match platform {
            "sensor" | "binary_sensor" => &["state_topic"],
            "switch" | "number" => &["command_topic", "state_topic"],
            "select" => &["command_topic", "options"],
            "button" => &["command_topic"],
            "image" => &["image_topic"],
            "update" => &["state_topic"],
            other => panic!("{name}: {other}"),
        };
        for key in needs {
            assert!(!c[*key].is_null(), "{name} lacks {key}");
        }
        // A sensor cannot be a setting there.
        let is_sensor = platform.ends_with("sensor");
        assert!(!is_sensor || c["entity_category"] != "config", "{name}");
        for (key, value) in c.as_object().unwrap() {
            if key.ends_with("_topic") && key != "command_topic" {
                let leaf = value.as_str().unwrap();
                let known = ["status", "snapshot"].map(|l| topics().own(l));
                assert!(known.iter().any(|k| k == leaf), "{name}: {leaf}");
            }
        }
    }
    let platforms: BTreeSet<_> = components
        .values()
        .map(|c| c["platform"].as_str().unwrap())
        .collect();
    assert_eq!(platforms.len(), 8, "{platforms:?}");
}

/// What Home Assistant's template engine makes of ours, for a value that a person chose.
fn rendered(template: &str, value: &str) -> String {
    let number = value.parse::<f64>().map(|n| format!("{:.0}", n * 1000.0));
    template
        .replace("{{ now().timestamp() }}", "1732212345.678901")
        .replace("{{ value }}", value)
        .replace(
            "{{ (value | float * 1000) | int }}",
            &number.unwrap_or_default(),
        )
}

#[test]
fn every_command_that_home_assistant_sends_is_one_of_ours() {
    let device = device(&info(), &topics());
    let mut heard = Vec::new();
    for (name, c) in device["components"].as_object().unwrap() {
        let Some(topic) = c["command_topic"].as_str() else {
            continue;
        };
        let values: Vec<String> = match c["platform"].as_str().unwrap() {
            "switch" => vec!["true".into(), "false".into()],
            "number" => vec![c["min"].to_string(), c["max"].to_string(), "2500.0".into()],
            "select" => c["options"]
                .as_array()
                .unwrap()
                .iter()
                .map(|o| o.as_str().unwrap().to_owned())
                .collect(),
            _ => vec!["PRESS".into()],
        };
        let Meant::Command {
            name: command,
            group: None,
        } = topics().meant(topic)
        else {
            panic!("{name}: {topic}");
        };
        for value in values {
            let text = rendered(c["command_template"].as_str().unwrap(), &value);
            assert!(!text.contains("{{"), "{name}: {text}");
            let incoming = Incoming {
                name: &command,
                payload: text.as_bytes(),
                properties: &Properties::default(),
                retain: false,
                dup: false,
            };
            let Taken::Command(taken) = take(&incoming, &topics()) else {
                panic!("{name}: {text}");
            };
            assert!(taken.id.is_some(), "{name}: it could run twice");
            heard.push(taken.command);
        }
    }
    for expected in [
        Command::LiveSet { live: true },
        Command::Panic { on: true },
        Command::Panic { on: false },
        Command::DanmakuSet {
            reset: false,
            change: DanmakuChange {
                enabled: Some(false),
                ..DanmakuChange::default()
            },
        },
        Command::BitrateSet {
            bitrate: MAX_BITRATE,
        },
        Command::BitrateSet { bitrate: 2_500_000 },
        Command::Identify,
        Command::Restart,
        Command::Snapshot { max_width: None },
    ] {
        assert!(heard.contains(&expected), "{expected:?}");
    }
    assert_eq!(heard.len(), 3 * 2 + 3 + 3 + 3);
}
