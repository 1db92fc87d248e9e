//! From the state to one plain sentence for the person who runs the shop, a severity, and an LED pattern.
//!
//! The first of these that is so is said:
//!
//! | | what | severity |
//! |---|---|---|
//! | 1 | shutting down | notice |
//! | 2 | nothing can encode the picture | problem |
//! | 3 | no camera picture | problem |
//! | 4 | a server refuses the stream key | problem |
//! | 5 | no destination takes the stream / one of them does not | problem / warning |
//! | 6 | settings cannot be saved | warning |
//! | 7 | the main encoder begins anew after a failure; the sub encoder fails | warning |
//! | 8 | no sound: microphone lost, sound track stopped | warning |
//! | 9 | the sound is too loud | warning |
//! | 10 | starting; connecting | notice |
//! | 11 | live without a destination; muted; silent; reduced quality | notice |
//! | 12 | live; ready | ok |

use serde::Serialize;

use super::actual::Saved;
use super::encoder::{Encoder, Session};
use super::event::{DestinationState, LevelState};
use super::led::{LedPattern, Trouble};
use super::source::Source;
use super::state::State;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is as wanted.
    Ok,
    /// Worth knowing; nothing to mend, or not now.
    Notice,
    /// Something is wrong, the show goes on.
    Warning,
    /// Viewers do not get what they should.
    Problem,
}

/// The state in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// How bad it is.
    pub severity: Severity,
    /// What is so, and the mend if there is one. One line.
    pub sentence: String,
    /// What the LED does.
    pub led: LedPattern,
}

/// Says how the box is.
#[must_use]
pub fn health(state: &State) -> Health {
    let (severity, sentence, mut led) = ending(state)
        .or_else(|| no_encoder(state))
        .or_else(|| no_camera(state))
        .or_else(|| key_rejected(state))
        .or_else(|| unreachable(state))
        .or_else(|| unsaved(state))
        .or_else(|| encoder_trouble(state))
        .or_else(|| no_sound(state))
        .or_else(|| starting(state))
        .or_else(|| remarks(state))
        .unwrap_or_else(|| well(state));
    if state.actual.identify_until.is_some() {
        led = LedPattern::Identify;
    }
    Health {
        severity,
        sentence,
        led,
    }
}

/// What the slate says, or `None` while there is a camera picture (the old sentence stays, unseen).
#[must_use]
pub fn slate_sentence(state: &State) -> Option<String> {
    match &state.actual.camera {
        Source::Off => Some("The camera is off.".into()),
        Source::Up { .. } => None,
        source => Some(source.outage().map_or_else(
            || "The camera is starting.".into(),
            |outage| camera_sentence(&outage.reason),
        )),
    }
}

type Finding = (Severity, String, LedPattern);

fn problem(sentence: impl Into<String>) -> Option<Finding> {
    Some((
        Severity::Problem,
        sentence.into(),
        LedPattern::Error(Trouble::Camera),
    ))
}

fn warning(sentence: impl Into<String>) -> Option<Finding> {
    Some((Severity::Warning, sentence.into(), LedPattern::Degraded))
}

fn notice(sentence: impl Into<String>, led: LedPattern) -> Option<Finding> {
    Some((Severity::Notice, sentence.into(), led))
}

fn ending(state: &State) -> Option<Finding> {
    if state.actual.ending {
        return notice("Shutting down.", LedPattern::Booting);
    }
    None
}

fn no_encoder(state: &State) -> Option<Finding> {
    let actual = &state.actual;
    if actual.passthrough || !actual.started {
        return None;
    }
    match actual.main.session {
        Session::Off if state.setup.passthrough => None,
        Session::Off => problem(
            "The picture cannot be encoded: no H.264 encoder works. Run boothcast doctor to see why.",
        ),
        Session::Waiting { .. } => problem(with_mend(
            format!("The picture cannot be encoded: {}", reason(&actual.main)),
            "Choose a smaller picture, or restart the box.",
        )),
        _ => None,
    }
}

fn no_camera(state: &State) -> Option<Finding> {
    let outage = state.actual.camera.outage()?;
    problem(camera_sentence(&outage.reason))
}

fn camera_sentence(reason: &str) -> String {
    let mend = if reason.to_lowercase().contains("unplugged") {
        "Plug it in again."
    } else {
        "Check the camera and its cable."
    };
    with_mend(format!("No camera picture: {reason}"), mend)
}

fn key_rejected(state: &State) -> Option<Finding> {
    let names = destinations(state, |s| matches!(s, DestinationState::KeyRejected { .. }));
    let (verb, key) = match names.len() {
        0 => return None,
        1 => ("refuses the stream key", "Check the key."),
        _ => ("refuse their stream keys", "Check the keys."),
    };
    problem(format!("{} {verb}. {key}", list(&names)))
}

