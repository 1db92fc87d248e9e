//! ALSA capture cards: which are there, which of them can truly be opened, and their gain.
//!
//! A listed card is not a recordable one, so each is opened for capture (without waiting, and closed at once) and asked
//! for its formats. Nothing is recorded and nothing is set, but by the two `set_…` functions. Each look gets
//! `ANSWER_LIMIT`.

mod facts;
mod mixer;
mod probe;
mod volume;

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::camera::holder;
use super::deadline::within;
use crate::error::{Error, Kind, Result};

pub use mixer::{
    CaptureControl, VolumeRange, capture_controls, set_capture_switch, set_capture_volume_db,
};
pub use volume::{MainCapture, main_capture, set_main_switch, set_main_volume};

/// How long one card may take to answer.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(4);

/// A capture device of a sound card. A card with two capture devices is there twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// `CARD=<id>,DEV=<n>`: what belongs into `audio.device`. Two cards of one model swap it when they are plugged in
    /// in another order; `port` does not.
    pub id: String,
    /// Name of the PCM for `alsasrc`: `hw:CARD=<id>,DEV=<n>`.
    pub pcm: String,
    /// Number at this moment.
    pub index: u32,
    /// ALSA's short id of the card.
    pub card_id: String,
    /// Number of the capture device on the card.
    pub device: u32,
    /// Model.
    pub name: String,
    /// Model and where it sits.
    pub long_name: String,
    /// Place in the tree of devices, under `/sys/devices`: stays with the socket.
    pub port: Option<String>,
    /// Bus and device number, for USB: `001/004`.
    pub usb: Option<String>,
    /// What came of opening it.
    pub capture: Capture,
}

/// What came of opening a card for capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Capture {
    /// It can be recorded from.
    Openable {
        /// Sample formats, ALSA's names.
        formats: Vec<&'static str>,
        /// Common rates that it takes, samples per second.
        rates: Vec<u32>,
        /// Fewest and most channels.
        channels: (u32, u32),
    },
    /// It cannot.
    NotOpenable {
        /// Kind of the error.
        kind: Kind,
        /// One sentence.
        reason: String,
        /// What to do about it.
        mend: String,
    },
}

impl Capture {
    fn failed(e: &Error) -> Self {
        Self::NotOpenable {
            kind: e.kind(),
            reason: e.message().to_owned(),
            mend: e.mend_text().unwrap_or_default().to_owned(),
        }
    }
}

impl Card {
    /// A card of which only its names are known.
    fn untried(index: u32, card_id: &str, device: u32, name: String) -> Self {
        Self {
            id: format!("CARD={card_id},DEV={device}"),
            pcm: format!("hw:CARD={card_id},DEV={device}"),
            index,
            card_id: card_id.to_owned(),
            device,
            long_name: name.clone(),
            name,
            port: None,
            usb: None,
            capture: Capture::NotOpenable {
                kind: Kind::Internal,
                reason: "It was not tried.".to_owned(),
                mend: String::new(),
            },
        }
    }

    /// Whether it can be recorded from.
    #[must_use]
    pub fn is_openable(&self) -> bool {
        matches!(self.capture, Capture::Openable { .. })
    }

    /// Why it cannot be recorded from.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        match &self.capture {
            Capture::Openable { .. } => None,
            Capture::NotOpenable { kind, reason, mend } => {
                let e = Error::new(*kind, reason.clone());
                Some(if mend.is_empty() { e } else { e.mend(mend) })
            }
        }
    }

    /// One clause for people: `USB Audio, 44100 and 48000/s, 1 to 2 channels`.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.capture {
            Capture::Openable {
                rates, channels, ..
            } => {
                let rates: Vec<String> = rates.iter().map(ToString::to_string).collect();
                let channels = match channels {
                    (1, 1) => "1 channel".to_owned(),
                    (min, max) if min == max => format!("{min} channels"),
                    (min, max) => format!("{min} to {max} channels"),
                };
                format!("{}, {} samples/s, {channels}", self.name, rates.join(" "))
            }
            Capture::NotOpenable { reason, .. } => reason.clone(),
        }
    }
}

