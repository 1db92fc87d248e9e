//! A sprite prepared for raw pictures of one layout: laying it over a frame costs one multiplication for each value that it
//! touches, and nothing else is touched.
//!
//! `out = add + under · (255 − cover) / 255`, rounded: `add` is the sprite's value times its alpha, `cover` the alpha, both in
//! 8 bits. Where the alpha is 0 this is the identity to the bit, where it is 255 the sprite's very value. Luma is right within
//! one step; chroma, for which the alpha of four pixels is one rounded number, within one and a half.
//!
//! Chroma is prepared for even and odd places both ways, so that a moving sprite can stand anywhere.

mod cells;
mod colour;

use gstreamer as gst;
use gstreamer_video as video;
use gstreamer_video::prelude::*;

use super::motion::{Position, Rect};
use super::sprite::Sprite;
use crate::media::raw::Pixel;
use cells::{Cells, Window};
pub use colour::Weights;

/// Pixels that a sprite may have at most, those of a 4K picture; the ink of one takes at most 50 MiB.
const MAX_PIXELS: usize = 3840 * 2160;

/// A prepared sprite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ink {
    pixel: Pixel,
    width: u32,
    height: u32,
    luma: Cells,
    /// For places with even x and even y, odd and even, even and odd, odd and odd.
    chroma: [Chroma; 4],
}

/// Planes 1 and, where there is one, 2.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Chroma {
    Planar([Cells; 2]),
    Interleaved(Cells),
}

impl Ink {
    /// Prepares `sprite` for pictures of layout `pixel` in BT.709, limited range
    /// ([`RawFormat::caps`](crate::media::raw::RawFormat::caps)). Takes some milliseconds for a line of text: not for the
    /// thread that brings frames. A sprite with more pixels than a 4K picture, or with fewer than it says, becomes an empty ink.
    #[must_use]
    pub fn new(sprite: &Sprite, pixel: Pixel) -> Self {
        Self::with(sprite, pixel, Weights::BT709)
    }

    /// The same for pictures with other `weights`.
    #[must_use]
    pub fn with(sprite: &Sprite, pixel: Pixel, weights: Weights) -> Self {
        let whole = sprite.width.checked_mul(sprite.height);
        let good = whole.is_some_and(|n| n <= MAX_PIXELS && n <= sprite.argb.len());
        let none = Sprite::clear(0, 0);
        let sprite = if good { sprite } else { &none };
        let luma = luma(sprite, weights);
        let chroma = [(0, 0), (1, 0), (0, 1), (1, 1)]
            .map(|parity| Chroma::new(sprite, pixel, weights, parity));
        Self {
            pixel,
            width: u32::try_from(sprite.width).unwrap_or_default(),
            height: u32::try_from(sprite.height).unwrap_or_default(),
            luma,
            chroma,
        }
    }

    /// Pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The layout that it was made for.
    #[must_use]
    pub fn pixel(&self) -> Pixel {
        self.pixel
    }

    /// Memory that it takes, bytes: at most about six for each pixel in which there is something to see.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let chroma = self.chroma.iter().map(|c| match c {
            Chroma::Planar([cb, cr]) => cb.bytes() + cr.bytes(),
            Chroma::Interleaved(both) => both.bytes(),
        });
        size_of::<Self>() + self.luma.bytes() + chroma.sum::<usize>()
    }

    /// The rectangle that it covers with its top left corner at (`x`, `y`).
    #[must_use]
    pub fn rect(&self, x: i32, y: i32) -> Rect {
        Rect {
            x,
            y,
            width: self.width,
            height: self.height,
        }
    }

    /// Lays it over `frame` at a place and with an opacity; what lies outside of the picture or of `clip` is cut off. A frame of another layout, or one that is not as it says of itself, is left as it is.
    ///
    /// Where an edge of `clip` is odd the chroma value that two sides share belongs to the side with its even column or row: two
    /// clips side by side draw what one does.
    pub fn draw(
        &self,
        frame: &mut video::VideoFrameRef<&mut gst::BufferRef>,
        at: Position,
        clip: Option<Rect>,
    ) {
        let planes: u32 = match self.pixel {
            Pixel::I420 => 3,
            Pixel::Nv12 => 2,
        };
        if frame.n_planes() != planes {
            return;
        }
        let Some(window) = Window::of(frame.width(), frame.height(), clip) else {
            return;
        };
        let (x, y) = (i64::from(at.x), i64::from(at.y));
        let opacity = at.opacity.min(256);
        let mut plane = |n: u32, cells: &Cells, origin, window| {
            let stride = frame.plane_stride().get(n as usize).copied();
            if let (Some(Ok(stride)), Ok(data)) =
                (stride.map(usize::try_from), frame.plane_data_mut(n))
            {
                cells.draw(data, stride, origin, window, opacity);
            }
        };
        plane(0, &self.luma, (x, y), window);
        let (origin, half) = ((x.div_euclid(2), y.div_euclid(2)), window.halved());
        match &self.chroma[(x.rem_euclid(2) + 2 * y.rem_euclid(2)) as usize] {
            Chroma::Planar([cb, cr]) => {
                plane(1, cb, origin, half);
                plane(2, cr, origin, half);
            }
            Chroma::Interleaved(both) => plane(1, both, origin, half),
        }
    }
}

