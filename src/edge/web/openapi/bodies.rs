//! Bodies of requests and answers that are no types of the room.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::room::live::act::Refusal;
use crate::room::live::event::Role;

/// Come into the room.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// 1 to 24 characters.
    pub name: String,
}

/// Came into the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Joined {
    /// Number.
    pub viewer: u64,
    /// Name as it is shown.
    pub name: String,
}

/// A line of a simple client.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChatLine {
    /// 1 to 500 characters.
    pub text: String,
    /// Name, of a client that has not joined.
    #[serde(default)]
    pub name: Option<String>,
    /// A word of the client's own for this line: sent again, it is not said twice.
    #[serde(default)]
    pub nonce: Option<String>,
}

/// Name and password.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Name of the account.
    pub name: String,
    /// Password.
    pub password: String,
}

/// An account that the owner makes.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Name.
    pub name: String,
    /// Password.
    pub password: String,
    /// Role.
    pub role: Role,
}

/// Another password.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The one so far.
    pub old: String,
    /// The one from now on.
    pub new: String,
}

/// A command to the box.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandAsked {
    /// Its name.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub args: serde_json::Map<String, serde_json::Value>,
}

/// An order, as a shop's server tells it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderTold {
    /// The shop's own id: the same again is not taken twice.
    pub order: String,
    /// The pin that it belongs to.
    #[serde(default)]
    pub pin: Option<u64>,
    /// The product.
    #[serde(default)]
    pub product: Option<u64>,
    /// How many.
    pub count: u32,
    /// Worth in the smallest unit of the currency.
    pub amount_minor: u64,
    /// ISO 4217.
    pub currency: String,
    /// Name of the buyer, if it may be shown.
    #[serde(default)]
    pub name: Option<String>,
}

/// Not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Problem {
    /// Why.
    pub error: Refusal,
}

// Passwords are not printed.
macro_rules! no_debug {
    ($($name:ident),*) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })*
    };
}
no_debug!(Credentials, NewAccount, NewPassword);
