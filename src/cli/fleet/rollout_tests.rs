use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn rules(stages: &[f64], max_worse: f64) -> Rules {
    Rules {
        stages: stages.to_vec(),
        max_worse,
        wait: Duration::from_secs(60),
        settle: Duration::from_secs(30),
    }
}

const WELL: Look = Look {
    online: true,
    severity: Some(Severity::Ok),
    frames: Some(true),
    taken: true,
    errors: false,
    rolled_back: false,
};

fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What was touched and when, how it ended, and after how long.
type Played = (Vec<(Duration, Vec<u32>)>, Step<u32>, Duration);

/// Goes on in steps of a second until it ends, with boxes that look as `look` says once they are touched.
fn play(rollout: &mut Rollout<u32>, mut look: impl FnMut(u32, Duration, bool) -> Look) -> Played {
    let mut touched = BTreeSet::new();
    let mut applied = Vec::new();
    for t in 0..100_000 {
        let now = s(t);
        let step = rollout.step(now, &mut |id| look(*id, now, touched.contains(id)));
        match step {
            Step::Apply(boxes) => {
                touched.extend(boxes.iter().copied());
                applied.push((now, boxes));
            }
            Step::Wait => {}
            end => return (applied, end, now),
        }
    }
    panic!("it does not end");
}

#[test]
fn stages_follow_one_another_and_each_waits_and_settles() {
    let mut rollout = Rollout::new((0..200).collect(), rules(&[1.0, 10.0, 50.0, 100.0], 1.0), 7);
    let (applied, end, took) = play(&mut rollout, |_, _, _| WELL);
    assert_eq!(end, Step::Done);
    let sizes: Vec<usize> = applied.iter().map(|(_, boxes)| boxes.len()).collect();
    assert_eq!(sizes, [2, 18, 80, 100]);
    let gaps: Vec<u64> = applied
        .windows(2)
        .map(|w| (w[1].0 - w[0].0).as_secs())
        .collect();
    assert!(gaps.iter().all(|gap| (30..=32).contains(gap)), "{gaps:?}");
    assert!(took >= s(120), "{took:?}");
    assert_eq!(rollout.judged().len(), 4);
    assert_eq!((rollout.left(), rollout.touched().count()), (0, 200));
}

#[test]
fn the_order_is_of_chance_and_the_seed_makes_it() {
    let first = |seed| {
        let mut rollout = Rollout::new((0..100).collect(), rules(&[10.0], 1.0), seed);
        play(&mut rollout, |_, _, _| WELL).0[0].1.clone()
    };
    assert_eq!(first(1), first(1));
    assert_ne!(first(1), first(2));
    assert_ne!(first(1), (0..10).collect::<Vec<u32>>());
}

#[test]
fn a_silent_box_is_waited_for_and_then_counts_as_worse() {
    let mut rollout = Rollout::new(vec![1, 2], rules(&[50.0, 100.0], 10.0), 0);
    let silent = Look {
        taken: false,
        ..WELL
    };
    let (applied, end, took) = play(
        &mut rollout,
        |_, _, touched| if touched { silent } else { WELL },
    );
    assert_eq!((applied.len(), end), (1, Step::Stopped));
    assert_eq!(took, s(90), "60 s of waiting and 30 s of settling");
    assert_eq!(rollout.worse()[0].1, Worse::NotTaken);
    assert_eq!(rollout.left(), 1);
}

#[test]
fn those_of_earlier_stages_are_judged_again() {
    let mut rollout = Rollout::new((0..10).collect(), rules(&[10.0, 50.0, 100.0], 1.0), 3);
    let mut first = None;
    let (applied, end, _) = play(&mut rollout, |id, now, touched| {
        if touched && first.is_none() {
            first = Some(id);
        }
        let late = now > s(40) && first == Some(id);
        Look {
            frames: Some(!late),
            ..WELL
        }
    });
    assert_eq!((applied.len(), end), (2, Step::Stopped));
    assert_eq!(rollout.worse(), [(first.unwrap(), Worse::NoFrames)]);
}

#[test]
fn nothing_to_do_is_done_at_once_and_a_stop_is_for_good() {
    let mut none = Rollout::new(Vec::new(), rules(&[100.0], 1.0), 0);
    assert_eq!(none.step(s(0), &mut |_: &u32| WELL), Step::Done);
    let mut stopped = Rollout::new(vec![1, 2, 3], rules(&[1.0, 100.0], 1.0), 0);
    assert!(matches!(stopped.step(s(0), &mut |_| WELL), Step::Apply(_)));
    stopped.stop();
    assert_eq!(stopped.step(s(9999), &mut |_| WELL), Step::Stopped);
    assert_eq!(stopped.left(), 2);
}

