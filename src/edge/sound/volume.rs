//! The one volume and the one switch of a card that people mean by "the microphone's".
//!
//! Which: of the elements with a capture volume that are no boost, the one that ranks first by its name: a microphone
//! (`Mic`, `Headset`), the converter (`Capture`), then `PCM`, `ADC`, `Digital`, then any other, and last what is plainly
//! another input (`Line`, `CD`, `Aux` …); in a tie the first that the card lists. A card with one element has that one. The
//! switch is the same element's; where it has none, the first by the same order that has one.
//!
//! Per cent are of the volume's range: of its dB where the card states them, else of its raw steps (also where the lowest
//! step is "mute", which is no number of dB). A value lands on the nearest step, so it may read back a little different.

use alsa::Round;
use alsa::mixer::{MilliBel, Mixer, Selem, SelemChannelId};
use serde::Serialize;

use super::mixer::{elements, is_boost, name_of, refused, with_mixer};
use super::{Card, title};
use crate::error::{Error, Kind, Result};

/// Below this many hundredths of a dB a volume's bottom means "mute".
const MUTE: i64 = -20_000;

/// The card's own volume and switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MainCapture {
    /// Capture volume, per cent of its range; `None`: the card has none.
    pub percent: Option<u8>,
    /// Whether its switch lets sound through; `None`: it has none.
    pub on: Option<bool>,
}

/// Reads them. A card without a mixer, or without such elements, has neither.
///
/// # Errors
/// `Timeout`; `NotFound` when the card is gone.
pub fn main_capture(card: &Card) -> Result<MainCapture> {
    match with_mixer(card, |mixer, _| Ok(read(mixer))) {
        Err(e) if e.kind() == Kind::Unsupported => Ok(MainCapture::default()),
        other => other,
    }
}

/// Sets the volume of all channels to `percent` (above 100: 100) and reads back.
///
/// # Errors
/// `Unsupported` when the card has no capture volume or refuses; `NotFound` when it is gone; `Timeout`.
pub fn set_main_volume(card: &Card, percent: u8) -> Result<MainCapture> {
    let none = no_such(card, "volume");
    with_mixer(card, move |mixer, title| {
        let element = volume_element(mixer).ok_or(none)?;
        let fail = |e| refused(title, &name_of(&element), e);
        let raw = Scale::of(&element).raw(percent, &element).map_err(fail)?;
        element.set_capture_volume_all(raw).map_err(fail)?;
        Ok(read(mixer))
    })
}

/// Opens (`true`) or shuts the switch and reads back.
///
/// # Errors
/// As [`set_main_volume`].
pub fn set_main_switch(card: &Card, on: bool) -> Result<MainCapture> {
    let none = no_such(card, "switch");
    with_mixer(card, move |mixer, title| {
        let element = switch_element(mixer).ok_or(none)?;
        element
            .set_capture_switch_all(i32::from(on))
            .map_err(|e| refused(title, &name_of(&element), e))?;
        Ok(read(mixer))
    })
}

fn no_such(card: &Card, what: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("{} has no capture {what}.", title(card)),
    )
    .mend("Use the gain of the box instead (audio.gain_db).")
}

fn read(mixer: &Mixer) -> MainCapture {
    let percent = volume_element(mixer).and_then(|element| {
        let raw = element.get_capture_volume(SelemChannelId::mono()).ok()?;
        Scale::of(&element).percent(raw, &element)
    });
    let on = switch_element(mixer)
        .and_then(|e| e.get_capture_switch(SelemChannelId::mono()).ok())
        .map(|on| on != 0);
    MainCapture { percent, on }
}

fn volume_element(mixer: &Mixer) -> Option<Selem<'_>> {
    elements(mixer)
        .filter(|e| e.has_capture_volume() && !is_boost(&name_of(e)))
        .min_by_key(|e| rank(&name_of(e)))
}

fn switch_element(mixer: &Mixer) -> Option<Selem<'_>> {
    volume_element(mixer)
        .filter(Selem::has_capture_switch)
        .or_else(|| {
            elements(mixer)
                .filter(|e| e.has_capture_switch() && !is_boost(&name_of(e)))
                .min_by_key(|e| rank(&name_of(e)))
        })
}

/// Place of an element in the order of choice, by its name; lower is better.
fn rank(name: &str) -> u8 {
    const OTHER_INPUTS: [&str; 9] = [
        "line", "cd", "aux", "synth", "video", "phone", "monitor", "speaker", "loopback",
    ];
    let lower = name.to_ascii_lowercase();
    let has = |names: &[&str]| {
        lower
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| names.contains(&word))
    };
    if has(&["mic", "microphone", "headset"]) {
        0
    } else if has(&["capture"]) {
        1
    } else if has(&["pcm", "adc", "digital"]) {
        2
    } else if has(&OTHER_INPUTS) {
        4
    } else {
        3
    }
}

