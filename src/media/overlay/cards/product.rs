//! A product: picture, name, price, stock, QR code.
//!
//! ```text
//!   ╭───────────────────────────────╮
//!   │ ┌──────┐ name of it   ┌─────┐ │
//!   │ │      │ in two lines │ QR  │ │      Too narrow for that: the letters below the two pictures.
//!   │ │      │ 19.90 €  2̶4̶ €̶ │     │ │
//!   │ └──────┘ 3 left       └─────┘ │
//!   ╰───────────────────────────────╯
//! ```

use std::sync::Arc;

use super::Page;
use super::look::{GOLD, GREY, RED, WHITE, inked, limit, panel, put_line, size};
use crate::device::stage::Product;
use crate::error::Result;
use crate::media::overlay::kit::{picture, qr, qr_modules, rounded_corners, scaled};
use crate::media::overlay::sprite::Sprite;
use crate::media::overlay::text::{Letters, Run, Style};

/// So many or fewer are said in a colour that hurries.
const FEW: u32 = 5;

/// The card of a product, at most `max_width` pixels wide. A picture or an address that cannot be drawn is left out with a
/// warning.
#[must_use]
pub fn product(
    product: &Product,
    page: &Page,
    letters: &mut Letters,
    max_width: u32,
) -> Arc<Sprite> {
    let (pad, gap) = (size(page.part(22)), size(page.part(20)));
    let max = size(max_width);
    let photo = product
        .picture
        .as_ref()
        .and_then(|file| warned("picture", photo(file.bytes(), page)));
    let code = product
        .url
        .as_deref()
        .filter(|url| !url.is_empty())
        .and_then(|url| warned("address", code(url, page, max.saturating_sub(2 * pad))));
    let beside = |s: &Option<Sprite>| s.as_ref().map_or(0, |s| s.width + gap);
    let aside = beside(&photo) + beside(&code) + 2 * pad;
    let least = size(page.part(230));
    let most = size(page.part(430));
    if max >= aside + least {
        let words = Words::of(product, page, letters, most.min(max - aside));
        across(&words, photo.as_ref(), code.as_ref(), page, (pad, gap))
    } else {
        let words = Words::of(
            product,
            page,
            letters,
            most.min(max.saturating_sub(2 * pad)),
        );
        below(&words, photo.as_ref(), code.as_ref(), page, (pad, gap), max)
    }
}

fn warned(what: &str, drawn: Result<Sprite>) -> Option<Sprite> {
    drawn
        .inspect_err(|e| tracing::warn!("The product's {what} is not shown: {}", e.report()))
        .ok()
}

/// Picture, words, code in a row.
fn across(
    words: &Words,
    photo: Option<&Sprite>,
    code: Option<&Sprite>,
    page: &Page,
    (pad, gap): (usize, usize),
) -> Arc<Sprite> {
    let beside = |s: Option<&Sprite>| s.map_or(0, |s| s.width + gap);
    let tall = |s: Option<&Sprite>| s.map_or(0, |s| s.height);
    let inner = words.height.max(tall(photo)).max(tall(code));
    let width = 2 * pad + beside(photo) + words.width + beside(code);
    let mut card = panel(width, inner + 2 * pad, page);
    let middle = |height: usize| pad + (inner - height) / 2;
    let mut x = pad;
    if let Some(photo) = photo {
        card.lay(photo, x, middle(photo.height));
        x += photo.width + gap;
    }
    words.put(&mut card, x, middle(words.height));
    if let Some(code) = code {
        card.lay(code, x + words.width + gap, middle(code.height));
    }
    Arc::new(card)
}

/// Picture and code above, words below; one that has no room beside the other is left out.
fn below(
    words: &Words,
    photo: Option<&Sprite>,
    code: Option<&Sprite>,
    page: &Page,
    (pad, gap): (usize, usize),
    max: usize,
) -> Arc<Sprite> {
    let room = max.saturating_sub(2 * pad);
    let code = code.filter(|c| c.width <= room);
    let taken = code.map_or(0, |c| c.width + gap);
    let photo = photo.filter(|p| p.width + taken <= room);
    let tops: Vec<&Sprite> = photo.into_iter().chain(code).collect();
    let top_width = tops.iter().map(|s| s.width + gap).sum::<usize>();
    let top_width = top_width.saturating_sub(gap);
    let top_height = tops.iter().map(|s| s.height).max().unwrap_or_default();
    let words_at = if tops.is_empty() {
        pad
    } else {
        pad + top_height + gap / 2
    };
    let width = (words.width.max(top_width) + 2 * pad).min(max);
    let mut card = panel(width, words_at + words.height + pad, page);
    let mut x = pad;
    for sprite in tops {
        card.lay(sprite, x, pad + (top_height - sprite.height) / 2);
        x += sprite.width + gap;
    }
    words.put(&mut card, pad, words_at);
    Arc::new(card)
}

