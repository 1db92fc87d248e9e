//! How often somebody may try. Pure.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::super::inside::Attempts;

/// Failures before somebody has to wait.
const FREE: u32 = 5;
/// The first wait, ms; it doubles with each failure after.
const FIRST_MS: i64 = 60_000;
/// The longest wait, ms: never for ever, or anybody could shut the owner out.
const LONGEST_MS: i64 = 3_600_000;
/// How long to wait before the next try, ms; `None`: it may come.
#[must_use]
pub fn wait_ms(attempts: Option<Attempts>, now_ms: i64) -> Option<u64> {
    let left = attempts?.until_ms.saturating_sub(now_ms);
    // A clock that was set back does not make it longer.
    let left = left.min(LONGEST_MS);
    u64::try_from(left).ok().filter(|left| *left > 0)
}

/// After one more failure.
#[must_use]
pub fn failed(attempts: Option<Attempts>, now_ms: i64) -> Attempts {
    let failures = attempts.map_or(0, |a| a.failures).saturating_add(1);
    let until_ms = match failures.checked_sub(FREE) {
        None => 0,
        Some(more) => {
            let wait = FIRST_MS.checked_shl(more.min(20)).unwrap_or(LONGEST_MS);
            now_ms.saturating_add(wait.min(LONGEST_MS))
        }
    };
    Attempts { failures, until_ms }
}

/// Tokens per address, which come back with time.
#[derive(Debug)]
pub struct Buckets {
    burst: f64,
    per_s: f64,
    all: HashMap<String, (f64, Instant)>,
}

/// Addresses that are remembered; past that, those that are full again are forgotten.
const MOST: usize = 4096;

impl Buckets {
    /// `burst` at once, `per_s` in the long run.
    #[must_use]
    pub fn new(burst: u32, per_s: f64) -> Self {
        Self {
            burst: f64::from(burst),
            per_s,
            all: HashMap::new(),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait for the next.
    pub fn take(&mut self, of: &str, now: Instant) -> Result<(), Duration> {
        let (burst, per_s) = (self.burst, self.per_s);
        let filled = |(tokens, at): (f64, Instant)| {
            (tokens + now.saturating_duration_since(at).as_secs_f64() * per_s).min(burst)
        };
        if self.all.len() >= MOST && !self.all.contains_key(of) {
            self.all.retain(|_, held| filled(*held) < burst);
            if self.all.len() >= MOST {
                return Err(Duration::from_secs(1));
            }
        }
        let held = self.all.entry(of.to_owned()).or_insert((burst, now));
        let tokens = filled(*held);
        if tokens < 1.0 {
            *held = (tokens, now);
            return Err(Duration::from_secs_f64((1.0 - tokens) / per_s.max(0.001)));
        }
        *held = (tokens - 1.0, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_cost_a_minute_then_twice_as_much_up_to_an_hour() {
        let (mut kept, mut now) = (None, 1_000_000);
        for _ in 0..4 {
            kept = Some(failed(kept, now));
            assert_eq!(wait_ms(kept, now), None);
        }
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            kept = Some(failed(kept, now));
            assert_eq!(wait_ms(kept, now), Some(minutes * 60_000));
            now += i64::try_from(minutes).unwrap() * 60_000;
            assert_eq!(wait_ms(kept, now), None);
        }
        // A clock that goes back holds nobody for ever.
        let kept = Some(Attempts {
            failures: 50,
            until_ms: i64::MAX,
        });
        assert_eq!(wait_ms(kept, 0), Some(3_600_000));
        assert_eq!(
            failed(
                Some(Attempts {
                    failures: u32::MAX,
                    until_ms: 0
                }),
                5
            )
            .failures,
            u32::MAX
        );
    }

    #[test]
    fn tokens_come_back() {
        let mut buckets = Buckets::new(2, 1.0);
        let begun = Instant::now();
        assert!(buckets.take("a", begun).is_ok() && buckets.take("a", begun).is_ok());
        let wait = buckets.take("a", begun).unwrap_err();
        assert!(wait <= Duration::from_secs(1) && wait > Duration::from_millis(900));
        assert!(buckets.take("b", begun).is_ok());
        assert!(
            buckets
                .take("a", begun + Duration::from_millis(1001))
                .is_ok()
        );
        // Many addresses do not grow without bound.
        for n in 0..3 * MOST {
            let _ = buckets.take(&n.to_string(), begun);
        }
        assert!(buckets.all.len() <= MOST);
        let _ = buckets.take("late", begun + Duration::from_secs(60));
        assert!(buckets.all.len() < 10);
    }
}
