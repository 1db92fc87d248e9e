//! The tables say what the events say.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// What a fold of the events says, written as the tables would.
#[derive(Default)]
struct Fold {
    names: BTreeMap<u64, String>,
    banned: BTreeMap<u64, bool>,
    lines: BTreeMap<u64, &'static str>,
    votes: BTreeMap<(u64, u64), u32>,
    for_question: BTreeMap<(u64, u64), ()>,
    states: BTreeMap<u64, QuestionState>,
    gifts: BTreeMap<(u64, String), u32>,
    entries: BTreeMap<(u64, u64), ()>,
    removed: BTreeMap<u64, bool>,
    orders: BTreeMap<String, u64>,
    sums: BTreeMap<String, u64>,
    here: BTreeSet<u64>,
}

impl Fold {
    fn add(&mut self, what: &str, n: u64) {
        if n > 0 {
            *self.sums.entry(s(what)).or_default() += n;
        }
    }

    fn take(&mut self, viewer: u64, fact: &Fact) {
        match fact {
            Fact::Came { name, .. } | Fact::Renamed { name, .. } => {
                self.names.insert(viewer, name.clone());
            }
            Fact::Joined => {
                self.add("joins", 1);
                let first = self.here.insert(viewer);
                self.add("viewers", u64::from(first));
            }
            Fact::Left { stayed_ms } => self.add("watch_ms", *stayed_ms),
            Fact::Said { line, state, .. } => {
                let state = if *state == LineState::Held {
                    "held"
                } else {
                    "shown"
                };
                self.lines.insert(*line, state);
                self.add("lines", 1);
            }
            Fact::LineShown { line } => self.turn(*line, "shown"),
            Fact::LineHidden { line, .. } => self.turn(*line, "hidden"),
            Fact::Liked { n } => self.add("likes", u64::from(*n)),
            Fact::Gave {
                combo, count, more, ..
            } => {
                let top = self.gifts.entry((viewer, combo.clone())).or_default();
                *top = (*top).max(*count);
                self.add("gifts", u64::from(*more));
            }
            Fact::Voted {
                poll,
                choice,
                instead_of,
            } => {
                self.votes.insert((*poll, viewer), *choice);
                self.add("votes", u64::from(instead_of.is_none()));
            }
            Fact::Asked { question, .. } => {
                self.states.insert(*question, QuestionState::Pending);
                self.add("questions", 1);
            }
            Fact::QuestionMoved { question, state } => {
                if let Some(known) = self.states.get_mut(question) {
                    *known = *state;
                }
            }
            Fact::UpVoted { question, on: true } => {
                let new = self.for_question.insert((*question, viewer), ()).is_none();
                self.add("upvotes", u64::from(new));
            }
            Fact::UpVoted {
                question,
                on: false,
            } => {
                self.for_question.remove(&(*question, viewer));
            }
            Fact::DrawEntered { draw } => {
                let new = self.entries.insert((*draw, viewer), ()).is_none();
                self.add("entries", u64::from(new));
            }
            Fact::ProductSet { product, .. } => {
                self.removed.insert(*product, false);
            }
            Fact::ProductRemoved { product } => {
                if let Some(removed) = self.removed.get_mut(product) {
                    *removed = true;
                }
            }
            Fact::Clicked { .. } => self.add("clicks", 1),
            Fact::Ordered {
                order,
                amount_minor,
                ..
            } => {
                let new = self.orders.insert(order.clone(), *amount_minor).is_none();
                self.add("orders", u64::from(new));
                self.add("amount:EUR", if new { *amount_minor } else { 0 });
            }
            Fact::Moderated {
                what: Moderation::Ban { viewer, on },
                ..
            } => {
                self.banned.insert(*viewer, *on);
            }
            _ => {}
        }
    }

    fn turn(&mut self, line: u64, state: &'static str) {
        if let Some(known) = self.lines.get_mut(&line) {
            *known = state;
        }
    }
}

/// Some fact or other.
fn any(rng: &mut StdRng, n: u64) -> (u64, Fact) {
    let viewer = rng.random_range(1..=5);
    let few = rng.random_range(1..=4_u64);
    let old = rng.random_range(0..=n);
    let on = rng.random_bool(0.6);
    let fact = match rng.random_range(0..18) {
        0 => Fact::Renamed {
            name: format!("name {n}"),
            role: Role::Viewer,
        },
        1 => Fact::Joined,
        2 => Fact::Left { stayed_ms: n },
        3 | 4 => said(
            n,
            "x",
            "text",
            if on {
                LineState::Shown
            } else {
                LineState::Held
            },
        ),
        5 => Fact::LineShown { line: old },
        6 => Fact::LineHidden {
            line: old,
            why: s("panic"),
        },
        7 => Fact::Liked { n: 3 },
        8 => gave(
            "x",
            &format!("c{few}"),
            u32::try_from(n % 9).unwrap(),
            1,
            None,
        ),
        9 => Fact::Voted {
            poll: few,
            choice: 1,
            instead_of: if on { None } else { Some(0) },
        },
        10 => Fact::Asked {
            question: n,
            name: s("x"),
            text: s("?"),
            origin: None,
        },
        11 => Fact::UpVoted { question: few, on },
        12 => Fact::QuestionMoved {
            question: old,
            state: QuestionState::OnScreen,
        },
        13 => Fact::DrawEntered { draw: few },
        14 if on => product(few, "p", None),
        14 => Fact::ProductRemoved { product: few },
        15 => Fact::Clicked {
            pin: few,
            product: few,
        },
        16 => ordered(&format!("o{}", old % 20), "x"),
        _ => moderated(n, Moderation::Ban { viewer, on }, None),
    };
    (viewer, fact)
}

