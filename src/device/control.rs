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

#[cfg(test)]
mod tests {
    use super::*;

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
