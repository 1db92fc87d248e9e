use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::room::live::event::{LineState, Moderation, QuestionState, Role, Winner};

/// Events one after the other.
#[derive(Default)]
struct Told {
    events: Vec<Event>,
    now: i64,
    show: u64,
}

impl Told {
    fn show() -> Self {
        let mut told = Self {
            now: 1_700_000_000_000,
            show: 7,
            ..Self::default()
        };
        told.say(
            0,
            0,
            Fact::ShowBegun {
                title: "Tea".into(),
            },
        );
        told
    }

    fn say(&mut self, after_ms: i64, viewer: u64, fact: Fact) -> &mut Self {
        self.now += after_ms;
        let seq = self.events.last().map_or(41, |e| e.seq + 1);
        self.events.push(Event {
            seq,
            at_ms: self.now,
            show: self.show,
            viewer,
            fact,
        });
        self
    }

    fn report(&self) -> Report {
        Report::of(&self.events)
    }
}

fn said(line: u64, origin: Option<&str>) -> Fact {
    Fact::Said {
        line,
        name: "Mei".into(),
        text: "hi".into(),
        role: Role::Viewer,
        origin: origin.map(str::to_owned),
        state: LineState::Shown,
        danmaku: false,
        item: None,
        nonce: None,
    }
}

fn ordered(pin: Option<u64>, product: Option<u64>, amount_minor: u64) -> Fact {
    Fact::Ordered {
        order: "a".into(),
        pin,
        product,
        count: 2,
        amount_minor,
        currency: "CNY".into(),
        name: None,
    }
}

#[test]
fn an_evening() {
    let mut told = Told::show();
    told.say(0, 1, Fact::Joined)
        .say(10_000, 2, Fact::Joined)
        .say(10_000, 1, said(1, None))
        .say(0, 0, said(2, Some("youtube")))
        .say(40_000, 1, Fact::Left { stayed_ms: 60_000 })
        .say(30_000, 2, Fact::Pinned { pin: 3, product: 9 })
        .say(0, 2, Fact::Clicked { pin: 3, product: 9 })
        .say(10_000, 0, ordered(Some(3), None, 1990))
        .say(0, 0, ordered(None, Some(9), 10))
        .say(20_000, 0, Fact::ShowEnded);
    let report = told.report();
    assert_eq!(
        (report.show, report.title.as_str(), report.length_ms),
        (7, "Tea", 120_000)
    );
    assert_eq!(report.ended_ms, Some(1_700_000_120_000));
    assert_eq!(
        (
            report.audience.viewers.n,
            report.audience.views.n,
            report.audience.peak.n
        ),
        (2, 2, 2)
    );
    assert_eq!(report.audience.watch_ms.n, 60_000 + 110_000);
    assert_eq!(report.audience.watch_median_ms.value, 85_000.0);
    assert!((report.audience.average.value - 170.0 / 120.0).abs() < 1e-9);
    let most: Vec<u64> = report.audience.over_time.iter().map(|h| h.most).collect();
    assert_eq!(most, [2, 1]);
    assert!((report.audience.over_time[0].mean - 110.0 / 60.0).abs() < 1e-9);
    let per_minute: Vec<u64> = report.talk.over_time.iter().map(|c| c.n).collect();
    assert_eq!(per_minute, [2, 0]);
    assert_eq!(report.talk.per_minute.value, 1.0);
    assert_eq!(
        (
            report.talk.messages.n,
            report.talk.bridged.n,
            report.engagement.messages.n
        ),
        (2, 1, 1)
    );
    let stages: Vec<u64> = report.funnel.iter().map(|s| s.count.n).collect();
    // Two orders of unknown buyers.
    assert_eq!(stages, [2, 1, 1, 2]);
    assert_eq!(report.shop.revenue["CNY"].n, 2000);
    assert_eq!(report.shop.products[0].revenue["CNY"].n, 2000);
    assert_eq!(report.shop.products[0].pieces.n, 4);
    assert_eq!(
        (
            report.shop.pins[0].orders.n,
            report.shop.pins[0].revenue["CNY"].n
        ),
        (1, 1990)
    );
    assert_eq!(report.shop.orders_without_pin.n, 1);
    assert_eq!(report.engagement.interactions.n, 1 + 1 + 2);
    assert_eq!(report.engagement.per_view.unwrap().value, 2.0);
}

