//! Where each layer may stand, so that no two cover one another: pure.
//!
//! ```text
//!   ┌──────────────────────────────────────────────┐
//!   │ ┌ corner ┐   comments run here    ┌ corner ┐ │
//!   │ └────────┘                        └────────┘ │
//!   │ ┌ alert ─────┐                   ┌ product ┐ │
//!   │ └────────────┘                   │         │ │
//!   │ ┌ poll ──────┐  ┌ countdown ┐    │         │ │
//!   │ └────────────┘  └───────────┘    └─────────┘ │
//!   │ ┌ lower third ──────┐                        │
//!   │ └───────────────────┘                        │
//!   │ ┌ corner ┐ ┌ banner ──────────┐   ┌ corner ┐ │
//!   │ ├────────┴─┴──── ticker ──────┴───┴────────┤ │
//!   └──────────────────────────────────────────────┘
//! ```
//!
//! Zones are given out in the order of [`ORDER`]: what comes later has what is left. So an alert never moves a product. Each
//! layer first asks how large it may be ([`Zones::limit`]), is made, and then takes its place ([`Zones::take`]). What does not
//! fit is left out.

use super::motion::Rect;
use crate::config::Corner;
use crate::device::stage::Layer;

/// Narrower or lower than this is nothing that one could read, pixels.
const LEAST: (u32, u32) = (16, 9);

/// In which order zones are given out.
pub const ORDER: [Layer; 10] = [
    Layer::Ticker,
    Layer::Status,
    Layer::Logo,
    Layer::Clock,
    Layer::Banner,
    Layer::LowerThird,
    Layer::Product,
    Layer::Poll,
    Layer::Alert,
    Layer::Countdown,
];

/// The size of the picture and what follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What every screen shows.
    pub safe: Rect,
    /// Height of ordinary letters, pixels.
    pub letters: u32,
    /// What stays free between two zones, pixels.
    pub gap: u32,
}

impl Page {
    /// `safe_percent` of width and height stay free at each side.
    #[must_use]
    pub fn new(width: u32, height: u32, safe_percent: u32) -> Self {
        let side = |n: u32| share(n, safe_percent.min(40)).next_multiple_of(2);
        let (x, y) = (side(width), side(height));
        let short = width.min(height);
        Self {
            width,
            height,
            safe: Rect {
                x: signed(x),
                y: signed(y),
                width: width.saturating_sub(2 * x),
                height: height.saturating_sub(2 * y),
            },
            letters: (short / 24).max(8),
            gap: (short / 60).max(2).next_multiple_of(2),
        }
    }

    /// Whether it is taller than wide.
    #[must_use]
    pub fn is_portrait(&self) -> bool {
        self.height > self.width
    }

    fn wide(&self, percent: u32) -> u32 {
        share(self.safe.width, percent)
    }

    fn tall(&self, percent: u32) -> u32 {
        share(self.safe.height, percent)
    }
}

/// At which side of its zone a layer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Low,
    Middle,
    High,
}

/// A zone that is free, and where in it something stands that is smaller.
#[derive(Debug, Clone, Copy)]
struct Zone {
    free: Rect,
    across: Side,
    down: Side,
}

/// The zones of one picture.
#[derive(Debug, Clone)]
pub struct Zones {
    page: Page,
    taken: Vec<(Layer, Rect)>,
    /// What each corner holds: top left, top right, bottom left, bottom right.
    corners: [Vec<Rect>; 4],
}

impl Zones {
    /// All zones are free.
    #[must_use]
    pub fn new(page: Page) -> Self {
        Self {
            page,
            taken: Vec::new(),
            corners: Default::default(),
        }
    }

    /// The page.
    #[must_use]
    pub fn page(&self) -> Page {
        self.page
    }

    /// The largest size that `layer` may have now, pixels; `None`: the picture is too small for it, or too full. `corner` counts
    /// for layers that stand in one.
    #[must_use]
    pub fn limit(&self, layer: Layer, corner: Corner) -> Option<(u32, u32)> {
        let zone = self.zone(layer, corner)?;
        let (width, height) = self.most(layer);
        let size = (zone.free.width.min(width), zone.free.height.min(height));
        (size.0 >= LEAST.0 && size.1 >= LEAST.1).then_some(size)
    }

