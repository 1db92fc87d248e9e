//! What comes from elsewhere: chats of other platforms through a bridge, and orders through the shop's webhook.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something that a bridge heard on another platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bridged {
    /// The platform, such as `youtube`, at most 24 characters: shown as a badge.
    pub origin: String,
    /// The platform's own id of it, at most 80 characters: the same again is not taken twice.
    #[serde(default)]
    pub id: Option<String>,
    /// Who, as named there.
    pub name: String,
    /// What.
    pub what: BridgedWhat,
}

/// What a bridge heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case"
)]
pub enum BridgedWhat {
    /// A line of a chat.
    Chat {
        /// Text.
        text: String,
    },
    /// A question.
    Question {
        /// Text.
        text: String,
    },
    /// A gift.
    Gift {
        /// As it is called there.
        gift: String,
        /// The combo's word; empty: each stands alone.
        #[serde(default)]
        combo: String,
        /// How many of this combo so far.
        count: u32,
    },
    /// Likes.
    Like {
        /// How many more.
        n: u32,
    },
}

/// An order, as the shop tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The shop's own id, 1 to 80 characters: the same again is not taken twice.
    pub order: String,
    /// The pin through which it came, if the shop knows it.
    #[serde(default)]
    pub pin: Option<u64>,
    /// The product; left out: that of the pin.
    #[serde(default)]
    pub product: Option<u64>,
    /// How many, 1 to 10,000.
    #[serde(default = "one")]
    pub count: u32,
    /// Worth in the smallest unit of the currency.
    #[serde(default)]
    pub amount_minor: u64,
    /// ISO 4217, three capital letters; may be empty where nothing is told.
    #[serde(default)]
    pub currency: String,
    /// Name of the buyer, if it may be shown.
    #[serde(default)]
    pub name: Option<String>,
}

fn one() -> u32 {
    1
}
