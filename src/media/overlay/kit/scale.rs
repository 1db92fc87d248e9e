//! Other sizes of a sprite.

use crate::media::overlay::sprite::Sprite;

/// `sprite` at `width` by `height` pixels: each pixel is the mean of what it covers (linear between pixels where it becomes
/// larger), with the colours premultiplied, so that nothing bleeds out of what is transparent.
#[must_use]
pub fn scaled(sprite: &Sprite, width: usize, height: usize) -> Sprite {
    if (width, height) == (sprite.width, sprite.height) {
        return sprite.clone();
    }
    if sprite.width == 0 || sprite.height == 0 {
        return Sprite::clear(width, height);
    }
    let across: Vec<Taps> = taps(sprite.width, width);
    let down: Vec<Taps> = taps(sprite.height, height);
    let mut rows: Vec<[f32; 4]> = Vec::with_capacity(sprite.height * width);
    for row in sprite.argb.chunks_exact(sprite.width) {
        rows.extend(across.iter().map(|t| t.sum(|i| row[i].map(f32::from))));
    }
    let mut argb = Vec::with_capacity(width * height);
    for t in &down {
        for x in 0..width {
            let pixel = t.sum(|i| rows[i * width + x]);
            argb.push(pixel.map(|v| v.round().clamp(0.0, 255.0) as u8));
        }
    }
    Sprite {
        width,
        height,
        argb,
    }
}

/// `percent` of it is seen.
#[must_use]
pub fn faded(sprite: &Sprite, percent: u32) -> Sprite {
    let percent = percent.min(100);
    let part = |v: u8| u8::try_from((u32::from(v) * percent + 50) / 100).unwrap_or(u8::MAX);
    Sprite {
        argb: sprite.argb.iter().map(|p| p.map(part)).collect(),
        ..*sprite
    }
}

/// Which pixels make one new one: the first, and the weights from there, which sum up to 1.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

impl Taps {
    fn sum(&self, of: impl Fn(usize) -> [f32; 4]) -> [f32; 4] {
        let mut out = [0.0; 4];
        for (i, weight) in self.weights.iter().enumerate() {
            let pixel = of(self.first + i);
            out.iter_mut()
                .zip(pixel)
                .for_each(|(o, v)| *o += weight * v);
        }
        out
    }
}

/// A triangle as wide as a new pixel or as an old one, whichever is wider.
fn taps(old: usize, new: usize) -> Vec<Taps> {
    let step = old as f32 / new as f32;
    let reach = step.max(1.0);
    (0..new)
        .map(|i| {
            let centre = (i as f32 + 0.5) * step - 0.5;
            let first = (centre - reach).ceil().max(0.0) as usize;
            let last = ((centre + reach).floor().max(0.0) as usize).min(old - 1);
            let first = first.min(last);
            let mut weights: Vec<f32> = (first..=last)
                .map(|p| (1.0 - (p as f32 - centre).abs() / reach).max(0.0))
                .collect();
            let sum: f32 = weights.iter().sum();
            if sum > 0.0 {
                weights.iter_mut().for_each(|w| *w /= sum);
            } else {
                weights = vec![1.0; 1];
            }
            Taps { first, weights }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_stays_and_transparent_colours_do_not_bleed() {
        // Half red, half clear.
        let mut sprite = Sprite::clear(64, 64);
        for (i, pixel) in sprite.argb.iter_mut().enumerate() {
            if i % 64 < 32 {
                *pixel = [255, 255, 0, 0];
            }
        }
        for (w, h) in [(16, 16), (17, 5), (1, 1), (100, 90)] {
            let small = scaled(&sprite, w, h);
            assert_eq!((small.width, small.height, small.argb.len()), (w, h, w * h));
            assert!(
                small
                    .argb
                    .iter()
                    .all(|p| p[0] == p[1] && p[2] == 0 && p[3] == 0)
            );
            let sum: f64 = small.argb.iter().map(|p| f64::from(p[0])).sum();
            let mean = sum / (w * h) as f64;
            assert!((mean - 127.5).abs() < 6.0, "{w}x{h}: {mean}");
        }
        let small = scaled(&sprite, 16, 16);
        assert_eq!((small.argb[0], small.argb[15]), ([255, 255, 0, 0], [0; 4]));
        assert_eq!(scaled(&sprite, 64, 64), sprite);
    }

    #[test]
    fn one_colour_stays_that_colour_at_any_size() {
        for (w, h) in [(1, 1), (3, 7), (50, 2), (13, 200)] {
            let sprite = Sprite::filled(w, h, 200, [10, 250, 77]);
            for (to_w, to_h) in [(1, 1), (5, 5), (40, 31), (0, 3)] {
                let other = scaled(&sprite, to_w, to_h);
                assert_eq!(other, Sprite::filled(to_w, to_h, 200, [10, 250, 77]));
            }
        }
        assert_eq!(scaled(&Sprite::clear(0, 0), 3, 3), Sprite::clear(3, 3));
    }

    #[test]
    fn fading_takes_all_four() {
        let sprite = Sprite::filled(2, 2, 200, [255, 100, 0]);
        assert_eq!(faded(&sprite, 50).argb[0], [100, 100, 39, 0]);
        assert_eq!(faded(&sprite, 100), sprite);
        assert_eq!(faded(&sprite, 900), sprite);
        assert_eq!(faded(&sprite, 0), Sprite::clear(2, 2));
    }
}
