use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::config::{BoxId, FleetName, Rgb};
use crate::device::notice::Notice;
use crate::edge::codec;
use crate::edge::mqtt::client::Properties;
use crate::edge::mqtt::codec::{Incoming, Taken, take};
use crate::edge::mqtt::topics::Fleet;
use crate::room::item::{Alert, AlertKind, Comment, ItemId, Rank, Run};
use crate::room::live::act::Act;

// The other tests read the files that are judged by here.
#[allow(dead_code)]
#[path = "../../../tests/it/support/schema.rs"]
mod judge;

/// The schemas by the names of their files.
static FILES: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let parsed = |(name, text): (String, String)| (name, serde_json::from_str(&text).unwrap());
    files().into_iter().map(parsed).collect()
});

#[test]
fn the_reference_files_are_in_step() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mqtt");
    let files = files();
    if std::env::var_os("BOOTHCAST_BLESS").is_some() {
        for (name, text) in &files {
            std::fs::write(dir.join(name), text).unwrap();
        }
    }
    for (name, text) in &files {
        let there = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        assert!(
            there == *text,
            "docs/mqtt/{name} is not what the types say. Run: make bless"
        );
    }
    let known: BTreeSet<_> = files.iter().map(|(name, _)| name.clone()).collect();
    for entry in std::fs::read_dir(&dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let stray = name.ends_with(".schema.json") && !known.contains(&name);
        assert!(!stray, "docs/mqtt/{name} belongs to nothing. Remove it.");
    }
}

#[test]
fn every_command_has_a_schema_that_the_codec_agrees_with() {
    let commands = commands();
    assert!(commands.len() > 20, "{}", commands.len());
    for c in &commands {
        // The codec knows the name; what it says of missing arguments is what the schema says.
        let bare = codec::command(&json!({"name": c.name}));
        let required = c.schema["required"].as_array().unwrap();
        let needs_args = required.contains(&json!("args"));
        assert_eq!(bare.is_err(), needs_args, "{}: {bare:?}", c.name);
        if let Err(failure) = bare {
            assert_eq!(failure.code, codec::Code::BadRequest, "{}", c.name);
        }
        assert!(c.schema["description"].is_string(), "{}", c.name);
    }
    assert!(command_names().contains(&"live/start".to_owned()));
    assert!(command_names().contains(&"camera/control-reset".to_owned()));
}

#[test]
fn every_reference_leads_somewhere() {
    for (name, text) in files() {
        let schema: Value = serde_json::from_str(&text).unwrap();
        for used in refs(&schema) {
            assert!(schema["$defs"].get(&used).is_some(), "{name}: {used}");
        }
    }
}

#[test]
fn the_codes_are_those_of_the_codec() {
    use codec::Code::*;
    let all = [
        BadRequest,
        UnknownCommand,
        Forbidden,
        Conflict,
        TooLarge,
        RateLimited,
        Refused,
        Unsupported,
        Busy,
        Interrupted,
        Expired,
        Internal,
    ];
    let names: Vec<_> = all.iter().map(|c| json!(c)).collect();
    assert_eq!(json!(names), json!(CODES));
}

#[test]
fn every_command_has_an_example_in_the_readme_that_the_box_takes() {
    let readme = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mqtt/README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let fleet: FleetName = "shop".parse().unwrap();
    let id: BoxId = "b1".parse().unwrap();
    let topics = Fleet::new(&fleet).of(&id);
    let mut shown = BTreeSet::new();
    for line in readme.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let code = |cell: &&str| cell.strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
        let (Some(name), Some(payload)) = (
            cells.get(1).and_then(code),
            cells.get(2).and_then(code).filter(|p| p.starts_with('{')),
        ) else {
            continue;
        };
        let incoming = Incoming {
            name: &name,
            payload: payload.as_bytes(),
            properties: &Properties::default(),
            retain: false,
            dup: false,
        };
        let taken = take(&incoming, &topics);
        assert!(matches!(taken, Taken::Command(_)), "{name}: {taken:?}");
        shown.insert(name);
    }
    assert_eq!(shown, command_names().into_iter().collect());
    for code in CODES {
        assert!(readme.contains(&format!("| `{code}` |")), "{code}");
    }
}

/// The command as its payload on a topic, with what is left out as null or not at all.
fn payload(command: &Command, nulls: bool) -> (String, Value) {
    let mut whole = json!(command);
    let name = topic_name(whole["name"].as_str().unwrap());
    let mut args = whole["args"].take();
    if let Value::Object(fields) = &mut args
        && !nulls
    {
        fields.retain(|_, v| !v.is_null());
    }
    let payload = match args {
        Value::Null => json!({"id": "1"}),
        args => json!({"id": "1", "args": args}),
    };
    (name, payload)
}

