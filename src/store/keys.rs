//! The stream keys in the file of what is wanted. A [`crate::config::Secret`] never serialises, so they stand beside what is
//! wanted and are put back into it before it is read.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::device::state::{Added, Wanted};

/// Where destinations with keys stand in what is wanted, by the name of their keys' map.
const PLACES: [(&str, &str); 2] = [("added", "/added"), ("before", "/trial/before/added")];

/// Keys by destination: of what is wanted, and of what was wanted before settings that are on trial.
#[derive(Serialize)]
pub(super) struct Keys<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    added: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    before: BTreeMap<&'a str, &'a str>,
}

impl<'a> Keys<'a> {
    pub(super) fn of(wanted: &'a Wanted) -> Self {
        let before = wanted.trial.as_ref().map(|t| &t.before.added);
        Self {
            added: keys(wanted.added.iter()),
            before: keys(before.into_iter().flatten()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.before.is_empty()
    }
}

fn keys<'a>(
    added: impl Iterator<Item = (&'a crate::config::DestinationName, &'a Added)>,
) -> BTreeMap<&'a str, &'a str> {
    added
        .map(|(name, added)| (name.as_str(), added.key.expose()))
        .collect()
}

/// Puts the keys back. The error is a clause without any of them.
pub(super) fn put_back(wanted: &mut Value, mut keys: Value) -> Result<(), String> {
    for (map, place) in PLACES {
        let Some(Value::Object(destinations)) = wanted.pointer_mut(place) else {
            continue;
        };
        for (name, destination) in destinations {
            let key = keys.get_mut(map).and_then(|m| m.get_mut(name));
            match (key.map(Value::take), destination) {
                (Some(Value::String(key)), Value::Object(fields)) => {
                    fields.insert("key".to_owned(), Value::String(key));
                }
                _ => return Err(format!("the stream key of {name:?} is missing")),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::config::Secret;
    use crate::device::state::Trial;
    use crate::store::files::{LoadedWanted, WANTED, load_wanted, save_wanted};

    fn wanted(gain: f32) -> Wanted {
        Wanted {
            gain_db: Some(gain),
            ..Wanted::new(true)
        }
    }

    fn added(key: &str) -> Added {
        Added {
            url: "rtmps://a.example/live".parse().unwrap(),
            key: Secret::new(key),
            enabled: true,
            max_bitrate: Some(900_000),
        }
    }

    #[test]
    fn stream_keys_come_back_also_those_of_a_trial_and_only_the_owner_can_read_them() {
        let dir = tempfile::tempdir().unwrap();
        let mut before = wanted(1.0);
        before
            .added
            .insert("old".parse().unwrap(), added("canary-old"));
        let mut all = wanted(2.0);
        all.revision = 7;
        all.added
            .insert("new".parse().unwrap(), added("canary-new"));
        all.added
            .insert("two".parse().unwrap(), added("canary-\"two\\"));
        all.trial = Some(Trial {
            before: Box::new(before),
            restarted: true,
        });
        save_wanted(dir.path(), &all).unwrap();
        let mode = fs::metadata(dir.path().join(WANTED)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
        let files = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, 1, "the keys are in the same file");
        let loaded = load_wanted(dir.path()).unwrap();
        assert_eq!(loaded, LoadedWanted::Loaded(all.clone()));
        for text in [format!("{loaded:?}"), serde_json::to_string(&all).unwrap()] {
            assert!(!text.contains("canary"), "{text}");
        }
    }

    #[test]
    fn a_file_that_lacks_a_stream_key_is_damaged_and_says_so_without_the_others() {
        let mut all = wanted(2.0);
        all.added
            .insert("new".parse().unwrap(), added("canary-new"));
        for (from, to) in [
            ("\"new\": \"canary-new\"", "\"old\": \"canary-new\""),
            ("\"new\": \"canary-new\"", "\"new\": [\"canary-new\"]"),
            ("\"keys\": {", "\"keys\": \"canary-new\", \"more\": {"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            save_wanted(dir.path(), &all).unwrap();
            let text = fs::read_to_string(dir.path().join(WANTED)).unwrap();
            assert!(text.contains(from), "{text}");
            fs::write(dir.path().join(WANTED), text.replace(from, to)).unwrap();
            let LoadedWanted::Broken { wanted, warning } = load_wanted(dir.path()).unwrap() else {
                panic!("{from}")
            };
            assert_eq!(wanted, Wanted::new(false));
            assert!(!warning.contains("canary"), "{warning}");
        }
    }
}
