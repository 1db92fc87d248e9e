//! Accept, ignore or deny what is asked of destinations: those of the configuration file can be switched, those that were
//! added by command can be changed and removed, too.

use super::policy::{Decision, DenialCode, MAX_ADDED, MAX_BITRATE, deny, ignore};
use super::state::{Added, State};
use crate::config::{DestinationName, Secret, StreamUrl, check_stream_key};

/// Lowest ceiling of a destination, bit/s: as in the configuration.
const MIN_CEILING: u32 = 100_000;
/// A key shorter than this may stand in an address by chance.
const TELLING: usize = 4;

/// What is asked of a destination that was, or is to be, added.
pub(super) struct Asked<'a> {
    pub url: &'a StreamUrl,
    pub key: Option<&'a Secret>,
    pub enabled: Option<bool>,
    pub max_bitrate: Option<u32>,
}

impl Asked<'_> {
    /// What it comes to; `None`: it is new, and has no key.
    pub fn added(&self, before: Option<&Added>) -> Option<Added> {
        // Written otherwise, but the same place: no reason to begin anew.
        let same = before.filter(|b| b.url.tc_url() == self.url.tc_url());
        Some(Added {
            url: same.map_or(self.url, |b| &b.url).clone(),
            key: self.key.or(before.map(|b| &b.key))?.clone(),
            enabled: self
                .enabled
                .unwrap_or_else(|| before.is_none_or(|b| b.enabled)),
            max_bitrate: self.max_bitrate,
        })
    }
}

pub(super) fn set(state: &State, name: &DestinationName, asked: &Asked<'_>) -> Decision {
    if state.configured(name).is_some() {
        return configured(name);
    }
    let before = state.wanted.added.get(name);
    if let Err(message) = asked.max_bitrate.map_or(Ok(()), check_ceiling) {
        return deny(DenialCode::OutOfRange, message);
    }
    if let Err(message) = asked.key.map_or(Ok(()), check_key) {
        return deny(DenialCode::Invalid, message);
    }
    let Some(after) = asked.added(before) else {
        return deny(
            DenialCode::Invalid,
            format!("{name} is a new destination, so it needs its stream key. Give key, too."),
        );
    };
    let key = after.key.expose();
    if key.len() >= TELLING && after.url.as_str().contains(key) {
        return deny(
            DenialCode::Invalid,
            "The address holds the stream key. Leave the key out of the address; the box adds it.",
        );
    }
    if before == Some(&after) {
        return ignore(format!("{name} is like that already."));
    }
    if before.is_none() && state.wanted.added.len() >= MAX_ADDED {
        return deny(
            DenialCode::TooMany,
            format!("{MAX_ADDED} destinations are added already. Remove one of them first."),
        );
    }
    Decision::Accept
}

/// Whether `key` is a stream key; the error is a sentence without it.
pub(super) fn check_key(key: &Secret) -> Result<(), String> {
    // What a key looks like where it is not shown: somebody sends back what he was shown.
    if key.expose() == key.to_string() {
        return Err(
            "That is how a hidden stream key is shown. Give the key itself, or leave it out."
                .into(),
        );
    }
    check_stream_key(key.expose()).map_err(|clause| format!("The stream key {clause}."))
}

/// Whether `max_bitrate` is a ceiling; the error is a sentence.
pub(super) fn check_ceiling(max_bitrate: u32) -> Result<(), String> {
    if (MIN_CEILING..=MAX_BITRATE).contains(&max_bitrate) {
        Ok(())
    } else {
        Err(format!(
            "The ceiling {max_bitrate} bit/s does not work. Choose {MIN_CEILING} to {MAX_BITRATE} bit/s."
        ))
    }
}

pub(super) fn configured(name: &DestinationName) -> Decision {
    deny(
        DenialCode::Configured,
        format!(
            "{name} is a destination of the configuration file, so it can only be switched on and off from here. Change it there, or choose another name."
        ),
    )
}

pub(super) fn remove(state: &State, name: &DestinationName) -> Decision {
    if state.configured(name).is_some() {
        return configured(name);
    }
    if state.wanted.added.contains_key(name) {
        return Decision::Accept;
    }
    unknown(state, name)
}

pub(super) fn enable(state: &State, name: &DestinationName, enabled: bool) -> Decision {
    match state.destination_enabled(name) {
        None => unknown(state, name),
        Some(now) if now == enabled => {
            let word = if enabled { "enabled" } else { "disabled" };
            ignore(format!("{name} is {word} already."))
        }
        Some(_) => Decision::Accept,
    }
}

fn unknown(state: &State, name: &DestinationName) -> Decision {
    let names = state.actual.destinations.keys();
    let names: Vec<&str> = names.map(DestinationName::as_str).collect();
    let known = if names.is_empty() {
        "Add it first.".into()
    } else {
        format!("Choose one of: {}.", names.join(", "))
    };
    deny(
        DenialCode::UnknownDestination,
        format!("There is no destination named {name}. {known}"),
    )
}
