//! From which events a number comes.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use crate::room::live::event::Event;

/// The events behind a number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Evidence {
    /// Kinds of these events.
    pub kinds: BTreeSet<&'static str>,
    /// Their numbers, as ranges `[first, last]`, rising.
    pub seqs: Vec<(u64, u64)>,
}

impl Evidence {
    /// One more.
    pub fn add(&mut self, event: &Event) {
        self.kinds.insert(event.fact.kind());
        self.add_seq(event.seq);
    }

    fn add_seq(&mut self, seq: u64) {
        // Nearly always the last one of all so far.
        let after = self.seqs.partition_point(|(first, _)| *first <= seq);
        if let Some((_, last)) = after.checked_sub(1).and_then(|i| self.seqs.get_mut(i)) {
            if *last >= seq {
                return;
            }
            if last.checked_add(1) == Some(seq) {
                *last = seq;
                self.join(after);
                return;
            }
        }
        self.seqs.insert(after, (seq, seq));
        self.join(after + 1);
    }

    /// Makes one of the ranges at `at - 1` and `at`, if they touch.
    fn join(&mut self, at: usize) {
        let (Some(before), Some(next)) = (
            at.checked_sub(1).and_then(|i| self.seqs.get(i)),
            self.seqs.get(at),
        ) else {
            return;
        };
        if before.1.checked_add(1) == Some(next.0) {
            let last = next.1;
            self.seqs.remove(at);
            if let Some(range) = self.seqs.get_mut(at - 1) {
                range.1 = last;
            }
        }
    }

    /// All of `other` too.
    pub fn add_all(&mut self, other: &Self) {
        self.kinds.extend(&other.kinds);
        if self.seqs.is_empty() {
            self.seqs.clone_from(&other.seqs);
            return;
        }
        let mut all: Vec<(u64, u64)> = self.seqs.iter().chain(&other.seqs).copied().collect();
        all.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(all.len());
        for (first, last) in all {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        self.seqs = merged;
    }

    /// How many events.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.seqs.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seqs.is_empty()
    }

    /// Ranges in letters: `3-9 12`.
    #[must_use]
    pub fn ranges(&self) -> String {
        let range = |(first, last): &(u64, u64)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        };
        self.seqs.iter().map(range).collect::<Vec<_>>().join(" ")
    }
}

/// A whole number and its events.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Count {
    /// How many.
    pub n: u64,
    /// From these.
    pub from: Evidence,
}

impl Count {
    /// One more.
    pub(super) fn one(&mut self, event: &Event) {
        self.more(1, event);
    }

    /// So many more.
    pub(super) fn more(&mut self, n: u64, event: &Event) {
        self.n = self.n.saturating_add(n);
        self.from.add(event);
    }

    /// As a figure.
    pub(super) fn per(&self, whole: f64) -> Figure {
        let value = if whole > 0.0 {
            self.n as f64 / whole
        } else {
            0.0
        };
        Figure {
            value,
            from: self.from.clone(),
        }
    }
}

/// A number with a fraction, and its events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Figure {
    /// How much.
    pub value: f64,
    /// From these.
    pub from: Evidence,
}
