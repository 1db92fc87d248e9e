//! From the state to one plain sentence for the person who runs the shop, a severity, and an LED pattern.
//!
//! The first of these that is so is said:
//!
//! | | what | severity | LED when not live |
//! |---|---|---|---|
//! | 1 | shutting down | notice | booting |
//! | 2 | a factory reset waits for its confirmation | notice | confirm |
//! | 3 | what became of a code that was shown to the box, for 15 s | ok / notice / warning | identify / set-up / error 2 or 3 |
//! | 4 | nothing can encode the picture | problem | error 1 |
//! | 5 | no camera picture | problem | error 1 |
//! | 6 | a server refuses the stream key | problem | error 3 |
//! | 7 | too hot although the picture is at its smallest; the supply is too weak | problem | error 5 |
//! | 8 | no destination takes the stream / one of them does not | problem / warning | error 2 or 3 / degraded |
//! | 9 | settings cannot be saved | warning | error 4 |
//! | 10 | the main encoder begins anew after a failure; the sub encoder fails | warning | as without |
//! | 11 | hot, so that the picture is smaller; the processor is slowed down | warning | as without |
//! | 12 | no sound: microphone lost, sound track stopped; too loud | warning | as without |
//! | 13 | settings of an operator were rolled back, in the last ten minutes | warning | as without |
//! | 14 | a version was taken back, or not installed, in the last ten minutes | warning | as without |
//! | 15 | an update is installed; a new version on trial | notice | updating |
//! | 16 | starting; connecting | notice | booting; connecting |
//! | 17 | waits to be set up | notice | set-up |
//! | 18 | live without a destination; muted; silent; reduced quality; a picture that stands still; LED, button | notice | ready |
//! | 19 | live; ready | ok | ready |
//!
//! The LED shows a problem also when live; with a warning a live box shows *degraded*. A box that is not live shows
//! *updating* while an update goes on, whatever else is so: its plug must stay in.

use serde::Serialize;

use super::actual::Saved;
use super::encoder::{Encoder, Session};
use super::event::{DestinationState, LevelState};
use super::health_hardware;
use super::health_start;
use super::led::{LedPattern, Trouble};
use super::setup;
use super::source::Source;
use super::state::State;
use super::{trial, update_say};

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
    let (severity, mut sentence, mut led) = ending(state)
        .or_else(|| health_hardware::confirm(state))
        .or_else(|| setup::finding(state))
        .or_else(|| health_start::safe(state))
        .or_else(|| no_encoder(state))
        .or_else(|| no_camera(state))
        .or_else(|| key_rejected(state))
        .or_else(|| health_hardware::too_much(state))
        .or_else(|| unreachable(state))
        .or_else(|| unsaved(state))
        .or_else(|| health_start::complaint(state))
        .or_else(|| encoder_trouble(state))
        .or_else(|| health_hardware::hot(state))
        .or_else(|| health_hardware::no_sound(state))
        .or_else(|| trial::finding(state))
        .or_else(|| update_say::went_wrong(state))
        .or_else(|| update_say::going_on(state))
        .or_else(|| starting(state))
        .or_else(|| setup::waiting(state))
        .or_else(|| remarks(state))
        .unwrap_or_else(|| well(state));
    if let Some(updating) = update_say::light(state) {
        led = updating;
    }
    if state.actual.identify_until.is_some() && !state.actual.ending {
        led = LedPattern::Identify;
        if let Some(address) = &state.actual.address {
            sentence = format!("Here I am: {address}. {sentence}");
        }
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
    if let Some(safe) = &state.setup.safe {
        return Some(safe.clone());
    }
    match &state.actual.camera {
        Source::Up { .. } => None,
        _ if setup::slate(state).is_some() => setup::slate(state),
        Source::Off => Some("The camera is off.".into()),
        source => Some(source.outage().map_or_else(
            || "The camera is starting.".into(),
            |outage| camera_sentence(&outage.reason),
        )),
    }
}

pub(super) type Finding = (Severity, String, LedPattern);

pub(super) fn problem(trouble: Trouble, sentence: impl Into<String>) -> Option<Finding> {
    Some((
        Severity::Problem,
        sentence.into(),
        LedPattern::Error(trouble),
    ))
}

