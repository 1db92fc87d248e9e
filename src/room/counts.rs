//! How many came, and what became of them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::reason::Reason;

/// How many came since start, and what became of them. Whatever is taken is in exactly one of `shown`, `joined`, `likes`,
/// `passed`, `rejected`, `refused` in the end; until then it waits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Messages and items that came, whatever became of them.
    pub taken: u64,
    /// Comments handed to the lanes, and alerts that were shown.
    pub shown: u64,
    /// Of what was shown: alerts.
    pub alerts: u64,
    /// Alerts that only raised the counter of another one.
    pub joined: u64,
    /// Messages of kind `like`.
    pub likes: u64,
    /// The likes in them.
    pub hearts: u64,
    /// Lines of the box's own room that are on its pages alone.
    pub passed: u64,
    /// Of what was taken: what had to wait for approval.
    pub held: u64,
    /// Of what was taken: what had to wait for its time.
    pub delayed: u64,
    /// Of what waited: what somebody approved.
    pub approved: u64,
    /// Of what waited: what somebody rejected.
    pub rejected: u64,
    /// Of what was shown: what somebody took off the picture.
    pub withdrawn: u64,
    /// Of the alerts: those that are shown without a name or text which is not fit to be seen.
    pub stripped: u64,
    /// What was refused, by reason.
    pub refused: BTreeMap<Reason, u64>,
}

impl Counts {
    /// Counts `n` refusals.
    pub fn refuse(&mut self, reason: Reason, n: u64) {
        if n > 0 {
            let of_this = self.refused.entry(reason).or_default();
            *of_this = of_this.saturating_add(n);
        }
    }

    /// Refusals of all reasons.
    #[must_use]
    pub fn all_refused(&self) -> u64 {
        self.refused.values().sum()
    }

    /// What is settled; the rest of `taken` waits.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.shown + self.joined + self.likes + self.passed + self.rejected + self.all_refused()
    }
}
