//! Every pattern on mock pins, with a simulated time.

use embedded_hal_mock::eh1::MockError;
use embedded_hal_mock::eh1::digital::{Mock, State, Transaction};

use super::*;
use crate::device::led::{ALL, Colour, Trouble, steps};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn set(high: bool) -> Transaction {
    Transaction::set(if high { State::High } else { State::Low })
}

/// What the module doc of `device::led` says for people, written down a second time: lit and dark, ms.
fn rhythm(pattern: LedPattern) -> Vec<(bool, u64)> {
    match pattern {
        LedPattern::Booting => vec![(true, 1000), (false, 1000)],
        LedPattern::SetUp => vec![(true, 500), (false, 500)],
        LedPattern::Ready => vec![(true, 50), (false, 1950)],
        LedPattern::Connecting => vec![(true, 250), (false, 250)],
        LedPattern::Live => vec![],
        LedPattern::Degraded => vec![(true, 900), (false, 100)],
        LedPattern::Error(trouble) => {
            let mut all = [(true, 200), (false, 200)].repeat(trouble.blinks() as usize);
            all.last_mut().unwrap().1 = 200 + 1200;
            all
        }
        LedPattern::Updating => vec![(true, 100), (false, 100), (true, 100), (false, 900)],
        LedPattern::Identify => vec![(true, 50), (false, 50)],
        LedPattern::Confirm => vec![(true, 250), (false, 750)],
    }
}

/// Ticks exactly when it is told to, for `length`; gives the times at which it ticked.
fn drive(led: &mut Led<Mock>, from: Duration, length: Duration) -> Vec<Duration> {
    let (mut now, mut times) = (from, Vec::new());
    while now < from + length {
        let turn = led.tick(now);
        assert_eq!(turn.news, None);
        times.push(now);
        match turn.next {
            Some(next) => {
                assert!(next > now, "no progress at {now:?}");
                now = next;
            }
            None => break,
        }
    }
    times
}

#[test]
fn every_pattern_on_one_pin_is_as_documented_either_way_round() {
    for active_low in [false, true] {
        for pattern in ALL {
            let rhythm = rhythm(pattern);
            // Two rounds, and the dark end.
            let two: Vec<(bool, u64)> = rhythm.iter().chain(&rhythm).copied().collect();
            let mut levels: Vec<bool> = two.iter().map(|s| s.0).collect();
            if levels.is_empty() {
                levels.push(true);
            }
            if levels.last() == Some(&true) {
                levels.push(false);
            }
            let expected: Vec<_> = levels.iter().map(|on| set(*on != active_low)).collect();
            let mut pin = Mock::new(&expected);
            let mut led = Led::single(pin.clone(), active_low);
            let begin = ms(777);
            led.show(pattern, begin);
            let length = ms(two.iter().map(|s| s.1).sum::<u64>().max(1));
            let times = drive(&mut led, begin, length);
            // A change of level at the documented moments and at no others (ticks without one write nothing).
            let mut at = begin;
            for (_, length) in &two {
                assert!(
                    times.contains(&at),
                    "{pattern:?}: nothing at {at:?}: {times:?}"
                );
                at += ms(*length);
            }
            assert!(
                times.len() <= two.len().max(1) + 2,
                "{pattern:?}: {times:?}"
            );
            led.dark().unwrap();
            pin.done();
        }
    }
}

#[test]
fn three_pins_add_the_colour_and_keep_the_rhythm() {
    for pattern in ALL {
        let colour = steps(pattern)[0].colour;
        let rounds = rhythm(pattern);
        let mut pins = colour.rgb().map(|part| {
            let mut all = Vec::new();
            if part {
                all.extend(rounds.iter().map(|s| set(s.0)));
                if rounds.is_empty() {
                    all.push(set(true));
                }
                if all.len() % 2 == 1 {
                    all.push(set(false));
                }
            } else {
                // Written once, then left alone.
                all.push(set(false));
            }
            Mock::new(&all)
        });
        let mut led = Led::rgb(pins.clone(), false);
        led.show(pattern, Duration::ZERO);
        let length = ms(rounds.iter().map(|s| s.1).sum::<u64>().max(1));
        drive(&mut led, Duration::ZERO, length);
        led.dark().unwrap();
        pins.iter_mut().for_each(Mock::done);
    }
    // No two states that matter to a person look alike by colour alone.
    let colour = |p| steps(p)[0].colour;
    assert_ne!(colour(LedPattern::Ready), colour(LedPattern::Live));
    assert_eq!(colour(LedPattern::Error(Trouble::Heat)), Colour::Magenta);
}

