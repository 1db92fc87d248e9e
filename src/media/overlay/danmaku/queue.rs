//! Comments that wait for a lane: bounded, highest rank first, first come first served within a rank.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::room::item::{Comment, ItemId, Rank, Run};

/// What makes two comments the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Looked at first: most comments differ here.
    hash: u64,
    run: Run,
    text: String,
}

impl Key {
    /// Letters without their case, and any space as one.
    pub(super) fn of(comment: &Comment) -> Self {
        let mut text = String::with_capacity(comment.text.len());
        for word in comment.text.split_whitespace() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.extend(word.chars().flat_map(char::to_lowercase));
        }
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self {
            hash: hasher.finish(),
            run: comment.run,
            text,
        }
    }
}

/// A comment that waits.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub id: ItemId,
    pub comment: Comment,
    pub key: Key,
    /// Where it is to run: a text that is too wide to stand runs.
    pub run: Run,
    /// How often it was said.
    pub times: u32,
    /// When the first of them came, ns.
    pub offered: u64,
    /// When the last of them came, ns.
    pub last: u64,
    /// Its width, once it is known, pixels.
    pub width: Option<u32>,
}

const RANKS: usize = 4;
const RUNS: [Run; 3] = [Run::Scroll, Run::Top, Run::Bottom];

fn rank(rank: Rank) -> usize {
    match rank {
        Rank::Text => 0,
        Rank::Staff => 1,
        Rank::Question => 2,
        Rank::Paid => 3,
    }
}

fn place(run: Run) -> usize {
    match run {
        Run::Scroll => 0,
        Run::Top => 1,
        Run::Bottom => 2,
    }
}

/// By run and rank.
#[derive(Debug, Default)]
pub(super) struct Queue {
    of: [[VecDeque<Entry>; RANKS]; RUNS.len()],
    len: usize,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, entry: Entry) {
        self.of[place(entry.run)][rank(entry.comment.rank)].push_back(entry);
        self.len += 1;
    }

    /// Before all others of its rank.
    pub(super) fn push_front(&mut self, entry: Entry) {
        self.of[place(entry.run)][rank(entry.comment.rank)].push_front(entry);
        self.len += 1;
    }

    /// Which one is next for a lane.
    pub(super) fn first(&mut self, run: Run) -> Option<&mut Entry> {
        let ranks = self.of[place(run)].iter_mut().rev();
        ranks.filter_map(VecDeque::front_mut).next()
    }

    /// The same, to look at.
    pub(super) fn peek(&self, run: Run) -> Option<&Entry> {
        let ranks = self.of[place(run)].iter().rev();
        ranks.filter_map(VecDeque::front).next()
    }

    /// Takes what [`first`](Self::first) shows.
    pub(super) fn pop(&mut self, run: Run) -> Option<Entry> {
        let ranks = self.of[place(run)].iter_mut().rev();
        let entry = ranks.filter_map(VecDeque::pop_front).next();
        self.len -= usize::from(entry.is_some());
        entry
    }

    /// Takes out what counts least: the oldest of the lowest rank.
    pub(super) fn push_out(&mut self) -> Option<Entry> {
        for rank in 0..RANKS {
            let oldest = (0..RUNS.len())
                .filter_map(|run| Some((self.of[run][rank].front()?.offered, run)))
                .min();
            if let Some((_, run)) = oldest {
                self.len -= 1;
                return self.of[run][rank].pop_front();
            }
        }
        None
    }

    /// Takes out those of which `gone` is true, and says how many.
    pub(super) fn remove(&mut self, gone: impl Fn(&Entry) -> bool) -> usize {
        let before = self.len;
        let all = self.of.iter_mut().flatten();
        all.for_each(|of| of.retain(|entry| !gone(entry)));
        self.len = self.of.iter().flatten().map(VecDeque::len).sum();
        before - self.len
    }

    /// All of them, in no order that matters.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.of.iter_mut().flatten().flatten()
    }

    /// When the oldest came, ns.
    pub(super) fn oldest(&self) -> Option<u64> {
        let all = self.of.iter().flatten().flatten();
        all.map(|entry| entry.offered).min()
    }

    /// Lets `more` of rank, colour and all take the place of the entry that it equals, if that counts less; else only its
    /// number is added.
    pub(super) fn join(&mut self, more: &Entry, within: u64) -> Option<ItemId> {
        let same = |e: &Entry| e.key == more.key && more.last.saturating_sub(e.last) < within;
        let entry = self.iter_mut().find(|e| same(e))?;
        let id = entry.id;
        entry.times = entry.times.saturating_add(more.times);
        entry.last = more.last;
        entry.width = None;
        if entry.comment.rank >= more.comment.rank {
            return Some(id);
        }
        let mut raised = entry.clone();
        raised.comment = more.comment.clone();
        self.remove(|e| e.id == id);
        self.push(raised);
        Some(id)
    }
}
