use proptest::prelude::*;

use super::*;
use crate::edge::mqtt::topics::Fleet;

fn topics() -> BoxTopics {
    Fleet::new(&"shop".parse().unwrap()).of(&"b1".parse().unwrap())
}

fn with(name: &str, payload: &[u8], properties: &Properties) -> Taken {
    let incoming = Incoming {
        name,
        payload,
        properties,
        retain: false,
        dup: false,
    };
    take(&incoming, &topics())
}

fn command(name: &str, payload: &str) -> RemoteCommand {
    match with(name, payload.as_bytes(), &Properties::default()) {
        Taken::Command(command) => *command,
        other => panic!("{name} {payload}: {other:?}"),
    }
}

fn refusal(name: &str, payload: &[u8]) -> Refusal {
    match with(name, payload, &Properties::default()) {
        Taken::Refused(refusal) => refusal,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn a_command_has_its_name_from_the_topic_and_the_rest_from_the_payload() {
    let full = command(
        "audio/gain",
        r#"{"id":"7","args":{"gain_db":-3},"spread_s":5,"expires_s":9}"#,
    );
    assert_eq!(full.id.as_deref(), Some("7"));
    assert_eq!(full.name, "audio/gain");
    assert_eq!(full.command, Command::AudioGain { gain_db: -3.0 });
    assert_eq!(full.spread, Some(Duration::from_secs(5)));
    assert_eq!(full.expiry, Some(Duration::from_secs(9)));
    assert_eq!(full.reply.topic, "boothcast/v1/shop/box/b1/rsp/audio/gain");
    for nothing in ["", "  \n", "{}", r#"{"args":{}}"#, r#"{"spread_s":0}"#] {
        let bare = command("identify", nothing);
        assert_eq!((bare.id, bare.spread, bare.expiry), (None, None, None));
        assert_eq!(bare.command, Command::Identify);
    }
    let reset = command("camera/control-reset", "{}");
    assert_eq!(reset.command, Command::CameraControlReset { control: None });
}

#[test]
fn the_sooner_end_counts() {
    let properties = Properties {
        expiry_s: Some(30),
        ..Properties::default()
    };
    for (payload, seconds) in [
        ("{}", 30),
        (r#"{"expires_s":60}"#, 30),
        (r#"{"expires_s":5}"#, 5),
    ] {
        let Taken::Command(command) = with("identify", payload.as_bytes(), &properties) else {
            panic!("{payload}");
        };
        assert_eq!(command.expiry, Some(Duration::from_secs(seconds)));
    }
}

#[test]
fn every_command_has_one_name_and_no_other() {
    for name in [
        "live-start",
        "live/",
        "/live/start",
        "live//start",
        "camera-control/reset",
        "Live/start",
        "",
        "+",
        "live/start ",
        "no/such",
    ] {
        let refusal = refusal(name, b"{}");
        assert_eq!(refusal.failure.code, Code::UnknownCommand, "{name}");
        assert!(!refusal.reply.topic.contains(['+', ' ']), "{name}");
    }
    let told = refusal("no/such", b"{}").failure.message;
    assert!(
        told.contains("cmd/no/such") && told.contains("live/start") && !told.contains("live-start"),
        "{told}"
    );
    let told = refusal("a\nb", b"{}");
    assert!(!told.failure.message.contains('\n'));
    assert_eq!(told.reply.topic, "boothcast/v1/shop/box/b1/rsp/unknown");
}

#[test]
fn refusals_know_the_id_as_soon_as_it_is_read() {
    for (payload, id) in [
        (&b"{"[..], None),
        (b"\"x\"", None),
        (br#"{"id":5}"#, None),
        (br#"{"id":"5","other":1}"#, Some("5")),
        (br#"{"id":"5","args":[1]}"#, Some("5")),
        (br#"{"id":"5","spread_s":1.5}"#, Some("5")),
    ] {
        let refusal = refusal("live/set", payload);
        assert_eq!(refusal.failure.code, Code::BadRequest);
        assert_eq!(refusal.id.as_deref(), id);
    }
    let long = vec![b' '; MAX_PAYLOAD + 1];
    assert_eq!(refusal("identify", &long).failure.code, Code::TooLarge);
    let deep = format!(
        r#"{{"id":"5","args":{}{}}}"#,
        "[".repeat(1000),
        "]".repeat(1000)
    );
    let failure = refusal("identify", deep.as_bytes()).failure;
    assert!(
        failure.message.contains("recursion limit"),
        "{}",
        failure.message
    );
}

#[test]
fn a_retained_command_is_refused_and_one_without_an_id_runs_once_at_most() {
    let incoming = |payload, retain, dup, properties| {
        let incoming = Incoming {
            name: "identify",
            payload,
            properties,
            retain,
            dup,
        };
        take(&incoming, &topics())
    };
    let none = Properties::default();
    let Taken::Refused(refusal) = incoming(br#"{"id":"r"}"#, true, true, &none) else {
        panic!("a retained command");
    };
    assert_eq!(
        (refusal.id.as_deref(), refusal.failure.code),
        (Some("r"), Code::BadRequest)
    );
    assert!(matches!(
        incoming(b"", true, false, &none),
        Taken::Refused(_)
    ));
    assert_eq!(incoming(b"", false, true, &none), Taken::Repeated);
    assert!(matches!(
        incoming(br#"{"id":"r"}"#, false, true, &none),
        Taken::Command(_)
    ));
    let long = Properties {
        correlation: Some(Bytes::from_static(&[7; UNIQUE])),
        ..Properties::default()
    };
    assert!(matches!(incoming(b"", false, true, &long), Taken::Command(c) if c.id.is_some()));
    let short = Properties {
        correlation: Some(Bytes::from_static(&[7; UNIQUE - 1])),
        ..Properties::default()
    };
    assert_eq!(incoming(b"", false, true, &short), Taken::Repeated);
}

#[test]
fn ids_of_correlation_data_differ_by_requester_and_by_data() {
    let id = |topic: Option<&str>, data: &'static [u8]| {
        let properties = Properties {
            response_topic: topic.map(str::to_owned),
            correlation: Some(Bytes::from_static(data)),
            ..Properties::default()
        };
        match with("identify", b"", &properties) {
            Taken::Command(command) => command.id.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let one = id(Some("a"), b"0123456789abcdef");
    assert_eq!(one.len(), MAX_ID);
    assert_eq!(one, id(Some("a"), b"0123456789abcdef"));
    assert_ne!(one, id(Some("b"), b"0123456789abcdef"));
    assert_ne!(one, id(Some("a"), b"0123456789abcdeg"));
    assert_ne!(one, id(None, b"0123456789abcdef"));
}

#[test]
fn answers_go_where_they_may() {
    let usual = "boothcast/v1/shop/box/b1/rsp/identify";
    let long = "x".repeat(513);
    for (asked, expected) in [
        ("a/b", "a/b"),
        ("boothcast/v1/shop/desk/rsp", "boothcast/v1/shop/desk/rsp"),
        ("", usual),
        ("a/#", usual),
        ("+", usual),
        ("$share/a", usual),
        (&long, usual),
        ("a\0b", usual),
        ("boothcast/v1/shop/box/b2/cmd/reboot", usual),
        ("boothcast/v1/shop/group/g/cmd/reboot", usual),
        ("boothcast/v1/shop/box/b1/desired", usual),
    ] {
        let properties = Properties {
            response_topic: Some(asked.to_owned()),
            ..Properties::default()
        };
        let Taken::Command(command) = with("identify", b"", &properties) else {
            panic!("{asked}");
        };
        assert_eq!(command.reply.topic, expected);
    }
}

#[test]
fn answers_are_json_without_a_line_end() {
    let said: Value = serde_json::from_slice(&answer(None, &Ok(Done::Accepted))).unwrap();
    assert_eq!(
        said,
        json!({"id": null, "ok": true, "data": {"outcome": "accepted"}})
    );
    assert!(!answer(Some("1"), &Ok(Done::Accepted)).ends_with(b"\n"));
    let said: Value = serde_json::from_slice(&interrupted("9")).unwrap();
    assert_eq!(
        (&said["id"], &said["error"]["code"]),
        (&json!("9"), &json!("interrupted"))
    );
    let picture = Picture {
        jpeg: Bytes::from_static(b"jpeg!"),
        width: 64,
        height: 36,
    };
    let expected = json!({"topic": "t", "width": 64, "height": 36, "bytes": 5});
    assert_eq!(picture_at("t", &picture), Done::Data(expected));
}

#[test]
fn a_flood_is_read_for_its_id_only_while_that_is_cheap() {
    let failure = || Failure::new(Code::RateLimited, "x");
    let short = br#"{"id":"7","args":{"any":"thing"}}"#.to_vec();
    let mut long = short.clone();
    long.resize(CHEAP + 1, b' ');
    for (payload, id) in [(short, Some("7")), (long, None), (b"{".to_vec(), None)] {
        let incoming = Incoming {
            name: "live/start",
            payload: &payload,
            properties: &Properties::default(),
            retain: false,
            dup: false,
        };
        let refusal = refuse(&incoming, &topics(), failure());
        assert_eq!((refusal.id.as_deref(), refusal.failure), (id, failure()));
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c\"{},:0-9]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c\"0-9]{0,3}", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

/// The same value with the fields of all objects the other way round.
fn turned(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .rev()
                .map(|(name, v)| format!("{} : {}", json!(name), turned(v)))
                .collect();
            format!("{{ {} }}", fields.join(" , "))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(turned).collect();
            format!("[{}]", values.join(","))
        }
        other => other.to_string(),
    }
}

proptest! {
    #[test]
    fn the_hash_knows_content_from_form(a in json_value(), b in json_value()) {
        let again: Value = serde_json::from_str(&turned(&a)).unwrap();
        prop_assert_eq!(hash("x", Some(&a)), hash("x", Some(&again)));
        prop_assert_eq!(hash("x", Some(&a)) == hash("x", Some(&b)), a == b);
        prop_assert_ne!(hash("x", Some(&a)), hash("y", Some(&a)));
    }

    #[test]
    fn any_bytes_are_a_command_or_a_typed_refusal(
        name in "\\PC{0,20}", payload in prop::collection::vec(any::<u8>(), 0..200),
        topic in prop::option::of("\\PC{0,20}"), retain: bool, dup: bool,
    ) {
        let properties = Properties { response_topic: topic, ..Properties::default() };
        let incoming = Incoming { name: &name, payload: &payload, properties: &properties, retain, dup };
        match take(&incoming, &topics()) {
            Taken::Command(command) => prop_assert!(!retain && command.name == name),
            Taken::Refused(refusal) => {
                prop_assert!(!refusal.failure.message.is_empty());
                prop_assert!(!refusal.reply.topic.contains(['+', '#', '\0']));
                prop_assert!(!refusal.reply.topic.starts_with('$'));
            }
            Taken::Repeated => prop_assert!(dup && !retain),
        }
    }

    #[test]
    fn the_envelope_survives_any_json(value in json_value(), id in "[a-z]{1,9}", spread in 0u64..4000) {
        let payload = json!({"id": id, "args": value, "spread_s": spread}).to_string();
        match with("notify", payload.as_bytes(), &Properties::default()) {
            Taken::Command(command) => prop_assert_eq!(command.id.as_deref(), Some(id.as_str())),
            Taken::Refused(refusal) => {
                prop_assert_eq!(refusal.id.as_deref(), Some(id.as_str()));
                prop_assert_eq!(refusal.failure.code, Code::BadRequest);
            }
            Taken::Repeated => prop_assert!(false),
        }
    }
}
