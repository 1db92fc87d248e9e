//! One consumer's queue and the rule of what goes in. Pure: neither threads nor clocks.

use std::collections::VecDeque;

use super::{ConsumerOptions, ConsumerStats, Unit};

/// Whether units are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// Nothing was taken yet: waits for the first keyframe.
    Start,
    /// Everything that fits is taken.
    Open,
    /// Something was refused: waits for a keyframe that fits.
    Resync,
}

/// What became of an offered unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) taken: bool,
    /// The consumer could go on at once if there were a keyframe.
    pub(super) keyframe_wanted: bool,
}

pub(super) struct Queue<U> {
    units: VecDeque<U>,
    gate: Gate,
    has_video: bool,
    max_span_ns: u64,
    max_bytes: usize,
    bytes: usize,
    /// Newest time taken; sound and picture interleave, so it need not be the last one's.
    newest_ns: u64,
    delivered: u64,
    refused: u64,
    resyncs: u64,
}

impl<U: Unit> Queue<U> {
    pub(super) fn new(options: &ConsumerOptions, has_video: bool) -> Self {
        Self {
            units: VecDeque::new(),
            gate: Gate::Start,
            has_video,
            max_span_ns: u64::try_from(options.max_span.as_nanos()).unwrap_or(u64::MAX),
            max_bytes: options.max_bytes,
            bytes: 0,
            newest_ns: 0,
            delivered: 0,
            refused: 0,
            resyncs: 0,
        }
    }

    /// Takes a whole GOP, if there is one and it fits; says whether it did.
    pub(super) fn preload(&mut self, gop: &[U]) -> bool {
        let Some(first) = gop.first() else {
            return false;
        };
        let bytes = gop.iter().map(U::size).fold(0, usize::saturating_add);
        let newest = gop.iter().map(U::time_ns).max().unwrap_or(0);
        let span = newest.saturating_sub(first.time_ns());
        if gop.len() > 1 && (bytes > self.max_bytes || span > self.max_span_ns) {
            return false;
        }
        for unit in gop {
            self.take(unit);
        }
        self.gate = Gate::Open;
        true
    }

    pub(super) fn offer(&mut self, unit: &U) -> Verdict {
        let entry = unit.is_keyframe() && (unit.is_video() || !self.has_video);
        let fits = self.fits(unit);
        match self.gate {
            Gate::Open if fits => self.accept(unit),
            Gate::Start | Gate::Resync if entry && fits => self.accept(unit),
            Gate::Start => Verdict {
                taken: false,
                keyframe_wanted: true,
            },
            Gate::Open => {
                self.gate = Gate::Resync;
                self.resyncs += 1;
                self.refuse()
            }
            Gate::Resync => self.refuse(),
        }
    }

    pub(super) fn pop(&mut self) -> Option<U> {
        let unit = self.units.pop_front()?;
        self.bytes -= unit.size();
        self.delivered += 1;
        Some(unit)
    }

    pub(super) fn stats(&self) -> ConsumerStats {
        ConsumerStats {
            delivered: self.delivered,
            refused: self.refused,
            resyncs: self.resyncs,
            queued_ns: self.span_ns(),
            queued_bytes: self.bytes,
        }
    }

    fn span_ns(&self) -> u64 {
        self.units
            .front()
            .map_or(0, |u| self.newest_ns.saturating_sub(u.time_ns()))
    }

    fn fits(&self, unit: &U) -> bool {
        let Some(first) = self.units.front() else {
            return true;
        };
        let newest = self.newest_ns.max(unit.time_ns());
        self.bytes.saturating_add(unit.size()) <= self.max_bytes
            && newest.saturating_sub(first.time_ns()) <= self.max_span_ns
    }

    fn accept(&mut self, unit: &U) -> Verdict {
        self.gate = Gate::Open;
        self.take(unit);
        Verdict {
            taken: true,
            keyframe_wanted: false,
        }
    }

    fn take(&mut self, unit: &U) {
        let time = unit.time_ns();
        self.newest_ns = if self.units.is_empty() {
            time
        } else {
            self.newest_ns.max(time)
        };
        self.bytes += unit.size();
        self.units.push_back(unit.clone());
    }

    fn refuse(&mut self) -> Verdict {
        self.refused += 1;
        Verdict {
            taken: false,
            keyframe_wanted: self.bytes <= self.max_bytes / 2
                && self.span_ns() <= self.max_span_ns / 2,
        }
    }
}
