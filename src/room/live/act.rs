//! What people ask of the room, as plain data: from a browser's socket, an HTTP request, or a command over MQTT.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::{QuestionState, Role};
use crate::error::{Error, Kind};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The viewer's number; 0: somebody who is not in the room (MQTT, the box itself).
    pub viewer: u64,
    /// What they may do.
    pub role: Role,
    /// Name for the audit log: that of the account, or `mqtt`, `web`.
    pub account: Option<String>,
    /// Keyed hash of the address; empty: none.
    pub addr: String,
}

/// One wish. `viewer` acts need a viewer's number, the others the role that stands behind them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "do",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum Act {
    /// Say something (viewer). `!1` votes for the first choice of the open poll instead.
    Say {
        /// 1 to 500 characters.
        text: String,
        /// A word of the sender's own for this line, at most 40 characters: sent again, it is not said twice.
        #[serde(default)]
        nonce: Option<String>,
    },
    /// Like (viewer).
    Like {
        /// 1 to 100.
        n: u32,
    },
    /// Give a symbolic gift (viewer).
    Give {
        /// Which, of the list.
        gift: String,
        /// A word that names the combo, at most 40 characters.
        combo: String,
        /// How many of this combo so far, 1 to 9,999.
        count: u32,
    },
    /// Vote; replaces the vote before (viewer).
    Vote {
        /// In which poll.
        poll: u64,
        /// From 0.
        choice: u32,
    },
    /// Ask a question (viewer).
    Ask {
        /// 1 to 300 characters.
        text: String,
        /// As in `say`.
        #[serde(default)]
        nonce: Option<String>,
    },
    /// Vote for a question, or take it back (viewer).
    UpVote {
        /// Which.
        question: u64,
        /// For it, or taken back.
        on: bool,
    },
    /// These questions were on the viewer's screen (viewer).
    Seen {
        /// At most 50.
        questions: Vec<u64>,
    },
    /// Take part in a draw (viewer).
    Enter {
        /// Which.
        draw: u64,
    },
    /// Another name (viewer).
    Rename {
        /// 1 to 24 characters.
        name: String,
    },

    /// Let a line be seen (moderator).
    Approve {
        /// Which.
        line: u64,
    },
    /// Take a line away (moderator).
    Hide {
        /// Which.
        line: u64,
    },
    /// Nothing of this viewer for a while (moderator).
    TimeOut {
        /// Who.
        viewer: u64,
        /// 1 to 86,400; 0: no longer.
        seconds: u32,
    },
    /// Nothing of this viewer any more (moderator).
    Ban {
        /// Who.
        viewer: u64,
        /// Banned, or no longer.
        on: bool,
    },
    /// So long between two lines of one viewer (moderator).
    Slow {
        /// 0 to 3600.
        seconds: u32,
    },
    /// The room's list of words, instead of the one before (moderator).
    Words {
        /// At most 2,000 entries of at most 64 characters.
        words: Vec<String>,
    },
    /// Lines run over the picture, or not (moderator).
    Danmaku {
        /// On.
        on: bool,
    },
    /// Nothing of the audience is shown (moderator).
    Panic {
        /// On.
        on: bool,
    },
    /// Take an act of the staff back (moderator).
    Undo {
        /// Its number.
        act: u64,
    },
    /// Move a question (moderator).
    MoveQuestion {
        /// Which.
        question: u64,
        /// Where.
        state: QuestionState,
    },

    /// Open a poll (moderator); one is open at a time.
    PollOpen {
        /// 1 to 120 characters.
        question: String,
        /// 2 to 10 of 1 to 60 characters.
        choices: Vec<String>,
        /// Counts are seen only after it is closed.
        #[serde(default)]
        hidden: bool,
    },
    /// No more votes (moderator).
    PollClose {
        /// Which.
        poll: u64,
    },
    /// Off the pages and off the picture (moderator).
    PollGone {
        /// Which.
        poll: u64,
    },
    /// Put a product on the list, or change it (owner).
    ProductSet {
        /// Left out: a new one.
        #[serde(default)]
        product: Option<u64>,
        /// 1 to 60 characters.
        name: String,
        /// 1 to 24 characters.
        price: String,
        /// 1 to 24 characters.
        #[serde(default)]
        old_price: Option<String>,
        /// How many are left; left out: not counted.
        #[serde(default)]
        stock: Option<u32>,
        /// `https://` or `http://`, at most 500 characters; left out: as it is, empty: none.
        #[serde(default)]
        url: Option<String>,
    },
    /// Take it off the list (owner).
    ProductRemove {
        /// Which.
        product: u64,
    },
    /// Show it to all (moderator); one is pinned at a time.
    Pin {
        /// Which.
        product: u64,
    },
    /// No longer (moderator).
    Unpin,
    /// Announce a draw (owner); its seed is made now and kept until it is done.
    DrawOpen {
        /// 1 to 80 characters.
        title: String,
        /// 1 to 100.
        winners: u32,
    },
    /// No more entries (owner).
    DrawClose {
        /// Which.
        draw: u64,
    },
    /// Draw and publish the seed (owner).
    DrawDo {
        /// Which.
        draw: u64,
    },
    /// Something that all should read; an empty text takes it away (moderator).
    Announce {
        /// At most 200 characters.
        text: String,
    },
    /// A show begins now (owner; the box says so itself when it goes live).
    ShowBegin {
        /// At most 80 characters.
        #[serde(default)]
        title: String,
    },
    /// The show is over (owner).
    ShowEnd,
}

