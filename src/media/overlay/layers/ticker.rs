//! A line that runs along the bottom and begins anew for as long as it is shown.

use std::sync::Arc;

use crate::media::overlay::canvas::Placed;
use crate::media::overlay::ink::Ink;
use crate::media::overlay::motion::{Motion, Path, Rect};

/// How long before they are seen copies of the line are put in place, ns.
const AHEAD: u64 = 2_000_000_000;
/// Copies at once; a line so short that there would be more of them has more space between.
const MOST: u64 = 12;

/// The line on its way.
#[derive(Debug, Clone)]
pub(in super::super) struct Running {
    ink: Arc<Ink>,
    /// What of it is seen.
    window: Rect,
    y: i32,
    begin: u64,
    /// Pixels per second.
    speed: f64,
    /// From the beginning of one copy to that of the next, pixels.
    period: f64,
}

impl Running {
    /// `ink` runs through `window` from its right side on, `gap` pixels between two copies.
    pub(in super::super) fn new(ink: Arc<Ink>, window: Rect, begin: u64, gap: u32) -> Self {
        let (width, height) = (f64::from(ink.width()), ink.height());
        let least = f64::from(window.width) / (MOST - 2) as f64;
        let spare = i32::try_from(window.height).unwrap_or_default()
            - i32::try_from(height).unwrap_or_default();
        Self {
            window,
            y: window.y + spare / 2,
            begin,
            speed: (f64::from(window.width) / 9.0).max(20.0),
            period: (width + f64::from(gap)).max(least).max(1.0),
            ink,
        }
    }

    /// The copies that are to be seen at `t` ns and for a while after it.
    pub(in super::super) fn copies(&self, t: u64) -> Vec<Placed> {
        let first = self.first(t);
        (first..first + MOST)
            .map(|n| self.copy(n))
            .take_while(|placed| placed.motion.begin <= t.saturating_add(AHEAD))
            .collect()
    }

    /// When [`copies`](Self::copies) gives others, ns.
    pub(in super::super) fn next(&self, t: u64) -> u64 {
        let shown = self.copies(t).len() as u64;
        let after = self.copy(self.first(t) + shown).motion.begin;
        after.saturating_sub(AHEAD / 2).max(t + 1)
    }

    /// The oldest copy of which something is to be seen. Frames are a little behind.
    fn first(&self, t: u64) -> u64 {
        let since = t.saturating_sub(self.begin).saturating_sub(AHEAD / 4) as f64 / 1e9;
        let gone = since * self.speed - f64::from(self.window.width) - f64::from(self.ink.width());
        (gone / self.period).ceil().max(0.0) as u64
    }

    fn copy(&self, n: u64) -> Placed {
        let ns = |pixels: f64| (pixels / self.speed * 1e9) as u64;
        let begin = self.begin.saturating_add(ns(n as f64 * self.period));
        let whole = f64::from(self.window.width) + f64::from(self.ink.width());
        let motion = Motion {
            end: Some(begin.saturating_add(ns(whole))),
            path: Path::Steady {
                x: f64::from(self.window.right()),
                y: self.y,
                speed: -self.speed,
            },
            ..Motion::still(begin, 0, 0)
        };
        Placed {
            ink: self.ink.clone(),
            motion,
            clip: Some(self.window),
        }
    }
}
