//! The room on the disk: its events, which are the truth, and tables that follow from them.
//!
//! ```text
//!   room_save(events) ──> event (added only) ──> highest, standing, sums, viewer, message, poll, ...
//!   room_load() <── event                          └─ export, erasure, retention, a look with sqlite3
//! ```
//!
//! State and reports are made from events alone; a table is for those who look for something of one viewer or one show.
//! docs/store.md says what is kept how long.

mod copies;
mod erase;
mod export;
mod people;
mod put;
mod read;
mod retain;
mod shop;
mod sums;
mod talk;
mod votes;

pub use read::{HighestRow, ShowRow};
pub use retain::Retained;

use rusqlite::types::Type;

use super::db::{Answer, Db, Sync};
use crate::error::Result;
use crate::room::live::event::{Event, Role};

impl Db {
    /// Adds events, in one transaction; synced unless `lazy`.
    ///
    /// # Errors
    /// When they cannot be written, and when their numbers do not rise above all that were ever saved. Then none is there.
    pub async fn room_save(&self, events: Vec<Event>, lazy: bool) -> Result<()> {
        let sync = if lazy { Sync::Lazy } else { Sync::Full };
        self.run(sync, move |conn| put::all(conn, &events)).await
    }
}

/// As it stands in a table. Numbers of ours never come near the bound.
fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// What an enum or a list is called in JSON, as text: kinds without fields lose their quotes.
fn word<T: serde::Serialize>(what: &T) -> Answer<String> {
    let json = serde_json::to_string(what)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
    Ok(json.trim_matches('"').to_owned())
}

/// A role as it stands in a table.
pub(super) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Moderator => "moderator",
        Role::Owner => "owner",
    }
}

/// The way back.
pub(super) fn role_of(word: &str) -> Role {
    match word {
        "owner" => Role::Owner,
        "moderator" => Role::Moderator,
        _ => Role::Viewer,
    }
}

/// A column that does not hold what we wrote.
fn unreadable(column: usize, e: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, e.into())
}

#[cfg(test)]
mod tests;
