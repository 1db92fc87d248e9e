//! The boot partition: read-only but for the moment of a rewriting, and FAT, which knows no rights and no links.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result, io_kind};
use crate::store::{fault, forget};

/// Longest file that is read.
const MAX_BYTES: u64 = 256 * 1024;
/// How a file is called until it is whole.
const NEW: &str = ".new";

/// The partition, by its mount point.
pub struct Boot {
    dir: PathBuf,
}

/// It can be written to until this is dropped.
struct Writable<'a> {
    dir: &'a Path,
    was_read_only: bool,
}

impl Boot {
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// The text of a file; `None` where there is none. One that a power cut left under its other name counts.
    pub fn read(&self, name: &str) -> Result<Option<String>> {
        let path = self.dir.join(name);
        match read(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => self.recover(name),
            Err(e) if e.kind() == ErrorKind::FileTooLarge => Err(Error::new(
                Kind::BadConfig,
                format!("{name} is longer than 256 KiB."),
            )),
            Err(e) if e.kind() == ErrorKind::InvalidData => Err(Error::new(
                Kind::BadConfig,
                format!("{name} is not UTF-8 text."),
            )
            .mend("Save the file as UTF-8.")),
            other => other.map(Some).map_err(|e| failed(&path, e)),
        }
    }

    /// FAT may lose the old name before the new one is there: then the whole text lies under the other name.
    fn recover(&self, name: &str) -> Result<Option<String>> {
        let other = self.dir.join(format!("{name}{NEW}"));
        let Ok(text) = read(&other) else {
            return Ok(None);
        };
        if text.is_empty() {
            return Ok(None);
        }
        let _writable = self.writable()?;
        let path = self.dir.join(name);
        fs::rename(&other, &path)
            .and_then(|()| File::open(&self.dir)?.sync_all())
            .map_err(|e| failed(&path, e))?;
        Ok(Some(text))
    }

    /// Writes a file whole or not at all, if its text is another; what stood in it before is overwritten.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.dir.join(name);
        if read(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        let _writable = self.writable()?;
        self.replace(name, text).map_err(|e| failed(&path, e))
    }

    fn replace(&self, name: &str, text: &str) -> std::io::Result<()> {
        let (path, new) = (self.dir.join(name), self.dir.join(format!("{name}{NEW}")));
        // Kept open, so that its blocks can be overwritten once it has no name.
        let old = OpenOptions::new().write(true).open(&path).ok();
        fault::step()?;
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fault::step()?;
        fs::rename(&new, &path)?;
        fault::step()?;
        File::open(&self.dir)?.sync_all()?;
        fault::step()?;
        if let Some(old) = old {
            forget::wipe(&old, &mut { MAX_BYTES * 2 })?;
        }
        Ok(())
    }

    /// Removes a file, if it is there.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.dir.join(name);
        if fs::symlink_metadata(&path).is_err() {
            return Ok(());
        }
        let _writable = self.writable()?;
        fs::remove_file(&path)
            .and_then(|()| File::open(&self.dir)?.sync_all())
            .map_err(|e| failed(&path, e))
    }

    fn writable(&self) -> Result<Writable<'_>> {
        let failed = |e: std::io::Error| {
            let said = format!("{} cannot be made writable", self.dir.display());
            Error::new(io_kind(&e), said)
                .caused_by(e)
                .mend("Check the card: a file system with errors stays read-only.")
        };
        let was_read_only = flags(&self.dir).map_err(failed)? & libc::ST_RDONLY != 0;
        if was_read_only {
            remount(&self.dir, false).map_err(failed)?;
        }
        Ok(Writable {
            dir: &self.dir,
            was_read_only,
        })
    }
}

impl Drop for Writable<'_> {
    fn drop(&mut self) {
        if self.was_read_only
            && let Err(e) = remount(self.dir, true)
        {
            eprintln!("boothcast: {} stays writable: {e}", self.dir.display());
        }
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ErrorKind::FileTooLarge.into());
    }
    String::from_utf8(bytes).map_err(|_| ErrorKind::InvalidData.into())
}

fn failed(path: &Path, e: std::io::Error) -> Error {
    Error::new(io_kind(&e), format!("{} cannot be used", path.display())).caused_by(e)
}

fn c_path(path: &Path) -> std::io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| ErrorKind::InvalidInput.into())
}

/// Flags of the mount, as `statvfs` gives them.
fn flags(dir: &Path) -> std::io::Result<u64> {
    let path = c_path(dir)?;
    // SAFETY: plain data that the call fills; the path is a C string that outlives it.
    let (done, found) = unsafe {
        let mut found: libc::statvfs = std::mem::zeroed();
        (libc::statvfs(path.as_ptr(), &raw mut found), found)
    };
    if done == 0 {
        Ok(found.f_flag)
    } else {
        Err(std::io::Error::last_os_error())
    }
}

/// Mounts it anew in its place, with the restrictions that it has.
fn remount(dir: &Path, read_only: bool) -> std::io::Result<()> {
    let path = c_path(dir)?;
    let has = flags(dir)?;
    let mut wanted = libc::MS_REMOUNT;
    for (flag, option) in [
        (libc::ST_NOSUID, libc::MS_NOSUID),
        (libc::ST_NODEV, libc::MS_NODEV),
        (libc::ST_NOEXEC, libc::MS_NOEXEC),
    ] {
        if has & flag != 0 {
            wanted |= option;
        }
    }
    if read_only {
        wanted |= libc::MS_RDONLY;
    }
    let none = std::ptr::null();
    // SAFETY: only the target counts for a remount; it is a C string that outlives the call, all else may be null.
    let done = unsafe { libc::mount(none, path.as_ptr(), none, wanted, none.cast()) };
    if done == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error())
    }
}
