//! What happened in the room: facts, in order, never changed. State, tables, reports and what browsers see all derive from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fact with its place and time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Rises by one with each, across restarts.
    pub seq: u64,
    /// Milliseconds since 1970 by the box's own clock, which may jump.
    pub at_ms: i64,
    /// The show during which it happened; 0: between shows.
    pub show: u64,
    /// Whose doing it was; 0: the box's own, a bridge's, or that of staff who are not in the room.
    pub viewer: u64,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}

/// Who somebody is to the room.
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
pub enum Role {
    /// Anybody.
    #[default]
    Viewer,
    /// May moderate.
    Moderator,
    /// May do everything.
    Owner,
}

/// Where a line of the chat stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LineState {
    /// Everybody sees it.
    #[default]
    Shown,
    /// It waits for a moderator, or for its time; its author and the staff see it.
    Held,
    /// Nobody sees it but the staff.
    Hidden,
}

/// Where a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum QuestionState {
    /// The staff have not looked at it.
    #[default]
    Pending,
    /// Everybody sees it and may vote for it.
    Live,
    /// It is on the picture.
    OnScreen,
    /// It was answered.
    Answered,
    /// The staff do not want it.
    Rejected,
}

/// A winner of a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Winner {
    /// Who.
    pub viewer: u64,
    /// Their name when the draw was closed.
    pub name: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case"
)]
pub enum Fact {
    /// A show began: the box went live, or somebody said so.
    ShowBegun {
        /// Its title; may be empty.
        title: String,
    },
    /// It ended.
    ShowEnded,
    /// The stream had a fault or was well again.
    Incident {
        /// One sentence.
        text: String,
        /// It is over.
        over: bool,
    },

    /// Somebody new came: the viewer's number is given here.
    Came {
        /// Name.
        name: String,
        /// Who they are to the room.
        role: Role,
        /// Keyed hash of their address.
        addr: String,
    },
    /// They have another name or role now.
    Renamed {
        /// Name.
        name: String,
        /// Role.
        role: Role,
    },
    /// They began to watch (first connection of a viewer).
    Joined,
    /// Their last connection ended.
    Left {
        /// How long they were there, ms.
        stayed_ms: u64,
    },

    /// A line of the chat.
    Said {
        /// Its number.
        line: u64,
        /// Name of its author, then.
        name: String,
        /// Text, as it may be seen.
        text: String,
        /// Role of its author.
        role: Role,
        /// Where it comes from, such as `youtube`; `None`: this room.
        origin: Option<String>,
        /// Where it stands.
        state: LineState,
        /// It runs over the picture, too.
        danmaku: bool,
        /// Id of the overlay's room for it, to find it again there.
        item: Option<u64>,
        /// What its author's browser called it: a second one of the same name is not taken.
        nonce: Option<String>,
    },
    /// It is seen by everybody now.
    LineShown {
        /// Which.
        line: u64,
    },
    /// It is seen by nobody any more.
    LineHidden {
        /// Which.
        line: u64,
        /// Why: `moderator`, `panic`, `rejected`, `erased`.
        why: String,
    },
    /// So many likes, of one viewer in one go.
    Liked {
        /// How many.
        n: u32,
    },
    /// A gift, or a larger count of the same combo.
    Gave {
        /// Which, of the list of gifts.
        gift: String,
        /// Name of the giver.
        name: String,
        /// A word that names the combo; the same word again raises `count` (never adds up).
        combo: String,
        /// How many of this combo so far.
        count: u32,
        /// How many more than before: what a sum must add.
        more: u32,
        /// From where; `None`: this room.
        origin: Option<String>,
    },

    /// A poll was opened.
    PollOpened {
        /// Its number.
        poll: u64,
        /// What is asked.
        question: String,
        /// 2 to 10.
        choices: Vec<String>,
        /// Nobody sees counts before it is closed.
        hidden: bool,
    },
    /// A vote, or another instead of the one before.
    Voted {
        /// In which poll.
        poll: u64,
        /// From 0.
        choice: u32,
        /// The one before.
        instead_of: Option<u32>,
    },
    /// No more votes.
    PollClosed {
        /// Which.
        poll: u64,
        /// Votes per choice.
        counts: Vec<u64>,
        /// Choices with the most votes, more than one if tied; empty without votes.
        winners: Vec<u32>,
    },
    /// It is no longer on show.
    PollGone {
        /// Which.
        poll: u64,
    },

    /// A question.
    Asked {
        /// Its number.
        question: u64,
        /// Who asks.
        name: String,
        /// What.
        text: String,
        /// From where; `None`: this room.
        origin: Option<String>,
    },
    /// A vote for a question, or it is taken back.
    UpVoted {
        /// Which.
        question: u64,
        /// For it, or taken back.
        on: bool,
    },
    /// Questions were shown to a viewer for the first time.
    QuestionsSeen {
        /// Which.
        questions: Vec<u64>,
    },
    /// It stands elsewhere now.
    QuestionMoved {
        /// Which.
        question: u64,
        /// Where.
        state: QuestionState,
    },

