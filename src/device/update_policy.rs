//! Accept or deny commands about updates: pure.

use super::policy::{Decision, DenialCode, deny};
use super::state::State;
use super::update::{Job, Slots};

/// The longest source, in bytes.
pub const MAX_SOURCE: usize = 1024;

/// Whether `source` may be installed now.
pub(super) fn install(state: &State, source: &str, force: bool) -> Decision {
    if let Err(message) = check_source(source) {
        return deny(DenialCode::Invalid, message);
    }
    let slots = match slots(state) {
        Ok(slots) => slots,
        Err(denied) => return denied,
    };
    if slots.trial {
        return deny(
            DenialCode::Busy,
            format!(
                "Version {} is on trial. Wait until it is kept or taken back, at most {} minutes.",
                slots.version,
                super::update::DEADLINE.as_secs() / 60
            ),
        );
    }
    going_on(state)
        .or_else(|| live(state, force, "updated"))
        .unwrap_or(Decision::Accept)
}

/// Whether the other slot may be used from now on.
pub(super) fn rollback(state: &State, force: bool) -> Decision {
    let slots = match slots(state) {
        Ok(slots) => slots,
        Err(denied) => return denied,
    };
    if slots.trial && !force {
        return deny(
            DenialCode::Busy,
            format!(
                "Version {} is on trial and is taken back by itself if it does not do well. Use force to take it back now.",
                slots.version
            ),
        );
    }
    if !slots.trial && slots.other.is_none() {
        return deny(
            DenialCode::Unsupported,
            "There is no other version on this box that ran well. Install one with update install and downgrade.",
        );
    }
    going_on(state)
        .or_else(|| live(state, force, "taken back to another version"))
        .unwrap_or(Decision::Accept)
}

fn slots(state: &State) -> Result<&Slots, Decision> {
    state.actual.update.slots.as_ref().ok_or_else(|| {
        deny(
            DenialCode::Unsupported,
            "This box was not started from Boothcast's image, so it cannot update itself. Update its package or its build.",
        )
    })
}

fn going_on(state: &State) -> Option<Decision> {
    let message = match &state.actual.update.job {
        Job::Idle => return None,
        Job::Installing { .. } => "An update is being installed. Wait until it has ended.".into(),
        Job::Waiting { version, .. } => format!(
            "Version {version} is installed and waits for the end of the show. Restart the machine (reboot) to begin it now."
        ),
        Job::Leaving { .. } => "The box goes back to the version before.".into(),
    };
    Some(deny(DenialCode::Busy, message))
}

fn live(state: &State, force: bool, what: &str) -> Option<Decision> {
    let on_air = state.wanted.live || state.actual.any_live();
    (on_air && !force).then(|| {
        deny(
            DenialCode::Live,
            format!(
                "The box is live and is not {what} meanwhile. End the show first, or use force."
            ),
        )
    })
}

/// Whether `source` can be one; the error is a sentence.
pub fn check_source(source: &str) -> Result<(), String> {
    let wrong = |what: &str| {
        Err(format!(
            "{what} Give the path of a bundle on the box, such as /data/boothcast.raucb, or its https:// address."
        ))
    };
    if source.is_empty() || source.len() > MAX_SOURCE {
        return wrong("A source has 1 to 1024 bytes.");
    }
    if source.chars().any(char::is_control) {
        return wrong("A source has no control characters.");
    }
    let rest = |scheme: &str| source.strip_prefix(scheme);
    let fine = if let Some(path) = rest("file://") {
        path.starts_with('/')
    } else if let Some(address) = rest("https://").or_else(|| rest("http://")) {
        !address.is_empty() && !address.starts_with('/') && !address.contains(char::is_whitespace)
    } else {
        source.starts_with('/')
    };
    if fine {
        Ok(())
    } else {
        wrong("This is no source.")
    }
}
