//! A camera or a microphone: when it is opened, and when it is opened again.
//!
//! ```text
//!          open()              up()
//!   Off ──────────> Opening ──────────> Up
//!                    ^    │               │
//!                    │    │ lost(), or    │ lost()
//!             due()  │    │ 10 s of       │
//!                    │    v silence       v
//!                    └── Lost <───────────┘
//! ```
//!
//! `Lost` waits 1, 2, 4, then 5 s for ever, so that a camera that is plugged in again is back within 5 s also where nobody
//! tells of plugging. Where somebody does, a lost source is tried at once, then after 300 ms and 1 s (a device may need a
//! moment after its node appears), then as after a new loss. A device that flaps is opened at most every 300 ms, and after
//! ten tries in vain once a second.

use std::time::Duration;

/// An `OpenCamera` or `OpenMic` that is not answered for this long counts as failed.
pub const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// The longest wait between two tries.
pub const RETRY_CAP: Duration = Duration::from_secs(5);
/// The shortest time between two tries, however often something is plugged.
pub const PLUG_GAP: Duration = Duration::from_millis(300);
/// The same after [`MANY_TRIES`] tries in vain.
pub const PLUG_GAP_LATER: Duration = Duration::from_secs(1);
/// From here on a device that is plugged again and again is one that flaps.
pub const MANY_TRIES: u32 = 10;
/// A loss so soon after the word of plugging belongs to it: the one may be heard before the other.
const PLUG_MEMORY: Duration = Duration::from_secs(3);
/// Place in the row of waits after plugging.
const PLUGGED: u8 = 0;
/// Place in the row of waits after any other loss.
const ORDINARY: u8 = 2;

/// Why a source is away, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// One clause.
    pub reason: String,
    /// Monotonic time since start when it went away.
    pub since: Duration,
    /// Tries that failed in this outage, the loss itself included.
    pub tries: u32,
}

/// Where a camera or microphone stands. All times are monotonic, since start.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Source {
    /// Not opened: before the start, or the box has none.
    #[default]
    Off,
    /// Was asked to open; no answer yet.
    Opening {
        /// When it was asked.
        asked_at: Duration,
        /// Set when this is a try after a loss.
        outage: Option<Outage>,
        /// Place in the row of waits, should it fail.
        pace: u8,
    },
    /// Delivers.
    Up {
        /// What it is.
        description: String,
        /// Since when.
        since: Duration,
        /// When something was plugged last.
        plugged_at: Option<Duration>,
    },
    /// Does not deliver; is tried again.
    Lost {
        /// Why, and since when.
        outage: Outage,
        /// When the next try is made.
        retry_at: Duration,
        /// When the last one was made.
        tried_at: Duration,
        /// Place in the row of waits, should the next try fail.
        pace: u8,
    },
}

/// What [`Source::tick`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Nothing to do.
    Nothing,
    /// It must be opened now.
    Open,
}

/// The wait after the `tries`-th failure (1 is the first): 1, 2, 4, 5, 5… s.
#[must_use]
pub fn backoff(tries: u32) -> Duration {
    let exponent = tries.saturating_sub(1).min(8);
    Duration::from_secs(1 << exponent).min(RETRY_CAP)
}

/// The row of waits: 300 ms and 1 s after plugging, then those of [`backoff`].
fn wait(pace: u8) -> Duration {
    match pace {
        0 => PLUG_GAP,
        1 => Duration::from_secs(1),
        later => backoff(u32::from(later - 1)),
    }
}

impl Source {
    /// Notes that it was asked to open for the first time.
    pub fn open(&mut self, now: Duration) {
        *self = Self::Opening {
            asked_at: now,
            outage: None,
            pace: ORDINARY,
        };
    }

