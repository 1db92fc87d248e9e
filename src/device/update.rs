//! Updates: what is installed, the trial of a new version, and the way back. Pure.
//!
//! ```text
//!  idle ──UpdateInstall──> installing ──Installed──> waiting (until not live) ──Reboot──> [other slot, trial]
//!                              └──Failed──> idle
//!  trial ──120 s well──> MarkGood ──> idle          trial ──deadline, or no hope──> RollBack ──> [old slot]
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::effect::Effect;
use super::state::State;

/// One of the two halves of the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

/// What RAUC and the boot loader say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slots {
    /// Which one runs.
    pub booted: Slot,
    /// Its version.
    pub version: String,
    /// It runs on trial: it was not marked good since it was written.
    pub trial: bool,
    /// Version in the other slot, if it is known.
    pub other: Option<String>,
}

/// What happened with updates.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateEvent {
    /// Slots, at the start and after each change; never where the box has none.
    Slots(Slots),
    /// The installation goes on.
    Progress {
        /// Per cent.
        percent: u8,
        /// What is being done, one clause.
        step: String,
    },
    /// The other slot is written and is tried at the next start.
    Installed {
        /// Its version.
        version: String,
    },
    /// The installation ended without a change; one sentence.
    Failed {
        /// Why.
        reason: String,
    },
    /// Whether the data partition takes writes, each 10 s during a trial.
    DataWritable(bool),
    /// How often the service was started since the board was.
    Starts(u32),
    /// The slot in use is marked good.
    MarkedGood,
}

/// What the world must do.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateStep {
    /// Check and install a bundle.
    Install(Install),
    /// Mark the slot in use good.
    MarkGood,
    /// Mark it bad and start the machine anew.
    RollBack {
        /// Why, one clause.
        reason: String,
    },
}

/// What is to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// A path on the box, or an `https://` or `http://` address.
    pub source: String,
    /// Take also a version that is not newer.
    pub downgrade: bool,
}

/// Updates as observed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UpdateState {
    /// What RAUC says.
    pub slots: Option<Slots>,
    /// Per cent and step of what is being installed.
    pub progress: Option<(u8, String)>,
}

/// What is said of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpdateStatus {
    /// The slot that runs; absent where the box has none.
    pub slot: Option<Slot>,
    /// It runs on trial.
    pub trial: bool,
    /// Seconds of the trial that went well.
    pub trial_well_s: Option<u64>,
    /// Per cent of what is being installed.
    pub percent: Option<u8>,
    /// What is being done, or how the last one ended: one sentence.
    pub note: Option<String>,
}

/// How long a trial must go well before the new version is kept.
pub const GATE: Duration = Duration::from_secs(120);

impl State {
    /// What updates bring.
    pub(super) fn on_update(&mut self, event: UpdateEvent, _effects: &mut Vec<Effect>) {
        match event {
            UpdateEvent::Slots(slots) => self.actual.update.slots = Some(slots),
            UpdateEvent::Progress { percent, step } => {
                self.actual.update.progress = Some((percent, step));
            }
            UpdateEvent::Installed { .. }
            | UpdateEvent::Failed { .. }
            | UpdateEvent::DataWritable(_)
            | UpdateEvent::Starts(_)
            | UpdateEvent::MarkedGood => {}
        }
    }
}

impl UpdateStatus {
    /// Of this state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let update = &state.actual.update;
        Self {
            slot: update.slots.as_ref().map(|s| s.booted),
            trial: update.slots.as_ref().is_some_and(|s| s.trial),
            trial_well_s: None,
            percent: update.progress.as_ref().map(|(percent, _)| *percent),
            note: update.progress.as_ref().map(|(_, step)| step.clone()),
        }
    }
}
