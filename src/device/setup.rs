//! Set-up: who may tell the box what it is, and when. Pure.
//!
//! ```text
//!  open:  set-up is enabled, and (nobody has claimed the box yet, or the button was held for 3 s in the last 10 minutes)
//!
//!  code before the camera, page ──SetupEvent::Seen──> open? ──SetupStep──> the world ──Done | Failed──> a sentence, the LED
//! ```

use std::time::Duration;

use serde::Serialize;

use super::effect::Effect;
use super::state::State;
use crate::config::code::{BoxCode, SetupCode, WifiCode};

/// For how long the button opens the set-up of a box that is claimed.
pub const OPEN_FOR: Duration = Duration::from_secs(600);

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
    /// Join this network, and keep it.
    Join(WifiCode),
    /// Keep name, fleet, broker and id for the next start.
    Adopt(Box<BoxCode>),
}

/// Set-up as observed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SetupState {
    /// The button opened it until then.
    pub open_until: Option<Duration>,
    /// What the world was told.
    pub told_open: bool,
    /// The last word on it, and when.
    pub note: Option<(String, Duration)>,
    /// What the network says.
    pub network: Option<String>,
    /// The box's own network.
    pub access_point: Option<WifiCode>,
}

/// What is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetupStatus {
    /// Somebody has set the box up.
    pub claimed: bool,
    /// Codes and page are taken now.
    pub open: bool,
    /// Seconds until it closes, where the button opened it.
    pub closes_in_s: Option<u64>,
    /// The last word on it.
    pub note: Option<String>,
    /// What the network says.
    pub network: Option<String>,
    /// Name of the box's own network, while it is open.
    pub access_point: Option<String>,
}

impl State {
    /// What set-up brings.
    pub(super) fn on_setup(&mut self, event: SetupEvent, _effects: &mut Vec<Effect>) {
        match event {
            SetupEvent::Network(network) => self.actual.setup.network = network,
            SetupEvent::AccessPoint(own) => self.actual.setup.access_point = own,
            SetupEvent::Seen { .. }
            | SetupEvent::Unreadable { .. }
            | SetupEvent::Done
            | SetupEvent::Failed { .. } => {}
        }
    }
}

impl SetupStatus {
    /// Of this state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let setup = &state.actual.setup;
        Self {
            claimed: state.wanted.claimed,
            open: setup.told_open,
            closes_in_s: setup
                .open_until
                .map(|t| t.saturating_sub(state.now).as_secs()),
            note: setup.note.as_ref().map(|(text, _)| text.clone()),
            network: setup.network.clone(),
            access_point: setup.access_point.as_ref().map(|w| w.ssid.clone()),
        }
    }
}
