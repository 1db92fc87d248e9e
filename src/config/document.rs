//! One TOML text to a [`Layer`]: every syntax error and every wrong key with its line, and never the text of a line.

use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::keys::{self, Section};
use super::layer::{Dest, Entries, Entry, Layer};
use super::problems::{MAX_PROBLEMS, Origin, Problem, Problems};
use super::suggest;
use super::value::{self, Raw};

/// Destinations in one layer: far more than any uplink carries.
const MAX_DESTINATIONS: usize = 64;

/// A text and how to speak about it.
struct Document<'a> {
    text: &'a str,
    file: Arc<str>,
    base: Option<&'a Path>,
    /// The byte at which each line begins.
    lines: Vec<usize>,
    /// Only what stands before this byte is checked: from the first syntax error on, nothing is sure.
    sound: usize,
    problems: Problems,
}

/// What a document sets, and what is wrong with it.
pub struct Read {
    /// The keys that it sets.
    pub layer: Layer,
    /// Syntax errors and wrong keys.
    pub problems: Problems,
    /// Whether it has no syntax error: else a part of it is unknown.
    pub complete: bool,
}

/// Reads a document. `file` is its name for messages; relative paths in it count from `base`.
pub fn read(text: &str, file: &Arc<str>, base: Option<&Path>) -> Read {
    // Editors on Windows put a byte order mark in front.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut doc = Document {
        text,
        file: Arc::clone(file),
        base,
        lines: line_starts(text),
        sound: text.len() + 1,
        problems: Problems::default(),
    };
    doc.syntax(&errors);
    let layer = doc.root(root.get_ref());
    let full = doc.is_full();
    Read {
        layer,
        problems: doc.problems,
        complete: errors.is_empty() && !full,
    }
}

