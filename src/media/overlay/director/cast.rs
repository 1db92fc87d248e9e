//! What is seen of each layer now, and what is on its way out: motions that follow one another without a gap.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::canvas::Placed;
use super::super::ink::Ink;
use super::super::layers::ticker::Running;
use super::super::layers::{Content, entrance};
use super::super::motion::{Motion, Path, Rect};
use crate::device::stage::Layer;

/// What leaves is gone after so long, ns.
const LEAVES: u64 = 300_000_000;
/// What has another place glides there in so long, ns.
const GLIDES: u64 = 300_000_000;
/// A counter that rose jumps for so long, ns.
const JUMPS: u64 = 280_000_000;
/// Frames are behind the running time: what has ended is kept for so long, ns.
const LINGERS: u64 = 500_000_000;

/// What a layer shows.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) content: Content,
    /// What it was made for.
    pub(super) limit: (u32, u32),
    pub(super) ink: Arc<Ink>,
    pub(super) rect: Rect,
    placed: Placed,
}

/// All layers.
#[derive(Debug, Default)]
pub(super) struct Cast {
    roles: BTreeMap<Layer, Role>,
    leaving: Vec<(Layer, Placed)>,
    ticker: Vec<Placed>,
}

impl Cast {
    pub(super) fn role(&self, layer: Layer) -> Option<&Role> {
        self.roles.get(&layer)
    }

    /// `layer` shows this from `t` on. `jump`: it is the same thing with a counter that rose.
    pub(super) fn show(&mut self, layer: Layer, role: New, t: u64, jump: u32) {
        let New {
            content,
            limit,
            ink,
            rect,
        } = role;
        let before = self.roles.remove(&layer);
        let goes_on = before.as_ref().filter(|b| content.continues(&b.content));
        let continues = goes_on.is_some();
        let motion = match goes_on {
            None => {
                let width = i32::try_from(rect.width).unwrap_or_default();
                entrance(layer, t, (rect.x, rect.y), width)
            }
            Some(before) => {
                let by = i32::try_from(jump).unwrap_or_default();
                follow(before.rect, rect, t, by)
            }
        };
        // What slides in does so within its own zone.
        let slides = !continues && matches!(motion.path, Path::Ease { .. });
        let placed = Placed {
            ink: ink.clone(),
            motion: Motion {
                opacity: content.opacity(),
                ..motion
            },
            clip: slides.then_some(rect),
        };
        match before {
            Some(before) if continues => self.end_at(layer, before.placed, t),
            Some(before) => self.leave_with_motion(layer, before, t),
            None => {}
        }
        let role = Role {
            content,
            limit,
            ink,
            rect,
            placed,
        };
        self.roles.insert(layer, role);
    }

    /// `layer` shows nothing any more.
    pub(super) fn hide(&mut self, layer: Layer, t: u64) -> bool {
        let Some(role) = self.roles.remove(&layer) else {
            return false;
        };
        self.leave_with_motion(layer, role, t);
        true
    }

    fn leave_with_motion(&mut self, layer: Layer, role: Role, t: u64) {
        let mut placed = role.placed;
        // A layer that has not been seen yet need not leave.
        if t < placed.motion.begin {
            return;
        }
        let end = t.saturating_add(LEAVES);
        placed.motion.end = Some(placed.motion.end.map_or(end, |e| e.min(end)));
        placed.motion.fade_out = LEAVES;
        self.leaving.push((layer, placed));
    }

    /// It is seen until `t`, when something else follows it in its place.
    fn end_at(&mut self, layer: Layer, mut placed: Placed, t: u64) {
        if t > placed.motion.begin {
            placed.motion.end = Some(t);
            self.leaving.push((layer, placed));
        }
    }

    /// Takes off everything of the audience without motion; says whether there was anything.
    pub(super) fn drop_audience(&mut self) -> bool {
        let before = self.roles.len() + self.leaving.len();
        self.roles.retain(|layer, _| !layer.is_of_the_audience());
        self.leaving
            .retain(|(layer, _)| !layer.is_of_the_audience());
        before != self.roles.len() + self.leaving.len()
    }

    /// Takes away what is over.
    pub(super) fn forget(&mut self, t: u64) -> bool {
        let before = self.leaving.len();
        let lingers = |p: &Placed| {
            p.motion
                .end
                .is_none_or(|end| t < end.saturating_add(LINGERS))
        };
        self.leaving.retain(|(_, placed)| lingers(placed));
        before != self.leaving.len()
    }

    /// The copies of the ticker's line that are to be seen; those of a line that has gone fade with its bar.
    pub(super) fn run_ticker(&mut self, running: Option<&Running>, t: u64) -> bool {
        let copies = running.map(|r| r.copies(t)).unwrap_or_default();
        if copies == self.ticker {
            return false;
        }
        self.ticker = copies;
        true
    }

    /// The ticker's line goes with its bar.
    pub(super) fn end_ticker(&mut self, t: u64) {
        for mut copy in std::mem::take(&mut self.ticker) {
            let end = t.saturating_add(LEAVES);
            copy.motion.end = Some(copy.motion.end.map_or(end, |e| e.min(end)));
            copy.motion.fade_out = LEAVES;
            self.leaving.push((Layer::Ticker, copy));
        }
    }

    /// When [`Cast::forget`] has something to do.
    pub(super) fn next(&self) -> Option<Duration> {
        let ends = self.leaving.iter().filter_map(|(_, p)| p.motion.end).min();
        ends.map(|end| Duration::from_nanos(end.saturating_add(LINGERS)))
    }

    /// Everything of a layer, the oldest lowest.
    pub(super) fn placed(&self, layer: Layer) -> impl Iterator<Item = Placed> {
        let leaving = self.leaving.iter().filter(move |(l, _)| *l == layer);
        let own = self.roles.get(&layer).map(|role| &role.placed);
        let ticker = self.ticker.iter().filter(move |_| layer == Layer::Ticker);
        leaving.map(|(_, p)| p).chain(own).chain(ticker).cloned()
    }
}

/// What a layer is to show.
pub(super) struct New {
    pub(super) content: Content,
    pub(super) limit: (u32, u32),
    pub(super) ink: Arc<Ink>,
    pub(super) rect: Rect,
}

/// From the place before to the one now, or a short jump there.
fn follow(before: Rect, rect: Rect, begin: u64, jump: i32) -> Motion {
    let to = (rect.x, rect.y);
    let path = if (before.x, before.y) != to {
        Path::Ease {
            from: (before.x, before.y),
            to,
            ns: GLIDES,
        }
    } else if jump > 0 {
        Path::Ease {
            from: (rect.x, rect.y - jump),
            to,
            ns: JUMPS,
        }
    } else {
        Path::Still {
            x: rect.x,
            y: rect.y,
        }
    };
    Motion {
        path,
        ..Motion::still(begin, rect.x, rect.y)
    }
}
