//! Settings of an operator on trial: if they stop the picture, the ones before return by themselves.
//!
//! ```text
//!   frames go out, settings arrive ──> on trial ──120 s, frames go out──> in force
//!                                       │  │ └───a person's command─────> in force
//!                                       │  └─no frame for 30 s──────────> the ones before
//!                                       └─started a second time─────────> the ones before
//! ```
//!
//! What was wanted before is kept on disk with the trial, so that it outlives a crash or a power cut; after a start the
//! trial begins anew, once. Further settings keep the older *before*, and begin the trial anew.

use std::time::Duration;

use super::effect::Effect;
use super::health::{Finding, warning};
use super::settings::SettingError;
use super::state::{State, Trial, Wanted};

/// How long new settings are watched.
pub const WATCHED: Duration = Duration::from_secs(120);
/// How long no frame may go out in this time.
pub const QUIET: Duration = Duration::from_secs(30);
/// Frames go out when the last report of them is not older than this; reports come once a second.
pub const FLOWING: Duration = Duration::from_secs(3);
/// How long people are told of settings that were rolled back.
pub const TOLD: Duration = Duration::from_secs(600);
/// Code of the error that says so.
pub const ROLLED_BACK: &str = "rolled_back";

/// When frames went out, and since when settings are watched. Monotonic times since start; time in which the whole machine
/// stood still does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Watch {
    /// The last report of new frames of the main rendition.
    pub frames_at: Option<Duration>,
    /// Since when settings are on trial.
    pub trial_since: Option<Duration>,
    /// When settings were rolled back; until a person commands something.
    pub rolled_back_at: Option<Duration>,
}

impl Watch {
    /// Time in which nothing was heard.
    pub(super) fn lost(&mut self, time: Duration) {
        for at in [&mut self.frames_at, &mut self.trial_since]
            .into_iter()
            .flatten()
        {
            *at = at.saturating_add(time);
        }
    }

    fn flowing(&self, now: Duration) -> bool {
        self.frames_at
            .is_some_and(|at| now.saturating_sub(at) <= FLOWING)
    }
}

impl State {
    /// Settings were taken up: where frames went out they are on trial now, against what was wanted `before`.
    pub(super) fn begin_trial(&mut self, before: &Wanted) {
        let now = self.now;
        match &mut self.wanted.trial {
            Some(trial) => trial.restarted = false,
            None if self.actual.watch.flowing(now) => {
                self.wanted.trial = Some(Trial {
                    before: Box::new(Wanted {
                        desired: None,
                        trial: None,
                        ..before.without_stage()
                    }),
                    restarted: false,
                });
            }
            None => return,
        }
        self.actual.watch.trial_since = Some(now);
    }

    /// The settings are in force: they did well, or a person took charge.
    pub(super) fn end_trial(&mut self) {
        self.wanted.trial = None;
        self.actual.watch.trial_since = None;
    }

    /// A start: a trial goes on once.
    pub(super) fn resume_trial(&mut self, effects: &mut Vec<Effect>) {
        let before = self.wanted.clone();
        let Some(trial) = &mut self.wanted.trial else {
            return;
        };
        if trial.restarted {
            // Nothing was begun yet, so nothing needs to follow.
            self.roll_back("The box ended twice while these settings were on trial");
        } else {
            trial.restarted = true;
            self.actual.watch.trial_since = Some(self.now);
        }
        self.save(&before, effects);
    }

    /// Time went on.
    pub(super) fn tick_trial(&mut self, effects: &mut Vec<Effect>) {
        let (now, watch) = (self.now, &self.actual.watch);
        if (watch.rolled_back_at).is_some_and(|at| now.saturating_sub(at) >= TOLD) {
            self.actual.watch.rolled_back_at = None;
        }
        let Some(since) = self.actual.watch.trial_since else {
            return;
        };
        let alive_at = self
            .actual
            .watch
            .frames_at
            .map_or(since, |at| at.max(since));
        let before = self.wanted.clone();
        if now.saturating_sub(alive_at) >= QUIET {
            self.roll_back(&format!(
                "No picture went out for {} s with these settings",
                QUIET.as_secs()
            ));
            self.follow(&before, effects);
        } else if now.saturating_sub(since) >= WATCHED && self.actual.watch.flowing(now) {
            self.end_trial();
        }
        self.save(&before, effects);
    }

    /// What was wanted before is wanted again, but for revision and version. `why`: a sentence without its full stop.
    fn roll_back(&mut self, why: &str) {
        let Some(trial) = self.wanted.trial.take() else {
            return;
        };
        let sentence = format!("{why}, so the ones before are in force again.");
        let mut desired = self.wanted.desired.take();
        if let Some(desired) = &mut desired {
            desired.errors.push(SettingError {
                path: String::new(),
                code: ROLLED_BACK.to_owned(),
                message: sentence.clone(),
            });
            desired.rolled_back = Some(sentence);
        }
        self.wanted = Wanted {
            revision: self.wanted.revision,
            desired,
            trial: None,
            banner: self.wanted.banner.take(),
            stage: std::mem::take(&mut self.wanted.stage),
            ..*trial.before
        };
        self.actual.watch.trial_since = None;
        self.actual.watch.rolled_back_at = Some(self.now);
    }

    /// The world follows what is wanted where no `sync_*` finds it by itself; `from`: what it followed so far.
    fn follow(&mut self, from: &Wanted, effects: &mut Vec<Effect>) {
        let past = Self {
            wanted: from.clone(),
            ..self.clone()
        };
        if past.wanted.muted != self.wanted.muted {
            effects.push(Effect::SetMute(self.wanted.muted));
        }
        if past.gain_db() != self.gain_db() {
            effects.push(Effect::SetGain(self.gain_db()));
        }
        if past.offset_ms() != self.offset_ms() {
            effects.push(Effect::SetAudioOffset(self.offset_ms()));
        }
        let controls = &mut self.actual.controls;
        for name in from.camera_controls.keys() {
            if !self.wanted.camera_controls.contains_key(name) {
                controls.reset(Some(name));
            }
        }
        for (name, value) in &self.wanted.camera_controls {
            if from.camera_controls.get(name) != Some(value) {
                controls.wish(name);
            }
        }
        if from.mic_percent != self.wanted.mic_percent {
            self.actual.mixer.wish_volume();
        }
        if from.mic_on != self.wanted.mic_on {
            self.actual.mixer.wish_switch();
        }
    }
}

/// What people are told for a while.
pub(super) fn finding(state: &State) -> Option<Finding> {
    state.actual.watch.rolled_back_at?;
    let desired = state.wanted.desired.as_ref()?;
    let why = desired.rolled_back.as_deref()?;
    warning(
        state,
        format!(
            "The settings of version {} were taken back. {why}",
            desired.version
        ),
    )
}

#[cfg(test)]
#[path = "trial_tests.rs"]
mod tests;
