//! Follow, gift, order, question, notification: one card each.
//!
//! ```text
//!   ╭──────────────────────────────────────╮
//!   │  ◉   name  platform           amount │
//!   │      what was said, two lines    ×12 │
//!   ╰──────────────────────────────────────╯
//! ```

use std::sync::Arc;

use super::Page;
use super::look::{
    DARK, GREY, NAME, WHITE, accent, inked, legible, limit, panel, put_line, put_right, size,
};
use crate::media::overlay::kit::{Icon, icon, rounded};
use crate::media::overlay::sprite::Sprite;
use crate::media::overlay::text::{Letters, Run, Style};
use crate::room::item::{Alert, AlertKind};

/// Lines of what was said.
const LINES: u32 = 2;

/// The card of an alert, at most `max_width` pixels wide.
#[must_use]
pub fn alert(alert: &Alert, page: &Page, letters: &mut Letters, max_width: u32) -> Arc<Sprite> {
    let (pad, gap) = (size(page.part(22)), size(page.part(18)));
    let mark = mark(alert.kind, page, letters);
    let side = Side::of(alert, page, letters, max_width / 3);
    let aside = if side.width > 0 { side.width + gap } else { 0 };
    let left = pad + mark.width + gap;
    let room = size(max_width).saturating_sub(left + aside + pad).max(1);

    let name_style = Style::plain(page.part(46));
    let name = letters.line(&name_runs(alert), &name_style, limit(room, &name_style));
    let what_style = Style::plain(page.part(39));
    let what = alert
        .what
        .as_deref()
        .map(str::trim)
        .filter(|w| !w.is_empty());
    let what = what.map(|what| {
        let run = Run::new(what, WHITE);
        letters.block(&[run], &what_style, limit(room, &what_style), LINES)
    });
    let text_width = what
        .iter()
        .map(|w| inked(w, &what_style))
        .chain([inked(&name, &name_style)])
        .max()
        .unwrap_or_default();
    // Lines have room of their own above and below their letters.
    let text_height = name.height + what.as_ref().map_or(0, |w| w.height);
    let tallest = text_height.max(side.height).max(mark.height + pad);
    let height = tallest + pad * 2 / 3;
    let width = (left + text_width + aside + pad).min(size(max_width));

    let mut card = panel(width, height, page);
    card.lay(&mark, pad, (height - mark.height) / 2);
    let mut y = (height - text_height) / 2;
    put_line(&mut card, &name, &name_style, left, y);
    y += name.height;
    if let Some(what) = what {
        put_line(&mut card, &what, &what_style, left, y);
    }
    side.put(&mut card, width - pad.min(width));
    Arc::new(card)
}

fn name_runs(alert: &Alert) -> Vec<Run> {
    let rgb = alert.colour.map_or(NAME, |c| legible(c.0));
    let mut runs = vec![Run::new(alert.who.as_str(), rgb).bold()];
    if let Some(platform) = alert.platform.as_deref().filter(|p| !p.is_empty()) {
        runs.push(Run::new(format!("  {platform}"), GREY).sized(62));
    }
    runs
}

/// The kind's sign, dark on a disc of its colour.
fn mark(kind: AlertKind, page: &Page, letters: &mut Letters) -> Sprite {
    let side = size(page.part(88));
    let mut disc = icon(Icon::Disc, side, accent(kind));
    let inner = side * 58 / 100;
    let what = match kind {
        AlertKind::Chat => Icon::Bubble,
        AlertKind::Follow => Icon::Heart,
        AlertKind::Gift => Icon::Gift,
        AlertKind::Order => Icon::Cart,
        AlertKind::Question => {
            let style = Style::plain(page.part(66));
            let glyph = letters.line(&[Run::new("?", DARK).bold()], &style, page.part(200));
            let x = side.saturating_sub(glyph.width) / 2;
            disc.lay(&glyph, x, side.saturating_sub(glyph.height) / 2);
            return disc;
        }
    };
    let inset = (side - inner) / 2;
    disc.lay(&icon(what, inner, DARK), inset, inset);
    disc
}

/// The right side: worth, and how many.
struct Side {
    amount: Option<Arc<Sprite>>,
    count: Option<Arc<Sprite>>,
    styles: [Style; 2],
    /// Around the amount.
    pill: usize,
    rgb: [u8; 3],
    width: usize,
    height: usize,
}

impl Side {
    fn of(alert: &Alert, page: &Page, letters: &mut Letters, max_width: u32) -> Self {
        let rgb = accent(alert.kind);
        let styles = [Style::plain(page.part(38)), Style::plain(page.part(62))];
        let pill = size(page.part(14));
        let amount = alert.amount.as_deref().filter(|a| !a.trim().is_empty());
        let amount = amount
            .map(|amount| letters.line(&[Run::new(amount, DARK).bold()], &styles[0], max_width));
        let count = (alert.count > 1).then(|| {
            let run = Run::new(format!("×{}", alert.count), rgb).bold();
            letters.line(&[run], &styles[1], max_width)
        });
        let amount_width = amount
            .as_ref()
            .map_or(0, |a| inked(a, &styles[0]) + 2 * pill);
        let count_width = count.as_ref().map_or(0, |c| inked(c, &styles[1]));
        Self {
            width: amount_width.max(count_width),
            height: amount.as_ref().map_or(0, |a| a.height)
                + count.as_ref().map_or(0, |c| c.height),
            amount,
            count,
            styles,
            pill,
            rgb,
        }
    }

    /// Puts it into the middle of the card's height, before column `right`.
    fn put(&self, card: &mut Sprite, right: usize) {
        let mut y = card.height.saturating_sub(self.height) / 2;
        let [amount_style, count_style] = &self.styles;
        if let Some(amount) = &self.amount {
            let wide = inked(amount, amount_style) + 2 * self.pill;
            let trim = amount.height / 8;
            let tall = amount.height - 2 * trim;
            let ground = rounded(wide, tall, tall / 2, 255, self.rgb);
            card.lay(&ground, right.saturating_sub(wide), y + trim);
            let end = right.saturating_sub(self.pill);
            put_right(card, amount, amount_style, end, y);
            y += amount.height;
        }
        if let Some(count) = &self.count {
            put_right(card, count, count_style, right, y);
        }
    }
}
