//! The layers without a file: environment variables `BOOTHCAST__SECTION__KEY` and flags `--set section.key=value`.

use std::sync::Arc;

use super::keys::{self, Key, Kind};
use super::layer::{Entry, Layer};
use super::problems::{Origin, Problem, Problems};
use super::suggest;
use super::types::DestinationName;
use super::value;

/// Every variable that begins like this is ours.
pub const ENV_PREFIX: &str = "BOOTHCAST__";
/// How the environment is called in messages.
pub const ENVIRONMENT: &str = "environment";
/// How the flags are called in messages.
pub const FLAGS: &str = "--set";

/// What a name means: a key, and which destination it belongs to.
struct Target {
    key: &'static Key,
    destination: Option<String>,
}

/// The layer of the environment: `BOOTHCAST__RTSP__PORT`, `BOOTHCAST__DESTINATION__MY_TUBE__KEY` (for `my-tube`).
pub fn environment(variables: &[(String, String)]) -> (Layer, Problems) {
    let mut ours: Vec<_> = variables
        .iter()
        .filter(|(name, _)| name.starts_with(ENV_PREFIX))
        .collect();
    ours.sort();
    collect(ENVIRONMENT, ours.into_iter(), |(variable, value)| {
        let path = variable[ENV_PREFIX.len()..].to_ascii_lowercase();
        let parts: Vec<&str> = path.split("__").collect();
        let target = match parts[..] {
            ["destination", name, key] => target("destination", Some(&name.replace('_', "-")), key),
            [section, key] => target(section, None, key),
            _ => Err(None),
        };
        // The names of variables are in every `ps e`; a secret has no business there, yet text that could not be a
        // variable of ours is not repeated.
        let plain = variable.len() <= 80
            && variable
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        let label = if plain { variable.as_str() } else { "" };
        Ok(Found {
            label: label.to_owned(),
            target: target.map_err(|near| near.map(variable_of)),
            what: "variable",
            value,
        })
    })
}

/// The layer of the flags: `rtsp.port=9000`, `destination.my-tube.url=rtmp://…`.
pub fn flags(set: &[String]) -> (Layer, Problems) {
    collect(FLAGS, set.iter(), |flag| {
        let origin = |label: &str| Origin {
            source: FLAGS.into(),
            place: None,
            label: label.to_owned(),
        };
        let Some((path, value)) = flag.split_once('=') else {
            return Err(origin("")
                .sentence("A --set flag has no equals sign.")
                .mend("Write --set section.key=value, for example --set rtsp.port=9000.")
                .into());
        };
        let parts: Vec<&str> = path.trim().split('.').collect();
        let target = match parts[..] {
            ["destination", name, key] => target("destination", Some(name), key),
            [section, key] => target(section, None, key),
            _ => Err(None),
        };
        if let Ok(Target { key, .. }) = &target
            && matches!(key.kind, Kind::Secret)
        {
            return Err(origin(key.path)
                .problem("may not be a flag, because every user of the machine can read flags")
                .mend("Use key_file.")
                .into());
        }
        let shown = parts.iter().all(|p| suggest::may_be_shown(p));
        Ok(Found {
            label: if shown || target.is_ok() {
                path.trim().to_owned()
            } else {
                String::new()
            },
            target: target.map_err(|near| near.map(flag_of)),
            what: "key",
            value,
        })
    })
}

/// One variable or flag, taken apart.
struct Found<'a> {
    /// What it is called in messages; empty: nothing that may be shown.
    label: String,
    /// Its key, or the nearest known name.
    target: Result<Target, Option<String>>,
    what: &'static str,
    value: &'a str,
}

fn collect<'a, T>(
    source: &str,
    items: impl Iterator<Item = T>,
    find: impl Fn(T) -> Result<Found<'a>, Problems>,
) -> (Layer, Problems) {
    let source: Arc<str> = source.into();
    let (mut layer, mut problems) = (Layer::default(), Problems::default());
    for item in items {
        let found = match find(item) {
            Ok(found) => found,
            Err(refused) => {
                problems.extend(refused);
                continue;
            }
        };
        let at = Origin {
            source: Arc::clone(&source),
            place: None,
            label: found.label,
        };
        match found.target {
            Ok(target) => set(&mut layer, &mut problems, &target, at, found.value),
            Err(near) => problems.push(unknown(&at, found.what, near)),
        }
    }
    (layer, problems)
}

fn unknown(at: &Origin, what: &str, near: Option<String>) -> Problem {
    let problem = if at.label.is_empty() {
        at.sentence(format!("There is a {what} that is not known."))
    } else {
        at.problem(&format!("is not a known {what}"))
    };
    match near {
        Some(near) => problem.mend(format!("Did you mean {near}?")),
        None => problem.mend("docs/configuration.md lists every key."),
    }
}

fn set(layer: &mut Layer, problems: &mut Problems, target: &Target, at: Origin, text: &str) {
    let value = match value::parse_text(target.key, text, None) {
        Ok(value) => Some(value),
        Err(refusal) => {
            problems.push(at.problem(&refusal.clause).maybe_mend(refusal.mend));
            None
        }
    };
    let entry = Entry { value, at };
    match &target.destination {
        Some(name) => layer.set_in_destination(name, target.key, entry),
        None => drop(layer.entries.insert(target.key.path, entry)),
    }
}

fn target(section: &str, name: Option<&str>, key: &str) -> Result<Target, Option<&'static Key>> {
    let repeated = keys::section(section).is_some_and(|s| s.repeated);
    let named = name.is_some_and(|n| n.parse::<DestinationName>().is_ok());
    match keys::key(section, key) {
        // A destination is named in the path, so its name cannot be set as well.
        Some(key) if repeated == named && key.path != "destination.name" => Ok(Target {
            key,
            destination: name.map(str::to_owned),
        }),
        Some(_) => Err(None),
        None => Err(suggest::path(section, key)),
    }
}

/// `BOOTHCAST__RTSP__PORT` for `rtsp.port`.
#[must_use]
pub fn variable_of(key: &Key) -> String {
    let section = key.section().to_ascii_uppercase();
    let name = key.name().to_ascii_uppercase();
    if section == "DESTINATION" {
        format!("{ENV_PREFIX}{section}__NAME__{name}")
    } else {
        format!("{ENV_PREFIX}{section}__{name}")
    }
}

/// `rtsp.port`, `destination.NAME.url`.
fn flag_of(key: &Key) -> String {
    if key.section() == "destination" {
        format!("destination.NAME.{}", key.name())
    } else {
        key.path.to_owned()
    }
}
