//! `setup.toml`: what a code or the page said, as a layer of its own.

use std::sync::Arc;

use toml::{Table, Value};

use super::SETUP;
use crate::config::code::BoxCode;
use crate::config::document;
use crate::config::problems::{Origin, Problems};

/// `setup.toml` after the code: what `old` (the file as it is, empty where there is none) says, changed by what the code names.
/// Not the destination, which is a setting like any other and kept with what is wanted. User and password belong to a broker:
/// a code with another broker does not take along those of the one before.
///
/// # Errors
/// What the code holds is no valid setting; lines count in a text that nobody has seen, so tell people the messages alone.
pub fn setup_toml(code: &BoxCode, old: &str) -> Result<String, Problems> {
    let mut root = old.parse::<Table>().unwrap_or_default();
    if let Some(name) = &code.name {
        put(&mut root, "box", "name", name.as_str());
    }
    if let Some(fleet) = &code.fleet {
        put(&mut root, "mqtt", "fleet", fleet.as_str());
    }
    if let Some(id) = &code.id {
        put(&mut root, "mqtt", "id", id.as_str());
    }
    if let Some(broker) = &code.broker {
        put(&mut root, "mqtt", "broker", &broker.to_string());
        // Empty, so that those of an earlier layer do not go to this broker either.
        put(&mut root, "mqtt", "user", "");
        remove(&mut root, "mqtt", "password");
    }
    if let Some(user) = &code.user {
        put(&mut root, "mqtt", "user", user);
    }
    if let Some(password) = &code.password {
        put(&mut root, "mqtt", "password", password.expose());
        // The password of an earlier layer may stand in a file, and there is only one.
        put(&mut root, "mqtt", "password_file", "");
    }
    checked(&root)
}

/// `setup.toml` less the keys that `imported` sets: the person's last word counts. Nothing of it is left where the text is broken.
#[must_use]
pub fn drop_named(setup: &str, imported: &str) -> String {
    let mut root = setup.parse::<Table>().unwrap_or_default();
    let named = document::read(imported, &Arc::from(super::IMPORTED), None)
        .layer
        .entries;
    for path in named.keys() {
        if let Some((section, key)) = path.split_once('.') {
            remove(&mut root, section, key);
        }
    }
    if named.contains_key("mqtt.broker") {
        for key in ["user", "password", "password_file"] {
            remove(&mut root, "mqtt", key);
        }
    }
    if named.contains_key("mqtt.password") || named.contains_key("mqtt.password_file") {
        remove(&mut root, "mqtt", "password");
        remove(&mut root, "mqtt", "password_file");
    }
    root.retain(|_, section| section.as_table().is_none_or(|t| !t.is_empty()));
    root.to_string()
}

fn put(root: &mut Table, section: &str, key: &str, value: &str) {
    let entry = root
        .entry(section)
        .or_insert_with(|| Value::Table(Table::new()));
    if !entry.is_table() {
        *entry = Value::Table(Table::new());
    }
    if let Some(table) = entry.as_table_mut() {
        table.insert(key.to_owned(), Value::String(value.to_owned()));
    }
}

fn remove(root: &mut Table, section: &str, key: &str) {
    if let Some(table) = root.get_mut(section).and_then(Value::as_table_mut) {
        table.remove(key);
    }
}

/// The text, if every key of it is valid by itself; rules between keys need the other layers.
fn checked(root: &Table) -> Result<String, Problems> {
    let text = root.to_string();
    let read = document::read(&text, &Arc::from(SETUP), None);
    if read.problems.is_empty() && read.complete {
        return Ok(text);
    }
    let mut problems = read.problems;
    if problems.is_empty() {
        let origin = Origin {
            source: SETUP.into(),
            place: None,
            label: String::new(),
        };
        problems.push(origin.sentence("What the code says cannot be kept."));
    }
    Err(problems)
}
