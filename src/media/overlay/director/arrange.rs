//! Gives layers their zones, has them drawn, and sets them in motion.

use std::sync::Arc;

use super::cast::New;
use super::{Director, Warning};
use crate::config::Corner;
use crate::device::stage::Layer;
use crate::media::overlay::ink::Ink;
use crate::media::overlay::layers::ticker::Running;
use crate::media::overlay::layers::{Content, Studio};
use crate::media::overlay::motion::Rect;
use crate::media::overlay::sprite::Sprite;
use crate::media::overlay::text::{Run, Style};
use crate::media::overlay::zones::{Page, Zones};
use crate::media::raw::RawFormat;

/// Widest line of a ticker, pixels: 500 wide characters in a picture of 1080 lines.
const TICKER: u32 = 24_000;

impl Director {
    /// Everything that `wanted` says is on the picture from `t` ns on, and nothing else; says whether anything looks different.
    pub(super) fn arrange(
        &mut self,
        wanted: Vec<(Content, Corner)>,
        t: u64,
        format: RawFormat,
    ) -> bool {
        if wanted.iter().any(|(content, _)| content.has_letters()) {
            self.load_letters();
        }
        let page = Page::new(format.width, format.height, self.overlay.safe_percent);
        self.zones = Zones::new(page);
        let mut changed = false;
        let mut shown = Vec::new();
        for (content, corner) in &wanted {
            let layer = content.layer();
            match self.give_place(content, *corner, format) {
                Some(new) => {
                    shown.push(layer);
                    changed |= self.show(new, t, format);
                }
                None if content.has_letters() && self.no_letters => {}
                None => self.warn(Warning::NoRoom {
                    layer,
                    width: format.width,
                    height: format.height,
                }),
            }
        }
        for layer in Layer::ALL.into_iter().filter(|l| !shown.contains(l)) {
            if layer == Layer::Ticker && self.ticker.take().is_some() {
                self.cast.end_ticker(t);
            }
            changed |= self.cast.hide(layer, t);
        }
        self.wanted = wanted;
        changed
    }

    /// A zone, and what is drawn in it: what was drawn before where that is still right.
    fn give_place(&mut self, content: &Content, corner: Corner, format: RawFormat) -> Option<New> {
        let layer = content.layer();
        let limit = self.zones.limit(layer, corner)?;
        let kept = self.cast.role(layer).filter(|role| {
            let fits = role.rect.width <= limit.0 && role.rect.height <= limit.1;
            let as_large = role.limit == limit || (fits && role.limit.0 <= limit.0);
            role.content == *content && as_large
        });
        let (ink, limit) = match kept {
            Some(role) => (role.ink.clone(), role.limit),
            None => (self.draw(content, limit, format)?, limit),
        };
        let rect = self
            .zones
            .take(layer, corner, (ink.width(), ink.height()))?;
        Some(New {
            content: content.clone(),
            limit,
            ink,
            rect,
        })
    }

    fn draw(
        &mut self,
        content: &Content,
        limit: (u32, u32),
        format: RawFormat,
    ) -> Option<Arc<Ink>> {
        let sprite: Arc<Sprite> = match content {
            Content::Logo(look) => look.scaled(limit)?,
            other => {
                let page = self.zones.page();
                let letters = self.letters.as_mut()?;
                Studio { page, letters }.draw(other, limit)?
            }
        };
        Some(Arc::new(Ink::new(&sprite, format.pixel)))
    }

    fn show(&mut self, new: New, t: u64, format: RawFormat) -> bool {
        let layer = new.content.layer();
        let before = self.cast.role(layer);
        let same = before.is_some_and(|role| {
            role.content == new.content && role.rect == new.rect && Arc::ptr_eq(&role.ink, &new.ink)
        });
        if same {
            return false;
        }
        let rises = match (before.map(|role| &role.content), &new.content) {
            (Some(Content::Alert(id, before)), Content::Alert(own, alert)) => {
                id == own && alert.count > before.count
            }
            _ => false,
        };
        if let Content::Ticker(text) = &new.content {
            self.start_ticker(&text.clone(), new.rect, t, format);
        }
        let jump = if rises { self.zones.page().gap } else { 0 };
        self.cast.show(layer, new, t, jump);
        true
    }

    /// The ticker's line in its bar; the same line in the same bar runs on.
    fn start_ticker(&mut self, text: &str, bar: Rect, t: u64, format: RawFormat) {
        let page = self.zones.page();
        let Some(letters) = &mut self.letters else {
            return;
        };
        let style = Style::plain(page.letters.min(bar.height));
        let line = letters.line(&[Run::new(text, [255; 3])], &style, TICKER);
        let ink = Arc::new(Ink::new(&line, format.pixel));
        let side = page.gap.min(bar.width / 8);
        let inner = Rect {
            x: bar.x + i32::try_from(side).unwrap_or_default(),
            width: bar.width - 2 * side,
            ..bar
        };
        self.cast.end_ticker(t);
        self.ticker = Some(Running::new(ink, inner, t, 3 * page.letters));
    }
}