/// Every capture device of every card, the default one first. No card is an empty list.
///
/// # Errors
/// `Timeout` when ALSA itself does not answer. A card that cannot be opened is no error but [`Capture::NotOpenable`].
pub fn list() -> Result<Vec<Card>> {
    let root = Path::new("/");
    let mut cards = within(ANSWER_LIMIT, "The sound system", || Ok(probe::listed()))?;
    for card in &mut cards {
        card.port = facts::port(root, card.index);
        card.usb = facts::usb(root, card.index);
        let (pcm, name, place) = (card.pcm.clone(), title(card), (card.index, card.device));
        let tried = within(ANSWER_LIMIT, &title(card), move || {
            probe::open(&pcm).map_err(|errno| open_error(root, &name, place, errno))
        });
        card.capture = tried.unwrap_or_else(|e| Capture::failed(&e));
    }
    let forbidden = forbidden(root, &cards);
    cards.extend(forbidden);
    sort(&mut cards);
    Ok(cards)
}

/// Cards that this user may not open: ALSA does not list them, and "there is no card" would be the wrong sentence.
fn forbidden(root: &Path, known: &[Card]) -> Vec<Card> {
    facts::listed(root)
        .into_iter()
        .filter(|l| !known.iter().any(|c| c.index == l.card))
        .filter(|l| facts::is_forbidden(root, l.card))
        .map(|l| {
            let mut card = Card::untried(l.card, &l.id, l.device, l.name);
            card.port = facts::port(root, card.index);
            card.usb = facts::usb(root, card.index);
            let place = (card.index, card.device);
            card.capture = Capture::failed(&open_error(root, &title(&card), place, libc::EACCES));
            card
        })
        .collect()
}

/// The card that `wanted` names: a stable id, a PCM name such as `hw:1,0` or `hw:CARD=USB`, a place under
/// `/sys/devices`, or a part of the name that only one has. Empty: the first by this order: real cards before virtual
/// ones (loopback, dummy), those that can be opened before those that cannot, then by socket, so that it is the same one
/// after every restart.
///
/// # Errors
/// `NotFound` when none or several fit, with what is there; the error of opening it when the one that is wanted cannot
/// be recorded from.
pub fn find(wanted: &str) -> Result<Card> {
    find_in(list()?, wanted)
}

/// Real cards before virtual ones (a loopback never stands in for a microphone that is busy), of each those that can be
/// opened first, then by place: the same after every restart.
fn sort(cards: &mut [Card]) {
    let key = |c: &Card| {
        (
            is_virtual(c),
            !c.is_openable(),
            c.port.clone().unwrap_or_default(),
            c.card_id.clone(),
            c.device,
        )
    };
    cards.sort_by_key(key);
}

/// A card that no microphone can be behind: the kernel's loopback and dummy, what a program made, and the sound that a
/// computer plays to this box where the box is itself a USB device.
fn is_virtual(card: &Card) -> bool {
    const DRIVERS: [&str; 2] = ["snd_aloop", "snd_dummy"];
    let place = card.port.as_deref().unwrap_or_default();
    place.starts_with("virtual")
        || place.split('/').any(|part| {
            DRIVERS.iter().any(|driver| part.starts_with(driver)) || part.starts_with("gadget")
        })
        || ["Loopback", "UAC2Gadget", "UAC1Gadget"]
            .iter()
            .any(|id| card.card_id.starts_with(id))
}

fn find_in(mut cards: Vec<Card>, wanted: &str) -> Result<Card> {
    let wanted = wanted.trim();
    if cards.is_empty() {
        return Err(none(wanted));
    }
    let chosen = if wanted.is_empty() || wanted == "default" {
        0 // `sort` has put one that can be opened in front, if there is one
    } else {
        position(&cards, wanted)?
    };
    let card = cards.swap_remove(chosen);
    match card.error() {
        Some(e) => Err(e),
        None => Ok(card),
    }
}

