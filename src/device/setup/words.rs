//! What set-up says: sentences for people, and the LED.

use super::super::actual::clean;
use super::super::health::{self, Finding, Severity};
use super::super::led::{LedPattern, Trouble};
use super::super::state::State;
use super::{Blink, Progress};

/// Longest line on the picture, in characters: as of the owner's own.
const LINE: usize = 100;

pub(super) const CLOSED: &str = "Hold the button for 3 s, then show the code again.";
pub(super) const TAKING: &str = "Taking up the code…";
pub(super) const OTHER_CLAIM: &str = "This box was set up with another claim token. Show a code with the same token, or do a factory reset first.";
pub(super) const TOO_LONG: &str =
    "That took too long. Show the code again, or look at the box's log.";

pub(super) fn joining(ssid: &str) -> String {
    format!("Joining Wi-Fi {}…", clean(ssid))
}

/// `network`: what the network says, such as `Wi-Fi Shop, 192.168.1.20`.
pub(super) fn joined(ssid: &str, network: Option<&str>) -> String {
    let name = format!("Wi-Fi {}", clean(ssid));
    let address = network
        .and_then(|n| n.strip_prefix(&name)?.strip_prefix(", "))
        .filter(|address| !address.is_empty());
    match address {
        Some(address) => format!("{name} joined: {address}."),
        None => format!("{name} joined."),
    }
}

pub(super) fn unreadable(reason: &str) -> String {
    format!("That QR code does not count: {reason}.")
}

pub(super) fn unsaved(reason: &str) -> String {
    format!("The code cannot be kept: {reason}. Make room on the disk, then show it again.")
}

/// A clause from the network, as a sentence.
pub(super) fn sentence(reason: &str) -> String {
    let mut chars = reason.chars();
    let Some(first) = chars.next() else {
        return "It could not be done.".into();
    };
    // What was cut has its end already.
    let stop = if reason.ends_with('…') { "" } else { "." };
    format!("{}{}{stop}", first.to_uppercase(), chars.as_str())
}

pub(super) fn taken(state: &State, restart: bool) -> String {
    let next = if restart {
        " Starting anew…"
    } else if !state.wanted.live {
        ""
    } else if state.actual.setup.network.is_none() {
        " It goes live as soon as there is a network."
    } else {
        " Going live…"
    };
    format!("Set up.{next}")
}

/// What there is to say of the last code, for as long as it is shown.
pub(in super::super) fn finding(state: &State) -> Option<Finding> {
    let setup = &state.actual.setup;
    let note = setup.note.as_ref().filter(|n| n.until.is_some())?;
    let severity = match note.progress {
        Progress::Failed => Severity::Warning,
        Progress::Done => Severity::Ok,
        Progress::Idle | Progress::Working => Severity::Notice,
    };
    let led = match setup.blink {
        Some((Blink::Yes, _)) => LedPattern::Identify,
        Some((Blink::NoNetwork, _)) => LedPattern::Error(Trouble::Network),
        Some((Blink::Refused, _)) => LedPattern::Error(Trouble::Server),
        None => match health::base(state) {
            LedPattern::Ready if state.is_setup_open() => LedPattern::SetUp,
            other => other,
        },
    };
    Some((severity, note.text.clone(), led))
}

/// What a box says that waits to be set up, and has nothing else to do.
pub(in super::super) fn waiting(state: &State) -> Option<Finding> {
    let idle = health::base(state) == LedPattern::Ready;
    (idle && state.is_setup_open())
        .then(|| health::notice(invitation(state), LedPattern::SetUp))
        .flatten()
}

fn invitation(state: &State) -> String {
    let own = state.actual.setup.access_point.as_ref();
    let own = own.map(|wifi| format!("join the Wi-Fi {} and open its page", clean(&wifi.ssid)));
    match (own, state.setup.scan) {
        (None, true) => "Show me a QR code: Wi-Fi or Boothcast.".into(),
        (Some(own), true) => format!("Show me a QR code, Wi-Fi or Boothcast, or {own}."),
        (None, false) => "Waiting to be set up: open the page of the box.".into(),
        (Some(own), false) => format!("Waiting to be set up: {own}."),
    }
}

/// The line on the picture; what is said of a code stands in place of the owner's `banner` while it is shown, the invitation
/// where there is none, and only before somebody has set the box up.
pub(in super::super) fn line(state: &State, banner: Option<&str>) -> Option<String> {
    if let Some((_, text, _)) = finding(state).filter(|_| concerns_viewers(state)) {
        return Some(cut(&text));
    }
    let invites = banner.is_none() && !state.is_claimed() && waiting(state).is_some();
    invites.then(|| cut(&invitation(state)))
}

/// The same on the slate, where there is something to say of a code.
pub(in super::super) fn slate(state: &State) -> Option<String> {
    finding(state).map(|(_, text, _)| text)
}

/// Remarks in passing do not come onto the picture of a box that may be on air.
fn concerns_viewers(state: &State) -> bool {
    let note = state.actual.setup.note.as_ref();
    !state.is_claimed() || note.is_some_and(|n| n.progress != Progress::Idle)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LINE {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LINE - 1).collect();
    short.push('…');
    short
}
