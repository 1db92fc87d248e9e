//! What health has to say of the devices of the box: sound, button, heat, supply, a picture that stands still, faults.

use super::event::LevelState;
use super::health::{Finding, notice, problem, warning, with_mend};
use super::led::{LedPattern, Trouble};
use super::state::State;
use super::thermal::HeatLevel;

pub(super) fn confirm(state: &State) -> Option<Finding> {
    state.actual.confirm_until?;
    notice(
        "Press the button once more, shortly, within 10 s to forget all settings. To keep them, do nothing.",
        LedPattern::Confirm,
    )
}

/// Not to be mended by the box: the firmware slows the processor down hard, or the board may fail at any time.
pub(super) fn too_much(state: &State) -> Option<Finding> {
    let actual = &state.actual;
    if actual.power.is_some_and(|p| p.under_voltage) {
        return problem(
            Trouble::Heat,
            "The power supply is too weak. Use a stronger one with a short, thick cable.",
        );
    }
    if actual.heat.is_too_much(state.setup.heat) {
        return problem(
            Trouble::Heat,
            "The box is too hot although its picture is at its smallest. Give it air and shade.",
        );
    }
    None
}

pub(super) fn hot(state: &State) -> Option<Finding> {
    let actual = &state.actual;
    if actual.heat.level != HeatLevel::Normal && state.video() != *state.wanted_video() {
        return warning(
            state,
            "The box is hot, so its picture is smaller than wanted. Give it air and shade.",
        );
    }
    if actual.heat.level != HeatLevel::Normal {
        return warning(state, "The box is hot. Give it air and shade.");
    }
    if actual.power.is_some_and(|p| p.throttled) {
        return warning(
            state,
            "The board slows its processor down, for heat or for its supply. Give it air, and a stronger supply.",
        );
    }
    None
}

/// What may be added to `base`, a sentence without its full stop.
pub(super) fn remarks(state: &State, base: &str, led: LedPattern) -> Option<Finding> {
    let actual = &state.actual;
    if actual.still.now {
        return notice(
            format!("{base}; the picture of the camera does not move. Check it if it should."),
            led,
        );
    }
    let faults = [("LED", &actual.led_fault), ("button", &actual.button_fault)];
    let (part, why) = faults
        .into_iter()
        .find_map(|(part, fault)| Some((part, fault.as_deref()?)))?;
    notice(format!("{base}; the {part} does not work: {why}."), led)
}

pub(super) fn no_sound(state: &State) -> Option<Finding> {
    let actual = &state.actual;
    if !state.setup.audio {
        return None;
    }
    if let Some(outage) = actual.mic.outage() {
        return warning(
            state,
            with_mend(
                format!("No sound: {}", outage.reason),
                "Check the microphone and its cable.",
            ),
        );
    }
    if actual.audio_stalled {
        return warning(
            state,
            "The sound track has stopped. Restart the box if it does not come back.",
        );
    }
    match actual.levels.as_ref()?.state {
        LevelState::Clipping if !state.wanted.muted => warning(
            state,
            "The sound is too loud and distorts. Turn the microphone down.",
        ),
        _ => None,
    }
}
