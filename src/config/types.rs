//! Checked newtypes for everything that comes from outside, and [`Secret`].

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self)
    }
}

/// Makes a newtype over `String` with a check at the door, used by serde as well.
macro_rules! checked_string {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
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
    check_box_name
);
checked_string!(
    /// The name of a destination: `[a-z0-9-]{1,32}`.
    DestinationName,
    check_segment
);
checked_string!(
    /// An `rtmp://` or `rtmps://` address with host and application, without user information and without the
    /// stream key (the key is a [`Secret`] of its own).
    StreamUrl,
    check_stream_url
);

fn check_box_name(s: &str) -> Result<(), String> {
    let n = s.chars().count();
    if !(1..=64).contains(&n) {
        return Err(format!("must have 1 to 64 characters, has {n}"));
    }
    if s.chars().any(char::is_control) {
        return Err("must not have control characters".into());
    }
    Ok(())
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

fn check_stream_url(s: &str) -> Result<(), String> {
    let rest = s
        .strip_prefix("rtmp://")
        .or_else(|| s.strip_prefix("rtmps://"))
        .ok_or("must start with rtmp:// or rtmps://")?;
    let (authority, app) = rest
        .split_once('/')
        .ok_or("must name an application, as in rtmp://host/live")?;
    if authority.is_empty() || app.trim_matches('/').is_empty() {
        return Err("must have a host and an application, as in rtmp://host/live".into());
    }
    if authority.contains('@') {
        return Err("must not hold a user name or password".into());
    }
    if s.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must not have spaces or control characters".into());
    }
    Ok(())
}

impl StreamUrl {
    /// Whether the connection is over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.starts_with("rtmps://")
    }
}
