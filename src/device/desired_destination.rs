//! Reads the destinations of an operator's settings. Those of the configuration file can only be switched.

use serde_json::{Map, Value};

use super::command::Command;
use super::desired_read::{Read, join};
use super::policy::{Decision, DenialCode};
use super::policy_destinations::{check_ceiling, check_key, configured};
use super::state::{Added, DestinationSetup, State};
use crate::config::{DestinationName, Secret, StreamUrl};

const FIELDS: [&str; 4] = ["url", "key", "enabled", "max_bitrate"];

/// What goes makes room first.
pub(super) fn destinations(read: &mut Read, state: &State, value: &Value) {
    let Some(map) = read.map("destinations", value) else {
        return;
    };
    let mut named = Vec::new();
    for (name, value) in map {
        let path = join("destinations", name);
        match name.parse::<DestinationName>() {
            Ok(name) => named.push((path, name, value)),
            Err(clause) => {
                let message = format!("The name of a destination {clause}.");
                read.wrong(&path, DenialCode::Invalid, message);
            }
        }
    }
    named.sort_by_key(|(_, _, value)| !value.is_null());
    for (path, name, value) in named {
        if value.is_null() {
            // One that is not there is as it should be.
            if state.destination_enabled(&name).is_some() {
                read.command(&path, Command::DestinationRemove { destination: name });
            }
        } else if let Some(map) = read.fields(&path, value, &FIELDS) {
            match state.configured(&name) {
                Some(setup) => switched(read, setup, &path, map),
                None => added(read, state.wanted.added.get(&name), (&path, name), map),
            }
        }
    }
}

/// One of the configuration file. What is reported of it may be sent back.
fn switched(read: &mut Read, setup: &DestinationSetup, path: &str, map: &Map<String, Value>) {
    let same_ceiling = |v: &Value| v.as_u64() == setup.max_bitrate.map(u64::from);
    for (field, value) in map.iter().filter(|(_, v)| !v.is_null()) {
        let fixed = match field.as_str() {
            "url" | "key" => true,
            "max_bitrate" => !same_ceiling(value),
            _ => false,
        };
        if fixed && let Decision::Deny(denial) = configured(&setup.name) {
            read.wrong(&join(path, field), denial.code, denial.message);
        }
    }
    let path = join(path, "enabled");
    if let Some(enabled) = read.switch(&path, map.get("enabled")) {
        let destination = setup.name.clone();
        read.command(
            &path,
            Command::DestinationEnable {
                destination,
                enabled,
            },
        );
    }
}

/// A new one, or one that was added before: what is left out stays, and a ceiling of `null` goes.
fn added(
    read: &mut Read,
    before: Option<&Added>,
    (path, name): (&str, DestinationName),
    map: &Map<String, Value>,
) {
    let errors = read.errors.len();
    let url = url(read, &join(path, "url"), map.get("url"));
    let key = key(read, &join(path, "key"), map.get("key"));
    // A key must not go to a server that it was not meant for.
    let (url, key) = if read.errors.len() == errors {
        (url, key)
    } else {
        (None, None)
    };
    let enabled = read.switch(&join(path, "enabled"), map.get("enabled"));
    let max_bitrate = ceiling(
        read,
        &join(path, "max_bitrate"),
        map.get("max_bitrate"),
        before,
    );
    if before.is_none() && read.errors.len() > errors {
        return;
    }
    let Some(url) = url.or(before.map(|b| b.url.clone())) else {
        let message = format!("{name} is a new destination, so it needs its address.");
        return read.wrong(&join(path, "url"), DenialCode::Invalid, message);
    };
    if before.is_none() && key.is_none() {
        let message = format!("{name} is a new destination, so it needs its stream key.");
        return read.wrong(&join(path, "key"), DenialCode::Invalid, message);
    }
    read.command(
        path,
        Command::DestinationSet {
            destination: name,
            url,
            key,
            enabled,
            max_bitrate,
        },
    );
}

fn url(read: &mut Read, path: &str, value: Option<&Value>) -> Option<StreamUrl> {
    let text: String = read.value(path, value, "an address such as rtmp://host/live")?;
    let url = text.parse::<StreamUrl>();
    if let Err(clause) = &url {
        read.wrong(path, DenialCode::Invalid, format!("The address {clause}."));
    }
    url.ok()
}

fn key(read: &mut Read, path: &str, value: Option<&Value>) -> Option<Secret> {
    let key: Secret = read.value(path, value, "a text")?;
    if let Err(message) = check_key(&key) {
        read.wrong(path, DenialCode::Invalid, message);
        return None;
    }
    Some(key)
}

fn ceiling(
    read: &mut Read,
    path: &str,
    value: Option<&Value>,
    before: Option<&Added>,
) -> Option<u32> {
    let kept = before.and_then(|b| b.max_bitrate);
    if value.is_some_and(Value::is_null) {
        return None;
    }
    let Some(max_bitrate) = read.value(path, value, "a whole number, bit/s") else {
        return kept;
    };
    if let Err(message) = check_ceiling(max_bitrate) {
        read.wrong(path, DenialCode::OutOfRange, message);
        return kept;
    }
    Some(max_bitrate)
}
