//! Controls of a camera as the core knows them: names, ranges, values; plain data, and the check of a value.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Name of a camera control: lower-case words joined by `_`, such as `brightness` or `power_line_frequency`; 1 to 48
/// letters, digits and `_`, beginning with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ControlName(String);

impl ControlName {
    /// The longest name, in characters.
    pub const MAX: usize = 48;

    /// Checks a name.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if text.is_empty()
            || text.len() > Self::MAX
            || text.starts_with('_')
            || !text.chars().all(fits)
        {
            return Err(format!(
                "{:?} is no name of a camera control. Use lower-case letters, digits and _, such as power_line_frequency.",
                text.chars().take(Self::MAX).collect::<String>()
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// From a driver's label: `White Balance, Automatic` becomes `white_balance_automatic`. `None` when no letter or
    /// digit is left.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        let mut name = String::new();
        for c in label.chars() {
            if c.is_ascii_alphanumeric() {
                name.push(c.to_ascii_lowercase());
            } else if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
        }
        name.truncate(Self::MAX);
        Self::new(name.trim_end_matches('_')).ok()
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ControlName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::new(&text)
    }
}

impl From<ControlName> for String {
    fn from(name: ControlName) -> Self {
        name.0
    }
}

impl fmt::Display for ControlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value as people give it: a number, a switch, or the name of a choice (`"50 Hz"`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ControlValue {
    /// Off or on.
    Switch(bool),
    /// A number in the control's own unit.
    Number(i64),
    /// One of a menu's choices, by name; case does not matter.
    Choice(String),
}

/// What values a control takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ControlKind {
    /// A number.
    Number {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
        /// Distance of two values, at least 1.
        step: u64,
    },
    /// Off (0) or on (1).
    Switch,
    /// One of several choices: the driver's index and its name.
    Menu {
        /// Choices.
        choices: Vec<(i64, String)>,
    },
}

/// One control of the camera that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlInfo {
    /// Name for commands.
    pub control: ControlName,
    /// The driver's own label.
    pub label: String,
    /// What it takes.
    #[serde(flatten)]
    pub kind: ControlKind,
    /// Value after plugging in.
    pub default: i64,
    /// Value now; absent where it cannot be read.
    pub value: Option<i64>,
    /// Whether it can be set at all.
    pub writable: bool,
    /// Whether it has an effect now (an automatic can switch it off).
    pub active: bool,
}

impl fmt::Display for ControlValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(on) => f.write_str(on_off(*on)),
            Self::Number(number) => number.fmt(f),
            Self::Choice(name) => f.write_str(name),
        }
    }
}

impl ControlInfo {
    /// A number of the driver in the words of people: `on`, `50 Hz`, `128`.
    #[must_use]
    pub fn show(&self, value: i64) -> String {
        match &self.kind {
            ControlKind::Number { .. } => value.to_string(),
            ControlKind::Switch => on_off(value != 0).to_owned(),
            ControlKind::Menu { choices } => choices
                .iter()
                .find(|(index, _)| *index == value)
                .map_or_else(|| value.to_string(), |(_, name)| name.clone()),
        }
    }
}

fn on_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Most choices of a menu that an error names.
const NAMED_CHOICES: usize = 12;

/// The driver's number for `value`. A number may also come as text, a switch also as 0 or 1, `on` or `off`, a choice also
/// by its index.
///
/// # Errors
/// One sentence that names the control and its range or its choices.
pub fn check(info: &ControlInfo, value: &ControlValue) -> Result<i64, String> {
    match &info.kind {
        ControlKind::Number { min, max, step } => number(info, value, *min, *max, *step),
        ControlKind::Switch => switch(value)
            .ok_or_else(|| format!("{} cannot be {value}. Choose on or off.", info.control)),
        ControlKind::Menu { choices } => choice(choices, value).ok_or_else(|| {
            format!(
                "{} cannot be {value}. {}",
                info.control,
                choose_one_of(choices)
            )
        }),
    }
}

