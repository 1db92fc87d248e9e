//! Comments that run over the picture ("danmaku"): which one is drawn when, in which lane, and how it moves. Pure: time is an
//! argument (running time of the media clock), and what a text measures, whoever asks says.
//!
//! ```text
//!   offer ──> queue (bounded, by rank) ──turn──> lane ──> Shown { motion } ──> ended
//!               │    └─ ttl: expired                └─ equal text: ×N, drawn anew if it still fits
//!               └─ full: the lowest rank goes first
//! ```
//!
//! - A text of width `w` (half a letter height of gap is counted in) crosses the picture `W` in the constant time `D`; a lane is
//!   free for it at `t_prev + D·max(f(w_prev), f(w))`, `f(w) = w/(W+w)`. See [`lanes`] for why, and for what happens on changes.
//! - What is on its way keeps its motion, its size and its rows when lanes, speed or sizes change; new texts keep clear of it.
//!   Colours and opacity change at once. Another size of the picture begins anew with what had not run half its way yet.
//! - The topmost free lane is taken; one in which a fixed text stands, only if no other is free. Fixed texts have stacks of their
//!   own, and running ones pass below them.
//! - The head of the queue waits for its lane; none overtakes it, so that wide texts are not starved by narrow ones.
//! - No room is kept for `×N`: a drawn text grows with its counter where it still stays apart from its followers. Where it does
//!   not, the equal ones become a comment of their own in the queue.
//!
//! A turn costs O(lanes + queue + drawn), and all three are bounded.

mod drawn;
mod lanes;
mod queue;
mod way;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::DanmakuConfig;
use crate::media::overlay::motion::Motion;
use crate::room::item::{Comment, ItemId, MAX_COUNT, Run};
use drawn::Drawn;
pub use lanes::{Field, capacity_per_s};
use lanes::{Lanes, crossing_ns};
use queue::{Entry, Key, Queue};
use way::Way;

/// A counter is drawn anew no sooner than so long after the last time, ns: equal comments come in bursts.
const REDRAW: u64 = 250_000_000;
/// A fixed text comes and goes in so long, ns.
const FADE: u64 = 200_000_000;
/// Joined comments of which it is remembered with which one they were joined.
const MAX_JOINED: usize = 4096;
/// Widest text, pixels.
const WIDEST: u32 = 65_536;

/// Gives the width in pixels of a comment that was said so many times (from 2 on with `×N`), with letters of this height in
/// pixels. It must be that of the very sprite that is drawn.
pub type Measure<'a> = dyn FnMut(&Comment, u32, u32) -> u32 + 'a;

/// A comment as it is to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Which one.
    pub id: ItemId,
    /// What it says.
    pub comment: Comment,
    /// How often it was said; from 2 on `×N` is drawn behind it.
    pub times: u32,
    /// Height of its letters, pixels.
    pub letters: u32,
    /// Height of its lane, pixels; the motion's `y` is the lane's upper edge.
    pub lane_height: u32,
    /// Its way; `x` is the left edge of what was measured.
    pub motion: Motion,
}

/// What a turn brought.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// These are new.
    pub started: Vec<Shown>,
    /// These are drawn already, and look different from now on: another counter, another colour.
    pub changed: Vec<Shown>,
    /// These are to be seen no more.
    pub ended: Vec<ItemId>,
}

/// What became of comments since the start. `offered` is the sum of all that follow up to `off`, and of
/// [`Danmaku::waiting`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Offered.
    pub offered: u64,
    /// Drawn, each with its counter once.
    pub drawn: u64,
    /// Joined with an equal one.
    pub merged: u64,
    /// Waited too long for a lane.
    pub expired: u64,
    /// Did not find room in the queue, or lost it to one that counts more.
    pub pushed_out: u64,
    /// Taken back or cleared before they were drawn.
    pub withdrawn: u64,
    /// Came while no comments are drawn.
    pub off: u64,
    /// Taken off the picture before their time.
    pub cut: u64,
}

