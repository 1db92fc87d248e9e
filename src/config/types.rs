//! Checked newtypes for everything that comes from outside, and [`Secret`].

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use super::url::StreamUrl;

/// A stream key, password or token. Never prints: `Debug`, `Display` and `Serialize` give `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The secret itself. Call it only where it goes onto the wire; never put the result into a message.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str("***")
    }
}

impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "writeOnly": true})
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self)
    }
}

/// Makes a newtype over `String` with a check at the door, used by serde as well.
macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $check:path, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The checked text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            /// One clause that says what is wrong, without the value.
            type Err = String;
            fn from_str(s: &str) -> Result<Self, String> {
                $check(s)?;
                Ok(Self(s.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

checked_string!(
    /// The name that people give the box: 1–64 characters, no control characters. Shown on the slate.
    BoxName,
    check_box_name,
    {"type": "string", "minLength": 1, "maxLength": 64}
);
checked_string!(
    /// The name of a destination: `[a-z0-9-]{1,32}`.
    DestinationName,
    check_segment,
    {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}
);
checked_string!(
    /// Who a box is in its fleet, one segment of a topic: `[a-z0-9-]{1,32}`.
    BoxId,
    check_segment,
    {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}
);
checked_string!(
    /// The name of a fleet, one segment of a topic: `[a-z0-9-]{1,32}`.
    FleetName,
    check_segment,
    {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}
);
checked_string!(
    /// The name of a group of boxes, one segment of a topic: `[a-z0-9-]{1,32}`.
    GroupName,
    check_segment,
    {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}
);
checked_string!(
    /// The name of a room, one segment of a topic: `[a-z0-9-]{1,32}`.
    RoomName,
    check_segment,
    {"type": "string", "pattern": "^[a-z0-9-]{1,32}$"}
);

impl From<&BoxId> for RoomName {
    /// A box has a room of its own, by its id.
    fn from(id: &BoxId) -> Self {
        Self(id.as_str().to_owned())
    }
}

fn check_box_name(s: &str) -> Result<(), String> {
    let n = s.chars().take(65).count();
    if !(1..=64).contains(&n) {
        return Err("must have 1 to 64 characters".into());
    }
    if s.trim() != s {
        return Err("must not begin or end with a space".into());
    }
    if s.chars().any(|c| c.is_control() || is_invisible(c)) {
        return Err("must not have control characters or characters that turn or hide text".into());
    }
    Ok(())
}

/// Bidirectional controls (Unicode UAX 9), line separators and zero-width characters: they let a name look like
/// another or spill over what stands next to it. Joiners (U+200C, U+200D) stay, as emoji and Persian need them.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{061c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn check_segment(s: &str) -> Result<(), String> {
    if (1..=32).contains(&s.len())
        && s.bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    {
        Ok(())
    } else {
        Err("must be 1 to 32 of a-z, 0-9 and -".into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_prints_as_stars_everywhere() {
        let s = Secret::new("canary-1");
        let json = serde_json::to_string(&s).unwrap();
        assert_eq!(format!("{s} {s:?} {s:#?} {json}"), "*** *** *** \"***\"");
        assert_eq!(s.expose(), "canary-1");
    }

    #[test]
    fn names_are_checked_by_serde_too() {
        assert!(serde_json::from_str::<BoxName>("\"Hall 2\"").is_ok());
        assert!(serde_json::from_str::<BoxName>("\"\"").is_err());
        assert!(serde_json::from_str::<DestinationName>("\"YouTube\"").is_err());
        assert!(serde_json::from_str::<StreamUrl>("\"rtmp://a\"").is_err());
    }

    #[test]
    fn box_names_cannot_turn_or_hide_text() {
        for bad in [
            "",
            " x",
            "a\nb",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200f}",
            "\u{feff}a",
            "a\u{7f}",
            "a\u{e0041}",
            &"x".repeat(65),
        ] {
            assert!(bad.parse::<BoxName>().is_err(), "{bad:?}");
        }
        for good in ["Kasse 3", "会场", "قاعة", "👩‍🎤 stage", &"ä".repeat(64)] {
            assert!(good.parse::<BoxName>().is_ok(), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(s in "\\PC{0,80}", t in any::<String>()) {
            for text in [&s, &t] {
                if let Ok(name) = text.parse::<BoxName>() {
                    prop_assert!(!name.as_str().is_empty() && !name.as_str().chars().any(char::is_control));
                }
                if let Ok(name) = text.parse::<DestinationName>() {
                    prop_assert!(name.as_str().is_ascii() && name.as_str().len() <= 32);
                }
            }
        }
    }
}