#[test]
fn who_was_there_before_the_show_is_a_view() {
    let mut told = Told {
        now: 5_000,
        ..Told::default()
    };
    told.say(0, 1, Fact::Joined)
        .say(0, 2, Fact::Joined)
        .say(0, 2, Fact::Left { stayed_ms: 0 });
    told.say(
        0,
        0,
        Fact::ProductSet {
            product: 9,
            name: "Pot".into(),
            price: "1".into(),
            old_price: None,
            stock: None,
            url: None,
        },
    );
    told.show = 3;
    told.say(
        60_000,
        0,
        Fact::ShowBegun {
            title: String::new(),
        },
    )
    .say(1_000, 5, Fact::Left { stayed_ms: 900_000 })
    .say(0, 4, Fact::Clicked { pin: 1, product: 9 })
    .say(9_000, 0, Fact::Announced { text: "x".into() });
    let report = told.report();
    assert_eq!(
        (report.show, report.ended_ms, report.length_ms),
        (3, None, 10_000)
    );
    // 1 from before; 5 left without having come; 4 did something.
    assert_eq!(
        (
            report.audience.viewers.n,
            report.audience.views.n,
            report.audience.peak.n
        ),
        (3, 2, 2)
    );
    assert_eq!(report.audience.watch_ms.n, 10_000 + 1_000);
    assert_eq!(report.shop.products[0].name, "Pot");
    assert_eq!(report.audience.views.from.ranges(), "41 46");
}

#[test]
fn ties_and_replaced_votes() {
    let mut told = Told::show();
    let vote = |choice, instead_of| Fact::Voted {
        poll: 4,
        choice,
        instead_of,
    };
    told.say(
        0,
        0,
        Fact::PollOpened {
            poll: 4,
            question: "?".into(),
            choices: vec!["a".into(), "b".into(), "c".into()],
            hidden: false,
        },
    )
    .say(1, 1, vote(0, None))
    .say(1, 2, vote(1, None))
    .say(1, 3, vote(0, None))
    .say(1, 3, vote(1, Some(0)))
    .say(1, 4, vote(0, None))
    // No such choice: it must not make room for four thousand million of them.
    .say(1, 5, vote(u32::MAX, None))
    .say(
        1,
        0,
        Fact::PollClosed {
            poll: 4,
            counts: vec![2, 2, 0],
            winners: vec![0, 1],
        },
    );
    let report = told.report();
    let poll = &report.polls[0];
    let counts: Vec<u64> = poll.counts.iter().map(|c| c.n).collect();
    assert_eq!(
        (counts.as_slice(), poll.winners.as_slice(), poll.agrees),
        ([2, 2, 0].as_slice(), [0, 1].as_slice(), Some(true))
    );
    assert_eq!((poll.votes.n, report.engagement.votes.n), (4, 5));
}

#[test]
fn questions_rank_by_how_sure_they_are() {
    let mut told = Told::show();
    for question in 1..=2 {
        told.say(
            0,
            1,
            Fact::Asked {
                question,
                name: "A".into(),
                text: format!("q{question}"),
                origin: None,
            },
        );
    }
    for viewer in 1..=20 {
        told.say(
            0,
            viewer,
            Fact::QuestionsSeen {
                questions: if viewer <= 4 { vec![1, 2] } else { vec![1] },
            },
        );
    }
    for viewer in 1..=6 {
        told.say(
            0,
            viewer,
            Fact::UpVoted {
                question: 1,
                on: true,
            },
        );
    }
    for viewer in 1..=4 {
        told.say(
            0,
            viewer,
            Fact::UpVoted {
                question: 2,
                on: true,
            },
        );
    }
    told.say(
        0,
        6,
        Fact::UpVoted {
            question: 1,
            on: false,
        },
    );
    told.say(
        0,
        0,
        Fact::QuestionMoved {
            question: 2,
            state: QuestionState::Answered,
        },
    );
    let questions = told.report().questions;
    let top: Vec<(u64, u64, u64)> = questions
        .top
        .iter()
        .map(|q| (q.question, q.votes.n, q.seen.n))
        .collect();
    assert_eq!(top, [(2, 4, 4), (1, 5, 20)]);
    assert_eq!((questions.asked.n, questions.answered.n), (2, 1));
}

#[test]
fn faults_have_an_end() {
    let fault = |text: &str, over| Fact::Incident {
        text: text.into(),
        over,
    };
    let mut told = Told::show();
    told.say(1_000, 0, fault("camera", false))
        .say(1_000, 0, fault("link", false))
        .say(3_000, 0, fault("camera", true))
        .say(1_000, 0, fault("all is well", true))
        .say(1_000, 0, fault("late", true))
        .say(1_000, 0, fault("camera", false));
    let all = told.report().incidents;
    let took: Vec<_> = all.iter().map(|i| (i.text.as_str(), i.took_ms)).collect();
    assert_eq!(
        took,
        [
            ("camera", Some(4_000)),
            ("link", Some(4_000)),
            ("late", None),
            ("camera", None)
        ]
    );
}

