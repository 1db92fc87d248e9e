use clap::Parser;
use serde_json::json;

use super::*;
use crate::cli::ctl::order::order;
use crate::cli::{Cli, Sub};
use crate::edge::codec;

/// The command that a line of arguments makes, as it goes over the wire; the box's own codec takes it.
fn made(line: &[&str]) -> Option<Value> {
    let cli = Cli::try_parse_from(["boothcast", "ctl"].iter().chain(line)).ok()?;
    let Sub::Ctl(args) = cli.command else {
        panic!("{line:?}")
    };
    let order = order(&args.what).unwrap().unwrap();
    codec::command(&order).unwrap_or_else(|e| panic!("{line:?}: {}", e.message));
    Some(order)
}

#[test]
fn arguments_make_the_commands_that_they_say() {
    for (line, name, args) in [
        (
            &["danmaku", "Hi"][..],
            "danmaku",
            json!({"text": "Hi", "rank": "text", "run": "scroll"}),
        ),
        (
            &[
                "danmaku", "Hi", "--who", "Ann", "--rank", "paid", "--top", "--colour", "#ff8800",
            ],
            "danmaku",
            json!({"text": "Hi", "who": "Ann", "rank": "paid", "run": "top", "colour": "#ff8800"}),
        ),
        (
            &["danmaku", "Hi", "--bottom", "--platform", "tube"],
            "danmaku",
            json!({"text": "Hi", "rank": "text", "run": "bottom", "platform": "tube"}),
        ),
        (
            &["alert", "follow", "Ann"],
            "alert",
            json!({"kind": "follow", "who": "Ann", "count": 1}),
        ),
        (
            &[
                "alert", "gift", "Ann", "Rose", "--amount", "5 €", "--count", "3", "--combo", "r1",
            ],
            "alert",
            json!({"kind": "gift", "who": "Ann", "what": "Rose", "amount": "5 €", "count": 3, "combo": "r1"}),
        ),
        (
            &["notify", "Ann", "Hi", "--kind", "question"],
            "notify",
            json!({"who": "Ann", "what": "Hi", "kind": "question"}),
        ),
        (
            &["moderation", "mode", "delay", "--delay", "5"],
            "moderation-set",
            json!({"mode": "delay", "delay_s": 5.0}),
        ),
        (
            &["moderation", "mode", "hold"],
            "moderation-set",
            json!({"mode": "hold"}),
        ),
        (
            &["moderation", "approve", "7"],
            "moderation-approve",
            json!({"item": 7}),
        ),
        (
            &["moderation", "reject", "7"],
            "moderation-reject",
            json!({"item": 7}),
        ),
    ] {
        let expected = json!({"name": name, "args": args});
        assert_eq!(made(line), Some(expected), "{line:?}");
    }
    let queue = made(&["moderation", "queue"]);
    assert_eq!(queue, Some(json!({"name": "moderation-queue"})));
    for wrong in [
        &["danmaku", "Hi", "--top", "--bottom"][..],
        &["danmaku", "Hi", "--rank", "king"],
        &["danmaku"],
        &["alert", "gift"],
        &["alert", "party", "Ann"],
        &["moderation", "approve", "first"],
        &["moderation", "mode", "off"],
    ] {
        assert_eq!(made(wrong), None, "{wrong:?}");
    }
}

fn said(run: impl Fn(&mut dyn Write) -> Result<(), Trouble>) -> String {
    let mut out = Vec::new();
    run(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_queue_is_a_table_and_no_text_in_it_moves_the_cursor() {
    let waiting = json!({"waiting": [
        {"item": 7, "what": "comment", "kind": "question", "who": "Ann", "text": "When?\u{1b}[2J\u{202e}", "platform": null,
            "age_s": 1.25, "in_s": null},
        {"item": 12, "what": "alert", "kind": "gift", "who": "Bob\r\n", "text": null, "platform": "tube",
            "age_s": 0.5, "in_s": 2.5},
    ]});
    let page = said(|out| queue(&waiting, false, out));
    let lines: Vec<&str> = page.lines().collect();
    assert_eq!(
        lines,
        [
            "ITEM  WAITS  SHOWN        KIND      WHO  TEXT",
            "7     1.2 s  if approved  question  Ann  When?[2J",
            "12    0.5 s  in 2.5 s     gift      Bob",
        ]
    );
    let json = said(|out| queue(&waiting, true, out));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), waiting);
    for empty in [json!({"waiting": []}), json!({}), json!(null)] {
        assert_eq!(said(|out| queue(&empty, false, out)), "Nothing waits.\n");
    }
}

#[test]
fn what_became_of_a_comment_is_said_with_what_to_do() {
    for (data, word) in [
        (json!({"item": 3, "state": "shown"}), "is shown"),
        (
            json!({"item": 3, "state": "delayed", "in_s": 3.0}),
            "in 3.0 s, unless you say before: boothcast ctl moderation reject 3",
        ),
        (json!({"item": 3, "state": "held"}), "moderation approve 3"),
        (json!({"state": "counted"}), "counted"),
        (json!({"outcome": "accepted"}), "Accepted."),
    ] {
        let page = said(|out| taken(&data, false, out));
        assert!(page.contains(word), "{page}");
        let json = said(|out| taken(&data, true, out));
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), data);
    }
}

#[test]
fn the_room_is_run_by_json() {
    let room = |text: &str| made(&["room", text]).unwrap();
    assert_eq!(
        room(r#"{"do":"pin","product":3}"#),
        json!({"name": "room-act", "args": {"do": "pin", "product": 3}})
    );
    assert!(act(r#"{"do":"pin"}"#).unwrap_err().contains("product"));
    assert!(act("pin").is_err());
    for (data, text) in [
        (json!({"id": 4}), "Done. Its number is 4."),
        (json!({"again": true}), "It was so already."),
        (json!({}), "Done."),
    ] {
        assert!(said(|out| acted(&data, false, out)).contains(text));
    }
}
