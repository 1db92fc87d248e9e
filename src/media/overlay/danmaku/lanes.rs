//! Where lanes are, and from when on each is free.
//!
//! A text of width `w` that crosses a picture of width `W` in the time `D` begins with its left edge at `W` and is gone when its
//! right edge reaches 0, so it runs at `(W + w) / D`. Its right edge comes into the picture `D·f(w)` after it began, with
//! `f(w) = w / (W + w)`; a text behind it does not catch up with it if it reaches 0 no sooner, that is, if it began
//! `D·f(w)` of its own width later. A lane is thus free at `t_prev + D·max(f(w_prev), f(w))`. [`Lane`] keeps the two halves of
//! this apart, so that it holds as well when `D`, sizes or lanes change while texts are on their way.

use super::way::Way;
use crate::config::DanmakuConfig;
use crate::media::overlay::motion::Rect;
use crate::room::item::Run;

/// Height of a lane, letter heights: letters with marks above and below, and their outline.
const LINE: f64 = 1.35;
/// Smallest letters, pixels.
const SMALLEST: u32 = 6;
/// Largest picture that lanes are made for, pixels.
const LARGEST: u32 = 16_384;

/// The picture, and what comments keep clear of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Field {
    /// Width of the picture, pixels.
    pub width: u32,
    /// Height of the picture, pixels.
    pub height: u32,
    /// Rows that stay free at the top and at the bottom, pixels.
    pub safe: u32,
    /// No lane is used that shares a row with one of these.
    pub keep_clear: Vec<Rect>,
}

impl Field {
    /// Height of letters, pixels: `danmaku.size_percent` of the picture's shorter side.
    #[must_use]
    pub fn letters(&self, config: &DanmakuConfig) -> u32 {
        let short = self.width.min(self.height).min(LARGEST);
        let wanted = f64::from(short) * f64::from(config.size_percent) / 100.0;
        (wanted.round() as u32).clamp(SMALLEST, LARGEST)
    }

    /// Height of a lane for letters of this height, pixels.
    #[must_use]
    pub fn lane_height(letters: u32) -> u32 {
        (f64::from(letters.min(LARGEST)) * LINE).ceil() as u32
    }

    /// What stays free behind a text, pixels: half a letter height.
    #[must_use]
    pub fn gap(letters: u32) -> u32 {
        (letters.min(LARGEST) / 2).max(2)
    }

    /// Whether a lane there is free of what comments keep clear of.
    fn is_clear(&self, y: i32, height: u32) -> bool {
        let band = Rect {
            x: 0,
            y,
            width: self.width.min(LARGEST),
            height,
        };
        self.keep_clear.iter().all(|rect| !rect.meets(&band))
    }
}

/// Comments of this width (pixels, [`Field::gap`] included by this function) that the lanes hold in the long run, 1/s:
/// `lanes / (D·f(w))`. 0 where there is no lane.
#[must_use]
pub fn capacity_per_s(config: &DanmakuConfig, field: &Field, typical_width: u32) -> f64 {
    let lanes = Lanes::new(config, field);
    let width = f64::from(typical_width.saturating_add(Field::gap(lanes.letters)));
    let share = width / (f64::from(field.width) + width);
    let crossing = crossing_ns(config) as f64 / 1e9;
    lanes.running.len() as f64 / (crossing * share)
}

/// The crossing time, ns; never 0.
pub(super) fn crossing_ns(config: &DanmakuConfig) -> u64 {
    super::ns(config.crossing_s).max(100_000_000)
}

/// What is known of one lane in which texts run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lane {
    /// Its upper edge.
    pub y: i32,
    /// From then on the right edge of every text in it is in the picture, ns.
    pub clear: u64,
    /// From then on every text in it is gone, ns.
    pub gone: u64,
}

impl Lane {
    /// When it is free for a text that takes `inside` ns from the picture's right edge to its left one.
    pub(super) fn free_at(&self, inside: u64) -> u64 {
        self.clear.max(self.gone.saturating_sub(inside))
    }

    fn take(&mut self, way: &Way, width: u32) {
        self.clear = self.clear.max(way.enters_by(width));
        self.gone = self.gone.max(way.end);
    }
}

/// A place for a text that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub run: Run,
    pub y: i32,
    /// Taken until then, ns.
    pub until: u64,
}