#[test]
fn a_clock_that_jumps_does_not_break_the_series() {
    let mut told = Told::show();
    told.say(60_000, 1, Fact::Joined)
        .say(-3_600_000, 1, said(1, None))
        // From 1970 to 2026: the clock was set.
        .say(1_767_225_600_000, 1, said(2, None));
    let report = told.report();
    assert_eq!(report.clock_jumps.n, 1);
    assert!(report.audience.over_time.len() <= 1440);
    assert_eq!(report.talk.over_time.iter().map(|c| c.n).sum::<u64>(), 2);
}

#[test]
fn no_events_no_show() {
    let report = Report::of(&[]);
    assert_eq!((report.show, report.events, report.funnel.len()), (0, 0, 4));
    assert_eq!(report.engagement.per_view, None);
}

#[test]
fn ranges_are_compact_in_any_order() {
    let event = |seq| Event {
        seq,
        at_ms: 0,
        show: 1,
        viewer: 1,
        fact: Fact::Joined,
    };
    let mut evidence = Evidence::default();
    for seq in [5, 3, 9, 4, 4, 10, 1, 0, u64::MAX] {
        evidence.add(&event(seq));
    }
    assert_eq!(evidence.ranges(), format!("0-1 3-5 9-10 {}", u64::MAX));
    let mut other = Evidence::default();
    other.add(&event(2));
    other.add(&event(7));
    evidence.add_all(&other);
    assert_eq!(evidence.ranges(), format!("0-5 7 9-10 {}", u64::MAX));
    assert_eq!(evidence.len(), 10);
}

/// A course that the room could take: viewers join before they leave, things exist before something becomes of them.
fn course() -> impl Strategy<Value = Vec<Event>> {
    let step = (0_u8..22, 1_u64..7, 0_u32..4, 0_i64..90_000);
    proptest::collection::vec(step, 0..120).prop_map(|steps| {
        let (mut told, mut here, mut votes, mut up) = (
            Told::show(),
            BTreeSet::new(),
            std::collections::BTreeMap::new(),
            BTreeSet::new(),
        );
        told.say(
            0,
            0,
            Fact::PollOpened {
                poll: 1,
                question: "?".into(),
                choices: vec!["a".into(); 4],
                hidden: false,
            },
        );
        for (what, viewer, a, after) in steps {
            let id = u64::from(a);
            let fact = match what {
                0..=4 if here.insert(viewer) => Fact::Joined,
                0..=4 => {
                    here.remove(&viewer);
                    Fact::Left {
                        stayed_ms: id * 1000,
                    }
                }
                5..=8 => said(id, (a == 3).then_some("tiktok")),
                9 => Fact::Liked { n: a + 1 },
                10 => Fact::Gave {
                    gift: format!("g{a}"),
                    name: "x".into(),
                    combo: "c".into(),
                    count: a + 5,
                    more: a,
                    origin: None,
                },
                11 | 12 => Fact::Voted {
                    poll: 1,
                    choice: a,
                    instead_of: votes.insert(viewer, a),
                },
                13 => Fact::Asked {
                    question: id,
                    name: "x".into(),
                    text: "?".into(),
                    origin: None,
                },
                14 => Fact::UpVoted {
                    question: id,
                    on: up.insert((viewer, id)) || !up.remove(&(viewer, id)),
                },
                15 => Fact::QuestionsSeen {
                    questions: vec![id, 1],
                },
                16 => Fact::Pinned {
                    pin: id,
                    product: id / 2,
                },
                17 => Fact::Clicked {
                    pin: id,
                    product: id / 2,
                },
                18 => ordered((a > 0).then_some(id), (a < 3).then_some(id), id * 100),
                19 => Fact::DrawEntered { draw: id },
                20 => Fact::Incident {
                    text: format!("i{}", a / 2),
                    over: a % 2 == 1,
                },
                _ => Fact::Moderated {
                    act: id,
                    by: "o".into(),
                    what: Moderation::Hide { line: id },
                    undoes: (a == 0).then_some(1),
                },
            };
            let viewer = if matches!(fact, Fact::Ordered { .. } | Fact::Incident { .. }) {
                0
            } else {
                viewer
            };
            told.say(after, viewer, fact);
        }
        told.say(
            5,
            0,
            Fact::DrawDone {
                draw: 1,
                seed: "00".into(),
                winners: vec![Winner {
                    viewer: 1,
                    name: "x".into(),
                }],
            },
        );
        told.events
    })
}

fn naive(events: &[Event], n: impl Fn(&Event) -> u64) -> u64 {
    events.iter().map(n).sum()
}

fn of_kind(events: &[Event], kind: &str) -> u64 {
    naive(events, |e| u64::from(e.fact.kind() == kind))
}

