//! Monotonic time as a value: the real clock, or a simulated one that a test moves by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A monotonic clock. `now` is the time since the clock was made.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The operating system's monotonic clock.
    Real(Instant),
    /// Moves only by [`Clock::advance`]; nanoseconds.
    Simulated(Arc<AtomicU64>),
}

impl Clock {
    /// The real clock, starting at zero now.
    #[must_use]
    pub fn real() -> Self {
        Self::Real(Instant::now())
    }

    /// A clock that stands still at zero until it is advanced.
    #[must_use]
    pub fn simulated() -> Self {
        Self::Simulated(Arc::new(AtomicU64::new(0)))
    }

    /// Time since the clock was made.
    #[must_use]
    pub fn now(&self) -> Duration {
        match self {
            Self::Real(start) => start.elapsed(),
            Self::Simulated(ns) => Duration::from_nanos(ns.load(Ordering::SeqCst)),
        }
    }

    /// Moves a simulated clock on; does nothing to the real one.
    pub fn advance(&self, by: Duration) {
        if let Self::Simulated(ns) = self {
            ns.fetch_add(
                u64::try_from(by.as_nanos()).unwrap_or(u64::MAX),
                Ordering::SeqCst,
            );
        }
    }
}

/// Seconds since 1970-01-01 UTC by the machine's clock, which may be set at any time; 0 before that day.
#[must_use]
pub fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_moves_only_by_hand_and_is_shared() {
        let a = Clock::simulated();
        let b = a.clone();
        a.advance(Duration::from_millis(5));
        assert_eq!(b.now(), Duration::from_millis(5));
    }
}