impl Act {
    /// The least role that may do it.
    #[must_use]
    pub fn needs(&self) -> Role {
        match self {
            Self::Say { .. }
            | Self::Like { .. }
            | Self::Give { .. }
            | Self::Vote { .. }
            | Self::Ask { .. }
            | Self::UpVote { .. }
            | Self::Seen { .. }
            | Self::Enter { .. }
            | Self::Rename { .. } => Role::Viewer,
            Self::ProductSet { .. }
            | Self::ProductRemove { .. }
            | Self::DrawOpen { .. }
            | Self::DrawClose { .. }
            | Self::DrawDo { .. }
            | Self::ShowBegin { .. }
            | Self::ShowEnd => Role::Owner,
            _ => Role::Moderator,
        }
    }

    /// Whether it is the doing of a viewer who is in the room.
    #[must_use]
    pub fn is_of_a_viewer(&self) -> bool {
        self.needs() == Role::Viewer
    }
}

/// Why something is not done, in one word for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The role is too low.
    Forbidden,
    /// A field is wrong.
    BadRequest,
    /// There is no such thing.
    NotFound,
    /// Too often: `retry_after_ms` says when.
    TooFast,
    /// Muted for a while, or for good.
    Muted,
    /// Moderation refused the text.
    Refused,
    /// It is over, or not yet open.
    Closed,
    /// Too many of these.
    Full,
    /// The disk did not take it: it is not done.
    NotSaved,
}

/// Not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refusal {
    /// In one word.
    pub code: Why,
    /// In one sentence, English.
    pub message: String,
    /// When it may work, ms from now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The reason of moderation, such as `word`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Refusal {
    /// Of these.
    pub fn new(code: Why, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            retry_after_ms: None,
            reason: None,
        }
    }

    /// The same, with when it may work.
    #[must_use]
    pub fn after_ms(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// The same, with the reason of moderation.
    #[must_use]
    pub fn because(mut self, reason: &str) -> Self {
        self.reason = Some(reason.to_owned());
        self
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        let kind = match refusal.code {
            Why::NotFound => Kind::NotFound,
            Why::NotSaved => Kind::Internal,
            _ => Kind::Refused,
        };
        Self::new(kind, refusal.message)
    }
}

/// What came of a wish that was done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Done {
    /// Number of what was made: line, poll, question, product, pin, draw, act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// It was so already (a line sent again, a vote that is the same).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// The line waits for a moderator.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}
