//! What a key of the configuration is: path, kind, default, documentation. The rows are in [`table`](super::table);
//! validation, suggestions, defaults and the reference all come from them.

use super::table::{KEYS, SECTIONS};

/// What values a key takes.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds; the unit is for the documentation.
    Int(i64, i64, &'static str),
    /// One of some whole numbers.
    IntOf(&'static [i64], &'static str),
    /// A number within bounds, with its unit.
    Float(f64, f64, &'static str),
    /// Text that passes a check, and what the text is.
    Text(&'static str, fn(&str) -> Result<(), String>),
    /// A GPIO line: its number on the chip, or its name.
    Line,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A file or folder; a relative one counts from the folder of the configuration file.
    Path,
    /// bit/s within bounds: a whole number, or text such as `2500k` or `2.5M`.
    Bitrate(u32, u32),
    /// An IP address.
    Ip,
    /// Text that is never printed.
    Secret,
}

/// What holds when a key is not written.
#[derive(Debug, Clone, Copy)]
pub enum Default {
    /// A value, written as in an environment variable.
    Is(&'static str),
    /// Nothing; the text says for people what that means.
    Unset(&'static str),
    /// The key must be written.
    Required,
}

/// One section, `[name]` or `[[name]]`.
#[derive(Debug)]
pub struct Section {
    /// Name in the file.
    pub name: &'static str,
    /// Whether it is written `[[name]]`, any number of times.
    pub repeated: bool,
    /// One sentence.
    pub doc: &'static str,
}

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// `section.name`.
    pub path: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds without it.
    pub default: Default,
    /// One sentence.
    pub doc: &'static str,
}

impl Key {
    /// The section's name.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.path.split_once('.').map_or("", |(s, _)| s)
    }

    /// The name within the section.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.split_once('.').map_or(self.path, |(_, n)| n)
    }

    /// Whether what was written may be repeated in a message. People paste stream keys into any field of a
    /// destination, so none of its values is repeated.
    #[must_use]
    pub fn may_be_shown(&self) -> bool {
        self.section() != "destination" && !matches!(self.kind, Kind::Secret)
    }

    /// What the key takes, as the end of "must be …".
    #[must_use]
    pub fn expected(&self) -> String {
        match self.kind {
            Kind::Bool => "true or false".into(),
            Kind::Int(min, max, unit) => {
                with_unit(format!("a whole number from {min} to {max}"), unit)
            }
            Kind::IntOf(of, unit) => {
                let of: Vec<_> = of.iter().map(ToString::to_string).collect();
                with_unit(of.join(" or "), unit)
            }
            Kind::Float(min, max, unit) => with_unit(format!("a number from {min} to {max}"), unit),
            Kind::Text(what, _) => what.into(),
            Kind::Line => "a line's number, or its name in quotes".into(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::Path => "a path in quotes".into(),
            Kind::Bitrate(min, max) => format!(
                "a bitrate from {} to {}, such as \"2500k\" or \"2.5M\" or a whole number in bit/s",
                bitrate_text(min),
                bitrate_text(max)
            ),
            Kind::Ip => "an IP address in quotes".into(),
            Kind::Secret => "text in quotes".into(),
        }
    }
}

fn with_unit(text: String, unit: &str) -> String {
    if unit.is_empty() {
        text
    } else {
        format!("{text} {unit}")
    }
}

/// A bitrate as people write it: `2500k`, `6M`, `1234`.
#[must_use]
pub fn bitrate_text(bits: u32) -> String {
    match bits {
        b if b >= 1_000_000 && b % 1_000_000 == 0 => format!("{}M", b / 1_000_000),
        b if b >= 1_000 && b % 1_000 == 0 => format!("{}k", b / 1_000),
        b => b.to_string(),
    }
}

/// The section of that name.
#[must_use]
pub fn section(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|s| s.name == name)
}

/// The key of that name in a section.
#[must_use]
pub fn key(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter()
        .find(|k| k.section() == section && k.name() == name)
}

/// The key of that path, `video.device`.
#[must_use]
pub fn by_path(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|k| k.path == path)
}

/// Every key of a section, in the order of the reference.
pub fn keys_of(section: &str) -> impl Iterator<Item = &'static Key> + use<'_> {
    KEYS.iter().filter(move |k| k.section() == section)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::config::value::parse_text;

    #[test]
    fn the_table_is_sound() {
        let mut seen = HashSet::new();
        for k in KEYS {
            assert!(seen.insert(k.path), "{} is there twice", k.path);
            assert!(section(k.section()).is_some(), "{}", k.path);
            assert!(k.doc.ends_with('.') && !k.doc.contains('\n'), "{}", k.path);
            if let Default::Is(text) = k.default {
                // An empty text or path means "none" and passes where it is the default.
                let ok = text.is_empty() || parse_text(k, text, None).is_ok();
                assert!(ok, "the default of {} breaks its own rule", k.path);
            }
        }
        for s in SECTIONS {
            assert!(keys_of(s.name).count() > 0, "[{}] is empty", s.name);
        }
    }

    #[test]
    fn bitrates_read_well() {
        for (bits, text) in [
            (2_500_000, "2500k"),
            (6_000_000, "6M"),
            (1_234, "1234"),
            (0, "0"),
        ] {
            assert_eq!(bitrate_text(bits), text);
        }
    }
}
