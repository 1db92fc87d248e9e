//! An encoder of one rendition: which entry of the usable table runs, and when the next is tried.
//!
//! ```text
//!            open()             up()            stable for 60 s: failures = 0
//!   Off ───────────> Opening ─────────> Up ──────┐
//!                     ^   ^ │            │ <─────┘
//!                     │   │ │ fail()     │ fail()
//!                     │   └─┴── next ────┤ more entries: at once
//!              due()  │                  v after the last: index 0
//!                     └────────────── Waiting   2, 4, 8, 16, 30, 30… s
//! ```
//!
//! A failure after a stable run is answered at once even at the end of the table: the show goes on first.

use std::time::Duration;

/// An `OpenEncoder` that is not answered for this long counts as failed.
pub const OPEN_LIMIT: Duration = Duration::from_secs(10);
/// An encoder that gives nothing for this long has failed.
pub const STALL_LIMIT: Duration = Duration::from_secs(3);
/// After this long without failure, what happened before is forgotten.
pub const STABLE_AFTER: Duration = Duration::from_secs(60);
/// Wait after the first round in which every entry failed.
pub const FIRST_WAIT: Duration = Duration::from_secs(2);
/// The longest wait between two rounds.
pub const WAIT_CAP: Duration = Duration::from_secs(30);

/// Where an encoder session stands. Times are monotonic, since start.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Session {
    /// Not opened: before the start, or no encoder is usable.
    #[default]
    Off,
    /// Was asked to open.
    Opening {
        /// When.
        asked_at: Duration,
    },
    /// Delivers.
    Up {
        /// Element name.
        name: String,
        /// Since when.
        since: Duration,
    },
    /// All entries failed; the first is tried again.
    Waiting {
        /// When.
        retry_at: Duration,
    },
}

/// The encoder of one rendition.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Encoder {
    /// Entry of the usable table that runs or is tried.
    pub index: usize,
    /// Failures since the last stable run.
    pub failures: u32,
    /// Times that the whole table failed since the last stable run.
    pub rounds: u32,
    /// The last failure since the last stable run, one clause.
    pub reason: Option<String>,
    /// Where it stands.
    pub session: Session,
}

/// The wait after `rounds` rounds that failed (0: the first): 2, 4, 8, 16, 30, 30… s.
#[must_use]
pub fn wait(rounds: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << rounds.min(8)).min(WAIT_CAP)
}

impl Encoder {
    /// Notes that entry `index` was asked to open.
    pub fn open(&mut self, now: Duration) {
        self.session = Session::Opening { asked_at: now };
    }

    /// Notes that it delivers.
    pub fn up(&mut self, name: String, now: Duration) {
        let since = match self.session {
            Session::Up { since, .. } => since,
            _ => now,
        };
        self.session = Session::Up { name, since };
    }

