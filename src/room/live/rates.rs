//! How often somebody may do something. Not stored: whoever comes back after a restart begins with a full bucket.

use std::collections::HashMap;
use std::time::Duration;

use super::act::{Act, By, Refusal, Why};
use super::event::Role;

/// Buckets of viewers, and of addresses, that are kept.
const MAX_KEPT: usize = 20_000;

/// Tokens that come evenly.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Duration,
}

/// Tokens that are kept at most, and that come in a second.
type Limit = (f64, f64);
const CHAT: Limit = (5.0, 1.0);
const OTHER: Limit = (20.0, 10.0);
const LIKES: Limit = (200.0, 50.0);
/// A shop's Wi-Fi is one address, and all of a hall come when the show begins.
const NEW: Limit = (1500.0, 1.0);
const CLICKS: Limit = (200.0, 100.0);

impl Bucket {
    fn full(limit: Limit, now: Duration) -> Self {
        Self {
            tokens: limit.0,
            at: now,
        }
    }

    fn fill(&mut self, limit: Limit, now: Duration) {
        let since = now.saturating_sub(self.at).as_secs_f64();
        self.tokens = (self.tokens + since * limit.1).min(limit.0);
        self.at = self.at.max(now);
    }

    fn take(&mut self, limit: Limit, n: f64, now: Duration) -> Result<(), Refusal> {
        self.fill(limit, now);
        if self.tokens + 1e-6 >= n {
            self.tokens -= n;
            return Ok(());
        }
        let wait = ((n - self.tokens) / limit.1).clamp(0.0, 3_600.0);
        Err(too_fast(Duration::from_secs_f64(wait)))
    }

    fn is_full(&mut self, limit: Limit, now: Duration) -> bool {
        self.fill(limit, now);
        self.tokens >= limit.0
    }
}

fn too_fast(wait: Duration) -> Refusal {
    let ms = u64::try_from(wait.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    Refusal::new(Why::TooFast, "That was too fast: wait a moment.").after_ms(ms)
}

#[derive(Debug)]
struct One {
    chat: Bucket,
    other: Bucket,
    likes: Bucket,
    /// Their last line.
    line: Option<Duration>,
}

/// All buckets.
#[derive(Debug)]
pub(super) struct Rates {
    viewers: HashMap<u64, One>,
    addrs: HashMap<String, Bucket>,
    clicks: Bucket,
}

impl Rates {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            viewers: HashMap::new(),
            addrs: HashMap::new(),
            clicks: Bucket::full(CLICKS, now),
        }
    }

    fn viewer(&mut self, viewer: u64, now: Duration) -> &mut One {
        if self.viewers.len() >= MAX_KEPT && !self.viewers.contains_key(&viewer) {
            // Who was silent for long has full buckets: as if they were new.
            self.viewers.retain(|_, one| {
                let quiet = one
                    .line
                    .is_some_and(|line| now.saturating_sub(line).as_secs() < 3_600);
                quiet || !one.chat.is_full(CHAT, now) || !one.other.is_full(OTHER, now)
            });
        }
        self.viewers.entry(viewer).or_insert_with(|| One {
            chat: Bucket::full(CHAT, now),
            other: Bucket::full(OTHER, now),
            likes: Bucket::full(LIKES, now),
            line: None,
        })
    }

    /// Whether an act of a viewer that is neither a line nor a question may be done now; it counts if so. The staff may always.
    pub(super) fn act(&mut self, by: &By, act: &Act, now: Duration) -> Result<(), Refusal> {
        if by.role > Role::Viewer {
            return Ok(());
        }
        let one = self.viewer(by.viewer, now);
        match act {
            Act::Say { .. }
            | Act::Vote { .. }
            | Act::Give { .. }
            | Act::UpVote { .. }
            | Act::Enter { .. } => one.other.take(OTHER, 1.0, now),
            Act::Ask { .. } | Act::Rename { .. } => one.chat.take(CHAT, 1.0, now),
            Act::Like { n } => one.likes.take(LIKES, f64::from(*n), now),
            Act::Seen { .. } => one.other.take(OTHER, 0.2, now),
            _ => Ok(()),
        }
    }

    /// Whether somebody may say a line now, with so many seconds between two of them.
    pub(super) fn line(
        &mut self,
        viewer: u64,
        role: Role,
        slow_s: u32,
        now: Duration,
    ) -> Result<(), Refusal> {
        if role > Role::Viewer || viewer == 0 {
            return Ok(());
        }
        let one = self.viewer(viewer, now);
        if let Some(next) = one
            .line
            .map(|line| line + Duration::from_secs(slow_s.into()))
            && now < next
        {
            return Err(too_fast(next - now));
        }
        one.chat.take(CHAT, 1.0, now)?;
        one.line = Some(now);
        Ok(())
    }

    /// A line was not said after all: slow mode does not count it.
    pub(super) fn not_said(&mut self, viewer: u64) {
        if let Some(one) = self.viewers.get_mut(&viewer) {
            one.line = None;
        }
    }

    /// Whether somebody new of this address may come now.
    pub(super) fn come(&mut self, addr: &str, now: Duration) -> Result<(), Refusal> {
        if addr.is_empty() {
            return Ok(());
        }
        if self.addrs.len() >= MAX_KEPT && !self.addrs.contains_key(addr) {
            self.addrs.retain(|_, bucket| !bucket.is_full(NEW, now));
        }
        let bucket = self.addrs.entry(addr.to_owned());
        bucket
            .or_insert_with(|| Bucket::full(NEW, now))
            .take(NEW, 1.0, now)
    }

    /// Whether a click is noted: a flood of them is led on, but not stored.
    pub(super) fn click(&mut self, now: Duration) -> bool {
        self.clicks.take(CLICKS, 1.0, now).is_ok()
    }
}
