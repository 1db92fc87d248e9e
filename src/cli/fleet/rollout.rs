//! How settings go out in stages, and when that stops. Pure: looks at boxes and time go in, what to do comes out.
//!
//! ```text
//!            ┌────────────────────── not too many are worse ──────────────────────┐
//!            v                                                                    │
//!  Ready ─ Apply(boxes of the stage) ─> Taking ─ all took it, or `wait` is over ─> Settling ─ `settle` is over ─ judge
//!    │                                                                                                            │
//!    └─ no stage is left: Done                                                    too many are worse: Stopped <───┘
//! ```
//!
//! Worse is a box that is away, did not take the settings in time, took some of them with errors, rolled them back, whose
//! health is worse than before it was touched, or that has no frames any more. All that were touched are judged each time.

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use serde::Serialize;

use crate::device::health::Severity;

/// The rules of one roll-out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rules {
    /// Shares of all boxes that have the settings after each stage, per cent, rising.
    pub stages: Vec<f64>,
    /// It stops when more than this share of the touched boxes are worse, per cent.
    pub max_worse: f64,
    /// How long the boxes of a stage may take to take the settings.
    pub wait: Duration,
    /// How long they are looked at after that.
    pub settle: Duration,
}

/// A box as it looks now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Look {
    pub online: bool,
    pub severity: Option<Severity>,
    /// Whether pictures come out; `None`: it is not known.
    pub frames: Option<bool>,
    /// It has reported the version that was written for it, or a later one.
    pub taken: bool,
    /// It reported errors for that version.
    pub errors: bool,
    /// It rolled that version back.
    pub rolled_back: bool,
}

/// In which way a box is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Worse {
    /// It is not online any more.
    Away,
    /// It rolled the settings back.
    RolledBack,
    /// It could not take all of the settings.
    Errors,
    /// Its pictures stopped.
    NoFrames,
    /// Its health is worse than before.
    Health,
    /// It did not take the settings in time.
    NotTaken,
}

/// In which way a touched box is worse than `before`, if it is.
pub(super) fn worse(before: &Look, now: &Look) -> Option<Worse> {
    if !now.online {
        return Some(Worse::Away);
    }
    if !now.taken {
        return Some(Worse::NotTaken);
    }
    if now.rolled_back {
        return Some(Worse::RolledBack);
    }
    if now.errors {
        return Some(Worse::Errors);
    }
    if before.frames != Some(false) && now.frames == Some(false) {
        return Some(Worse::NoFrames);
    }
    // A box that said nothing of its health before is held to the best.
    let before = before.severity.unwrap_or(Severity::Ok);
    let health = now
        .severity
        .is_some_and(|s| s > before.max(Severity::Notice));
    health.then_some(Worse::Health)
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step<B> {
    /// Write the settings of these boxes, none of which was touched before.
    Apply(Vec<B>),
    /// Look again a little later.
    Wait,
    /// Too many are worse; nothing more is touched.
    Stopped,
    /// All stages are through.
    Done,
}

/// A box that has the settings.
#[derive(Debug, Clone, PartialEq)]
struct Touched<B> {
    id: B,
    before: Look,
}

/// Where a stage stands; times are since any fixed moment.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Ready,
    Taking { since: Duration },
    Settling { since: Duration },
    Stopped,
    Done,
}

/// What came of a stage that was judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Judged {
    /// Per cent.
    pub share: f64,
    /// Boxes that had the settings by then.
    pub touched: usize,
    /// How many of them were worse.
    pub worse: usize,
}

/// A roll-out.
#[derive(Debug, Clone)]
pub(super) struct Rollout<B> {
    rules: Rules,
    /// Those not touched yet, the next one last.
    left: Vec<B>,
    all: usize,
    touched: Vec<Touched<B>>,
    /// Where the present stage begins in `touched`.
    first: usize,
    stage: usize,
    phase: Phase,
    judged: Vec<Judged>,
    /// At the last judgement.
    worse: Vec<(B, Worse)>,
}

