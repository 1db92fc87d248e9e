//! How often somebody may speak. Pure: time is an argument that must not go back (it is taken as standing still if it does).
//!
//! A viewer has a token bucket; a comment costs one token, and `burst` of them are kept at most. It is refilled at a rate that
//! rises along a logistic curve with the time `t` since the last comment (`R`: the rate in the long run, `τ`: how slowly):
//!
//! ```text
//! r(t) = R / (1 + e^((c − t)/τ))
//!
//! ∫₀ᵗ r = R·τ·( ln(1 + e^((t − c)/τ)) − ln(1 + e^(−c/τ)) )
//! ```
//!
//! - **Plain** (`c = 0`): `R·τ·ln((1 + e^(t/τ))/2)`; `t` counts from the last comment that was *accepted*. It begins at `R/2`.
//! - **Centred** (`c > 0`; here `c = 3τ`): `t` counts from the last *attempt*. It begins at `R/(1 + e³)`, 5 % of `R`: whoever
//!   goes on sending while refused gets next to nothing until they pause.
//!
//! Both follow from `d/dt τ·ln(1 + e^((t−c)/τ)) = 1/(1 + e^((c−t)/τ))`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::config::ModerationConfig;

/// Centre of the centred form, time constants.
const CENTRE: f64 = 3.0;
/// So much of a token may be missing after the wait that was told: rounding errors.
const ROUNDING: f64 = 1e-6;
/// Longest wait that is told, s.
const LONGEST: f64 = 86_400.0;

/// `ln(1 + eˣ)` without overflow or loss of digits.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// What [`softplus`] is `y > 0` of.
fn softplus_inverse(y: f64) -> f64 {
    y + (-(-y).exp_m1()).ln()
}

/// The nearest number in the range; what is no number is `least`.
fn within(value: f64, least: f64, most: f64) -> f64 {
    if value.is_nan() {
        return least;
    }
    value.clamp(least, most)
}

fn duration(seconds: f64) -> Duration {
    // No number and less than nothing: at once.
    let bounded = within(seconds, 0.0, LONGEST);
    Duration::try_from_secs_f64(bounded).unwrap_or_default()
}

/// A logistic refill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Logistic {
    per_s: f64,
    tau: f64,
    centre: f64,
}

impl Logistic {
    /// `per_s` in the long run (1/s), with the time constant `tau` (s), centred at `centre` (s; 0: the plain form). What is no
    /// such number is taken as the nearest that is.
    #[must_use]
    pub fn new(per_s: f64, tau: f64, centre: f64) -> Self {
        Self {
            per_s: within(per_s, 1e-6, 1e6),
            tau: within(tau, 1e-3, 1e6),
            centre: within(centre, 0.0, 1e7),
        }
    }

    /// Tokens per second so many seconds after what they count from.
    #[must_use]
    pub fn rate(&self, t: f64) -> f64 {
        self.per_s / (1.0 + ((self.centre - t) / self.tau).exp())
    }

    /// Tokens that came in so many seconds: the integral of [`rate`](Self::rate) from 0.
    #[must_use]
    pub fn tokens(&self, t: f64) -> f64 {
        let t = t.max(0.0);
        let sum = softplus((t - self.centre) / self.tau) - softplus(-self.centre / self.tau);
        self.per_s * self.tau * sum
    }

    /// Seconds until so many tokens came: the inverse of [`tokens`](Self::tokens).
    #[must_use]
    pub fn time_for(&self, tokens: f64) -> f64 {
        if tokens.is_nan() || tokens <= 0.0 {
            return 0.0;
        }
        let sum = tokens / (self.per_s * self.tau) + softplus(-self.centre / self.tau);
        (self.centre + self.tau * softplus_inverse(sum)).max(0.0)
    }
}

/// What every viewer may.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    curve: Logistic,
    burst: f64,
    /// Time counts from the last attempt.
    suppress: bool,
}

