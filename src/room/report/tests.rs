use super::*;
use crate::room::live::event::{LineState, QuestionState, Role};

/// Events one after the other.
#[derive(Default)]
pub(super) struct Told {
    pub(super) events: Vec<Event>,
    now: i64,
    show: u64,
}

impl Told {
    pub(super) fn show() -> Self {
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

    pub(super) fn say(&mut self, after_ms: i64, viewer: u64, fact: Fact) -> &mut Self {
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

pub(super) fn said(line: u64, origin: Option<&str>) -> Fact {
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

pub(super) fn ordered(pin: Option<u64>, product: Option<u64>, amount_minor: u64) -> Fact {
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