impl<B: Clone + PartialEq> Rollout<B> {
    /// To these boxes, each of them once, in an order of chance that `seed` makes.
    pub(super) fn new(boxes: Vec<B>, rules: Rules, seed: u64) -> Self {
        let mut left = boxes;
        left.shuffle(&mut StdRng::seed_from_u64(seed));
        Self {
            rules,
            all: left.len(),
            left,
            touched: Vec::new(),
            first: 0,
            stage: 0,
            phase: Phase::Ready,
            judged: Vec::new(),
            worse: Vec::new(),
        }
    }

    /// What is to be done at `now`, with boxes that `look` so. After [`Step::Apply`] their settings count as written.
    pub(super) fn step(&mut self, now: Duration, look: &mut dyn FnMut(&B) -> Look) -> Step<B> {
        loop {
            match self.phase {
                Phase::Stopped => return Step::Stopped,
                Phase::Done => return Step::Done,
                Phase::Ready => match self.next_stage(look) {
                    Some(boxes) => {
                        self.phase = Phase::Taking { since: now };
                        return Step::Apply(boxes);
                    }
                    None => self.phase = Phase::Done,
                },
                Phase::Taking { since } => {
                    let stage = &self.touched[self.first..];
                    let all = stage.iter().all(|t| look(&t.id).taken);
                    if !all && now.saturating_sub(since) < self.rules.wait {
                        return Step::Wait;
                    }
                    self.phase = Phase::Settling { since: now };
                }
                Phase::Settling { since } => {
                    if now.saturating_sub(since) < self.rules.settle {
                        return Step::Wait;
                    }
                    self.judge(look);
                }
            }
        }
    }

    /// Nothing more is touched.
    pub(super) fn stop(&mut self) {
        self.phase = Phase::Stopped;
    }

    /// Boxes that have the settings, in the order in which they got them.
    pub(super) fn touched(&self) -> impl Iterator<Item = &B> {
        self.touched.iter().map(|t| &t.id)
    }

    /// How many boxes were not touched.
    pub(super) fn left(&self) -> usize {
        self.left.len()
    }

    /// The stages that were judged.
    pub(super) fn judged(&self) -> &[Judged] {
        &self.judged
    }

    /// The boxes that were worse at the last judgement.
    pub(super) fn worse(&self) -> &[(B, Worse)] {
        &self.worse
    }

    /// The share of the stage that is next or at work, per cent.
    pub(super) fn share(&self) -> f64 {
        self.rules.stages.get(self.stage).copied().unwrap_or(100.0)
    }

    /// The boxes of the next stage that has any: as many as its share, and at least as many in all as there were stages.
    fn next_stage(&mut self, look: &mut dyn FnMut(&B) -> Look) -> Option<Vec<B>> {
        let n = loop {
            let share = self.rules.stages.get(self.stage)?;
            let due = share_of(self.all, *share).max(self.stage + 1);
            match due.saturating_sub(self.touched.len()).min(self.left.len()) {
                0 => self.stage += 1,
                n => break n,
            }
        };
        self.first = self.touched.len();
        let boxes = self.left.split_off(self.left.len() - n);
        self.touched.extend(boxes.iter().map(|id| Touched {
            before: look(id),
            id: id.clone(),
        }));
        Some(boxes)
    }

    fn judge(&mut self, look: &mut dyn FnMut(&B) -> Look) {
        self.worse = self
            .touched
            .iter()
            .filter_map(|t| Some((t.id.clone(), worse(&t.before, &look(&t.id))?)))
            .collect();
        self.judged.push(Judged {
            share: self.share(),
            touched: self.touched.len(),
            worse: self.worse.len(),
        });
        self.stage += 1;
        self.phase = if self.too_many() {
            Phase::Stopped
        } else {
            Phase::Ready
        };
    }

    #[allow(clippy::cast_precision_loss)]
    fn too_many(&self) -> bool {
        let share = self.worse.len() as f64 * 100.0 / self.touched.len().max(1) as f64;
        share > self.rules.max_worse
    }
}

/// The whole boxes in `share` per cent of `all`.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss
)]
pub(super) fn share_of(all: usize, share: f64) -> usize {
    // A little more, so that 10 % of 30 is 3 although 0.1 is no binary fraction.
    ((all as f64 * share / 100.0 + 1e-9).floor() as usize).min(all)
}

#[cfg(test)]
#[path = "rollout_tests.rs"]
mod tests;
