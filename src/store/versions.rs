//! Which version of the program wrote the state folder, and the way back. A newer program keeps a copy of what it found before it
//! changes anything; an older one, which a roll-back of the slot has brought back, takes its own copy back and sets aside what the
//! newer one made of it.
//!
//! ```text
//!  state/version.json      who wrote what is here, and what is being done about it
//!  state/before/VERSION/   what that version left behind when a newer one came (the last two)
//!  state/after/VERSION/    what a newer version made of it, set aside when an older one came back (the last one)
//!
//!  newer comes:  copy ──> before/OLD ──> version.json = NEW                     then it may migrate
//!  older comes:  version.json: aside ──> moved to after/NEW ──> version.json: back ──> copied from before/OLD ──> = OLD
//! ```
//!
//! A power cut anywhere leaves a folder from which the next start, of whichever version, goes on.

mod number;

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault;
use super::files::{TEMP_PREFIX, read_small, sync_dir, write_atomic};
use super::folder::LOCK;
use super::forget;
use crate::error::{Error, Kind, Result, io_kind};
use number::Number;

/// Who wrote the folder.
const FILE: &str = "version.json";
const BEFORE: &str = "before";
const AFTER: &str = "after";
/// Copies that are kept.
const KEPT: usize = 2;
/// Longest version.
const LONGEST: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Written {
    /// Version of the program that wrote what is here.
    program: String,
    /// An older program is at taking back its copy: its version, and how far it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    returning: Option<Returning>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Returning {
    /// To which version.
    to: String,
    /// What the newer version made is set aside; else that is still being done.
    aside: bool,
}

/// Settles the folder for a program of `version`, before anything in it is read; nobody else may write there meanwhile. Answers with a
/// sentence for people where an older state was taken back.
///
/// # Errors
/// What the system said. The program can go on with the folder as it is then.
pub fn settle(dir: &Path, version: &str) -> Result<Option<String>> {
    let own = named(version).ok_or_else(|| {
        let said = "The version of this program is no name for a folder.";
        Error::new(Kind::Internal, said)
    })?;
    let io = |e: std::io::Error| {
        let said = format!("The versions of {} cannot be kept", dir.display());
        let mend = "Make room on the disk, or check its permissions.";
        Error::new(io_kind(&e), said).caused_by(e).mend(mend)
    };
    let written = read(dir)?;
    let Some(written) = written else {
        // New, or from before versions were kept.
        return write(dir, own, None).map(|()| None);
    };
    if let Some(returning) = &written.returning {
        // A power cut fell into it. Whoever comes now, it is ended first.
        let done = go_back(dir, &written.program, returning).map_err(io)?;
        return match Number::of(own) > Number::of(&returning.to) {
            true => settle(dir, own),
            false => Ok(Some(done)),
        };
    }
    if written.program == own {
        return Ok(None);
    }
    if Number::of(own) > Number::of(&written.program) {
        keep_copy(dir, &written.program).map_err(io)?;
        return write(dir, own, None).map(|()| None);
    }
    let Some(to) = best_copy(dir, own) else {
        tracing::warn!(newer = %written.program, "there is no copy of the settings from before this newer version");
        return write(dir, own, None).map(|()| None);
    };
    let returning = Returning { to, aside: false };
    write(dir, &written.program, Some(&returning))?;
    let done = go_back(dir, &written.program, &returning).map_err(io)?;
    write(dir, own, None)?;
    Ok(Some(done))
}

fn read(dir: &Path) -> Result<Option<Written>> {
    let text = match read_small(&dir.join(FILE)) {
        Err(e) if e.kind() == Kind::Corrupt => None,
        other => other?,
    };
    let written = text.and_then(|t| serde_json::from_str::<Written>(&t).ok());
    // Names of folders are made of them: a damaged file must not lead elsewhere.
    let sound = |w: &Written| {
        let to = w.returning.as_ref().map_or("0", |r| &r.to);
        named(&w.program).is_some() && named(to).is_some()
    };
    Ok(written.filter(sound))
}

fn write(dir: &Path, program: &str, returning: Option<&Returning>) -> Result<()> {
    let cut = |e| Error::new(Kind::Internal, "Cut off").caused_by(e);
    fault::step().map_err(cut)?;
    let written = Written {
        program: program.to_owned(),
        returning: returning.cloned(),
    };
    let text = serde_json::to_string(&written)
        .map_err(|e| Error::new(Kind::Internal, "The version cannot be written").caused_by(e))?;
    write_atomic(&dir.join(FILE), text.as_bytes(), 0o600)
}

/// A version that can be the name of a folder.
fn named(version: &str) -> Option<&str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".+~-_".contains(&b);
    let fits = (1..=LONGEST).contains(&version.len()) && version.bytes().all(plain);
    (fits && !version.starts_with('.')).then_some(version)
}

/// Whether it is a part of the state: not what is made anew at each start, and not what stands beside all versions.
fn is_state(name: &str) -> bool {
    let beside = [FILE, BEFORE, AFTER, LOCK, forget::MARKER];
    !beside.contains(&name) && !name.starts_with(TEMP_PREFIX) && !name.contains(".broken-")
}

