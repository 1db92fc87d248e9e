use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;

use super::*;
use crate::room::live::event::{Fact, LineState, Moderation, QuestionState, Winner};

mod fold;
mod keep;
mod privacy;
mod save;

/// 2026-11-22, about noon.
const NOW: i64 = 1_795_348_800_000;
const DAY: i64 = 86_400_000;

/// A match over all kinds and the list of them in one, so that a kind that is new and stands not here does not compile.
macro_rules! kinds {
    ($fact:ident, $list:ident, $of:ty, { $($pattern:pat => $name:literal),* $(,)? }) => {
        const $list: &[&str] = &[$($name),*];
        fn $fact(what: &$of) -> &'static str {
            match what { $($pattern => $name),* }
        }
    };
}

kinds!(kind, KINDS, Fact, {
    Fact::ShowBegun { .. } => "show-begun", Fact::ShowEnded => "show-ended", Fact::Incident { .. } => "incident",
    Fact::Came { .. } => "came", Fact::Renamed { .. } => "renamed", Fact::Joined => "joined", Fact::Left { .. } => "left",
    Fact::Said { .. } => "said", Fact::LineShown { .. } => "line-shown", Fact::LineHidden { .. } => "line-hidden",
    Fact::Liked { .. } => "liked", Fact::Gave { .. } => "gave", Fact::PollOpened { .. } => "poll-opened",
    Fact::Voted { .. } => "voted", Fact::PollClosed { .. } => "poll-closed", Fact::PollGone { .. } => "poll-gone",
    Fact::Asked { .. } => "asked", Fact::UpVoted { .. } => "up-voted", Fact::QuestionsSeen { .. } => "questions-seen",
    Fact::QuestionMoved { .. } => "question-moved", Fact::ProductSet { .. } => "product-set",
    Fact::ProductRemoved { .. } => "product-removed", Fact::Pinned { .. } => "pinned", Fact::Unpinned { .. } => "unpinned",
    Fact::Clicked { .. } => "clicked", Fact::Ordered { .. } => "ordered", Fact::DrawOpened { .. } => "draw-opened",
    Fact::DrawEntered { .. } => "draw-entered", Fact::DrawClosed { .. } => "draw-closed", Fact::DrawDone { .. } => "draw-done",
    Fact::Announced { .. } => "announced", Fact::Moderated { .. } => "moderated",
});

kinds!(act, ACTS, Moderation, {
    Moderation::Approve { .. } => "approve", Moderation::Hide { .. } => "hide", Moderation::TimeOut { .. } => "time-out",
    Moderation::Ban { .. } => "ban", Moderation::Slow { .. } => "slow", Moderation::Words { .. } => "words",
    Moderation::Danmaku { .. } => "danmaku", Moderation::Panic { .. } => "panic",
});

fn s(text: &str) -> String {
    text.to_owned()
}

fn said(line: u64, name: &str, text: &str, state: LineState) -> Fact {
    Fact::Said {
        line,
        name: s(name),
        text: s(text),
        role: Role::Viewer,
        origin: None,
        state,
        danmaku: true,
        item: Some(line + 100),
        nonce: Some(format!("nonce-{name}-{line}")),
    }
}

fn gave(name: &str, combo: &str, count: u32, more: u32, origin: Option<&str>) -> Fact {
    let (gift, origin) = (s("rose"), origin.map(s));
    Fact::Gave {
        gift,
        name: s(name),
        combo: s(combo),
        count,
        more,
        origin,
    }
}

fn moderated(act: u64, what: Moderation, undoes: Option<u64>) -> Fact {
    Fact::Moderated {
        act,
        by: s("mo"),
        what,
        undoes,
    }
}

fn came(name: &str, addr: &str) -> Fact {
    Fact::Came {
        name: s(name),
        role: Role::Viewer,
        addr: s(addr),
    }
}

fn product(product: u64, name: &str, stock: Option<u32>) -> Fact {
    let (price, old_price, url) = (
        s("12 €"),
        Some(s("15 €")),
        Some(s("https://shop.example/?a=\"b\"&c")),
    );
    Fact::ProductSet {
        product,
        name: s(name),
        price,
        old_price,
        stock,
        url,
    }
}

