//! When a source is opened again.

use super::*;

fn s(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn waits_1_2_4_5_5() {
    let waits: Vec<u64> = (1..=6).map(|n| backoff(n).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 5, 5, 5]);
    assert_eq!(backoff(0), s(1));
    assert_eq!(backoff(u32::MAX), RETRY_CAP);
}

#[test]
fn repeated_loss_does_not_push_the_retry_away() {
    let mut source = Source::Off;
    source.open(s(0));
    source.lost("unplugged".into(), s(3));
    for ms in 0..900 {
        source.lost("still unplugged".into(), s(3) + Duration::from_millis(ms));
    }
    assert_eq!(source.tick(Duration::from_millis(3999)), Due::Nothing);
    assert_eq!(source.tick(s(4)), Due::Open);
    assert_eq!(source.outage().unwrap().reason, "still unplugged");
    assert_eq!(source.outage().unwrap().since, s(3));
}

#[test]
fn silence_after_open_is_a_failed_try() {
    let mut source = Source::Off;
    source.open(s(0));
    assert_eq!(source.tick(s(9)), Due::Nothing);
    assert_eq!(source.tick(s(10)), Due::Nothing);
    assert_eq!(source.outage().unwrap().tries, 1);
    assert_eq!(source.tick(s(11)), Due::Open);
    assert_eq!(source.tick(s(21)), Due::Nothing);
    assert_eq!(source.outage().unwrap().tries, 2);
    assert_eq!(source.tick(s(22)), Due::Nothing);
    assert_eq!(source.tick(s(23)), Due::Open);
}

#[test]
fn a_return_ends_the_outage_and_its_count() {
    let mut source = Source::Off;
    source.open(s(0));
    for _ in 0..5 {
        source.lost("gone".into(), s(1));
        assert_eq!(source.tick(s(100)), Due::Open);
    }
    source.up("cam".into(), s(101));
    assert!(source.is_up() && source.outage().is_none());
    source.lost("gone".into(), s(102));
    assert_eq!(source.outage().unwrap().tries, 1);
}

#[test]
fn a_source_that_is_off_stays_off() {
    let mut source = Source::Off;
    source.lost("x".into(), s(1));
    assert_eq!(source.tick(s(50)), Due::Nothing);
    assert_eq!(source, Source::Off);
}

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Fails each try at once and gives the times of those before `until`.
fn tries(source: &mut Source, from: Duration, until: Duration) -> Vec<u128> {
    let (mut now, mut at) = (from, Vec::new());
    while now < until {
        if source.tick(now) == Due::Open {
            at.push(now.as_millis());
            source.lost("gone".into(), now);
        }
        now += ms(10);
    }
    at
}

#[test]
fn plugging_tries_at_once_then_soon_then_as_after_a_loss() {
    let mut source = Source::Off;
    source.open(s(0));
    source.lost("gone".into(), s(0));
    assert_eq!(
        tries(&mut source, s(0), s(20)),
        [1000, 3000, 7000, 12000, 17000]
    );
    assert_eq!(source.plugged(s(20)), Due::Open);
    source.lost("not ready".into(), s(20));
    assert_eq!(
        tries(&mut source, s(20), s(34)),
        [20_300, 21_300, 22_300, 24_300, 28_300, 33_300]
    );
}

#[test]
fn nothing_is_opened_twice() {
    let mut source = Source::Off;
    assert_eq!(source.plugged(s(0)), Due::Nothing, "there is none");
    source.open(s(0));
    assert_eq!(source.plugged(s(1)), Due::Nothing, "it is being opened");
    source.lost("no device".into(), s(2));
    assert_eq!(tries(&mut source, s(2), ms(3400)), [2300, 3300]);
    source.open(s(4));
    source.up("cam".into(), s(4));
    assert_eq!(source.plugged(s(5)), Due::Nothing, "it delivers");
    source.lost("unplugged".into(), s(6));
    assert_eq!(source.tick(ms(6300)), Due::Open, "that was this one");
    source.up("cam".into(), s(7));
    source.plugged(s(8));
    source.lost("unplugged".into(), s(12));
    assert_eq!(source.tick(ms(12_999)), Due::Nothing, "that was another");
}

#[test]
fn a_device_that_flaps_is_opened_at_a_bounded_pace() {
    let mut source = Source::Off;
    source.open(s(0));
    source.lost("gone".into(), s(0));
    let (mut now, mut at) = (s(0), Vec::new());
    while now < s(60) {
        if source.plugged(now) == Due::Open || source.tick(now) == Due::Open {
            at.push(now);
            source.lost("gone".into(), now);
        }
        now += ms(10);
    }
    assert!(at.windows(2).all(|w| w[1] - w[0] >= PLUG_GAP), "{at:?}");
    assert!((55..=72).contains(&at.len()), "{}", at.len());
    // Also when it delivers for a moment each time.
    let mut opens = 0;
    while now < s(120) {
        if source.plugged(now) == Due::Open || source.tick(now) == Due::Open {
            opens += 1;
            source.up("cam".into(), now);
            source.lost("gone".into(), now);
        }
        now += ms(10);
    }
    assert!((60..=201).contains(&opens), "{opens}");
}

#[test]
fn a_restart_opens_once_and_only_what_delivers() {
    let mut source = Source::Off;
    assert_eq!(source.restart("still".into(), s(1)), Due::Nothing);
    source.open(s(1));
    source.up("cam".into(), s(1));
    assert_eq!(source.restart("still".into(), s(9)), Due::Open);
    assert_eq!(source.outage().unwrap().reason, "still");
    assert_eq!(source.restart("still".into(), s(9)), Due::Nothing);
    source.lost("gone".into(), s(10));
    assert_eq!(source.tick(s(11)), Due::Open);
}