#[test]
fn worse_is_what_a_viewer_or_an_operator_would_mind() {
    let before = WELL;
    let with = |change: fn(&mut Look)| {
        let mut now = WELL;
        change(&mut now);
        worse(&before, &now)
    };
    assert_eq!(with(|_| {}), None);
    assert_eq!(with(|l| l.online = false), Some(Worse::Away));
    assert_eq!(with(|l| l.taken = false), Some(Worse::NotTaken));
    assert_eq!(with(|l| l.errors = true), Some(Worse::Errors));
    assert_eq!(with(|l| l.rolled_back = true), Some(Worse::RolledBack));
    assert_eq!(with(|l| l.frames = Some(false)), Some(Worse::NoFrames));
    assert_eq!(with(|l| l.frames = None), None, "not knowing is no fault");
    assert_eq!(
        with(|l| l.severity = Some(Severity::Notice)),
        None,
        "muted, as was wanted"
    );
    assert_eq!(
        with(|l| l.severity = Some(Severity::Warning)),
        Some(Worse::Health)
    );
    let ill = Look {
        severity: Some(Severity::Problem),
        frames: Some(false),
        ..WELL
    };
    assert_eq!(worse(&ill, &ill), None, "it was so before");
}

#[test]
fn shares_are_whole_boxes() {
    for (all, share, n) in [
        (200, 1.0, 2),
        (150, 1.0, 1),
        (30, 10.0, 3),
        (7, 100.0, 7),
        (50, 1.0, 0),
    ] {
        assert_eq!(share_of(all, share), n, "{share} % of {all}");
    }
}

fn any_look() -> impl Strategy<Value = Look> {
    let severity = prop_oneof![
        Just(None),
        Just(Some(Severity::Ok)),
        Just(Some(Severity::Notice)),
        Just(Some(Severity::Problem)),
    ];
    let often = || prop::bool::weighted(0.98);
    let seldom = || prop::bool::weighted(0.02);
    (
        often(),
        severity,
        prop::option::of(often()),
        often(),
        seldom(),
        seldom(),
    )
        .prop_map(
            |(online, severity, frames, taken, errors, rolled_back)| Look {
                online,
                severity,
                frames,
                taken,
                errors,
                rolled_back,
            },
        )
}

proptest! {
    /// Whatever boxes do: no more than its share is touched in a stage, nobody twice, nothing after too many were worse,
    /// and it ends in a time that the rules give.
    #[test]
    fn rules_hold_whatever_boxes_do(
        n in 0u32..120,
        steps in prop::collection::btree_set(1u32..=100, 1..5),
        max_worse in 0u32..=100,
        looks in prop::collection::vec(any_look(), 1..200),
        seed in any::<u64>(),
    ) {
        let stages: Vec<f64> = steps.iter().map(|s| f64::from(*s)).collect();
        let rules = rules(&stages, f64::from(max_worse));
        let mut rollout = Rollout::new((0..n).collect(), rules.clone(), seed);
        let mut seen: BTreeSet<u32> = BTreeSet::new();
        let mut before: BTreeMap<u32, Look> = BTreeMap::new();
        let mut turn = 0usize;
        let mut now_of: BTreeMap<u32, Look> = BTreeMap::new();
        let stage_time = 60 + 30;
        let most = (stages.len() as u64) * stage_time + 10;
        let mut ended = None;
        for t in 0..=most {
            // All boxes look anew each second.
            for id in 0..n {
                turn += 1;
                now_of.insert(id, looks[(turn * 31 + t as usize) % looks.len()]);
            }
            let step = rollout.step(s(t), &mut |id| now_of[id]);
            match step {
                Step::Wait => {}
                Step::Apply(boxes) => {
                    if !seen.is_empty() {
                        // It went on, so at this very moment not too many are worse.
                        let worse = seen.iter().filter(|id| worse(&before[id], &now_of[id]).is_some()).count();
                        prop_assert!(worse as f64 * 100.0 <= f64::from(max_worse) * seen.len() as f64);
                    }
                    prop_assert!(!boxes.is_empty());
                    for id in boxes {
                        prop_assert!(seen.insert(id), "{id} twice");
                        before.insert(id, now_of[&id]);
                    }
                    let stage = stages.iter().position(|s| *s == rollout.share()).unwrap();
                    let share = share_of(n as usize, stages[stage]);
                    prop_assert!(seen.len() <= share.max(stage + 1), "{} in stage {stage}", seen.len());
                }
                end => {
                    ended = Some(end);
                    break;
                }
            }
        }
        let ended = ended.expect("it does not end");
        let touched: BTreeSet<u32> = rollout.touched().copied().collect();
        prop_assert_eq!(&touched, &seen);
        prop_assert_eq!(rollout.left() + seen.len(), n as usize);
        if ended == Step::Stopped {
            prop_assert!(rollout.worse().len() as f64 * 100.0 > f64::from(max_worse) * seen.len() as f64);
        } else if stages.last() == Some(&100.0) {
            prop_assert_eq!(seen.len(), n as usize, "all are reached");
        }
    }
}