fn ordered(order: &str, name: &str) -> Fact {
    Fact::Ordered {
        order: s(order),
        pin: Some(1),
        product: Some(1),
        count: 2,
        amount_minor: 2400,
        currency: s("EUR"),
        name: Some(s(name)),
    }
}

/// A show with everything in it: viewer 1 is Ann (of whom nothing must stay once she is erased), 2 is Bob, 3 Cy of the staff.
fn story() -> Vec<(u64, Fact)> {
    let ban = |on| Moderation::Ban { viewer: 1, on };
    vec![
        (
            0,
            moderated(
                1,
                Moderation::Words {
                    words: vec![s("\"bad\""), s("坏")],
                },
                None,
            ),
        ),
        (0, product(1, "Mug", Some(5))),
        (0, product(2, "Hat", None)),
        (
            0,
            Fact::ShowBegun {
                title: s("Opening"),
            },
        ),
        (1, came("Ann-secret", "addr-of-ann")),
        (2, came("Bob", "addr-of-bob")),
        (3, came("Cy", "addr-of-cy")),
        (1, Fact::Joined),
        (2, Fact::Joined),
        (
            1,
            said(
                1,
                "Ann-secret",
                "secret words of hers; '); DROP TABLE event;--",
                LineState::Shown,
            ),
        ),
        (2, said(2, "Bob", "hello \u{202e}\0 世界", LineState::Held)),
        (0, Fact::LineShown { line: 2 }),
        (
            1,
            Fact::Renamed {
                name: s("Anna-secret"),
                role: Role::Moderator,
            },
        ),
        (
            1,
            said(3, "Anna-secret", "another secret", LineState::Shown),
        ),
        (
            3,
            Fact::LineHidden {
                line: 3,
                why: s("moderator"),
            },
        ),
        (1, Fact::Liked { n: 7 }),
        (1, gave("Anna-secret", "combo-secret", 2, 2, None)),
        (1, gave("Anna-secret", "combo-secret", 5, 3, None)),
        (0, gave("Fan", "c", 1, 1, Some("youtube"))),
        (
            0,
            Fact::PollOpened {
                poll: 1,
                question: s("Which?"),
                choices: vec![s("A"), s("B \"b\"")],
                hidden: true,
            },
        ),
        (
            1,
            Fact::Voted {
                poll: 1,
                choice: 0,
                instead_of: None,
            },
        ),
        (
            2,
            Fact::Voted {
                poll: 1,
                choice: 1,
                instead_of: None,
            },
        ),
        (
            1,
            Fact::Voted {
                poll: 1,
                choice: 1,
                instead_of: Some(0),
            },
        ),
        (
            0,
            Fact::PollClosed {
                poll: 1,
                counts: vec![0, 2],
                winners: vec![1],
            },
        ),
        (0, Fact::PollGone { poll: 1 }),
        (
            1,
            Fact::Asked {
                question: 1,
                name: s("Anna-secret"),
                text: s("a secret question?"),
                origin: None,
            },
        ),
        (2, Fact::QuestionsSeen { questions: vec![1] }),
        (
            3,
            Fact::QuestionMoved {
                question: 1,
                state: QuestionState::Live,
            },
        ),
        (
            2,
            Fact::UpVoted {
                question: 1,
                on: true,
            },
        ),
        (
            1,
            Fact::UpVoted {
                question: 1,
                on: true,
            },
        ),
        (
            2,
            Fact::UpVoted {
                question: 1,
                on: false,
            },
        ),
        (0, Fact::Pinned { pin: 1, product: 1 }),
        (1, Fact::Clicked { pin: 1, product: 1 }),
        (1, ordered("order-1", "Ann the secret buyer")),
        (0, ordered("order-2", "Somebody")),
        (0, Fact::Unpinned { pin: 1 }),
        (0, Fact::Pinned { pin: 2, product: 2 }),
        (0, Fact::ProductRemoved { product: 1 }),
        (
            3,
            Fact::DrawOpened {
                draw: 1,
                title: s("A mug"),
                winners: 2,
                commitment: s("c0ffee"),
            },
        ),
        (1, Fact::DrawEntered { draw: 1 }),
        (2, Fact::DrawEntered { draw: 1 }),
        (
            3,
            Fact::DrawClosed {
                draw: 1,
                entries: 2,
                digest: s("d1"),
            },
        ),
        (
            3,
            Fact::DrawDone {
                draw: 1,
                seed: s("5eed"),
                winners: vec![
                    Winner {
                        viewer: 2,
                        name: s("Bob"),
                    },
                    Winner {
                        viewer: 1,
                        name: s("Anna-secret"),
                    },
                ],
            },
        ),
        (
            0,
            Fact::Announced {
                text: s("Last call"),
            },
        ),
        (
            0,
            Fact::Incident {
                text: s("No picture"),
                over: false,
            },
        ),
        (
            0,
            Fact::Incident {
                text: s("No picture"),
                over: true,
            },
        ),
        (3, moderated(2, Moderation::Approve { line: 2 }, None)),
        (3, moderated(3, Moderation::Hide { line: 3 }, None)),
        (
            3,
            moderated(
                4,
                Moderation::TimeOut {
                    viewer: 1,
                    until_ms: NOW + 5,
                },
                None,
            ),
        ),
        (3, moderated(5, ban(true), None)),
        (3, moderated(6, ban(false), Some(5))),
        (3, moderated(7, Moderation::Slow { seconds: 3 }, None)),
        (3, moderated(8, Moderation::Danmaku { on: true }, None)),
        (3, moderated(9, Moderation::Panic { on: false }, None)),
        (1, Fact::Left { stayed_ms: 65_000 }),
        (2, Fact::Left { stayed_ms: 1000 }),
        (0, Fact::ShowEnded),
    ]
}

