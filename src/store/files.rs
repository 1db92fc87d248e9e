//! Atomic small files: wanted state and passwords. A power cut leaves a file whole, old or new, never half.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rand::TryRng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::folder::{DirLock, lock_dir, prepare_dir};
use super::keys::{self, Keys};
use crate::config::Secret;
use crate::device::state::Wanted;
use crate::error::{Error, Kind, Result, io_kind};

/// File of what is wanted, in the state folder.
pub const WANTED: &str = "wanted.json";
/// File of the RTSP password, in the state folder.
pub const RTSP_PASSWORD: &str = "rtsp-password";
/// How temporary files begin; a left-over one is never read.
pub(super) const TEMP_PREFIX: &str = ".tmp-";
/// Version of the format of [`WANTED`].
const VERSION: u32 = 1;
/// A file larger than this is not ours.
const SIZE_LIMIT: u64 = 256 * 1024;
/// Damaged files that are kept.
const KEPT: usize = 5;
/// Neither i, l, o, 0 nor 1: people read it from a screen and type it into a recorder.
const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Characters of a made password: 99 bits.
const PASSWORD_LENGTH: usize = 20;

/// Writes a file so that it is there whole or not at all, also after a power cut: temporary file in the same folder,
/// fsync, rename, fsync of the folder. `mode` are its permission bits, whatever the umask.
///
/// # Errors
/// What the system said, naming the file. The old file is untouched then, and the temporary one removed.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let failed = |e: std::io::Error| {
        let full = e.kind() == ErrorKind::StorageFull || e.kind() == ErrorKind::QuotaExceeded;
        let mend = if full {
            "Make room on the disk."
        } else {
            "Check the permissions of its folder, and that the disk is not read-only."
        };
        Error::new(io_kind(&e), format!("{} cannot be written", path.display()))
            .caused_by(e)
            .mend(mend)
    };
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(failed(ErrorKind::InvalidInput.into()));
    };
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    let (temp, file) = create_temp(dir, &name.to_string_lossy(), mode).map_err(failed)?;
    let result = like_its_folder(&file, dir)
        .and_then(|()| fill(file, bytes, mode))
        .and_then(|()| std::fs::rename(&temp, path))
        .and_then(|()| sync_dir(dir));
    if result.is_err() {
        // Gone already if only the last step failed.
        let _ = std::fs::remove_file(&temp);
    }
    result.map_err(failed)
}