fn comes_through(command: &Command) {
    let topics = Fleet::new(&"shop".parse().unwrap()).of(&"b1".parse().unwrap());
    for nulls in [true, false] {
        let (name, payload) = payload(command, nulls);
        let bytes = payload.to_string();
        let incoming = Incoming {
            name: &name,
            payload: bytes.as_bytes(),
            properties: &Properties::default(),
            retain: false,
            dup: false,
        };
        let Taken::Command(taken) = take(&incoming, &topics) else {
            panic!("{name}: {payload}");
        };
        let expected = match command.clone() {
            // No part of it as it goes over the wire.
            Command::Countdown {
                title,
                seconds,
                until,
                ..
            } => Command::Countdown {
                title,
                seconds,
                until,
                now: None,
            },
            other => other,
        };
        assert_eq!(taken.command, expected);
        let word = json!(command)["name"].as_str().unwrap().to_owned();
        let problems = judge::problems(&FILES[&format!("cmd.{word}.schema.json")], &payload);
        assert!(problems.is_empty(), "{payload}: {problems:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn commands_of_the_stage_come_through_topics_and_fit_their_schemas(
        command in crate::device::properties_stage::command(),
    ) {
        // JSON has no words for what is no number.
        let finite = match &command {
            Command::DanmakuSet { change, .. } => change.crossing_s.is_none_or(f32::is_finite),
            _ => true,
        };
        prop_assume!(finite);
        comes_through(&command);
    }

    #[test]
    fn commands_of_the_audience_come_through_topics_and_fit_their_schemas(
        text in ".{0,60}", who in proptest::option::of(".{0,20}"), number in any::<u64>(), colour in any::<Option<[u8; 3]>>(),
    ) {
        let colour = colour.map(Rgb);
        let count = u32::try_from(number % 1000).unwrap();
        for command in [
            Command::Danmaku(Comment {
                text: text.clone(), who: who.clone(), rank: Rank::Paid, run: Run::Bottom, colour, platform: who.clone(),
            }),
            Command::Alert(Alert {
                kind: AlertKind::Gift, who: text.clone(), what: who.clone(), amount: who.clone(), count,
                combo: who.clone(), platform: None, colour,
            }),
            Command::Notify(Notice {
                who: text.clone(), what: text.clone(), kind: AlertKind::Order, platform: who.clone(), colour,
            }),
            Command::ModerationQueue,
            Command::ModerationApprove { item: ItemId(number) },
            Command::ModerationReject { item: ItemId(number) },
            Command::RoomAct(Act::Announce { text: text.clone() }),
            Command::RoomAct(Act::PollOpen { question: text.clone(), choices: vec![text.clone()], hidden: true }),
            Command::RoomAct(Act::ProductSet {
                product: Some(number), name: text.clone(), price: text.clone(), old_price: who.clone(), stock: Some(count), url: who.clone(),
            }),
            Command::RoomAct(Act::Unpin),
        ] {
            comes_through(&command);
        }
    }
}

#[test]
fn what_a_schema_does_not_allow_the_box_does_not_take() {
    for (name, payload) in [
        ("lower-third", json!({"args": {"nme": "Ada"}})),
        ("logo", json!({"args": {"picture": "bm8gcGljdHVyZQ=="}})),
        ("logo", json!({"args": {"corner": "middle"}})),
        ("danmaku/set", json!({"args": {"speed": 3}})),
        ("danmaku/set", json!({"args": {"colour_text": "red"}})),
        ("layer/show", json!({})),
        ("layer/show", json!({"args": {"layer": "sound"}})),
        (
            "poll/show",
            json!({"args": {"question": "?", "choices": [{"text": "a", "vote": 1}]}}),
        ),
        ("product/pin", json!({"args": {"name": "Cap"}})),
        ("moderation/approve", json!({"args": {"item": -1}})),
        ("room/act", json!({})),
        ("room/act", json!({"args": {"do": "pin"}})),
        (
            "room/act",
            json!({"args": {"do": "pin", "product": 1, "pin": 2}}),
        ),
        ("room/act", json!({"args": {"do": "dance"}})),
        ("panic", json!({"args": {"on": "yes"}})),
        ("panic", json!({"args": {"now": true}})),
        ("countdown", json!({"args": {"seconds": 5, "now": 1}})),
        ("lower/third", json!({"args": {"name": "Ada"}})),
        ("danmaku-set", json!({"args": {"enabled": true}})),
    ] {
        let topics = Fleet::new(&"shop".parse().unwrap()).of(&"b1".parse().unwrap());
        let bytes = payload.to_string();
        let incoming = Incoming {
            name,
            payload: bytes.as_bytes(),
            properties: &Properties::default(),
            retain: false,
            dup: false,
        };
        let taken = take(&incoming, &topics);
        assert!(
            matches!(taken, Taken::Refused(_)),
            "{name} {payload}: {taken:?}"
        );
    }
}
