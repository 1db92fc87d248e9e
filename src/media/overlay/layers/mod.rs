//! From what a layer says to a sprite of it, no larger than its zone.

mod board;
/// Comments that run over the picture, as sprites.
pub(super) mod comments;
/// Logo: from a file or by command, scaled.
pub(super) mod logo;
/// Line that runs along the bottom.
pub(super) mod ticker;
/// Clock, date and countdown as text.
pub(super) mod time;

use std::sync::Arc;

use super::cards;
use super::motion::Motion;
use super::sprite::Sprite;
use super::text::Letters;
use super::zones::Page;
use crate::device::stage::{Layer, LowerThird, Poll, Product};
use crate::room::item::{Alert, ItemId};

/// What a layer shows; equal contents look the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Clock(String),
    Status { live: bool, text: String },
    Logo(logo::Look),
    Ticker(String),
    Banner(String),
    LowerThird(LowerThird),
    Poll(Poll),
    Product(Product),
    Countdown { title: Option<String>, left: String },
    Alert(ItemId, Alert),
}

impl Content {
    /// Its layer.
    pub(super) fn layer(&self) -> Layer {
        match self {
            Self::Clock(_) => Layer::Clock,
            Self::Status { .. } => Layer::Status,
            Self::Logo(_) => Layer::Logo,
            Self::Ticker(_) => Layer::Ticker,
            Self::Banner(_) => Layer::Banner,
            Self::LowerThird(_) => Layer::LowerThird,
            Self::Poll(_) => Layer::Poll,
            Self::Product(_) => Layer::Product,
            Self::Countdown { .. } => Layer::Countdown,
            Self::Alert(..) => Layer::Alert,
        }
    }

    /// Whether anything in it is written.
    pub(super) fn has_letters(&self) -> bool {
        !matches!(self, Self::Logo(_))
    }

    /// Whether `other` is the same thing with other words: it does not come in anew.
    pub(super) fn continues(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Alert(id, _), Self::Alert(before, _)) => id == before,
            (Self::Poll(poll), Self::Poll(before)) => poll.question == before.question,
            (Self::Product(product), Self::Product(before)) => product.name == before.name,
            (Self::Logo(look), Self::Logo(before)) => !look.is_other_picture(before),
            (Self::Clock(_), Self::Clock(_))
            | (Self::Status { .. }, Self::Status { .. })
            | (Self::Countdown { .. }, Self::Countdown { .. }) => true,
            (a, b) => a == b,
        }
    }

    /// How much of it is seen, 0 to 256.
    pub(super) fn opacity(&self) -> u16 {
        match self {
            Self::Logo(look) => look.opacity(),
            _ => 256,
        }
    }
}

/// Letters and sizes for one picture.
pub(super) struct Studio<'a> {
    pub(super) page: Page,
    pub(super) letters: &'a mut Letters,
}

impl Studio<'_> {
    /// Draws `content`, at most `limit` pixels wide and high: smaller where that is needed; `None`: it would not be legible, or
    /// there is nothing to see.
    pub(super) fn draw(&mut self, content: &Content, limit: (u32, u32)) -> Option<Arc<Sprite>> {
        let sprite = match content {
            Content::Logo(look) => return look.scaled(limit),
            Content::Alert(_, alert) => self.card(limit, |page, letters, width| {
                cards::alert(alert, page, letters, width)
            }),
            Content::Poll(poll) => self.card(limit, |page, letters, width| {
                cards::poll(poll, page, letters, width)
            }),
            Content::Product(product) => self.card(limit, |page, letters, width| {
                cards::product(product, page, letters, width)
            }),
            other => self.boxed(limit, |letters, px| board::board(other, letters, px, limit)),
        };
        sprite.filter(|s| s.width > 0 && s.height > 0)
    }

    /// A card becomes smaller as if the picture were.
    fn card(
        &mut self,
        limit: (u32, u32),
        mut make: impl FnMut(&cards::Page, &mut Letters, u32) -> Arc<Sprite>,
    ) -> Option<Arc<Sprite>> {
        let whole = cards::Page::new(self.page.width, self.page.height);
        fitting(limit, 100, 30, |percent| {
            let page = cards::Page {
                short: (whole.short * percent / 100).max(1),
                ..whole
            };
            make(&page, self.letters, limit.0)
        })
    }

    fn boxed(
        &mut self,
        limit: (u32, u32),
        mut make: impl FnMut(&mut Letters, u32) -> Sprite,
    ) -> Option<Arc<Sprite>> {
        fitting(limit, self.page.letters, 6, |px| {
            Arc::new(make(self.letters, px))
        })
    }
}

/// Makes something of size `full` or smaller, down to `least`, until it fits.
fn fitting(
    limit: (u32, u32),
    full: u32,
    least: u32,
    mut make: impl FnMut(u32) -> Arc<Sprite>,
) -> Option<Arc<Sprite>> {
    let mut size = full;
    for _ in 0..5 {
        let sprite = make(size);
        let over = |own: usize, limit: u32| own as f64 / f64::from(limit.max(1));
        let worst = over(sprite.width, limit.0).max(over(sprite.height, limit.1));
        if worst <= 1.0 {
            return Some(sprite);
        }
        let next = (f64::from(size) / worst * 0.97) as u32;
        size = next.clamp(least, size.saturating_sub(1).max(least));
        if size == least && next < least / 2 {
            return None;
        }
    }
    None
}

/// How a layer comes in at (`x`, `y`).
pub(super) fn entrance(layer: Layer, begin: u64, (x, y): (i32, i32), width: i32) -> Motion {
    use super::motion::Path::{Ease, Still};
    const MS: u64 = 1_000_000;
    let slide = |by: i32, ns: u64| Ease {
        from: (x + by, y),
        to: (x, y),
        ns,
    };
    let (path, fade_in) = match layer {
        Layer::LowerThird | Layer::Alert | Layer::Poll => (slide(-width, 420 * MS), 180 * MS),
        Layer::Product => (slide(width, 420 * MS), 180 * MS),
        _ => (Still { x, y }, 250 * MS),
    };
    Motion {
        path,
        fade_in,
        ..Motion::still(begin, x, y)
    }
}
