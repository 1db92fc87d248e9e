//! The state folder: made, checked, and locked so that two daemons never share one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::files::{self, TEMP_PREFIX};
pub use super::forget::forget;
use crate::error::{Error, Kind, Result, io_kind};

/// Name of the lock file inside the folder.
pub(super) const LOCK: &str = "lock";

/// Makes the folder (0700) where it does not exist, and checks that files can be written in it.
///
/// # Errors
/// [`Kind::Permission`] with the folder and the mend, whatever the reason; the cause is in the chain.
pub fn prepare_dir(dir: &Path) -> Result<()> {
    let unwritable = |e: std::io::Error| {
        Error::new(
            Kind::Permission,
            format!("The state folder {} cannot be written", dir.display()),
        )
        .caused_by(e)
        .mend(format!(
            "Give this user the folder (sudo chown \"$USER\" {}), or set paths.state to another one.",
            dir.display()
        ))
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(unwritable)?;
    let (path, file) = files::create_temp(dir, "probe", 0o600).map_err(unwritable)?;
    drop(file);
    std::fs::remove_file(path).map_err(unwritable)
}

/// Holds the state folder for this process; let go on drop, and by the kernel when the process dies.
#[derive(Debug)]
pub struct DirLock {
    _file: File,
}

/// Takes the folder for this process, and removes what a killed writer left in it.
///
/// # Errors
/// [`Kind::InUse`] when another process has it; otherwise what the system said.
pub fn lock_dir(dir: &Path) -> Result<DirLock> {
    let path = dir.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| {
            Error::new(
                io_kind(&e),
                format!("The lock file {} cannot be opened", path.display()),
            )
            .caused_by(e)
            .mend("Give this user the state folder, or set paths.state to another one.")
        })?;
    if let Err(e) = files::like_its_folder(&file, dir) {
        tracing::debug!(error = %e, "the lock file belongs to another user than its folder");
    }
    // SAFETY: a plain system call on a descriptor that `file` keeps open.
    let locked = unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    if locked != 0 {
        let cause = std::io::Error::last_os_error();
        return Err(refused(dir, &mut file, cause));
    }
    note_owner(&mut file);
    sweep(dir);
    Ok(DirLock { _file: file })
}

fn refused(dir: &Path, file: &mut File, cause: std::io::Error) -> Error {
    if cause.kind() != std::io::ErrorKind::WouldBlock {
        return Error::new(
            io_kind(&cause),
            format!("The state folder {} cannot be locked", dir.display()),
        )
        .caused_by(cause)
        .mend("Put it on a local file system, or set paths.state to another folder.");
    }
    let mut owner = String::new();
    let _ = file.take(16).read_to_string(&mut owner);
    let who = match owner.trim().parse::<u32>() {
        Ok(pid) => format!("another boothcast (process {pid})"),
        Err(_) => "another boothcast".to_owned(),
    };
    Error::new(
        Kind::InUse,
        format!("The state folder {} is used by {who}.", dir.display()),
    )
    .mend("Stop that one, or set paths.state to another folder.")
}

/// The number is for the message of the next one who asks; the lock does not depend on it.
fn note_owner(file: &mut File) {
    let _ = file.set_len(0);
    let _ = file.rewind();
    let _ = writeln!(file, "{}", std::process::id());
}

/// Removes temporary files: with the lock held nobody else is writing them.
fn sweep(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(TEMP_PREFIX)
            && let Err(e) = std::fs::remove_file(entry.path())
        {
            tracing::debug!(file = %entry.path().display(), error = %e, "a left-over file stays");
        }
    }
}
