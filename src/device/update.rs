//! Updates: what is installed, the trial of a new version, and the way back. Pure.
//!
//! ```text
//!  idle ──UpdateInstall──> installing ──Installed──> waiting (until not live) ──Reboot──> [other slot, trial]
//!                              └──Failed──> idle
//!  trial ──120 s well──> MarkGood ──> idle          trial ──deadline, or no hope──> RollBack ──> [old slot]
//!  idle ──UpdateRollback──> installing (UseOther) ──> as above, but what ran well before is not on trial again
//! ```
//!
//! Whether a version on trial does well: `update_gate.rs`; what is allowed: `update_policy.rs`; what people read:
//! `update_say.rs`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::actual::clean;
use super::effect::Effect;
use super::state::State;
pub use super::update_gate::{DEADLINE, GATE, Gate, WINDOW};
pub use super::update_say::{UpdateStatus, UpdateWord};

/// How long what is installed waits before the machine starts anew, so that everybody hears of it.
pub const NOTICE: Duration = Duration::from_secs(3);
/// How long the slot may take to be marked before the machine starts anew without: the boot loader gives a new version one
/// try only, so the old one comes in any case.
pub const LEAVE_LIMIT: Duration = Duration::from_secs(30);
/// How long people are told of a version that was taken back, or of an installation that failed.
pub const TOLD: Duration = Duration::from_secs(600);
/// The longest version that is shown, in characters.
const MAX_VERSION: usize = 64;

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
    /// Version in the other slot that ran well there, if there is one.
    pub other: Option<String>,
}

/// How often the service was started since the board was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Starts {
    /// Times, this one counted.
    pub count: u32,
    /// How long before the start of this program the first of them was.
    pub first_ago: Duration,
}

/// What happened with updates.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateEvent {
    /// Slots, at the start and after each change; never where the box has none.
    Slots(Slots),
    /// The bundle was looked at and may be installed.
    Found {
        /// Its version.
        version: String,
    },
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
    Starts(Starts),
    /// The slot in use is marked good.
    MarkedGood,
    /// It could not be marked good; tried again. One clause.
    MarkFailed {
        /// Why.
        reason: String,
    },
    /// The slot in use is marked bad, or cannot be: the machine can start anew.
    RolledBack,
    /// The version that was on trial before this start is not the one that runs.
    TakenBack {
        /// Its version.
        version: String,
        /// Why, one clause.
        reason: String,
        /// Nobody was told of it yet.
        fresh: bool,
    },
}

/// What the world must do.
#[derive(Debug, Clone, PartialEq)]
pub enum UpdateStep {
    /// Check and install a bundle.
    Install(Install),
    /// Let the other slot start next; it ran well before.
    UseOther,
    /// Mark the slot in use good.
    MarkGood,
    /// Mark it bad, so that the other one starts next.
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

/// What goes on.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Job {
    /// Nothing.
    #[default]
    Idle,
    /// The other slot is written.
    Installing {
        /// Its version, once it is known.
        version: Option<String>,
        /// Per cent; only rises.
        percent: u8,
        /// What is being done, one clause.
        step: String,
        /// Do not wait for the end of the show.
        force: bool,
    },
    /// The other slot is written and waits for the next start.
    Waiting {
        /// Its version.
        version: String,
        /// Since when.
        since: Duration,
        /// Do not wait for the end of the show.
        force: bool,
    },
    /// The slot in use is given up.
    Leaving {
        /// Since when.
        since: Duration,
        /// Why, one clause.
        reason: String,
    },
}

/// How the last update ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was not installed.
    Failed,
    /// It is kept.
    Kept,
    /// It was on trial and was taken back.
    TakenBack,
}

/// The last update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How.
    pub outcome: Outcome,
    /// Its version, if it was known.
    pub version: Option<String>,
    /// One sentence for people.
    pub sentence: String,
    /// It ended since the start, or nobody was told of it before.
    pub fresh: bool,
    /// Until when it is said to everybody, while it is.
    pub told_until: Option<Duration>,
}

/// Updates as observed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UpdateState {
    /// What RAUC says.
    pub slots: Option<Slots>,
    /// What goes on.
    pub job: Job,
    /// How the trial goes.
    pub gate: Gate,
    /// How the last one ended.
    pub last: Option<Ended>,
}

impl UpdateState {
    /// Whether the version that runs is on trial.
    #[must_use]
    pub fn on_trial(&self) -> bool {
        self.slots.as_ref().is_some_and(|s| s.trial)
    }
}

