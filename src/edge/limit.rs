//! How many commands an origin may hand in: a token bucket each. Pure: time is passed in.
//!
//! Kept as the time at which the bucket will be full again, so there is nothing to count on and nothing to round.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::device::command::Origin;

/// The buckets of all origins.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Time for one token.
    each: Duration,
    /// Time to fill an empty bucket.
    whole: Duration,
    full_at: BTreeMap<u8, Duration>,
}

impl Limits {
    /// `rate` commands per second, `burst` at once; zero of either is taken for one.
    #[must_use]
    pub fn new(rate: u32, burst: u32) -> Self {
        let each = Duration::from_secs(1) / rate.max(1);
        Self {
            each,
            whole: each * burst.max(1),
            full_at: BTreeMap::new(),
        }
    }

    /// Takes a token at the monotonic time `now`.
    ///
    /// # Errors
    /// There is none: how long until there is one.
    pub fn take(&mut self, origin: Origin, now: Duration) -> Result<(), Duration> {
        // One entry for each origin that there is.
        let full_at = self.full_at.entry(origin as u8).or_default();
        let then = (*full_at).max(now) + self.each;
        match then.checked_sub(now + self.whole) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                *full_at = then;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_burst_passes_then_one_each_period_and_origins_do_not_share() {
        let mut limits = Limits::new(20, 40);
        let t = Duration::from_secs(100);
        for _ in 0..40 {
            limits.take(Origin::Mqtt, t).unwrap();
        }
        let wait = limits.take(Origin::Mqtt, t).unwrap_err();
        assert_eq!(wait, Duration::from_millis(50));
        limits.take(Origin::Cli, t).unwrap();
        assert!(
            limits
                .take(Origin::Mqtt, t + wait - Duration::from_nanos(1))
                .is_err()
        );
        limits.take(Origin::Mqtt, t + wait).unwrap();
        assert!(limits.take(Origin::Mqtt, t + wait).is_err());
        // A long rest fills the bucket and no more than that.
        let later = t + Duration::from_secs(3600);
        let passed = (0..100).filter(|_| limits.take(Origin::Mqtt, later).is_ok());
        assert_eq!(passed.count(), 40);
    }

    proptest! {
        #[test]
        fn no_span_of_time_lets_more_through_than_burst_and_rate(
            rate in 1u32..200, burst in 1u32..100,
            steps in prop::collection::vec(0u64..200, 1..300),
        ) {
            let mut limits = Limits::new(rate, burst);
            let mut now = Duration::ZERO;
            let mut passed = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                match limits.take(Origin::Mqtt, now) {
                    Ok(()) => passed.push(now),
                    Err(wait) => {
                        prop_assert!(!wait.is_zero() && wait <= Duration::from_secs(1));
                        // Exactly then it passes.
                        prop_assert!(limits.clone().take(Origin::Mqtt, now + wait).is_ok());
                    }
                }
            }
            for (i, from) in passed.iter().enumerate() {
                for (j, to) in passed.iter().enumerate().skip(i) {
                    let allowed = f64::from(burst) + (*to - *from).as_secs_f64() * f64::from(rate) + 0.001;
                    prop_assert!((j - i + 1) as f64 <= allowed);
                }
            }
        }
    }
}
