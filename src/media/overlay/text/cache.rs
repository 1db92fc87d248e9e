//! Sprites that were drawn before; the longest unused go first.

use std::collections::HashMap;
use std::sync::Arc;

use super::style::{Run, Style};
use crate::media::overlay::sprite::Sprite;

/// What makes a sprite what it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub runs: Vec<Run>,
    pub style: Style,
    pub width: u32,
    /// 0: one line that shrinks.
    pub lines: u32,
}

impl Key {
    fn bytes(&self) -> usize {
        self.runs.iter().map(|r| r.text.len() + 64).sum::<usize>() + 128
    }
}

/// How the cache has served, since the fonts were loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Sprites that were there.
    pub hits: u64,
    /// Sprites that had to be drawn.
    pub misses: u64,
    /// Sprites that are kept.
    pub kept: usize,
    /// Memory of what is kept, bytes.
    pub bytes: usize,
    /// Texts that could not be drawn by a fault of the shaper's.
    pub failed: u64,
}

struct Entry {
    sprite: Arc<Sprite>,
    used: u64,
}

/// Sprites by what they show.
pub(super) struct Cache {
    limit: usize,
    now: u64,
    entries: HashMap<Key, Entry>,
    counts: Counts,
}

impl Cache {
    /// Keeps at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            now: 0,
            entries: HashMap::new(),
            counts: Counts::default(),
        }
    }

    pub fn get(&mut self, key: &Key) -> Option<Arc<Sprite>> {
        self.now += 1;
        let found = self.entries.get_mut(key).map(|entry| {
            entry.used = self.now;
            entry.sprite.clone()
        });
        match found {
            Some(_) => self.counts.hits += 1,
            None => self.counts.misses += 1,
        }
        found
    }

    /// Keeps a sprite, unless it alone is a quarter of what there is room for.
    pub fn put(&mut self, key: Key, sprite: &Arc<Sprite>) {
        let bytes = sprite.bytes() + key.bytes();
        if bytes > self.limit / 4 {
            return;
        }
        let entry = Entry {
            sprite: sprite.clone(),
            used: self.now,
        };
        self.counts.bytes += bytes;
        let size = key.bytes();
        if let Some(old) = self.entries.insert(key, entry) {
            self.counts.bytes -= old.sprite.bytes() + size;
        }
        if self.counts.bytes > self.limit {
            self.shrink();
        }
    }

    pub fn counts(&self) -> Counts {
        Counts {
            kept: self.entries.len(),
            ..self.counts
        }
    }

    /// Down to three quarters at once, so that it is not done for every sprite.
    fn shrink(&mut self) {
        let mut ages: Vec<(u64, usize)> = self
            .entries
            .iter()
            .map(|(key, e)| (e.used, e.sprite.bytes() + key.bytes()))
            .collect();
        ages.sort_unstable();
        let mut over = self.counts.bytes.saturating_sub(self.limit * 3 / 4);
        let mut gone_until = 0;
        for (used, bytes) in ages {
            if over == 0 {
                break;
            }
            over = over.saturating_sub(bytes);
            gone_until = used;
        }
        self.entries.retain(|_, e| e.used > gone_until);
        self.counts.bytes = self
            .entries
            .iter()
            .map(|(key, e)| e.sprite.bytes() + key.bytes())
            .sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> Key {
        Key {
            runs: vec![Run::new("a", [0; 3])],
            style: Style::plain(20),
            width: n,
            lines: 0,
        }
    }

    #[test]
    fn keeps_what_is_used_within_its_limit_and_counts() {
        let mut cache = Cache::new(100_000);
        let sprite = Arc::new(Sprite::clear(10, 100));
        for n in 0..200 {
            assert!(cache.get(&key(n)).is_none());
            cache.put(key(n), &sprite);
            assert!(cache.get(&key(0)).is_some(), "the used one is kept");
            assert!(cache.counts().bytes <= 100_000);
        }
        let counts = cache.counts();
        assert_eq!((counts.hits, counts.misses), (200, 200));
        assert!((15..25).contains(&counts.kept), "{counts:?}");
        assert!(cache.get(&key(199)).is_some());
        assert!(cache.get(&key(1)).is_none());
        let sum: usize = cache.entries.keys().map(|k| 4000 + k.bytes()).sum();
        assert_eq!(cache.counts().bytes, sum);
        // The same again does not count twice; what is too large is not kept.
        cache.put(key(199), &sprite);
        assert_eq!(cache.counts().bytes, sum);
        cache.put(key(500), &Arc::new(Sprite::clear(100, 100)));
        assert!(cache.get(&key(500)).is_none());
    }
}
