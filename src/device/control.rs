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

impl schemars::JsonSchema for ControlName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ControlName".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[a-z0-9][a-z0-9_]{0,47}$"})
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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
#[path = "control_tests.rs"]
mod tests;