/// The rows of a sprite; none of one that is empty.
fn rows(sprite: &Sprite) -> impl Iterator<Item = &[[u8; 4]]> {
    sprite
        .argb
        .chunks_exact(sprite.width.max(1))
        .take(sprite.height)
}

fn luma(sprite: &Sprite, weights: Weights) -> Cells {
    let mut cells = Cells::new(1);
    let (mut add, mut cover) = (Vec::new(), Vec::new());
    for row in rows(sprite).filter(|_| sprite.width > 0) {
        add.clear();
        cover.clear();
        add.extend(row.iter().map(|p| match p {
            [0, ..] => 0,
            p => rounded(weights.luma(p.map(f32::from)), p[0]),
        }));
        cover.extend(row.iter().map(|p| p[0]));
        cells.push_row(&add, &cover);
    }
    cells.fit();
    cells
}

/// No more than the alpha, also where colours are not premultiplied: sums stay within a byte.
fn rounded(value: f32, alpha: u8) -> u8 {
    ((value + 0.5) as u8).min(alpha)
}

impl Chroma {
    /// A chroma value belongs to a square of four pixels, of which the sprite may cover some; `odd_x` and `odd_y` say which.
    fn new(
        sprite: &Sprite,
        pixel: Pixel,
        weights: Weights,
        (odd_x, odd_y): (usize, usize),
    ) -> Self {
        let mut made = match pixel {
            Pixel::I420 => Self::Planar([Cells::new(1), Cells::new(1)]),
            Pixel::Nv12 => Self::Interleaved(Cells::new(2)),
        };
        if sprite.width == 0 {
            return made;
        }
        let all: Vec<_> = rows(sprite).collect();
        // Sums of two rows, and with one more pixel at the left where the place is odd.
        let mut pairs = vec![[0_u16; 4]; (sprite.width + odd_x).next_multiple_of(2)];
        let mut line = Line::default();
        for cy in 0..(sprite.height + odd_y).div_ceil(2) {
            pairs.fill([0; 4]);
            let two = [(2 * cy).checked_sub(odd_y), Some(2 * cy + 1 - odd_y)];
            for row in two.into_iter().flatten().filter_map(|y| all.get(y)) {
                for (sum, p) in pairs[odd_x..].iter_mut().zip(*row) {
                    sum.iter_mut().zip(p).for_each(|(s, v)| *s += u16::from(*v));
                }
            }
            line.take(&pairs, weights);
            made.push(&line);
        }
        match &mut made {
            Self::Planar(both) => both.iter_mut().for_each(Cells::fit),
            Self::Interleaved(both) => both.fit(),
        }
        made
    }

    fn push(&mut self, line: &Line) {
        match self {
            Self::Planar([cb, cr]) => {
                cb.push_row(&line.cb, &line.cover);
                cr.push_row(&line.cr, &line.cover);
            }
            Self::Interleaved(both) => {
                let add = line.cb.iter().zip(&line.cr).flat_map(|(cb, cr)| [*cb, *cr]);
                let cover = line.cover.iter().flat_map(|c| [*c; 2]);
                both.push_row(&add.collect::<Vec<_>>(), &cover.collect::<Vec<_>>());
            }
        }
    }
}

/// A row of chroma.
#[derive(Default)]
struct Line {
    cb: Vec<u8>,
    cr: Vec<u8>,
    cover: Vec<u8>,
}

impl Line {
    /// The means of four pixels each.
    fn take(&mut self, pairs: &[[u16; 4]], weights: Weights) {
        self.cb.clear();
        self.cr.clear();
        self.cover.clear();
        for [left, right] in pairs.as_chunks::<2>().0 {
            let mut sum = *left;
            sum.iter_mut().zip(right).for_each(|(s, v)| *s += v);
            let cover = ((sum[0] + 2) / 4) as u8;
            let [cb, cr] = match cover {
                0 => [0; 2],
                _ => weights
                    .chroma(sum.map(|s| f32::from(s) * 0.25))
                    .map(|value| rounded(value, cover)),
            };
            self.cb.push(cb);
            self.cr.push(cr);
            self.cover.push(cover);
        }
    }
}

#[cfg(test)]
mod tests;