/// Lanes, queue and what is on its way.
#[derive(Debug)]
pub struct Danmaku {
    config: DanmakuConfig,
    field: Field,
    lanes: Lanes,
    queue: Queue,
    drawn: Vec<Drawn>,
    /// Taken off the picture since the last turn.
    cut: Vec<ItemId>,
    joined: BTreeMap<ItemId, ItemId>,
    counts: Counts,
    now: u64,
}

impl Danmaku {
    /// With no picture yet: comments wait for [`lay_out`](Self::lay_out).
    #[must_use]
    pub fn new(config: &DanmakuConfig) -> Self {
        let field = Field::default();
        Self {
            config: config.clone(),
            lanes: Lanes::new(config, &field),
            field,
            queue: Queue::default(),
            drawn: Vec::new(),
            cut: Vec::new(),
            joined: BTreeMap::new(),
            counts: Counts::default(),
            now: 0,
        }
    }

    /// Changes how comments run, live. Switching them off takes all of them off the picture and out of the queue.
    pub fn set(&mut self, config: DanmakuConfig, now: Duration) {
        self.pass(now);
        let look = |c: &DanmakuConfig| {
            let of_rank = (
                c.colour_text,
                c.colour_staff,
                c.colour_question,
                c.colour_paid,
            );
            (of_rank, c.opacity)
        };
        if look(&config) != look(&self.config) {
            self.drawn.iter_mut().for_each(|d| d.stale = true);
        }
        self.config = config;
        if !self.config.enabled {
            self.clear();
        }
        self.lay_lanes();
        self.fit_queue();
    }

    /// Takes the size of the picture, and what comments keep clear of.
    pub fn lay_out(&mut self, field: Field, now: Duration) {
        self.pass(now);
        if field == self.field {
            return;
        }
        let resized = (field.width, field.height) != (self.field.width, self.field.height);
        self.field = field;
        if resized {
            self.begin_anew();
        }
        self.lay_lanes();
        self.fit_queue();
    }

    /// Takes a comment: it is drawn by a later [`turn`](Self::turn), or counted by what became of it.
    pub fn offer(&mut self, id: ItemId, comment: Comment, now: Duration) {
        let now = self.pass(now);
        self.counts.offered += 1;
        if !self.config.enabled {
            self.counts.off += 1;
            return;
        }
        let entry = Entry {
            id,
            key: Key::of(&comment),
            run: comment.run,
            comment,
            times: 1,
            offered: now,
            last: now,
            width: None,
        };
        let within = ns(self.config.merge_s);
        let with = match self.queue.join(&entry, within) {
            Some(with) => {
                self.counts.merged += 1;
                with
            }
            None => match self.drawn.iter_mut().find(|d| d.takes(&entry, within)) {
                Some(drawn) => {
                    self.counts.merged += u64::from(drawn.more.is_some());
                    drawn.join(entry);
                    drawn.id
                }
                None => return self.wait(entry),
            },
        };
        self.joined.insert(id, with);
        if self.joined.len() > MAX_JOINED {
            self.joined.pop_first();
        }
    }

    /// Takes a comment out of the queue or off the picture; with it go the equal ones that it was joined with, as their text is
    /// the same.
    pub fn withdraw(&mut self, id: ItemId) {
        let mut id = id;
        // A counter that did not fit on the picture was joined twice.
        for _ in 0..8 {
            match self.joined.get(&id) {
                Some(&with) => {
                    self.take_off(id);
                    id = with;
                }
                None => break,
            }
        }
        self.take_off(id);
        self.lay_lanes();
    }

    fn take_off(&mut self, id: ItemId) {
        let taken = self.queue.remove(|entry| entry.id == id);
        self.counts.withdrawn += taken as u64;
        if let Some(at) = self.drawn.iter().position(|d| d.id == id) {
            let drawn = self.drawn.remove(at);
            self.counts.withdrawn += u64::from(drawn.more.is_some());
            self.counts.cut += 1;
            self.cut.push(id);
        }
    }

    /// Takes everything off the picture and out of the queue.
    pub fn clear(&mut self) {
        self.counts.withdrawn += self.waiting();
        self.counts.cut += self.drawn.len() as u64;
        self.queue.remove(|_| true);
        self.cut.extend(self.drawn.drain(..).map(|d| d.id));
        self.joined.clear();
        self.lay_lanes();
    }