proptest! {
    #[test]
    fn a_replay_gives_the_same_report(events in course().prop_flat_map(|e| (Just(e.clone()), Just(e).prop_shuffle()))) {
        let (events, shuffled) = events;
        let json = serde_json::to_string(&Report::of(&events)).unwrap();
        let told: Vec<Event> = events.iter().map(|e| serde_json::from_str(&serde_json::to_string(e).unwrap()).unwrap()).collect();
        prop_assert_eq!(&json, &serde_json::to_string(&Report::of(&told)).unwrap());
        prop_assert_eq!(&json, &serde_json::to_string(&Report::of(&shuffled)).unwrap());
        let twice: Vec<Event> = events.iter().chain(&events).cloned().collect();
        prop_assert_eq!(&json, &serde_json::to_string(&Report::of(&twice)).unwrap());
    }

    #[test]
    fn totals_are_those_of_plain_counting(events in course()) {
        let report = Report::of(&events);
        prop_assert_eq!(report.events, events.len() as u64);
        prop_assert_eq!(report.talk.messages.n, of_kind(&events, "said"));
        prop_assert_eq!(report.talk.over_time.iter().map(|c| c.n).sum::<u64>(), report.talk.messages.n);
        prop_assert_eq!(report.audience.views.n, of_kind(&events, "joined"));
        prop_assert_eq!(report.shop.clicks.n, of_kind(&events, "clicked"));
        prop_assert_eq!(report.shop.orders.n, of_kind(&events, "ordered"));
        prop_assert_eq!(report.moderation.acts.n, of_kind(&events, "moderated"));
        prop_assert_eq!(report.questions.asked.n, of_kind(&events, "asked"));
        let viewers: BTreeSet<u64> = events.iter().filter(|e| e.viewer != 0 && e.fact.kind() != "moderated").map(|e| e.viewer).collect();
        prop_assert_eq!(report.audience.viewers.n, viewers.len() as u64);
        let likes = naive(&events, |e| match e.fact { Fact::Liked { n } => n.into(), _ => 0 });
        prop_assert_eq!(report.talk.likes.n, likes);
        let gifts = naive(&events, |e| match e.fact { Fact::Gave { more, .. } => more.into(), _ => 0 });
        prop_assert_eq!(report.talk.gifts.n, gifts);
        prop_assert_eq!(report.talk.gifts_by_kind.values().map(|c| c.n).sum::<u64>(), gifts);
        let worth = naive(&events, |e| match e.fact { Fact::Ordered { amount_minor, .. } => amount_minor, _ => 0 });
        prop_assert_eq!(report.shop.revenue.values().map(|c| c.n).sum::<u64>(), worth);
        let (mut here, mut peak) = (0_u64, 0);
        for event in &events {
            match event.fact {
                Fact::Joined => here += 1,
                Fact::Left { .. } => here -= 1,
                _ => {}
            }
            peak = peak.max(here);
        }
        prop_assert_eq!(report.audience.peak.n, peak);
        prop_assert_eq!(report.audience.over_time.iter().map(|h| h.most).max(), Some(peak));
        prop_assert!(report.audience.average.value <= peak as f64 + 1e-9);
        let voters: BTreeSet<u64> = events.iter().filter(|e| e.fact.kind() == "voted").map(|e| e.viewer).collect();
        prop_assert_eq!(report.polls[0].votes.n, voters.len() as u64);
        let parts = report.engagement.parts().iter().map(|(_, c)| c.n).sum::<u64>();
        prop_assert_eq!(report.engagement.interactions.n, parts);
        for stage in &report.funnel {
            if let Some(of) = stage.of_viewers {
                prop_assert!(0.0 <= of.low && of.low <= of.share && of.share <= of.high && of.high <= 1.0);
            }
        }
    }

    #[test]
    fn each_number_names_its_events(events in course()) {
        let report = serde_json::to_value(Report::of(&events)).unwrap();
        let mut left = vec![&report];
        while let Some(value) = left.pop() {
            match value {
                serde_json::Value::Array(items) => left.extend(items),
                serde_json::Value::Object(fields) => {
                    left.extend(fields.values());
                    let (Some(kinds), Some(seqs)) = (fields.get("kinds"), fields.get("seqs")) else { continue };
                    let kinds: BTreeSet<String> = serde_json::from_value(kinds.clone()).unwrap();
                    let seqs: Vec<(u64, u64)> = serde_json::from_value(seqs.clone()).unwrap();
                    let named: Vec<&Event> = events.iter().filter(|e| seqs.iter().any(|(a, b)| (*a..=*b).contains(&e.seq))).collect();
                    prop_assert_eq!(named.len() as u64, seqs.iter().map(|(a, b)| b - a + 1).sum::<u64>());
                    let of: BTreeSet<String> = named.iter().map(|e| e.fact.kind().to_owned()).collect();
                    prop_assert_eq!(of, kinds);
                }
                _ => {}
            }
        }
    }
}
