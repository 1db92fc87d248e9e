use serde_json::{Value, json};

use super::*;
use crate::device::command::Origin;
use crate::device::policy;
use crate::device::testing::Rig;

/// As it would come over MQTT, handed in at a known time.
fn command(name: &str, args: Value) -> Command {
    let mut whole = json!({ "name": name });
    whole["args"] = args;
    let command: Command = serde_json::from_value(whole).unwrap();
    command.at(1_800_000_000)
}

fn decided(rig: &Rig, name: &str, args: Value) -> Decision {
    policy::decide(&rig.state, &command(name, args), Origin::Mqtt)
}

fn accepted(name: &str, args: Value) {
    let said = args.to_string();
    assert_eq!(decided(&Rig::up(), name, args), Decision::Accept, "{said}");
}

fn denied(name: &str, args: Value, code: DenialCode, word: &str) {
    let said = args.to_string();
    let Decision::Deny(denial) = decided(&Rig::up(), name, args) else {
        panic!("{name} {said}")
    };
    assert_eq!(denial.code, code, "{said}");
    let message = denial.message;
    assert!(message.contains(word), "{said}: {message}");
    assert!(
        message.ends_with('.') && !message.contains('\n'),
        "{message}"
    );
}

use DenialCode::{Invalid, OutOfRange};

#[test]
fn every_text_has_its_length() {
    let poll = |question: &str, choice: &str| json!({"question": question, "choices": [{"text": "a"}, {"text": choice}]});
    let product = |name: &str, price: &str| json!({"name": name, "price": price});
    type Make = Box<dyn Fn(&str) -> Value>;
    let texts: Vec<(&str, usize, Make)> = vec![
        ("overlay-text", 100, Box::new(|t| json!({"text": t}))),
        ("lower-third", 60, Box::new(|t| json!({"name": t}))),
        (
            "lower-third",
            100,
            Box::new(|t| json!({"name": "a", "line": t})),
        ),
        ("ticker", 500, Box::new(|t| json!({"text": t}))),
        (
            "countdown",
            60,
            Box::new(|t| json!({"seconds": 60, "title": t})),
        ),
        ("product-pin", 80, Box::new(move |t| product(t, "5 €"))),
        ("product-pin", 24, Box::new(move |t| product("Cap", t))),
        (
            "product-pin",
            24,
            Box::new(|t| json!({"name": "a", "price": "b", "old_price": t})),
        ),
        ("poll-show", 100, Box::new(move |t| poll(t, "b"))),
        ("poll-show", 40, Box::new(move |t| poll("a", t))),
    ];
    for (name, most, make) in texts {
        accepted(name, make(&"ä".repeat(most)));
        accepted(name, make("会"));
        let bound = format!("1 to {most} characters");
        for text in [String::new(), "  ".into(), "x".repeat(most + 1)] {
            denied(name, make(&text), Invalid, &bound);
        }
        for text in [
            "a\nb",
            "a\u{202e}b",
            "\u{feff}a",
            "a\u{0}",
            "a\u{2066}b",
            "a\u{7}",
        ] {
            denied(name, make(text), Invalid, "one line");
        }
    }
}

#[test]
fn every_number_has_its_range() {
    let ranges = [
        ("danmaku-set", "crossing_s", 2.0, 30.0),
        ("danmaku-set", "size_percent", 2.0, 15.0),
        ("logo", "percent", 1.0, 50.0),
    ];
    for (name, field, least, most) in ranges {
        for n in [least, most] {
            accepted(name, json!({field: n}));
        }
        for n in [least - 0.01, most + 0.01, -1.0, 1e30] {
            denied(name, json!({field: n}), OutOfRange, "Choose");
        }
    }
    for (name, field, least, most) in [
        ("danmaku-set", "area_percent", 10, 100),
        ("danmaku-set", "opacity", 10, 100),
        ("logo", "opacity", 1, 100),
    ] {
        for n in [least, most] {
            accepted(name, json!({field: n}));
        }
        for n in [least - 1, most + 1, u32::MAX] {
            denied(name, json!({field: n}), OutOfRange, "Choose");
        }
    }
    accepted("danmaku-set", json!({"lanes": 0, "colour_text": "#ff8800"}));
    denied("danmaku-set", json!({"lanes": 41}), OutOfRange, "0 to 40");
    denied("danmaku-set", json!({}), Invalid, "reset");
    for delay in [0.0, 30.0] {
        accepted("moderation-set", json!({"mode": "delay", "delay_s": delay}));
    }
    for delay in [-0.1, 30.1] {
        denied(
            "moderation-set",
            json!({"mode": "delay", "delay_s": delay}),
            OutOfRange,
            "0 to 30",
        );
    }
    for name in ["overlay-text", "lower-third"] {
        let args = |s: u32| json!({if name == "lower-third" { "name" } else { "text" }: "a", "seconds": s});
        accepted(name, args(1));
        accepted(name, args(86_400));
        denied(name, args(0), OutOfRange, "86400");
        denied(name, args(86_401), OutOfRange, "86400");
    }
    let change = DanmakuChange {
        crossing_s: Some(f32::NAN),
        ..DanmakuChange::default()
    };
    assert!(check_danmaku(&change).is_err());
}

