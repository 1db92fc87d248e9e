//! Presses with and without bounce.

use proptest::prelude::*;

use super::*;

const DEBOUNCE: Duration = Duration::from_millis(20);

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn us(n: u64) -> Duration {
    Duration::from_micros(n)
}

fn idle() -> Gestures {
    Gestures::new(DEBOUNCE, false, Duration::ZERO)
}

/// Plays edges (level, time) and then time up to `end`.
fn play(edges: &[(bool, Duration)], end: Duration) -> Vec<Told> {
    let mut g = idle();
    let mut told: Vec<Told> = edges.iter().flat_map(|(l, at)| g.edge(*l, *at)).collect();
    told.extend(g.tick(end));
    assert_eq!(g.deadline().filter(|d| *d <= end), None, "something is due");
    told
}

#[test]
fn each_length_of_a_press_is_its_gesture() {
    for (held, expected) in [
        (ms(19), vec![]),
        (ms(21), vec![(Gesture::Short, ms(1021))]),
        (ms(2990), vec![(Gesture::Short, ms(3990))]),
        (ms(3010), vec![(Gesture::Long, ms(4000))]),
        (ms(9990), vec![(Gesture::Long, ms(4000))]),
        (
            ms(10_010),
            vec![(Gesture::Long, ms(4000)), (Gesture::VeryLong, ms(11_000))],
        ),
        (
            ms(60_000),
            vec![(Gesture::Long, ms(4000)), (Gesture::VeryLong, ms(11_000))],
        ),
    ] {
        let edges = [(true, ms(1000)), (false, ms(1000) + held)];
        assert_eq!(play(&edges, ms(100_000)), expected, "{held:?}");
    }
}

#[test]
fn long_is_told_while_it_is_held() {
    let mut g = idle();
    assert_eq!(g.deadline(), None);
    g.edge(true, ms(100));
    assert_eq!(g.deadline(), Some(ms(120)));
    assert_eq!(g.tick(ms(120)), []);
    assert_eq!(g.deadline(), Some(ms(3100)));
    assert_eq!(g.tick(ms(3099)), []);
    assert_eq!(g.tick(ms(3100)), [(Gesture::Long, ms(3100))]);
    assert_eq!(g.deadline(), Some(ms(10_100)));
    assert_eq!(g.tick(ms(10_105)), [(Gesture::VeryLong, ms(10_100))]);
    assert_eq!(g.deadline(), None);
}

#[test]
fn a_release_in_doubt_at_three_seconds_is_decided_by_how_it_settles() {
    // Let go 5 ms before: short. Bounced 5 ms before and held on: long.
    let let_go = [(true, ms(0)), (false, ms(2995))];
    assert_eq!(play(&let_go, ms(9000)), [(Gesture::Short, ms(2995))]);
    let bounced = [(true, ms(0)), (false, ms(2995)), (true, ms(3005))];
    assert_eq!(play(&bounced, ms(9000)), [(Gesture::Long, ms(3000))]);
    // Let go 5 ms after: long, told though the release was seen first.
    let after = [(true, ms(0)), (false, ms(3005))];
    assert_eq!(play(&after, ms(9000)), [(Gesture::Long, ms(3000))]);
}

#[test]
fn a_button_that_is_held_at_the_start_makes_nothing_until_it_was_let_go() {
    let mut g = Gestures::new(DEBOUNCE, true, ms(0));
    assert_eq!(g.tick(ms(60_000)), []);
    assert_eq!(g.edge(false, ms(60_001)), []);
    assert_eq!(g.edge(true, ms(61_000)), []);
    assert_eq!(g.edge(false, ms(61_200)), []);
    assert_eq!(g.tick(ms(62_000)), [(Gesture::Short, ms(61_200))]);
}

#[test]
fn edges_that_the_kernel_dropped_are_made_up_for_by_a_look() {
    let mut g = idle();
    g.edge(true, ms(0));
    g.tick(ms(100));
    // Let go, but the queue was full: the last edge that came says "pressed".
    g.edge(false, ms(500));
    g.edge(true, ms(501));
    assert_eq!(g.seen(false, ms(521)), []);
    assert_eq!(g.tick(ms(600)), [(Gesture::Short, ms(521))]);
    // A look that sees what is known changes nothing, however often.
    g.edge(true, ms(700));
    for t in 701..720 {
        g.seen(true, ms(t));
    }
    assert_eq!(g.deadline(), Some(ms(720)));
}

/// A train of bounces: gaps in µs, each below the debounce time, that ends at `level`.
fn train(level: bool, at: Duration, gaps: &[u64]) -> Vec<(bool, Duration)> {
    let mut edges = vec![(level, at)];
    let mut now = at;
    for gap in gaps {
        now += us(*gap);
        edges.push((!edges[edges.len() - 1].0, now));
    }
    if edges[edges.len() - 1].0 != level {
        now += us(300);
        edges.push((level, now));
    }
    edges
}

fn gaps() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(1u64..15_000, 0..40)
}

proptest! {
    #[test]
    fn bounce_never_makes_a_second_press(
        presses in proptest::collection::vec((gaps(), 25u64..12_000, gaps(), 50u64..5000), 1..6),
    ) {
        let (mut edges, mut expected) = (Vec::new(), Vec::new());
        let mut now = ms(100);
        for (down, held, up, pause) in &presses {
            edges.extend(train(true, now, down));
            let since = edges[edges.len() - 1].1;
            let released = since + ms(*held);
            edges.extend(train(false, released, up));
            let until = edges[edges.len() - 1].1;
            // The release counts from its last bounce.
            let length = until - since;
            if length < LONG {
                expected.push((Gesture::Short, until));
            } else {
                expected.push((Gesture::Long, since + LONG));
                if length >= VERY_LONG {
                    expected.push((Gesture::VeryLong, since + VERY_LONG));
                }
            }
            now = until + ms(*pause);
        }
        prop_assert_eq!(play(&edges, now + ms(1000)), expected);
    }

    #[test]
    fn when_it_is_ticked_makes_no_difference(
        down in gaps(), held in 25u64..12_000, up in gaps(), ticks in proptest::collection::vec(0u64..14_000, 0..60),
    ) {
        let mut edges = train(true, ms(10), &down);
        let since = edges[edges.len() - 1].1;
        edges.extend(train(false, since + ms(held), &up));
        let end = ms(60_000);
        let plain = play(&edges, end);
        let mut all: Vec<(Duration, Option<bool>)> = edges.iter().map(|(l, at)| (*at, Some(*l))).collect();
        all.extend(ticks.iter().map(|t| (ms(*t), None)));
        all.sort_by_key(|(at, _)| *at);
        let mut g = idle();
        let mut told = Vec::new();
        for (at, level) in all {
            told.extend(match level {
                Some(level) => g.edge(level, at),
                None => g.tick(at),
            });
        }
        told.extend(g.tick(end));
        prop_assert_eq!(told, plain);
    }

    #[test]
    fn nothing_breaks_it(events in proptest::collection::vec((0u8..4, 0u64..20_000), 0..200)) {
        let mut g = idle();
        let mut last = Duration::ZERO;
        for (what, at) in events {
            let told = match what {
                0 => g.edge(false, ms(at)),
                1 => g.edge(true, ms(at)),
                2 => g.seen(at % 2 == 0, ms(at)),
                _ => g.tick(ms(at)),
            };
            for (_, at) in told {
                prop_assert!(at >= last, "gestures go back in time");
                last = at;
            }
            prop_assert!(g.deadline().is_none_or(|d| d > g.now), "something is left due");
        }
    }
}
