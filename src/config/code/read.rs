//! Reading codes.

use std::str::FromStr;

use super::{BoxCode, VERSION, WifiCode};
use crate::config::types::Secret;

/// A field of a code: its key, and the value as it is written.
struct Field<'a> {
    key: &'a str,
    value: &'a str,
}

/// Takes `K:value;K:value;;` apart; empty fields say nothing. `None` in place of a field: it has no key.
fn fields(mut rest: &str) -> impl Iterator<Item = Option<Field<'_>>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = unescaped(rest, ';').unwrap_or(rest.len());
        let (field, after) = rest.split_at(end);
        rest = after.strip_prefix(';').unwrap_or(after);
        Some(field)
    })
    .filter(|field| !field.is_empty())
    .map(|field| {
        let (key, value) = field.split_once(':')?;
        Some(Field { key, value })
    })
}

/// Where the first `wanted` stands that has no `\` before it.
fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == wanted {
            return Some(at);
        }
    }
    None
}

/// The value without its escapes. A `\` before anything is that thing, as in ZXing's reader.
fn plain(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut escaped = false;
    for c in value.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(c);
        }
    }
    out
}

/// Keeps a value that comes once; one that is empty says nothing.
fn once(slot: &mut Option<String>, field: &Field<'_>) -> Result<(), String> {
    if field.value.is_empty() {
        return Ok(());
    }
    if slot.replace(field.value.to_owned()).is_some() {
        return Err(format!("the code has {} twice", field.key));
    }
    Ok(())
}

/// Reads what follows `WIFI:`.
pub(super) fn wifi(rest: &str) -> Result<WifiCode, String> {
    let (mut kind, mut ssid, mut password, mut hidden) = (None, None, None, None);
    for field in fields(rest).flatten() {
        let slot = match field.key {
            "T" => &mut kind,
            "S" => &mut ssid,
            "P" => &mut password,
            "H" => &mut hidden,
            _ => continue,
        };
        once(slot, &field)?;
    }
    let password = password.as_deref().map(unquoted).filter(|p| !p.is_empty());
    let kind = kind.as_deref().map(plain).unwrap_or_default();
    let password = match (kind.to_ascii_uppercase().as_str(), password) {
        ("WPA" | "WPA2" | "WPA/WPA2", Some(password)) | ("", Some(password)) => {
            Some(Secret::new(password))
        }
        ("WPA" | "WPA2" | "WPA/WPA2", None) => {
            return Err("the code has no password for its network".into());
        }
        ("NOPASS" | "", _) => None,
        (other, _) => return Err(why_not(other)),
    };
    let code = WifiCode {
        ssid: ssid.as_deref().map(unquoted).unwrap_or_default(),
        password,
        hidden: hidden.is_some_and(|h| h.eq_ignore_ascii_case("true")),
    };
    code.check()?;
    Ok(code)
}

/// Why a network of this kind is not joined.
fn why_not(kind: &str) -> String {
    match kind {
        "WEP" => "the network uses WEP, which protects nothing; set it to WPA2".into(),
        "SAE" => "the network takes WPA3 only; set it to WPA2 and WPA3 together".into(),
        kind if kind.contains("EAP") => {
            "the network asks for a user and a password of its own (WPA Enterprise), which no code carries safely; use another network".into()
        }
        _ => "the code names a kind of protection that this box does not know; WPA and nopass are known".into(),
    }
}

/// The value without its escapes, and without the quotes that some writers put around it.
fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    match inner {
        // The last quote is part of the value where a `\` stands before it.
        Some(inner) if unescaped(&value[1..], '"') == Some(inner.len()) => plain(inner),
        _ => plain(value),
    }
}

/// Reads what follows `BOOTHCAST:`.
pub(super) fn boothcast(rest: &str) -> Result<BoxCode, String> {
    let mut version = None;
    let mut slots: [(&str, Option<String>); 9] =
        ["N", "U", "K", "F", "I", "B", "M", "P", "C"].map(|key| (key, None));
    let mut stranger = None;
    for field in fields(rest) {
        let Some(field) = field else {
            return Err("the code has a part without a key".into());
        };
        let slot = match slots.iter_mut().find(|(key, _)| *key == field.key) {
            Some((_, slot)) => slot,
            None if field.key == "V" => &mut version,
            None => {
                stranger = Some(shown(field.key));
                continue;
            }
        };
        once(slot, &field)?;
    }
    check_version(version.as_deref())?;
    if let Some(key) = stranger {
        return Err(format!(
            "the code has a part {key} that no Boothcast code of version {VERSION} has"
        ));
    }
    let [name, url, key, fleet, id, broker, user, password, claim] =
        slots.map(|(_, value)| value.as_deref().map(plain));
    let code = BoxCode {
        name: checked(name, "name (N)")?,
        url: checked(url, "address (U)")?,
        key: key.map(Secret::new),
        fleet: checked(fleet, "fleet (F)")?,
        id: checked(id, "id (I)")?,
        broker: checked(broker, "broker (B)")?,
        user,
        password: password.map(Secret::new),
        claim: claim.map(Secret::new),
    };
    code.check()?;
    Ok(code)
}

/// A newer version may mean something else by what looks the same, so nothing of it is done.
fn check_version(version: Option<&str>) -> Result<(), String> {
    let Some(text) = version else {
        return Err("the code has no version (V)".into());
    };
    let digits = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u32>() {
        Ok(VERSION) if digits => Ok(()),
        Ok(n) if digits && n > VERSION => {
            Err("the code is for a newer version of Boothcast; update the box".into())
        }
        _ => Err("the code has no version (V) that there is".into()),
    }
}

fn checked<T: FromStr<Err = String>>(
    value: Option<String>,
    what: &str,
) -> Result<Option<T>, String> {
    value
        .map(|v| v.parse().map_err(|clause| format!("the {what} {clause}")))
        .transpose()
}

/// A key that is not ours, fit to be shown: it may be anything, so at most a short word of it.
fn shown(key: &str) -> String {
    if (1..=8).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric()) {
        key.to_owned()
    } else {
        "(not a plain word)".into()
    }
}
