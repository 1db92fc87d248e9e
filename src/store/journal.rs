//! The journal of commands: by it a command runs at most once, also across crashes.
//!
//! ```text
//!   new ──begin──> started ──finish──> answered ──sent──> done
//!                     │ crash
//!                     └──recover──> answered `interrupted`
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, params};

use super::db::{Answer, Db, Sync};
use crate::error::{Error, Kind, Result};

/// A command that is about to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// SHA-256 over name and arguments.
    pub hash: [u8; 32],
    /// Its name, as in `live/start`.
    pub name: String,
    /// Where its answer goes.
    pub reply_to: String,
    /// What the answer repeats.
    pub correlation: Option<Vec<u8>>,
}

/// What the journal knows of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: it is noted and on disk now, and may run.
    New,
    /// It runs at this moment.
    Running,
    /// It ran; this was the answer.
    Answered(Vec<u8>),
    /// The id was used for something else.
    OtherContent,
}

/// An answer that the broker has not acknowledged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// To which command.
    pub entry: Entry,
    /// The answer.
    pub answer: Vec<u8>,
}

/// How many answered commands are remembered at most, and for how long, s.
pub const KEPT: (u32, i64) = (20_000, 7 * 86_400);
/// The newest that are remembered whatever the clock says of their age.
const SPARED: i64 = 1000;
/// Looks for old ones once in so many commands.
const PRUNE_EVERY: i64 = 64;
/// Unsent answers that a start brings back at most.
pub const RECOVERED: u32 = 1000;

impl Db {
    /// Notes a command before it starts, and syncs.
    ///
    /// # Errors
    /// When it cannot be written; then it must not run.
    pub async fn journal_begin(&self, entry: Entry) -> Result<Begun> {
        let begun = self.journal_begin_all(vec![entry]).await?;
        begun.into_iter().next().ok_or_else(|| {
            Error::new(
                Kind::Internal,
                "The journal gave no answer about a command.",
            )
        })
    }

    /// [`Db::journal_begin`] for several at once, in their order, with one sync: all are noted, or none.
    ///
    /// # Errors
    /// When they cannot be written; then none of them must run.
    pub async fn journal_begin_all(&self, entries: Vec<Entry>) -> Result<Vec<Begun>> {
        self.run(Sync::Full, move |conn| {
            entries.iter().map(|entry| begin(conn, entry)).collect()
        })
        .await
    }

    /// Notes the answer before it is sent, and syncs.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn journal_finish(&self, id: String, answer: Vec<u8>) -> Result<()> {
        self.run(Sync::Full, move |conn| {
            let sql = "UPDATE journal SET answer = ?2 WHERE id = ?1 AND answer IS NULL";
            conn.execute(sql, params![id, answer]).map(drop)
        })
        .await
    }

    /// Notes that the broker has the answer. After a power cut it may be sent once more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn journal_sent(&self, id: String) -> Result<()> {
        self.run(Sync::Lazy, move |conn| {
            let sql = "UPDATE journal SET sent = 1 WHERE id = ?1 AND answer IS NOT NULL";
            conn.execute(sql, params![id]).map(drop)
        })
        .await
    }

    /// After a start: what had begun and has no answer gets the one that `interrupted` makes of its id. Gives the answers
    /// that are still to be sent, oldest first, at most [`RECOVERED`] of the newest.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub async fn journal_recover(
        &self,
        interrupted: impl Fn(&str) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<Unsent>> {
        self.run(Sync::Full, move |conn| {
            for id in unanswered(conn)? {
                let sql = "UPDATE journal SET answer = ?2 WHERE id = ?1";
                conn.execute(sql, params![id, interrupted(&id)])?;
            }
            unsent(conn)
        })
        .await
    }
}

fn begin(conn: &Connection, entry: &Entry) -> Answer<Begun> {
    let sql = "SELECT hash, answer FROM journal WHERE id = ?1";
    let known = conn
        .query_row(sql, [&entry.id], |row| {
            Ok((
                row.get::<_, [u8; 32]>(0)?,
                row.get::<_, Option<Vec<u8>>>(1)?,
            ))
        })
        .optional()?;
    Ok(match known {
        Some((hash, _)) if hash != entry.hash => Begun::OtherContent,
        Some((_, Some(answer))) => Begun::Answered(answer),
        Some((_, None)) => Begun::Running,
        None => {
            note(conn, entry)?;
            Begun::New
        }
    })
}

fn note(conn: &Connection, entry: &Entry) -> Answer<()> {
    let now = now_s();
    conn.execute(
        "INSERT INTO journal (id, hash, name, reply_to, correlation, begun_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            entry.id,
            entry.hash,
            entry.name,
            entry.reply_to,
            entry.correlation,
            now
        ],
    )?;
    let n = conn.last_insert_rowid();
    if n % PRUNE_EVERY == 0 {
        prune(conn, n, now)?;
    }
    Ok(())
}

/// Forgets old answered commands; one that runs, never. The newest stay whatever their age: the clock of a box without a
/// battery jumps.
fn prune(conn: &Connection, newest: i64, now: i64) -> Answer<()> {
    conn.execute(
        "DELETE FROM journal WHERE answer IS NOT NULL AND (n <= ?1 OR (n <= ?2 AND begun_s < ?3))",
        params![newest - i64::from(KEPT.0), newest - SPARED, now - KEPT.1],
    )
    .map(drop)
}

fn unanswered(conn: &Connection) -> Answer<Vec<String>> {
    conn.prepare("SELECT id FROM journal WHERE sent = 0 AND answer IS NULL ORDER BY n")?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn unsent(conn: &Connection) -> Answer<Vec<Unsent>> {
    let sql = "SELECT id, hash, name, reply_to, correlation, answer FROM journal
               WHERE sent = 0 AND answer IS NOT NULL ORDER BY n DESC LIMIT ?1";
    let mut rows: Vec<Unsent> = conn
        .prepare(sql)?
        .query_map([RECOVERED], |row| {
            Ok(Unsent {
                entry: Entry {
                    id: row.get(0)?,
                    hash: row.get(1)?,
                    name: row.get(2)?,
                    reply_to: row.get(3)?,
                    correlation: row.get(4)?,
                },
                answer: row.get(5)?,
            })
        })?
        .collect::<Answer<_>>()?;
    rows.reverse();
    Ok(rows)
}

/// Seconds since 1970 by the box's own clock.
fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