    /// Gives `layer` a place of this size, pixels; `None`: there is none.
    pub fn take(&mut self, layer: Layer, corner: Corner, size: (u32, u32)) -> Option<Rect> {
        let zone = self.zone(layer, corner)?;
        let (width, height) = size;
        if width == 0 || height == 0 || width > zone.free.width || height > zone.free.height {
            return None;
        }
        let along = |side: Side, from: i32, free: u32, own: u32| {
            let left = signed(free - own);
            let by = match side {
                Side::Low => 0,
                Side::Middle => left / 2,
                Side::High => left,
            };
            // Chroma has half the resolution: at even places edges are sharp.
            (from + by) & !1
        };
        let rect = Rect {
            x: along(zone.across, zone.free.x, zone.free.width, width),
            y: along(zone.down, zone.free.y, zone.free.height, height),
            width,
            height,
        };
        if rect.x < self.page.safe.x
            || rect.y < self.page.safe.y
            || self.taken.iter().any(|(_, other)| other.meets(&rect))
        {
            return None;
        }
        self.taken.push((layer, rect));
        if let Some(stack) = in_corner(layer).then(|| &mut self.corners[index(corner)]) {
            stack.push(rect);
        }
        Some(rect)
    }

    /// What has a place, in the order in which it was taken.
    #[must_use]
    pub fn taken(&self) -> &[(Layer, Rect)] {
        &self.taken
    }

    /// The largest that a layer is on this page, whatever else there is.
    fn most(&self, layer: Layer) -> (u32, u32) {
        let (page, portrait) = (&self.page, self.page.is_portrait());
        let unit = page.letters;
        match layer {
            Layer::Clock | Layer::Logo | Layer::Status => (page.wide(46), page.tall(45)),
            Layer::Ticker => (page.safe.width, 2 * unit),
            Layer::Banner => (page.safe.width, 5 * unit / 2),
            Layer::LowerThird => (page.wide(if portrait { 100 } else { 64 }), 5 * unit),
            Layer::Product => (page.wide(if portrait { 52 } else { 31 }), page.tall(60)),
            Layer::Poll => (page.wide(if portrait { 45 } else { 34 }), page.tall(50)),
            Layer::Alert => (page.wide(if portrait { 80 } else { 42 }), 6 * unit),
            Layer::Countdown => (page.wide(if portrait { 90 } else { 60 }), 9 * unit),
            Layer::Danmaku => (page.width, page.height),
        }
    }

    fn zone(&self, layer: Layer, corner: Corner) -> Option<Zone> {
        let low = |free| Zone {
            free,
            across: Side::Low,
            down: Side::High,
        };
        match layer {
            Layer::Clock | Layer::Logo | Layer::Status => self.corner(corner),
            Layer::Ticker => Some(low(self.page.safe)),
            Layer::Banner | Layer::LowerThird => self.bottom().map(low),
            Layer::Product => {
                let width = self.most(layer).0;
                let x = self.page.safe.right() - signed(width);
                let free = self.column(x, self.page.safe.right())?;
                Some(Zone {
                    free,
                    across: Side::High,
                    down: Side::High,
                })
            }
            Layer::Poll => self.left(layer, self.most(Layer::Alert).1 + self.page.gap),
            Layer::Alert => self.left(layer, 0),
            Layer::Countdown => self.centre(),
            Layer::Danmaku => None,
        }
    }

    /// Below, or at the bottom above, what the corner has already.
    fn corner(&self, corner: Corner) -> Option<Zone> {
        let (page, stack) = (&self.page, &self.corners[index(corner)]);
        let (width, height) = self.most(Layer::Logo);
        let right = matches!(corner, Corner::TopRight | Corner::BottomRight);
        let top = matches!(corner, Corner::TopLeft | Corner::TopRight);
        let gap = signed(page.gap);
        let (from, to) = if top {
            let end = page.safe.y + signed(height);
            let last = stack.iter().map(|r| r.bottom() + gap).max();
            (last.unwrap_or(page.safe.y), end)
        } else {
            let floor = self.floor(page.safe.x, page.safe.right());
            let begin = page.safe.bottom() - signed(height);
            let last = stack.iter().map(|r| r.y - gap).min();
            (begin, last.unwrap_or(floor))
        };
        let x = if right {
            page.safe.right() - signed(width)
        } else {
            page.safe.x
        };
        Some(Zone {
            free: rect(x, from, x + signed(width), to)?,
            across: if right { Side::High } else { Side::Low },
            down: if top { Side::Low } else { Side::High },
        })
    }