    /// Ends what is over, and starts what there is room for. `now` becomes the beginning of what starts: best the time of a frame
    /// that is still to come, so that a text does not appear inside the picture because drawing its letters took a while.
    pub fn turn(&mut self, now: Duration, measure: &mut Measure<'_>) -> Changes {
        let now = self.pass(now);
        let mut changes = Changes {
            ended: std::mem::take(&mut self.cut),
            ..Changes::default()
        };
        self.finish(now, &mut changes);
        self.expire(now);
        self.count_on(now, measure, &mut changes);
        self.start_fixed(now, measure, &mut changes);
        self.start_running(now, measure, &mut changes);
        changes
    }

    /// When a turn is due again, in running time (at once, if it is not after the last one); `None`: not before something is
    /// offered or changed.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        let at_once = !self.cut.is_empty() || self.drawn.iter().any(|d| d.stale);
        let drawn = self.drawn.iter().map(|d| match d.more {
            Some(_) => d.way.end.min(d.redrawn.saturating_add(REDRAW)),
            None => d.way.end,
        });
        let starts = [Run::Scroll, Run::Top, Run::Bottom]
            .into_iter()
            .filter_map(|run| self.next_start(run));
        let expires = (self.queue.oldest()).map(|at| at.saturating_add(ns(self.config.ttl_s)));
        let all = drawn.chain(starts).chain(expires);
        let all = all.chain(at_once.then_some(self.now));
        all.min().map(Duration::from_nanos)
    }

    /// What became of the comments.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Comments that wait for a lane, or for being counted on one that is drawn.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let more = self.drawn.iter().filter(|d| d.more.is_some()).count();
        (self.queue.len() + more) as u64
    }

    /// Time never goes back here.
    fn pass(&mut self, now: Duration) -> u64 {
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.now = self.now.max(now);
        self.now
    }

    fn wait(&mut self, entry: Entry) {
        self.queue.push(entry);
        self.fit_queue();
    }

    fn fit_queue(&mut self) {
        let most = usize::try_from(self.config.queue).unwrap_or(usize::MAX);
        while self.queue.len() > most && self.queue.push_out().is_some() {
            self.counts.pushed_out += 1;
        }
    }

    /// Lanes by what is configured, the picture, and what is on its way.
    fn lay_lanes(&mut self) {
        self.lanes = Lanes::new(&self.config, &self.field);
        for drawn in &self.drawn {
            self.lanes.take(&drawn.way, drawn.width);
        }
        self.queue.iter_mut().for_each(|entry| entry.width = None);
    }

    /// The picture has another size: what had not run half its way waits again, before all others.
    fn begin_anew(&mut self) {
        for drawn in std::mem::take(&mut self.drawn).into_iter().rev() {
            self.cut.push(drawn.id);
            if drawn.is_past_half(self.now) {
                self.counts.cut += 1;
                drawn.more.into_iter().for_each(|more| self.wait(more));
                continue;
            }
            self.counts.drawn -= 1;
            let more = drawn.more.as_ref().map_or(0, |_| 1);
            self.counts.merged += more;
            self.queue.push_front(drawn.into_entry());
        }
    }

    fn finish(&mut self, now: u64, changes: &mut Changes) {
        let all = std::mem::take(&mut self.drawn);
        let (over, on): (Vec<_>, Vec<_>) = all.into_iter().partition(|d| d.way.end <= now);
        self.drawn = on;
        for drawn in over {
            changes.ended.push(drawn.id);
            drawn.more.into_iter().for_each(|more| self.wait(more));
        }
    }

    fn expire(&mut self, now: u64) {
        let ttl = ns(self.config.ttl_s);
        let over = |entry: &Entry| now.saturating_sub(entry.offered) >= ttl;
        self.counts.expired += self.queue.remove(over) as u64;
    }
}

/// Seconds as nanoseconds; what is no time is 0.
fn ns(seconds: f32) -> u64 {
    (f64::from(seconds) * 1e9).round() as u64
}

#[cfg(test)]
mod tests;
