//! Lines with secrets, and the comments that stand in their places.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::keys::{self, Kind};
use crate::config::types::Secret;

/// How the comment goes on after the key's name. What follows is for people; what is read is only this.
const KEPT: &str = ": kept by the box";
/// The rest of the comment.
const EXPLAINED: &str = ", not in this file. To change it, write it again in a new line below; to make the box forget it, delete this line.";
/// Lines that stand for secrets: more than any configuration has (64 destinations and a few passwords).
const MAX_LINES: usize = 80;

/// Line and column, from 1.
pub type Spot = (usize, usize);
/// What is wrong at a line: sentence and mend.
pub type Bad = (Spot, String, &'static str);

/// Secrets by where they belong: `section.key`, and `destination/NAME` for the key of a destination.
#[derive(Default)]
pub struct Secrets(BTreeMap<String, Secret>);

/// One secret in a text.
struct Found {
    place: String,
    value: String,
    span: Range<usize>,
}

impl Secrets {
    /// Those of a text that was kept; none where it is damaged.
    pub fn of(text: &str) -> Self {
        let found = find(text).unwrap_or_default().into_iter();
        Self(found.map(|f| (f.place, Secret::new(f.value))).collect())
    }
}

/// Every secret of the text, in order; nothing where it is not TOML.
fn find(text: &str) -> Option<Vec<Found>> {
    // A byte order mark is no part of the document, but of the bytes.
    let skipped = text.len() - text.trim_start_matches('\u{feff}').len();
    let root = DeTable::parse(&text[skipped..]).ok()?;
    let mut out = Vec::new();
    for (name, value) in root.get_ref() {
        match value.get_ref() {
            DeValue::Table(table) => of_table(name.get_ref(), None, table, &mut out),
            DeValue::Array(items) if name.get_ref() == "destination" => {
                for item in items {
                    if let DeValue::Table(table) = item.get_ref() {
                        of_table("destination", Some(&destination(table)), table, &mut out);
                    }
                }
            }
            _ => {}
        }
    }
    for found in &mut out {
        found.span = found.span.start + skipped..found.span.end + skipped;
    }
    out.sort_by_key(|f| f.span.start);
    Some(out)
}

fn destination(table: &DeTable) -> String {
    let name = table.get("name").map(Spanned::get_ref);
    name.and_then(DeValue::as_str).unwrap_or("").to_owned()
}

fn of_table(section: &str, of: Option<&str>, table: &DeTable, out: &mut Vec<Found>) {
    for (name, value) in table {
        let secret = keys::key(section, name.get_ref()).filter(|k| matches!(k.kind, Kind::Secret));
        let (Some(key), Some(text)) = (secret, value.get_ref().as_str()) else {
            continue;
        };
        let place = match of {
            Some(of) => format!("{section}/{of}"),
            None => key.path.to_owned(),
        };
        out.push(Found {
            place,
            value: text.to_owned(),
            span: value.span(),
        });
    }
}

/// The text with the kept secrets in the places of their comments. A comment whose secret was written anew stays a comment.
pub fn put_back(text: &str, old: &Secrets) -> Result<String, Vec<Bad>> {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let marked: Vec<usize> = (0..lines.len())
        .filter(|n| mark(&lines[*n]).is_some())
        .collect();
    if marked.len() > MAX_LINES {
        let at = (marked[MAX_LINES] + 1, 1);
        let sentence = format!("More than {MAX_LINES} lines stand for secrets.");
        return Err(vec![(at, sentence, "Delete the lines that stand twice.")]);
    }
    let mut bad = Vec::new();
    for n in marked {
        let Some((indent, name)) = mark(&lines[n]) else {
            continue;
        };
        let end = line_end(&lines[n]).to_owned();
        let stand_in = format!("boothcast-kept-{n}");
        let line = format!("{indent}{name} = \"{stand_in}\"{end}");
        let comment = std::mem::replace(&mut lines[n], line);
        let found = find(&lines.concat()).unwrap_or_default();
        let here = found.into_iter().find(|f| f.value == stand_in);
        let secret = here.as_ref().and_then(|f| old.0.get(&f.place));
        lines[n] = match (here.is_some(), secret) {
            (_, Some(secret)) => format!("{indent}{name} = {}{end}", quoted(secret.expose())),
            (true, None) => {
                let sentence = format!("The {name} that stood here is no longer kept by the box.");
                let mend = "Write it again in the place of this line, or delete the line.";
                bad.push(((n + 1, 1), sentence, mend));
                comment
            }
            // It stands there anew, or the text is broken, which is told by others.
            (false, None) => comment,
        };
    }
    if bad.is_empty() {
        Ok(lines.concat())
    } else {
        Err(bad)
    }
}

/// A TOML string of the value.
fn quoted(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

/// Indentation and key of a comment that stands for a secret.
fn mark(line: &str) -> Option<(String, String)> {
    let body = line.trim_start();
    let indent = &line[..line.len() - body.len()];
    let (name, rest) = body.strip_prefix('#')?.split_once(':')?;
    let name = name.trim();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let is_key = !name.is_empty() && name.len() <= 64 && name.bytes().all(plain);
    let kept = format!(":{rest}").starts_with(KEPT);
    (is_key && kept).then(|| (indent.to_owned(), name.to_owned()))
}

fn line_end(line: &str) -> &str {
    match line.strip_suffix('\n') {
        Some(rest) if rest.ends_with('\r') => "\r\n",
        Some(_) => "\n",
        None => "",
    }
}

/// The text with a comment in the place of each secret, and how many there are.
pub fn take_out(text: &str) -> Result<(String, usize), Vec<Bad>> {
    let found = find(text).unwrap_or_default();
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let starts: Vec<usize> = starts(&lines);
    let mut bad = Vec::new();
    let mut gone = vec![false; lines.len()];
    for secret in &found {
        let n = starts.partition_point(|s| *s <= secret.span.start) - 1;
        let column = secret.span.start - starts[n];
        match alone(&lines[n], column, secret.span.len()) {
            Some((indent, name)) => {
                let end = line_end(&lines[n]);
                lines[n] = format!("{indent}# {name}{KEPT}{EXPLAINED}{end}");
                gone[n] = true;
            }
            None => bad.push((
                (n + 1, column + 1),
                "A secret does not stand on a line of its own, so it cannot be moved from this file into the box.".to_owned(),
                "Write it as one line, such as key = \"…\", below its section.",
            )),
        }
    }
    if !bad.is_empty() {
        return Err(bad);
    }
    drop_twins(&mut lines, &gone, &found, &starts, text);
    Ok((lines.concat(), found.len()))
}

/// Where each line begins.
fn starts(lines: &[String]) -> Vec<usize> {
    let mut at = 0;
    let mut out = Vec::with_capacity(lines.len());
    for line in lines {
        out.push(at);
        at += line.len();
    }
    out
}

/// Indentation and key, where nothing else stands on the line but a comment.
fn alone(line: &str, column: usize, length: usize) -> Option<(String, String)> {
    let (before, rest) = (line.get(..column)?, line.get(column + length..)?);
    let rest = rest.trim();
    let body = before.trim_start();
    let name = body.trim_end().strip_suffix('=')?.trim();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    let is_key = !name.is_empty() && name.len() <= 64 && name.bytes().all(plain);
    let indent = before[..before.len() - body.len()].trim_start_matches('\u{feff}');
    let one_line = rest.is_empty() || rest.starts_with('#');
    (is_key && one_line).then(|| (indent.to_owned(), name.to_owned()))
}

/// Comments of secrets that were written anew: one line for each secret is enough.
fn drop_twins(lines: &mut [String], gone: &[bool], found: &[Found], starts: &[usize], text: &str) {
    let old: Vec<usize> = (0..lines.len())
        .filter(|n| !gone[*n] && mark(&lines[*n]).is_some())
        .collect();
    let Some(headers) = headers(text) else {
        return;
    };
    let section = |byte: usize| headers.partition_point(|h| *h <= byte);
    for n in old {
        let Some((_, name)) = mark(&lines[n]) else {
            continue;
        };
        let same = |f: &&Found| {
            let line = starts.partition_point(|s| *s <= f.span.start) - 1;
            mark(&lines[line]).is_some_and(|(_, other)| other == name)
                && section(f.span.start) == section(starts[n])
        };
        if found.iter().any(|f| same(&f)) {
            lines[n].clear();
        }
    }
}

/// Where each section of the text begins, in order.
fn headers(text: &str) -> Option<Vec<usize>> {
    let skipped = text.len() - text.trim_start_matches('\u{feff}').len();
    let root = DeTable::parse(&text[skipped..]).ok()?;
    let mut out = Vec::new();
    for (name, value) in root.get_ref() {
        match value.get_ref() {
            DeValue::Array(items) => out.extend(items.iter().map(|i| i.span().start + skipped)),
            _ => out.push(name.span().start + skipped),
        }
    }
    out.sort_unstable();
    Some(out)
}
