//! Comments on their way over the picture, as sprites.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{DanmakuConfig, Rgb};
use crate::media::overlay::canvas::Placed;
use crate::media::overlay::danmaku::{Counts, Danmaku, Field, Shown, capacity_per_s};
use crate::media::overlay::ink::Ink;
use crate::media::overlay::motion::{Motion, Path};
use crate::media::overlay::sprite::Sprite;
use crate::media::overlay::text::{Letters, Run, Style};
use crate::media::raw::Pixel;
use crate::room::item::{Comment, ItemId, Rank};

/// A comment begins so long after it was placed: its letters are drawn meanwhile, and frames are a little behind.
const LEAD: Duration = Duration::from_millis(60);
/// Comments that are hidden, but not withdrawn, fade for so long, ns.
const FADE: u64 = 250_000_000;
/// Frames are behind the running time, by far on a machine that has too much to do: what has ended is kept for so long, ns.
const LINGER: u64 = 3_000_000_000;
/// A comment may be so many pictures wide; a longer one has smaller letters, and is cut in the end.
const PICTURES: u32 = 3;
/// Width of a usual comment, letter heights.
const USUAL: u32 = 8;

/// A comment that is drawn.
#[derive(Debug)]
struct Drawn {
    ink: Arc<Ink>,
    shown: Shown,
    /// Distance of the sprite from the upper edge of the lane.
    down: i32,
}

/// Lanes, and what runs in them.
#[derive(Debug)]
pub(in super::super) struct Comments {
    danmaku: Danmaku,
    config: DanmakuConfig,
    field: Field,
    drawn: BTreeMap<ItemId, Drawn>,
    /// They fade, or have just run out of the picture.
    leaving: Vec<Placed>,
    /// Whether what ends in the next turn fades.
    fade: bool,
}

impl Comments {
    pub(in super::super) fn new(config: &DanmakuConfig) -> Self {
        Self {
            danmaku: Danmaku::new(config),
            config: config.clone(),
            field: Field::default(),
            drawn: BTreeMap::new(),
            leaving: Vec::new(),
            fade: false,
        }
    }

    /// Comments run so from now on. Where they are not drawn any more, those on their way fade.
    pub(in super::super) fn set(&mut self, config: DanmakuConfig, now: Duration) {
        if config == self.config {
            return;
        }
        self.fade |= self.config.enabled && !config.enabled;
        self.config = config.clone();
        self.danmaku.set(config, now);
    }

    pub(in super::super) fn lay_out(&mut self, field: Field, now: Duration) {
        self.field = field.clone();
        self.danmaku.lay_out(field, now);
    }

    /// Frames come in another format: what is on its way begins anew in the next field.
    pub(in super::super) fn begin_anew(&mut self, now: Duration) {
        self.lay_out(Field::default(), now);
        self.drawn.clear();
        self.leaving.clear();
    }

    pub(in super::super) fn offer(&mut self, id: ItemId, comment: Comment, now: Duration) {
        self.danmaku.offer(id, comment, now);
    }

    pub(in super::super) fn withdraw(&mut self, id: ItemId) {
        self.danmaku.withdraw(id);
    }

    /// All are gone at once.
    pub(in super::super) fn clear(&mut self) {
        self.danmaku.clear();
        self.drawn.clear();
        self.leaving.clear();
        self.fade = false;
    }

    /// Whether there is anything to draw or to end: without, no fonts are needed.
    pub(in super::super) fn is_idle(&self) -> bool {
        self.danmaku.waiting() == 0 && self.drawn.is_empty() && self.leaving.is_empty()
    }

    pub(in super::super) fn counts(&self) -> Counts {
        self.danmaku.counts()
    }

    /// Usual comments that the lanes hold, 1/s.
    pub(in super::super) fn capacity_per_s(&self) -> f64 {
        if !self.config.enabled || self.field.width == 0 {
            return 0.0;
        }
        let letters = self.field.letters(&self.config);
        capacity_per_s(&self.config, &self.field, USUAL * letters)
    }

