use proptest::prelude::*;

use super::*;
use crate::config::{ModerationConfig, ModerationMode};

fn config(per_s: f32, tau: f32, burst: f32, suppress: bool) -> ModerationConfig {
    ModerationConfig {
        mode: ModerationMode::Free,
        delay_s: 0.0,
        words: String::new(),
        words_file: "".into(),
        links: false,
        max_graphemes: 100,
        repeat_s: 0.0,
        author_per_s: per_s,
        author_tau_s: tau,
        author_burst: burst,
        author_suppress: suppress,
    }
}

fn limits(per_s: f32, tau: f32, burst: f32, suppress: bool) -> Limits {
    Limits::new(&config(per_s, tau, burst, suppress))
}

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Simpson's rule with steps much smaller than the time constant.
fn integral(curve: &Logistic, t: f64) -> f64 {
    let n = 2 * (t / curve.tau * 20.0).ceil().max(50.0) as usize;
    let h = t / n as f64;
    let weight = |k: usize| match k {
        0 => 1.0,
        k if k == n => 1.0,
        k if k % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let sum: f64 = (0..=n).map(|k| weight(k) * curve.rate(k as f64 * h)).sum();
    sum * h / 3.0
}

#[test]
fn the_plain_form_is_the_one_of_the_paper_formula() {
    let curve = Logistic::new(2.0, 3.0, 0.0);
    let expected = |t: f64| 2.0 * 3.0 * ((1.0 + (t / 3.0).exp()) / 2.0).ln();
    for t in [0.0, 0.1, 1.0, 3.0, 20.0, 60.0] {
        assert!((curve.tokens(t) - expected(t)).abs() < 1e-9, "{t}");
    }
    assert!((curve.rate(0.0) - 1.0).abs() < 1e-12, "half at first");
    assert!((curve.rate(100.0) - 2.0).abs() < 1e-9, "all of it at last");
}

proptest! {
    #[test]
    fn the_closed_forms_are_the_numeric_integral(
        per_s in 0.01_f64..20.0, tau in 0.1_f64..60.0, centre in prop_oneof![Just(0.0), 0.0_f64..6.0],
        t in 0.0_f64..40.0,
    ) {
        let curve = Logistic::new(per_s, tau, centre * tau);
        let (closed, numeric) = (curve.tokens(t * tau), integral(&curve, t * tau));
        prop_assert!((closed - numeric).abs() <= 1e-6 * (1.0 + numeric), "{closed} {numeric}");
    }

    #[test]
    fn the_time_for_tokens_is_the_inverse(
        per_s in 0.01_f64..20.0, tau in 0.1_f64..60.0, centre in 0.0_f64..6.0, tokens in 1e-3_f64..50.0,
    ) {
        let curve = Logistic::new(per_s, tau, centre * tau);
        let again = curve.tokens(curve.time_for(tokens));
        prop_assert!((again - tokens).abs() <= 1e-6 * (1.0 + tokens), "{again} {tokens}");
    }

    #[test]
    fn no_number_breaks_it(
        per_s in any::<f64>(), tau in any::<f64>(), centre in any::<f64>(), t in any::<f64>(),
    ) {
        let curve = Logistic::new(per_s, tau, centre);
        let t = if t.is_nan() { 0.0 } else { t };
        let tokens = curve.tokens(t);
        prop_assert!(!tokens.is_nan() && tokens >= 0.0, "{tokens}");
        prop_assert!(!curve.time_for(t).is_nan() && curve.time_for(t) >= 0.0);
        let _ = duration(curve.time_for(t));
        let mut overall = Overall::new(per_s, tau);
        let _ = overall.take(duration(t));
        overall.set(centre, t, duration(t));
        let _ = overall.take(duration(t));
    }

    /// Whatever the rhythm, no more comes through than burst and rate allow, and the wait that is told is true.
    #[test]
    fn a_viewer_is_held_to_burst_and_rate(
        per_s in 0.05_f32..5.0, tau in 0.1_f32..20.0, burst in 1.0_f32..8.0, suppress in any::<bool>(),
        gaps in prop::collection::vec(prop_oneof![0.0_f64..0.2, 0.0_f64..5.0], 1..200),
    ) {
        let limits = limits(per_s, tau, burst, suppress);
        let mut authors = Authors::new(limits, 10, 1e6);
        let (mut now, mut passed) = (0.0, 0.0);
        for gap in gaps {
            now += gap;
            match authors.take("a", s(now)) {
                Ok(()) => passed += 1.0,
                Err(wait) => {
                    let wait = wait.as_secs_f64();
                    let mut early = limits_copy(&authors);
                    prop_assert!(early.take("a", s(now + wait * 0.98 - 2e-4)).is_err() || wait < 1e-2);
                    let mut late = limits_copy(&authors);
                    prop_assert!(late.take("a", s(now + wait + 1e-6)).is_ok(), "{wait}");
                }
            }
        }
        prop_assert!(passed <= f64::from(burst) + f64::from(per_s) * now + 1e-3, "{passed} in {now} s");
    }

    #[test]
    fn a_room_is_held_to_its_rate(
        per_s in 0.1_f64..60.0, burst in 1.0_f64..60.0,
        gaps in prop::collection::vec(0.0_f64..0.5, 1..300),
    ) {
        let mut overall = Overall::new(per_s, burst);
        let (mut now, mut passed) = (0.0, 0.0);
        for gap in gaps {
            now += gap;
            match overall.take(s(now)) {
                Ok(()) => passed += 1.0,
                Err(wait) => {
                    prop_assert!(overall.clone().take(s(now) + wait + Duration::from_nanos(2)).is_ok());
                }
            }
        }
        prop_assert!(passed <= burst + per_s * now + 1e-3, "{passed} in {now} s");
    }
}

/// The same buckets, to try something with.
fn limits_copy(authors: &Authors) -> Authors {
    let mut copy = Authors::new(authors.limits, authors.most, 1e6);
    for (name, known) in &authors.known {
        copy.order.insert(known.seen, name.clone());
        let known = Known { ..*known };
        copy.known.insert(name.clone(), known);
    }
    copy.seen = authors.seen;
    copy
}

/// How many of the attempts every `every` s for `whole` s come through.
fn steady(suppress: bool, every: f64, whole: f64) -> u32 {
    let mut authors = Authors::new(limits(0.5, 4.0, 3.0, suppress), 10, 100.0);
    let tries = (whole / every) as u32;
    (0..tries)
        .map(|n| u32::from(authors.take("a", s(f64::from(n) * every)).is_ok()))
        .sum()
}

#[test]
fn who_hammers_gets_their_rate_in_the_plain_form_and_next_to_nothing_in_the_centred_one() {
    // A token from nothing takes 3.3 s at R = 0.5/s and τ = 4 s.
    let plain = steady(false, 0.1, 600.0);
    assert!((170..=190).contains(&plain), "{plain}");
    // R/(1 + e³) = 0.024/s: 14 tokens in 600 s, and the burst.
    let hammering = steady(true, 0.1, 600.0);
    assert!((14..=20).contains(&hammering), "{hammering}");
    // 10.8 s for a token: whoever keeps that gets every comment through.
    let polite = steady(true, 11.0, 600.0);
    assert_eq!(polite, 54);
}

#[test]
fn a_silent_viewer_has_the_burst_and_no_more() {
    let mut authors = Authors::new(limits(0.5, 4.0, 3.0, false), 10, 100.0);
    for at in [0.0, 3600.0] {
        let passed = (0..20).filter(|_| authors.take("a", s(at)).is_ok()).count();
        assert_eq!(passed, 3);
    }
}

#[test]
fn a_clock_that_goes_back_gives_nothing() {
    let mut authors = Authors::new(limits(0.5, 4.0, 1.0, false), 10, 100.0);
    assert!(authors.take("a", s(100.0)).is_ok());
    for at in [50.0, 0.0, 99.0, 100.0] {
        assert!(authors.take("a", s(at)).is_err(), "{at}");
    }
    assert!(authors.take("a", s(104.0)).is_ok());
}

#[test]
fn names_are_bounded_and_made_up_ones_gain_nothing() {
    let mut authors = Authors::new(limits(0.5, 4.0, 3.0, false), 50, 2.0);
    assert!(authors.take("regular", s(0.0)).is_ok());
    let mut passed = 0;
    // 1,000 names a second for 60 s, each used twice; the regular speaks every 5 s.
    for n in 0..60_000 {
        let now = s(30.0 + f64::from(n) / 1000.0);
        for _ in 0..2 {
            passed += u32::from(authors.take(&format!("bot{n}"), now).is_ok());
        }
        if n % 5000 == 0 {
            assert!(authors.take("regular", now).is_ok(), "{n}");
        }
        assert!(authors.len() <= 50 && authors.order.len() == authors.len());
    }
    assert!(
        (100..=124).contains(&passed),
        "2/s for 60 s and the burst: {passed}"
    );
}

#[test]
fn being_forgotten_gives_no_fresh_burst() {
    // Three names in turn, of which two are remembered: each is forgotten before it comes again.
    let mut authors = Authors::new(limits(0.1, 1.0, 5.0, false), 2, 1.0);
    let mut passed = 0;
    for n in 0..3000 {
        let name = ["a", "b", "c"][n % 3];
        passed += u32::from(authors.take(name, s(n as f64 / 100.0)).is_ok());
    }
    assert!(passed <= 32, "1/s for 30 s and the burst of 2: {passed}");
}

#[test]
fn limits_change_while_people_speak() {
    let mut authors = Authors::new(limits(0.5, 4.0, 5.0, false), 10, 100.0);
    assert!(authors.take("a", s(0.0)).is_ok());
    authors.set(limits(0.5, 4.0, 1.0, true), 100.0, s(0.1));
    assert!(authors.take("a", s(0.2)).is_ok());
    assert!(
        authors.take("a", s(0.3)).is_err(),
        "the smaller burst holds"
    );

    let mut overall = Overall::new(1000.0, 1000.0);
    overall.set(1.0, 2.0, s(1.0));
    let passed = (0..10).filter(|_| overall.take(s(1.0)).is_ok()).count();
    assert_eq!(passed, 2);
    assert_eq!(Overall::limit(3.5, 20.0), 3.5);
    assert_eq!(Overall::limit(35.0, 20.0), 20.0);
    assert_eq!(Overall::new(0.0, 1.0).take(s(0.0)), Ok(()));
}