/// What root writes into the folder of a user (a service before the box's own) belongs to that user.
pub(super) fn like_its_folder(file: &File, dir: &Path) -> std::io::Result<()> {
    let folder = std::fs::metadata(dir)?;
    if file.metadata()?.uid() == folder.uid() {
        return Ok(());
    }
    match fchown(file, Some(folder.uid()), Some(folder.gid())) {
        // A user in the folder of another, with the right to write there: the file stays theirs.
        Err(e) if e.kind() == ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

fn fill(mut file: File, bytes: &[u8], mode: u32) -> std::io::Result<()> {
    // The umask has a say at creation only.
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

pub(super) fn sync_dir(dir: &Path) -> std::io::Result<()> {
    File::open(dir)?.sync_all()
}

/// A new file that nobody else has, for the owner alone until it is filled.
pub(super) fn create_temp(dir: &Path, name: &str, mode: u32) -> std::io::Result<(PathBuf, File)> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // A process that had our number may have left some behind: step over them.
    for _ in 0..64 {
        let n = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!("{TEMP_PREFIX}{name}-{}-{n}", std::process::id()));
        let opened = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode & 0o700)
            .open(&path);
        match opened {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            other => return other.map(|file| (path, file)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// What [`load_wanted`] found.
#[derive(Debug, Clone, PartialEq)]
pub enum LoadedWanted {
    /// There is no file yet; what is wanted then is for the caller to say.
    FirstRun,
    /// What was saved last.
    Loaded(Wanted),
    /// The file was damaged: not live, everything else as configured.
    Broken {
        /// The safe side.
        wanted: Wanted,
        /// One sentence for the log and the people.
        warning: String,
    },
}

#[derive(Serialize)]
struct Saved<'a> {
    version: u32,
    wanted: &'a Wanted,
    #[serde(skip_serializing_if = "Keys::is_empty")]
    keys: Keys<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    wanted: Value,
    #[serde(default)]
    keys: Value,
}

/// Reads what was wanted. A damaged file is moved aside as `wanted.json.broken-N` (the last 5 are kept).
///
/// # Errors
/// When the file is there but the system does not let it be read: then nothing is moved and nothing lost.
pub fn load_wanted(dir: &Path) -> Result<LoadedWanted> {
    let path = dir.join(WANTED);
    match read_bounded(&path) {
        Ok(bytes) => Ok(match parse(&bytes) {
            Ok(wanted) => LoadedWanted::Loaded(wanted),
            Err(why) => broken(dir, &path, &why),
        }),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(LoadedWanted::FirstRun),
        Err(e) if e.kind() == ErrorKind::IsADirectory => Ok(broken(dir, &path, "it is a folder")),
        Err(e) if e.kind() == ErrorKind::FileTooLarge => Ok(broken(dir, &path, "it is too large")),
        Err(e) => Err(unreadable(&path, e)),
    }
}

fn unreadable(path: &Path, e: std::io::Error) -> Error {
    Error::new(io_kind(&e), format!("{} cannot be read", path.display()))
        .caused_by(e)
        .mend(format!(
            "Make it readable for this user (sudo chown \"$USER\" {}).",
            path.display()
        ))
}

fn parse(bytes: &[u8]) -> Result<Wanted, String> {
    let mut stored: Stored = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if stored.version != VERSION {
        return Err(format!(
            "it has version {}, this program knows version {VERSION}",
            stored.version
        ));
    }
    keys::put_back(&mut stored.wanted, stored.keys)?;
    serde_json::from_value(stored.wanted).map_err(|e| e.to_string())
}

/// The safe side, with the damaged file out of the way.
fn broken(dir: &Path, path: &Path, why: &str) -> LoadedWanted {
    let kept = match move_aside(dir, WANTED, KEPT) {
        Ok(aside) => format!("It is kept as {}.", aside.display()),
        Err(e) => format!("It could not be moved aside ({e})."),
    };
    LoadedWanted::Broken {
        wanted: Wanted::new(false),
        warning: format!(
            "The saved settings in {} are damaged ({why}), so the box is not live and follows its configuration. {kept}",
            path.display()
        ),
    }
}

/// Renames the file `name` of the folder to `{name}.broken-N`, and removes the oldest such files beyond `kept`.
pub(super) fn move_aside(dir: &Path, name: &str, kept: usize) -> std::io::Result<PathBuf> {
    let prefix = format!("{name}.broken-");
    let mut numbers: Vec<u64> = std::fs::read_dir(dir)?
        .flatten()
        .filter_map(|e| {
            let name = e.file_name();
            name.to_str()?.strip_prefix(&prefix)?.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    let next = numbers.last().map_or(1, |n| n.saturating_add(1));
    let aside = dir.join(format!("{prefix}{next}"));
    std::fs::rename(dir.join(name), &aside)?;
    let surplus = (numbers.len() + 1).saturating_sub(kept);
    for n in numbers.iter().take(surplus) {
        // One too many does no harm.
        let _ = std::fs::remove_file(dir.join(format!("{prefix}{n}")));
    }
    sync_dir(dir)?;
    Ok(aside)
}

/// Saves what is wanted, atomically, for the owner alone. Stream keys go beside it in the same file.
///
/// # Errors
/// As [`write_atomic`].
pub fn save_wanted(dir: &Path, wanted: &Wanted) -> Result<()> {
    let saved = Saved {
        version: VERSION,
        wanted,
        keys: Keys::of(wanted),
    };
    let mut bytes = serde_json::to_vec_pretty(&saved).map_err(|e| {
        Error::new(Kind::Internal, "The settings cannot be written as JSON").caused_by(e)
    })?;
    bytes.push(b'\n');
    write_atomic(&dir.join(WANTED), &bytes, 0o600)
}

/// The RTSP password of the state folder; made at the first run, then `true` is given beside it. A file that is there is
/// never replaced: people have written its password into their recorders.
///
/// # Errors
/// [`Kind::Permission`] when others can read the file; [`Kind::Corrupt`] when it holds no password.
pub fn rtsp_password(dir: &Path) -> Result<(Secret, bool)> {
    let path = dir.join(RTSP_PASSWORD);
    match std::fs::symlink_metadata(&path) {
        Ok(meta) if !meta.is_file() => Err(no_password(&path, "is not a plain file")),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Err(Error::new(
            Kind::Permission,
            format!(
                "The RTSP password file {} can be read by others.",
                path.display()
            ),
        )
        .mend(format!("Run: chmod 600 {}", path.display()))),
        Ok(_) => Ok((read_password(&path)?, false)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok((make_password(&path)?, true)),
        Err(e) => Err(unreadable(&path, e)),
    }
}

fn read_password(path: &Path) -> Result<Secret> {
    let bytes = read_bounded(path).map_err(|e| unreadable(path, e))?;
    let text = String::from_utf8(bytes).map_err(|_| no_password(path, "is not text"))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if !(8..=128).contains(&password.len()) || !password.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(no_password(
            path,
            "does not hold one line of 8 to 128 printable characters",
        ));
    }
    Ok(Secret::new(password))
}

fn no_password(path: &Path, what: &str) -> Error {
    Error::new(
        Kind::Corrupt,
        format!("The RTSP password file {} {what}.", path.display()),
    )
    .mend("Write a password into it, or delete it to have a new one made.")
}

fn make_password(path: &Path) -> Result<Secret> {
    let password = draw_password(PASSWORD_LENGTH)?;
    write_atomic(path, format!("{password}\n").as_bytes(), 0o600)?;
    Ok(Secret::new(password))
}

/// So many characters of [`ALPHABET`] by the system's random numbers.
pub(super) fn draw_password(length: usize) -> Result<String> {
    let mut password = String::with_capacity(length);
    let mut bytes = [0u8; 64];
    // 31 of 32 draws are a character, so one round is enough but for a chance below 10⁻⁴⁰.
    while password.len() < length {
        rand::rngs::SysRng.try_fill_bytes(&mut bytes).map_err(|e| {
            Error::new(Kind::Internal, "The system gives no random numbers").caused_by(e)
        })?;
        let free = length - password.len();
        let drawn = bytes
            .iter()
            .filter_map(|b| ALPHABET.get(usize::from(b & 31)));
        password.extend(drawn.map(|b| char::from(*b)).take(free));
    }
    Ok(password)
}

/// A text file of the state folder, 256 KiB at most; `None` where there is none.
///
/// # Errors
/// What the system said; [`Kind::Corrupt`] for what is no text or too long.
pub fn read_small(path: &Path) -> Result<Option<String>> {
    let corrupt = || Error::new(Kind::Corrupt, format!("{} is damaged.", path.display()));
    match read_bounded(path) {
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| corrupt()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) if e.kind() == ErrorKind::FileTooLarge => Err(corrupt()),
        Err(e) => Err(unreadable(path, e)),
    }
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path)?
        .take(SIZE_LIMIT + 1)
        .read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|n| n <= SIZE_LIMIT) {
        Ok(bytes)
    } else {
        Err(ErrorKind::FileTooLarge.into())
    }
}
