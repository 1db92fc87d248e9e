use super::*;
use crate::config::{BoxId, FleetName};
use crate::edge::codec;
use crate::edge::mqtt::client::Properties;
use crate::edge::mqtt::codec::{Incoming, Taken, take};
use crate::edge::mqtt::topics::Fleet;

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
