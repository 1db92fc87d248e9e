//! Properties of the live room over arbitrary wishes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::act::Act;
use super::bridged::NewOrder;
use super::event::{Event, Fact, QuestionState, Role};
use super::questions::rank;
use super::state::{Highest, Live};
use super::testing::{World, owner, settings, viewer};

/// Viewers in these tests.
const VIEWERS: u64 = 6;

#[derive(Debug, Clone)]
enum Step {
    By(u64, Act),
    Staff(Act),
    Here(u64, bool),
    Order(u8, Option<u64>),
    Wait(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let by = |act: BoxedStrategy<Act>| (1..=VIEWERS, act).prop_map(|(v, act)| Step::By(v, act));
    let number = 1..4_u64;
    let viewers = prop_oneof![
        (0..7_u8, prop::option::of("[ab]")).prop_map(|(n, nonce)| Act::Say {
            text: [
                "hi",
                "!1",
                "!2",
                "!9",
                "！1",
                "a badword",
                "see http://a.de"
            ][usize::from(n)]
            .into(),
            nonce,
        }),
        (0..120_u32).prop_map(|n| Act::Like { n }),
        ("[xy]", 0..9_u32).prop_map(|(combo, count)| Act::Give {
            gift: "rose".into(),
            combo,
            count
        }),
        (number.clone(), 0..4_u32).prop_map(|(poll, choice)| Act::Vote { poll, choice }),
        "[qr]".prop_map(|text| Act::Ask { text, nonce: None }),
        (number.clone(), any::<bool>()).prop_map(|(question, on)| Act::UpVote { question, on }),
        prop::collection::vec(number.clone(), 0..4).prop_map(|questions| Act::Seen { questions }),
        number.clone().prop_map(|draw| Act::Enter { draw }),
        "[a-z]{0,26}".prop_map(|name| Act::Rename { name }),
    ];
    let state = prop::sample::select(vec![
        QuestionState::Live,
        QuestionState::OnScreen,
        QuestionState::Answered,
        QuestionState::Rejected,
    ]);
    let staff = prop_oneof![
        any::<bool>().prop_map(|hidden| Act::PollOpen {
            question: "Which?".into(),
            choices: vec!["A".into(), "B".into(), "C".into()],
            hidden,
        }),
        number.clone().prop_map(|poll| Act::PollClose { poll }),
        number.clone().prop_map(|poll| Act::PollGone { poll }),
        (number.clone(), state).prop_map(|(question, state)| Act::MoveQuestion { question, state }),
        (prop::option::of(number.clone()), 0..5_u32).prop_map(|(product, stock)| Act::ProductSet {
            product,
            name: "Mug".into(),
            price: "5 €".into(),
            old_price: None,
            stock: Some(stock),
            url: Some("https://shop.example/mug".into()),
        }),
        number
            .clone()
            .prop_map(|product| Act::ProductRemove { product }),
        number.clone().prop_map(|product| Act::Pin { product }),
        Just(Act::Unpin),
        (1..4_u32).prop_map(|winners| Act::DrawOpen {
            title: "A mug".into(),
            winners
        }),
        number.clone().prop_map(|draw| Act::DrawClose { draw }),
        number.clone().prop_map(|draw| Act::DrawDo { draw }),
        (1..9_u64).prop_map(|line| Act::Hide { line }),
        (1..9_u64).prop_map(|line| Act::Approve { line }),
        (0..=VIEWERS, 0..20_u32).prop_map(|(viewer, seconds)| Act::TimeOut { viewer, seconds }),
        (0..=VIEWERS, any::<bool>()).prop_map(|(viewer, on)| Act::Ban { viewer, on }),
        (0..9_u32).prop_map(|seconds| Act::Slow { seconds }),
        any::<bool>().prop_map(|on| Act::Danmaku { on }),
        any::<bool>().prop_map(|on| Act::Panic { on }),
        prop::collection::vec("[a-c]{3}", 0..3).prop_map(|words| Act::Words { words }),
        (1..12_u64).prop_map(|act| Act::Undo { act }),
        "[a-z]{0,3}".prop_map(|text| Act::Announce { text }),
        Just(Act::ShowBegin {
            title: "Tea".into()
        }),
        Just(Act::ShowEnd),
    ];
    let step = prop_oneof![
        6 => by(viewers.boxed()),
        4 => staff.prop_map(Step::Staff),
        1 => (1..=VIEWERS, any::<bool>()).prop_map(|(v, here)| Step::Here(v, here)),
        1 => (0..4_u8, prop::option::of(number)).prop_map(|(n, pin)| Step::Order(n, pin)),
        1 => (0..30_000_u32).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..120)
}

/// What a simple count over the facts gives.
#[derive(Default)]
struct Naive {
    likes: u64,
    here: BTreeSet<u64>,
    votes: BTreeMap<u64, BTreeMap<u64, u32>>,
    up: BTreeMap<u64, BTreeSet<u64>>,
    gifts: BTreeMap<(u64, String), u32>,
    gift_sum: u64,
    orders: BTreeMap<String, u32>,
}

impl Naive {
    fn see(&mut self, event: &Event) {
        match &event.fact {
            Fact::ShowBegun { .. } => (self.likes, self.gifts) = (0, BTreeMap::new()),
            Fact::Liked { n } => self.likes += u64::from(*n),
            Fact::Joined => assert!(self.here.insert(event.viewer)),
            Fact::Left { .. } => assert!(self.here.remove(&event.viewer)),
            Fact::Voted {
                poll,
                choice,
                instead_of,
            } => {
                let before = self
                    .votes
                    .entry(*poll)
                    .or_default()
                    .insert(event.viewer, *choice);
                assert_eq!(before, *instead_of);
            }
            Fact::UpVoted { question, on } => {
                let up = self.up.entry(*question).or_default();
                assert!(if *on {
                    up.insert(event.viewer)
                } else {
                    up.remove(&event.viewer)
                });
            }
            Fact::Gave {
                combo, count, more, ..
            } => {
                let known = self.gifts.entry((event.viewer, combo.clone())).or_default();
                assert_eq!(
                    *known + more,
                    *count,
                    "the sum of what is more is the highest count"
                );
                *known = *count;
                self.gift_sum += u64::from(*more);
            }
            Fact::Ordered { order, count, .. } => {
                assert!(self.orders.insert(order.clone(), *count).is_none(), "twice");
            }
            _ => {}
        }
    }
}

fn play(steps: Vec<Step>) -> World {
    let mut world = World::new();
    for n in 1..=VIEWERS {
        world.come(&format!("viewer {n}"));
    }
    for step in steps {
        match step {
            Step::By(v, act) => drop(world.act(&viewer(v), &act)),
            Step::Staff(act) => drop(world.act(&owner(), &act)),
            Step::Here(v, here) if here != world.live.is_here(v) => {
                world.fact(
                    v,
                    if here {
                        Fact::Joined
                    } else {
                        Fact::Left { stayed_ms: 1 }
                    },
                );
            }
            Step::Here(..) => {}
            Step::Order(n, pin) => {
                let new = NewOrder {
                    order: format!("o{n}"),
                    pin,
                    product: None,
                    count: 2,
                    amount_minor: 500,
                    currency: "EUR".into(),
                    name: None,
                };
                let decision = world.live.decide_order(&new).unwrap();
                world.facts(0, decision);
            }
            Step::Wait(ms) => world.now.wall_ms += i64::from(ms),
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn counts_are_those_of_a_naive_model(steps in steps()) {
        let world = play(steps);
        let mut naive = Naive::default();
        for event in &world.events {
            naive.see(event);
        }
        let room = world.live.room();
        prop_assert_eq!(room.likes, naive.likes);
        prop_assert_eq!(room.viewers, naive.here.len() as u64);
        let staff = world.live.staff();
        for question in room.questions.iter().chain(&staff.pending) {
            let votes = naive.up.get(&question.question).map_or(0, BTreeSet::len);
            prop_assert_eq!(question.votes as usize, votes);
        }
        // What was published when a poll was closed is what was voted, and its winners are all with the most.
        for event in &world.events {
            if let Fact::PollClosed { poll, counts, winners } = &event.fact {
                let votes = naive.votes.remove(poll).unwrap_or_default();
                let mut expected = vec![0_u64; counts.len()];
                votes.values().for_each(|choice| expected[*choice as usize] += 1);
                prop_assert_eq!(counts, &expected);
                let most = *expected.iter().max().unwrap();
                let best = |c: &u32| expected[*c as usize] == most && most > 0;
                let expected: Vec<u32> = (0..3).filter(best).collect();
                prop_assert_eq!(winners, &expected);
            }
        }
        if let Some(poll) = room.poll.filter(|poll| poll.open) {
            prop_assert_eq!(poll.counts.is_none(), poll.hidden);
            prop_assert_eq!(poll.votes, naive.votes.get(&poll.poll).map_or(0, |v| v.len() as u64));
        }
    }

    #[test]
    fn a_replay_gives_the_same_room(steps in steps()) {
        let world = play(steps);
        prop_assert_eq!(World::seen(&world.live), World::seen(&world.again()));
    }

    #[test]
    fn numbers_never_come_again(steps in steps(), keep in any::<prop::sample::Index>()) {
        let world = play(steps);
        let highest = world.live.highest();
        // Even where all events but the last ones were deleted.
        let from = keep.index(world.events.len());
        let live = Live::load(settings(), highest, &world.events[from..]).unwrap();
        prop_assert_eq!(live.highest(), highest);
        let mut seen = Highest::default();
        for event in &world.events {
            prop_assert_eq!(event.seq, seen.seq + 1);
            seen.see(event);
        }
        prop_assert_eq!(seen, highest);
        let next = live.event(0, Fact::ShowEnded, world.now);
        prop_assert_eq!(next.seq, highest.seq + 1);
    }

    #[test]
    fn an_undone_act_leaves_no_trace(steps in steps(), act in 0..8_u8, n in 1..=VIEWERS) {
        let mut world = play(steps);
        let act = match act {
            0 => Act::Hide { line: n },
            1 => Act::TimeOut { viewer: n, seconds: 60 },
            2 => Act::Ban { viewer: n, on: true },
            3 => Act::Slow { seconds: 600 },
            4 => Act::Words { words: vec!["zzz".into()] },
            5 => Act::Danmaku { on: n.is_multiple_of(2) },
            6 => Act::Panic { on: n.is_multiple_of(2) },
            _ => Act::Ban { viewer: n, on: false },
        };
        let look = |world: &World| {
            let mut room = world.live.room();
            room.seq = 0;
            let mut staff = world.live.staff();
            staff.acts.clear();
            // Whoever was banned may be listed for that alone.
            staff.people.retain(|person| person.here);
            (format!("{room:?} {staff:?}"), (1..=VIEWERS).map(|v| world.live.you(v, Role::Viewer)).collect::<Vec<_>>(),
                world.live.lines(None, 1, false, 500))
        };
        let before = look(&world);
        if let Ok(done) = world.act(&owner(), &act) && !done.again {
            let number = done.id.unwrap();
            prop_assert!(world.live.staff().acts[0].can_undo);
            let undone = world.act(&owner(), &Act::Undo { act: number });
            prop_assert!(undone.is_ok(), "{undone:?}");
            prop_assert!(world.act(&owner(), &Act::Undo { act: number }).is_err(), "once only");
            prop_assert_eq!(before, look(&world));
        }
    }

    #[test]
    fn a_rank_is_a_share_and_rises_with_votes(votes in 0..500_usize, seen in 0..2_000_usize) {
        let now = rank(votes, seen);
        prop_assert!((0.0..1.0).contains(&now));
        prop_assert!(rank(votes + 1, seen.max(votes + 1)) > rank(votes, seen.max(votes + 1)));
        prop_assert!(rank(votes, seen.max(votes) + 1) < rank(votes, seen.max(votes)));
    }
}
