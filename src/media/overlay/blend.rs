//! Lays a sprite over a raw picture: once prepared for its place, each frame costs one multiplication per value that is
//! touched, and nothing outside the sprite is touched.
//!
//! `out = add + keep · picture`, with `add` (the sprite's value times its alpha) and `keep` (what the alpha lets through) in 8
//! binary digits. Where the alpha is 0 this is the identity to the bit. Pictures are BT.709 in limited range
//! ([`RawFormat::caps`](crate::media::raw::RawFormat::caps)).

use gstreamer as gst;
use gstreamer_video as video;
use gstreamer_video::prelude::*;

pub use super::sprite::{Sprite, premultiplied};
use crate::media::raw::{Pixel, RawFormat};

/// Luma weights of red and blue, ITU-R BT.709.
const KR: f32 = 0.2126;
const KB: f32 = 0.0722;

/// A sprite prepared for its place in pictures of one format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    layers: Vec<Layer>,
}

/// What is done to one plane.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layer {
    plane: u32,
    /// First byte in the row, bytes in a row, first row.
    left: usize,
    wide: usize,
    top: usize,
    /// Per byte, row by row: see the module.
    add: Vec<u16>,
    keep: Vec<u16>,
}

impl Patch {
    /// `sprite` with its top left corner at (`x`, `y`) of pictures in `format`; what lies outside of the picture is cut off.
    #[must_use]
    pub fn new(sprite: &Sprite, x: i64, y: i64, format: RawFormat) -> Self {
        let size = (i64::from(format.width), i64::from(format.height));
        let (wide, tall) = (as_i64(sprite.width), as_i64(sprite.height));
        let (left, right) = (x.clamp(0, size.0), (x + wide).clamp(0, size.0));
        let (top, bottom) = (y.clamp(0, size.1), (y + tall).clamp(0, size.1));
        if left >= right || top >= bottom {
            return Self { layers: vec![] };
        }
        let luma = layer(0, (left, right), (top, bottom), 1, |px, py| {
            let p = sprite.at(px - x, py - y);
            [(luma(p), p[0])]
        });
        // A chroma value belongs to a square of four pixels, of which the sprite may cover some.
        let square = |cx: i64, cy: i64| {
            let mut sum = [0.0_f32; 4];
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let (px, py) = (2 * cx + dx, 2 * cy + dy);
                if px < size.0 && py < size.1 {
                    let p = sprite.at(px - x, py - y);
                    sum.iter_mut().zip(p).for_each(|(s, v)| *s += v / 4.0);
                }
            }
            sum
        };
        let columns = (left / 2, (right + 1) / 2);
        let rows = (top / 2, (bottom + 1) / 2);
        let mut layers = vec![luma];
        match format.pixel {
            Pixel::I420 => {
                for (plane, which) in [(1, 0), (2, 1)] {
                    layers.push(layer(plane, columns, rows, 1, |cx, cy| {
                        let p = square(cx, cy);
                        [(chroma(p)[which], p[0])]
                    }));
                }
            }
            Pixel::Nv12 => layers.push(layer(1, columns, rows, 2, |cx, cy| {
                let p = square(cx, cy);
                chroma(p).map(|value| (value, p[0]))
            })),
        }
        Self { layers }
    }

    /// Draws it. A picture that is not as it says of itself is left as it is.
    pub fn draw(&self, frame: &mut video::VideoFrameRef<&mut gst::BufferRef>, row: &mut Vec<u8>) {
        for layer in &self.layers {
            let Some(stride) = usize::try_from(layer.plane)
                .ok()
                .and_then(|plane| frame.plane_stride().get(plane).copied())
                .and_then(|stride| usize::try_from(stride).ok())
            else {
                continue;
            };
            if let Ok(data) = frame.plane_data_mut(layer.plane) {
                layer.draw(data, stride, row);
            }
        }
    }
}

impl Layer {
    fn draw(&self, data: &mut [u8], stride: usize, row: &mut Vec<u8>) {
        let (adds, keeps) = (self.add.chunks(self.wide), self.keep.chunks(self.wide));
        for (n, (add, keep)) in adds.zip(keeps).enumerate() {
            let start = (self.top + n) * stride + self.left;
            let Some(span) = data.get_mut(start..start + self.wide) else {
                return;
            };
            // A camera's memory may be uncached: read it once, in one go, and write it back so.
            row.clear();
            row.extend_from_slice(span);
            for ((value, add), keep) in row.iter_mut().zip(add).zip(keep) {
                let sum = u32::from(*add) + u32::from(*value) * u32::from(*keep) + 128;
                *value = (sum >> 8).min(255) as u8;
            }
            span.copy_from_slice(row);
        }
    }
}

/// A layer of `N` bytes per place; `of` gives each byte's value times alpha and its alpha, both 0 to 255.
fn layer<const N: usize>(
    plane: u32,
    columns: (i64, i64),
    rows: (i64, i64),
    bytes: usize,
    of: impl Fn(i64, i64) -> [(f32, f32); N],
) -> Layer {
    let (mut add, mut keep) = (Vec::new(), Vec::new());
    for y in rows.0..rows.1 {
        for x in columns.0..columns.1 {
            for (value, alpha) in of(x, y) {
                add.push((value * 256.0).round().clamp(0.0, 65_535.0) as u16);
                keep.push(((255.0 - alpha) * 256.0 / 255.0).round().clamp(0.0, 256.0) as u16);
            }
        }
    }
    Layer {
        plane,
        left: as_usize(columns.0) * bytes,
        wide: as_usize(columns.1 - columns.0) * bytes,
        top: as_usize(rows.0),
        add,
        keep,
    }
}

/// Y' of a premultiplied pixel, times its alpha, 16 to 235 where the alpha is full.
fn luma([a, r, g, b]: [f32; 4]) -> f32 {
    (16.0 * a + 219.0 * (KR * r + (1.0 - KR - KB) * g + KB * b)) / 255.0
}

/// Cb and Cr of a premultiplied pixel, times its alpha, 16 to 240 where the alpha is full.
fn chroma([a, r, g, b]: [f32; 4]) -> [f32; 2] {
    let y = KR * r + (1.0 - KR - KB) * g + KB * b;
    [(b - y) / (1.0 - KB), (r - y) / (1.0 - KR)].map(|c| (128.0 * a + 112.0 * c) / 255.0)
}

fn as_i64(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX / 4)
}

fn as_usize(n: i64) -> usize {
    usize::try_from(n).unwrap_or_default()
}

#[cfg(test)]
#[path = "blend_tests.rs"]
mod tests;
