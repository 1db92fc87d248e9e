//! Gifts, questions, the shop, draws and bridges, one by one.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::act::{Act, Why};
use super::bridged::{Bridged, BridgedWhat, NewOrder};
use super::draws::{digest, hex, winners};
use super::event::{Fact, LineState, QuestionState};
use super::questions::rank;
use super::state::{Decision, Highest, Live};
use super::testing::{World, owner, refused, say, seed, settings, viewer};

#[test]
fn combos_count_once_whatever_is_sent() {
    let mut world = World::new();
    let ann = world.come("Ann");
    let give = |count| Act::Give {
        gift: "rocket".into(),
        combo: "c1".into(),
        count,
    };
    let mut sum = 0;
    for count in [1, 3, 2, 3, 3, 7, 1] {
        world.act(&viewer(ann), &give(count)).unwrap();
    }
    for event in &world.events {
        if let Fact::Gave { more, .. } = event.fact {
            sum += more;
        }
    }
    assert_eq!(sum, 7);
    let unknown = Act::Give {
        gift: "yacht".into(),
        combo: "c".into(),
        count: 1,
    };
    assert_eq!(refused(&mut world, &viewer(ann), &unknown), Why::BadRequest);
}

#[test]
fn a_late_good_question_rises_and_a_new_one_is_seen() {
    // 40 of 100 against 12 of 20: the later, better one; a new one stands above what hardly anybody wanted.
    assert!(rank(12, 20) > rank(40, 100));
    assert!(rank(0, 0) > rank(5, 100));
    assert!(rank(0, 0) < rank(30, 100));
    let mut world = World::new();
    let people: Vec<u64> = (0..60).map(|n| world.come(&format!("v{n}"))).collect();
    let ask = |text: &str| Act::Ask {
        text: text.into(),
        nonce: None,
    };
    let early = world.id(&viewer(1), &ask("Early?"));
    assert!(world.act(&viewer(1), &ask("Early?")).unwrap().again);
    let live = |question| Act::MoveQuestion {
        question,
        state: QuestionState::Live,
    };
    assert_eq!(
        refused(
            &mut world,
            &viewer(2),
            &Act::UpVote {
                question: early,
                on: true
            }
        ),
        Why::NotFound
    );
    world.act(&owner(), &live(early)).unwrap();
    for (n, v) in people.iter().enumerate() {
        world
            .act(
                &viewer(*v),
                &Act::Seen {
                    questions: vec![early, early, 99],
                },
            )
            .unwrap();
        if n % 3 == 0 {
            world
                .act(
                    &viewer(*v),
                    &Act::UpVote {
                        question: early,
                        on: true,
                    },
                )
                .unwrap();
        }
    }
    let late = world.id(&viewer(2), &ask("Late?"));
    world.act(&owner(), &live(late)).unwrap();
    for v in &people[..15] {
        world
            .act(
                &viewer(*v),
                &Act::Seen {
                    questions: vec![late],
                },
            )
            .unwrap();
        world
            .act(
                &viewer(*v),
                &Act::UpVote {
                    question: late,
                    on: true,
                },
            )
            .unwrap();
    }
    let questions = world.live.room().questions;
    assert_eq!(
        questions
            .iter()
            .map(|q| (q.question, q.votes, q.seen))
            .collect::<Vec<_>>(),
        [(late, 15, 15), (early, 20, 60)]
    );
    world
        .act(
            &owner(),
            &Act::MoveQuestion {
                question: early,
                state: QuestionState::OnScreen,
            },
        )
        .unwrap();
    assert_eq!(world.live.room().questions[0].question, early);
}

#[test]
fn orders_are_taken_once_and_stock_stays_above_nought() {
    let mut world = World::new();
    let mug = Act::ProductSet {
        product: None,
        name: "Mug".into(),
        price: "5 €".into(),
        old_price: None,
        stock: Some(3),
        url: Some("https://shop.example/mug?a=1".into()),
    };
    let product = world.id(&owner(), &mug);
    let pin = world.id(&owner(), &Act::Pin { product });
    assert!(world.act(&owner(), &Act::Pin { product }).unwrap().again);
    assert_eq!(world.live.room().products[0].pin, Some(pin));
    let (to, clicked) = world.live.decide_click(pin).unwrap();
    assert_eq!(
        (to.as_str(), clicked),
        (
            "https://shop.example/mug?a=1",
            Fact::Clicked { pin, product }
        )
    );
    let order = |id: &str| NewOrder {
        order: id.into(),
        pin: Some(pin),
        product: None,
        count: 2,
        amount_minor: 1_000,
        currency: "EUR".into(),
        name: Some("<b>".into()),
    };
    for (id, again, left) in [
        ("a", false, 1),
        ("a", true, 1),
        ("b", false, 0),
        ("b", true, 0),
    ] {
        let decision = world.live.decide_order(&order(id)).unwrap();
        assert_eq!(world.facts(0, decision).again, again);
        assert_eq!(world.live.room().products[0].stock, Some(left));
        world.live = world.again();
    }
    for url in [
        "javascript:alert(1)",
        "https://",
        "http:///x",
        "https://a b",
        "ftp://x",
    ] {
        let Act::ProductSet {
            product,
            name,
            price,
            old_price,
            stock,
            ..
        } = mug.clone()
        else {
            unreachable!()
        };
        let bad = Act::ProductSet {
            product,
            name,
            price,
            old_price,
            stock,
            url: Some(url.into()),
        };
        assert_eq!(
            refused(&mut world, &owner(), &bad),
            Why::BadRequest,
            "{url}"
        );
    }
    world
        .act(&owner(), &Act::ProductRemove { product })
        .unwrap();
    assert!(world.live.decide_click(pin).is_err());
}