/// Lanes of a picture.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// Height of letters, pixels.
    pub letters: u32,
    /// Height of a lane, pixels.
    pub height: u32,
    /// From the top down.
    pub running: Vec<Lane>,
    /// Those at the top from the top down, then those at the bottom from the bottom up.
    pub fixed: Vec<Slot>,
    width: u32,
}

impl Lanes {
    /// Empty ones.
    pub(super) fn new(config: &DanmakuConfig, field: &Field) -> Self {
        let letters = field.letters(config);
        let height = Field::lane_height(letters);
        let (wide, tall) = (field.width.min(LARGEST), field.height.min(LARGEST));
        let (top, floor) = (field.safe.min(tall), tall.saturating_sub(field.safe));
        let share = u64::from(tall) * u64::from(config.area_percent.min(100)) / 100;
        // One lane there is always, however small the area is.
        let area = u32::try_from(share).unwrap_or(tall).max(top + height);
        let most = match config.lanes {
            0 => usize::MAX,
            n => usize::try_from(n).unwrap_or(usize::MAX),
        };
        let rows = |from: u32, to: u32| {
            let count = to.saturating_sub(from) / height;
            (0..count).map(move |n| (from + n * height).cast_signed())
        };
        let clear = |y: &i32| wide > 0 && field.is_clear(*y, height);
        let down: Vec<i32> = rows(top, area.min(floor))
            .filter(clear)
            .take(most)
            .collect();
        let up = rows(top.max(tall / 2), floor).map(|y| {
            // The same rows, counted from the floor.
            let below = y - top.max(tall / 2).cast_signed();
            floor.cast_signed() - below - height.cast_signed()
        });
        let slot = |run| move |y| Slot { run, y, until: 0 };
        Self {
            letters,
            height,
            width: wide,
            running: down
                .iter()
                .map(|&y| Lane {
                    y,
                    clear: 0,
                    gone: 0,
                })
                .collect(),
            fixed: (down.iter().copied().map(slot(Run::Top)))
                .chain(up.filter(clear).take(most).map(slot(Run::Bottom)))
                .collect(),
        }
    }

    /// A text of this width (with its gap) is on its way: no lane that shares a row with it is free before it lets one pass.
    pub(super) fn take(&mut self, way: &Way, width: u32) {
        let height = self.height;
        for lane in &mut self.running {
            if way.runs() && way.shares_rows(lane.y, height) {
                lane.take(way, width);
            }
        }
        for slot in &mut self.fixed {
            if !way.runs() && way.shares_rows(slot.y, height) {
                slot.until = slot.until.max(way.end);
            }
        }
    }

    /// Time that a text of this width (with its gap) takes from the right edge of the picture to the left one, ns, rounded down.
    pub(super) fn inside(&self, width: u32, crossing: u64) -> u64 {
        let whole = f64::from(self.width) + f64::from(width);
        (crossing as f64 * f64::from(self.width) / whole.max(1.0)) as u64
    }

    /// The topmost lane that is free at `now` for a text that takes `inside`; rather one in which nothing stands.
    pub(super) fn free(&self, inside: u64, now: u64) -> Option<i32> {
        let stands = |y: i32| {
            let below = y + self.height.cast_signed();
            self.fixed
                .iter()
                .any(|s| s.until > now && s.y < below && y < s.y + self.height.cast_signed())
        };
        let mut free = self.running.iter().filter(|l| l.free_at(inside) <= now);
        let first = free.clone().next().map(|lane| lane.y);
        free.find(|lane| !stands(lane.y)).map(|l| l.y).or(first)
    }

    /// When the first lane is free for a text that takes `inside`.
    pub(super) fn free_at(&self, inside: u64) -> Option<u64> {
        self.running.iter().map(|l| l.free_at(inside)).min()
    }

    /// The first free place of a stack.
    pub(super) fn free_slot(&self, run: Run, now: u64) -> Option<i32> {
        let mut stack = self.fixed.iter().filter(|s| s.run == run);
        stack.find(|s| s.until <= now).map(|s| s.y)
    }

    /// When the first place of a stack is free.
    pub(super) fn slot_free_at(&self, run: Run) -> Option<u64> {
        let stack = self.fixed.iter().filter(|s| s.run == run);
        stack.map(|s| s.until).min()
    }
}