impl Limits {
    /// As `[moderation]` says.
    #[must_use]
    pub fn new(config: &ModerationConfig) -> Self {
        let tau = f64::from(config.author_tau_s);
        let centre = if config.author_suppress {
            CENTRE * tau
        } else {
            0.0
        };
        Self {
            curve: Logistic::new(f64::from(config.author_per_s), tau, centre),
            burst: within(f64::from(config.author_burst), 1.0, 1e6),
            suppress: config.author_suppress,
        }
    }

    /// How long a silent viewer's bucket takes to fill, s.
    fn fill(&self) -> f64 {
        self.curve.time_for(self.burst)
    }
}

/// The bucket of one viewer.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    /// What was in it then.
    tokens: f64,
    /// When: the last comment that was accepted, or the last attempt.
    at: Duration,
}

impl Bucket {
    fn full(limits: &Limits, now: Duration) -> Self {
        Self {
            tokens: limits.burst,
            at: now,
        }
    }

    fn level(&self, limits: &Limits, now: Duration) -> f64 {
        let since = now.saturating_sub(self.at).as_secs_f64();
        (self.tokens + limits.curve.tokens(since)).min(limits.burst)
    }

    /// Whether there is a token, else how long until there is one if nothing is tried until then.
    fn look(&self, limits: &Limits, now: Duration) -> Result<(), Duration> {
        let level = self.level(limits, now);
        if level >= 1.0 - ROUNDING {
            return Ok(());
        }
        let (from, since) = if limits.suppress {
            (level, 0.0)
        } else {
            (self.tokens, now.saturating_sub(self.at).as_secs_f64())
        };
        Err(duration(limits.curve.time_for(1.0 - from) - since))
    }

    /// Notes an attempt that took so much.
    fn note(&mut self, limits: &Limits, now: Duration, taken: f64) {
        if taken > 0.0 || limits.suppress {
            self.tokens = self.level(limits, now) - taken;
            self.at = self.at.max(now);
        }
    }
}

/// A token bucket that is filled evenly: the limit of a whole room.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overall {
    per_s: f64,
    burst: f64,
    tokens: f64,
    at: Duration,
}

impl Overall {
    /// So many per second in the long run, and at most `burst` (at least 1) at once; it is full at first.
    #[must_use]
    pub fn new(per_s: f64, burst: f64) -> Self {
        let burst = within(burst, 1.0, 1e6);
        Self {
            per_s: within(per_s, 0.0, 1e6),
            burst,
            tokens: burst,
            at: Duration::ZERO,
        }
    }

    /// The room's limit: what the lanes hold (`capacity_per_s`), and no more than `room.max_drawn_per_s`.
    #[must_use]
    pub fn limit(capacity_per_s: f64, max_drawn_per_s: f32) -> f64 {
        capacity_per_s.max(0.0).min(f64::from(max_drawn_per_s))
    }

    /// Another rate and burst from now on; what is in the bucket stays, as far as it has room.
    pub fn set(&mut self, per_s: f64, burst: f64, now: Duration) {
        self.fill(now);
        let tokens = self.tokens;
        *self = Self {
            at: self.at,
            ..Self::new(per_s, burst)
        };
        self.tokens = tokens.min(self.burst);
    }

    /// Takes a token.
    ///
    /// # Errors
    /// How long until there is one.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        self.look(now)?;
        self.tokens -= 1.0;
        Ok(())
    }

    /// Takes a token also where there is none: what comes later pays for it. At most `burst` tokens are owed.
    ///
    /// # Errors
    /// How long until one may be taken so.
    pub fn owe(&mut self, now: Duration) -> Result<(), Duration> {
        self.fill(now);
        if self.tokens - 1.0 >= -self.burst - ROUNDING {
            self.tokens -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - self.burst - self.tokens) / self.per_s;
        Err(duration(if wait.is_finite() { wait } else { LONGEST }))
    }

    fn look(&mut self, now: Duration) -> Result<(), Duration> {
        self.fill(now);
        if self.tokens >= 1.0 - ROUNDING {
            return Ok(());
        }
        let wait = (1.0 - self.tokens) / self.per_s;
        Err(duration(if wait.is_finite() { wait } else { LONGEST }))
    }

    fn fill(&mut self, now: Duration) {
        let since = now.saturating_sub(self.at).as_secs_f64();
        self.tokens = (self.tokens + since * self.per_s).min(self.burst);
        self.at = self.at.max(now);
    }
}

