use std::path::PathBuf;

use super::super::hold::MAX_WAITING;
use super::super::item::{Alert, AlertKind, Comment, Rank, Run};
use super::*;

const S: Duration = Duration::from_secs(1);

fn settings(mode: ModerationMode) -> Settings {
    Settings {
        moderation: ModerationConfig {
            mode,
            delay_s: 3.0,
            words: "badword".into(),
            words_file: PathBuf::new(),
            links: false,
            max_graphemes: 100,
            repeat_s: 30.0,
            author_per_s: 0.5,
            author_tau_s: 4.0,
            author_burst: 3.0,
            author_suppress: false,
        },
        words: vec!["# remark".into(), "坏蛋".into()],
        room: RoomConfig {
            name: None,
            bridges: true,
            max_drawn_per_s: 20.0,
        },
    }
}

fn room(mode: ModerationMode) -> Room {
    Room::new(&settings(mode)).unwrap()
}

fn said(who: &str, text: &str, rank: Rank) -> Item {
    Item::Comment(Comment {
        text: text.into(),
        who: Some(who.into()),
        rank,
        run: Run::Scroll,
        colour: None,
        platform: None,
    })
}

fn alert(kind: AlertKind, what: &str) -> Item {
    Item::Alert(Alert {
        kind,
        who: "Anna".into(),
        what: Some(what.into()),
        amount: None,
        count: 1,
        combo: None,
        platform: None,
        colour: None,
    })
}