    /// Starts and ends what is due at `now`; says whether anything looks different.
    pub(in super::super) fn turn(
        &mut self,
        now: Duration,
        pixel: Pixel,
        letters: &mut Letters,
    ) -> bool {
        let widest = self.field.width.saturating_mul(PICTURES).max(1);
        let config = self.config.clone();
        let changes = {
            let letters = &mut *letters;
            let mut measure = |comment: &Comment, times: u32, px: u32| {
                let line = written(&config, comment, times, px, widest, letters);
                u32::try_from(line.width).unwrap_or(u32::MAX)
            };
            self.danmaku.turn(now + LEAD, &mut measure)
        };
        let t = nanoseconds(now);
        let fade = std::mem::take(&mut self.fade);
        let mut other = !changes.ended.is_empty();
        for drawn in changes.ended.iter().filter_map(|id| self.drawn.remove(id)) {
            let at_its_end = drawn.shown.motion.is_over(nanoseconds(now + LEAD));
            if fade || at_its_end {
                self.leaving.push(leaving(&drawn, t, fade));
            }
        }
        for shown in changes.started.into_iter().chain(changes.changed) {
            other = true;
            let (comment, px) = (&shown.comment, shown.letters);
            let line = written(&config, comment, shown.times, px, widest, letters);
            let spare = f64::from(shown.lane_height) - line.height as f64;
            let drawn = Drawn {
                ink: Arc::new(Ink::new(&line, pixel)),
                down: (spare / 2.0).round() as i32,
                shown,
            };
            self.drawn.insert(drawn.shown.id, drawn);
        }
        let before = self.leaving.len();
        let lingers = |p: &Placed| {
            p.motion
                .end
                .is_none_or(|end| t < end.saturating_add(LINGER))
        };
        self.leaving.retain(lingers);
        other || before != self.leaving.len()
    }

    /// When the next turn is due.
    pub(in super::super) fn next(&self) -> Option<Duration> {
        let ends = self.leaving.iter().filter_map(|p| p.motion.end);
        let ends = ends
            .min()
            .map(|end| Duration::from_nanos(end.saturating_add(LINGER)));
        let next = self.danmaku.next().map(|at| at.saturating_sub(LEAD));
        [ends, next].into_iter().flatten().min()
    }

    /// What is to be drawn.
    pub(in super::super) fn placed(&self) -> impl Iterator<Item = Placed> {
        let drawn = self.drawn.values().map(|d| Placed {
            ink: d.ink.clone(),
            motion: moved(d.shown.motion, d.down),
            clip: None,
        });
        drawn.chain(self.leaving.iter().cloned())
    }
}

fn leaving(drawn: &Drawn, t: u64, fade: bool) -> Placed {
    let motion = moved(drawn.shown.motion, drawn.down);
    let end = t.saturating_add(FADE);
    let motion = if fade {
        Motion {
            end: Some(motion.end.map_or(end, |e| e.min(end))),
            fade_out: FADE,
            ..motion
        }
    } else {
        motion
    };
    Placed {
        ink: drawn.ink.clone(),
        motion,
        clip: None,
    }
}

/// The same way, `down` pixels lower.
fn moved(motion: Motion, down: i32) -> Motion {
    let path = match motion.path {
        Path::Still { x, y } => Path::Still { x, y: y + down },
        Path::Steady { x, y, speed } => Path::Steady {
            x,
            y: y + down,
            speed,
        },
        Path::Ease { from, to, ns } => Path::Ease {
            from: (from.0, from.1 + down),
            to: (to.0, to.1 + down),
            ns,
        },
    };
    Motion { path, ..motion }
}

/// A comment as a line of letters; the same words give the very same sprite again from the cache.
fn written(
    config: &DanmakuConfig,
    comment: &Comment,
    times: u32,
    px: u32,
    widest: u32,
    letters: &mut Letters,
) -> Arc<Sprite> {
    let Rgb(own) = comment.colour.unwrap_or(match comment.rank {
        Rank::Text => config.colour_text,
        Rank::Staff => config.colour_staff,
        Rank::Question => config.colour_question,
        Rank::Paid => config.colour_paid,
    });
    let mut text = Run::new(comment.text.as_str(), own);
    if comment.rank != Rank::Text {
        text = text.bold();
    }
    let mut runs = vec![text];
    if times > 1 {
        runs.push(Run::new(format!(" ×{times}"), [255, 210, 74]).bold());
    }
    letters.line(&runs, &Style::outlined(px), widest)
}

fn nanoseconds(t: Duration) -> u64 {
    u64::try_from(t.as_nanos()).unwrap_or(u64::MAX)
}
