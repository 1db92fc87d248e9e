//! Words on the picture: a line that stays, and chat notifications that come and go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Rgb;
use crate::room::item::{Alert, AlertKind};

/// A line on the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Banner {
    /// 1 to 100 characters.
    pub text: String,
    /// Seconds until it goes, 1 to 86,400; left out: it stays until it is cleared.
    #[serde(default)]
    pub seconds: Option<u32>,
}

/// A chat notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Who, 1 to 40 characters.
    pub who: String,
    /// What they said or did, 1 to 500 characters; on the picture are `moderation.max_graphemes` at most.
    pub what: String,
    /// About what.
    #[serde(default)]
    pub kind: AlertKind,
    /// From which platform, at most 24 characters.
    #[serde(default)]
    pub platform: Option<String>,
    /// Colour of the name.
    #[serde(default)]
    pub colour: Option<Rgb>,
}

impl From<Notice> for Alert {
    /// A notification is an alert that counts once.
    fn from(notice: Notice) -> Self {
        Self {
            kind: notice.kind,
            who: notice.who,
            what: Some(notice.what),
            amount: None,
            count: 1,
            combo: None,
            platform: notice.platform,
            colour: notice.colour,
        }
    }
}
