use std::time::Duration;

use super::*;
use crate::config::ModerationMode;
use crate::room::item::{Alert, AlertKind, Comment, Rank};
use crate::room::state::{Room, Verdict, Via};

const S: Duration = Duration::from_secs(1);

fn room(mode: ModerationMode) -> Room {
    let mut room = crate::room::actor::tests_room(mode);
    room.note_all();
    room
}

fn line(text: &str, rank: Rank) -> Item {
    Item::Comment(Comment {
        text: text.into(),
        who: Some("Ann".into()),
        rank,
        run: Default::default(),
        colour: None,
        platform: None,
    })
}

#[test]
fn messages_of_bridges_are_told_as_they_may_be_seen() {
    let mut room = room(ModerationMode::Free);
    let chat = br#"{"id":"7","who":"Bo","text":"hi\u0007 there"}"#;
    room.receive("youtube", chat, S);
    room.receive("youtube", br#"{"who":"Bo","text":"badword"}"#, S);
    room.receive("youtube", br#"{"kind":"like","count":3}"#, S);
    room.receive("shop", br#"{"kind":"gift","who":"Bo","combo":"c"}"#, S);
    room.receive(
        "shop",
        br#"{"kind":"gift","who":"Bo","combo":"c","count":2}"#,
        S,
    );
    let noted = room.noted();
    assert!(room.noted().is_empty());
    assert_eq!(noted.len(), 4, "{noted:?}");
    let Noted::Bridged(first) = &noted[0] else {
        panic!("{noted:?}");
    };
    assert_eq!(
        (first.source.as_str(), first.id.as_deref()),
        ("youtube", Some("7"))
    );
    assert!(
        matches!(&first.item, Item::Comment(c) if c.text == "hi there"),
        "{first:?}"
    );
    assert!(first.item_id.is_some() && !first.held);
    assert_eq!(
        noted[1],
        Noted::Likes {
            source: "youtube".into(),
            n: 3
        }
    );
    let Noted::Bridged(gift) = &noted[3] else {
        panic!("{noted:?}");
    };
    assert!(matches!(
        &gift.item,
        Item::Alert(Alert {
            kind: AlertKind::Gift,
            count: 2,
            ..
        })
    ));
}

#[test]
fn what_becomes_of_that_which_waits_is_told() {
    let mut room = room(ModerationMode::Hold);
    let held = |room: &mut Room, text| match room.take(
        Via::Live { drawn: true },
        line(text, Rank::Text),
        None,
        S,
    ) {
        Verdict::Held(id) => id,
        other => panic!("{other:?}"),
    };
    let (a, b) = (held(&mut room, "one"), held(&mut room, "two"));
    assert!(room.noted().is_empty());
    room.approve(a, S).unwrap();
    room.reject(b, S).unwrap();
    room.reject(a, S).unwrap();
    let noted = room.noted();
    assert_eq!(noted, [Noted::Shown(a), Noted::Gone(b), Noted::Gone(a)]);
    assert!(room.reject(a, S).is_err() && room.noted().is_empty());
    // What does not run over the picture waits in the live room alone.
    let elsewhere = room.take(
        Via::Live { drawn: false },
        line("three", Rank::Text),
        None,
        S,
    );
    assert_eq!(elsewhere, Verdict::Held(ItemId(0)));
    assert_eq!(room.queue().len(), 0);
    // The staff need no approval.
    let staff = room.take(
        Via::Live { drawn: false },
        line("four", Rank::Staff),
        None,
        S,
    );
    assert_eq!(staff, Verdict::Passed);
}

#[test]
fn a_line_that_the_picture_has_no_room_for_is_seen_on_the_pages() {
    let mut room = room(ModerationMode::Free);
    let via = Via::Live { drawn: true };
    let mut say = |text: &str| room.take(via, line(text, Rank::Text), None, S);
    assert!(matches!(say("1"), Verdict::Shown(_)));
    for n in 0..100 {
        let verdict = say(&format!("line {n}"));
        assert!(
            matches!(verdict, Verdict::Shown(_) | Verdict::Passed),
            "{verdict:?}"
        );
    }
    assert_eq!(say("one more"), Verdict::Passed);
    // Its words are looked at all the same.
    assert!(matches!(say("badword"), Verdict::Refused(_)));
    let counts = room.counts();
    assert_eq!(counts.taken, counts.settled() + room.waiting() as u64);
}

#[test]
fn nobody_who_asks_for_nothing_pays_for_it() {
    let mut room = crate::room::actor::tests_room(ModerationMode::Free);
    room.receive("youtube", b"hello", S);
    assert!(room.noted().is_empty());
}
