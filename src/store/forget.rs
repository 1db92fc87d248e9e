//! A factory reset of the state folder: every file overwritten, then removed. A marker file begins it and is removed last, so that
//! a power cut in the middle does not leave half of what was told to the box: the next start goes on with it.
//!
//! ```text
//!  begin: marker ──> forget: overwrite, remove ──> [services of the box: reboot; root's part] ──> end: marker removed
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::fault;
use super::files::{sync_dir, write_atomic};
use super::folder::LOCK;
use crate::error::{Error, Kind, Result, io_kind};

/// The marker, in the state folder. `boothcast-reset.service` looks for it.
pub const MARKER: &str = "factory-reset";
/// Set by the units of a box whose services of root end the reset.
pub const SERVICES: &str = "BOOTHCAST_SERVICES";
/// What is overwritten at most, in bytes, so that a reset takes seconds: all else is removed only.
const OVERWRITTEN: u64 = 128 * 1024 * 1024;
/// How deep folders may lie in one another.
const DEPTH: u32 = 8;

/// Whether services of root end a reset here: they remove the marker.
#[must_use]
pub fn has_services() -> bool {
    std::env::var_os(SERVICES).is_some_and(|v| v == "1")
}

/// Begins a reset, durably.
///
/// # Errors
/// As [`write_atomic`].
pub fn begin(dir: &Path) -> Result<()> {
    write_atomic(&dir.join(MARKER), b"", 0o600)
}

/// Whether a reset was begun and not ended.
#[must_use]
pub fn is_begun(dir: &Path) -> bool {
    fs::symlink_metadata(dir.join(MARKER)).is_ok()
}

/// Ends it: nothing is left to do.
///
/// # Errors
/// When the marker cannot be removed.
pub fn end(dir: &Path) -> Result<()> {
    let path = dir.join(MARKER);
    match fs::remove_file(&path).and_then(|()| sync_dir(dir)) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(trouble(&path, e)),
        _ => Ok(()),
    }
}

/// Forgets everything that the box was told: overwrites and removes what is in the folder but its lock, its control socket and
/// the marker, which are in use. With the lock held nobody else writes there.
///
/// # Errors
/// What could not be removed first; the rest is removed all the same.
pub fn forget(dir: &Path) -> Result<()> {
    let mut work = Work {
        left: OVERWRITTEN,
        first: None,
    };
    work.empty(dir, 0, &[LOCK, MARKER]);
    work.first.map_or(Ok(()), Err)
}

/// Empties a folder that is not the state folder, of root's: the same way, nothing spared. One that is not there is empty.
///
/// # Errors
/// As [`forget`].
pub fn empty(dir: &Path) -> Result<()> {
    if fs::symlink_metadata(dir).is_err() {
        return Ok(());
    }
    let mut work = Work {
        left: OVERWRITTEN,
        first: None,
    };
    work.empty(dir, 0, &[]);
    work.first.map_or(Ok(()), Err)
}

struct Work {
    left: u64,
    first: Option<Error>,
}

impl Work {
    fn empty(&mut self, dir: &Path, depth: u32, spared: &[&str]) {
        let entries = match fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(e) => return self.failed(dir, e),
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if spared.iter().any(|s| entry.file_name() == *s) {
                continue;
            }
            let gone = match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEPTH => {
                    self.empty(&path, depth + 1, &[]);
                    fs::remove_dir(&path)
                }
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(&path),
                Ok(kind) if kind.is_file() => self.remove(&path),
                // A link to the control socket, or the socket itself: in use.
                _ => Ok(()),
            };
            if let Err(e) = gone {
                self.failed(&path, e);
            }
        }
        if let Err(e) = sync_dir(dir) {
            self.failed(dir, e);
        }
    }

    fn remove(&mut self, path: &Path) -> std::io::Result<()> {
        fault::step()?;
        // A file that cannot be overwritten is removed all the same.
        if let Err(e) = overwrite(path, &mut self.left) {
            tracing::warn!(file = %path.display(), error = %e, "removed without being overwritten");
        }
        fs::remove_file(path)
    }

    fn failed(&mut self, path: &Path, e: std::io::Error) {
        self.first.get_or_insert(trouble(path, e));
    }
}

/// Zeros in the place of what is in the file, on the disk before this returns. What a flash card does with it is its own affair:
/// it may write the zeros elsewhere and keep the old blocks until it needs them.
pub(crate) fn overwrite(path: &Path, left: &mut u64) -> std::io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
        .open(path)?;
    wipe(&file, left)
}

/// The same for an open file, which may have no name any more.
pub(crate) fn wipe(mut file: &File, left: &mut u64) -> std::io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?.min(*left);
    *left -= length;
    let zeros = [0; 65_536];
    let mut at = 0;
    while at < length {
        let n = usize::try_from(length - at).map_or(zeros.len(), |n| n.min(zeros.len()));
        file.write_all_at(&zeros[..n], at)?;
        at += n as u64;
    }
    file.flush()?;
    file.sync_all()
}

fn trouble(path: &Path, e: std::io::Error) -> Error {
    let said = format!("{} cannot be removed", path.display());
    let kind = match e.kind() {
        ErrorKind::Other => Kind::Internal,
        _ => io_kind(&e),
    };
    Error::new(kind, said)
        .caused_by(e)
        .mend("Remove it by hand, or give this user the state folder.")
}

#[cfg(test)]
#[path = "forget_tests.rs"]
mod tests;
