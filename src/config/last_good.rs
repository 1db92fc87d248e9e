//! A broken layer is set aside: the files of the last good start are kept, and used when those of now are broken.
//!
//! `STATE/last-good/` holds each file as it was, under a name made from its content, and `index.json`, which says what
//! belongs together. The index is replaced last and atomically, so a power cut leaves either the old or the new set.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::load::{Destinations, Loaded, Sources, Text, compose, read_files};
use super::problems::{Origin, Problem, Problems};

const INDEX: &str = "index.json";
/// Bound on what is read back: as many files, and as much of each, as could have been written.
const MAX_FILES: usize = 16;
const MAX_BYTES: u64 = 256 * 1024;

/// What belongs together.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    files: Vec<Kept>,
}

/// One file of the set.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// Where it was read; relative paths in it count from there.
    path: PathBuf,
    /// Its copy in the folder.
    copy: String,
    /// Whether others could read it.
    open: bool,
}

/// Loads the configuration. A good one is remembered in `state_dir`; with `keep_going`, a configuration whose *files*
/// are broken is replaced by the remembered files (environment and flags of now still apply) less the destinations
/// that cannot be used now, and [`Loaded::set_aside`] says why. When the good files cannot be remembered, that is a warning.
///
/// # Errors
/// Every problem of every layer: without `keep_going`, without remembered files, and when the environment or the
/// flags are wrong (they are not set aside, as whoever gave them is there to mend them).
pub fn load_or_last_good(
    sources: &Sources,
    state_dir: &Path,
    keep_going: bool,
) -> Result<Loaded, Problems> {
    let (texts, problems) = read_files(&sources.files);
    match compose(&texts, problems, sources, Destinations::All) {
        Ok(mut loaded) => {
            if let Err(e) = remember(&texts, state_dir) {
                loaded.warnings.push(not_remembered(state_dir, &e));
            }
            Ok(loaded)
        }
        Err(mut problems) if keep_going => {
            let Some(texts) = recall(state_dir) else {
                return Err(problems);
            };
            match compose(&texts, Problems::default(), sources, Destinations::Usable) {
                Ok(mut loaded) => {
                    let files: Vec<_> = sources
                        .files
                        .iter()
                        .map(|(f, _)| f.display().to_string())
                        .collect();
                    problems.extend(loaded.set_aside.take().unwrap_or_default());
                    loaded.set_aside = Some(problems.sorted(&files));
                    Ok(loaded)
                }
                // The problems of now are those that a person can mend.
                Err(_) => Err(problems),
            }
        }
        Err(problems) => Err(problems),
    }
}

fn not_remembered(state_dir: &Path, e: &io::Error) -> Problem {
    let origin = Origin {
        source: state_dir.display().to_string().into(),
        place: None,
        label: String::new(),
    };
    let reason = super::key_file::reason(e);
    origin
        .sentence(format!(
            "The good configuration cannot be kept in this folder: {reason}."
        ))
        .mend("Make the folder writable for the user that runs Boothcast, or set paths.state.")
}

/// Keeps the texts. Nothing is written when the same set is there already: SD cards wear out.
fn remember(texts: &[Text], state_dir: &Path) -> io::Result<()> {
    let folder = state_dir.join("last-good");
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    let files: Vec<Kept> = texts
        .iter()
        .map(|t| Kept {
            path: std::path::absolute(&t.path).unwrap_or_else(|_| t.path.clone()),
            copy: copy_name(&t.text),
            open: t.open,
        })
        .collect();
    for (text, kept) in texts.iter().zip(&files) {
        if read(&folder.join(&kept.copy)).as_deref() != Some(&*text.text) {
            write(&folder, &kept.copy, text.text.as_bytes())?;
        }
    }
    let copies: BTreeSet<String> = files.iter().map(|k| k.copy.clone()).collect();
    let index = serde_json::to_string(&Index { files })?;
    if read(&folder.join(INDEX)).as_deref() != Some(&*index) {
        write(&folder, INDEX, index.as_bytes())?;
    }
    // Old copies may hold old keys.
    for entry in fs::read_dir(&folder)?.take(1000).flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name != INDEX && !copies.contains(&name) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// The kept texts; nothing if there are none or they are damaged.
fn recall(state_dir: &Path) -> Option<Vec<Text>> {
    let folder = state_dir.join("last-good");
    let index: Index = serde_json::from_str(&read(&folder.join(INDEX))?).ok()?;
    if index.files.len() > MAX_FILES {
        return None;
    }
    let text = |kept: Kept| {
        // The name must be one that we gave: no path out of the folder, and the content that it stands for.
        let text = read(&folder.join(&kept.copy)).filter(|t| copy_name(t) == kept.copy)?;
        Some(Text {
            path: kept.path,
            text,
            open: kept.open,
        })
    };
    index.files.into_iter().map(text).collect()
}

/// A name that changes with the content (FNV-1a, 64 bits: the same in every version of this program). Not for
/// security: it tells copies apart and finds damage.
fn copy_name(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}.toml")
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Temporary file, fsync, rename, fsync of the folder; mode 0600, as keys may be in it.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = folder.join(format!(".{name}.new"));
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, folder.join(name))?;
    File::open(folder)?.sync_all()
}