/// A live box shows that something is amiss; another shows what it would without.
pub(super) fn warning(state: &State, sentence: impl Into<String>) -> Option<Finding> {
    let led = match base(state) {
        LedPattern::Live => LedPattern::Degraded,
        other => other,
    };
    Some((Severity::Warning, sentence.into(), led))
}

/// The light says storage, unless the box is live.
pub(super) fn of_storage((severity, sentence, led): Finding) -> Option<Finding> {
    let led = match led {
        LedPattern::Degraded => led,
        _ => LedPattern::Error(Trouble::Storage),
    };
    Some((severity, sentence, led))
}

/// On air, on the way to it, or neither.
pub(super) fn base(state: &State) -> LedPattern {
    if state.actual.any_live() {
        LedPattern::Live
    } else if destinations(state, |_| true).is_empty() {
        LedPattern::Ready
    } else {
        LedPattern::Connecting
    }
}

pub(super) fn notice(sentence: impl Into<String>, led: LedPattern) -> Option<Finding> {
    Some((Severity::Notice, sentence.into(), led))
}

fn ending(state: &State) -> Option<Finding> {
    if !state.actual.ending {
        return None;
    }
    let sentence = if state.actual.forgetting {
        "Forgetting everything, then starting anew."
    } else if state.actual.restarting {
        "Restarting."
    } else {
        "Shutting down."
    };
    notice(sentence, LedPattern::Booting)
}

fn no_encoder(state: &State) -> Option<Finding> {
    let actual = &state.actual;
    if actual.passthrough || !actual.started {
        return None;
    }
    match actual.main.session {
        Session::Off if state.setup.passthrough => None,
        Session::Off => problem(
            Trouble::Camera,
            "The picture cannot be encoded: no H.264 encoder works. Run boothcast doctor to see why.",
        ),
        Session::Waiting { .. } => problem(
            Trouble::Camera,
            with_mend(
                format!("The picture cannot be encoded: {}", reason(&actual.main)),
                "Choose a smaller picture, or restart the box.",
            ),
        ),
        _ => None,
    }
}

fn no_camera(state: &State) -> Option<Finding> {
    let outage = state.actual.camera.outage()?;
    problem(Trouble::Camera, camera_sentence(&outage.reason))
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
    problem(Trouble::Server, format!("{} {verb}. {key}", list(&names)))
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
        return warning(state, sentence);
    }
    let server = reasons.iter().any(|r| is_the_servers(r));
    let trouble = if server {
        Trouble::Server
    } else {
        Trouble::Network
    };
    problem(trouble, sentence)
}

/// Whether a server was reached and did not want the stream, or showed a certificate that is not good. All else (a name that
/// is not resolved, no connection, no answer, a connection that broke) is taken for the network's.
fn is_the_servers(reason: &str) -> bool {
    [
        "the server said",
        "the server ended the stream",
        "in answer to publish",
        "certificate",
        "does not speak TLS",
        "NetStream.",
        "NetConnection.",
    ]
    .iter()
    .any(|words| reason.contains(words))
}

fn unsaved(state: &State) -> Option<Finding> {
    match &state.actual.saved {
        Saved::Failed { reason, .. } => {
            let sentence = with_mend(
                format!("Settings cannot be saved: {reason}"),
                "Make room on the disk, or check its permissions.",
            );
            of_storage(warning(state, sentence)?)
        }
        _ => None,
    }
}

fn encoder_trouble(state: &State) -> Option<Finding> {
    let actual = &state.actual;
    let trouble = |e: &Encoder| e.failures > 0 && !e.is_up();
    if trouble(&actual.main) && !actual.passthrough {
        return warning(
            state,
            format!(
                "The encoder failed and another begins: {}.",
                reason(&actual.main)
            ),
        );
    }
    let sub = actual.sub.as_ref()?;
    if trouble(sub) {
        return warning(
            state,
            with_mend(
                format!("The small picture cannot be encoded: {}", reason(sub)),
                "Set sub.enabled to false if it is not needed.",
            ),
        );
    }
    None
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
    notice(format!("Connecting to {}.", list(&names)), base(state))
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
    health_hardware::remarks(state, base, led)
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
pub(super) fn with_mend(sentence: impl Into<String>, mend: &str) -> String {
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