    /// Between the bottom corners, above ticker and banner.
    fn bottom(&self) -> Option<Rect> {
        let (safe, gap) = (self.page.safe, signed(self.page.gap));
        let left = self.corners[2].iter().map(|r| r.right() + gap).max();
        let right = self.corners[3].iter().map(|r| r.x - gap).min();
        let stacked = |layer: &Layer| matches!(layer, Layer::Ticker | Layer::Banner);
        let tops = self.taken.iter().filter(|(l, _)| stacked(l));
        let floor = tops.map(|(_, r)| r.y - gap).min();
        rect(
            left.unwrap_or(safe.x),
            safe.bottom() - signed(self.page.tall(50)),
            right.unwrap_or_else(|| safe.right()),
            floor.unwrap_or_else(|| safe.bottom()),
        )
    }

    /// The left column, from its bottom up; `spare` pixels at its top stay free.
    fn left(&self, layer: Layer, spare: u32) -> Option<Zone> {
        let x = self.page.safe.x;
        let mut free = self.column(x, x + signed(self.most(layer).0))?;
        let spare = spare.min(free.height);
        free.y += signed(spare);
        free.height -= spare;
        Some(Zone {
            free,
            across: Side::Low,
            down: Side::High,
        })
    }

    /// What is free between what stands at the top and at the bottom of these columns.
    fn column(&self, left: i32, right: i32) -> Option<Rect> {
        rect(
            left,
            self.ceiling(left, right),
            right,
            self.floor(left, right),
        )
    }

    /// Below the corners at the top.
    fn ceiling(&self, left: i32, right: i32) -> i32 {
        let tops = self.corners[..2].iter().flatten();
        let in_way = tops.filter(|r| r.x < right && left < r.right());
        let end = in_way.map(|r| r.bottom() + signed(self.page.gap)).max();
        end.unwrap_or(self.page.safe.y)
    }

    /// Above everything else.
    fn floor(&self, left: i32, right: i32) -> i32 {
        let at_top = |r: &Rect| self.corners[..2].iter().flatten().any(|c| c == r);
        let in_way = self
            .taken
            .iter()
            .filter(|(_, r)| r.x < right && left < r.right() && !at_top(r));
        let end = in_way.map(|(_, r)| r.y - signed(self.page.gap)).min();
        end.unwrap_or_else(|| self.page.safe.bottom())
    }

    /// The middle of the picture between what stands at its left and right.
    fn centre(&self) -> Option<Zone> {
        let (safe, gap) = (self.page.safe, signed(self.page.gap));
        let middle = safe.x + signed(safe.width / 2);
        let (mut left, mut right) = (safe.x, safe.right());
        let (mut top, mut bottom) = (safe.y, safe.bottom());
        let waist = safe.y + signed(safe.height / 2);
        for (layer, r) in &self.taken {
            let beside = matches!(layer, Layer::Product | Layer::Poll | Layer::Alert)
                && !(r.x <= middle && middle < r.right());
            if beside && r.x < middle {
                left = left.max(r.right() + gap);
            } else if beside {
                right = right.min(r.x - gap);
            } else if r.y < waist {
                top = top.max(r.bottom() + gap);
            } else {
                bottom = bottom.min(r.y - gap);
            }
        }
        // In the middle of the picture, where both sides leave room for that.
        let half = (middle - left).min(right - middle);
        if half * 2 >= signed(self.page.wide(30)) {
            (left, right) = (middle - half, middle + half);
        }
        Some(Zone {
            free: rect(left, top, right, bottom)?,
            across: Side::Middle,
            down: Side::Middle,
        })
    }
}

/// Whether a layer stands in a corner of the owner's choice.
#[must_use]
pub fn in_corner(layer: Layer) -> bool {
    matches!(layer, Layer::Clock | Layer::Logo | Layer::Status)
}

fn index(corner: Corner) -> usize {
    match corner {
        Corner::TopLeft => 0,
        Corner::TopRight => 1,
        Corner::BottomLeft => 2,
        Corner::BottomRight => 3,
    }
}

fn rect(left: i32, top: i32, right: i32, bottom: i32) -> Option<Rect> {
    let width = u32::try_from(right.checked_sub(left)?).ok()?;
    let height = u32::try_from(bottom.checked_sub(top)?).ok()?;
    (width > 0 && height > 0).then_some(Rect {
        x: left,
        y: top,
        width,
        height,
    })
}

fn share(of: u32, percent: u32) -> u32 {
    u32::try_from(u64::from(of) * u64::from(percent) / 100).unwrap_or(u32::MAX)
}

fn signed(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX / 4)
}

#[cfg(test)]
#[path = "zones_tests.rs"]
mod tests;
