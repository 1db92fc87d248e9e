//! What the status light does, as data: from pattern to steps of light and dark. Single-colour, RGB and kernel LEDs
//! share this one table, so a pattern means the same on every board; colour only repeats what the rhythm says.
//!
//! | pattern | rhythm | colour |
//! |---|---|---|
//! | booting | 1 s on, 1 s off | white |
//! | set-up | 1 Hz: 500 ms on, 500 ms off | blue |
//! | ready | 50 ms on every 2 s | green |
//! | connecting | 2 Hz: 250 ms on, 250 ms off | yellow |
//! | live | on | red (on air) |
//! | live but degraded | on, with a dip of 100 ms every second | yellow |
//! | error n | n times 200 ms on, 200 ms off; then 1.2 s off | magenta |
//! | updating | twice 100 ms on, 100 ms off; then 800 ms off | cyan |
//! | identify | 10 Hz: 50 ms on, 50 ms off | white |
//! | notification | once 120 ms off, 240 ms on, 120 ms off, over *ready*, *connecting*, *live* and *degraded*, which go on | white |
//! | confirm | 250 ms on, 750 ms off, for as long as a factory reset waits for its confirmation | magenta |

use std::time::Duration;

use serde::Serialize;

/// What is wrong, as a number of blinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// 1: no picture.
    Camera,
    /// 2: the network.
    Network,
    /// 3: a server, or its key.
    Server,
    /// 4: storage.
    Storage,
    /// 5: heat or power.
    Heat,
}

impl Trouble {
    /// How often it blinks.
    #[must_use]
    pub fn blinks(self) -> u32 {
        match self {
            Self::Camera => 1,
            Self::Network => 2,
            Self::Server => 3,
            Self::Storage => 4,
            Self::Heat => 5,
        }
    }
}

/// What the LED shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LedPattern {
    /// Starting or ending.
    Booting,
    /// Waits to be set up.
    SetUp,
    /// Ready, not live.
    Ready,
    /// Connecting to a destination.
    Connecting,
    /// Live, all well.
    Live,
    /// Live, with something amiss.
    Degraded,
    /// Something is wrong.
    Error(Trouble),
    /// A new version is being installed.
    Updating,
    /// "Here I am".
    Identify,
    /// A factory reset waits for its confirmation.
    Confirm,
}

/// Colours that three lines (red, green, blue), each on or off, can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// Red, green and blue.
    White,
    /// Blue alone.
    Blue,
    /// Green alone.
    Green,
    /// Red and green.
    Yellow,
    /// Red alone.
    Red,
    /// Red and blue.
    Magenta,
    /// Green and blue.
    Cyan,
}

impl Colour {
    /// Which of red, green and blue are on.
    #[must_use]
    pub fn rgb(self) -> [bool; 3] {
        match self {
            Self::White => [true, true, true],
            Self::Blue => [false, false, true],
            Self::Green => [false, true, false],
            Self::Yellow => [true, true, false],
            Self::Red => [true, false, false],
            Self::Magenta => [true, false, true],
            Self::Cyan => [false, true, true],
        }
    }
}

/// A stretch of light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Light or dark.
    pub on: bool,
    /// Colour of the pattern; also given while it is dark.
    pub colour: Colour,
    /// How long, milliseconds; at least 1.
    pub ms: u32,
}

/// What the light does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// Dark.
    Off,
    /// Light; a single-colour LED takes any colour for on.
    On(Colour),
}

impl Light {
    /// Whether there is light.
    #[must_use]
    pub fn is_on(self) -> bool {
        self != Self::Off
    }
}

const fn on(colour: Colour, ms: u32) -> Step {
    Step {
        on: true,
        colour,
        ms,
    }
}

const fn off(colour: Colour, ms: u32) -> Step {
    Step {
        on: false,
        colour,
        ms,
    }
}

const BLINK: Step = on(Colour::Magenta, 200);
const GAP: Step = off(Colour::Magenta, 200);
const PAUSE: Step = off(Colour::Magenta, 1200);
/// Five blinks and the pause; fewer blinks are the end of it.
const ERROR: [Step; 11] = [
    BLINK, GAP, BLINK, GAP, BLINK, GAP, BLINK, GAP, BLINK, GAP, PAUSE,
];