    /// A device of its kind was plugged in or pulled out. `Due::Open`: it must be opened now, which is noted as asked.
    pub fn plugged(&mut self, now: Duration) -> Due {
        match self {
            Self::Off => {}
            // An open is on its way; should it fail, the next comes soon.
            Self::Opening { pace, .. } => *pace = PLUGGED,
            Self::Up { plugged_at, .. } => *plugged_at = Some(now),
            Self::Lost {
                outage,
                retry_at,
                tried_at,
                pace,
            } => {
                *pace = PLUGGED;
                let gap = if outage.tries < MANY_TRIES {
                    PLUG_GAP
                } else {
                    PLUG_GAP_LATER
                };
                *retry_at = (*retry_at).min(tried_at.saturating_add(gap).max(now));
                return self.try_again(now);
            }
        }
        Due::Nothing
    }

    /// It delivers, but nothing of use: it is closed and opened again. `Due::Open`: that must be done now.
    pub fn restart(&mut self, reason: String, now: Duration) -> Due {
        if !self.is_up() {
            return Due::Nothing;
        }
        *self = Self::Opening {
            asked_at: now,
            outage: Some(Outage {
                reason,
                since: now,
                tries: 1,
            }),
            pace: ORDINARY,
        };
        Due::Open
    }

    /// Notes that it delivers.
    pub fn up(&mut self, description: String, now: Duration) {
        let (since, plugged_at) = match self {
            Self::Up {
                since, plugged_at, ..
            } => (*since, *plugged_at),
            _ => (now, None),
        };
        *self = Self::Up {
            description,
            since,
            plugged_at,
        };
    }

    /// Notes that it does not deliver. While it is lost already, only the reason changes: the next try stays
    /// where it is, however often the loss is reported.
    pub fn lost(&mut self, reason: String, now: Duration) {
        let first = |reason| Outage {
            reason,
            since: now,
            tries: 1,
        };
        let (outage, tried_at, pace) = match std::mem::take(self) {
            Self::Off => return,
            Self::Up {
                since, plugged_at, ..
            } => {
                let plugged = plugged_at.is_some_and(|at| now.saturating_sub(at) <= PLUG_MEMORY);
                let pace = if plugged { PLUGGED } else { ORDINARY };
                (first(reason), since, pace)
            }
            Self::Opening {
                asked_at,
                outage: None,
                pace,
            } => (first(reason), asked_at, pace),
            Self::Opening {
                asked_at,
                outage: Some(before),
                pace,
            } => {
                let outage = Outage {
                    reason,
                    since: before.since,
                    tries: before.tries.saturating_add(1),
                };
                (outage, asked_at, pace)
            }
            Self::Lost {
                outage,
                retry_at,
                tried_at,
                pace,
            } => {
                *self = Self::Lost {
                    outage: Outage { reason, ..outage },
                    retry_at,
                    tried_at,
                    pace,
                };
                return;
            }
        };
        *self = Self::Lost {
            outage,
            retry_at: now.saturating_add(wait(pace)),
            tried_at,
            pace: pace.saturating_add(1),
        };
    }

    /// Time went on: gives up on an open without answer, and says when the next try is due.
    pub fn tick(&mut self, now: Duration) -> Due {
        if let Self::Opening { asked_at, .. } = self
            && now.saturating_sub(*asked_at) >= OPEN_LIMIT
        {
            self.lost(
                format!("it did not answer within {} s", OPEN_LIMIT.as_secs()),
                now,
            );
        }
        self.try_again(now)
    }

    fn try_again(&mut self, now: Duration) -> Due {
        match self {
            Self::Lost {
                outage,
                retry_at,
                pace,
                ..
            } if now >= *retry_at => {
                *self = Self::Opening {
                    asked_at: now,
                    outage: Some(outage.clone()),
                    pace: *pace,
                };
                Due::Open
            }
            _ => Due::Nothing,
        }
    }

    /// Whether it delivers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self, Self::Up { .. })
    }

    /// The outage, while there is one: also during a try, so that what people read does not flicker.
    #[must_use]
    pub fn outage(&self) -> Option<&Outage> {
        match self {
            Self::Lost { outage, .. }
            | Self::Opening {
                outage: Some(outage),
                ..
            } => Some(outage),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
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
}
