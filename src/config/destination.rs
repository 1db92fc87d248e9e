//! One `[[destination]]`: every part checked, the stream key read.

use std::path::PathBuf;

use super::build::Look;
use super::key_file;
use super::keys::{self, Default};
use super::layer::Dest;
use super::problems::Problems;
use super::schema::Destination;
use super::types::{DestinationName, Secret, StreamUrl};
use super::value::{Value, number};

/// One destination, with its key read; nothing if any part of it is missing or wrong (each part is reported).
pub fn build(dest: &Dest, look: Look, problems: &mut Problems) -> Option<Destination> {
    for key in keys::keys_of("destination") {
        if matches!(key.default, Default::Required) && !dest.entries.contains_key(key.path) {
            let problem = dest
                .at
                .sentence(format!("This destination has no {}.", key.name()));
            problems.push(problem.mend(format!("Add {} = \"…\": {}.", key.name(), key.expected())));
        }
    }
    let key = stream_key(dest, look, problems);
    let name: DestinationName = dest.name()?.parse().ok()?;
    let url = address(dest)?;
    let key = key?;
    if url.as_str().contains(key.expose()) && key.expose().len() >= 4 {
        let at = dest
            .entries
            .get("destination.url")
            .map_or(&dest.at, |e| &e.at);
        problems.push(
            at.problem("holds the stream key")
                .mend("Leave the key out of the address; Boothcast adds it."),
        );
        return None;
    }
    let value = |path: &str| dest.entries.get(path).and_then(|e| e.value.as_ref());
    Some(Destination {
        name,
        url,
        key,
        enabled: value("destination.enabled") != Some(&Value::Bool(false)),
        max_bitrate: value("destination.max_bitrate").and_then(number),
        tls_ca: match value("destination.tls_ca") {
            Some(Value::Path(path)) => path.clone(),
            _ => PathBuf::new(),
        },
    })
}

/// The valid address, if there is one.
pub fn address(dest: &Dest) -> Option<StreamUrl> {
    match dest.entries.get("destination.url")?.value.as_ref()? {
        Value::Text(url) => url.parse().ok(),
        _ => None,
    }
}

fn stream_key(dest: &Dest, look: Look, problems: &mut Problems) -> Option<Secret> {
    let key = dest.entries.get("destination.key");
    let file = dest.entries.get("destination.key_file");
    match (key, file) {
        (Some(key), Some(file)) => {
            // Point at the one that stands further down.
            let later = if key.at.place > file.at.place {
                key
            } else {
                file
            };
            let clause =
                "stands beside its other form; a destination has a key or a key_file, not both";
            problems.push(later.at.problem(clause).mend("Remove one of the two."));
            None
        }
        (None, None) => {
            let mut mend =
                "Write the key into a file (chmod 600) and add key_file = \"FILE\".".to_owned();
            if address(dest).is_some_and(|url| url.app().contains('/')) {
                mend.push_str(" If the last part of the url is the stream key, it belongs there.");
            }
            let problem = dest
                .at
                .sentence("This destination has no key and no key_file.");
            problems.push(problem.mend(mend));
            None
        }
        (Some(key), None) => match key.value.as_ref()? {
            Value::Secret(secret) => Some(secret.clone()),
            _ => None,
        },
        (None, Some(file)) => {
            let Value::Path(path) = file.value.as_ref()? else {
                return None;
            };
            if path.as_os_str().is_empty() {
                problems.push(file.at.problem("must not be empty"));
                return None;
            }
            if look == Look::Nowhere {
                return Some(Secret::new(""));
            }
            match key_file::read(path) {
                Ok(secret) => Some(secret),
                Err((message, mend)) => {
                    problems.push(file.at.sentence(message).maybe_mend(mend));
                    None
                }
            }
        }
    }
}