    /// Whether it delivers.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.session, Session::Up { .. })
    }

    /// Notes a failure with `usable` entries in the table; true when the (new) entry must be opened now, which is
    /// noted as asked already.
    pub fn fail(&mut self, reason: String, usable: usize, now: Duration) -> bool {
        let was_stable = match &self.session {
            Session::Waiting { .. } => return false,
            Session::Up { since, .. } => now.saturating_sub(*since) >= STABLE_AFTER,
            Session::Off | Session::Opening { .. } => false,
        };
        if was_stable {
            self.forget();
        }
        self.reason = Some(reason);
        self.failures = self.failures.saturating_add(1);
        if usable == 0 {
            self.session = Session::Off;
            return false;
        }
        self.index = self.index.saturating_add(1);
        if self.index < usable {
            self.open(now);
            return true;
        }
        self.index = 0;
        if was_stable {
            self.open(now);
            return true;
        }
        self.session = Session::Waiting {
            retry_at: now.saturating_add(wait(self.rounds)),
        };
        self.rounds = self.rounds.saturating_add(1);
        false
    }

    /// Time went on; true when the entry must be opened now, which is noted as asked already.
    /// `progress_at`: when its rendition last made an access unit. `watched`: whether its silence means anything
    /// (not while a camera's own stream is passed through).
    pub fn tick(
        &mut self,
        usable: usize,
        progress_at: Duration,
        watched: bool,
        now: Duration,
    ) -> bool {
        match self.session {
            Session::Opening { asked_at }
                if watched && now.saturating_sub(asked_at) >= OPEN_LIMIT =>
            {
                let limit = OPEN_LIMIT.as_secs();
                self.fail(format!("it did not start within {limit} s"), usable, now)
            }
            Session::Up { since, .. }
                if watched && now.saturating_sub(since.max(progress_at)) >= STALL_LIMIT =>
            {
                let limit = STALL_LIMIT.as_secs();
                self.fail(format!("it gave no picture for {limit} s"), usable, now)
            }
            Session::Up { since, .. } if now.saturating_sub(since) >= STABLE_AFTER => {
                self.forget();
                false
            }
            Session::Waiting { retry_at } if now >= retry_at && usable > 0 => {
                self.open(now);
                true
            }
            _ => false,
        }
    }

    /// Begins anew with the entry at hand: somebody changed what is wanted.
    pub fn restart(&mut self, now: Duration) {
        self.forget();
        self.open(now);
    }

    fn forget(&mut self) {
        self.failures = 0;
        self.rounds = 0;
        self.reason = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn fail(e: &mut Encoder, usable: usize, now: u64) -> bool {
        e.fail("broken".into(), usable, s(now))
    }

    #[test]
    fn tries_the_next_at_once_and_waits_after_the_last() {
        let mut e = Encoder::default();
        e.open(s(0));
        assert!(fail(&mut e, 3, 1));
        assert_eq!(e.index, 1);
        assert!(fail(&mut e, 3, 1));
        assert_eq!(e.index, 2);
        assert!(!fail(&mut e, 3, 1));
        assert_eq!(e.index, 0);
        assert_eq!(e.session, Session::Waiting { retry_at: s(3) });
        assert!(!fail(&mut e, 3, 2), "a late report changes nothing");
        assert_eq!(e.session, Session::Waiting { retry_at: s(3) });
        assert!(!e.tick(3, s(0), true, Duration::from_millis(2999)));
        assert!(e.tick(3, s(0), true, s(3)));
    }

    #[test]
    fn rounds_wait_2_4_8_16_30_30() {
        let mut e = Encoder::default();
        let mut now = 0;
        let mut waits = Vec::new();
        e.open(s(0));
        for _ in 0..6 {
            assert!(!fail(&mut e, 1, now));
            let Session::Waiting { retry_at } = e.session else {
                panic!("{e:?}")
            };
            waits.push(retry_at.as_secs() - now);
            now = retry_at.as_secs();
            assert!(e.tick(1, s(0), true, s(now)));
        }
        assert_eq!(waits, [2, 4, 8, 16, 30, 30]);
        assert_eq!(wait(u32::MAX), WAIT_CAP);
    }

    #[test]
    fn a_stable_minute_forgets_and_is_answered_at_once() {
        let mut e = Encoder::default();
        e.open(s(0));
        assert!(!fail(&mut e, 1, 1));
        assert!(e.tick(1, s(0), true, s(3)));
        e.up("x264enc".into(), s(4));
        assert!(!e.tick(1, s(62), true, s(63)));
        assert_eq!(e.failures, 1, "59 s are not stable");
        assert!(!e.tick(1, s(64), true, s(64)));
        assert_eq!((e.failures, e.rounds, e.reason.clone()), (0, 0, None));
        assert!(fail(&mut e, 1, 65), "opened again without a wait");
        assert!(!fail(&mut e, 1, 66));
        assert_eq!(e.session, Session::Waiting { retry_at: s(68) });
    }

    #[test]
    fn silence_is_a_failure_only_when_watched() {
        let mut e = Encoder::default();
        e.open(s(0));
        assert!(!e.tick(2, s(0), true, s(9)));
        assert!(!e.tick(2, s(0), false, s(10)));
        assert!(e.tick(2, s(0), true, s(10)), "no answer: next entry");
        assert_eq!(e.index, 1);
        e.up("b".into(), s(11));
        assert!(!e.tick(2, s(12), true, Duration::from_millis(14_999)));
        assert!(!e.tick(2, s(12), false, s(20)));
        assert!(!e.tick(2, s(12), true, s(20)), "last entry: wait");
        assert_eq!(e.session, Session::Waiting { retry_at: s(22) });
    }

    #[test]
    fn without_any_encoder_nothing_is_asked() {
        let mut e = Encoder::default();
        assert!(!fail(&mut e, 0, 1));
        assert!(!e.tick(0, s(0), true, s(100)));
        assert_eq!(e.session, Session::Off);
    }
}