fn number(
    info: &ControlInfo,
    value: &ControlValue,
    min: i64,
    max: i64,
    step: u64,
) -> Result<i64, String> {
    let name = &info.control;
    let in_steps = if step > 1 {
        format!(" in steps of {step}")
    } else {
        String::new()
    };
    let range = format!("Choose a number from {min} to {max}{in_steps}.");
    let given = match value {
        ControlValue::Number(n) => Some(*n),
        ControlValue::Choice(text) => text.trim().parse().ok(),
        ControlValue::Switch(_) => None,
    };
    let Some(n) = given.filter(|n| (min..=max).contains(n)) else {
        return Err(format!("{name} cannot be {value}. {range}"));
    };
    // Wide enough for every pair of 64-bit numbers.
    let (wide, low) = (i128::from(n), i128::from(min));
    let step = i128::from(step.max(1));
    let below = wide - (wide - low) % step;
    if below == wide {
        return Ok(n);
    }
    let above = below + step;
    let near = if above <= i128::from(max) && above - wide < wide - below {
        above
    } else {
        below
    };
    Err(format!(
        "{name} cannot be {n}. {range} The nearest is {near}."
    ))
}

fn switch(value: &ControlValue) -> Option<i64> {
    match value {
        ControlValue::Switch(on) => Some(i64::from(*on)),
        ControlValue::Number(n @ (0 | 1)) => Some(*n),
        ControlValue::Number(_) => None,
        ControlValue::Choice(text) => match text.trim().to_lowercase().as_str() {
            "on" | "true" | "1" => Some(1),
            "off" | "false" | "0" => Some(0),
            _ => None,
        },
    }
}

/// By name first: a menu of numbers (`"-4000"`, `"0"`) has names that look like indices.
fn choice(choices: &[(i64, String)], value: &ControlValue) -> Option<i64> {
    let by_name = |name: &str| {
        let name = name.trim().to_lowercase();
        let found = choices
            .iter()
            .find(|(_, c)| c.trim().to_lowercase() == name);
        found.map(|(index, _)| *index)
    };
    let by_index = |n: i64| choices.iter().map(|(i, _)| *i).find(|i| *i == n);
    match value {
        ControlValue::Choice(text) => {
            by_name(text).or_else(|| text.trim().parse().ok().and_then(by_index))
        }
        ControlValue::Number(n) => by_index(*n).or_else(|| by_name(&n.to_string())),
        ControlValue::Switch(_) => None,
    }
}

