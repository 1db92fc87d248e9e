//! Where words stand: within the 5 % that every screen shows, the line at the bottom, the notification at the top left.

use super::blend::{Patch, Sprite};
use super::render::{Run, line};
use crate::device::notice::{Notice, NoticeKind};
use crate::error::Result;
use crate::media::raw::RawFormat;

/// The box behind letters.
const BOX: [u8; 3] = [12, 16, 22];
const BOX_ALPHA: u8 = 165;
const WHITE: [u8; 3] = [255; 3];
const GREY: [u8; 3] = [190, 198, 208];
/// A name's colour where none is given.
const NAME: [u8; 3] = [120, 200, 255];

/// Sizes for one format, pixels.
struct Page {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    /// Base of all letters: the shorter side.
    short: usize,
}

impl Page {
    fn of(format: RawFormat) -> Self {
        let size = |n: u32| usize::try_from(n).unwrap_or_default();
        let (width, height) = (size(format.width), size(format.height));
        Self {
            left: width.div_ceil(20),
            top: height.div_ceil(20),
            width,
            height,
            short: width.min(height),
        }
    }

    fn room(&self) -> usize {
        self.width - 2 * self.left.min(self.width / 2)
    }
}

/// The line: lower third, one line.
///
/// # Errors
/// As [`line`].
pub fn banner(text: &str, format: RawFormat) -> Result<Patch> {
    let page = Page::of(format);
    let size = (page.short / 16).max(8);
    let pad = size * 2 / 5;
    let run = Run {
        text: text.to_owned(),
        rgb: WHITE,
        bold: true,
        small: false,
    };
    let text = line(&[run], size, page.room().saturating_sub(2 * pad))?;
    let sprite = boxed(&[text], pad, None);
    let y = page.height.saturating_sub(page.top + sprite.height);
    Ok(Patch::new(&sprite, signed(page.left), signed(y), format))
}

/// The notification: who and from where in one line, what in the other.
///
/// # Errors
/// As [`line`].
pub fn notice(notice: &Notice, format: RawFormat) -> Result<Patch> {
    let page = Page::of(format);
    let size = (page.short / 22).max(8);
    let (pad, bar) = (size * 2 / 5, (size / 6).max(2));
    let room = (page.room() * 3 / 5).saturating_sub(2 * pad + bar);
    let given = notice.colour.as_deref().and_then(colour);
    let run = |text: String, rgb, bold, small| Run {
        text,
        rgb,
        bold,
        small,
    };
    let mut first = vec![run(
        notice.who.clone(),
        given.map_or(NAME, legible),
        true,
        false,
    )];
    if let Some(platform) = &notice.platform {
        first.push(run(format!("  {platform}"), GREY, false, true));
    }
    let second = [run(notice.what.clone(), WHITE, false, false)];
    let lines = [line(&first, size, room)?, line(&second, size, room)?];
    let sprite = boxed(&lines, pad, Some((bar, accent(notice.kind))));
    Ok(Patch::new(
        &sprite,
        signed(page.left),
        signed(page.top),
        format,
    ))
}

/// Lines one below the other in a box, with a coloured bar at its left side.
fn boxed(lines: &[Sprite], pad: usize, bar: Option<(usize, [u8; 3])>) -> Sprite {
    let side = bar.map_or(0, |(wide, _)| wide);
    let wide = lines.iter().map(|l| l.width).max().unwrap_or_default();
    // A line has room of its own below its letters.
    let tall: usize = lines.iter().map(|l| l.height).sum();
    let (wide, tall) = (side + wide + 2 * pad, tall + pad / 2);
    let mut sprite = Sprite::filled(wide, tall, BOX_ALPHA, BOX);
    if let Some((wide, rgb)) = bar {
        sprite.lay(&Sprite::filled(wide, tall, 255, rgb), 0, 0);
    }
    let mut y = pad / 2;
    for line in lines {
        sprite.lay(line, side + pad, y);
        y += line.height;
    }
    sprite
}

fn accent(kind: NoticeKind) -> [u8; 3] {
    match kind {
        NoticeKind::Chat => [90, 160, 230],
        NoticeKind::Follow => [110, 200, 120],
        NoticeKind::Gift => [240, 190, 60],
        NoticeKind::Order => [240, 120, 60],
        NoticeKind::Question => [180, 130, 240],
    }
}

/// `#rrggbb`.
fn colour(text: &str) -> Option<[u8; 3]> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6)?;
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let n = u32::from_str_radix(digits, 16).ok()?;
    let [_, r, g, b] = n.to_be_bytes();
    Some([r, g, b])
}

/// Half-way to white where it could not be read on the dark box.
fn legible(rgb: [u8; 3]) -> [u8; 3] {
    let [r, g, b] = rgb.map(u32::from);
    let bright = (r * 54 + g * 183 + b * 19) / 256;
    if bright >= 90 {
        return rgb;
    }
    rgb.map(|c| c / 2 + 128)
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_and_made_legible() {
        assert_eq!(colour("#ff8001"), Some([255, 128, 1]));
        for bad in [
            "", "#", "ff8001", "#ff80011", "#ff80é", "#+f8001", "#gg0000",
        ] {
            assert_eq!(colour(bad), None, "{bad}");
        }
        assert_eq!(legible([255, 200, 0]), [255, 200, 0]);
        assert_eq!(legible([0, 0, 255]), [128, 128, 255]);
    }
}
