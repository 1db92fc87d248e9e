//! The events in their order, with the time of the show at each.

use super::evidence::Count;
use crate::room::live::event::Event;

/// A minute.
const STEP_MS: u64 = 60_000;
/// Steps of a series, at most.
const STEPS: u64 = 1440;

/// The events of a show, and those before it.
#[derive(Debug)]
pub struct Line<'a> {
    before: Vec<&'a Event>,
    during: Vec<(u64, &'a Event)>,
    jumps: Count,
    length_ms: u64,
    step_ms: u64,
}

impl<'a> Line<'a> {
    pub(super) fn new(show: u64, events: &'a [Event]) -> Self {
        let mut sorted: Vec<&Event> = events.iter().collect();
        sorted.sort_by_key(|e| e.seq);
        sorted.dedup_by_key(|e| e.seq);
        let first = sorted
            .iter()
            .position(|e| show != 0 && e.show == show)
            .unwrap_or(sorted.len());
        let rest = sorted.split_off(first);
        let (mut during, mut jumps) = (Vec::new(), Count::default());
        let (mut elapsed, mut last) = (0_u64, None::<i64>);
        for event in rest.into_iter().filter(|e| e.show == show) {
            let passed = event.at_ms.saturating_sub(last.unwrap_or(event.at_ms));
            if passed < 0 {
                jumps.one(event);
            }
            elapsed = elapsed.saturating_add(u64::try_from(passed).unwrap_or(0));
            last = Some(event.at_ms);
            during.push((elapsed, event));
        }
        let minutes = elapsed.div_ceil(STEP_MS).max(1);
        Self {
            before: sorted,
            during,
            jumps,
            length_ms: elapsed,
            step_ms: STEP_MS * minutes.div_ceil(STEPS),
        }
    }

    /// Events before the first of the show.
    pub(super) fn before(&self) -> &[&'a Event] {
        &self.before
    }

    /// Events of the show, each with the time since its first one, ms.
    pub(super) fn during(&self) -> &[(u64, &'a Event)] {
        &self.during
    }

    /// All, each with whether it belongs to the show.
    pub(super) fn all(&self) -> impl Iterator<Item = (bool, &'a Event)> {
        let before = self.before.iter().map(|e| (false, *e));
        before.chain(self.during.iter().map(|(_, e)| (true, *e)))
    }

    pub(super) fn jumps(&self) -> &Count {
        &self.jumps
    }

    pub(super) fn length_ms(&self) -> u64 {
        self.length_ms
    }

    pub(super) fn step_ms(&self) -> u64 {
        self.step_ms
    }

    /// How many steps a series has.
    pub(super) fn steps(&self) -> usize {
        usize::try_from(self.length_ms.div_ceil(self.step_ms)).map_or(1, |n| n.max(1))
    }

    /// In which of them this time is; the very end is in the last one.
    pub(super) fn step_of(&self, elapsed: u64) -> usize {
        usize::try_from(elapsed / self.step_ms).map_or(0, |step| step.min(self.steps() - 1))
    }
}