    /// A product is on the list, or changed.
    ProductSet {
        /// Its number.
        product: u64,
        /// Name.
        name: String,
        /// Price as it is shown.
        price: String,
        /// Price before, struck through.
        old_price: Option<String>,
        /// How many are left; `None`: not counted.
        stock: Option<u32>,
        /// Where it is bought.
        url: Option<String>,
    },
    /// It is off the list.
    ProductRemoved {
        /// Which.
        product: u64,
    },
    /// It is pinned: shown to all, on the picture too. Each pinning has a number of its own, to which clicks and orders belong.
    Pinned {
        /// Number of this pinning.
        pin: u64,
        /// Of which product.
        product: u64,
    },
    /// No longer.
    Unpinned {
        /// Which.
        pin: u64,
    },
    /// Somebody followed `/r/{pin}`.
    Clicked {
        /// Which.
        pin: u64,
        /// Which product that was.
        product: u64,
    },
    /// An order, told by the shop.
    Ordered {
        /// The shop's own id: the same again is not taken twice.
        order: String,
        /// The pin that it belongs to, if it is known.
        pin: Option<u64>,
        /// The product.
        product: Option<u64>,
        /// How many.
        count: u32,
        /// Worth in the smallest unit of the currency.
        amount_minor: u64,
        /// ISO 4217.
        currency: String,
        /// Name of the buyer, if it may be shown.
        name: Option<String>,
    },

    /// A draw was announced with its commitment.
    DrawOpened {
        /// Its number.
        draw: u64,
        /// What can be won.
        title: String,
        /// How many win.
        winners: u32,
        /// SHA-256 of the seed, hex.
        commitment: String,
    },
    /// Somebody takes part.
    DrawEntered {
        /// In which.
        draw: u64,
    },
    /// No more entries.
    DrawClosed {
        /// Which.
        draw: u64,
        /// How many take part.
        entries: u64,
        /// SHA-256 of the entries, hex.
        digest: String,
    },
    /// The seed and who won; anybody can recompute it.
    DrawDone {
        /// Which.
        draw: u64,
        /// The seed, hex.
        seed: String,
        /// In the order of being drawn.
        winners: Vec<Winner>,
    },

    /// Something that all should read.
    Announced {
        /// What; empty: the one before goes.
        text: String,
    },
    /// The staff did something about somebody or to the room.
    Moderated {
        /// Number of the act, to undo it.
        act: u64,
        /// Who did it, by account name.
        by: String,
        /// What.
        what: Moderation,
        /// The act that this one undid.
        undoes: Option<u64>,
    },
}

/// An act of the staff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(
    tag = "act",
    rename_all = "kebab-case",
    rename_all_fields = "snake_case"
)]
pub enum Moderation {
    /// A line was let through.
    Approve {
        /// Which.
        line: u64,
    },
    /// A line was taken away.
    Hide {
        /// Which.
        line: u64,
    },
    /// A viewer may not speak for a while.
    TimeOut {
        /// Who.
        viewer: u64,
        /// Until when, ms since 1970; 0: no longer.
        until_ms: i64,
    },
    /// A viewer may not speak any more, under whatever name, nor from a cookie made anew at the same address at once.
    Ban {
        /// Who.
        viewer: u64,
        /// Banned, or no longer.
        on: bool,
    },
    /// So long between two lines of one viewer, s; 0: off.
    Slow {
        /// s.
        seconds: u32,
    },
    /// The room's own list of words, instead of the one before.
    Words {
        /// Entries as in `moderation.words`.
        words: Vec<String>,
    },
    /// Lines run over the picture, or not.
    Danmaku {
        /// On.
        on: bool,
    },
    /// Nothing of the audience is shown.
    Panic {
        /// On.
        on: bool,
    },
}

impl Fact {
    /// Its name as in JSON and in topics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ShowBegun { .. } => "show-begun",
            Self::ShowEnded => "show-ended",
            Self::Incident { .. } => "incident",
            Self::Came { .. } => "came",
            Self::Renamed { .. } => "renamed",
            Self::Joined => "joined",
            Self::Left { .. } => "left",
            Self::Said { .. } => "said",
            Self::LineShown { .. } => "line-shown",
            Self::LineHidden { .. } => "line-hidden",
            Self::Liked { .. } => "liked",
            Self::Gave { .. } => "gave",
            Self::PollOpened { .. } => "poll-opened",
            Self::Voted { .. } => "voted",
            Self::PollClosed { .. } => "poll-closed",
            Self::PollGone { .. } => "poll-gone",
            Self::Asked { .. } => "asked",
            Self::UpVoted { .. } => "up-voted",
            Self::QuestionsSeen { .. } => "questions-seen",
            Self::QuestionMoved { .. } => "question-moved",
            Self::ProductSet { .. } => "product-set",
            Self::ProductRemoved { .. } => "product-removed",
            Self::Pinned { .. } => "pinned",
            Self::Unpinned { .. } => "unpinned",
            Self::Clicked { .. } => "clicked",
            Self::Ordered { .. } => "ordered",
            Self::DrawOpened { .. } => "draw-opened",
            Self::DrawEntered { .. } => "draw-entered",
            Self::DrawClosed { .. } => "draw-closed",
            Self::DrawDone { .. } => "draw-done",
            Self::Announced { .. } => "announced",
            Self::Moderated { .. } => "moderated",
        }
    }
}
