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
//! `Lost` waits 1, 2, 4, then 5 s for ever, so that a camera that is plugged in again is back within 5 s.

use std::time::Duration;

/// An `OpenCamera` or `OpenMic` that is not answered for this long counts as failed.
pub const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// The longest wait between two tries.
pub const RETRY_CAP: Duration = Duration::from_secs(5);

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
    },
    /// Delivers.
    Up {
        /// What it is.
        description: String,
        /// Since when.
        since: Duration,
    },
    /// Does not deliver; is tried again.
    Lost {
        /// Why, and since when.
        outage: Outage,
        /// When the next try is made.
        retry_at: Duration,
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

impl Source {
    /// Notes that it was asked to open for the first time.
    pub fn open(&mut self, now: Duration) {
        *self = Self::Opening {
            asked_at: now,
            outage: None,
        };
    }

    /// Notes that it delivers.
    pub fn up(&mut self, description: String, now: Duration) {
        let since = match self {
            Self::Up { since, .. } => *since,
            _ => now,
        };
        *self = Self::Up { description, since };
    }

    /// Notes that it does not deliver. While it is lost already, only the reason changes: the next try stays
    /// where it is, however often the loss is reported.
    pub fn lost(&mut self, reason: String, now: Duration) {
        let outage = match std::mem::take(self) {
            Self::Off => return,
            Self::Up { .. } | Self::Opening { outage: None, .. } => Outage {
                reason,
                since: now,
                tries: 1,
            },
            Self::Opening {
                outage: Some(before),
                ..
            } => Outage {
                reason,
                since: before.since,
                tries: before.tries.saturating_add(1),
            },
            Self::Lost { outage, retry_at } => {
                *self = Self::Lost {
                    outage: Outage { reason, ..outage },
                    retry_at,
                };
                return;
            }
        };
        let retry_at = now.saturating_add(backoff(outage.tries));
        *self = Self::Lost { outage, retry_at };
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
        match self {
            Self::Lost { outage, retry_at } if now >= *retry_at => {
                *self = Self::Opening {
                    asked_at: now,
                    outage: Some(outage.clone()),
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
}
