use std::collections::BTreeSet;

use proptest::prelude::*;

use super::tests::{Told, ordered, said};
use super::*;
use crate::room::live::event::{Moderation, Winner};

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
