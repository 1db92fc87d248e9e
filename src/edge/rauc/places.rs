//! The small files that outlive a start: which version this is, which one is on trial, why one was taken back. Written by
//! the scripts of the image (`image-build/rauc/`), which run as root; read here.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::device::update::Slot;

/// Longer than this is none of these files.
const MAX_FILE: u64 = 4096;

/// Where the files are.
#[derive(Debug, Clone)]
pub struct Places {
    /// `VERSION=`, `BOARD=`, `BUILD=`.
    pub release: PathBuf,
    /// Folder of `trial`, `trial-ended`, `slot-A` and `slot-B`.
    pub persist: PathBuf,
    /// The script's refusal of a bundle.
    pub refused: PathBuf,
    /// There where the data partition could not be mounted.
    pub no_data: PathBuf,
}

impl Default for Places {
    /// As in the image.
    fn default() -> Self {
        Self {
            release: "/etc/boothcast-release".into(),
            persist: "/data/persist".into(),
            refused: "/run/boothcast-refused".into(),
            no_data: "/run/boothcast-no-data".into(),
        }
    }
}

/// A version that was on trial, or is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialFile {
    /// Differs from that of every other installation.
    pub id: String,
    /// The slot that was written.
    pub slot: Slot,
    /// Its version.
    pub version: String,
    /// `installing` until everything was written, then `installed`.
    pub state: String,
    /// The boot in which it was installed.
    pub boot: String,
    /// Why it was taken back, one clause.
    pub reason: Option<String>,
}

impl Places {
    /// The version that runs: as the image says, else that of this program.
    #[must_use]
    pub fn version(&self) -> String {
        value(&self.release, "VERSION").unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned())
    }

    /// The version that ran well in a slot; `None`: none did since it was written.
    #[must_use]
    pub fn ran_well(&self, slot: Slot) -> Option<String> {
        value(&self.persist.join(format!("slot-{slot:?}")), "VERSION")
    }

    /// What is installed and not yet kept.
    #[must_use]
    pub fn trial(&self) -> Option<TrialFile> {
        trial(&self.persist.join("trial"))
    }

    /// Whether `slot` is the one that was written last. Without a data partition nobody knows, so it is taken for it: a
    /// version that loses the data partition is not kept.
    #[must_use]
    pub fn may_be_on_trial(&self, slot: Slot) -> bool {
        let known = self.persist.is_dir() && !self.no_data.exists();
        !known || self.trial().is_some_and(|t| t.slot == slot)
    }

    /// Why the script before an installation refused the bundle: a sentence.
    #[must_use]
    pub fn refused(&self) -> Option<String> {
        read(&self.refused)
            .map(|t| t.trim().to_owned())
            .filter(|t| !t.is_empty())
    }

    /// What was on trial and was taken back.
    #[must_use]
    pub fn ended(&self) -> Option<TrialFile> {
        trial(&self.persist.join("trial-ended"))
    }
}

/// A letter as in `rauc.slot=A`.
#[must_use]
pub fn slot(name: &str) -> Option<Slot> {
    match name {
        "A" => Some(Slot::A),
        "B" => Some(Slot::B),
        _ => None,
    }
}

fn trial(path: &Path) -> Option<TrialFile> {
    let text = read(path)?;
    let get = |key| get(&text, key);
    Some(TrialFile {
        id: get("ID")?,
        slot: slot(&get("SLOT")?)?,
        version: get("VERSION")?,
        state: get("STATE").unwrap_or_default(),
        boot: get("BOOT").unwrap_or_default(),
        reason: get("REASON"),
    })
}

fn value(path: &Path, key: &str) -> Option<String> {
    get(&read(path)?, key)
}

/// The last value of `key` in lines of `KEY=VALUE`, without quotes.
fn get(text: &str, key: &str) -> Option<String> {
    let mut lines = text.lines().rev();
    let value = lines.find_map(|l| l.strip_prefix(key)?.strip_prefix('='))?;
    let value = value.trim().trim_matches('"');
    (!value.is_empty()).then(|| value.to_owned())
}

fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(MAX_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The id of this boot of the machine.
#[must_use]
pub fn boot_id() -> String {
    let text = read(Path::new("/proc/sys/kernel/random/boot_id")).unwrap_or_default();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_scripts_wrote_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places {
            release: dir.path().join("release"),
            persist: dir.path().to_owned(),
            refused: dir.path().join("refused"),
            no_data: dir.path().join("no-data"),
        };
        assert_eq!(places.version(), env!("CARGO_PKG_VERSION"));
        assert_eq!(places.trial(), None);
        let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        write("release", "VERSION=\"1.2.0\"\nBOARD=rpi4\n");
        write("slot-A", "VERSION=1.2.0\n");
        write(
            "trial-ended",
            "ID=7\nSLOT=B\nVERSION=1.3.0\nSTATE=installed\nBOOT=x\nREASON=it did not start\n",
        );
        assert_eq!(places.version(), "1.2.0");
        assert_eq!(places.ran_well(Slot::A).as_deref(), Some("1.2.0"));
        assert_eq!(places.ran_well(Slot::B), None);
        let ended = places.ended().unwrap();
        assert_eq!((ended.slot, ended.version.as_str()), (Slot::B, "1.3.0"));
        assert_eq!(ended.reason.as_deref(), Some("it did not start"));
        assert!(!places.may_be_on_trial(Slot::A));
        write("trial", "ID=7\nSLOT=A\nVERSION=1.3.0\n");
        assert!(places.may_be_on_trial(Slot::A));
        assert!(!places.may_be_on_trial(Slot::B));
        write("no-data", "");
        assert!(places.may_be_on_trial(Slot::B));
        write("trial", "SLOT=C\nVERSION=1\nID=1\n");
        assert_eq!(places.trial(), None);
        assert!(!boot_id().is_empty());
    }
}
