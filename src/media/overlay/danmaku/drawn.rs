//! What is on the picture: how it starts, and how its counter grows.

use super::{
    Changes, Danmaku, Entry, FADE, Field, ItemId, Key, MAX_COUNT, Measure, REDRAW, Run, Shown,
    WIDEST, Way, crossing_ns, ns,
};
use crate::room::item::Comment;

/// A comment on the picture.
#[derive(Debug)]
pub(super) struct Drawn {
    pub id: ItemId,
    pub comment: Comment,
    key: Key,
    /// How often it was said, as it is drawn.
    pub times: u32,
    letters: u32,
    /// With its gap, pixels.
    pub width: u32,
    pub way: Way,
    offered: u64,
    last: u64,
    /// Equal ones that are not drawn yet.
    pub more: Option<Entry>,
    /// Its counter cannot grow any more.
    full: bool,
    /// To be drawn anew.
    pub stale: bool,
    pub redrawn: u64,
}

impl Drawn {
    /// Whether an equal one may be joined with it: while a quarter of its time is left, so that the counter is seen.
    pub(super) fn takes(&self, entry: &Entry, within: u64) -> bool {
        let whole = self.way.end - self.way.begin;
        !self.full
            && self.key == entry.key
            && self.comment.rank >= entry.comment.rank
            && entry.last.saturating_sub(self.last) < within
            && self.way.end.saturating_sub(entry.last) >= whole / 4
    }

    pub(super) fn join(&mut self, entry: Entry) {
        self.last = entry.last;
        match &mut self.more {
            Some(more) => {
                more.times = more.times.saturating_add(entry.times);
                more.last = entry.last;
            }
            None => self.more = Some(entry),
        }
    }

    pub(super) fn is_past_half(&self, now: u64) -> bool {
        now.saturating_sub(self.way.begin) >= (self.way.end - self.way.begin) / 2
    }

    /// As it waited before it was drawn.
    pub(super) fn into_entry(self) -> Entry {
        let more = self.more.map_or(0, |more| more.times);
        Entry {
            id: self.id,
            run: self.comment.run,
            comment: self.comment,
            key: self.key,
            times: self.times.saturating_add(more),
            offered: self.offered,
            last: self.last,
            width: None,
        }
    }

    fn shown(&self, opacity: u32) -> Shown {
        let fade = if self.way.runs() { 0 } else { FADE };
        let opacity = (opacity.min(100) * 256).div_ceil(100) as u16;
        Shown {
            id: self.id,
            comment: self.comment.clone(),
            times: self.times,
            letters: self.letters,
            lane_height: self.way.height,
            motion: self.way.motion(fade, opacity),
        }
    }
}

fn counted(times: u32) -> u32 {
    times.min(MAX_COUNT)
}

impl Danmaku {
    /// What is next for a lane, as wide as it is, if there is any lane at all.
    fn head(&mut self, run: Run, measure: &mut Measure<'_>) -> Option<u32> {
        let letters = self.lanes.letters;
        let entry = self.queue.first(run)?;
        let width = entry.width.unwrap_or_else(|| {
            measure(&entry.comment, counted(entry.times), letters).clamp(1, WIDEST)
        });
        entry.width = Some(width);
        Some(width)
    }

    pub(super) fn next_start(&self, run: Run) -> Option<u64> {
        let head = self.queue.peek(run)?;
        let free = match (run, head.width) {
            (Run::Scroll, width) => {
                let width = width.unwrap_or_default() + Field::gap(self.lanes.letters);
                let inside = self.lanes.inside(width, crossing_ns(&self.config));
                self.lanes.free_at(inside)?
            }
            (run, _) => self.lanes.slot_free_at(run)?,
        };
        Some(if head.width.is_some() { free } else { self.now })
    }

