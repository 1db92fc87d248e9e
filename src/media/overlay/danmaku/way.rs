//! The way of one text, and whether it stays apart from another's.

use crate::media::overlay::motion::{Motion, Path};

/// Where a text is while it is seen, and the rows that it keeps for itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Way {
    pub begin: u64,
    pub end: u64,
    /// Left edge at the beginning.
    pub x: f64,
    pub y: i32,
    pub height: u32,
    /// To the left, pixels per second; 0: it stands.
    pub speed: f64,
}

impl Way {
    /// Through the whole picture from right to left; `width` with its gap.
    pub(super) fn running(begin: u64, crossing: u64, picture: u32, width: u32) -> Self {
        let whole = f64::from(picture) + f64::from(width);
        Self {
            begin,
            end: begin.saturating_add(crossing),
            x: f64::from(picture),
            y: 0,
            height: 0,
            speed: whole * 1e9 / crossing as f64,
        }
    }

    /// In the middle of the picture.
    pub(super) fn standing(begin: u64, time: u64, picture: u32, width: u32) -> Self {
        Self {
            begin,
            end: begin.saturating_add(time.max(1)),
            x: middle(picture, width),
            y: 0,
            height: 0,
            speed: 0.0,
        }
    }

    /// The same in the lane with this upper edge and height.
    pub(super) fn in_rows(self, y: i32, height: u32) -> Self {
        Self { y, height, ..self }
    }

    pub(super) fn runs(&self) -> bool {
        self.speed > 0.0
    }

    /// Whether it shares a row with a lane.
    pub(super) fn shares_rows(&self, y: i32, height: u32) -> bool {
        self.y < y.saturating_add_unsigned(height)
            && y < self.y.saturating_add_unsigned(self.height)
    }

    /// When the right edge of a text of this width is where its left edge began, ns, rounded up.
    pub(super) fn enters_by(&self, width: u32) -> u64 {
        self.begin.saturating_add(self.takes(f64::from(width)))
    }

    /// The end of a running text that has become wider, so that it is gone only then: its right edge is where it began plus `width`.
    pub(super) fn end_for(&self, width: u32) -> u64 {
        let leaves = self
            .begin
            .saturating_add(self.takes(self.x + f64::from(width)));
        self.end.max(leaves)
    }

    fn takes(&self, pixels: f64) -> u64 {
        (pixels / self.speed * 1e9).ceil() as u64
    }

    fn left(&self, t: u64) -> f64 {
        self.x - self.speed * (t.saturating_sub(self.begin) as f64 / 1e9)
    }

    /// Whether this text, `width` wide, stays left of or right of `other` from `now` on for as long as both are seen. Both run
    /// evenly, so that it is enough to look at the first moment and the last.
    pub(super) fn stays_apart(&self, width: u32, other: &Self, others: u32, now: u64) -> bool {
        let first = now.max(self.begin).max(other.begin);
        let last = self.end.min(other.end);
        if first >= last || !self.shares_rows(other.y, other.height) {
            return true;
        }
        let ahead = |a: &Self, wide: u32, b: &Self| {
            [first, last]
                .iter()
                .all(|&t| a.left(t) + f64::from(wide) <= b.left(t) + 1e-3)
        };
        ahead(self, width, other) || ahead(other, others, self)
    }

    /// As the video thread needs it.
    pub(super) fn motion(&self, fade: u64, opacity: u16) -> Motion {
        let path = if self.runs() {
            Path::Steady {
                x: self.x,
                y: self.y,
                speed: -self.speed,
            }
        } else {
            Path::Still {
                x: self.x as i32,
                y: self.y,
            }
        };
        Motion {
            begin: self.begin,
            end: Some(self.end),
            path,
            fade_in: fade,
            fade_out: fade,
            opacity,
        }
    }
}

/// Left edge of what stands in the middle.
pub(super) fn middle(picture: u32, width: u32) -> f64 {
    ((f64::from(picture) - f64::from(width)) / 2.0).floor()
}
