//! Values as people write them.

use serde::de::DeserializeOwned;

use crate::config::bitrate_number;
use crate::device::control::{ControlInfo, ControlKind, ControlValue};
use crate::device::stage::Choice;
use crate::room::item::AlertKind;

/// `40` or `40%`.
pub(super) fn percent(text: &str) -> Result<u8, String> {
    text.trim_end_matches('%')
        .parse()
        .ok()
        .filter(|p| *p <= 100)
        .ok_or_else(|| "choose 0 to 100 per cent".to_owned())
}

/// `-6`, `2.5` or `3dB`.
pub(super) fn gain(text: &str) -> Result<f32, String> {
    let number = text.trim_end_matches("dB").trim_end_matches("db").trim();
    number
        .parse::<f32>()
        .ok()
        .filter(|db| db.is_finite())
        .ok_or_else(|| "choose a number of dB from -60 to 30".to_owned())
}

/// `2500k`, `2.5M` or `2500000`.
pub(super) fn bitrate(text: &str) -> Result<u32, String> {
    bitrate_number(text)
        .and_then(|bits| u32::try_from(bits).ok())
        .ok_or_else(|| "choose a bitrate such as 2500k or 2.5M".to_owned())
}

/// What a notification is about, by its name on the wire.
pub(super) fn notice_kind(text: &str) -> Result<AlertKind, String> {
    serde_json::from_value(serde_json::json!(text))
        .map_err(|_| "choose chat, follow, gift, order or question".to_owned())
}

/// One of the words of `T`, by its name on the wire.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::json!(text)).map_err(|e| e.to_string().replace('`', ""))
}

/// `on` or `off`.
pub(super) fn on_off(text: &str) -> Result<bool, String> {
    switch(text).ok_or_else(|| "choose on or off".to_owned())
}

/// When a countdown ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// So many seconds from now.
    After(u32),
    /// When the clock shows this hour and minute next.
    At(i8, i8),
}

/// `90`, `5m`, `1h30m`, or `20:15`.
pub(super) fn end(text: &str) -> Result<End, String> {
    let wrong = || "write how long, such as 90, 5m or 1h30m, or a time such as 20:15".to_owned();
    if let Some((hour, minute)) = text.split_once(':') {
        let part = |text: &str, most: i8| {
            let digits = text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
            let number = text.parse::<i8>().ok().filter(|n| digits && *n <= most);
            number.ok_or_else(wrong)
        };
        return Ok(End::At(part(hour, 23)?, part(minute, 59)?));
    }
    span(text).map(End::After).ok_or_else(wrong)
}

/// Seconds of `90`, `90s`, `5m`, `1h30m`; each unit at most once, the larger before the smaller.
fn span(text: &str) -> Option<u32> {
    let (mut rest, mut sum) = (text, 0u32);
    for (unit, seconds) in [('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            sum = sum.checked_add(digits(number)?.checked_mul(seconds)?)?;
            rest = after;
        }
    }
    if rest.is_empty() {
        return (!text.is_empty()).then_some(sum);
    }
    // A bare number is seconds, and stands alone.
    (rest == text).then(|| digits(rest)).flatten()
}

fn digits(text: &str) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// `Tea=12`, or `Tea` for no votes. What stands behind the last `=` and is no number belongs to the text.
pub(super) fn choice(text: &str) -> Result<Choice, String> {
    let number = |votes: &str| votes.parse::<u64>().ok();
    let split = text
        .rsplit_once('=')
        .and_then(|(text, votes)| Some((text, number(votes.trim())?)));
    let (text, votes) = split.unwrap_or((text, 0));
    Ok(Choice {
        text: text.trim().to_owned(),
        votes,
    })
}

/// A number, on or off, or the name of a choice, as the control takes it if it is known (a choice may be called `100` or
/// `Off`). Whether the value fits is for the box to say.
pub(super) fn control(text: &str, info: Option<&ControlInfo>) -> ControlValue {
    let choice = || ControlValue::Choice(text.to_owned());
    if info.is_some_and(|info| matches!(info.kind, ControlKind::Menu { .. })) {
        return choice();
    }
    let number = text.parse::<i64>().ok().map(ControlValue::Number);
    let switch = switch(text).map(ControlValue::Switch);
    number.or(switch).unwrap_or_else(choice)
}

fn switch(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::control::{ControlName, check};

    fn menu(choices: &[&str]) -> ControlInfo {
        ControlInfo {
            control: ControlName::new("power_line_frequency").unwrap(),
            label: "Power Line Frequency".into(),
            kind: ControlKind::Menu {
                choices: (0..).zip(choices.iter().map(ToString::to_string)).collect(),
            },
            default: 0,
            value: Some(0),
            writable: true,
            active: true,
        }
    }

    #[test]
    fn values_are_taken_as_the_control_takes_them() {
        use ControlValue::{Choice, Number, Switch};
        assert_eq!(control("-7", None), Number(-7));
        assert_eq!(control("On", None), Switch(true));
        assert_eq!(control("50 Hz", None), Choice("50 Hz".into()));
        let frequency = menu(&["Disabled", "50 Hz", "60 Hz"]);
        assert_eq!(control("50 hz", Some(&frequency)), Choice("50 hz".into()));
        assert_eq!(
            check(&frequency, &control("50 hz", Some(&frequency))),
            Ok(1)
        );
        assert_eq!(check(&frequency, &control("2", Some(&frequency))), Ok(2));
        let digits = menu(&["Off", "100", "200"]);
        assert_eq!(check(&digits, &control("100", Some(&digits))), Ok(1));
        assert_eq!(check(&digits, &control("off", Some(&digits))), Ok(0));
    }

    #[test]
    fn a_countdown_ends_after_a_while_or_at_a_time() {
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            ("1h5s", 3605),
            ("0", 0),
        ] {
            assert_eq!(end(text), Ok(End::After(seconds)), "{text}");
        }
        assert_eq!(end("20:15"), Ok(End::At(20, 15)));
        assert_eq!(end("8:05"), Ok(End::At(8, 5)));
        for bad in [
            "",
            "m",
            "5x",
            "5m30",
            "30m1h",
            "-5",
            "+5m",
            "24:00",
            "20:60",
            "20:+1",
            "20:15:00",
            "1e3",
            "99999999999",
            "2000000h",
            "soon",
            "٥m",
        ] {
            assert!(end(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_choice_has_votes_or_none() {
        let choice = |text| choice(text).map(|c| (c.text, c.votes));
        assert_eq!(choice("Tea=12"), Ok(("Tea".into(), 12)));
        assert_eq!(choice("Tea"), Ok(("Tea".into(), 0)));
        assert_eq!(choice("E=mc²"), Ok(("E=mc²".into(), 0)));
        assert_eq!(choice("1+1=2=7"), Ok(("1+1=2".into(), 7)));
        assert_eq!(choice("Tea=-1"), Ok(("Tea=-1".into(), 0)));
    }

    #[test]
    fn numbers_have_units_or_not() {
        assert_eq!(percent("40%"), Ok(40));
        assert!(percent("101").is_err() && percent("-1").is_err() && percent("").is_err());
        assert_eq!(gain("-6dB"), Ok(-6.0));
        assert!(gain("NaN").is_err() && gain("inf").is_err() && gain("loud").is_err());
        assert_eq!(bitrate("2500k"), Ok(2_500_000));
        assert_eq!(bitrate("2.5M"), Ok(2_500_000));
        assert!(bitrate("fast").is_err() && bitrate("999999M").is_err());
    }
}
