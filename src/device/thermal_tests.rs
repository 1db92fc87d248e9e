//! Levels over time, and the pictures that follow.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::device::policy::check_video;
use crate::device::testing::{secs, video};

/// A heat after readings every 2 s, each held for its seconds.
fn after(heat: &mut Heat, now: &mut Duration, course: &[(f32, u64)]) -> HeatLevel {
    for (celsius, seconds) in course {
        let end = *now + secs(*seconds);
        while *now < end {
            heat.read(*celsius, Limits::default(), *now);
            *now += secs(2);
        }
    }
    heat.level
}

fn fresh() -> (Heat, Duration) {
    (Heat::default(), secs(0))
}

#[test]
fn it_steps_down_at_80_and_to_the_lowest_at_85() {
    let (mut heat, mut now) = fresh();
    assert_eq!(
        after(&mut heat, &mut now, &[(79.9, 600)]),
        HeatLevel::Normal
    );
    assert_eq!(after(&mut heat, &mut now, &[(80.0, 2)]), HeatLevel::Reduced);
    assert_eq!(
        after(&mut heat, &mut now, &[(84.9, 600)]),
        HeatLevel::Reduced
    );
    assert_eq!(after(&mut heat, &mut now, &[(85.0, 2)]), HeatLevel::Lowest);
    assert!(heat.is_too_much(Limits::default()));
    assert_eq!(after(&mut heat, &mut now, &[(84.0, 2)]), HeatLevel::Lowest);
    assert!(!heat.is_too_much(Limits::default()));
    let (mut heat, mut now) = fresh();
    assert_eq!(after(&mut heat, &mut now, &[(99.0, 2)]), HeatLevel::Lowest);
}

#[test]
fn it_goes_back_one_step_at_a_time_once_it_stays_cool() {
    let (mut heat, mut now) = fresh();
    after(&mut heat, &mut now, &[(90.0, 2)]);
    assert_eq!(
        after(&mut heat, &mut now, &[(75.0, 900)]),
        HeatLevel::Lowest
    );
    assert_eq!(after(&mut heat, &mut now, &[(74.9, 60)]), HeatLevel::Lowest);
    assert_eq!(after(&mut heat, &mut now, &[(74.9, 2)]), HeatLevel::Reduced);
    assert_eq!(
        after(&mut heat, &mut now, &[(74.9, 58)]),
        HeatLevel::Reduced
    );
    assert_eq!(after(&mut heat, &mut now, &[(74.9, 2)]), HeatLevel::Normal);
    // A single warm reading begins the minute anew.
    after(&mut heat, &mut now, &[(40.0, 700), (81.0, 2)]);
    assert_eq!(
        after(&mut heat, &mut now, &[(70.0, 58), (75.5, 2), (70.0, 58)]),
        HeatLevel::Reduced
    );
}

#[test]
fn each_relapse_doubles_the_wait_until_it_stays_cool_for_good() {
    let (mut heat, mut now) = fresh();
    after(&mut heat, &mut now, &[(81.0, 2)]);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let begun = now;
        while heat.level != HeatLevel::Normal {
            after(&mut heat, &mut now, &[(60.0, 2)]);
        }
        waits.push((now - begun).as_secs() - 2);
        after(&mut heat, &mut now, &[(81.0, 2)]);
    }
    assert_eq!(waits, [60, 120, 240, 480, 960, 960, 960]);
    after(&mut heat, &mut now, &[(60.0, 962), (60.0, 700), (81.0, 2)]);
    assert_eq!(heat.hold, HOLD);
}

#[test]
fn a_silent_or_mad_sensor_changes_nothing() {
    let (mut heat, mut now) = fresh();
    after(&mut heat, &mut now, &[(81.0, 2), (60.0, 50)]);
    heat.tick(now + secs(27));
    assert_eq!(heat.celsius, Some(60.0));
    heat.tick(now + secs(28));
    assert!(heat.celsius.is_none() && heat.silent);
    for n in 0..1000 {
        heat.tick(now + secs(28 + n));
    }
    assert_eq!(heat.level, HeatLevel::Reduced, "not upwards without a word");
    now += secs(2000);
    assert_eq!(
        after(&mut heat, &mut now, &[(60.0, 60)]),
        HeatLevel::Reduced
    );
    assert!(!heat.silent);
    assert_eq!(after(&mut heat, &mut now, &[(60.0, 2)]), HeatLevel::Normal);
    for mad in [f32::NAN, f32::INFINITY, -200.0, 4096.0] {
        after(&mut heat, &mut now, &[(mad, 2)]);
        assert_eq!((heat.level, heat.celsius), (HeatLevel::Normal, Some(60.0)));
    }
}

fn named(profile: Profile) -> VideoSettings {
    let (width, height, fps, bitrate) = profile.numbers();
    VideoSettings {
        width,
        height,
        fps,
        ..video(bitrate)
    }
}

