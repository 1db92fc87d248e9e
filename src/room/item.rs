//! What people said or did, as plain data. [`super::Room::take`] bounds everything in it; what of the text may be seen,
//! moderation says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Rgb;

/// Longest name, in characters.
pub const MAX_WHO: usize = 40;
/// Longest text that is looked at, in characters; on the picture are `moderation.max_graphemes` at most.
pub const MAX_TEXT: usize = 500;
/// Longest name of a platform, in characters.
pub const MAX_PLATFORM: usize = 24;
/// Longest amount, such as "5 €", in characters.
pub const MAX_AMOUNT: usize = 24;
/// Highest count of a combo.
pub const MAX_COUNT: u32 = 999_999;

/// How much a comment counts: the lowest goes first when there is no room.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Rank {
    /// What a viewer says.
    #[default]
    Text,
    /// What the staff say.
    Staff,
    /// A question.
    Question,
    /// What was paid for.
    Paid,
}

/// Where a comment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Run {
    /// It runs from right to left.
    #[default]
    Scroll,
    /// It stands at the top, in the middle.
    Top,
    /// It stands at the bottom, in the middle.
    Bottom,
}

/// A comment over the picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// What is said, 1 to 500 characters.
    pub text: String,
    /// Who says it, at most 40 characters; left out: nobody is named, and no limit of an author counts.
    #[serde(default)]
    pub who: Option<String>,
    /// How much it counts.
    #[serde(default)]
    pub rank: Rank,
    /// Where it is.
    #[serde(default)]
    pub run: Run,
    /// Colour of its letters; left out: that of its rank.
    #[serde(default)]
    pub colour: Option<Rgb>,
    /// From which platform, at most 24 characters.
    #[serde(default)]
    pub platform: Option<String>,
}

/// What an alert is about; later ones count more.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AlertKind {
    /// Somebody said something.
    #[default]
    Chat,
    /// Somebody follows.
    Follow,
    /// A question.
    Question,
    /// A gift.
    Gift,
    /// An order.
    Order,
}

/// A card that is shown for a while, one at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// About what.
    pub kind: AlertKind,
    /// Who, 1 to 40 characters.
    pub who: String,
    /// What they said, gave or bought, at most 500 characters.
    #[serde(default)]
    pub what: Option<String>,
    /// Its worth as it is shown, such as "5 €", at most 24 characters.
    #[serde(default)]
    pub amount: Option<String>,
    /// How many, 1 to 999,999.
    #[serde(default = "one")]
    pub count: u32,
    /// Alerts of the same person and kind with the same word here are one alert with a rising counter (the highest count
    /// that was told, never a sum); at most 40 characters.
    #[serde(default)]
    pub combo: Option<String>,
    /// From which platform, at most 24 characters.
    #[serde(default)]
    pub platform: Option<String>,
    /// Colour of the name.
    #[serde(default)]
    pub colour: Option<Rgb>,
}

fn one() -> u32 {
    1
}

/// One or the other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Item {
    /// A comment.
    Comment(Comment),
    /// An alert.
    Alert(Alert),
}

/// Names an item from when it is taken until it is gone; rises, and never comes again while the program runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct ItemId(pub u64);

/// What the room wants to be seen. Whoever takes it must not block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Draw this comment as soon as a lane has room.
    Comment(ItemId, Comment),
    /// Show this alert instead of the one before, or none. The same id again: its counter rose.
    Alert(Option<(ItemId, Alert)>),
    /// Take this comment off the picture, or out of the queue before it.
    Withdraw(ItemId),
    /// Take everything of the audience off the picture, now.
    Clear,
}
