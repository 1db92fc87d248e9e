//! Likes and symbolic gifts of a show.

use std::collections::{HashMap, VecDeque};

use super::act::{By, Refusal};
use super::event::{Event, Fact};
use super::state::{Decision, Live, Now};
use super::texts::{bad, word};
use super::view::Gift;

/// What can be given, and its sign.
pub(super) const GIFTS: [(&str, &str); 8] = [
    ("heart", "❤️"),
    ("rose", "🌹"),
    ("coffee", "☕"),
    ("star", "⭐"),
    ("rocket", "🚀"),
    ("cake", "🎂"),
    ("crown", "👑"),
    ("fireworks", "🎆"),
];
/// Combos that are remembered.
const MAX_COMBOS: usize = 20_000;
/// Highest count of a combo.
const MAX_COUNT: u32 = 9_999;

/// Whose combo: viewer, or origin and name of one elsewhere; then its word and the gift.
type Key = (u64, String, String);

/// Likes and combos.
#[derive(Debug, Default)]
pub(super) struct Gifts {
    pub likes: u64,
    combos: HashMap<Key, u32>,
    order: VecDeque<Key>,
}

fn key(viewer: u64, origin: Option<&str>, name: &str, combo: &str, gift: &str) -> Key {
    match origin {
        Some(origin) => (0, format!("{origin}\n{name}\n{combo}"), gift.to_owned()),
        None => (viewer, combo.to_owned(), gift.to_owned()),
    }
}

impl Gifts {
    pub(super) fn apply(&mut self, event: &Event) {
        match &event.fact {
            Fact::Liked { n } => self.likes = self.likes.saturating_add(u64::from(*n)),
            Fact::Gave {
                gift,
                name,
                combo,
                count,
                origin,
                ..
            } => {
                let key = key(event.viewer, origin.as_deref(), name, combo, gift);
                if let Some(known) = self.combos.get_mut(&key) {
                    *known = (*known).max(*count);
                    return;
                }
                self.combos.insert(key.clone(), *count);
                self.order.push_back(key);
                if self.order.len() > MAX_COMBOS
                    && let Some(oldest) = self.order.pop_front()
                {
                    self.combos.remove(&oldest);
                }
            }
            _ => {}
        }
    }

    pub(super) fn list() -> Vec<Gift> {
        let gift = |(gift, emoji): &(&str, &str)| Gift {
            gift: (*gift).into(),
            emoji: (*emoji).into(),
        };
        GIFTS.iter().map(gift).collect()
    }
}

impl Live {
    pub(super) fn decide_like(&self, by: &By, n: u32) -> Result<Decision, Refusal> {
        self.viewer(by)?;
        if !(1..=100).contains(&n) {
            return Err(bad("n is 1 to 100."));
        }
        Ok(Decision::of(vec![Fact::Liked { n }], None))
    }

    pub(super) fn decide_give(
        &self,
        by: &By,
        gift: &str,
        combo: &str,
        count: u32,
        now: Now,
    ) -> Result<Decision, Refusal> {
        self.viewer(by)?;
        let name = self.speaker(by, now)?;
        if !GIFTS.iter().any(|(known, _)| *known == gift) {
            return Err(bad("There is no such gift."));
        }
        self.give(by.viewer, name, gift.to_owned(), combo, count, None)
    }

    pub(super) fn give_from(
        &self,
        origin: String,
        name: String,
        gift: &str,
        combo: &str,
        count: u32,
    ) -> Result<Decision, Refusal> {
        let gift = self.texts.audience(gift, 40)?;
        self.give(0, name, gift, combo, count, Some(origin))
    }

    fn give(
        &self,
        viewer: u64,
        name: String,
        gift: String,
        combo: &str,
        count: u32,
        origin: Option<String>,
    ) -> Result<Decision, Refusal> {
        let combo = word(combo, 128)?;
        if !(1..=MAX_COUNT).contains(&count) {
            return Err(bad(format!("count is 1 to {MAX_COUNT}.")));
        }
        let before = self
            .gifts
            .combos
            .get(&key(viewer, origin.as_deref(), &name, &combo, &gift));
        let before = before.copied().unwrap_or(0);
        // The highest count that was told counts: what comes late or twice changes nothing.
        let Some(more) = count.checked_sub(before).filter(|more| *more > 0) else {
            return Ok(Decision::again(None));
        };
        let fact = Fact::Gave {
            gift,
            name,
            combo,
            count,
            more,
            origin,
        };
        Ok(Decision::of(vec![fact], None))
    }
}