#[test]
fn named_profiles_step_to_one_another() {
    let [p1080, p720, p480] = [Profile::P1080, Profile::P720, Profile::P480].map(named);
    for (wanted, reduced) in [(&p1080, &p720), (&p720, &p480), (&p480, &p480)] {
        assert_eq!(cap(wanted, HeatLevel::Normal), *wanted);
        assert_eq!(cap(wanted, HeatLevel::Reduced), *reduced);
        assert_eq!(cap(wanted, HeatLevel::Lowest), p480);
    }
}

#[test]
fn custom_pictures_keep_their_shape() {
    let size = |v: &VideoSettings| (v.width, v.height, v.fps);
    let custom = |width, height, fps| VideoSettings {
        width,
        height,
        fps,
        ..video(800_000)
    };
    for (wanted, reduced, lowest) in [
        ((1080, 1920, 30), (720, 1280, 30), (480, 854, 30)),
        ((1280, 720, 60), (1280, 720, 30), (854, 480, 30)),
        ((3840, 2160, 30), (1920, 1080, 30), (854, 480, 30)),
        ((640, 480, 60), (640, 480, 30), (640, 480, 30)),
        ((320, 240, 15), (320, 240, 15), (320, 240, 15)),
    ] {
        let wanted = custom(wanted.0, wanted.1, wanted.2);
        assert_eq!(size(&cap(&wanted, HeatLevel::Reduced)), reduced);
        assert_eq!(size(&cap(&wanted, HeatLevel::Lowest)), lowest);
        assert_eq!(cap(&wanted, HeatLevel::Lowest).bitrate, 800_000);
    }
}

proptest! {
    /// Whatever the temperature does: levels go down one at a time, only after a minute of cool readings, so the picture
    /// changes seldom.
    #[test]
    fn noise_never_makes_it_flap(
        course in vec((55.0f32..95.0, 0.0f32..12.0, 1usize..120), 1..40),
        noise in vec(-1.0f32..1.0, 64),
    ) {
        let mut heat = Heat::default();
        let (mut now, mut n) = (secs(0), 0);
        let mut changes: Vec<(Duration, HeatLevel)> = Vec::new();
        for (middle, swing, readings) in course {
            for _ in 0..readings {
                n += 1;
                let before = heat.level;
                heat.read(middle + swing * noise[n % noise.len()], Limits::default(), now);
                if heat.level < before {
                    let last = changes.last().map_or(Duration::ZERO, |(at, _)| *at);
                    prop_assert!(now - last >= HOLD);
                    prop_assert_eq!(before as u8 - heat.level as u8, 1);
                    prop_assert!(heat.celsius.unwrap() < 75.0);
                }
                if heat.level != before {
                    changes.push((now, heat.level));
                }
                now += secs(2);
            }
        }
        let back = changes.windows(2).filter(|w| w[1].1 < w[0].1).count() as u64;
        prop_assert!(back <= now.as_secs() / 60);
    }

    /// A steady middle with noise that stays between cool and hot never changes anything.
    #[test]
    fn between_the_limits_nothing_happens(noise in vec(75.0f32..79.99, 1..500), hot: bool) {
        let (mut heat, mut now) = fresh();
        let level = after(&mut heat, &mut now, &[(if hot { 86.0 } else { 60.0 }, 2)]);
        for celsius in noise {
            prop_assert_eq!(after(&mut heat, &mut now, &[(celsius, 2)]), level);
        }
    }

    #[test]
    fn a_capped_picture_is_possible_and_no_more_than_wanted(
        w in 8u32..=1920, h in 8u32..=1920, fps in 1u32..=60, bitrate in 50_000u32..50_000_000,
    ) {
        let wanted = VideoSettings { width: 2 * w, height: 2 * h, fps, ..video(bitrate) };
        let mut last = wanted.clone();
        for level in [HeatLevel::Reduced, HeatLevel::Lowest] {
            let capped = cap(&wanted, level);
            prop_assert_eq!(check_video(&capped), Ok(()));
            prop_assert!(capped.width <= last.width && capped.height <= last.height);
            prop_assert!(capped.fps <= last.fps && capped.bitrate <= last.bitrate);
            last = capped;
        }
    }
}

#[test]
fn a_shorter_hold_is_kept_and_grows_after_relapses_too() {
    let limits = Limits {
        hold: Duration::from_secs(6),
        ..Limits::default()
    };
    let mut heat = Heat::default();
    let at = Duration::from_secs;
    heat.read(81.0, limits, at(0));
    heat.read(60.0, limits, at(10));
    heat.read(60.0, limits, at(15));
    assert_eq!(heat.level, HeatLevel::Reduced);
    heat.read(60.0, limits, at(16));
    assert_eq!(heat.level, HeatLevel::Normal);
    heat.read(81.0, limits, at(20));
    heat.read(60.0, limits, at(30));
    heat.read(60.0, limits, at(41));
    assert_eq!(
        heat.level,
        HeatLevel::Reduced,
        "twice as long after a relapse"
    );
    heat.read(60.0, limits, at(42));
    assert_eq!(heat.level, HeatLevel::Normal);
}
