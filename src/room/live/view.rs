//! What browsers see: the room as it is (once, on joining), then what changes. Nothing here is secret from viewers, except what
//! stands in [`Staff`].

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::event::{LineState, QuestionState, Role, Winner};

/// A line of the chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Line {
    /// Its number; rises.
    pub line: u64,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Its author; 0: none in the room.
    pub viewer: u64,
    /// Name of its author.
    pub name: String,
    /// Text.
    pub text: String,
    /// Role of its author.
    pub role: Role,
    /// Where it comes from; `None`: this room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Where it stands. Viewers get only shown ones, and their own held ones.
    pub state: LineState,
    /// It runs over the picture.
    pub danmaku: bool,
    /// What its author's browser called it: only the author gets it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
}

/// A poll.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Poll {
    /// Its number.
    pub poll: u64,
    /// What is asked.
    pub question: String,
    /// 2 to 10.
    pub choices: Vec<String>,
    /// Votes per choice; `None` while they are hidden.
    pub counts: Option<Vec<u64>>,
    /// All votes.
    pub votes: u64,
    /// It takes votes.
    pub open: bool,
    /// Counts are hidden until it is closed.
    pub hidden: bool,
    /// Once closed: choices with the most votes, more than one if tied.
    pub winners: Vec<u32>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Question {
    /// Its number.
    pub question: u64,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Who asks; 0: nobody in the room.
    pub viewer: u64,
    /// Name.
    pub name: String,
    /// Text.
    pub text: String,
    /// From where; `None`: this room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Where it stands. Viewers get `live`, `on-screen` and `answered` ones, and their own pending ones.
    pub state: QuestionState,
    /// Votes for it.
    pub votes: u32,
    /// Viewers who saw it.
    pub seen: u32,
}

/// A product of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Product {
    /// Its number.
    pub product: u64,
    /// Name.
    pub name: String,
    /// Price as it is shown.
    pub price: String,
    /// Price before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_price: Option<String>,
    /// How many are left; `None`: not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<u32>,
    /// It has an address: `/r/{pin}` leads there.
    pub link: bool,
    /// Number of the pinning, if it is the one that is pinned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<u64>,
}

/// A draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Draw {
    /// Its number.
    pub draw: u64,
    /// What can be won.
    pub title: String,
    /// How many win.
    pub winners: u32,
    /// `open`, `closed` or `done`.
    pub state: &'static str,
    /// How many take part.
    pub entries: u64,
    /// SHA-256 of the seed, hex.
    pub commitment: String,
    /// SHA-256 of the entries, once closed, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Once done, hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<String>,
    /// Once done.
    pub won: Vec<Winner>,
}

/// A gift of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Gift {
    /// Its word.
    pub gift: String,
    /// A sign for it.
    pub emoji: String,
}

/// The room as all may see it, but for lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Room {
    /// The number of the last event in it.
    pub seq: u64,
    /// The show; 0: none.
    pub show: u64,
    /// Its title.
    pub title: String,
    /// How many are here now.
    pub viewers: u64,
    /// Likes of this show.
    pub likes: u64,
    /// Lines run over the picture.
    pub danmaku: bool,
    /// So long between two lines, s; 0: off.
    pub slow_s: u32,
    /// Nothing of the audience is shown.
    pub panic: bool,
    /// What all should read; empty: nothing.
    pub announcement: String,
    /// The poll that is open, or was closed last and is still on show.
    pub poll: Option<Poll>,
    /// Live, on screen, and answered ones, best first.
    pub questions: Vec<Question>,
    /// The list.
    pub products: Vec<Product>,
    /// Those that are open or closed, and the last three that are done.
    pub draws: Vec<Draw>,
    /// What can be given.
    pub gifts: Vec<Gift>,
}

/// What one viewer needs besides, on joining.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct You {
    /// Number.
    pub viewer: u64,
    /// Name.
    pub name: String,
    /// Role in this connection.
    pub role: Role,
    /// Muted until, ms since 1970; 0: not.
    pub muted_until_ms: i64,
    /// May not speak any more.
    pub banned: bool,
    /// The vote in the poll that is on show.
    pub vote: Option<u32>,
    /// Questions that they voted for.
    pub up_voted: Vec<u64>,
    /// Draws in which they take part.
    pub entered: Vec<u64>,
}

/// What the staff see besides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Staff {
    /// Lines that wait, oldest first.
    pub held: Vec<Line>,
    /// Questions that nobody has looked at.
    pub pending: Vec<Question>,
    /// Who is here, at most 500: `(number, name, role, muted until ms, banned)`.
    pub people: Vec<Person>,
    /// The last 100 acts, newest first.
    pub acts: Vec<ActDone>,
    /// The room's list of words.
    pub words: Vec<String>,
}

/// Somebody in the room, as the staff see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// Number.
    pub viewer: u64,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Muted until, ms since 1970; 0: not.
    pub muted_until_ms: i64,
    /// May not speak.
    pub banned: bool,
    /// Is here now.
    pub here: bool,
}

/// An act of the staff, for the log and for undoing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActDone {
    /// Its number.
    pub act: u64,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Account.
    pub by: String,
    /// What; not flattened, for it has an `act` of its own.
    pub what: super::event::Moderation,
    /// It can be taken back, and was not.
    pub can_undo: bool,
    /// Name of the viewer or text of the line that it is about.
    pub about: String,
}

/// Who gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// Everybody.
    All,
    /// The staff.
    Staff,
    /// One viewer, on all of their connections.
    Viewer(u64),
}

/// A message to browsers, as JSON once for all who get it. Its kinds stand in docs/room-protocol.md.
#[derive(Debug, Clone)]
pub struct Out {
    /// To whom.
    pub to: To,
    /// The event that it tells of; 0: none (counts, presence).
    pub seq: u64,
    /// JSON text, shared.
    pub json: Arc<str>,
}