/// The steps of a pattern, from its beginning; after the last the first follows again. A single step stays for good.
#[must_use]
pub const fn steps(pattern: LedPattern) -> &'static [Step] {
    use Colour::{Blue, Cyan, Green, Magenta, Red, White, Yellow};
    match pattern {
        LedPattern::Booting => const { &[on(White, 1000), off(White, 1000)] },
        LedPattern::SetUp => const { &[on(Blue, 500), off(Blue, 500)] },
        LedPattern::Ready => const { &[on(Green, 50), off(Green, 1950)] },
        LedPattern::Connecting => const { &[on(Yellow, 250), off(Yellow, 250)] },
        LedPattern::Live => const { &[on(Red, 1000)] },
        LedPattern::Degraded => const { &[on(Yellow, 900), off(Yellow, 100)] },
        LedPattern::Error(trouble) => match trouble {
            Trouble::Camera => const { ERROR.split_at(8).1 },
            Trouble::Network => const { ERROR.split_at(6).1 },
            Trouble::Server => const { ERROR.split_at(4).1 },
            Trouble::Storage => const { ERROR.split_at(2).1 },
            Trouble::Heat => &ERROR,
        },
        LedPattern::Updating => {
            const { &[on(Cyan, 100), off(Cyan, 100), on(Cyan, 100), off(Cyan, 900)] }
        }
        LedPattern::Identify => const { &[on(White, 50), off(White, 50)] },
        LedPattern::Confirm => const { &[on(Magenta, 250), off(Magenta, 750)] },
    }
}

/// How long a pattern takes until it begins anew.
#[must_use]
pub fn period(pattern: LedPattern) -> Duration {
    let ms = steps(pattern).iter().map(|s| u64::from(s.ms)).sum();
    Duration::from_millis(ms)
}

/// What the light does when `pattern` has been shown for `since_start`.
#[must_use]
pub fn lit(pattern: LedPattern, since_start: Duration) -> Light {
    let (step, _) = at(pattern, since_start);
    if step.on {
        Light::On(step.colour)
    } else {
        Light::Off
    }
}

/// How long the light stays as [`lit`] says; `None`: for as long as the pattern is shown.
#[must_use]
pub fn stays(pattern: LedPattern, since_start: Duration) -> Option<Duration> {
    (steps(pattern).len() > 1).then(|| at(pattern, since_start).1)
}

/// The step in force, and what is left of it (never nothing).
fn at(pattern: LedPattern, since_start: Duration) -> (Step, Duration) {
    let steps = steps(pattern);
    let period = period(pattern).as_nanos().max(1);
    let mut into = since_start.as_nanos() % period;
    for step in steps {
        let length = u128::from(step.ms) * 1_000_000;
        if into < length {
            let left = u64::try_from(length - into).unwrap_or(u64::MAX);
            return (*step, Duration::from_nanos(left));
        }
        into -= length;
    }
    // Not reached: `into` is less than the sum of all steps.
    (off(Colour::White, 1), Duration::from_millis(1))
}

/// The blink for a notification on the picture.
const NOTICE: [Step; 3] = [
    off(Colour::White, 120),
    on(Colour::White, 240),
    off(Colour::White, 120),
];

/// Whether a notification may blink over this pattern: not over what asks for a hand or an eye at the box.
#[must_use]
pub fn may_be_interrupted(pattern: LedPattern) -> bool {
    matches!(
        pattern,
        LedPattern::Ready | LedPattern::Connecting | LedPattern::Live | LedPattern::Degraded
    )
}

/// What the light does `since` the blink for a notification began, and for how long; `None`: the blink is over.
#[must_use]
pub fn notice(since: Duration) -> Option<(Light, Duration)> {
    let mut end = Duration::ZERO;
    for step in NOTICE {
        end += Duration::from_millis(step.ms.into());
        if since < end {
            let light = if step.on {
                Light::On(step.colour)
            } else {
                Light::Off
            };
            return Some((light, end - since));
        }
    }
    None
}