fn unreachable(state: &State) -> Option<Finding> {
    let away = state.actual.destinations.iter();
    let (names, reasons): (Vec<&str>, Vec<&str>) = away
        .filter_map(|(name, push)| Some((name.as_str(), push.failure.as_deref()?)))
        .unzip();
    let why = reasons.first()?;
    let sentence = with_mend(
        format!("The stream does not reach {}: {why}", list(&names)),
        "The box tries again by itself; check the network.",
    );
    if state.actual.any_live() {
        warning(sentence)
    } else {
        problem(sentence)
    }
}

fn unsaved(state: &State) -> Option<Finding> {
    match &state.actual.saved {
        Saved::Failed { reason, .. } => warning(with_mend(
            format!("Settings cannot be saved: {reason}"),
            "Make room on the disk, or check its permissions.",
        )),
        _ => None,
    }
}

fn encoder_trouble(state: &State) -> Option<Finding> {
    let actual = &state.actual;
    let trouble = |e: &Encoder| e.failures > 0 && !e.is_up();
    if trouble(&actual.main) && !actual.passthrough {
        return warning(format!(
            "The encoder failed and another begins: {}.",
            reason(&actual.main)
        ));
    }
    let sub = actual.sub.as_ref()?;
    if trouble(sub) {
        return warning(with_mend(
            format!("The small picture cannot be encoded: {}", reason(sub)),
            "Set sub.enabled to false if it is not needed.",
        ));
    }
    None
}

fn no_sound(state: &State) -> Option<Finding> {
    let actual = &state.actual;
    if !state.setup.audio {
        return None;
    }
    if let Some(outage) = actual.mic.outage() {
        return warning(with_mend(
            format!("No sound: {}", outage.reason),
            "Check the microphone and its cable.",
        ));
    }
    if actual.audio_stalled {
        return warning("The sound track has stopped. Restart the box if it does not come back.");
    }
    match actual.levels.as_ref()?.state {
        LevelState::Clipping if !state.wanted.muted => {
            warning("The sound is too loud and distorts. Turn the microphone down.")
        }
        _ => None,
    }
}

fn starting(state: &State) -> Option<Finding> {
    let actual = &state.actual;
    let opening = |s: &Source| matches!(s, Source::Opening { .. });
    if !actual.started {
        return notice("Starting.", LedPattern::Booting);
    }
    if opening(&actual.camera) {
        return notice("The camera is starting.", LedPattern::Booting);
    }
    if !actual.passthrough && matches!(actual.main.session, Session::Opening { .. }) {
        return notice("The encoder is starting.", LedPattern::Booting);
    }
    if opening(&actual.mic) {
        return notice("The microphone is starting.", LedPattern::Booting);
    }
    let names = destinations(state, |s| *s == DestinationState::Connecting);
    if names.is_empty() {
        return None;
    }
    notice(
        format!("Connecting to {}.", list(&names)),
        LedPattern::Booting,
    )
}

fn remarks(state: &State) -> Option<Finding> {
    let open = destinations(state, |_| true);
    if state.wanted.live && open.is_empty() {
        return notice(
            "Live, but no destination is enabled. Enable one, or watch over RTSP.",
            LedPattern::Ready,
        );
    }
    let (_, base, led) = well(state);
    let base = base.trim_end_matches('.');
    if state.setup.audio && state.wanted.muted {
        return notice(format!("{base}; the sound is muted."), led);
    }
    if let Some(levels) = &state.actual.levels
        && levels.state == LevelState::Silent
    {
        return notice(
            format!("{base}; the microphone hears nothing. Check that it is switched on."),
            led,
        );
    }
    // Below four fifths of what is wanted a viewer sees it.
    let wanted = u64::from(state.video().bitrate);
    if state.actual.advised.is_some() && u64::from(state.actual.bitrate) * 5 < wanted * 4 {
        return notice(
            format!("{base}, at reduced quality because the network is slow."),
            led,
        );
    }
    None
}

fn well(state: &State) -> Finding {
    let names = destinations(state, |s| *s == DestinationState::Live);
    if names.is_empty() {
        return (Severity::Ok, "Ready. Not live.".into(), LedPattern::Ready);
    }
    (
        Severity::Ok,
        format!("Live to {}.", list(&names)),
        LedPattern::Live,
    )
}

/// Names of the open destinations whose state is `which`.
fn destinations(state: &State, which: impl Fn(&DestinationState) -> bool) -> Vec<&str> {
    state
        .actual
        .destinations
        .iter()
        .filter(|(_, push)| push.open && which(&push.state))
        .map(|(name, _)| name.as_str())
        .collect()
}

/// "a", "a and b", "a, b and 3 more".
fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, two] => format!("{one} and {two}"),
        [one, two, three] => format!("{one}, {two} and {three}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

fn reason(encoder: &Encoder) -> &str {
    encoder.reason.as_deref().unwrap_or("it failed")
}

/// Adds the mend, unless what comes from below names one already (a second sentence).
fn with_mend(sentence: impl Into<String>, mend: &str) -> String {
    let sentence = sentence.into();
    if sentence.contains(". ") {
        format!("{sentence}.")
    } else {
        format!("{sentence}. {mend}")
    }
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;
