//! From glyphs with places to a sprite: letters, boxes for what nobody can write, rim and shadow.

use cosmic_text::CacheKey;

use super::glyphs::{Glyph, Glyphs, Pixels};
use super::layout::{Line, Placed};
use super::shape::{Mark, Shaper};
use super::style::{Outline, Run, Style};
use crate::media::overlay::sprite::{Sprite, laid, premultiplied};

/// Draws a line onto `canvas`, its first glyph at column `x` and its base line in row `y`.
pub(super) fn letters(
    canvas: &mut Sprite,
    line: &Line,
    place: (i32, i32),
    runs: &[Run],
    shaper: &mut Shaper,
    glyphs: &mut Glyphs,
) {
    for placed in &line.glyphs {
        let mark = Mark::of(placed.glyph.metadata);
        let rgb = runs.get(mark.run).map_or([255; 3], |r| r.rgb);
        if mark.missing || placed.glyph.glyph_id == 0 {
            let at = (place.0 + placed.x.round() as i32, place.1);
            missing(canvas, at, placed.width, placed.px, rgb);
            continue;
        }
        let (key, x, y) = place_of(placed, place);
        let Some(drawn) = glyphs.get(&mut shaper.system, key) else {
            continue;
        };
        let at = (x + drawn.left, y + drawn.top);
        match &drawn.pixels {
            Pixels::Colour(sprite) => colours(canvas, sprite, at),
            Pixels::Cover { .. } if mark.thicken => {
                for step in 0..=(placed.px / 26.0).round().max(1.0) as i32 {
                    cover(canvas, &drawn, (at.0 + step, at.1), rgb);
                }
            }
            Pixels::Cover { .. } => cover(canvas, &drawn, at, rgb),
        }
    }
}

/// What is drawn, and the pixel from which: columns in quarters of a pixel, rows whole, so that letters stand still.
fn place_of(placed: &Placed, place: (i32, i32)) -> (CacheKey, i32, i32) {
    let glyph = &placed.glyph;
    let x = place.0 as f32 + placed.x + glyph.x_offset * placed.px;
    let y = place.1 as f32 - glyph.y_offset * placed.px;
    CacheKey::new(
        glyph.font_id,
        glyph.glyph_id,
        placed.px,
        (x, y.trunc()),
        glyph.font_weight,
        glyph.cache_key_flags,
    )
}

fn cover(canvas: &mut Sprite, glyph: &Glyph, at: (i32, i32), rgb: [u8; 3]) {
    if let Pixels::Cover { width, cover } = &glyph.pixels
        && *width > 0
    {
        for (row, line) in cover.chunks_exact(*width).enumerate() {
            for (column, alpha) in line.iter().enumerate().filter(|(_, a)| **a > 0) {
                lay(canvas, at, (column, row), premultiplied(*alpha, rgb));
            }
        }
    }
}

fn colours(canvas: &mut Sprite, sprite: &Sprite, at: (i32, i32)) {
    if sprite.width > 0 {
        for (row, line) in sprite.argb.chunks_exact(sprite.width).enumerate() {
            for (column, pixel) in line.iter().enumerate().filter(|(_, p)| p[0] > 0) {
                lay(canvas, at, (column, row), *pixel);
            }
        }
    }
}

/// Lays a pixel; what is outside is left out.
fn lay(canvas: &mut Sprite, at: (i32, i32), (column, row): (usize, usize), pixel: [u8; 4]) {
    let inside = |from: i32, n: usize, size: usize| {
        let n = i64::from(from) + i64::try_from(n).ok()?;
        usize::try_from(n).ok().filter(|n| *n < size)
    };
    if let (Some(x), Some(y)) = (
        inside(at.0, column, canvas.width),
        inside(at.1, row, canvas.height),
    ) && let Some(under) = canvas.argb.get_mut(y * canvas.width + x)
    {
        *under = laid(*under, pixel);
    }
}

/// An empty box as wide as the glyph and as high as a capital letter.
fn missing(canvas: &mut Sprite, at: (i32, i32), width: f32, px: f32, rgb: [u8; 3]) {
    let gap = (width / 10.0).round().max(1.0) as i32;
    let (wide, tall) = (width.round() as i32 - 2 * gap, (px * 0.72).round() as i32);
    let thick = (px / 18.0).round().max(1.0) as i32;
    let colour = premultiplied(255, rgb);
    for y in 0..tall {
        for x in 0..wide.max(2) {
            let inner = (thick..wide - thick).contains(&x) && (thick..tall - thick).contains(&y);
            if !inner {
                lay(canvas, (at.0 + gap + x, at.1 - tall + y), (0, 0), colour);
            }
        }
    }
}

/// Puts rim and shadow under what is drawn.
pub(super) fn under(canvas: Sprite, style: &Style) -> Sprite {
    if style.outline.is_none() && style.shadow.is_none() {
        return canvas;
    }
    let mut below = Sprite::clear(canvas.width, canvas.height);
    if let Some(shadow) = style.shadow {
        let offset = usize::try_from(shadow.offset).unwrap_or_default();
        for y in offset..canvas.height {
            for x in offset..canvas.width {
                let over = canvas.argb[(y - offset) * canvas.width + x - offset][0];
                let alpha = u32::from(over) * u32::from(shadow.alpha) / 255;
                let alpha = u8::try_from(alpha).unwrap_or(u8::MAX);
                below.argb[y * canvas.width + x] = premultiplied(alpha, [0; 3]);
            }
        }
    }
    if let Some(outline) = style.outline {
        below.lay(&rim(&canvas, outline, style.rim()), 0, 0);
    }
    below.lay(&canvas, 0, 0);
    below
}

/// Everything within `reach` of what is drawn, soft at its edge.
fn rim(canvas: &Sprite, outline: Outline, reach: u32) -> Sprite {
    let reach = i32::try_from(reach).unwrap_or_default();
    let mut brush = Vec::new();
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let distance = (dx as f32).hypot(dy as f32);
            let weight = (reach as f32 + 0.5 - distance).clamp(0.0, 1.0);
            if weight > 0.0 {
                brush.push((dx, dy, (weight * 256.0) as u32));
            }
        }
    }
    let (wide, tall) = (signed(canvas.width), signed(canvas.height));
    let mut cover = vec![0_u8; canvas.argb.len()];
    for (i, pixel) in canvas.argb.iter().enumerate().filter(|(_, p)| p[0] > 0) {
        let (x, y) = (signed(i % canvas.width), signed(i / canvas.width));
        for (dx, dy, weight) in &brush {
            let (x, y) = (x + dx, y + dy);
            if (0..wide).contains(&x) && (0..tall).contains(&y) {
                let value = u8::try_from((u32::from(pixel[0]) * weight) >> 8).unwrap_or(u8::MAX);
                let place = &mut cover[(y * wide + x) as usize];
                *place = (*place).max(value);
            }
        }
    }
    let colour = |c: u8| {
        let alpha = u32::from(c) * u32::from(outline.alpha) / 255;
        premultiplied(u8::try_from(alpha).unwrap_or(u8::MAX), outline.rgb)
    };
    Sprite {
        width: canvas.width,
        height: canvas.height,
        argb: cover.into_iter().map(colour).collect(),
    }
}

fn signed(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}
