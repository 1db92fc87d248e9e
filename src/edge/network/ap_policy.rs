//! When the box opens a Wi-Fi network of its own. Pure; time is handed in.
//!
//! ```text
//!             no network for 60 s, set-up open                 network there | set-up closed | a join begins
//!   Waiting ───────────────────────────────────> Open ────────────────────────────────────────────> Waiting
//!      ^                                          │ ^
//!      │      join begun from here has failed ────│─┘ (at once: whoever set the box up is waiting for it)
//!      └── opening failed: again after 30 s … 5 min
//!                                                 │ nobody uses it for 5 min, and the box knows networks
//!                                                 └──> Pause, 60 s: NetworkManager looks for those; then Open again
//! ```

use std::time::Duration;

/// So long must there be no network before the access point is opened.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// An access point that nobody uses is closed after this, where the box knows networks that may have come back.
pub const UNUSED: Duration = Duration::from_secs(300);
/// For so long the known networks are looked for then.
pub const PAUSE: Duration = Duration::from_secs(60);
/// First wait after opening failed; doubled up to [`LONGEST_WAIT`].
pub const FIRST_WAIT: Duration = Duration::from_secs(30);
/// Longest wait after opening failed.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// The world, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct World {
    /// The configuration allows an access point, and there is a radio for it.
    pub possible: bool,
    /// Set-up is open.
    pub setup: bool,
    /// There is a network, other than the access point.
    pub network: bool,
    /// A network is being joined now.
    pub joining: bool,
    /// Networks are saved that could be joined by themselves.
    pub known: bool,
    /// Somebody used the page a short while ago.
    pub used: bool,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Open the access point.
    Open,
    /// Close it.
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Closed; to be opened then, if nothing changes.
    Waiting { due: Option<Duration> },
    /// Open, and last used then.
    Open { used: Duration },
}

/// The policy's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApPolicy {
    phase: Phase,
    /// It was open when the join began.
    before_join: bool,
    failures: u32,
}

impl Default for ApPolicy {
    fn default() -> Self {
        Self {
            phase: Phase::Waiting { due: None },
            before_join: false,
            failures: 0,
        }
    }
}

impl ApPolicy {
    /// Looks at the world at the monotonic time `now`; says what is to be done, and counts it as done
    /// ([`ApPolicy::failed`] takes that back).
    pub fn look(&mut self, world: World, now: Duration) -> Option<Order> {
        let allowed = world.possible && world.setup && !world.network;
        match self.phase {
            Phase::Waiting { .. } if !allowed => {
                self.phase = Phase::Waiting { due: None };
                self.before_join = false;
                None
            }
            Phase::Waiting { .. } if world.joining => None,
            Phase::Waiting { due } => {
                let due = if std::mem::take(&mut self.before_join) {
                    now
                } else {
                    due.unwrap_or(now + PATIENCE)
                };
                self.phase = Phase::Waiting { due: Some(due) };
                (now >= due).then(|| {
                    self.phase = Phase::Open { used: now };
                    Order::Open
                })
            }
            Phase::Open { .. } if !allowed => self.close(None),
            Phase::Open { .. } if world.joining => {
                self.before_join = true;
                self.close(None)
            }
            Phase::Open { .. } if world.used => {
                self.phase = Phase::Open { used: now };
                None
            }
            Phase::Open { used } if world.known && now >= used + UNUSED => {
                self.close(Some(now + PAUSE))
            }
            Phase::Open { .. } => None,
        }
    }

    /// Opening failed, or the access point went down by itself: it is tried again after a while.
    pub fn failed(&mut self, now: Duration) {
        let wait = FIRST_WAIT.saturating_mul(1 << self.failures.min(4));
        self.failures += 1;
        self.before_join = false;
        self.phase = Phase::Waiting {
            due: Some(now + wait.min(LONGEST_WAIT)),
        };
    }

    /// A join has worked: nobody waits for the access point, even while the network is not seen yet.
    pub fn joined(&mut self) {
        self.before_join = false;
    }

    /// It is open.
    pub fn opened(&mut self) {
        self.failures = 0;
    }

    fn close(&mut self, due: Option<Duration>) -> Option<Order> {
        self.phase = Phase::Waiting { due };
        Some(Order::Close)
    }
}

#[cfg(test)]
#[path = "ap_policy_tests.rs"]
mod tests;