fn position(cards: &[Card], wanted: &str) -> Result<usize> {
    let lower = wanted.to_lowercase();
    let pcm = parse_pcm(wanted);
    let by_pcm = |c: &Card| {
        pcm.is_some_and(|(card, device)| {
            (c.card_id == card || c.index.to_string() == card)
                && device.is_none_or(|d| d == c.device)
        })
    };
    let tests: [&dyn Fn(&Card) -> bool; 4] = [
        &by_pcm,
        &|c| c.port.as_deref() == Some(wanted.trim_start_matches("/sys/devices/")),
        &|c| c.name.to_lowercase().contains(&lower),
        &|c| c.long_name.to_lowercase().contains(&lower),
    ];
    for test in tests {
        let fitting: Vec<usize> = (0..cards.len()).filter(|i| test(&cards[*i])).collect();
        let one_card = fitting
            .iter()
            .all(|i| cards[*i].index == cards[fitting[0]].index);
        match fitting[..] {
            [] => {}
            // Several devices of the one card that is meant: its first.
            [first, ..] if one_card => return Ok(first),
            _ => {
                let ids: Vec<&str> = fitting.iter().map(|i| cards[*i].id.as_str()).collect();
                return Err(Error::new(
                    Kind::NotFound,
                    format!("\"{wanted}\" fits {} sound cards.", ids.len()),
                )
                .mend(format!("Use one of their ids: {}.", ids.join(" "))));
            }
        }
    }
    let there: Vec<String> = cards
        .iter()
        .map(|c| format!("{} ({})", c.id, c.name))
        .collect();
    Err(Error::new(
        Kind::NotFound,
        format!("There is no capture card \"{wanted}\"."),
    )
    .mend(format!(
        "Set audio.device to what is there: {}.",
        there.join(", ")
    )))
}

/// Card (id or number) and device of `hw:CARD=USB,DEV=0`, `CARD=USB`, `plughw:1,0`, `USB`.
fn parse_pcm(name: &str) -> Option<(&str, Option<u32>)> {
    let rest = name.split_once(':').map_or(name, |(_, rest)| rest);
    let mut parts = rest.split(',');
    let first = parts.next()?;
    let card = first.strip_prefix("CARD=").unwrap_or(first).trim();
    let device = match parts.next() {
        None => None,
        Some(text) => Some(text.trim().trim_start_matches("DEV=").parse().ok()?),
    };
    (!card.is_empty()).then_some((card, device))
}

fn none(wanted: &str) -> Error {
    let message = if wanted.is_empty() {
        "There is no capture card.".to_owned()
    } else {
        format!("There is no capture card, so not \"{wanted}\" either.")
    };
    Error::new(Kind::NotFound, message).mend("Plug in a microphone or a sound card.")
}

fn title(card: &Card) -> String {
    format!("The sound card {} ({})", card.name, card.id)
}

fn open_error(root: &Path, title: &str, place: (u32, u32), errno: i32) -> Error {
    match errno {
        libc::EBUSY | libc::EAGAIN => {
            // Not every kernel notes the owner of a card.
            let who = facts::holder(root, place).unwrap_or_else(|| {
                let (card, device) = place;
                let node = format!("/dev/snd/pcmC{card}D{device}c");
                holder::of_device(&root.join("proc"), Path::new(&node))
            });
            Error::new(Kind::InUse, format!("{title} is used by {who}."))
                .mend("End that program, or choose another card.")
        }
        libc::EACCES | libc::EPERM => Error::new(
            Kind::Permission,
            format!("{title} may not be opened by this user."),
        )
        .mend("Add the user to the group audio: adduser USER audio, then log in again."),
        libc::ENODEV | libc::ENOENT | libc::ENXIO => {
            Error::new(Kind::NotFound, format!("{title} is gone."))
                .mend("Plug it in again, and check its cable.")
        }
        other => Error::new(
            Kind::Unsupported,
            format!("{title} cannot be opened for capture."),
        )
        .caused_by(std::io::Error::from_raw_os_error(other)),
    }
}

#[cfg(test)]
#[path = "mod_tests.rs"]
mod tests;
