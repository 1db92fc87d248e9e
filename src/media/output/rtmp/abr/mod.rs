//! Adaptive bitrate of the main rendition: every live destination votes, the lowest vote rules. Pure but for
//! [`Adaptive`], which shares one [`Controller`] between the pushes and reports its advice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::config::DestinationName;
use crate::device::event::MediaEvent;
use crate::media::report::Reporter;

mod follower;

use follower::Follower;

/// Advice that differs less than this from the last is not given: each change costs the encoder's rate control.
const WORTH_TELLING: f64 = 0.03;

/// What a push saw over the last second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sample {
    /// Media not yet taken by the peer, ms of media.
    pub backlog_ms: u32,
    /// The same in bytes.
    pub backlog_bytes: u64,
    /// Video taken by the peer, bit/s.
    pub delivered_bps: u32,
}

#[derive(Debug)]
struct Peer {
    ceiling: Option<u32>,
    live: bool,
    follower: Follower,
}

/// Holds the votes. With `floor == wanted` it only keeps to the ceilings: that is adaptive bitrate switched off.
#[derive(Debug)]
pub struct Controller {
    wanted: u32,
    floor: u32,
    advised: u32,
    peers: BTreeMap<String, Peer>,
}

impl Controller {
    /// A controller that advises `wanted` until a destination says otherwise, and never less than `floor` (bit/s)
    /// unless a destination's ceiling is lower still.
    #[must_use]
    pub fn new(wanted: u32, floor: u32) -> Self {
        Self {
            wanted,
            floor: floor.min(wanted),
            advised: wanted,
            peers: BTreeMap::new(),
        }
    }

    /// The advice in force, bit/s.
    #[must_use]
    pub fn advised(&self) -> u32 {
        self.advised
    }

    /// A destination exists, live or not, with its ceiling: the ceiling counts from now on, so that the bitrate does
    /// not jump when the session begins. The advice, if it changed.
    pub fn enrol(&mut self, name: &str, ceiling: Option<u32>) -> Option<u32> {
        let cap = self.cap(ceiling);
        self.peers.insert(
            name.to_owned(),
            Peer {
                ceiling,
                live: false,
                follower: Follower::new(f64::from(cap)),
            },
        );
        self.tell()
    }

    /// A destination has another ceiling. The advice, if it changed.
    pub fn set_ceiling(&mut self, name: &str, ceiling: Option<u32>) -> Option<u32> {
        let cap = self.cap(ceiling);
        let peer = self.peers.get(name)?;
        let before = self.cap(peer.ceiling);
        let peer = self.peers.get_mut(name)?;
        peer.ceiling = ceiling;
        peer.follower.rescale(f64::from(before), f64::from(cap));
        self.tell()
    }

    /// A destination exists no more. The advice, if it changed.
    pub fn retire(&mut self, name: &str) -> Option<u32> {
        self.peers.remove(name);
        self.tell()
    }

    /// The session of a destination ended: its vote vanishes, its ceiling stays. The advice, if it changed.
    pub fn leave(&mut self, name: &str) -> Option<u32> {
        if let Some(peer) = self.peers.get_mut(name) {
            peer.live = false;
            peer.follower.pause();
        }
        self.tell()
    }

    /// What a live destination saw at `now` (any monotonic time), about four times a second. The advice, if it changed.
    pub fn sample(&mut self, name: &str, now: Duration, sample: Sample) -> Option<u32> {
        let cap = self.cap(self.peers.get(name)?.ceiling);
        let limits = follower::Limits {
            floor: f64::from(self.floor.min(cap)),
            cap: f64::from(cap),
            advised: f64::from(self.advised),
        };
        let peer = self.peers.get_mut(name)?;
        peer.live = true;
        peer.follower.sample(now, sample, &limits);
        self.tell()
    }

    /// The bitrate that is wanted, and the floor, change. The advice, if it changed.
    pub fn set_wanted(&mut self, wanted: u32, floor: u32) -> Option<u32> {
        let before = self.wanted;
        self.wanted = wanted;
        self.floor = floor.min(wanted);
        for peer in self.peers.values_mut() {
            let cap = |w: u32| f64::from(peer.ceiling.map_or(w, |c| c.min(w)));
            peer.follower.rescale(cap(before), cap(wanted));
        }
        self.tell()
    }

    fn cap(&self, ceiling: Option<u32>) -> u32 {
        ceiling.map_or(self.wanted, |c| c.min(self.wanted))
    }

    fn tell(&mut self) -> Option<u32> {
        let cap = self
            .peers
            .values()
            .filter_map(|p| p.ceiling)
            .fold(self.wanted, u32::min);
        let floor = self.floor.min(cap);
        let lowest = self
            .peers
            .values()
            .filter(|p| p.live)
            .filter_map(|p| p.follower.vote())
            .fold(f64::from(cap), f64::min);
        // In whole kbit/s: nobody needs more.
        let next = ((lowest / 1000.0) as u32 * 1000).clamp(floor, cap);
        let bound = next == cap || next == floor;
        let change = (f64::from(next) - f64::from(self.advised)).abs();
        if next == self.advised || (!bound && change < WORTH_TELLING * f64::from(self.advised)) {
            // Between two tellings the advice may lie out of bounds that have just moved.
            if (floor..=cap).contains(&self.advised) {
                return None;
            }
        }
        self.advised = next;
        Some(next)
    }
}

/// One [`Controller`] for all pushes; clones share it. Changes are reported as [`MediaEvent::BitrateAdvised`].
#[derive(Debug, Clone)]
pub struct Adaptive {
    controller: Arc<Mutex<Controller>>,
    clock: Clock,
    reporter: Reporter,
}

impl Adaptive {
    /// Shares `controller`.
    #[must_use]
    pub fn new(controller: Controller, reporter: Reporter) -> Self {
        Self {
            controller: Arc::new(Mutex::new(controller)),
            clock: Clock::real(),
            reporter,
        }
    }

    /// The advice in force, bit/s.
    #[must_use]
    pub fn advised(&self) -> u32 {
        self.with(|c, _| (None, c.advised()))
    }

    /// The bitrate that is wanted, and the floor, change (bit/s).
    pub fn set_wanted(&self, wanted: u32, floor: u32) {
        self.with(|c, _| (c.set_wanted(wanted, floor), ()));
    }

    pub(super) fn enrol(&self, name: &DestinationName, ceiling: Option<u32>) {
        self.with(|c, _| (c.enrol(name.as_str(), ceiling), ()));
    }

    /// The ceiling of a destination changes (bit/s).
    pub fn set_ceiling(&self, name: &DestinationName, ceiling: Option<u32>) {
        self.with(|c, _| (c.set_ceiling(name.as_str(), ceiling), ()));
    }

    pub(super) fn retire(&self, name: &DestinationName) {
        self.with(|c, _| (c.retire(name.as_str()), ()));
    }

    pub(super) fn leave(&self, name: &DestinationName) {
        self.with(|c, _| (c.leave(name.as_str()), ()));
    }

    pub(super) fn sample(&self, name: &DestinationName, sample: Sample) {
        self.with(|c, now| (c.sample(name.as_str(), now, sample), ()));
    }

    /// Reports under the lock, so that advice is heard in the order it was given; a reporter never blocks.
    fn with<T>(&self, f: impl FnOnce(&mut Controller, Duration) -> (Option<u32>, T)) -> T {
        let mut controller = self
            .controller
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (advice, value) = f(&mut controller, self.clock.now());
        if let Some(bps) = advice {
            self.reporter.report(MediaEvent::BitrateAdvised(bps));
        }
        value
    }
}

#[cfg(test)]
mod tests;
