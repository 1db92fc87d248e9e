//! Set-up: who may tell the box what it is, and when. Pure.
//!
//! ```text
//!  open:  set-up is enabled, and (nobody has set the box up yet, or the button was held for 3 s in the last 10 minutes)
//!
//!                        ┌── closed: "Hold the button for 3 s" (once)
//!  camera, page ──Seen───┤
//!                        └── open ─┬─ Wi-Fi ──────────> Join ──────Done──────────────────────────> a sentence, the LED
//!                                  │                                                                      ^
//!                                  └─ Boothcast ─ its claim token is the one that claimed the box         │
//!                                        ├─ name, fleet, id, broker: Adopt ──Done──┐                      │
//!                                        └─ else ──────────────────────────────────┴─> Wanted ──Persisted─┴─> Restart
//!                                                                                                     (after an Adopt only)
//! ```
//!
//! One step at a time: while one is under way no other code is taken, for [`STEP_LIMIT`] at most. A code that is held before
//! the camera is taken once. What a code brings counts from when it is saved; the confirmation waits for that.
//!
//! `acts.rs` does what is told here, `words.rs` says it.

use std::time::Duration;

use serde::Serialize;

use super::state::State;
use crate::config::code::{BoxCode, SetupCode, WifiCode};

mod acts;
mod words;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub(super) use words::{finding, line, slate, waiting};

/// For how long the button, or an owner from afar, opens the set-up of a box that is set up.
pub const OPEN_FOR: Duration = Duration::from_secs(600);
/// How long a step may be under way.
pub const STEP_LIMIT: Duration = Duration::from_secs(60);
/// A code that was taken is taken again only after it was out of sight for this long.
pub const SEEN_FOR: Duration = Duration::from_secs(10);
/// A code with which nothing could be done is tried again after this.
pub const AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How long a note is shown.
pub const NOTE_FOR: Duration = Duration::from_secs(15);
/// How long the LED says yes.
pub const YES_FOR: Duration = Duration::from_secs(3);
/// How long it says no: two rounds of the error pattern.
pub const NO_FOR: Duration = Duration::from_secs(6);
/// Between the confirmation and the start that it needs.
pub const RESTART_AFTER: Duration = Duration::from_secs(4);

/// How a code came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Shown to the camera.
    Camera,
    /// The page of the box.
    Page,
}

/// What happened in set-up.
#[derive(Debug, Clone, PartialEq)]
pub enum SetupEvent {
    /// A code came.
    Seen {
        /// How.
        way: Way,
        /// What it says.
        code: SetupCode,
    },
    /// Something that is no code of ours, or a broken one; one clause.
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// What was to be done is done.
    Done,
    /// It could not be done; one clause with the mend.
    Failed {
        /// Why.
        reason: String,
    },
    /// What the network says: one clause such as `Wi-Fi Shop, 192.168.1.20`; `None`: no network.
    Network(Option<String>),
    /// The access point of the box is open (name and password, to be shown), or no more.
    AccessPoint(Option<WifiCode>),
}

/// What the world must do.
#[derive(Debug, Clone, PartialEq)]
pub enum SetupStep {
    /// Look for codes in the camera's picture, or no more.
    Scan(bool),
    /// Set-up is open, or no more: page and access point follow.
    Open(bool),
    /// Join this network, and keep it. Answered with [`SetupEvent::Done`] or [`SetupEvent::Failed`] within [`STEP_LIMIT`];
    /// what comes later is not heard.
    Join(WifiCode),
    /// Keep name, fleet, id and broker for the next start; what the code leaves out stays, but for user and password of
    /// another broker: they go with the broker. Address, key and claim token in it are the core's. Answered as `Join`.
    Adopt(Box<BoxCode>),
}

/// Set-up as observed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetupState {
    /// The button, or an owner from afar, opened it until then.
    pub open_until: Option<Duration>,
    /// The world was told that it is open.
    pub told_open: bool,
    /// The world was told to look for codes.
    pub told_scan: bool,
    /// The last word on it.
    pub note: Option<Note>,
    /// What is under way.
    pub working: Option<Working>,
    /// The last code, and what became of it.
    pub last: Option<Last>,
    /// Until when the LED says yes or no to it.
    pub blink: Option<(Blink, Duration)>,
    /// When the box starts anew, as what it took counts from then.
    pub restart_at: Option<Duration>,
    /// What the network says.
    pub network: Option<String>,
    /// The box's own network.
    pub access_point: Option<WifiCode>,
}

/// Where set-up stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Nothing was asked of it yet.
    #[default]
    Idle,
    /// A step is under way.
    Working,
    /// The last one is done.
    Done,
    /// The last one could not be done.
    Failed,
}

/// A word on set-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// One sentence, or two.
    pub text: String,
    /// What it is about.
    pub progress: Progress,
    /// Until when it is shown; `None`: that is over.
    pub until: Option<Duration>,
}

/// A step that is under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Working {
    /// Which.
    pub task: Task,
    /// The code that it carries out.
    pub print: Print,
    /// Since when.
    pub since: Duration,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Joining the network of this name.
    Join(String),
    /// Keeping what counts from the next start; the rest of the code follows.
    Adopt(Box<BoxCode>),
    /// Saving what the code brought.
    Save {
        /// The box must start anew.
        restart: bool,
    },
}

/// SHA-256 of a code's text: enough to know it again, and no secret.
pub type Print = [u8; 32];

/// The last code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// Which.
    pub print: Print,
    /// Something was done with it.
    pub good: bool,
    /// When it was seen last, if it is good; else when it failed.
    pub at: Duration,
    /// The network that it joined.
    pub joined: Option<String>,
}

/// What the LED says to a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blink {
    /// Done.
    Yes,
    /// A network could not be joined.
    NoNetwork,
    /// The code was refused, or could not be kept.
    Refused,
}

/// What is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetupStatus {
    /// Somebody has set the box up.
    pub claimed: bool,
    /// Codes and page are taken now.
    pub open: bool,
    /// The camera's picture is searched for codes now.
    pub scanning: bool,
    /// Seconds until it closes, where the button opened it.
    pub closes_in_s: Option<u64>,
    /// Where it stands.
    pub progress: Progress,
    /// The last word on it.
    pub note: Option<String>,
    /// What the network says.
    pub network: Option<String>,
    /// Name of the box's own network, while it is open.
    pub access_point: Option<String>,
}

impl SetupStatus {
    /// Of this state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let setup = &state.actual.setup;
        let left = |until: Duration| until.saturating_sub(state.now).as_secs();
        let note = setup.note.as_ref();
        Self {
            claimed: state.is_claimed(),
            open: setup.told_open,
            scanning: setup.told_scan,
            closes_in_s: setup.open_until.filter(|_| state.is_claimed()).map(left),
            progress: note.map(|n| n.progress).unwrap_or_default(),
            note: note.map(|n| n.text.clone()),
            network: setup.network.clone(),
            access_point: setup.access_point.as_ref().map(|w| w.ssid.clone()),
        }
    }
}
