//! Values as people write them.

use crate::config::bitrate_number;
use crate::device::control::{ControlInfo, ControlKind, ControlValue};
use crate::device::notice::NoticeKind;

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
pub(super) fn notice_kind(text: &str) -> Result<NoticeKind, String> {
    serde_json::from_value(serde_json::json!(text))
        .map_err(|_| "choose chat, follow, gift, order or question".to_owned())
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
