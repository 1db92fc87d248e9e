//! Other databases in the state folder that hold what people said: damaged ones that were moved aside, and those in the copies
//! that versions keep for the way back (`versions.rs`). What is erased in ours must not come back from there.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};

use super::erase;
use crate::error::{Error, Kind, Result};
use crate::store::db::{Answer, DATABASE, Db};
use crate::store::{forget, versions};

/// Bytes of a file that are overwritten at most.
const OVERWRITTEN: u64 = 128 * 1024 * 1024;
/// How long another program may hold a copy.
const BUSY: Duration = Duration::from_secs(2);

/// Erases these viewers in all of them; what cannot be erased in is removed.
pub async fn erase(db: &Db, viewers: Vec<i64>) -> Result<()> {
    aside(db, move |dir| {
        for path in damaged(dir)? {
            remove(&path)?;
        }
        for path in versions::copies_of(dir, DATABASE) {
            let made = fs::metadata(&path)?.modified()?;
            if let Err(e) = erase_in(&path, &viewers) {
                tracing::warn!(file = %path.display(), error = %e, "a copy of the database is removed, since nothing can be erased in it");
                remove(&path)?;
                continue;
            }
            // Its age is that of what it holds.
            fs::File::options().write(true).open(&path)?.set_modified(made)?;
        }
        Ok(())
    })
    .await
}

/// Removes those that were made longer ago than `age`.
pub async fn forget_older(db: &Db, age: Duration) -> Result<()> {
    aside(db, move |dir| {
        let mut all = damaged(dir)?;
        all.extend(versions::copies_of(dir, DATABASE));
        for path in all {
            let made = fs::metadata(&path).and_then(|m| m.modified());
            let old = |made| {
                SystemTime::now()
                    .duration_since(made)
                    .is_ok_and(|d| d > age)
            };
            if made.is_ok_and(old) {
                remove(&path)?;
            }
        }
        Ok(())
    })
    .await
}

/// Work on files, on a thread of its own.
async fn aside(
    db: &Db,
    work: impl FnOnce(&Path) -> std::io::Result<()> + Send + 'static,
) -> Result<()> {
    let dir = db.dir().to_owned();
    let failed = |e: std::io::Error| {
        let said = "An old copy of the database cannot be removed from the state folder";
        Error::new(Kind::Internal, said)
            .caused_by(e)
            .mend("Check that the disk is not read-only.")
    };
    let done = tokio::task::spawn_blocking(move || work(&dir)).await;
    done.map_err(|e| failed(std::io::Error::other(e)))?
        .map_err(failed)
}

fn damaged(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let is = name
            .to_str()
            .is_some_and(|n| n.starts_with(DATABASE) && n.contains(".broken-"));
        if is && entry.file_type()?.is_file() {
            all.push(entry.path());
        }
    }
    Ok(all)
}

fn erase_in(path: &Path, viewers: &[i64]) -> Answer<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY)?;
    conn.execute_batch(
        "PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;",
    )?;
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'event'";
    let room: i64 = conn.query_row(sql, [], |row| row.get(0))?;
    if room == 0 {
        // From before there was a room.
        return Ok(());
    }
    let tx = conn.transaction()?;
    for viewer in viewers {
        erase::at_once(&tx, *viewer)?;
    }
    tx.commit()?;
    conn.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
    conn.close().map_err(|(_, e)| e)
}

/// Overwrites and removes a database with what belongs to it.
fn remove(path: &Path) -> std::io::Result<()> {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        let path = PathBuf::from(name);
        let mut left = OVERWRITTEN;
        match forget::overwrite(&path, &mut left) {
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            // Removed all the same.
            Err(e) => tracing::warn!(error = %e, "an old copy of the database is not overwritten"),
            Ok(()) => {}
        }
        fs::remove_file(&path)?;
    }
    Ok(())
}
