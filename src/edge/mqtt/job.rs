//! `job/update`, retained: how an update goes, for fleets; and what `status` says of versions. Pure.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use crate::device::status::Status;
use crate::device::update::{Outcome, Slot, UpdateWord};

/// What is known of a newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UpdateReport {
    /// The version that runs: of the image, else of Boothcast.
    pub installed: String,
    /// The newest one that is known; null: none newer is known.
    pub latest: Option<String>,
}

impl UpdateReport {
    /// What is to be said of `status`; `version`: of this program.
    #[must_use]
    pub fn of(status: &Status, version: &str) -> Self {
        let update = &status.update;
        Self {
            installed: update.version.clone().unwrap_or_else(|| version.to_owned()),
            latest: update.next.clone(),
        }
    }
}

/// `job/update`, retained: where an update stands. Only boxes that were started from Boothcast's image have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct JobUpdate {
    /// What goes on: `idle`, `installing`, `waiting` (for the end of the show, or the restart), `trial`, `going_back`.
    #[schemars(schema_with = "state")]
    pub state: UpdateWord,
    /// The slot that runs.
    #[schemars(schema_with = "slot")]
    pub slot: Slot,
    /// The version in it.
    pub installed: Option<String>,
    /// The version that is being installed, waits, is on trial, or was the last to end.
    pub version: Option<String>,
    /// Per cent of what is being installed.
    pub percent: Option<u8>,
    /// What is being done, one clause.
    pub step: Option<String>,
    /// Seconds of the trial that went well, of 120.
    pub trial_well_s: Option<u64>,
    /// How the last one ended: `failed` (not installed), `kept`, `taken_back`.
    #[schemars(schema_with = "outcome")]
    pub ended: Option<Outcome>,
    /// Why the last one failed or was taken back, one sentence.
    pub error: Option<String>,
}

impl JobUpdate {
    /// What is to be said of `status`; nothing where the box cannot update itself.
    #[must_use]
    pub fn of(status: &Status) -> Option<Self> {
        let update = &status.update;
        let slot = update.slot?;
        let on_trial = update.trial.then(|| update.version.clone()).flatten();
        let bad = matches!(update.ended, Some(Outcome::Failed | Outcome::TakenBack));
        Some(Self {
            state: update.state,
            slot,
            installed: update.version.clone(),
            version: update
                .next
                .clone()
                .or(on_trial)
                .or_else(|| update.ended_version.clone()),
            percent: update.percent,
            step: update.step.clone(),
            trial_well_s: update.trial_well_s,
            ended: update.ended,
            error: update
                .note
                .clone()
                .filter(|_| bad && update.state == UpdateWord::Idle),
        })
    }
}

fn state(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": ["none", "idle", "installing", "waiting", "trial", "going_back"]})
}

fn slot(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": ["A", "B"]})
}

fn outcome(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"enum": ["failed", "kept", "taken_back", null]})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::event::Event;
    use crate::device::testing::Rig;
    use crate::device::update::{Slots, UpdateEvent};

    #[test]
    fn only_a_box_with_slots_has_a_job_and_it_says_why_one_failed() {
        let mut rig = Rig::up();
        assert_eq!(JobUpdate::of(&Status::of(&rig.state)), None);
        let mut tell = |event| drop(rig.event(Event::Update(event)));
        tell(UpdateEvent::Slots(Slots {
            booted: Slot::A,
            version: "1.2.0".into(),
            trial: false,
            other: None,
        }));
        tell(UpdateEvent::TakenBack {
            version: "1.3.0".into(),
            reason: "it did not start".into(),
            fresh: true,
        });
        let status = Status::of(&rig.state);
        let job = JobUpdate::of(&status).unwrap();
        let json = serde_json::to_value(&job).unwrap();
        assert_eq!(json["state"], "idle");
        assert_eq!(json["ended"], "taken_back");
        assert_eq!(json["version"], "1.3.0");
        assert_eq!(
            json["error"],
            "Version 1.3.0 was taken back: it did not start."
        );
        assert_eq!(UpdateReport::of(&status, "0.1.0").installed, "1.2.0");
    }
}
