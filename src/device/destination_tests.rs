//! Destinations added by command, and how the box is ended by one.

use super::command::{Command, Origin};
use super::effect::Effect;
use super::event::*;
use super::health::health;
use super::policy::{Decision, DenialCode, MAX_ADDED, decide};
use super::state::*;
use super::status::Status;
use super::testing::{Rig, name, secs, setup};
use crate::config::{DestinationName, Secret};

const KEY: &str = "canary-key-1";

fn set(n: &str, url: &str, key: Option<&str>) -> Command {
    Command::DestinationSet {
        destination: name(n),
        url: url.parse().unwrap(),
        key: key.map(Secret::new),
        enabled: None,
        max_bitrate: None,
    }
}

fn new(n: &str) -> Command {
    set(n, "rtmp://a.example/live", Some(KEY))
}

/// What the effects do with one destination, without saves.
fn course(effects: &[Effect], n: &str) -> Vec<&'static str> {
    let n = name(n);
    let of = |effect: &Effect| match effect {
        Effect::SetDestination(d) if d.name == n => Some("set"),
        Effect::OpenDestination(d) if *d == n => Some("open"),
        Effect::CloseDestination(d) if *d == n => Some("close"),
        Effect::ForgetDestination(d) if *d == n => Some("forget"),
        _ => None,
    };
    effects.iter().filter_map(of).collect()
}

fn denied(rig: &Rig, command: &Command) -> (DenialCode, String) {
    match decide(&rig.state, command, Origin::Mqtt) {
        Decision::Deny(denial) => {
            assert!(denial.message.ends_with('.'), "{}", denial.message);
            assert!(!denial.message.contains("canary"), "{}", denial.message);
            (denial.code, denial.message)
        }
        other => panic!("{command:?}: {other:?}"),
    }
}

fn status(rig: &Rig, n: &str) -> super::status::DestinationStatus {
    let n = name(n);
    let all = Status::of(&rig.state).destinations;
    all.into_iter().find(|d| d.name == n).unwrap()
}

#[test]
fn an_added_destination_is_known_then_opened_changed_and_forgotten() {
    let mut rig = Rig::up();
    assert_eq!(course(&rig.order(new("fair")), "fair"), ["set"]);
    let effects = rig.order(Command::LiveStart);
    assert_eq!(course(&effects, "fair"), ["open"]);
    rig.destination("fair", DestinationState::Live);
    // Another key: the push begins anew. The key that is left out stays.
    let effects = rig.order(set("fair", "rtmp://a.example/live", Some("canary-2")));
    assert_eq!(course(&effects, "fair"), ["close", "set", "open"]);
    let effects = rig.order(set("fair", "rtmp://b.example/live", None));
    assert_eq!(course(&effects, "fair"), ["close", "set", "open"]);
    let kept = &rig.state.wanted.added[&name("fair")];
    assert_eq!(kept.key.expose(), "canary-2");
    // The same once more is so already.
    assert!(
        rig.order(set("fair", "rtmp://b.example/live", None))
            .is_empty()
    );
    // A switch.
    let switch = |enabled| Command::DestinationEnable {
        destination: name("fair"),
        enabled,
    };
    assert_eq!(course(&rig.order(switch(false)), "fair"), ["close"]);
    assert_eq!(status(&rig, "fair").state, DestinationState::Off);
    assert_eq!(course(&rig.order(switch(true)), "fair"), ["open"]);
    let effects = rig.order(Command::DestinationRemove {
        destination: name("fair"),
    });
    assert_eq!(course(&effects, "fair"), ["close", "forget"]);
    let names = rig.state.actual.destinations.keys();
    assert_eq!(
        names.map(DestinationName::as_str).collect::<Vec<_>>(),
        ["spare", "twitch", "youtube"]
    );
    // What it said while it went is not heard.
    rig.destination("fair", DestinationState::Live);
    let gone = Command::DestinationRemove {
        destination: name("fair"),
    };
    assert_eq!(denied(&rig, &gone).0, DenialCode::UnknownDestination);
}

#[test]
fn a_ceiling_counts_at_once_and_ends_no_push() {
    let mut rig = Rig::up();
    rig.order(new("fair"));
    rig.order(Command::LiveStart);
    rig.destination("fair", DestinationState::Live);
    rig.destination("youtube", DestinationState::Live);
    assert_eq!(rig.state.actual.bitrate, 2_500_000);
    let effects = rig.order(Command::DestinationSet {
        destination: name("fair"),
        url: "rtmp://a.example/live".parse().unwrap(),
        key: None,
        enabled: None,
        max_bitrate: Some(800_000),
    });
    assert_eq!(course(&effects, "fair"), ["set"]);
    assert!(effects.contains(&Effect::SetBitrate {
        rendition: Rendition::Main,
        bitrate: 800_000
    }));
    assert_eq!(status(&rig, "fair").max_bitrate, Some(800_000));
}

