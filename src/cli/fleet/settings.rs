//! Desired settings as JSON: read and checked, laid over others, compared, undone. Pure but for reading the file.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::cli::outcome::Trouble;
use crate::device::settings::Settings;

/// The longest file, in bytes; also what a box takes of desired settings.
pub(super) const MAX_BYTES: usize = 60 * 1024;
/// What is shown in the place of a stream key.
const HIDDEN: &str = "***";

/// Reads settings from a file in JSON or TOML.
///
/// # Errors
/// Every key that is wrong, with its path.
pub(super) fn read(file: &Path) -> Result<Value, Trouble> {
    let name = file.display();
    let wrong = |what: String| Trouble::Usage(format!("{name}: {what}"));
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|f| f.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|e| wrong(format!("{e}.")))?;
    if bytes.len() > MAX_BYTES {
        return Err(wrong(format!("longer than {} KiB.", MAX_BYTES / 1024)));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("is not text.".into()))?;
    let settings = parse(&text).map_err(wrong)?;
    let problems = check(&settings);
    if problems.is_empty() {
        return Ok(settings);
    }
    let lines = problems.iter().map(|(path, why)| match path.as_str() {
        "" => format!("  {why}"),
        path => format!("  {path}: {why}"),
    });
    let lines: Vec<String> = lines.collect();
    Err(wrong(format!(
        "these are no settings:\n{}",
        lines.join("\n")
    )))
}

fn parse(text: &str) -> Result<Value, String> {
    let value: Value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|e| format!("this is no JSON: {e}."))?
    } else {
        // The complaint of the TOML reader quotes the line, which may hold a stream key.
        toml::from_str(text).map_err(|e| {
            let at = e.span().map(|s| text[..s.start].lines().count().max(1));
            let at = at
                .map(|line| format!(" in line {line}"))
                .unwrap_or_default();
            format!(
                "this is no TOML{at}: {}.",
                e.message().lines().next().unwrap_or_default()
            )
        })?
    };
    match &value {
        Value::Object(fields) if !fields.is_empty() => Ok(value),
        _ => Err("holds no settings, such as bitrate = 2_000_000.".into()),
    }
}

/// Everything that is wrong with settings, by path.
pub(super) fn check(settings: &Value) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    check_at(&mut Vec::new(), settings, &mut problems);
    problems
}

/// Tries the value alone at its place; if it is wrong, its parts say where. The numbers of a picture only go together.
fn check_at(path: &mut Vec<String>, value: &Value, problems: &mut Vec<(String, String)>) {
    let mut alone = value.clone();
    for name in path.iter().rev() {
        alone = json!({ name: alone });
    }
    let Err(e) = serde_json::from_value::<Settings>(alone) else {
        return;
    };
    let before = problems.len();
    if let Value::Object(fields) = value
        && path.first().is_none_or(|p| p != "video")
    {
        for (name, value) in fields {
            path.push(name.clone());
            check_at(path, value, problems);
            path.pop();
        }
    }
    if problems.len() == before {
        let secret = path.last().is_some_and(|name| name == "key");
        let why = if secret {
            "must be a text".to_owned()
        } else {
            e.to_string()
        };
        problems.push((path.join("."), why));
    }
}

/// `over` laid over `base`: what `over` does not name stays. A named profile and numbers of one's own replace each other.
pub(super) fn overlay(base: &Value, over: &Value) -> Value {
    let mut merged = base.clone();
    let mut fields = taken(&mut merged);
    let has = |name: &str| over.get(name).is_some();
    if has("profile") && !has("video") && over["profile"] != "custom" {
        fields.remove("video");
    }
    if has("video") && !has("profile") {
        fields.remove("profile");
    }
    if let Some(video) = over.get("video") {
        fields.insert("video".into(), video.clone());
    }
    merged = Value::Object(fields);
    lay(&mut merged, over);
    merged
}

fn lay(base: &mut Value, over: &Value) {
    let Value::Object(over) = over else {
        *base = over.clone();
        return;
    };
    let mut fields = taken(base);
    for (name, value) in over {
        lay(fields.entry(name.clone()).or_insert(Value::Null), value);
    }
    *base = Value::Object(fields);
}

/// The fields of an object, taken out of it; of anything else: none.
fn taken(value: &mut Value) -> Map<String, Value> {
    match value.take() {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// Every value by its path. An empty object is a value.
pub(super) fn leaves(settings: &Value) -> BTreeMap<String, Value> {
    fn walk(path: &str, value: &Value, out: &mut BTreeMap<String, Value>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    let path = if path.is_empty() {
                        name.clone()
                    } else {
                        format!("{path}.{name}")
                    };
                    walk(&path, value, out);
                }
            }
            value => drop(out.insert(path.to_owned(), value.clone())),
        }
    }
    let mut out = BTreeMap::new();
    walk("", settings, &mut out);
    out.remove("");
    out
}