impl State {
    /// What updates bring.
    pub(super) fn on_update(&mut self, event: UpdateEvent, effects: &mut Vec<Effect>) {
        let now = self.now;
        let update = &mut self.actual.update;
        match event {
            UpdateEvent::Slots(slots) => {
                update.slots = Some(Slots {
                    version: short(&slots.version),
                    other: slots.other.as_deref().map(short),
                    ..slots
                });
            }
            UpdateEvent::Found { version: found } => {
                if let Job::Installing { version, .. } = &mut update.job {
                    *version = Some(short(&found));
                }
            }
            UpdateEvent::Progress {
                percent: to,
                step: now,
            } => {
                if let Job::Installing { percent, step, .. } = &mut update.job {
                    *percent = to.min(100).max(*percent);
                    *step = clean(&now);
                }
            }
            UpdateEvent::Installed { version } => self.installed(&version),
            UpdateEvent::Failed { reason } => self.install_failed(&reason),
            UpdateEvent::DataWritable(yes) => update.gate.data(yes, now),
            UpdateEvent::Starts(starts) => update.gate.starts = Some(starts),
            UpdateEvent::MarkedGood => self.marked_good(),
            UpdateEvent::MarkFailed { reason } => update.gate.not_marked(&clean(&reason)),
            UpdateEvent::RolledBack => {
                if matches!(update.job, Job::Leaving { .. }) {
                    self.start_anew(effects);
                }
            }
            UpdateEvent::TakenBack {
                version,
                reason,
                fresh,
            } => {
                let version = short(&version);
                let sentence = format!("Version {version} was taken back: {}.", clean(&reason));
                let told = fresh.then_some(TOLD);
                self.ended(Outcome::TakenBack, Some(version), sentence, told);
            }
        }
    }

    fn installed(&mut self, version: &str) {
        let force = match &self.actual.update.job {
            Job::Installing { force, .. } => *force,
            // Written before this program was started.
            Job::Idle if self.actual.update.slots.as_ref().is_some_and(|s| !s.trial) => false,
            Job::Idle | Job::Waiting { .. } | Job::Leaving { .. } => return,
        };
        self.actual.update.job = Job::Waiting {
            version: short(version),
            since: self.now,
            force,
        };
        self.actual.update.last = None;
    }

    fn install_failed(&mut self, reason: &str) {
        let Job::Installing { version, .. } = &self.actual.update.job else {
            return;
        };
        let version = version.clone();
        self.actual.update.job = Job::Idle;
        self.ended(Outcome::Failed, version, sentence(reason), Some(TOLD));
    }

    fn marked_good(&mut self) {
        let update = &mut self.actual.update;
        // Marked bad since: that counts.
        if matches!(update.job, Job::Leaving { .. }) || !update.on_trial() {
            return;
        }
        let Some(slots) = &mut update.slots else {
            return;
        };
        slots.trial = false;
        let version = slots.version.clone();
        update.gate.forget();
        let sentence = format!("Version {version} did well and is kept.");
        self.ended(Outcome::Kept, Some(version), sentence, None);
    }

    fn ended(
        &mut self,
        outcome: Outcome,
        version: Option<String>,
        sentence: String,
        told: Option<Duration>,
    ) {
        self.actual.update.last = Some(Ended {
            outcome,
            version,
            sentence,
            fresh: outcome != Outcome::TakenBack || told.is_some(),
            told_until: told.map(|t| self.now.saturating_add(t)),
        });
    }

    /// An order that was accepted.
    pub(super) fn wish_update(&mut self, step: UpdateStep, force: bool, effects: &mut Vec<Effect>) {
        if let UpdateStep::RollBack { reason } = step {
            self.leave(reason, effects);
            return;
        }
        self.actual.update.job = Job::Installing {
            version: None,
            percent: 0,
            step: "looking at it".into(),
            force,
        };
        self.actual.update.last = None;
        effects.push(Effect::Update(step));
    }

    /// Time went on.
    pub(super) fn tick_update(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        if let Some(last) = &mut self.actual.update.last
            && last.told_until.is_some_and(|t| now >= t)
        {
            last.told_until = None;
        }
        match &self.actual.update.job {
            Job::Waiting { since, force, .. } => {
                let on_air = self.wanted.live || self.actual.any_live();
                if now.saturating_sub(*since) >= NOTICE && (*force || !on_air) {
                    self.start_anew(effects);
                }
                return;
            }
            Job::Leaving { since, .. } => {
                if now.saturating_sub(*since) >= LEAVE_LIMIT {
                    self.start_anew(effects);
                }
                return;
            }
            Job::Idle | Job::Installing { .. } => {}
        }
        if self.actual.update.on_trial() {
            self.tick_gate(effects);
        }
    }

    /// Gives up the slot in use.
    pub(super) fn leave(&mut self, reason: String, effects: &mut Vec<Effect>) {
        self.actual.update.job = Job::Leaving {
            since: self.now,
            reason: reason.clone(),
        };
        effects.push(Effect::Update(UpdateStep::RollBack { reason }));
    }

    /// The machine starts anew, once: RAUC's answer may come after the box has ended without it.
    fn start_anew(&mut self, effects: &mut Vec<Effect>) {
        if self.actual.ending {
            return;
        }
        self.actual.restarting = true;
        self.actual.ending = true;
        effects.push(Effect::Reboot);
    }
}

/// A version fit to be shown.
fn short(version: &str) -> String {
    clean(version).chars().take(MAX_VERSION).collect()
}

/// One line that ends as a sentence does.
fn sentence(reason: &str) -> String {
    let text: String = reason
        .trim()
        .chars()
        .take(400)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match text.chars().last() {
        None => "The update was not installed.".to_owned(),
        Some('.' | '!' | '?') => text,
        Some(_) => format!("{text}."),
    }
}

#[cfg(test)]
#[path = "update_tests.rs"]
mod tests;