#[tokio::test]
async fn the_tables_say_what_a_fold_of_the_events_says() {
    for seed in 0..8 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut facts: Vec<(u64, Fact)> = (1..=5).map(|v| (v, came("first", "a"))).collect();
        facts.push((0, Fact::ShowBegun { title: s("") }));
        facts.extend((1..400).map(|n| any(&mut rng, n)));
        let mut fold = Fold::default();
        for (viewer, fact) in &facts {
            fold.take(*viewer, fact);
        }
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path());
        let all = events(facts, 1, NOW, 1);
        for batch in all.chunks(rng.random_range(1..50)) {
            db.room_save(batch.to_vec(), true).await.unwrap();
        }
        let check =
            |found: Vec<String>, expected: Vec<String>| assert_eq!(found, expected, "seed {seed}");
        check(
            texts(
                &db,
                "SELECT viewer, name, banned FROM viewer ORDER BY viewer",
            )
            .await,
            fold.names
                .iter()
                .map(|(v, name)| {
                    let banned = fold.banned.get(v).copied().unwrap_or_default();
                    format!("{v}|{name}|{}", u8::from(banned))
                })
                .collect(),
        );
        check(
            texts(&db, "SELECT line, state FROM message ORDER BY line").await,
            fold.lines
                .iter()
                .map(|(l, state)| format!("{l}|{state}"))
                .collect(),
        );
        check(
            texts(&db, "SELECT poll, viewer, choice FROM vote ORDER BY 1, 2").await,
            fold.votes
                .iter()
                .map(|((p, v), c)| format!("{p}|{v}|{c}"))
                .collect(),
        );
        check(
            texts(&db, "SELECT question, viewer FROM upvote ORDER BY 1, 2").await,
            fold.for_question
                .keys()
                .map(|(q, v)| format!("{q}|{v}"))
                .collect(),
        );
        check(
            texts(&db, "SELECT question, state FROM question ORDER BY 1").await,
            fold.states
                .iter()
                .map(|(q, state)| format!("{q}|{}", word(state).unwrap()))
                .collect(),
        );
        check(
            texts(&db, "SELECT viewer, combo, count FROM gift ORDER BY 1, 2").await,
            fold.gifts
                .iter()
                .map(|((v, combo), n)| format!("{v}|{combo}|{n}"))
                .collect(),
        );
        check(
            texts(&db, "SELECT draw, viewer FROM draw_entry ORDER BY 1, 2").await,
            fold.entries
                .keys()
                .map(|(d, v)| format!("{d}|{v}"))
                .collect(),
        );
        check(
            texts(&db, "SELECT product, removed FROM product ORDER BY 1").await,
            fold.removed
                .iter()
                .map(|(p, r)| format!("{p}|{}", u8::from(*r)))
                .collect(),
        );
        let row = db.show_row(1).await.unwrap().unwrap();
        assert_eq!(row.sums, fold.sums, "seed {seed}");
        assert_eq!(row.last_ms, all.last().unwrap().at_ms);
    }
}

#[tokio::test]
async fn the_story_stands_in_the_tables() {
    let dir = tempfile::tempdir().unwrap();
    let (db, _) = told(dir.path()).await;
    assert_eq!(
        texts(
            &db,
            "SELECT closed_ms IS NULL, gone, counts, winners, choices FROM poll"
        )
        .await,
        [r#"0|1|[0,2]|[1]|["A","B \"b\""]"#]
    );
    assert_eq!(
        texts(&db, "SELECT votes, seen, state FROM question").await,
        ["1|1|live"]
    );
    assert_eq!(
        texts(&db, "SELECT pin, product, until_ms IS NULL FROM pin").await,
        ["1|1|0", "2|2|1"]
    );
    assert_eq!(
        texts(&db, "SELECT seed, digest, entries, won FROM draw").await,
        [r#"5eed|d1|2|[{"viewer":2,"name":"Bob"},{"viewer":1,"name":"Anna-secret"}]"#]
    );
    assert_eq!(
        texts(
            &db,
            "SELECT muted_until_ms, banned, role FROM viewer WHERE viewer = 1"
        )
        .await,
        [format!("{}|0|moderator", NOW + 5)]
    );
    let acts = db.audit_list(None, 3).await.unwrap();
    let shown: Vec<String> = acts
        .iter()
        .map(|a| format!("{} {} {}", a.account, a.what, a.detail))
        .collect();
    assert_eq!(
        shown,
        [
            r#"mo room/panic {"act":9,"on":false}"#,
            r#"mo room/danmaku {"act":8,"on":true}"#,
            r#"mo room/slow {"act":7,"seconds":3}"#
        ]
    );
    let sums = db.shows().await.unwrap().remove(0).sums;
    assert_eq!(sums["gifts"], 6);
    assert_eq!(sums["amount:EUR"], 4800);
    assert_eq!(sums["votes"], 2);
}
