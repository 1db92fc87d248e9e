//! Gain of a card: its capture volumes, switches and boosts.

use std::path::Path;

use alsa::Round;
use alsa::mixer::{MilliBel, Mixer, Selem, SelemChannelId};
use serde::Serialize;

use super::super::deadline::within;
use super::{ANSWER_LIMIT, Card, probe, title};
use crate::error::{Error, Kind, Result};

/// More than any card has.
const MAX_CONTROLS: usize = 256;

/// A volume in dB.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct VolumeRange {
    /// Lowest, dB.
    pub min_db: f32,
    /// Highest, dB.
    pub max_db: f32,
    /// Now, dB.
    pub db: f32,
}

/// One control on the way from a microphone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaptureControl {
    /// ALSA's name of it.
    pub name: String,
    /// Volume, where it has one that is stated in dB.
    pub volume: Option<VolumeRange>,
    /// Whether it lets sound through, where it has a switch.
    pub on: Option<bool>,
    /// Whether it is an amplifier in front of the converter.
    pub boost: bool,
}

/// Capture volumes, switches and boosts of `card`.
///
/// # Errors
/// `Timeout`; `NotFound` when the card is gone; `Permission`; `Unsupported` when it has no mixer.
pub fn capture_controls(card: &Card) -> Result<Vec<CaptureControl>> {
    with_mixer(card, |mixer, _| {
        Ok(elements(mixer).map(|e| describe(&e)).collect())
    })
}

/// Sets the capture volume that is called `name` to the step at or below `db`.
///
/// # Errors
/// `NotFound` when there is no such volume; `Unsupported` when `db` is out of its range; `Timeout`.
pub fn set_capture_volume_db(card: &Card, name: &str, db: f32) -> Result<()> {
    let name = name.to_owned();
    with_mixer(card, move |mixer, title| {
        let element = element(mixer, title, &name, Selem::has_capture_volume)?;
        let range = volume(&element);
        check_range(title, &name, range, db)?;
        element
            .set_capture_db_all(MilliBel::from_db(db), Round::Floor)
            .map_err(|e| refused(title, &name, e))
    })
}

/// Opens (`true`) or shuts the capture switch that is called `name`.
///
/// # Errors
/// `NotFound` when there is no such switch; `Timeout`.
pub fn set_capture_switch(card: &Card, name: &str, on: bool) -> Result<()> {
    let name = name.to_owned();
    with_mixer(card, move |mixer, title| {
        let element = element(mixer, title, &name, Selem::has_capture_switch)?;
        element
            .set_capture_switch_all(i32::from(on))
            .map_err(|e| refused(title, &name, e))
    })
}

pub(super) fn with_mixer<T: Send + 'static>(
    card: &Card,
    work: impl FnOnce(&Mixer, &str) -> Result<T> + Send + 'static,
) -> Result<T> {
    let name = format!("hw:CARD={}", card.card_id);
    let (title, place) = (title(card), (card.index, card.device));
    within(ANSWER_LIMIT, &title.clone(), move || {
        probe::silence();
        let mixer = Mixer::new(&name, true).map_err(|e| match e.errno().abs() {
            // `errno` is positive for most of the crate's errors and negative for some.
            errno @ (libc::ENODEV | libc::ENOENT | libc::ENXIO | libc::EACCES | libc::EPERM) => {
                super::open_error(Path::new("/"), &title, place, errno)
            }
            _ => Error::new(
                Kind::Unsupported,
                format!("{title} has no mixer that can be opened."),
            )
            .caused_by(e),
        })?;
        work(&mixer, &title)
    })
}

pub(super) fn elements(mixer: &Mixer) -> impl Iterator<Item = Selem<'_>> {
    mixer
        .iter()
        .take(MAX_CONTROLS)
        .filter_map(Selem::new)
        .filter(Selem::can_capture)
}

fn element<'a>(
    mixer: &'a Mixer,
    title: &str,
    name: &str,
    has: impl Fn(&Selem<'a>) -> bool,
) -> Result<Selem<'a>> {
    let mut names = Vec::new();
    for element in elements(mixer).filter(|e| has(e)) {
        let found = name_of(&element);
        if found == name {
            return Ok(element);
        }
        names.push(found);
    }
    Err(no_such(title, name, &names))
}

fn no_such(title: &str, name: &str, names: &[String]) -> Error {
    let e = Error::new(
        Kind::NotFound,
        format!("{title} has no such control \"{name}\"."),
    );
    if names.is_empty() {
        e.mend("It has none of that kind: use audio.gain_db instead.")
    } else {
        e.mend(format!("It has: {}.", names.join(", ")))
    }
}

pub(super) fn name_of(element: &Selem) -> String {
    let id = element.get_id();
    crate::edge::printable(id.get_name().unwrap_or_default())
}

fn describe(element: &Selem) -> CaptureControl {
    let name = name_of(element);
    CaptureControl {
        volume: volume(element),
        on: element
            .has_capture_switch()
            .then(|| element.get_capture_switch(SelemChannelId::mono()).ok())
            .flatten()
            .map(|on| on != 0),
        boost: is_boost(&name),
        name,
    }
}

pub(super) fn is_boost(name: &str) -> bool {
    name.to_ascii_lowercase().contains("boost")
}

fn volume(element: &Selem) -> Option<VolumeRange> {
    let (min, max) = element
        .has_capture_volume()
        .then(|| element.get_capture_db_range())?;
    let now = element.get_capture_vol_db(SelemChannelId::mono()).ok()?;
    // A volume without a scale in dB gives the same number twice.
    (min < max).then(|| VolumeRange {
        min_db: min.to_db(),
        max_db: max.to_db(),
        db: now.to_db(),
    })
}

fn check_range(title: &str, name: &str, range: Option<VolumeRange>, db: f32) -> Result<()> {
    let Some(range) = range else {
        return Err(Error::new(
            Kind::Unsupported,
            format!("{title} gives no scale in dB for \"{name}\"."),
        )
        .mend("Use audio.gain_db instead."));
    };
    if (range.min_db..=range.max_db).contains(&db) {
        Ok(())
    } else {
        Err(Error::new(
            Kind::Unsupported,
            format!("{title} cannot set \"{name}\" to {db} dB."),
        )
        .mend(format!(
            "Choose a value from {} to {} dB.",
            range.min_db, range.max_db
        )))
    }
}

pub(super) fn refused(title: &str, name: &str, e: alsa::Error) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("{title} did not take the new value of \"{name}\"."),
    )
    .caused_by(e)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        let range = Some(VolumeRange {
            min_db: -12.0,
            max_db: 30.0,
            db: 0.0,
        });
        assert!(check_range("Card", "Mic", range, -12.0).is_ok());
        assert!(check_range("Card", "Mic", range, f32::NAN).is_err());
        let e = check_range("The sound card X", "Mic", range, 31.0).unwrap_err();
        assert_eq!(
            e.report(),
            "The sound card X cannot set \"Mic\" to 31 dB. Choose a value from -12 to 30 dB."
        );
        assert_eq!(
            check_range("Card", "Mic", None, 0.0).unwrap_err().kind(),
            Kind::Unsupported
        );
    }

    #[test]
    fn a_control_that_is_not_there_is_answered_with_those_that_are() {
        let e = no_such("The sound card X", "Mike", &["Mic".into(), "Line".into()]);
        assert_eq!(
            e.report(),
            "The sound card X has no such control \"Mike\". It has: Mic, Line."
        );
        assert!(is_boost("Internal Mic Boost") && !is_boost("Capture"));
    }
}
