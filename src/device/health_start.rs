//! Sentences of how this run began: in safe mode, or with other settings than those that were meant.

use super::health::{Finding, of_storage, problem, warning};
use super::led::Trouble;
use super::state::State;

/// What could make the box fail is left out, and so is the show.
pub(super) fn safe(state: &State) -> Option<Finding> {
    problem(Trouble::Storage, state.setup.safe.clone()?)
}

/// The settings that it was to start with cannot be used; it goes on with others.
pub(super) fn complaint(state: &State) -> Option<Finding> {
    of_storage(warning(state, state.setup.complaint.clone()?)?)
}

#[cfg(test)]
mod tests {
    use crate::device::health::{Severity, health, slate_sentence};
    use crate::device::led::{LedPattern, Trouble};
    use crate::device::testing::Rig;

    #[test]
    fn safe_mode_is_said_before_all_else() {
        let mut rig = Rig::up();
        rig.state.setup.complaint = Some("The file is wrong.".into());
        let said = health(&rig.state);
        assert_eq!(said.severity, Severity::Warning);
        assert_eq!(
            (&*said.sentence, said.led),
            ("The file is wrong.", LedPattern::Error(Trouble::Storage))
        );
        rig.state.setup.safe = Some("Safe mode.".into());
        let said = health(&rig.state);
        assert_eq!(said.severity, Severity::Problem);
        assert_eq!(
            (&*said.sentence, said.led),
            ("Safe mode.", LedPattern::Error(Trouble::Storage))
        );
        assert_eq!(slate_sentence(&rig.state).as_deref(), Some("Safe mode."));
    }
}
