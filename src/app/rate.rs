//! How many commands are taken from each origin: a token bucket each (so many per second, so many at once).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::device::command::Origin;
use crate::media::sync::lock;

/// The buckets of all origins; clones share them.
#[derive(Debug, Clone)]
pub struct Rates {
    per_s: f64,
    burst: f64,
    buckets: Arc<Mutex<HashMap<Origin, Bucket>>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Rates {
    /// `per_s` commands per second, `burst` at once; at least one each.
    #[must_use]
    pub fn new(per_s: u32, burst: u32) -> Self {
        Self {
            per_s: f64::from(per_s.max(1)),
            burst: f64::from(burst.max(1)),
            buckets: Arc::default(),
        }
    }

    /// Takes one command of `origin` at `now`.
    ///
    /// # Errors
    /// There were too many: how long to wait.
    pub fn take(&self, origin: Origin, now: Instant) -> Result<(), Duration> {
        let mut buckets = lock(&self.buckets);
        let bucket = buckets.entry(origin).or_insert(Bucket {
            tokens: self.burst,
            at: now,
        });
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        bucket.tokens = (bucket.tokens + since * self.per_s).min(self.burst);
        bucket.at = bucket.at.max(now);
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tokens) / self.per_s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate_for_each_origin_by_itself() {
        let rates = Rates::new(20, 40);
        let start = Instant::now();
        let take = |origin, ms| rates.take(origin, start + Duration::from_millis(ms));
        assert_eq!(
            (0..100).filter(|_| take(Origin::Mqtt, 0).is_ok()).count(),
            40
        );
        let wait = take(Origin::Mqtt, 0).unwrap_err();
        assert!(wait <= Duration::from_millis(50), "{wait:?}");
        assert!(
            take(Origin::Cli, 0).is_ok(),
            "another origin is not held up"
        );
        assert!(take(Origin::Mqtt, 51).is_ok());
        assert!(take(Origin::Mqtt, 52).is_err());
        let flood = (53..10_053).filter(|ms| take(Origin::Mqtt, *ms).is_ok());
        assert!((195..=205).contains(&flood.count()));
        // A pause gives back no more than the burst.
        let later = (0..100).filter(|_| take(Origin::Mqtt, 3_600_000).is_ok());
        assert_eq!(later.count(), 40);
    }
}
