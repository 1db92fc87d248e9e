//! What all cards have in common: colours, the panel behind letters, and how parts are put on it.

use super::Page;
use crate::media::overlay::kit::rounded;
use crate::media::overlay::sprite::{Sprite, laid};
use crate::media::overlay::text::Style;
use crate::room::item::AlertKind;

/// The panel behind letters.
const PANEL: [u8; 3] = [14, 17, 24];
const PANEL_ALPHA: u8 = 218;
pub(super) const WHITE: [u8; 3] = [255; 3];
pub(super) const GREY: [u8; 3] = [184, 192, 204];
/// What is good: a price, a winner.
pub(super) const GOLD: [u8; 3] = [255, 205, 86];
/// What is urgent: few are left.
pub(super) const RED: [u8; 3] = [255, 128, 112];
/// Letters on a bright ground.
pub(super) const DARK: [u8; 3] = [18, 20, 28];
/// A name's colour where none is given.
pub(super) const NAME: [u8; 3] = [138, 206, 255];

/// Least relative luminance (WCAG 2.2) of letters: 4.5 to 1 against the panel, even where the picture behind it is white.
const BRIGHT: f32 = 0.33;

/// The panel of a card, with round corners.
#[must_use]
pub fn panel(width: usize, height: usize, page: &Page) -> Sprite {
    rounded(width, height, size(page.part(20)), PANEL_ALPHA, PANEL)
}

/// The colour that stands for a kind of alert.
#[must_use]
pub fn accent(kind: AlertKind) -> [u8; 3] {
    match kind {
        AlertKind::Chat => [86, 170, 245],
        AlertKind::Follow => [255, 105, 135],
        AlertKind::Gift => [255, 190, 60],
        AlertKind::Order => [88, 205, 130],
        AlertKind::Question => [178, 145, 255],
    }
}

/// The colour itself where it can be read on a panel, else one nearer to white.
#[must_use]
pub fn legible(rgb: [u8; 3]) -> [u8; 3] {
    (0..=8)
        .map(|step| rgb.map(|c| c + u8::try_from((255 - u32::from(c)) * step / 8).unwrap_or(0)))
        .find(|mixed| luminance(*mixed) >= BRIGHT)
        .unwrap_or(WHITE)
}

/// Relative luminance, 0 to 1: WCAG 2.2.
fn luminance(rgb: [u8; 3]) -> f32 {
    let [r, g, b] = rgb.map(|c| {
        let c = f32::from(c) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Puts a line so that its letters begin at column `x`, its top at row `y`.
pub(super) fn put_line(card: &mut Sprite, line: &Sprite, style: &Style, x: usize, y: usize) {
    card.lay(line, x.saturating_sub(size(style.margin())), y);
}

/// Puts a line so that its letters end before column `right`.
pub(super) fn put_right(card: &mut Sprite, line: &Sprite, style: &Style, right: usize, y: usize) {
    let end = right + size(style.margin());
    card.lay(line, end.saturating_sub(line.width), y);
}

/// Columns that the letters of a line take, without its margins.
pub(super) fn inked(line: &Sprite, style: &Style) -> usize {
    line.width.saturating_sub(2 * size(style.margin()))
}

/// How wide a line may be whose letters may take `room` columns.
pub(super) fn limit(room: usize, style: &Style) -> u32 {
    u32::try_from(room)
        .unwrap_or(u32::MAX)
        .saturating_add(2 * style.margin())
}

/// A bar across: `part` of 1000 of the width in `rgb`, the rest faint.
pub(super) fn bar(width: usize, height: usize, part: u32, rgb: [u8; 3], alpha: u8) -> Sprite {
    let radius = height / 4;
    let mut bar = rounded(width, height, radius, 30, WHITE);
    let filled = width * size(part.min(1000)) / 1000;
    let full = rounded(width, height, radius, alpha, rgb);
    for y in 0..height {
        for x in 0..filled {
            let i = y * width + x;
            bar.argb[i] = laid(bar.argb[i], full.argb[i]);
        }
    }
    bar
}

pub(super) fn size(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_becomes_legible_and_legible_ones_stay() {
        assert_eq!(legible([255, 200, 0]), [255, 200, 0]);
        assert_eq!(legible(NAME), NAME);
        // The panel over white, the worst that can be behind it.
        let keep = f32::from(255 - PANEL_ALPHA) / 255.0;
        let behind = PANEL.map(|c| (f32::from(c) * (1.0 - keep) + 255.0 * keep).round() as u8);
        for r in (0..=255).step_by(51) {
            for g in (0..=255).step_by(51) {
                for b in (0..=255).step_by(51) {
                    let rgb = legible([r, g, b]);
                    let contrast = (luminance(rgb) + 0.05) / (luminance(behind) + 0.05);
                    assert!(contrast >= 4.5, "{rgb:?}: {contrast}");
                }
            }
        }
        for kind in [
            AlertKind::Chat,
            AlertKind::Follow,
            AlertKind::Gift,
            AlertKind::Order,
            AlertKind::Question,
        ] {
            assert!(luminance(accent(kind)) > 0.3, "{kind:?}");
        }
    }

    #[test]
    fn bars_are_filled_by_their_share() {
        let filled = |part| {
            let bar = bar(1000, 9, part, GOLD, 255);
            let row = &bar.argb[4 * 1000..5 * 1000];
            row.iter().filter(|p| p[0] == 255).count()
        };
        assert_eq!([0, 1, 500, 1000, 4000].map(filled), [0, 1, 500, 1000, 1000]);
    }
}