/// Events of facts, from `seq` and `at_ms` on, one each second, in show `show`.
fn events(facts: Vec<(u64, Fact)>, seq: u64, at_ms: i64, show: u64) -> Vec<Event> {
    let mut at = at_ms - 1000;
    facts
        .into_iter()
        .zip(seq..)
        .map(|((viewer, fact), seq)| {
            at += 1000;
            Event {
                seq,
                at_ms: at,
                show,
                viewer,
                fact,
            }
        })
        .collect()
}

fn open(dir: &Path) -> Db {
    let (db, warning) = Db::open(dir).unwrap();
    assert_eq!(warning, None);
    db
}

/// A database with the story in it.
async fn told(dir: &Path) -> (Db, Vec<Event>) {
    let db = open(dir);
    let all = events(story(), 1, NOW, 1);
    db.room_save(all.clone(), false).await.unwrap();
    (db, all)
}

/// Runs a query for one number.
async fn number(db: &Db, sql: &'static str) -> i64 {
    db.run(Sync::Lazy, move |conn| {
        conn.query_row(sql, [], |row| row.get(0))
    })
    .await
    .unwrap()
}

/// Runs a query for rows of texts.
async fn texts(db: &Db, sql: &'static str) -> Vec<String> {
    let job = move |conn: &Connection| {
        let mut found = conn.prepare(sql)?;
        let n = found.column_count();
        let rows = found.query_map([], |row| {
            let cells = (0..n).map(|i| row.get::<_, rusqlite::types::Value>(i));
            let cells = cells.map(|c| match c.unwrap() {
                rusqlite::types::Value::Text(text) => text,
                rusqlite::types::Value::Integer(n) => n.to_string(),
                _ => s("-"),
            });
            Ok(cells.collect::<Vec<_>>().join("|"))
        })?;
        rows.collect()
    };
    db.run(Sync::Lazy, job).await.unwrap()
}

#[test]
fn the_story_has_every_kind_of_fact_and_of_act() {
    let mut kinds = BTreeSet::new();
    let mut acts = BTreeSet::new();
    for (_, fact) in story() {
        assert_eq!(kind(&fact), fact.kind());
        kinds.insert(kind(&fact));
        if let Fact::Moderated { what, .. } = &fact {
            acts.insert(act(what));
        }
    }
    assert_eq!(kinds, KINDS.iter().copied().collect());
    assert_eq!(acts, ACTS.iter().copied().collect());
}
