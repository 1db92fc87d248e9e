//! Small marks, drawn by formula so that they are sharp at any size.

use super::shape::covered;
use crate::media::overlay::sprite::Sprite;

/// What a mark shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Icon {
    /// A full circle.
    Disc,
    /// A heart.
    Heart,
    /// A box with a ribbon.
    Gift,
    /// A shopping cart.
    Cart,
    /// A speech bubble.
    Bubble,
    /// A tick.
    Tick,
}

/// Samples per pixel in each direction.
const SAMPLES: usize = 4;

/// A mark of `side` by `side` pixels.
#[must_use]
pub fn icon(what: Icon, side: usize, rgb: [u8; 3]) -> Sprite {
    let mut sprite = Sprite::clear(side, side);
    // From the sample's number to -1 .. 1, y upwards.
    let fine = (side * SAMPLES) as f32;
    let place = |n: usize| (n as f32 + 0.5) / fine * 2.0 - 1.0;
    for y in 0..side {
        for x in 0..side {
            let mut hits = 0_u16;
            for sy in 0..SAMPLES {
                for sx in 0..SAMPLES {
                    let (px, py) = (place(x * SAMPLES + sx), -place(y * SAMPLES + sy));
                    hits += u16::from(what.has(px, py));
                }
            }
            let cover = f32::from(hits) / (SAMPLES * SAMPLES) as f32;
            sprite.argb[y * side + x] = covered(cover, rgb);
        }
    }
    sprite
}

impl Icon {
    /// Whether a point of the square from -1 to 1 is part of it.
    fn has(self, x: f32, y: f32) -> bool {
        match self {
            Self::Disc => x.hypot(y) <= 1.0,
            Self::Heart => heart(x * 1.25, y * 1.25 + 0.1),
            Self::Gift => gift(x, y),
            Self::Cart => cart(x, y),
            Self::Bubble => bubble(x, y),
            Self::Tick => tick(x, y),
        }
    }
}

/// The curve (x² + y² − 1)³ = x²y³.
fn heart(x: f32, y: f32) -> bool {
    let round = x * x + y * y - 1.0;
    round * round * round <= x * x * y * y * y
}

fn gift(x: f32, y: f32) -> bool {
    let lid = within(x, -0.85, 0.85) && within(y, 0.08, 0.4);
    let body = within(x, -0.72, 0.72) && within(y, -0.85, 0.0);
    let ribbon = x.abs() < 0.11;
    let bow = ring(x.abs() - 0.3, y - 0.62, 0.28, 0.13);
    ((lid || body) && !ribbon) || (bow && y > 0.4)
}

fn cart(x: f32, y: f32) -> bool {
    let wheels = (x + 0.22).hypot(y + 0.68) < 0.17 || (x - 0.5).hypot(y + 0.68) < 0.17;
    // Wider at its top.
    let slant = (y + 0.1) * 0.25;
    let basket = within(y, -0.1, 0.45) && x > -0.45 - slant * 0.6 && x < 0.68 + slant;
    let floor = within(y, -0.42, -0.27) && within(x, -0.36, 0.66);
    let pole = stroke(x, y, (-0.62, 0.72), (-0.32, -0.36), 0.085);
    let grip = stroke(x, y, (-0.95, 0.72), (-0.62, 0.72), 0.085);
    wheels || basket || floor || pole || grip
}

fn bubble(x: f32, y: f32) -> bool {
    let (dx, dy) = ((x.abs() - 0.5).max(0.0), ((y - 0.15).abs() - 0.25).max(0.0));
    let body = dx.hypot(dy) < 0.4;
    let tail = y < -0.3 && y > -0.9 && x > -0.55 && x < -0.55 + (y + 0.9) * 0.9;
    let dots = [-0.42, 0.0, 0.42]
        .iter()
        .any(|c| (x - c).hypot(y - 0.15) < 0.13);
    (body || tail) && !dots
}

fn tick(x: f32, y: f32) -> bool {
    stroke(x, y, (-0.7, 0.0), (-0.2, -0.5), 0.17) || stroke(x, y, (-0.2, -0.5), (0.75, 0.55), 0.17)
}

fn within(v: f32, low: f32, high: f32) -> bool {
    (low..=high).contains(&v)
}

fn ring(x: f32, y: f32, radius: f32, thick: f32) -> bool {
    let distance = x.hypot(y);
    distance < radius && distance > radius - thick
}

/// Within `reach` of the line from one point to another.
fn stroke(x: f32, y: f32, from: (f32, f32), to: (f32, f32), reach: f32) -> bool {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let along = ((x - from.0) * dx + (y - from.1) * dy) / (dx * dx + dy * dy);
    let along = along.clamp(0.0, 1.0);
    (x - from.0 - along * dx).hypot(y - from.1 - along * dy) <= reach
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_ink_soft_edges_and_room_around_it() {
        use Icon::{Bubble, Cart, Disc, Gift, Heart, Tick};
        let all = [Disc, Heart, Gift, Cart, Bubble, Tick];
        let drawn = all.map(|what| icon(what, 48, [200, 100, 50]));
        for (what, sprite) in all.iter().zip(&drawn) {
            let full = sprite.argb.iter().filter(|p| p[0] == 255).count();
            let soft = sprite
                .argb
                .iter()
                .filter(|p| (1..255).contains(&p[0]))
                .count();
            assert!((200..2000).contains(&full), "{what:?}: {full}");
            assert!(soft > 20, "{what:?}: {soft}");
            assert_eq!(sprite.argb[0], [0; 4], "{what:?}");
        }
        for (n, one) in drawn.iter().enumerate() {
            assert!(drawn[n + 1..].iter().all(|other| other != one));
        }
        assert_eq!(icon(Heart, 0, [0; 3]).argb.len(), 0);
    }
}