/// Buckets of viewers by name: bounded, and the one that was seen least lately goes first.
///
/// A name that is not known (any more) starts with a full bucket; but until it has been known for as long as an empty bucket takes
/// to fill, each of its comments takes a token of a bucket that all newcomers share, too. Thus whoever makes up names, or has
/// their own forgotten by a flood of names, gains nothing: all newcomers together are held to `newcomers_per_s`, and a name
/// that is refused is not noted, so that it drives out nobody.
#[derive(Debug)]
pub struct Authors {
    limits: Limits,
    most: usize,
    known: HashMap<Arc<str>, Known>,
    /// By when they were seen last.
    order: BTreeMap<u64, Arc<str>>,
    seen: u64,
    newcomers: Overall,
}

#[derive(Debug)]
struct Known {
    bucket: Bucket,
    since: Duration,
    seen: u64,
}

impl Authors {
    /// Remembers at most `most` names (at least 1); all newcomers together may send `newcomers_per_s`.
    #[must_use]
    pub fn new(limits: Limits, most: usize, newcomers_per_s: f64) -> Self {
        Self {
            limits,
            most: most.max(1),
            known: HashMap::new(),
            order: BTreeMap::new(),
            seen: 0,
            newcomers: Overall::new(newcomers_per_s, newcomers_burst(newcomers_per_s)),
        }
    }

    /// Other limits from now on; what is in the buckets stays, as far as they have room.
    pub fn set(&mut self, limits: Limits, newcomers_per_s: f64, now: Duration) {
        let before = std::mem::replace(&mut self.limits, limits);
        for known in self.known.values_mut() {
            known.bucket.tokens = known.bucket.level(&before, now).min(limits.burst);
            known.bucket.at = known.bucket.at.max(now);
        }
        let burst = newcomers_burst(newcomers_per_s);
        self.newcomers.set(newcomers_per_s, burst, now);
    }

    /// Whether `author` may send a comment now; it counts if so.
    ///
    /// # Errors
    /// How long they have to wait.
    pub fn take(&mut self, author: &str, now: Duration) -> Result<(), Duration> {
        let limits = self.limits;
        self.seen += 1;
        let Some(known) = self.known.get_mut(author) else {
            self.newcomers.take(now)?;
            self.welcome(author, now);
            return Ok(());
        };
        if let Some(name) = self.order.remove(&known.seen) {
            self.order.insert(self.seen, name);
        }
        known.seen = self.seen;
        let fill = duration(limits.fill());
        let is_new = now.saturating_sub(known.since) < fill;
        let mut may = known.bucket.look(&limits, now);
        if may.is_ok() && is_new {
            may = self.newcomers.take(now);
        }
        let taken = if may.is_ok() { 1.0 } else { 0.0 };
        known.bucket.note(&limits, now, taken);
        may
    }

    /// Names that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether no name is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn welcome(&mut self, author: &str, now: Duration) {
        while self.known.len() >= self.most {
            let Some((_, oldest)) = self.order.pop_first() else {
                return;
            };
            self.known.remove(&oldest);
        }
        let name: Arc<str> = author.into();
        let mut bucket = Bucket::full(&self.limits, now);
        bucket.note(&self.limits, now, 1.0);
        let known = Known {
            bucket,
            since: now,
            seen: self.seen,
        };
        self.order.insert(self.seen, name.clone());
        self.known.insert(name, known);
    }
}

/// Two seconds of them at once: people come in groups.
fn newcomers_burst(per_s: f64) -> f64 {
    within(2.0 * per_s, 1.0, 1e6)
}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;
