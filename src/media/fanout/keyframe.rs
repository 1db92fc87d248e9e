//! Requests for keyframes: rate-limited, and rarer while they bring nothing.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::lock;

/// Shortest time between two requests.
pub(super) const MIN_INTERVAL: Duration = Duration::from_millis(500);
/// Longest time between two requests while they bring nothing: an encoder that ignores them, or a delay line in between.
pub(super) const MAX_INTERVAL: Duration = Duration::from_secs(4);

/// The producer's callback behind its limiter.
pub(super) struct KeyframeRequests {
    callback: Box<dyn Fn() + Send + Sync>,
    limiter: Mutex<Limiter>,
}

impl KeyframeRequests {
    pub(super) fn new(callback: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            callback,
            limiter: Mutex::new(Limiter::default()),
        }
    }

    pub(super) fn request(&self, now: Instant) {
        let allowed = lock(&self.limiter).allow(now);
        if allowed {
            (self.callback)();
        }
    }

    /// A keyframe came.
    pub(super) fn answered(&self) {
        lock(&self.limiter).interval = MIN_INTERVAL;
    }
}

/// Pure: time comes from outside.
pub(super) struct Limiter {
    last: Option<Instant>,
    interval: Duration,
}

impl Default for Limiter {
    fn default() -> Self {
        Self {
            last: None,
            interval: MIN_INTERVAL,
        }
    }
}

impl Limiter {
    pub(super) fn allow(&mut self, now: Instant) -> bool {
        match self.last {
            None => {
                self.last = Some(now);
                true
            }
            Some(last) if now.saturating_duration_since(last) >= self.interval => {
                self.last = Some(now);
                self.interval = (self.interval * 2).min(MAX_INTERVAL);
                true
            }
            Some(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_at_most_every_half_second_and_rarer_without_answer() {
        let start = Instant::now();
        let mut limiter = Limiter::default();
        let mut asked = Vec::new();
        for ms in (0..20_000).step_by(10) {
            if limiter.allow(start + Duration::from_millis(ms)) {
                asked.push(ms);
            }
        }
        assert_eq!(asked, [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500]);
        limiter.interval = MIN_INTERVAL;
        assert!(!limiter.allow(start + Duration::from_millis(19_999)));
        assert!(limiter.allow(start + Duration::from_millis(20_000)));
    }
}