/// The range of a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// Hundredths of a dB.
    Db(Range),
    /// Steps without a meaning.
    Steps(Range),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    min: i64,
    max: i64,
}

impl Range {
    fn percent(self, value: i64) -> Option<u8> {
        let span = i128::from(self.max) - i128::from(self.min);
        let above = i128::from(value.clamp(self.min, self.max)) - i128::from(self.min);
        (span > 0).then(|| u8::try_from((above * 100 + span / 2) / span).unwrap_or(100))
    }

    fn value(self, percent: u8) -> i64 {
        // A driver that gives a range the wrong way round has one value.
        let span = (i128::from(self.max) - i128::from(self.min)).max(0);
        let above = (span * i128::from(percent.min(100)) + 50) / 100;
        i64::try_from(i128::from(self.min) + above).unwrap_or(self.max)
    }
}

impl Scale {
    fn of(element: &Selem<'_>) -> Self {
        let (min, max) = element.get_capture_volume_range();
        let steps = Range { min, max };
        let (low, high) = element.get_capture_db_range();
        Self::choose(
            steps,
            Range {
                min: low.0,
                max: high.0,
            },
        )
    }

    fn choose(steps: Range, db: Range) -> Self {
        // A volume without a scale in dB gives the same number twice.
        if db.min < db.max && db.min > MUTE {
            Self::Db(db)
        } else {
            Self::Steps(steps)
        }
    }

    fn percent(self, raw: i64, element: &Selem<'_>) -> Option<u8> {
        match self {
            Self::Steps(range) => range.percent(raw),
            Self::Db(range) => range.percent(element.ask_capture_vol_db(raw).ok()?.0),
        }
    }

    /// The step nearest to `percent`.
    fn raw(self, percent: u8, element: &Selem<'_>) -> alsa::Result<i64> {
        let range = match self {
            Self::Steps(range) => return Ok(range.value(percent)),
            Self::Db(range) => range,
        };
        let target = range.value(percent);
        let below = element.ask_capture_db_vol(MilliBel(target), Round::Floor)?;
        let above = element.ask_capture_db_vol(MilliBel(target), Round::Ceil)?;
        let off =
            |raw| -> alsa::Result<u64> { Ok(element.ask_capture_vol_db(raw)?.0.abs_diff(target)) };
        Ok(if off(above)? < off(below)? {
            above
        } else {
            below
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name that is chosen of those a card lists.
    fn chosen(names: &[&'static str]) -> &'static str {
        names.iter().min_by_key(|n| rank(n)).unwrap()
    }

    #[test]
    fn the_microphone_is_chosen_by_its_name() {
        assert_eq!(chosen(&["Master", "Synth", "Line", "CD", "Mic"]), "Mic");
        assert_eq!(chosen(&["Line", "Capture", "Digital"]), "Capture");
        assert_eq!(chosen(&["Line", "PCM"]), "PCM");
        assert_eq!(chosen(&["Microphone"]), "Microphone");
        assert_eq!(chosen(&["Line In"]), "Line In", "the only one there is");
        assert_eq!(chosen(&["Aux", "Gain"]), "Gain");
        assert_eq!(chosen(&["Capture", "Capture 1"]), "Capture");
        assert_eq!(rank("Dynamic Range"), 3, "a word, not a part of one");
    }

    #[test]
    fn per_cent_go_there_and_back() {
        for range in [
            Range { min: 0, max: 100 },
            Range {
                min: -10_000,
                max: 0,
            },
            Range { min: -50, max: 100 },
        ] {
            for percent in 0..=100 {
                assert_eq!(range.percent(range.value(percent)), Some(percent));
            }
            assert_eq!(range.value(255), range.max, "{range:?}");
            assert_eq!(range.percent(i64::MIN), Some(0));
            assert_eq!(range.percent(i64::MAX), Some(100));
        }
        let few = Range { min: 0, max: 3 };
        assert_eq!((few.value(50), few.percent(2)), (2, Some(67)));
        let odd = Range {
            min: i64::MIN,
            max: i64::MAX,
        };
        assert_eq!(
            odd.percent(0),
            Some(50),
            "what a driver says is not trusted"
        );
        assert_eq!(Range { min: 7, max: 7 }.percent(7), None);
        assert_eq!(Range { min: 7, max: 2 }.value(100), 7);
    }

    #[test]
    fn db_are_used_where_they_mean_something() {
        let steps = Range { min: 0, max: 15 };
        let db = |min, max| Scale::choose(steps, Range { min, max });
        assert_eq!(
            db(-1200, 3000),
            Scale::Db(Range {
                min: -1200,
                max: 3000
            })
        );
        assert_eq!(db(0, 0), Scale::Steps(steps));
        assert_eq!(db(-9_999_999, 0), Scale::Steps(steps), "the bottom is mute");
    }
}