    pub(super) fn start_running(
        &mut self,
        now: u64,
        measure: &mut Measure<'_>,
        changes: &mut Changes,
    ) {
        let crossing = crossing_ns(&self.config);
        while !self.lanes.running.is_empty() {
            let Some(width) = self.head(Run::Scroll, measure) else {
                return;
            };
            let width = width + Field::gap(self.lanes.letters);
            let inside = self.lanes.inside(width, crossing);
            let Some(y) = self.lanes.free(inside, now) else {
                return;
            };
            let way = Way::running(now, crossing, self.field.width, width);
            self.start(
                Run::Scroll,
                way.in_rows(y, self.lanes.height),
                width,
                changes,
            );
        }
    }

    pub(super) fn start_fixed(
        &mut self,
        now: u64,
        measure: &mut Measure<'_>,
        changes: &mut Changes,
    ) {
        for run in [Run::Top, Run::Bottom] {
            while self.lanes.slot_free_at(run).is_some() {
                let Some(width) = self.head(run, measure) else {
                    break;
                };
                if width > self.field.width {
                    // It could not be read; it runs.
                    if let Some(mut entry) = self.queue.pop(run) {
                        entry.run = Run::Scroll;
                        self.queue.push(entry);
                    }
                    continue;
                }
                let Some(y) = self.lanes.free_slot(run, now) else {
                    break;
                };
                let way = Way::standing(now, ns(self.config.fixed_s), self.field.width, width);
                self.start(run, way.in_rows(y, self.lanes.height), width, changes);
            }
        }
    }

    fn start(&mut self, run: Run, way: Way, width: u32, changes: &mut Changes) {
        let Some(entry) = self.queue.pop(run) else {
            return;
        };
        let drawn = Drawn {
            id: entry.id,
            comment: entry.comment,
            key: entry.key,
            times: counted(entry.times),
            letters: self.lanes.letters,
            width,
            way,
            offered: entry.offered,
            last: entry.last,
            more: None,
            full: false,
            stale: false,
            redrawn: way.begin,
        };
        self.lanes.take(&way, width);
        self.counts.drawn += 1;
        changes.started.push(drawn.shown(self.config.opacity));
        self.drawn.push(drawn);
    }

    /// Draws counters and colours anew.
    pub(super) fn count_on(&mut self, now: u64, measure: &mut Measure<'_>, changes: &mut Changes) {
        for at in 0..self.drawn.len() {
            if now >= self.drawn[at].redrawn.saturating_add(REDRAW) {
                let more = self.drawn[at].more.take();
                more.into_iter()
                    .for_each(|more| self.grow(at, more, now, measure));
            }
            let drawn = &mut self.drawn[at];
            if std::mem::take(&mut drawn.stale) {
                drawn.redrawn = now;
                changes.changed.push(drawn.shown(self.config.opacity));
            }
        }
    }

    /// Adds equal ones to the counter of a drawn comment, or has them wait where it would run into another then.
    fn grow(&mut self, at: usize, more: Entry, now: u64, measure: &mut Measure<'_>) {
        let drawn = &self.drawn[at];
        let times = counted(drawn.times.saturating_add(more.times));
        let bare = measure(&drawn.comment, times, drawn.letters).clamp(1, WIDEST);
        let mut way = drawn.way;
        let width = if way.runs() {
            let width = drawn.width.max(bare + Field::gap(drawn.letters));
            way.end = way.end_for(width);
            width
        } else {
            way.x = super::way::middle(self.field.width, bare);
            bare
        };
        let mut others = self.drawn.iter().enumerate().filter(|(n, _)| *n != at);
        let fits = if way.runs() {
            let same = |other: &Drawn| other.way.runs();
            others.all(|(_, d)| !same(d) || way.stays_apart(width, &d.way, d.width, now))
        } else {
            bare <= self.field.width
        };
        let drawn = &mut self.drawn[at];
        if fits {
            (drawn.times, drawn.width, drawn.way) = (times, width, way);
            drawn.stale = true;
            self.lanes.take(&way, width);
            self.counts.merged += 1;
        } else {
            drawn.full = true;
            self.wait(more);
        }
    }
}
