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
        let luma = Cells::new(sprite.width, sprite.height, 1, |x, y| {
            let p = sprite.argb[y * sprite.width + x];
            [(weights.luma(p.map(f32::from)), p[0])]
        });
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

impl Chroma {
    /// A chroma value belongs to a square of four pixels, of which the sprite may cover some; `parity` is that of its place.
    fn new(
        sprite: &Sprite,
        pixel: Pixel,
        weights: Weights,
        (odd_x, odd_y): (usize, usize),
    ) -> Self {
        let (wide, tall) = if sprite.width * sprite.height == 0 {
            (0, 0)
        } else {
            let half = |size: usize, odd: usize| (size + odd).div_ceil(2);
            (half(sprite.width, odd_x), half(sprite.height, odd_y))
        };
        let mean = |cx: usize, cy: usize| {
            let mut sum = [0_u16; 4];
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let place = (2 * cx + dx).checked_sub(odd_x);
                let place = place.zip((2 * cy + dy).checked_sub(odd_y));
                if let Some((x, y)) = place.filter(|(x, y)| *x < sprite.width && *y < sprite.height)
                {
                    let p = sprite.argb[y * sprite.width + x];
                    sum.iter_mut().zip(p).for_each(|(s, v)| *s += u16::from(v));
                }
            }
            let cover = ((sum[0] + 2) / 4) as u8;
            let [cb, cr] = weights.chroma(sum.map(|s| f32::from(s) / 4.0));
            [(cb, cover), (cr, cover)]
        };
        match pixel {
            Pixel::I420 => Self::Planar(
                [0, 1].map(|which| Cells::new(wide, tall, 1, |x, y| [mean(x, y)[which]])),
            ),
            Pixel::Nv12 => Self::Interleaved(Cells::new(wide, tall, 2, mean)),
        }
    }
}

#[cfg(test)]
mod tests;