/// The picture, as high as the card allows, at most a third wider than that.
fn photo(bytes: &[u8], page: &Page) -> Result<Sprite> {
    let whole = picture(bytes)?;
    let (tall, wide) = (size(page.part(220)), size(page.part(290)));
    let (w, h) = (whole.width.max(1), whole.height.max(1));
    let height = tall.min(wide * h / w).max(1);
    let width = (height * w / h).clamp(1, wide);
    let mut small = scaled(&whole, width, height);
    rounded_corners(&mut small, size(page.part(14)));
    Ok(small)
}

/// The QR code, with modules that a telephone can read from a screen after the picture was compressed.
fn code(url: &str, page: &Page, room: usize) -> Result<Sprite> {
    let count = qr_modules(url)?;
    let wanted = size(page.part(220)) / count;
    let least = size(page.part(5)).max(2);
    let side = wanted.max(least) * count;
    let mut code = qr(url, side.min(room))?;
    // Less than a quarter of the quiet zone.
    let module = code.width / count;
    rounded_corners(&mut code, module);
    Ok(code)
}

/// Name, price and stock, one below the other.
struct Words {
    lines: Vec<(Arc<Sprite>, Style)>,
    width: usize,
    height: usize,
}

impl Words {
    fn of(product: &Product, page: &Page, letters: &mut Letters, room: usize) -> Self {
        let room = room.max(1);
        let name_style = Style::plain(page.part(38));
        let name = Run::new(product.name.as_str(), WHITE);
        let name = letters.block(&[name], &name_style, limit(room, &name_style), 2);
        let mut lines = vec![(name, name_style)];
        lines.extend(price(product, page, letters, room));
        if let Some(left) = product.stock {
            let style = Style::plain(page.part(33));
            let (text, rgb) = stock(left);
            let run = Run::new(text, rgb).bold();
            lines.push((letters.line(&[run], &style, limit(room, &style)), style));
        }
        Self {
            width: lines.iter().map(|(l, s)| inked(l, s)).max().unwrap_or(0),
            height: lines.iter().map(|(l, _)| l.height).sum(),
            lines,
        }
    }

    fn put(&self, card: &mut Sprite, x: usize, mut y: usize) {
        for (line, style) in &self.lines {
            put_line(card, line, style, x, y);
            y += line.height;
        }
    }
}

/// Price, and the old one behind it, or below it where there is no room.
fn price(
    product: &Product,
    page: &Page,
    letters: &mut Letters,
    room: usize,
) -> Vec<(Arc<Sprite>, Style)> {
    let style = Style::plain(page.part(58));
    let run = Run::new(product.price.as_str(), GOLD).bold();
    let new = letters.line(&[run], &style, limit(room, &style));
    let old_style = Style::plain(page.part(36));
    let Some(old) = product.old_price.as_deref().filter(|p| !p.is_empty()) else {
        return vec![(new, style)];
    };
    let old = letters.line(&[Run::new(old, GREY)], &old_style, limit(room, &old_style));
    let old = crossed(&old, &old_style);
    let gap = size(page.part(16));
    let both = inked(&new, &style) + gap + inked(&old, &old_style);
    if both > room {
        return vec![(new, style), (Arc::new(old), old_style)];
    }
    let margins = 2 * size(style.margin());
    let mut line = Sprite::clear(both + margins, new.height);
    line.lay(&new, 0, 0);
    let x = size(style.margin()) + inked(&new, &style) + gap;
    // On the same base line.
    let y = size(style.baseline() - old_style.baseline());
    put_line(&mut line, &old, &old_style, x, y);
    vec![(Arc::new(line), style)]
}

/// A line through the middle of small letters.
fn crossed(line: &Sprite, style: &Style) -> Sprite {
    let mut out = line.clone();
    let thick = size(style.px / 14).max(1);
    let margin = size(style.margin()) / 2;
    let bar = Sprite::filled(line.width.saturating_sub(2 * margin), thick, 255, RED);
    let y = size(style.baseline().saturating_sub(style.px * 3 / 10));
    out.lay(&bar, margin, y.saturating_sub(thick / 2));
    out
}

fn stock(left: u32) -> (String, [u8; 3]) {
    match left {
        0 => ("sold out".into(), RED),
        n @ 1..=FEW => (format!("{n} left"), RED),
        n => (format!("{n} left"), GREY),
    }
}
