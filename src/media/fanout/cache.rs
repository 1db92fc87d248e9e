//! The GOP cache: every unit from the last keyframe on, so that a consumer can start at once.

use super::Unit;

/// Most bytes cached: 2 s at 32 Mbit/s.
pub(super) const MAX_BYTES: usize = 8 << 20;
/// Longest span cached, ns.
pub(super) const MAX_SPAN_NS: u64 = 10_000_000_000;

/// Empty, or a video keyframe and everything since, picture and sound, in order.
pub(super) struct GopCache<U> {
    units: Vec<U>,
    bytes: usize,
}

impl<U> Default for GopCache<U> {
    fn default() -> Self {
        Self {
            units: Vec::new(),
            bytes: 0,
        }
    }
}

impl<U> GopCache<U> {
    pub(super) fn units(&self) -> &[U] {
        &self.units
    }
}

impl<U: Unit> GopCache<U> {
    /// Over its bounds the cache empties itself until the next keyframe: half a GOP is of no use to anybody.
    pub(super) fn push(&mut self, unit: U) {
        if unit.is_video() && unit.is_keyframe() {
            self.clear();
        } else if self.units.is_empty() {
            return;
        }
        let first = self
            .units
            .first()
            .map_or_else(|| unit.time_ns(), U::time_ns);
        let span = unit.time_ns().saturating_sub(first);
        let bytes = self.bytes.saturating_add(unit.size());
        if bytes > MAX_BYTES || span > MAX_SPAN_NS {
            self.clear();
            return;
        }
        self.bytes = bytes;
        self.units.push(unit);
    }

    fn clear(&mut self) {
        self.units.clear();
        self.bytes = 0;
    }
}
