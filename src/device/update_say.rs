//! What is said of updates: status, sentence, light.

use serde::Serialize;

use super::health::{Finding, notice, warning};
use super::led::LedPattern;
use super::state::State;
use super::update::{GATE, Job, Outcome, Slot};

/// What goes on, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateWord {
    /// The box cannot update itself.
    None,
    /// Nothing.
    Idle,
    /// The other slot is written.
    Installing,
    /// The other slot is written and waits for the next start.
    Waiting,
    /// A new version runs on trial.
    Trial,
    /// The version on trial is given up.
    GoingBack,
}

/// What is said of updates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpdateStatus {
    /// What goes on.
    pub state: UpdateWord,
    /// The slot that runs; absent where the box has none.
    pub slot: Option<Slot>,
    /// The version in it.
    pub version: Option<String>,
    /// The version in the other slot that ran well there.
    pub other: Option<String>,
    /// It runs on trial.
    pub trial: bool,
    /// Seconds of the trial that went well.
    pub trial_well_s: Option<u64>,
    /// The version that is being installed, or waits.
    pub next: Option<String>,
    /// Per cent of what is being installed.
    pub percent: Option<u8>,
    /// What is being done, one clause.
    pub step: Option<String>,
    /// How the last one ended.
    pub ended: Option<Outcome>,
    /// Nobody was told of that end yet.
    #[serde(skip)]
    pub news: bool,
    /// Of which version, if it was known.
    pub ended_version: Option<String>,
    /// What is being done, or how the last one ended: one sentence.
    pub note: Option<String>,
}

impl UpdateStatus {
    /// Of this state.
    #[must_use]
    pub fn of(state: &State) -> Self {
        let update = &state.actual.update;
        let (slots, last) = (update.slots.as_ref(), update.last.as_ref());
        let trial = update.on_trial();
        let word = match &update.job {
            Job::Installing { .. } => UpdateWord::Installing,
            Job::Waiting { .. } => UpdateWord::Waiting,
            Job::Leaving { .. } => UpdateWord::GoingBack,
            Job::Idle if trial => UpdateWord::Trial,
            Job::Idle if slots.is_none() => UpdateWord::None,
            Job::Idle => UpdateWord::Idle,
        };
        let (next, percent, step) = match &update.job {
            Job::Installing {
                version,
                percent,
                step,
                ..
            } => (version.clone(), Some(*percent), Some(step.clone())),
            Job::Waiting { version, .. } => (Some(version.clone()), None, None),
            Job::Leaving { reason, .. } => (None, None, Some(reason.clone())),
            Job::Idle => (None, None, None),
        };
        Self {
            state: word,
            slot: slots.map(|s| s.booted),
            version: slots.map(|s| s.version.clone()),
            other: slots.and_then(|s| s.other.clone()),
            trial,
            trial_well_s: trial.then_some(update.gate.well_s),
            next,
            percent,
            step,
            ended: last.map(|l| l.outcome),
            news: last.is_some_and(|l| l.fresh),
            ended_version: last.and_then(|l| l.version.clone()),
            note: going_on_sentence(state).or_else(|| last.map(|l| l.sentence.clone())),
        }
    }
}

/// What goes on, in one sentence.
fn going_on_sentence(state: &State) -> Option<String> {
    let update = &state.actual.update;
    Some(match &update.job {
        Job::Installing {
            version, percent, ..
        } => match version {
            Some(version) => format!("Installing version {version}: {percent} %."),
            None => "An update is looked at.".to_owned(),
        },
        Job::Waiting { version, force, .. } => {
            if (state.wanted.live || state.actual.any_live()) && !force {
                format!("Version {version} is installed and starts when the show has ended.")
            } else {
                format!("Version {version} is installed; the box starts anew.")
            }
        }
        Job::Leaving { reason, .. } => {
            format!("Going back to the version before: {reason}.")
        }
        Job::Idle => {
            let slots = update.slots.as_ref().filter(|s| s.trial)?;
            format!(
                "New version {} on trial: {} of {} s went well.",
                slots.version,
                update.gate.well_s,
                GATE.as_secs()
            )
        }
    })
}

/// What goes on, for people.
pub(super) fn going_on(state: &State) -> Option<Finding> {
    notice(going_on_sentence(state)?, LedPattern::Updating)
}

/// What went wrong with the last one, for a while.
pub(super) fn went_wrong(state: &State) -> Option<Finding> {
    let last = state.actual.update.last.as_ref()?;
    last.told_until?;
    warning(state, last.sentence.clone())
}

/// The light while nobody should pull the plug; what is on air goes first.
pub(super) fn light(state: &State) -> Option<LedPattern> {
    let update = &state.actual.update;
    let busy = update.on_trial() || !matches!(update.job, Job::Idle);
    (busy && !state.actual.any_live() && !state.actual.ending).then_some(LedPattern::Updating)
}
