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
/// From here on a device that is plugged again and again is one that flaps.
pub const MANY_TRIES: u32 = 10;
/// A loss so soon after the word of plugging belongs to it: the one may be heard before the other.
const PLUG_MEMORY: Duration = Duration::from_secs(3);
/// Place in the row of waits after plugging.
const PLUGGED: u8 = 0;
/// The same for a device that flaps.
const FLAPPING: u8 = 1;
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

/// Where plugging puts a source in the row of waits.
fn plugged(outage: Option<&Outage>) -> u8 {
    match outage {
        Some(outage) if outage.tries >= MANY_TRIES => FLAPPING,
        _ => PLUGGED,
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
            Self::Opening { pace, outage, .. } => *pace = plugged(outage.as_ref()),
            Self::Up { plugged_at, .. } => *plugged_at = Some(now),
            Self::Lost {
                outage,
                retry_at,
                tried_at,
                pace,
            } => {
                *pace = plugged(Some(outage));
                *retry_at = (*retry_at).min(tried_at.saturating_add(wait(*pace)).max(now));
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
                let just_plugged =
                    plugged_at.is_some_and(|at| now.saturating_sub(at) <= PLUG_MEMORY);
                let pace = if just_plugged { PLUGGED } else { ORDINARY };
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
#[path = "source_tests.rs"]
mod tests;