#[test]
fn anybody_can_recompute_a_draw() {
    let mut world = World::new();
    let open = Act::DrawOpen {
        title: "Three mugs".into(),
        winners: 3,
    };
    let draw = world.id(&owner(), &open);
    for n in 0..20 {
        let v = world.come(&format!("v{n}"));
        world.act(&viewer(v), &Act::Enter { draw }).unwrap();
        assert!(world.act(&viewer(v), &Act::Enter { draw }).unwrap().again);
    }
    assert_eq!(world.live.proof(draw).unwrap().entries, None);
    let text = serde_json::to_string(&world.events).unwrap();
    assert!(
        !text.contains(&hex(&seed(draw))),
        "the seed is in no event before it is revealed"
    );
    assert_eq!(
        refused(&mut world, &owner(), &Act::DrawDo { draw }),
        Why::Closed
    );
    world.act(&owner(), &Act::DrawClose { draw }).unwrap();
    assert_eq!(
        refused(&mut world, &viewer(1), &Act::Enter { draw: 9 }),
        Why::NotFound
    );
    // A restart in between changes nothing.
    world.live = world.again();
    world.act(&owner(), &Act::DrawDo { draw }).unwrap();
    let proof = world.live.proof(draw).unwrap();
    let secret: Vec<u8> = (0..32)
        .map(|n| u8::from_str_radix(&proof.seed.as_ref().unwrap()[2 * n..2 * n + 2], 16).unwrap())
        .collect();
    assert_eq!(proof.commitment, hex(&Sha256::digest(&secret)));
    let entries: BTreeSet<u64> = proof.entries.unwrap().into_iter().collect();
    assert_eq!(entries.len(), 20);
    let lines: String = entries.iter().map(|e| format!("{e}\n")).collect();
    assert_eq!(proof.digest.unwrap(), hex(&Sha256::digest(lines)));
    let won: Vec<u64> = proof.won.iter().map(|w| w.viewer).collect();
    assert_eq!(won, winners(&secret.try_into().unwrap(), &entries, 3));
    assert_eq!(won.iter().collect::<BTreeSet<_>>().len(), 3);
    assert!(world.act(&owner(), &Act::DrawDo { draw }).unwrap().again);
    // Another box's secret does not fit the commitment.
    let draw = world.id(&owner(), &open);
    world.act(&owner(), &Act::DrawClose { draw }).unwrap();
    assert!(
        world
            .live
            .decide(&owner(), &Act::DrawDo { draw }, world.now, &|_| [0; 32])
            .is_err()
    );
}

#[test]
fn each_place_of_a_draw_is_as_likely() {
    let entries: BTreeSet<u64> = (1..=5).collect();
    let mut first = [0_u32; 6];
    for n in 0..5_000_u64 {
        first[usize::try_from(winners(&seed(n), &entries, 2)[0]).unwrap()] += 1;
    }
    // 1,000 each; five standard deviations are 141.
    assert!(
        first[1..].iter().all(|n| n.abs_diff(1_000) < 141),
        "{first:?}"
    );
    assert_eq!(winners(&seed(1), &BTreeSet::new(), 2), Vec::<u64>::new());
    assert_eq!(winners(&seed(1), &entries, 100).len(), 5);
    assert_eq!(hex(&digest(&BTreeSet::new())), hex(&Sha256::digest([])));
}

#[test]
fn what_bridges_hear_has_its_origin() {
    let mut world = World::new();
    let chat = |id: &str| Bridged {
        origin: "youtube".into(),
        id: Some(id.into()),
        name: "A very long name that no badge can hold".into(),
        what: BridgedWhat::Chat {
            text: "hello".into(),
        },
    };
    for (id, again) in [("1", false), ("1", true), ("2", false)] {
        let decision = world.live.decide_hear(&chat(id)).unwrap();
        assert_eq!(world.facts(0, decision).again, again);
    }
    let lines = world.live.lines(None, 0, false, 9);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (lines[0].origin.as_deref(), lines[0].nonce.as_deref()),
        (Some("youtube"), None)
    );
    assert!(lines[0].name.ends_with('…'));
}

#[test]
fn memory_is_bounded_and_a_long_log_is_read_fast() {
    let mut world = World::new();
    for n in 0..2_000 {
        world.come(&format!("v{n}"));
    }
    for n in 0..30_000_u64 {
        let v = n % 2_000 + 1;
        let said = say(&format!("line {n}"), Some(&format!("{n}")));
        let Decision::Judge(draft) = world
            .live
            .decide(&viewer(v), &said, world.now, &seed)
            .unwrap()
        else {
            unreachable!()
        };
        let decision = world
            .live
            .said(&draft, LineState::Shown, None, world.now)
            .unwrap();
        world.facts(v, decision);
    }
    assert_eq!(world.live.lines(None, 1, true, 9_999).len(), 500);
    let mut events = world.events.clone();
    while events.len() < 100_000 {
        let next = events.len() as u64;
        let mut event = events[events.len() - 30_000].clone();
        event.seq = next + 1;
        events.push(event);
    }
    let clock = crate::clock::Clock::real();
    Live::load(settings(), Highest::default(), &events).unwrap();
    let took = clock.now();
    assert!(took.as_secs_f64() < 2.0, "{took:?}");
}