#[test]
fn after_a_start_it_is_known_before_it_is_opened() {
    let mut rig = Rig::up();
    rig.order(new("fair"));
    rig.order(Command::LiveStart);
    let wanted = rig.state.wanted.clone();
    let (state, effects) = State::new(setup(), wanted.clone()).start(secs(0));
    assert_eq!(course(&effects, "fair"), ["set", "open"]);
    assert!(Status::of(&state).destinations.iter().any(|d| d.added));
    // The configuration has taken the name: its own destination counts.
    let mut plan = setup();
    plan.destinations[2].name = name("fair");
    let (state, effects) = State::new(plan, wanted).start(secs(0));
    assert!(
        course(&effects, "fair").is_empty(),
        "it is switched off there"
    );
    assert!(!Status::of(&state).destinations.iter().any(|d| d.added));
}

#[test]
fn what_cannot_be_is_denied_with_the_mend() {
    let mut rig = Rig::up();
    let case = |rig: &Rig, command: Command, code, word: &str| {
        let (found, message) = denied(rig, &command);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(word), "{message}");
        let mut same = Rig {
            state: rig.state.clone(),
        };
        assert!(same.order(command).is_empty());
        assert_eq!(same.state, rig.state);
    };
    let url = "rtmp://a.example/live";
    case(
        &rig,
        new("youtube"),
        DenialCode::Configured,
        "configuration file",
    );
    case(
        &rig,
        set("fair", url, None),
        DenialCode::Invalid,
        "needs its stream key",
    );
    case(
        &rig,
        set("fair", url, Some("***")),
        DenialCode::Invalid,
        "hidden",
    );
    case(
        &rig,
        set("fair", url, Some("")),
        DenialCode::Invalid,
        "must not be empty",
    );
    case(
        &rig,
        set("fair", url, Some("canary a")),
        DenialCode::Invalid,
        "without spaces",
    );
    let told = set("fair", "rtmp://a.example/live/canary-key-1", Some(KEY));
    case(&rig, told, DenialCode::Invalid, "Leave the key out");
    let ceiling = |max_bitrate| Command::DestinationSet {
        destination: name("fair"),
        url: url.parse().unwrap(),
        key: Some(Secret::new(KEY)),
        enabled: None,
        max_bitrate: Some(max_bitrate),
    };
    case(
        &rig,
        ceiling(99_999),
        DenialCode::OutOfRange,
        "100000 to 50000000",
    );
    let configured = Command::DestinationRemove {
        destination: name("youtube"),
    };
    case(
        &rig,
        configured,
        DenialCode::Configured,
        "configuration file",
    );
    for n in 0..MAX_ADDED {
        rig.order(new(&format!("n{n}")));
    }
    case(&rig, new("more"), DenialCode::TooMany, "Remove one");
    assert!(
        !rig.order(set("n3", "rtmp://c.example/live", None))
            .is_empty()
    );
}

#[test]
fn no_key_is_ever_shown() {
    let mut rig = Rig::up();
    let effects = rig.order(set("fair", "rtmp://a.example/live/part", Some(KEY)));
    let desired = Command::DesiredApply {
        version: 1,
        settings: serde_json::json!({"destinations": {"x": {"key": KEY}}, "kee": KEY}),
    };
    let config = Command::ConfigValidate {
        toml: format!("key = \"{KEY}\""),
    };
    let status = Status::of(&rig.state);
    let shown = [
        format!("{:?} {:#?}", new("fair"), new("fair")),
        format!("{desired:?} {desired:#?} {config:?}"),
        format!("{effects:?} {:?}", rig.state),
        format!("{status:?}"),
        serde_json::to_string(&status).unwrap(),
        serde_json::to_string(&rig.state.wanted).unwrap(),
    ];
    for text in shown {
        assert!(!text.contains("canary"), "{text}");
    }
    let fair = status.destinations.iter().find(|d| d.added).unwrap();
    assert_eq!(fair.url.as_deref(), Some("rtmp://a.example/live/…"));
}

#[test]
fn restart_and_reboot_end_the_box_like_a_shutdown() {
    for (command, effect) in [
        (Command::Restart, Effect::Restart),
        (Command::Reboot, Effect::Reboot),
    ] {
        let mut rig = Rig::up();
        assert_eq!(rig.order(command.clone()), [effect]);
        assert!(rig.state.actual.ending);
        assert_eq!(health(&rig.state).sentence, "Restarting.");
        assert!(rig.order(command.clone()).is_empty());
        assert_eq!(denied(&rig, &command).0, DenialCode::ShuttingDown);
    }
}

#[test]
fn a_factory_reset_from_afar_is_forbidden_and_questions_are_not_for_the_core() {
    let mut rig = Rig::up();
    let (code, message) = denied(&rig, &Command::FactoryReset);
    assert_eq!(code, DenialCode::Forbidden);
    assert!(message.contains("button"), "{message}");
    for command in [
        Command::Status,
        Command::Logs { lines: None },
        Command::Snapshot { max_width: None },
        Command::ConfigValidate {
            toml: String::new(),
        },
    ] {
        assert_eq!(denied(&rig, &command).0, DenialCode::Unsupported);
    }
    assert_eq!(rig.order(Command::FactoryReset), [Effect::FactoryReset]);
}