/// Every pattern.
#[cfg(test)]
pub(crate) const ALL: [LedPattern; 14] = [
    LedPattern::Booting,
    LedPattern::SetUp,
    LedPattern::Ready,
    LedPattern::Connecting,
    LedPattern::Live,
    LedPattern::Degraded,
    LedPattern::Error(Trouble::Camera),
    LedPattern::Error(Trouble::Network),
    LedPattern::Error(Trouble::Server),
    LedPattern::Error(Trouble::Storage),
    LedPattern::Error(Trouble::Heat),
    LedPattern::Updating,
    LedPattern::Identify,
    LedPattern::Confirm,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Stretches of light and dark (`+` and `-`, ms) over one period, sampled each millisecond: what an eye would see.
    fn seen(pattern: LedPattern) -> String {
        let total = u64::try_from(period(pattern).as_millis()).unwrap();
        let mut runs: Vec<(bool, u64)> = Vec::new();
        for ms in 0..total {
            // In a later round, so that the repetition is looked at too.
            let light = lit(pattern, period(pattern) * 3 + Duration::from_millis(ms)).is_on();
            match runs.last_mut() {
                Some((on, n)) if *on == light => *n += 1,
                _ => runs.push((light, 1)),
            }
        }
        let word = |(on, n): &(bool, u64)| format!("{}{n}", if *on { '+' } else { '-' });
        runs.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_pattern_has_the_rhythm_of_the_table() {
        let blinks = |n: usize| format!("{}+200 -1400", "+200 -200 ".repeat(n - 1));
        for (pattern, rhythm) in [
            (LedPattern::Booting, "+1000 -1000".to_owned()),
            (LedPattern::SetUp, "+500 -500".into()),
            (LedPattern::Ready, "+50 -1950".into()),
            (LedPattern::Connecting, "+250 -250".into()),
            (LedPattern::Live, "+1000".into()),
            (LedPattern::Degraded, "+900 -100".into()),
            (LedPattern::Error(Trouble::Camera), blinks(1)),
            (LedPattern::Error(Trouble::Network), blinks(2)),
            (LedPattern::Error(Trouble::Server), blinks(3)),
            (LedPattern::Error(Trouble::Storage), blinks(4)),
            (LedPattern::Error(Trouble::Heat), blinks(5)),
            (LedPattern::Updating, "+100 -100 +100 -900".into()),
            (LedPattern::Identify, "+50 -50".into()),
            (LedPattern::Confirm, "+250 -750".into()),
        ] {
            assert_eq!(seen(pattern), rhythm, "{pattern:?}");
        }
    }

    #[test]
    fn the_number_of_blinks_is_the_number_of_the_trouble() {
        for pattern in ALL {
            if let LedPattern::Error(trouble) = pattern {
                let on = steps(pattern).iter().filter(|s| s.on).count();
                assert_eq!(on, trouble.blinks() as usize);
            }
        }
    }

    #[test]
    fn no_two_patterns_look_alike_without_colour() {
        for (n, a) in ALL.iter().enumerate() {
            for b in &ALL[n + 1..] {
                assert_ne!(seen(*a), seen(*b), "{a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn a_pattern_has_one_colour_and_begins_with_light() {
        for pattern in ALL {
            let steps = steps(pattern);
            assert!(steps[0].on, "{pattern:?}: seen as soon as it is chosen");
            assert!(
                steps
                    .iter()
                    .all(|s| s.colour == steps[0].colour && s.ms > 0)
            );
            assert!(steps[0].colour.rgb().contains(&true));
        }
        assert_eq!(lit(LedPattern::Live, secs(9)), Light::On(Colour::Red));
        assert_eq!(lit(LedPattern::Ready, secs(9)), Light::Off);
    }

    #[test]
    fn a_notification_is_one_blink_that_is_seen_over_light_and_dark() {
        let all: Vec<bool> = (0..480)
            .map(|ms| notice(Duration::from_millis(ms)).unwrap().0.is_on())
            .collect();
        assert!(all[..120].iter().all(|on| !on), "seen over a steady light");
        assert!(all[120..360].iter().all(|on| *on));
        assert!(all[360..].iter().all(|on| !on));
        assert_eq!(notice(Duration::from_millis(480)), None);
        let left = notice(Duration::from_millis(100)).unwrap().1;
        assert_eq!(left, Duration::from_millis(20));
        for pattern in ALL {
            let asks = matches!(
                pattern,
                LedPattern::Error(_) | LedPattern::Identify | LedPattern::Confirm
            );
            assert!(!(asks && may_be_interrupted(pattern)), "{pattern:?}");
        }
    }

    fn secs(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn whoever_sleeps_for_what_it_stays_sees_every_change() {
        for pattern in ALL {
            let Some(mut left) = stays(pattern, Duration::ZERO) else {
                assert_eq!(pattern, LedPattern::Live);
                continue;
            };
            let mut now = Duration::ZERO;
            for _ in 0..40 {
                assert!(left > Duration::ZERO);
                let before = lit(pattern, now);
                assert_eq!(lit(pattern, now + left - Duration::from_nanos(1)), before);
                now += left;
                left = stays(pattern, now).unwrap();
            }
        }
        // No overflow, however long it is shown.
        let _ = lit(LedPattern::Ready, Duration::MAX);
    }
}