fn gift(count: u32) -> String {
    format!(r#"{{"kind":"gift","who":"Anna","combo":"r","count":{count}}}"#)
}

/// The texts that are to be drawn.
fn drawn(outputs: &[Output]) -> Vec<&str> {
    outputs
        .iter()
        .filter_map(|o| match o {
            Output::Comment(_, comment) => Some(comment.text.as_str()),
            _ => None,
        })
        .collect()
}

#[track_caller]
fn balanced(room: &Room) {
    let counts = room.counts();
    assert_eq!(
        counts.taken,
        counts.settled() + room.waiting() as u64,
        "{counts:?}"
    );
}

#[test]
fn free_shows_at_once_what_is_fit() {
    let mut room = room(ModerationMode::Free);
    assert!(matches!(
        room.receive("test", "ｈｅｌｌｏ\u{200b}".as_bytes(), S),
        Verdict::Shown(_)
    ));
    for (text, reason) in [
        ("badword", Reason::Word),
        ("坏 蛋", Reason::Word),
        ("example.com", Reason::Link),
        ("", Reason::Empty),
        ("\u{200b}", Reason::Invisible),
        ("a\0", Reason::Control),
    ] {
        assert_eq!(
            room.receive("test", text.as_bytes(), S),
            Verdict::Refused(reason),
            "{text:?}"
        );
    }
    assert_eq!(drawn(&room.turn(S)), ["hello"]);
    assert_eq!(room.next(), None);
    balanced(&room);
}

#[test]
fn delay_shows_after_its_while_unless_somebody_rejects_it() {
    let mut room = room(ModerationMode::Delay);
    let Verdict::Delayed(first, wait) = room.receive("test", b"one", S) else {
        panic!("it must wait");
    };
    let Verdict::Delayed(second, _) = room.receive("test", b"two", S * 2) else {
        panic!("it must wait");
    };
    let Verdict::Delayed(third, _) = room.receive("test", b"three", S * 3) else {
        panic!("it must wait");
    };
    assert_eq!(wait, S * 3);
    assert_eq!(room.next(), Some(S * 4));
    assert!(room.turn(S * 3).is_empty());
    room.reject(second, S * 3).unwrap();
    room.approve(third, S * 3).unwrap();
    assert_eq!(drawn(&room.turn(S * 3)), ["three"]);
    assert_eq!(drawn(&room.turn(S * 4)), ["one"]);
    assert!(room.turn(S * 10).is_empty());
    room.reject(first, S * 10).unwrap();
    assert_eq!(room.turn(S * 10), [Output::Withdraw(first)]);
    assert_eq!(
        room.reject(first, S * 10).unwrap_err().kind(),
        Kind::NotFound
    );
    assert_eq!(
        room.approve(second, S * 10).unwrap_err().kind(),
        Kind::NotFound
    );
    let counts = room.counts();
    assert_eq!(
        (
            counts.delayed,
            counts.approved,
            counts.rejected,
            counts.withdrawn
        ),
        (3, 1, 1, 1)
    );
    balanced(&room);
}

#[test]
fn hold_shows_nothing_by_itself_and_is_bounded() {
    let mut room = room(ModerationMode::Hold);
    let mut paid = 0;
    for n in 0..MAX_WAITING as u32 + 100 {
        let text = format!(
            r#"{{"who":"v{n}","text":"text {n}","paid":{}}}"#,
            n % 100 == 0
        );
        paid += u32::from(n % 100 == 0);
        assert!(matches!(
            room.receive("test", text.as_bytes(), S * n),
            Verdict::Held(_)
        ));
    }
    assert!(room.turn(S * 9999).is_empty());
    let queue = room.queue();
    assert_eq!(queue.len(), MAX_WAITING);
    let kept = queue
        .iter()
        .filter(|w| matches!(&w.item, Item::Comment(c) if c.rank == Rank::Paid));
    assert_eq!(
        kept.count() as u32,
        paid,
        "the oldest text goes, not what was paid for"
    );
    assert_eq!(room.counts().refused[&Reason::HeldFull], 100);
    room.set_mode(ModerationMode::Free, Duration::ZERO, S * 9999);
    assert!(
        room.turn(S * 9999).is_empty(),
        "what nobody has read does not pour out"
    );
    balanced(&room);
}

#[test]
fn another_mode_counts_for_what_waits() {
    let mut room = room(ModerationMode::Delay);
    room.receive("test", b"one", S);
    room.set_mode(ModerationMode::Delay, S, S);
    assert_eq!(room.next(), Some(S * 2));
    room.set_mode(ModerationMode::Hold, Duration::ZERO, S);
    assert!(room.turn(S * 60).is_empty());
    assert_eq!(room.queue()[0].due, None);
    room.set_mode(ModerationMode::Delay, S * 500, S * 60);
    assert!(
        matches!(room.receive("test", b"two", S * 60), Verdict::Delayed(_, wait) if wait == MAX_DELAY)
    );
    room.set_mode(ModerationMode::Free, Duration::ZERO, S * 61);
    assert_eq!(drawn(&room.turn(S * 61)), ["two"]);
}

#[test]
fn panic_takes_everything_off_and_holds_it_off() {
    let mut room = room(ModerationMode::Delay);
    room.receive("test", b"waits", S);
    room.receive("test", gift(1).as_bytes(), S);
    room.take(Via::Command, said("staff", "shown", Rank::Staff), None, S);
    room.set_panic(true);
    assert_eq!(room.turn(S), [Output::Clear]);
    assert!(room.queue().is_empty());
    assert_eq!(
        room.receive("test", b"more", S * 2),
        Verdict::Refused(Reason::Panic)
    );
    let paid = room.take(Via::Command, said("a", "b", Rank::Paid), None, S * 2);
    assert_eq!(paid, Verdict::Refused(Reason::Panic));
    assert!(room.turn(S * 60).is_empty());
    room.set_panic(false);
    room.set_mode(ModerationMode::Free, Duration::ZERO, S * 60);
    room.receive("test", b"again", S * 60);
    assert_eq!(drawn(&room.turn(S * 60)), ["again"]);
    balanced(&room);
}

#[test]
fn an_author_is_limited_and_cannot_repeat() {
    let mut room = room(ModerationMode::Free);
    let say = |room: &mut Room, text: &str, at| {
        let message = format!(r#"{{"author":"7","who":"{text}","text":"{text}"}}"#);
        room.receive("test", message.as_bytes(), at)
    };
    assert!(matches!(say(&mut room, "hello", S), Verdict::Shown(_)));
    assert_eq!(
        say(&mut room, "He.l.l.o!", S),
        Verdict::Refused(Reason::Repeat)
    );
    assert!(matches!(say(&mut room, "two", S), Verdict::Shown(_)));
    assert_eq!(
        say(&mut room, "three", S),
        Verdict::Refused(Reason::AuthorRate),
        "by the stable name, whatever the shown one"
    );
    assert!(matches!(say(&mut room, "hello", S * 40), Verdict::Shown(_)));
    balanced(&room);
}

#[test]
fn the_room_is_limited_and_money_goes_first() {
    let mut room = room(ModerationMode::Free);
    let mut shown = 0;
    for n in 0..5000_u32 {
        let at = Duration::from_micros(200) * n;
        let message = format!(r#"{{"who":"v{n}","text":"text {n}"}}"#);
        shown += u32::from(matches!(
            room.receive("test", message.as_bytes(), at),
            Verdict::Shown(_)
        ));
    }
    assert!(
        (20..=41).contains(&shown),
        "{shown} in a second, with 20 at once"
    );
    let paid = room.receive("test", br#"{"who":"rich","text":"paid","paid":true}"#, S);
    assert!(matches!(paid, Verdict::Shown(_)));
    let later = room.receive("test", br#"{"who":"v0","text":"later"}"#, S + S / 50);
    assert_eq!(
        later,
        Verdict::Refused(Reason::RoomRate),
        "the next token pays for it"
    );
    room.set_capacity(0.0, S);
    let none = room.receive("test", b"none", S * 600);
    assert_eq!(
        none,
        Verdict::Refused(Reason::RoomRate),
        "the lanes hold nothing"
    );
    balanced(&room);
}

#[test]
fn a_bridge_counts_a_message_once() {
    let mut room = room(ModerationMode::Free);
    let message = br#"{"id":"m1","text":"hello"}"#;
    assert!(matches!(room.receive("a", message, S), Verdict::Shown(_)));
    assert_eq!(
        room.receive("a", message, S),
        Verdict::Refused(Reason::Duplicate)
    );
    assert!(matches!(room.receive("b", message, S), Verdict::Shown(_)));
    assert_eq!(
        room.receive("a", br#"{"kind":"like","count":7}"#, S),
        Verdict::Counted
    );
    assert_eq!((room.counts().likes, room.counts().hearts), (1, 7));
    balanced(&room);
}

#[test]
fn commands_of_staff_and_money_are_trusted_and_others_are_not() {
    for mode in [ModerationMode::Hold, ModerationMode::Delay] {
        let mut room = room(mode);
        let mut waits = |item| !matches!(room.take(Via::Command, item, None, S), Verdict::Shown(_));
        assert!(!waits(said("a", "staff", Rank::Staff)));
        assert!(!waits(said("a", "paid", Rank::Paid)));
        assert!(!waits(alert(AlertKind::Order, "cap")));
        assert!(waits(said("a", "text", Rank::Text)));
        assert!(waits(said("a", "question", Rank::Question)));
        assert!(waits(alert(AlertKind::Chat, "chat")));
        assert!(waits(alert(AlertKind::Follow, "follow")));
        let word = room.take(Via::Command, said("a", "badword", Rank::Staff), None, S);
        assert_eq!(word, Verdict::Refused(Reason::Word));
        balanced(&room);
    }
}

#[test]
fn a_combo_is_one_alert_also_while_it_waits() {
    let mut room = room(ModerationMode::Hold);
    let Verdict::Held(id) = room.receive("test", gift(1).as_bytes(), S) else {
        panic!("it must wait");
    };
    assert_eq!(
        room.receive("test", gift(5).as_bytes(), S),
        Verdict::Held(id)
    );
    assert_eq!(room.queue().len(), 1);
    room.approve(id, S).unwrap();
    let outputs = room.turn(S);
    assert!(
        matches!(&outputs[..], [Output::Alert(Some((shown, alert)))] if *shown == id && alert.count == 5)
    );
    assert_eq!(
        room.receive("test", gift(9).as_bytes(), S * 2),
        Verdict::Shown(id)
    );
    assert!(matches!(&room.turn(S * 2)[..], [Output::Alert(Some((_, alert)))] if alert.count == 9));
    room.reject(id, S * 3).unwrap();
    assert_eq!(room.turn(S * 3), [Output::Alert(None)]);
    assert_eq!((room.counts().joined, room.counts().withdrawn), (2, 1));
    balanced(&room);
}

#[test]
fn a_gift_is_shown_also_where_its_words_are_not() {
    let mut room = room(ModerationMode::Free);
    let message = r#"{"kind":"gift","who":"badword","text":"see example.com"}"#;
    room.receive("test", message.as_bytes(), S);
    let outputs = room.turn(S);
    let [Output::Alert(Some((_, alert)))] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!((alert.who.as_str(), alert.what.as_deref()), ("***", None));
    assert_eq!(room.counts().stripped, 1);
    let follow = r#"{"kind":"follow","who":"badword"}"#;
    assert_eq!(
        room.receive("test", follow.as_bytes(), S),
        Verdict::Refused(Reason::Word)
    );
    balanced(&room);
}

#[test]
fn names_that_are_not_fit_are_left_out_and_long_texts_cut() {
    let mut room = room(ModerationMode::Free);
    let long = "x y ".repeat(60);
    let message = format!(r#"{{"who":"{}","text":"{long}"}}"#, "badword");
    room.receive("test", message.as_bytes(), S);
    let outputs = room.turn(S);
    let [Output::Comment(_, comment)] = &outputs[..] else {
        panic!("{outputs:?}");
    };
    assert_eq!(comment.who, None);
    assert!(comment.text.chars().count() <= 100 && comment.text.ends_with('…'));
}
