//! What came before: ids of messages, and what authors said. Both remember so many at most and keep hashes alone.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

/// Ids that are remembered of each source.
pub const IDS: usize = 4096;
/// Sources whose ids are remembered.
pub const SOURCES: usize = 32;
/// Sayings that are remembered.
pub const SAYINGS: usize = 8192;

#[derive(Debug, Default)]
struct Ids {
    known: HashSet<u64>,
    order: VecDeque<u64>,
    /// When this source spoke last, as a rising number.
    used: u64,
}

/// The ids of the messages of each source.
#[derive(Debug, Default)]
pub struct Seen {
    sources: HashMap<u64, Ids>,
    hasher: RandomState,
    uses: u64,
}

impl Seen {
    /// Remembers an id; whether it is new.
    pub fn is_new(&mut self, source: &str, id: &str) -> bool {
        let (source, id) = (self.hasher.hash_one(source), self.hasher.hash_one(id));
        self.uses += 1;
        if self.sources.len() >= SOURCES && !self.sources.contains_key(&source) {
            let oldest = self
                .sources
                .iter()
                .min_by_key(|(_, ids)| ids.used)
                .map(|(s, _)| *s);
            oldest.map(|oldest| self.sources.remove(&oldest));
        }
        let ids = self.sources.entry(source).or_default();
        ids.used = self.uses;
        if !ids.known.insert(id) {
            return false;
        }
        ids.order.push_back(id);
        if ids.order.len() > IDS
            && let Some(oldest) = ids.order.pop_front()
        {
            ids.known.remove(&oldest);
        }
        true
    }
}

/// Who said what, and when.
#[derive(Debug, Default)]
pub struct Sayings {
    when: HashMap<u64, Duration>,
    order: VecDeque<(u64, Duration)>,
    hasher: RandomState,
}

impl Sayings {
    /// Remembers what an author said; whether that was not said within `limit` before. A refused repetition does not count
    /// as said.
    pub fn is_new(
        &mut self,
        author: &str,
        said: &impl Hash,
        limit: Duration,
        now: Duration,
    ) -> bool {
        self.forget(limit, now);
        let key = self.hasher.hash_one((author, said));
        if self.when.contains_key(&key) {
            return false;
        }
        self.when.insert(key, now);
        self.order.push_back((key, now));
        true
    }

    fn forget(&mut self, limit: Duration, now: Duration) {
        while let Some((key, at)) = self.order.front()
            && (self.order.len() >= SAYINGS || now.saturating_sub(*at) >= limit)
        {
            self.when.remove(key);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn an_id_counts_once_per_source_for_as_long_as_it_is_remembered() {
        let mut seen = Seen::default();
        assert!(seen.is_new("a", "1"));
        assert!(!seen.is_new("a", "1"));
        assert!(seen.is_new("b", "1"));
        for n in 0..IDS {
            assert!(seen.is_new("a", &format!("n{n}")));
        }
        assert!(seen.is_new("a", "1"), "pushed out by {IDS} newer ones");
        assert_eq!(
            seen.sources.values().map(|ids| ids.known.len()).max(),
            Some(IDS)
        );
    }

    #[test]
    fn sources_are_bounded_and_the_silent_one_goes() {
        let mut seen = Seen::default();
        for n in 0..SOURCES {
            assert!(seen.is_new(&format!("s{n}"), "1"));
        }
        assert!(!seen.is_new("s0", "1"));
        assert!(seen.is_new("new", "1"));
        assert_eq!(seen.sources.len(), SOURCES);
        assert!(!seen.is_new("s0", "1"), "it spoke later than s1");
        assert!(seen.is_new("s1", "1"));
    }

    #[test]
    fn a_saying_is_new_again_after_its_time() {
        let mut said = Sayings::default();
        assert!(said.is_new("anna", &"hello", S * 30, S));
        assert!(!said.is_new("anna", &"hello", S * 30, S * 30));
        assert!(said.is_new("ben", &"hello", S * 30, S * 30));
        assert!(said.is_new("anna", &"hello", S * 30, S * 31));
        assert!(said.is_new("ben", &"hello", Duration::ZERO, S * 31));
    }

    #[test]
    fn sayings_are_bounded() {
        let mut said = Sayings::default();
        for n in 0..SAYINGS * 2 {
            assert!(said.is_new("anna", &n, S * 3600, S));
        }
        assert!(said.when.len() <= SAYINGS && said.order.len() <= SAYINGS);
    }
}
