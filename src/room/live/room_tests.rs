//! Cases of the live room, one by one.

use super::act::{Act, By, Why};
use super::event::{Fact, LineState, Role};
use super::state::{Decision, Live};
use super::testing::{World, owner, refused, say, seed, viewer};

fn poll_open() -> Act {
    Act::PollOpen {
        question: "Red or blue?".into(),
        choices: vec!["red".into(), "blue".into()],
        hidden: false,
    }
}

#[test]
fn names_are_cleaned_and_bounded() {
    let mut world = World::new();
    let ann = world.come("  A\u{200b}nn\u{202e} ");
    assert_eq!(world.live.name_of(ann), "Ann");
    let family = "👩‍👩‍👧‍👦".repeat(8);
    world.come(&family);
    for bad in ["", "\u{200b}", &"x".repeat(25), "badword", "坏蛋", "a\0b"] {
        let came = world.live.decide_come(bad, Role::Viewer, "", world.now);
        assert!(came.is_err() || bad == "a\0b", "{bad:?}");
    }
    world
        .act(
            &viewer(ann),
            &Act::Rename {
                name: "Anna".into(),
            },
        )
        .unwrap();
    assert_eq!(world.live.you(ann, Role::Viewer).name, "Anna");
}

#[test]
fn a_line_sent_again_is_said_once() {
    let mut world = World::new();
    let (ann, bob) = (world.come("Ann"), world.come("Bob"));
    let first = world.act(&viewer(ann), &say("hi", Some("n1"))).unwrap();
    let again = world.act(&viewer(ann), &say("hi", Some("n1"))).unwrap();
    assert!(again.again && !first.again);
    assert_eq!(again.id, first.id);
    assert!(
        !world
            .act(&viewer(bob), &say("hi", Some("n1")))
            .unwrap()
            .again
    );
    // Also after a restart.
    world.live = world.again();
    assert!(
        world
            .act(&viewer(ann), &say("hi", Some("n1")))
            .unwrap()
            .again
    );
    assert_eq!(world.live.lines(None, ann, false, 500).len(), 2);
    assert_eq!(world.live.lines(Some(1), ann, false, 500).len(), 1);
    assert_eq!(
        world.live.lines(None, ann, false, 500)[0].nonce.as_deref(),
        Some("n1")
    );
    assert_eq!(world.live.lines(None, bob, false, 500)[0].nonce, None);
}

#[test]
fn a_number_in_chat_votes_while_a_poll_is_open() {
    let mut world = World::new();
    let ann = world.come("Ann");
    world.act(&viewer(ann), &say("!1", None)).unwrap();
    assert_eq!(
        world.live.lines(None, ann, false, 9).len(),
        1,
        "no poll: a line"
    );
    let poll = world.id(&owner(), &poll_open());
    assert_eq!(refused(&mut world, &owner(), &poll_open()), Why::Full);
    world.act(&viewer(ann), &say("!1", None)).unwrap();
    world.act(&viewer(ann), &say(" ！2 ", None)).unwrap();
    assert!(world.act(&viewer(ann), &say("!2", None)).unwrap().again);
    for out in ["!0", "!3", "!99"] {
        assert_eq!(
            refused(&mut world, &viewer(ann), &say(out, None)),
            Why::BadRequest
        );
    }
    let shown = world.live.room().poll.unwrap();
    assert_eq!((shown.counts.unwrap(), shown.votes), (vec![0, 1], 1));
    world.act(&owner(), &Act::PollClose { poll }).unwrap();
    assert_eq!(
        refused(&mut world, &viewer(ann), &Act::Vote { poll, choice: 0 }),
        Why::Closed
    );
}

#[test]
fn ties_are_stated_and_hidden_counts_hidden() {
    let mut world = World::new();
    let people: Vec<u64> = (0..4).map(|n| world.come(&format!("v{n}"))).collect();
    let open = Act::PollOpen {
        question: "?!".into(),
        choices: vec!["a".into(), "b".into(), "c".into()],
        hidden: true,
    };
    let poll = world.id(&owner(), &open);
    for (n, v) in people.iter().enumerate() {
        let choice = u32::try_from(n % 2).unwrap();
        world.act(&viewer(*v), &Act::Vote { poll, choice }).unwrap();
    }
    assert_eq!(world.live.room().poll.unwrap().counts, None);
    world.act(&owner(), &Act::PollClose { poll }).unwrap();
    let shown = world.live.room().poll.unwrap();
    assert_eq!(
        (shown.counts.unwrap(), shown.winners),
        (vec![2, 2, 0], vec![0, 1])
    );
    world.act(&owner(), &Act::PollGone { poll }).unwrap();
    assert_eq!(world.live.room().poll, None);
}

#[test]
fn cookies_thrown_away_give_a_bounded_number_of_votes() {
    let mut world = World::new();
    let poll = world.id(&owner(), &poll_open());
    for n in 0..200 {
        let v = world.come_from(&format!("v{n}"), "shop");
        world
            .act(&viewer(v), &Act::Vote { poll, choice: 0 })
            .unwrap();
    }
    let one_more = world.come_from("more", "shop");
    assert_eq!(
        refused(
            &mut world,
            &viewer(one_more),
            &Act::Vote { poll, choice: 0 }
        ),
        Why::Full
    );
    world
        .act(&viewer(1), &Act::Vote { poll, choice: 1 })
        .unwrap();
    let elsewhere = world.come_from("else", "home");
    world
        .act(&viewer(elsewhere), &Act::Vote { poll, choice: 0 })
        .unwrap();
    assert_eq!(world.live.room().poll.unwrap().counts.unwrap(), [200, 1]);
}

