//! Boxes with round corners, smooth at their edges.

use crate::media::overlay::sprite::{Sprite, premultiplied};

/// A box of one colour whose corners are quarters of circles of `radius` pixels (at most half of the shorter side).
#[must_use]
pub fn rounded(width: usize, height: usize, radius: usize, alpha: u8, rgb: [u8; 3]) -> Sprite {
    let mut sprite = Sprite::filled(width, height, alpha, rgb);
    rounded_corners(&mut sprite, radius);
    sprite
}

/// Cuts the corners of a sprite to quarters of circles of `radius` pixels (at most half of the shorter side).
pub fn rounded_corners(sprite: &mut Sprite, radius: usize) {
    let (width, height) = (sprite.width, sprite.height);
    let radius = radius.min(width / 2).min(height / 2);
    for y in 0..radius {
        for x in 0..radius {
            let cover = corner(x, y, radius);
            for (x, y) in [
                (x, y),
                (width - 1 - x, y),
                (x, height - 1 - y),
                (width - 1 - x, height - 1 - y),
            ] {
                let pixel = &mut sprite.argb[y * width + x];
                *pixel = pixel.map(|v| (f32::from(v) * cover).round() as u8);
            }
        }
    }
}

/// Share of the pixel (`x`, `y`) that is inside the quarter circle at the top left.
fn corner(x: usize, y: usize, radius: usize) -> f32 {
    let from = |n: usize| radius as f32 - n as f32 - 0.5;
    let distance = from(x).hypot(from(y));
    (radius as f32 + 0.5 - distance).clamp(0.0, 1.0)
}

/// A premultiplied pixel of `rgb`, `cover` (0 to 1) of it.
pub(in crate::media::overlay) fn covered(cover: f32, rgb: [u8; 3]) -> [u8; 4] {
    premultiplied((cover.clamp(0.0, 1.0) * 255.0).round() as u8, rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_round_and_smooth_and_the_same_on_all_four() {
        let sprite = rounded(40, 30, 10, 200, [10, 20, 30]);
        let alpha = |x: usize, y: usize| sprite.argb[y * 40 + x][0];
        assert_eq!(alpha(0, 0), 0);
        assert_eq!(alpha(20, 0), 200);
        assert_eq!(alpha(0, 15), 200);
        assert_eq!(alpha(20, 15), 200);
        assert!(
            (0..10).any(|x| (1..200).contains(&alpha(x, 1))),
            "no soft edge"
        );
        for y in 0..30 {
            for x in 0..40 {
                assert_eq!(alpha(x, y), alpha(39 - x, y));
                assert_eq!(alpha(x, y), alpha(x, 29 - y));
            }
        }
        // The circle's area, within a pixel along its rim.
        let inside: f32 = (0..10)
            .flat_map(|y| (0..10).map(move |x| (x, y)))
            .map(|(x, y)| f32::from(alpha(x, y)) / 200.0)
            .sum();
        let quarter = std::f32::consts::FRAC_PI_4 * 100.0;
        assert!((inside - quarter).abs() < 2.0, "{inside} for {quarter}");
    }

    #[test]
    fn any_size_and_radius_is_a_box() {
        for (w, h, r) in [(0, 0, 5), (1, 1, 5), (3, 100, 50), (100, 3, 0), (7, 7, 3)] {
            let sprite = rounded(w, h, r, 255, [255; 3]);
            assert_eq!(
                (sprite.width, sprite.height, sprite.argb.len()),
                (w, h, w * h)
            );
        }
    }
}
