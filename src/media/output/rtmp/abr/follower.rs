//! The vote of one destination: follows what its link takes.
//!
//! ```text
//!  clean ── backlog grows for 1 s ──> draining (well below what the link takes) ── drained ──> clean
//!    └── after a hold: climb, 8 % a second ── fails ──> draining, and a longer hold
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use super::Sample;

/// Backlog that calls for a step down when it grows, ms of media.
const HIGH_MS: u32 = 600;
/// Backlog that calls for a step down when it does not clearly fall.
const VERY_HIGH_MS: u32 = 2000;
/// Backlog below which the link counts as clean.
const LOW_MS: u32 = 300;
/// Over this long a trend is looked at, and must last before a step.
const TREND: Duration = Duration::from_millis(1000);
/// Cool-down: after a step its effect is awaited (encoder, queue, link) before another.
const COOL_DOWN: Duration = Duration::from_millis(2500);
/// Share of the measured delivery that is used.
const USE: f64 = 0.85;
/// Share that is used at least while draining.
const USE_DRAINING: f64 = 0.4;
/// A backlog is to be gone after this many seconds.
const DRAIN_S: f64 = 10.0;
/// Climb per second, of the rate, and at least of the cap.
const CLIMB: f64 = 0.08;
const CLIMB_OF_CAP: f64 = 0.025;
/// Clean time before a climb, and its bound after failed climbs.
const HOLD: Duration = Duration::from_secs(3);
const MAX_HOLD: Duration = Duration::from_secs(20);
/// A vote is not raised further than this above the rate in force: what does not flow proves nothing.
const UNPROVEN: f64 = 1.25;

/// Bounds of a vote, bit/s.
#[derive(Debug)]
pub struct Limits {
    /// Never below.
    pub floor: f64,
    /// Never above: wanted, or the destination's ceiling.
    pub cap: f64,
    /// The rate in force.
    pub advised: f64,
}

#[derive(Debug)]
pub struct Follower {
    rate: f64,
    history: VecDeque<(Duration, u64)>,
    growing_since: Option<Duration>,
    clean_since: Option<Duration>,
    last_sample: Option<Duration>,
    last_step: Option<Duration>,
    /// What the link took while it was the bottleneck; set while draining.
    capacity: Option<f64>,
    climbed: bool,
    hold: Duration,
    /// Rate at which the last climb failed.
    failed_at: Option<f64>,
    /// The peer takes nothing at all: a lower bitrate would not help it, and would hurt the others.
    abstains: bool,
}

impl Follower {
    pub fn new(rate: f64) -> Self {
        Self {
            rate,
            history: VecDeque::new(),
            growing_since: None,
            clean_since: None,
            last_sample: None,
            last_step: None,
            capacity: None,
            climbed: false,
            hold: HOLD,
            failed_at: None,
            abstains: false,
        }
    }

    pub fn vote(&self) -> Option<f64> {
        (!self.abstains).then_some(self.rate)
    }

    /// The session ended: what was learnt of the link stays, what was measured goes.
    pub fn pause(&mut self) {
        self.history.clear();
        self.growing_since = None;
        self.clean_since = None;
        self.last_sample = None;
        self.capacity = None;
        self.abstains = false;
    }

    /// The cap moved: a vote at the cap follows it.
    pub fn rescale(&mut self, before: f64, now: f64) {
        if self.rate >= before {
            self.rate = now;
        }
        self.rate = self.rate.min(now);
    }

    pub fn sample(&mut self, now: Duration, sample: Sample, limits: &Limits) {
        let elapsed = self
            .last_sample
            .replace(now)
            .map_or(Duration::ZERO, |last| now.saturating_sub(last))
            .min(Duration::from_secs(1));
        let before = self.second_ago(now, sample.backlog_bytes);
        self.abstains = sample.delivered_bps == 0 && sample.backlog_ms > HIGH_MS;
        if self.abstains {
            self.growing_since = None;
            self.clean_since = None;
            return;
        }
        self.watch(now, sample, before);
        if self.must_step(now) {
            self.step_down(now, sample);
        } else if let Some(capacity) = self.capacity {
            self.drain(sample, capacity);
        } else {
            self.climb(now, elapsed, limits);
        }
        self.rate = self.rate.clamp(limits.floor, limits.cap);
    }

    /// The backlog in bytes a second ago. Bytes, not time: after a step down the old, fat media in front makes the
    /// span grow on although the queue shrinks.
    fn second_ago(&mut self, now: Duration, backlog_bytes: u64) -> f64 {
        self.history.push_back((now, backlog_bytes));
        while self
            .history
            .get(1)
            .is_some_and(|(at, _)| now.saturating_sub(*at) >= TREND)
        {
            self.history.pop_front();
        }
        self.history.front().map_or(0.0, |(_, b)| *b as f64)
    }

    fn watch(&mut self, now: Duration, sample: Sample, before: f64) {
        let backlog = sample.backlog_ms;
        let bytes = sample.backlog_bytes as f64;
        let growing = (backlog > HIGH_MS && bytes > before * 1.05)
            || (backlog > VERY_HIGH_MS && bytes > before * 0.97);
        if growing {
            self.growing_since.get_or_insert(now);
        } else {
            self.growing_since = None;
        }
        if backlog < LOW_MS {
            self.clean_since.get_or_insert(now);
        } else {
            self.clean_since = None;
        }
    }

    fn must_step(&self, now: Duration) -> bool {
        let long = |since: Option<Duration>, limit| {
            since.is_some_and(|since| now.saturating_sub(since) >= limit)
        };
        long(self.growing_since, TREND)
            && (self.last_step.is_none() || long(self.last_step, COOL_DOWN))
    }

    fn step_down(&mut self, now: Duration, sample: Sample) {
        if self.climbed {
            self.hold = (self.hold * 2).min(MAX_HOLD);
            self.failed_at = Some(self.rate);
            self.climbed = false;
        }
        let capacity = f64::from(sample.delivered_bps);
        self.capacity = Some(capacity);
        self.last_step = Some(now);
        self.growing_since = None;
        self.drain(sample, capacity);
    }

    /// Sends less than the link takes, so that the backlog goes; then as much as it takes, with a margin.
    fn drain(&mut self, sample: Sample, capacity: f64) {
        if sample.backlog_ms < LOW_MS {
            self.rate = USE * capacity;
            self.capacity = None;
            return;
        }
        let backlog_bits = sample.backlog_bytes as f64 * 8.0;
        let wanted = USE * capacity - backlog_bits / DRAIN_S;
        // Only down: a rate that rises while the backlog falls would never let it go.
        self.rate = self.rate.min(wanted.max(USE_DRAINING * capacity));
    }

    fn climb(&mut self, now: Duration, elapsed: Duration, limits: &Limits) {
        let clean = self
            .clean_since
            .is_some_and(|since| now.saturating_sub(since) >= self.hold);
        let highest = limits.cap.min(limits.advised * UNPROVEN);
        if !clean || self.rate >= highest {
            return;
        }
        let per_second = (CLIMB * self.rate).max(CLIMB_OF_CAP * limits.cap);
        self.rate = (self.rate + per_second * elapsed.as_secs_f64()).min(highest);
        self.climbed = true;
        if self.failed_at.is_none_or(|failed| self.rate > 1.2 * failed) {
            self.hold = HOLD;
            self.failed_at = None;
        }
    }
}