fn choose_one_of(choices: &[(i64, String)]) -> String {
    let names: Vec<&str> = choices.iter().map(|(_, name)| name.as_str()).collect();
    match names.len() {
        0 => "The camera names no choices for it.".to_owned(),
        n if n > NAMED_CHOICES => format!(
            "Choose one of: {} and {} more.",
            names.get(..NAMED_CHOICES).unwrap_or_default().join(", "),
            n - NAMED_CHOICES
        ),
        _ => format!("Choose one of: {}.", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn info(kind: ControlKind) -> ControlInfo {
        ControlInfo {
            control: ControlName::new("sharpness").unwrap(),
            label: "Sharpness".into(),
            kind,
            default: 0,
            value: None,
            writable: true,
            active: true,
        }
    }

    fn range(min: i64, max: i64, step: u64) -> ControlInfo {
        info(ControlKind::Number { min, max, step })
    }

    fn menu() -> ControlInfo {
        let choice = |i, name: &str| (i, name.to_owned());
        info(ControlKind::Menu {
            choices: vec![choice(0, "Disabled"), choice(1, "50 Hz"), choice(3, "Auto")],
        })
    }

    fn text(s: &str) -> ControlValue {
        ControlValue::Choice(s.into())
    }

    #[test]
    fn numbers_keep_to_range_and_step() {
        let c = range(-10, 20, 1);
        for n in [-10, 0, 20] {
            assert_eq!(check(&c, &ControlValue::Number(n)), Ok(n));
        }
        assert_eq!(check(&c, &text(" 7 ")), Ok(7));
        for value in [
            ControlValue::Number(-11),
            ControlValue::Number(21),
            ControlValue::Number(i64::MIN),
            ControlValue::Switch(true),
            text("much"),
        ] {
            assert_eq!(
                check(&c, &value).unwrap_err(),
                format!("sharpness cannot be {value}. Choose a number from -10 to 20.")
            );
        }
        let c = range(1, 12, 4);
        assert_eq!(check(&c, &ControlValue::Number(9)), Ok(9));
        for (n, nearest) in [(8, 9), (6, 5), (12, 9)] {
            assert_eq!(
                check(&c, &ControlValue::Number(n)).unwrap_err(),
                format!(
                    "sharpness cannot be {n}. Choose a number from 1 to 12 in steps of 4. The nearest is {nearest}."
                )
            );
        }
    }

    #[test]
    fn switches_are_given_in_many_ways() {
        let c = info(ControlKind::Switch);
        for (value, expected) in [
            (ControlValue::Switch(true), 1),
            (ControlValue::Switch(false), 0),
            (ControlValue::Number(1), 1),
            (text("On"), 1),
            (text("off"), 0),
            (text("0"), 0),
        ] {
            assert_eq!(check(&c, &value), Ok(expected), "{value:?}");
        }
        assert_eq!(
            check(&c, &ControlValue::Number(2)).unwrap_err(),
            "sharpness cannot be 2. Choose on or off."
        );
        assert!(check(&c, &text("maybe")).is_err());
    }

    #[test]
    fn choices_go_by_name_or_index() {
        for (value, expected) in [
            (text("50 HZ"), 1),
            (text("auto"), 3),
            (text("3"), 3),
            (ControlValue::Number(0), 0),
        ] {
            assert_eq!(check(&menu(), &value), Ok(expected), "{value:?}");
        }
        for value in [
            text("60 Hz"),
            ControlValue::Number(2),
            ControlValue::Switch(true),
        ] {
            assert_eq!(
                check(&menu(), &value).unwrap_err(),
                format!("sharpness cannot be {value}. Choose one of: Disabled, 50 Hz, Auto.")
            );
        }
        let exposures = info(ControlKind::Menu {
            choices: vec![(0, "-2".into()), (1, "0".into()), (2, "2".into())],
        });
        assert_eq!(check(&exposures, &text("0")), Ok(1), "the name goes first");
        assert_eq!(check(&exposures, &ControlValue::Number(-2)), Ok(0));
        let many = info(ControlKind::Menu {
            choices: (0..500).map(|n| (n, format!("choice {n}"))).collect(),
        });
        let error = check(&many, &text("x")).unwrap_err();
        assert!(error.ends_with("choice 11 and 488 more."), "{error}");
    }

    #[test]
    fn values_are_shown_in_words() {
        assert_eq!(menu().show(3), "Auto");
        assert_eq!(menu().show(2), "2");
        assert_eq!(info(ControlKind::Switch).show(1), "on");
        assert_eq!(range(0, 9, 1).show(4), "4");
        assert_eq!(ControlValue::Switch(false).to_string(), "off");
    }

    proptest! {
        /// Whatever a driver says of its range: no panic, and what is accepted lies in it.
        #[test]
        fn any_range_any_number(min: i64, max: i64, step: u64, n: i64) {
            if let Ok(taken) = check(&range(min, max, step), &ControlValue::Number(n)) {
                prop_assert_eq!(taken, n);
                prop_assert!(min <= n && n <= max);
            }
        }
    }

    #[test]
    fn labels_become_names() {
        let name = |l| ControlName::from_label(l).map(String::from);
        assert_eq!(
            name("Power Line Frequency").as_deref(),
            Some("power_line_frequency")
        );
        assert_eq!(
            name("White Balance, Automatic").as_deref(),
            Some("white_balance_automatic")
        );
        assert_eq!(name("--"), None);
        assert!(name(&"x".repeat(500)).unwrap().len() <= ControlName::MAX);
        assert!(ControlName::new("Zoom").is_err() && ControlName::new("_zoom").is_err());
    }

    #[test]
    fn values_keep_their_kind_in_json() {
        let read = |t: &str| serde_json::from_str::<ControlValue>(t).unwrap();
        assert_eq!(read("7"), ControlValue::Number(7));
        assert_eq!(read("true"), ControlValue::Switch(true));
        assert_eq!(read("\"50 Hz\""), ControlValue::Choice("50 Hz".into()));
    }
}
