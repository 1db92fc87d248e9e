//! When a connection is tried again. Pure: time and chance are passed in.
//!
//! Full jitter: each wait is random between nothing and a ceiling. A fleet that loses its broker at one moment comes back
//! spread over the ceiling, and a box that fails again draws from twice as much, so that what comes at once only sinks.

use std::time::Duration;

use super::Reconnect;

/// The memory of one connection.
#[derive(Debug)]
pub struct Backoff {
    rules: Reconnect,
    /// Ceiling of the next wait.
    ceiling: Duration,
    /// Whether anything was tried yet.
    tried: bool,
}

impl Backoff {
    /// Nothing was tried yet.
    pub fn new(rules: Reconnect) -> Self {
        Self {
            rules,
            ceiling: rules.first.min(rules.cap),
            tried: false,
        }
    }

    /// How long to wait before the next try; `random` is uniform in [0, 1).
    pub fn wait(&mut self, random: f64) -> Duration {
        let random = random.clamp(0.0, 1.0);
        if !self.tried {
            self.tried = true;
            return self.rules.start.mul_f64(random);
        }
        let wait = self.ceiling.mul_f64(random);
        self.ceiling = self.ceiling.saturating_mul(2).min(self.rules.cap);
        wait
    }

    /// A connection ended that had held for `lived`.
    pub fn ended(&mut self, lived: Duration) {
        if lived >= self.rules.stable {
            self.ceiling = self.rules.first.min(self.rules.cap);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn ceilings_double_from_the_first_to_the_cap() {
        let mut b = Backoff::new(Reconnect::fleet(30 * S));
        let ceilings: Vec<u64> = (0..5).map(|_| b.wait(1.0).as_secs()).collect();
        assert_eq!(ceilings, [10, 30, 60, 120, 120]);
    }

    #[test]
    fn only_a_connection_that_held_begins_anew() {
        let mut b = Backoff::new(Reconnect::fleet(30 * S));
        for _ in 0..4 {
            b.wait(0.5);
        }
        b.ended(59 * S);
        assert_eq!(b.wait(1.0), 120 * S);
        b.ended(60 * S);
        assert_eq!(b.wait(1.0), 30 * S);
    }

    #[test]
    fn a_broker_of_our_own_is_joined_at_once() {
        let mut b = Backoff::new(Reconnect::alone());
        assert_eq!(b.wait(0.999), Duration::ZERO);
        assert!((0..9).all(|_| b.wait(1.0) <= 5 * S));
    }

    proptest! {
        #[test]
        fn waits_stay_below_their_ceiling_which_falls_only_after_a_good_connection(
            first in 1u64..200, cap in 1u64..200, start in 0u64..60,
            steps in proptest::collection::vec((0.0f64..1.0, 0u64..100), 1..60),
        ) {
            let rules = Reconnect { start: start as u32 * S, first: first as u32 * S, cap: cap as u32 * S, stable: 60 * S };
            let mut b = Backoff::new(rules);
            prop_assert!(b.wait(steps[0].0) <= rules.start);
            let mut ceiling = rules.first.min(rules.cap);
            for (random, lived) in steps {
                let wait = b.wait(random);
                prop_assert!(wait <= ceiling && ceiling <= rules.cap);
                // Full jitter: the wait is that share of the whole ceiling, nothing is added.
                prop_assert!((wait.as_secs_f64() - random * ceiling.as_secs_f64()).abs() < 1e-6);
                ceiling = (ceiling * 2).min(rules.cap);
                b.ended(lived as u32 * S);
                if lived >= 60 {
                    ceiling = rules.first.min(rules.cap);
                }
            }
        }

        #[test]
        fn a_fleet_comes_back_evenly(seed in any::<u64>()) {
            // 2,000 boxes that draw their first wait: 67 in each second, and never so many more that it is not chance
            // (112 is 5.6 standard deviations).
            use rand::{RngExt, SeedableRng};
            let mut random = rand::rngs::StdRng::seed_from_u64(seed);
            let mut seconds = [0u32; 31];
            for _ in 0..2000 {
                let mut b = Backoff::new(Reconnect::fleet(30 * S));
                b.wait(0.0);
                seconds[b.wait(random.random()).as_secs() as usize] += 1;
            }
            prop_assert!(seconds.iter().all(|n| *n <= 112), "{seconds:?}");
        }
    }
}