#[test]
fn a_ban_survives_a_new_name_and_slows_a_new_cookie() {
    let mut world = World::new();
    let troll = world.come_from("Troll", "shop");
    world
        .act(
            &owner(),
            &Act::Ban {
                viewer: troll,
                on: true,
            },
        )
        .unwrap();
    assert_eq!(
        refused(&mut world, &viewer(troll), &say("hi", None)),
        Why::Muted
    );
    assert_eq!(
        refused(
            &mut world,
            &viewer(troll),
            &Act::Rename {
                name: "Other".into()
            }
        ),
        Why::Muted
    );
    assert_eq!(
        refused(&mut world, &viewer(troll), &Act::Like { n: 1 }),
        Why::Muted
    );
    let anew = world.come_from("Angel", "shop");
    let guest = world.come_from("Guest", "home");
    assert_eq!(world.live.slow_s(anew, world.now), 30);
    assert_eq!(world.live.slow_s(guest, world.now), 0);
    world.act(&viewer(anew), &say("hi", None)).unwrap();
    world.now.wall_ms += 600_001;
    assert_eq!(world.live.slow_s(anew, world.now), 0);
    assert!(world.again().you(troll, Role::Viewer).banned);
}

#[test]
fn a_time_out_ends_and_the_staff_have_ranks() {
    let mut world = World::new();
    let ann = world.come("Ann");
    world
        .act(
            &owner(),
            &Act::TimeOut {
                viewer: ann,
                seconds: 10,
            },
        )
        .unwrap();
    let no = world.act(&viewer(ann), &say("hi", None)).unwrap_err();
    assert_eq!((no.code, no.retry_after_ms), (Why::Muted, Some(10_000)));
    world.now.wall_ms += 10_000;
    world.act(&viewer(ann), &say("hi", None)).unwrap();
    let fact = Fact::Came {
        name: "Mo".into(),
        role: Role::Moderator,
        addr: String::new(),
    };
    world.fact(0, fact);
    let mo = By {
        viewer: 2,
        role: Role::Moderator,
        account: Some("mo".into()),
        addr: String::new(),
    };
    assert_eq!(
        refused(
            &mut world,
            &mo,
            &Act::Ban {
                viewer: 2,
                on: true
            }
        ),
        Why::Forbidden
    );
    assert_eq!(refused(&mut world, &mo, &Act::ShowEnd), Why::Forbidden);
    assert_eq!(
        refused(&mut world, &viewer(ann), &Act::Panic { on: true }),
        Why::Forbidden
    );
    world
        .act(
            &owner(),
            &Act::Ban {
                viewer: 2,
                on: true,
            },
        )
        .unwrap();
}

#[test]
fn held_lines_are_let_through_and_hiding_is_undone() {
    let mut world = World::new();
    let (ann, bob) = (world.come("Ann"), world.come("Bob"));
    let draft = match world
        .live
        .decide(&viewer(ann), &say("hm", None), world.now, &seed)
        .unwrap()
    {
        Decision::Judge(draft) => draft,
        Decision::Facts { .. } => unreachable!(),
    };
    let said = world
        .live
        .said(&draft, LineState::Held, Some(77), world.now)
        .unwrap();
    let done = world.facts(ann, said);
    let line = done.id.unwrap();
    assert!(done.held);
    let sees = |live: &Live, v| live.lines(None, v, false, 9).len();
    assert_eq!((sees(&world.live, ann), sees(&world.live, bob)), (1, 0));
    assert_eq!(world.live.staff().held.len(), 1);
    // Rejected by mistake: it waits again.
    let act = world.id(&owner(), &Act::Hide { line });
    assert_eq!(world.live.staff().held.len(), 0);
    world.act(&owner(), &Act::Undo { act }).unwrap();
    assert_eq!(world.live.staff().held.len(), 1);
    assert!(
        world.live.decide_line_state(77, true, line).is_empty(),
        "an id of an earlier run"
    );
    let facts = world.live.decide_line_state(77, true, 0);
    assert_eq!(facts, [Fact::LineShown { line }]);
    world.fact(0, facts[0].clone());
    assert_eq!(sees(&world.live, bob), 1);
    let act = world.id(&owner(), &Act::Hide { line });
    assert_eq!(sees(&world.live, bob), 0);
    world.act(&owner(), &Act::Undo { act }).unwrap();
    assert_eq!(sees(&world.live, bob), 1);
}

#[test]
fn panic_closes_the_room_to_the_audience() {
    let mut world = World::new();
    let ann = world.come("Ann");
    world.act(&viewer(ann), &say("hi", None)).unwrap();
    let act = world.id(&owner(), &Act::Panic { on: true });
    assert_eq!(
        refused(&mut world, &viewer(ann), &say("hi", None)),
        Why::Closed
    );
    assert!(world.live.lines(None, ann, false, 9).is_empty());
    world.act(&owner(), &say("We are back soon", None)).unwrap();
    world.act(&owner(), &Act::Undo { act }).unwrap();
    assert_eq!(world.live.lines(None, ann, false, 9).len(), 2);
}