/// Files and folders of the state.
fn parts(dir: &Path) -> std::io::Result<Vec<(String, bool)>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        if let Some(name) = name.to_str()
            && is_state(name)
            && (kind.is_file() || kind.is_dir())
        {
            out.push((name.to_owned(), kind.is_dir()));
        }
    }
    out.sort();
    Ok(out)
}

/// Keeps what is here as `before/VERSION`, whole or not at all.
fn keep_copy(dir: &Path, version: &str) -> std::io::Result<()> {
    let before = dir.join(BEFORE);
    make(&before)?;
    let unfinished = before.join(".new");
    remove(&unfinished)?;
    make(&unfinished)?;
    for (name, is_dir) in parts(dir)? {
        copy(&dir.join(&name), &unfinished.join(&name), is_dir)?;
    }
    sync_dir(&unfinished)?;
    fault::step()?;
    let place = before.join(version);
    remove(&place)?;
    fault::step()?;
    fs::rename(&unfinished, &place)?;
    sync_dir(&before)?;
    keep_newest(&before, KEPT)
}

/// The copy of this version; else of the newest that is not newer.
fn best_copy(dir: &Path, own: &str) -> Option<String> {
    let copies = copies(&dir.join(BEFORE)).unwrap_or_default();
    copies
        .into_iter()
        .rev()
        .find(|v| Number::of(v) <= Number::of(own))
}

/// Copies in a folder, the oldest version first.
fn copies(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut out: Vec<String> = fs::read_dir(folder)?
        .flatten()
        .filter_map(|e| e.file_name().into_string().ok())
        .filter(|name| named(name).is_some())
        .collect();
    out.sort_by_key(|v| Number::of(v));
    Ok(out)
}

/// Where a file of the state lies in the copies that are kept.
pub(super) fn copies_of(dir: &Path, name: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for folder in [BEFORE, AFTER] {
        for entry in fs::read_dir(dir.join(folder))
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = entry.path().join(name);
            if path.is_file() {
                out.push(path);
            }
        }
    }
    out
}

fn keep_newest(folder: &Path, kept: usize) -> std::io::Result<()> {
    let copies = copies(folder)?;
    let surplus = copies.len().saturating_sub(kept);
    for version in copies.iter().take(surplus) {
        remove(&folder.join(version))?;
    }
    Ok(())
}

/// Sets aside what `newer` made and copies back what was kept of the older version; answers with the sentence for people.
fn go_back(dir: &Path, newer: &str, returning: &Returning) -> std::io::Result<String> {
    let copy_of = dir.join(BEFORE).join(&returning.to);
    if !returning.aside {
        set_aside(dir, newer)?;
        let next = Returning {
            aside: true,
            ..returning.clone()
        };
        write(dir, newer, Some(&next)).map_err(std::io::Error::other)?;
    }
    for (name, is_dir) in parts(&copy_of)? {
        // A power cut may have left half of a folder.
        if is_dir {
            remove(&dir.join(&name))?;
        }
        copy(&copy_of.join(&name), &dir.join(&name), is_dir)?;
    }
    sync_dir(dir)?;
    write(dir, &returning.to, None).map_err(std::io::Error::other)?;
    Ok(format!(
        "The settings of version {newer} are set aside, as this is an older one; those of version {} are back.",
        returning.to
    ))
}

/// Moves what is here to `after/VERSION`. After a power cut, what was moved is there already.
fn set_aside(dir: &Path, newer: &str) -> std::io::Result<()> {
    let after = dir.join(AFTER);
    let place = after.join(newer);
    make(&place)?;
    for old in copies(&after)?.iter().filter(|v| *v != newer) {
        remove(&after.join(old))?;
    }
    for (name, _) in parts(dir)? {
        fault::step()?;
        remove(&place.join(&name))?;
        fs::rename(dir.join(&name), place.join(&name))?;
    }
    sync_dir(&place)?;
    sync_dir(dir)
}

fn make(folder: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    if let Some(parent) = folder.parent() {
        super::files::like_its_folder(&fs::File::open(folder)?, parent)?;
    }
    Ok(())
}

/// Removes a file or folder of ours, if it is there. There are keys in them.
fn remove(path: &Path) -> std::io::Result<()> {
    let Ok(meta) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if meta.is_dir() {
        forget::empty(path).map_err(std::io::Error::other)?;
        fs::remove_dir(path)
    } else {
        fs::remove_file(path)
    }
}

/// Copies a file, or a folder and the files in it, for the owner alone; each file is there whole or not at all.
fn copy(from: &Path, to: &Path, is_dir: bool) -> std::io::Result<()> {
    if !is_dir {
        return copy_file(from, to);
    }
    make(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            copy_file(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    sync_dir(to)
}

fn copy_file(from: &Path, to: &Path) -> std::io::Result<()> {
    fault::step()?;
    let (Some(folder), Some(name)) = (to.parent(), to.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let unfinished: PathBuf = folder.join(format!("{TEMP_PREFIX}{}", name.to_string_lossy()));
    // Rights are copied too; the database can be as large as it is.
    fs::copy(from, &unfinished)?;
    let file = fs::File::open(&unfinished)?;
    super::files::like_its_folder(&file, folder)?;
    file.sync_all()?;
    fs::rename(&unfinished, to)
}

#[cfg(test)]
#[path = "versions_tests.rs"]
mod tests;