impl Document<'_> {
    /// Line and column of a byte, both from 1, always inside the text.
    fn place(&self, byte: usize) -> (usize, usize) {
        let last = self.text.trim_end_matches(['\n', '\r']).len();
        let byte = byte.min(last);
        let line = self.lines.partition_point(|start| *start <= byte).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let before = String::from_utf8_lossy(&self.text.as_bytes()[start..byte]);
        (line, before.chars().count() + 1)
    }

    /// Whether enough is wrong: looking for more suggestions only costs time.
    fn is_full(&self) -> bool {
        self.problems.len() > MAX_PROBLEMS
    }

    fn origin(&self, byte: usize, label: impl Into<String>) -> Origin {
        Origin {
            source: Arc::clone(&self.file),
            place: Some(self.place(byte)),
            label: label.into(),
        }
    }

    /// One problem per line with a syntax error. The parser's sentences are its own words; they never hold the text.
    fn syntax(&mut self, errors: &[toml::de::Error]) {
        let mut last_line = 0;
        for error in errors {
            let byte = error.span().map_or(self.text.len(), |s| s.start);
            // What stands on the same line as the error is unsure as well.
            let origin = self.origin(byte, "");
            let (line, _) = origin.place.unwrap_or_default();
            let start = self.lines.get(line.saturating_sub(1));
            self.sound = self.sound.min(start.copied().unwrap_or(0));
            if line != last_line && !self.is_full() {
                let message = format!(
                    "This is not valid TOML: {}.",
                    error.message().trim_end_matches('.')
                );
                self.problems.push(origin.sentence(message));
            }
            last_line = line;
        }
    }

    fn root(&mut self, root: &DeTable) -> Layer {
        let mut layer = Layer::default();
        for (name, value) in root {
            let byte = name.span().start;
            if byte >= self.sound || self.is_full() {
                continue;
            }
            let Some(section) = keys::section(name.get_ref()) else {
                let problem = self.unknown_section(name.get_ref(), value, byte);
                self.problems.push(problem);
                continue;
            };
            if section.repeated {
                self.destinations(value, byte, &mut layer);
            } else if let DeValue::Table(table) = value.get_ref() {
                let entries = self.section(section, table);
                layer.entries.extend(entries);
            } else {
                let problem = self
                    .origin(byte, section.name)
                    .problem("is a section, not a key")
                    .mend(format!("Write [{}] on a line of its own.", section.name));
                self.problems.push(problem);
            }
        }
        layer
    }

    fn destinations(&mut self, value: &Spanned<DeValue>, byte: usize, layer: &mut Layer) {
        let wrong = |doc: &Self, byte| {
            doc.origin(byte, "destination")
                .problem("is a list of sections")
                .mend("Write [[destination]], with two brackets, for each one.")
        };
        let DeValue::Array(array) = value.get_ref() else {
            let problem = wrong(self, byte);
            self.problems.push(problem);
            return;
        };
        for (n, item) in array.iter().enumerate() {
            let at = item.span().start;
            if at >= self.sound || self.is_full() {
                continue;
            }
            let section = keys::section("destination");
            let (DeValue::Table(table), Some(section)) = (item.get_ref(), section) else {
                let problem = wrong(self, at);
                self.problems.push(problem);
                continue;
            };
            let at = self.origin(at, "destination");
            if n >= MAX_DESTINATIONS {
                let clause = format!("occurs more than {MAX_DESTINATIONS} times");
                self.problems.push(at.problem(&clause));
                return;
            }
            let entries = self.section(section, table);
            layer.destinations.push(Dest { at, entries });
        }
    }

    fn section(&mut self, section: &Section, table: &DeTable) -> Entries {
        let mut entries = Entries::new();
        for (name, value) in table {
            let byte = name.span().start;
            if byte >= self.sound || self.is_full() {
                continue;
            }
            let Some(key) = keys::key(section.name, name.get_ref()) else {
                let problem = self.unknown_key(section, name.get_ref(), byte);
                self.problems.push(problem);
                if let Some(meant) = meant(section, name.get_ref(), table) {
                    // As good as written, only wrongly: nobody should be told as well that it is missing.
                    let at = self.origin(byte, meant.path);
                    let refused = Entry { value: None, at };
                    entries.entry(meant.path).or_insert(refused);
                }
                continue;
            };
            let at = self.origin(byte, key.path);
            let value = match value::check(key, &raw(value.get_ref()), self.base) {
                Ok(value) => Some(value),
                Err(refusal) => {
                    let problem = at.problem(&refusal.clause).maybe_mend(refusal.mend);
                    self.problems.push(problem);
                    None
                }
            };
            entries.insert(key.path, Entry { value, at });
        }
        entries
    }

    fn unknown_key(&self, section: &Section, name: &str, byte: usize) -> Problem {
        let mend = match suggest::key(section.name, name) {
            Some(key) => format!("Did you mean {}?", key.path),
            None => {
                let names: Vec<_> = keys::keys_of(section.name).map(keys::Key::name).collect();
                format!("[{}] has {}.", section.name, names.join(", "))
            }
        };
        if suggest::may_be_shown(name) {
            self.origin(byte, format!("{}.{name}", section.name))
                .problem("is not a known key")
                .mend(mend)
        } else {
            self.origin(byte, "")
                .sentence(format!("[{}] has no key of this name.", section.name))
                .mend(mend)
        }
    }

    fn unknown_section(&self, name: &str, value: &Spanned<DeValue>, byte: usize) -> Problem {
        let names: Vec<&str> = match value.get_ref() {
            DeValue::Table(table) => table.keys().map(|k| k.get_ref().as_ref()).collect(),
            _ => Vec::new(),
        };
        let is_table = matches!(value.get_ref(), DeValue::Table(_) | DeValue::Array(_));
        let what = if is_table { "section" } else { "key" };
        let mend = match (suggest::section(name, &names), suggest::key("", name)) {
            (Some(section), _) if is_table => format!("Did you mean {section}?"),
            (_, Some(key)) if !is_table => format!("Did you mean {}?", key.path),
            _ => format!("The sections are {}.", section_names()),
        };
        if suggest::may_be_shown(name) {
            self.origin(byte, name)
                .problem(&format!("is not a known {what}"))
                .mend(mend)
        } else {
            self.origin(byte, "")
                .sentence(format!("There is no {what} of this name."))
                .mend(mend)
        }
    }
}

/// The key of this section that an unknown name was meant to be, if it (or what stands for it) is not there.
fn meant(section: &Section, name: &str, table: &DeTable) -> Option<&'static keys::Key> {
    let key = suggest::key(section.name, name).filter(|k| k.section() == section.name)?;
    let there = |name: &str| table.contains_key(name);
    let either_key = key.path.starts_with("destination.key") && (there("key") || there("key_file"));
    (!there(key.name()) && !either_key).then_some(key)
}

fn line_starts(text: &str) -> Vec<usize> {
    let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
    std::iter::once(0).chain(ends.map(|(n, _)| n + 1)).collect()
}

fn section_names() -> String {
    let names: Vec<_> = super::table::SECTIONS.iter().map(|s| s.name).collect();
    names.join(", ")
}

fn raw<'a>(value: &'a DeValue) -> Raw<'a> {
    match value {
        DeValue::Boolean(b) => Raw::Bool(*b),
        DeValue::Integer(n) => Raw::Int(integer(n)),
        DeValue::Float(x) => x
            .as_str()
            .parse()
            .map_or(Raw::Other("a number"), Raw::Float),
        DeValue::String(text) => Raw::Text(text),
        DeValue::Datetime(_) => Raw::Other("a date or time"),
        DeValue::Array(_) => Raw::Other("a list"),
        DeValue::Table(_) => Raw::Other("a section"),
    }
}

fn integer(n: &DeInteger) -> Option<i64> {
    i64::from_str_radix(n.as_str(), n.radix()).ok()
}