#[test]
fn a_countdown_has_one_end_within_a_year() {
    let now = 1_800_000_000_i64;
    for args in [
        json!({"seconds": 1}),
        json!({"seconds": 31_536_000}),
        json!({"until": now + 1}),
        json!({"until": now + 31_536_000, "title": "Doors"}),
    ] {
        accepted("countdown", args);
    }
    for args in [
        json!({"seconds": 0}),
        json!({"seconds": 31_536_001}),
        json!({"until": now}),
        json!({"until": now + 31_536_001}),
        json!({"until": i64::MIN}),
        json!({"until": i64::MAX}),
    ] {
        denied("countdown", args, OutOfRange, "within a year");
    }
    denied(
        "countdown",
        json!({"seconds": 5, "until": now + 5}),
        Invalid,
        "either",
    );
    denied("countdown", json!({"title": "Doors"}), Invalid, "no end");
    let without_time: Command =
        serde_json::from_value(json!({"name": "countdown", "args": {"seconds": 5}})).unwrap();
    let said = policy::decide(&Rig::up().state, &without_time, Origin::Mqtt);
    assert!(matches!(said, Decision::Deny(d) if d.code == DenialCode::Busy));
}

#[test]
fn an_address_can_be_opened_by_whoever_reads_its_code() {
    let product = |url: &str| json!({"name": "Cap", "price": "5 €", "url": url});
    let long = format!("https://shop.example/{}", "x".repeat(200));
    for good in [
        "https://shop.example/cap?x=1#y",
        "HTTP://10.0.0.1:8080",
        "http://[::1]/",
        &long[..200],
    ] {
        accepted("product-pin", product(good));
    }
    for bad in [
        "",
        "shop.example",
        "ftp://shop.example",
        "javascript:alert(1)",
        "https://",
        "https:///cap",
        "https://:80/",
        "https://me:secret@shop.example/",
        "https://shop.example/a b",
        "https://shöp.example/",
        "https://shop.example/\n",
    ] {
        denied("product-pin", product(bad), Invalid, "https://");
    }
    denied("product-pin", product(&long[..201]), Invalid, "200 bytes");
}

#[test]
fn a_poll_has_two_to_ten_choices() {
    let poll = |n: usize| {
        let choices: Vec<_> = (0..n)
            .map(|i| json!({"text": i.to_string(), "votes": u64::MAX}))
            .collect();
        json!({"question": "?", "choices": choices})
    };
    for n in [2, 10] {
        accepted("poll-show", poll(n));
    }
    for n in [0, 1, 11, 500] {
        denied("poll-show", poll(n), Invalid, "2 to 10");
    }
}

#[test]
fn what_is_so_already_is_ignored_and_what_contradicts_itself_denied() {
    let mut rig = Rig::up();
    for (name, args) in [
        ("lower-third", json!({})),
        ("ticker", json!({})),
        ("countdown", json!({})),
        ("panic", json!({"on": false})),
        ("logo", json!({})),
        ("danmaku-set", json!({"reset": true})),
    ] {
        let said = decided(&rig, name, args);
        assert!(matches!(said, Decision::Ignore(_)), "{name}: {said:?}");
    }
    for name in ["product-unpin", "poll-hide", "overlay-clear"] {
        let command: Command = serde_json::from_value(json!({"name": name})).unwrap();
        let said = policy::decide(&rig.state, &command, Origin::Mqtt);
        assert!(matches!(said, Decision::Ignore(_)), "{name}: {said:?}");
    }
    rig.order(command("layer-hide", json!({"layer": "logo"})));
    let said = decided(&rig, "layer-hide", json!({"layer": "logo"}));
    assert!(matches!(said, Decision::Ignore(_)));
    denied(
        "logo",
        json!({"off": true, "opacity": 5}),
        Invalid,
        "at once",
    );
    denied("lower-third", json!({"line": "a"}), Invalid, "no name");
    denied("lower-third", json!({"seconds": 5}), Invalid, "no name");
}

#[test]
fn on_the_cameras_own_stream_nothing_is_put_but_all_can_be_taken_off() {
    let mut rig = Rig::up();
    rig.order(command("ticker", json!({"text": "News"})));
    rig.state.actual.passthrough = true;
    let puts = [
        ("overlay-text", json!({"text": "a"})),
        ("lower-third", json!({"name": "a"})),
        ("ticker", json!({"text": "a"})),
        ("countdown", json!({"seconds": 5})),
        ("product-pin", json!({"name": "a", "price": "b"})),
        (
            "poll-show",
            json!({"question": "a", "choices": [{"text": "a"}, {"text": "b"}]}),
        ),
        ("logo", json!({"opacity": 50})),
    ];
    for (name, args) in puts {
        let said = decided(&rig, name, args);
        assert!(
            matches!(&said, Decision::Deny(d) if d.code == DenialCode::Passthrough),
            "{name}: {said:?}"
        );
    }
    for (name, args) in [
        ("layer-hide", json!({"layer": "clock"})),
        ("danmaku-set", json!({"opacity": 50})),
    ] {
        let said = decided(&rig, name, args);
        assert!(matches!(said, Decision::Keep(_)), "{name}: {said:?}");
    }
    for (name, args) in [
        ("ticker", json!({})),
        ("panic", json!({"on": true})),
        ("moderation-set", json!({"mode": "hold"})),
    ] {
        assert_eq!(decided(&rig, name, args), Decision::Accept, "{name}");
    }
}

#[test]
fn what_the_audience_says_is_not_for_the_core() {
    for (name, args) in [
        ("notify", json!({"who": "Ada", "what": "hi"})),
        ("danmaku", json!({"text": "hi"})),
        ("alert", json!({"kind": "gift", "who": "Ada"})),
        ("moderation-approve", json!({"item": 1})),
        ("moderation-reject", json!({"item": 1})),
    ] {
        assert!(command(name, args.clone()).is_for_room());
        denied(name, args, DenialCode::Unsupported, "ctl");
    }
}