#[test]
fn another_pattern_begins_at_once_and_the_same_goes_on() {
    let mut pin = Mock::new(&[set(true), set(false), set(true), set(false)]);
    let mut led = Led::single(pin.clone(), false);
    led.show(LedPattern::Booting, Duration::ZERO);
    assert_eq!(led.tick(Duration::ZERO).next, Some(ms(1000)));
    // Shown again, it does not begin anew.
    led.show(LedPattern::Booting, ms(400));
    assert_eq!(led.tick(ms(400)).next, Some(ms(1000)));
    assert_eq!(led.tick(ms(1000)).next, Some(ms(2000)));
    // Dark for a second, but the new pattern begins lit.
    led.show(LedPattern::Connecting, ms(1100));
    assert_eq!(led.tick(ms(1100)).next, Some(ms(1350)));
    // A late tick catches up rather than running after.
    assert_eq!(led.tick(ms(1490)).next, Some(ms(1600)));
    pin.done();
}

#[test]
fn a_late_tick_does_not_shift_the_rhythm() {
    let mut pin = Mock::new(&[set(true), set(false), set(true)]);
    let mut led = Led::single(pin.clone(), false);
    led.show(LedPattern::SetUp, Duration::ZERO);
    led.tick(Duration::ZERO);
    assert_eq!(led.tick(ms(530)).next, Some(ms(1000)));
    assert_eq!(led.tick(ms(1020)).next, Some(ms(1500)));
    pin.done();
}

#[test]
fn without_a_pattern_it_is_dark() {
    let mut pin = Mock::new(&[set(true)]);
    let mut led = Led::single(pin.clone(), true);
    assert_eq!(
        led.tick(ms(5)),
        Turn {
            next: None,
            news: None
        }
    );
    pin.done();
}

#[test]
fn a_failure_is_told_once_tried_again_and_its_end_is_told() {
    let broken = || MockError::Io(std::io::ErrorKind::NotConnected);
    let mut pin = Mock::new(&[
        set(true).with_error(broken()),
        set(true).with_error(broken()),
        set(false),
        set(true),
    ]);
    let mut led = Led::single(pin.clone(), false);
    led.show(LedPattern::Connecting, Duration::ZERO);
    let turn = led.tick(Duration::ZERO);
    assert_eq!(turn.news, Some(News::Failed(broken())));
    assert_eq!(turn.next, Some(RETRY));
    // Ticks before its time (another status) do not touch the pin.
    led.show(LedPattern::SetUp, ms(2000));
    let turn = led.tick(ms(2000));
    assert_eq!((turn.next, turn.news), (Some(RETRY), None));
    // 1050 ms into the pattern it is light. The second failure is not told.
    led.show(LedPattern::Connecting, ms(2400));
    led.show(LedPattern::SetUp, ms(2500));
    let turn = led.tick(ms(3550));
    assert_eq!((turn.next, turn.news), (Some(ms(3550) + RETRY), None));
    let turn = led.tick(ms(7000));
    assert_eq!(turn.news, Some(News::Works));
    assert_eq!(turn.next, Some(ms(7500)));
    assert_eq!(led.tick(ms(7500)).news, None);
    pin.done();
}

#[test]
fn one_broken_colour_does_not_lose_what_the_others_show() {
    let broken = MockError::Io(std::io::ErrorKind::NotConnected);
    let mut red = Mock::new(&[set(true)]);
    let mut green = Mock::new(&[set(false).with_error(broken), set(false)]);
    let mut blue = Mock::new(&[set(false)]);
    let mut led = Led::rgb([red.clone(), green.clone(), blue.clone()], false);
    led.show(LedPattern::Live, Duration::ZERO);
    assert!(matches!(
        led.tick(Duration::ZERO).news,
        Some(News::Failed(_))
    ));
    // Only what was not written yet is written then.
    assert_eq!(led.tick(RETRY).news, Some(News::Works));
    for pin in [&mut red, &mut green, &mut blue] {
        pin.done();
    }
}

#[test]
fn a_notification_blinks_once_and_the_pattern_goes_on() {
    // Live: lit, then dark, lit, dark for the blink, then lit again.
    let mut pin = Mock::new(&[true, false, true, false, true, false].map(set));
    let mut led = Led::single(pin.clone(), false);
    led.show(LedPattern::Live, ms(0));
    assert_eq!(led.tick(ms(0)).next, None);
    led.blink(ms(1000));
    // More of them meanwhile are one blink.
    let mut now = ms(1000);
    for left in [120, 240, 120] {
        let next = led.tick(now).next.unwrap();
        assert_eq!(next - now, ms(left));
        led.blink(now + ms(1));
        now = next;
    }
    assert_eq!(led.tick(now).next, None);
    led.dark().unwrap();
    pin.done();
}

#[test]
fn no_notification_hides_a_call_for_help() {
    let mut pin = Mock::new(&[true, false].map(set));
    let mut led = Led::single(pin.clone(), false);
    led.show(LedPattern::Error(Trouble::Camera), ms(0));
    led.blink(ms(0));
    assert_eq!(led.tick(ms(0)).next, Some(ms(200)));
    assert_eq!(led.tick(ms(200)).next, Some(ms(400)));
    led.dark().unwrap();
    pin.done();
}
