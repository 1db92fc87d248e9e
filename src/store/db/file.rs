//! The file: opened, made, brought up to date, or moved aside where it is damaged.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::trouble::{is_damage, trouble};
use super::{Answer, DATABASE};
use crate::error::{Error, Kind, Result, io_kind};
use crate::store::files;

/// What changed since the first version, in order; the number of the last is the version of a file.
pub const MIGRATIONS: [&str; 3] = [
    include_str!("../migrations/0001-journal.sql"),
    include_str!("../migrations/0002-outbox.sql"),
    include_str!("../migrations/0003-room.sql"),
];
/// The same at once, for a new file.
pub const SCHEMA: &str = include_str!("../migrations/schema.sql");
/// Damaged files that are kept.
const KEPT: usize = 2;
/// How long another program (a person with `sqlite3`) may hold the file.
const BUSY: Duration = Duration::from_secs(2);

/// The file cannot be used as it is.
enum Unfit {
    /// Damaged, or something else: one clause.
    Damaged(String),
    /// Whatever it is, it stays where it is.
    Other(Error),
}

/// Opens the database in `dir`, made anew where there is none or a damaged one; says so then.
pub fn open(dir: &Path) -> Result<(Connection, Option<String>)> {
    match attempt(dir) {
        Ok(conn) => Ok((conn, None)),
        Err(Unfit::Other(e)) => Err(e),
        Err(Unfit::Damaged(why)) => {
            let aside = move_aside(dir).map_err(|e| {
                let path = dir.join(DATABASE);
                let said = format!("{} is damaged and cannot be moved aside", path.display());
                Error::new(io_kind(&e), said)
                    .caused_by(e)
                    .mend("Remove it.")
            })?;
            let conn = attempt(dir).map_err(|unfit| match unfit {
                Unfit::Other(e) => e,
                Unfit::Damaged(why) => Error::new(
                    Kind::Corrupt,
                    format!("A new database is damaged already ({why})."),
                )
                .mend("The disk or card is failing: replace it."),
            })?;
            let warning = format!(
                "The database {} was damaged ({why}), so commands that were answered, events that waited, the room and the accounts are forgotten. It is kept as {}.",
                dir.join(DATABASE).display(),
                aside.display()
            );
            Ok((conn, Some(warning)))
        }
    }
}

/// Counts this start.
pub fn next_session(conn: &Connection, dir: &Path) -> Result<u64> {
    conn.query_row(
        "UPDATE counter SET value = value + 1 WHERE name = 'session' RETURNING value",
        [],
        |row| row.get::<_, i64>(0),
    )
    .map(i64::cast_unsigned)
    .map_err(|e| trouble(dir, &e))
}

fn attempt(dir: &Path) -> Result<Connection, Unfit> {
    let fresh = prepare(dir)?;
    let sort = |e: rusqlite::Error| {
        if is_damage(&e) {
            Unfit::Damaged(e.to_string())
        } else {
            Unfit::Other(trouble(dir, &e))
        }
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(dir.join(DATABASE), flags).map_err(sort)?;
    conn.busy_timeout(BUSY).map_err(sort)?;
    let version = version(&conn).map_err(sort)?;
    refuse_newer(dir, version)?;
    settle(&conn).map_err(sort)?;
    let said: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(sort)?;
    if said != "ok" {
        return Err(Unfit::Damaged(said.replace('\n', " ")));
    }
    if version == 0 && !names(&conn).map_err(sort)?.is_empty() {
        return Err(Unfit::Damaged("it is not of boothcast".into()));
    }
    upgrade(&mut conn, version).map_err(sort)?;
    if !is_ours(&conn).map_err(sort)? {
        return Err(Unfit::Damaged(
            "its tables are not those of boothcast".into(),
        ));
    }
    if fresh && let Err(e) = files::sync_dir(dir) {
        tracing::warn!(error = %e, "the state folder cannot be synced");
    }
    Ok(conn)
}

/// Makes the file, for the owner alone, where there is none; SQLite's other files follow its mode. Whether it is new.
fn prepare(dir: &Path) -> Result<bool, Unfit> {
    let path = dir.join(DATABASE);
    let failed = |e: std::io::Error| {
        let said = format!("{} cannot be opened", path.display());
        Unfit::Other(Error::new(io_kind(&e), said).caused_by(e).mend(
            "Check the permissions of its folder, and that the disk has room and is not read-only.",
        ))
    };
    match fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_file() => Ok(meta.len() == 0),
        Ok(_) => Err(Unfit::Damaged("it is not a plain file".into())),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let mut options = OpenOptions::new();
            options.write(true).create_new(true).mode(0o600);
            options.open(&path).map(|_| true).map_err(failed)
        }
        Err(e) => Err(failed(e)),
    }
}

fn version(conn: &Connection) -> Answer<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn latest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn refuse_newer(dir: &Path, version: i64) -> Result<(), Unfit> {
    if version <= latest() {
        return Ok(());
    }
    let said = format!(
        "{} was made by a newer boothcast (version {version}; this one knows {}).",
        dir.join(DATABASE).display(),
        latest()
    );
    Err(Unfit::Other(Error::new(Kind::Unsupported, said).mend(
        "Install the newer boothcast again, or move the file away: answered commands and waiting events are forgotten then.",
    )))
}

/// How this connection works.
fn settle(conn: &Connection) -> Answer<()> {
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        // As safe, with more syncs: a file system without shared memory.
        tracing::warn!(mode, "the database has no write-ahead log here");
    }
    conn.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA cache_size = -1024;
         PRAGMA journal_size_limit = 4194304;",
    )
}

/// Brings a file of `version` up to date, whole or not at all.
fn upgrade(conn: &mut Connection, version: i64) -> Answer<()> {
    if version == latest() {
        return Ok(());
    }
    let tx = conn.transaction()?;
    if version <= 0 {
        tx.execute_batch(SCHEMA)?;
    } else {
        let done = usize::try_from(version).unwrap_or(MIGRATIONS.len());
        for step in MIGRATIONS.iter().skip(done) {
            tx.execute_batch(step)?;
        }
    }
    tx.pragma_update(None, "user_version", latest())?;
    tx.commit()
}

/// Names of all tables, indices and triggers.
fn names(conn: &Connection) -> Answer<Vec<String>> {
    let sql = "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1 LIMIT 1000";
    conn.prepare(sql)?
        .query_map([], |row| row.get(0))?
        .collect()
}

fn is_ours(conn: &Connection) -> Answer<bool> {
    let fresh = Connection::open_in_memory()?;
    fresh.execute_batch(SCHEMA)?;
    Ok(names(conn)? == names(&fresh)?)
}

/// Moves the file aside. SQLite has taken its log into it when the attempt ended; what is left of one must not become
/// part of the new file.
fn move_aside(dir: &Path) -> std::io::Result<PathBuf> {
    let aside = files::move_aside(dir, DATABASE, KEPT)?;
    for end in ["-wal", "-shm"] {
        match fs::remove_file(dir.join(format!("{DATABASE}{end}"))) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    Ok(aside)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
