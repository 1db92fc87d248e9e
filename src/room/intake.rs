//! What bridges send on `P/room/{room}/in/{source}`: JSON, or the bare text of a comment.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Deserialize;

use super::item::{Alert, AlertKind, Comment, Item, MAX_AMOUNT, MAX_COUNT, MAX_TEXT, Rank, Run};
use super::reason::Reason;
use crate::config::Rgb;

/// Largest message, bytes.
pub const MAX_PAYLOAD: usize = 16 * 1024;

/// What happened on the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IncomingKind {
    /// Somebody said something: a comment.
    #[default]
    Chat,
    /// A question: a comment that counts more. To put it on the screen is for the staff (command `alert`).
    Question,
    /// A gift: an alert.
    Gift,
    /// An order: an alert.
    Order,
    /// A new follower: an alert.
    Follow,
    /// Likes: counted, not drawn.
    Like,
}

/// Who the author is to the room, as the platform says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Anybody.
    #[default]
    Viewer,
    /// Moderators and the like.
    Staff,
    /// The owner of the channel.
    Owner,
}

/// A message of a bridge. Fields that are not named here are ignored, for bridges differ; a field of a wrong type or value is
/// a refusal (`malformed`).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Incoming<'a> {
    /// Id of the message on its platform; one that came before from the same source is not taken again (the last 4096 are
    /// remembered).
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    /// What happened; left out: `chat`.
    pub kind: IncomingKind,
    /// Name of the author as it is shown; longer than 40 characters: cut. Needed but for `chat`, `question` and `like`.
    #[serde(borrow)]
    pub who: Option<Cow<'a, str>>,
    /// A name of the author that stays when `who` changes, for the limits of authors; left out: `who`.
    #[serde(borrow)]
    pub author: Option<Cow<'a, str>>,
    /// What was said, at most 500 characters. Needed for `chat` and `question`.
    #[serde(borrow)]
    pub text: Option<Cow<'a, str>>,
    /// Worth of a gift or an order as it is shown, such as "5 €", at most 24 characters.
    #[serde(borrow)]
    pub amount: Option<Cow<'a, str>>,
    /// How many gifts, or likes; left out: 1. With `combo`: how many so far.
    pub count: Option<u64>,
    /// Messages of the same `who` and `kind` with the same word here are one alert with a rising counter.
    #[serde(borrow)]
    pub combo: Option<Cow<'a, str>>,
    /// Who the author is to the room.
    pub role: Role,
    /// Whether a comment was paid for.
    pub paid: bool,
    /// Where a comment is.
    pub run: Run,
    /// Colour of its letters; left out: that of its rank.
    pub colour: Option<Rgb>,
}

/// What a message of a bridge comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something to draw.
    Item(Item),
    /// So many likes.
    Likes(u64),
}

impl<'a> Incoming<'a> {
    /// Reads a message: a JSON object, or else the text of a comment by nobody.
    ///
    /// # Errors
    /// [`Reason::TooLarge`], [`Reason::NotUtf8`], [`Reason::Malformed`].
    pub fn read(payload: &'a [u8]) -> Result<Self, Reason> {
        if payload.len() > MAX_PAYLOAD {
            return Err(Reason::TooLarge);
        }
        let text = std::str::from_utf8(payload).map_err(|_| Reason::NotUtf8)?;
        if text.trim_start().starts_with('{') {
            return serde_json::from_str(text).map_err(|_| Reason::Malformed);
        }
        Ok(Self {
            text: Some(Cow::Borrowed(text)),
            ..Self::default()
        })
    }

    /// What is to be drawn or counted. `source` stands as the platform.
    ///
    /// # Errors
    /// [`Reason::Malformed`] where a field is missing, or amount or combo are too long; [`Reason::TooLong`] and
    /// [`Reason::Empty`] for the text.
    pub fn event(&self, source: &str) -> Result<Event, Reason> {
        let kind = match self.kind {
            IncomingKind::Like => return Ok(Event::Likes(self.count.unwrap_or(1))),
            IncomingKind::Chat | IncomingKind::Question => return self.comment(source),
            IncomingKind::Gift => AlertKind::Gift,
            IncomingKind::Order => AlertKind::Order,
            IncomingKind::Follow => AlertKind::Follow,
        };
        let who = self.who.as_deref().filter(|who| !who.trim().is_empty());
        let count = self.count.unwrap_or(1).clamp(1, MAX_COUNT.into());
        Ok(Event::Item(Item::Alert(Alert {
            kind,
            who: who.ok_or(Reason::Malformed)?.to_owned(),
            what: bounded(self.text.as_deref(), MAX_TEXT, Reason::TooLong)?,
            amount: bounded(self.amount.as_deref(), MAX_AMOUNT, Reason::Malformed)?,
            count: u32::try_from(count).unwrap_or(MAX_COUNT),
            combo: bounded(self.combo.as_deref(), MAX_COMBO, Reason::Malformed)?,
            platform: Some(source.to_owned()),
            colour: self.colour,
        })))
    }

    fn comment(&self, source: &str) -> Result<Event, Reason> {
        let text = bounded(self.text.as_deref(), MAX_TEXT, Reason::TooLong)?;
        Ok(Event::Item(Item::Comment(Comment {
            text: text.ok_or(Reason::Empty)?,
            who: self.who.as_deref().map(str::to_owned),
            rank: self.rank(),
            run: self.run,
            colour: self.colour,
            platform: Some(source.to_owned()),
        })))
    }

    fn rank(&self) -> Rank {
        match (self.paid, self.kind, self.role) {
            (true, _, _) => Rank::Paid,
            (_, IncomingKind::Question, _) => Rank::Question,
            (_, _, Role::Staff | Role::Owner) => Rank::Staff,
            _ => Rank::Text,
        }
    }
}

/// Longest word that names a combo, in characters.
pub const MAX_COMBO: usize = 40;

fn bounded(text: Option<&str>, most: usize, else_: Reason) -> Result<Option<String>, Reason> {
    match text {
        Some(text) if text.chars().nth(most).is_some() => Err(else_),
        text => Ok(text.map(str::to_owned)),
    }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
