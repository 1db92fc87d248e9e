use proptest::prelude::*;

use super::*;

fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn alone() -> World {
    World {
        possible: true,
        setup: true,
        ..World::default()
    }
}

/// The orders of the seconds `from..to`, with their second.
fn run(policy: &mut ApPolicy, world: World, from: u64, to: u64) -> Vec<(u64, Order)> {
    (from..to)
        .filter_map(|t| Some((t, policy.look(world, s(t))?)))
        .collect()
}

#[test]
fn it_opens_after_a_minute_without_a_network_and_closes_when_there_is_one() {
    let mut policy = ApPolicy::default();
    assert_eq!(run(&mut policy, alone(), 10, 300), [(70, Order::Open)]);
    let online = World {
        network: true,
        ..alone()
    };
    assert_eq!(run(&mut policy, online, 300, 320), [(300, Order::Close)]);
    // A network that goes away for less than a minute opens nothing.
    assert_eq!(run(&mut policy, alone(), 320, 379), []);
    assert_eq!(run(&mut policy, online, 379, 380), []);
    assert_eq!(run(&mut policy, alone(), 380, 441), [(440, Order::Open)]);
    let closed = World {
        setup: false,
        ..alone()
    };
    assert_eq!(run(&mut policy, closed, 441, 900), [(441, Order::Close)]);
}

#[test]
fn a_join_takes_the_radio_and_a_failed_one_gives_it_back_at_once() {
    let mut policy = ApPolicy::default();
    run(&mut policy, alone(), 0, 61);
    let joining = World {
        joining: true,
        ..alone()
    };
    assert_eq!(run(&mut policy, joining, 61, 100), [(61, Order::Close)]);
    assert_eq!(run(&mut policy, alone(), 100, 110), [(100, Order::Open)]);
    // One that works leaves it closed, and forgets that it was open, even before the network is seen.
    run(&mut policy, joining, 110, 118);
    policy.joined();
    assert_eq!(run(&mut policy, alone(), 118, 120), []);
    let online = World {
        network: true,
        ..alone()
    };
    assert_eq!(run(&mut policy, online, 120, 130), []);
    assert_eq!(run(&mut policy, alone(), 130, 191), [(190, Order::Open)]);
}

#[test]
fn failures_are_tried_again_ever_later() {
    let mut policy = ApPolicy::default();
    let mut opened = Vec::new();
    for t in 0..1500 {
        if policy.look(alone(), s(t)) == Some(Order::Open) {
            opened.push(t);
            policy.failed(s(t));
        }
    }
    assert_eq!(opened, [60, 90, 150, 270, 510, 810, 1110, 1410]);
    policy.opened();
    policy.failed(s(2000));
    assert_eq!(run(&mut policy, alone(), 2000, 2031), [(2030, Order::Open)]);
}

#[test]
fn unused_it_makes_room_for_networks_that_are_known() {
    let mut policy = ApPolicy::default();
    run(&mut policy, alone(), 0, 61);
    let known = World {
        known: true,
        ..alone()
    };
    let used = World {
        used: true,
        ..known
    };
    // Opened at 60, used until 99.
    assert_eq!(run(&mut policy, used, 61, 100), []);
    assert_eq!(
        run(&mut policy, known, 100, 500),
        [(399, Order::Close), (459, Order::Open)]
    );
    // Without known networks there is nothing to make room for.
    assert_eq!(run(&mut policy, alone(), 500, 5000), []);
}

proptest! {
    #[test]
    fn it_is_open_only_while_it_may_be(
        steps in prop::collection::vec((any::<[bool; 6]>(), 0u64..400, any::<bool>()), 1..200),
    ) {
        let (mut policy, mut now, mut open) = (ApPolicy::default(), Duration::ZERO, false);
        for ([possible, setup, network, joining, known, used], wait, fails) in steps {
            now += s(wait);
            let world = World { possible, setup, network, joining, known, used };
            match policy.look(world, now) {
                Some(Order::Open) => {
                    prop_assert!(!open, "opened twice");
                    open = !fails;
                    if fails { policy.failed(now) } else { policy.opened() }
                }
                Some(Order::Close) => {
                    prop_assert!(open, "closed twice");
                    open = false;
                }
                None => {}
            }
            prop_assert!(!open || (possible && setup && !network && !joining));
        }
    }
}