/// Whether all that `file` names is in force already. Stream keys are never told, so they are never known to be.
pub(super) fn in_force(file: &Value, reported: &Value) -> bool {
    let now = leaves(reported);
    leaves(file).iter().all(|(path, wanted)| {
        !is_key(path)
            && match (now.get(path), wanted) {
                (None, Value::Null) => !now.keys().any(|k| k.starts_with(&format!("{path}."))),
                (Some(now), wanted) => same(now, wanted),
                (None, _) => false,
            }
    })
}

/// -3 and -3.0 are the same, as are numbers that lost digits as `f32`.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * a.abs().max(1.0),
        _ => a == b,
    }
}

fn is_key(path: &str) -> bool {
    path.ends_with(".key")
}

/// What brings back what was before `file` was laid over `desired`, on a box that then `reported` this. What is left out
/// of desired settings stays as it is, so that all that `file` changes must be named.
pub(super) fn undo(desired: &Value, file: &Value, reported: &Value) -> Value {
    let mut back = Value::Object(taken(&mut desired.clone()));
    let known = |path: &[&str]| {
        path.iter()
            .try_fold(desired, |v, name| v.get(name))
            .is_some()
    };
    let picture = ["profile", "video"];
    let touched = picture.iter().any(|name| file.get(name).is_some());
    if touched && !picture.iter().any(|name| known(&[name])) {
        let named = reported["profile"]
            .as_str()
            .filter(|name| *name != "custom");
        match named {
            Some(name) => put(&mut back, &["profile"], Some(&json!(name))),
            None => put(&mut back, &["video"], reported.get("video")),
        }
    }
    if (touched || file.get("bitrate").is_some()) && !known(&["bitrate"]) {
        put(&mut back, &["bitrate"], reported.get("bitrate"));
    }
    for (name, value) in file.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("profile" | "video" | "bitrate", _) => {}
            (name, Value::Object(parts)) => {
                for (part, value) in parts {
                    undo_part(&mut back, desired, reported, [name, part], value);
                }
            }
            (name, _) if !known(&[name]) => put(&mut back, &[name], reported.get(name)),
            _ => {}
        }
    }
    back
}

/// One part of a section: a control, a destination, a number of the sound.
fn undo_part(back: &mut Value, desired: &Value, reported: &Value, path: [&str; 2], file: &Value) {
    let [name, part] = path;
    let before = &desired[name][part];
    let was = reported.get(name).and_then(|section| section.get(part));
    // A wish or a destination that was not there goes away; another setting that is not told stays.
    let may_go = matches!(name, "camera" | "destinations");
    match (before, was, file) {
        (Value::Null, None, _) if may_go => put(back, &path, Some(&Value::Null)),
        (Value::Object(_) | Value::Null, Some(Value::Object(was)), Value::Object(fields)) => {
            for field in fields.keys().filter(|f| before.get(f.as_str()).is_none()) {
                put(back, &[name, part, field], was.get(field));
            }
        }
        (Value::Null, was, _) => put(back, &path, was),
        _ => {}
    }
}

/// Puts `value`, if there is one, at `path`.
fn put(into: &mut Value, path: &[&str], value: Option<&Value>) {
    let Some(value) = value else { return };
    let [first, rest @ ..] = path else {
        *into = value.clone();
        return;
    };
    let mut fields = taken(into);
    put(
        fields.entry(*first).or_insert(Value::Null),
        rest,
        Some(value),
    );
    *into = Value::Object(fields);
}

/// One line of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Change {
    pub path: String,
    /// What was desired so far, as JSON; nothing: it was not named.
    pub from: Option<String>,
    /// What is desired now; nothing: it is not named any more.
    pub to: Option<String>,
    /// What is in force.
    pub in_force: Option<String>,
}

/// What changes between two desired settings of a box. Stream keys are stars.
pub(super) fn changes(before: &Value, after: &Value, reported: &Value) -> Vec<Change> {
    let (before, after, now) = (leaves(before), leaves(after), leaves(reported));
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let shown = |path: &str, value: Option<&Value>| {
        value.map(|v| {
            if is_key(path) {
                HIDDEN.to_owned()
            } else {
                v.to_string()
            }
        })
    };
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path))
        .map(|path| Change {
            path: path.clone(),
            from: shown(path, before.get(path)),
            to: shown(path, after.get(path)),
            in_force: shown(path, now.get(path)),
        })
        .collect()
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
