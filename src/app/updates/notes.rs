//! What the daemon itself notes of updates in the state folder, so that it outlives a start: how often it was started
//! since the board was, why a version was taken back, whom it told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::device::update::Starts;
use crate::store::files;

/// Longer than this is none of these files.
const MAX_FILE: u64 = 4096;

/// The notes.
#[derive(Debug, Clone)]
pub struct Notes {
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Started {
    boot: String,
    count: u32,
    /// Seconds since the machine was started.
    first_s: u64,
}

#[derive(Serialize, Deserialize)]
struct Reason {
    version: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct Told {
    id: String,
}

impl Notes {
    /// In this folder.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// Counts a start in the boot `boot` of the machine; `None`: the machine does not say how long it has been up.
    #[must_use]
    pub fn started(&self, boot: &str) -> Option<Starts> {
        let up = uptime()?;
        let before: Option<Started> = self.read("update-starts");
        let before = before.filter(|b| b.boot == boot && !boot.is_empty());
        let now = Started {
            boot: boot.to_owned(),
            count: before.as_ref().map_or(1, |b| b.count.saturating_add(1)),
            first_s: before.as_ref().map_or(up, |b| b.first_s.min(up)),
        };
        self.write("update-starts", &now);
        Some(Starts {
            count: now.count,
            first_ago: Duration::from_secs(up - now.first_s),
        })
    }

    /// Keeps why a version is taken back.
    pub fn keep_reason(&self, version: &str, reason: &str) {
        let reason = Reason {
            version: version.to_owned(),
            reason: reason.to_owned(),
        };
        self.write("update-reason", &reason);
    }

    /// Why this version was taken back, if the daemon did it.
    #[must_use]
    pub fn reason_of(&self, version: &str) -> Option<String> {
        let kept: Reason = self.read("update-reason")?;
        (kept.version == version).then_some(kept.reason)
    }

    /// Nothing was taken back.
    pub fn forget_reason(&self) {
        let _ = std::fs::remove_file(self.dir.join("update-reason"));
    }

    /// Whether nobody was told of the trial `id` yet; they are now.
    #[must_use]
    pub fn told(&self, id: &str) -> bool {
        let before: Option<Told> = self.read("update-told");
        if before.is_some_and(|b| b.id == id) {
            return false;
        }
        self.write("update-told", &Told { id: id.to_owned() });
        true
    }

    /// Tells the script before the installation that a version that is not newer is meant.
    pub fn allow_downgrade(&self, yes: bool) {
        let file = self.dir.join("update-downgrade");
        let done = if yes {
            files::write_atomic(&file, b"1\n", 0o600).map_err(|e| e.report())
        } else {
            match std::fs::remove_file(&file) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e.to_string()),
                _ => Ok(()),
            }
        };
        if let Err(e) = done {
            tracing::warn!("{e}");
        }
    }

    fn read<T: for<'a> Deserialize<'a>>(&self, name: &str) -> Option<T> {
        let path = self.dir.join(name);
        let small = std::fs::metadata(&path).ok()?.len() <= MAX_FILE;
        let text = small.then(|| std::fs::read(path).ok())??;
        serde_json::from_slice(&text).ok()
    }

    fn write(&self, name: &str, value: &impl Serialize) {
        let text = serde_json::to_vec(value).unwrap_or_default();
        if let Err(e) = files::write_atomic(&self.dir.join(name), &text, 0o600) {
            tracing::warn!("{}", e.report());
        }
    }
}

/// Whole seconds since the machine was started.
fn uptime() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let (seconds, _) = text.split_once('.')?;
    seconds.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_counted_within_one_boot() {
        let dir = tempfile::tempdir().unwrap();
        let notes = Notes::new(dir.path());
        assert_eq!(notes.started("boot-1").unwrap().count, 1);
        assert_eq!(notes.started("boot-1").unwrap().count, 2);
        let again = Notes::new(dir.path()).started("boot-1").unwrap();
        assert_eq!(again.count, 3);
        assert_eq!(notes.started("boot-2").unwrap().count, 1);
        std::fs::write(dir.path().join("update-starts"), "rubbish").unwrap();
        assert_eq!(notes.started("boot-2").unwrap().count, 1);
    }

    #[test]
    fn a_reason_is_kept_for_its_version_and_a_trial_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let notes = Notes::new(dir.path());
        notes.keep_reason("1.2.0", "no frames");
        assert_eq!(notes.reason_of("1.2.0").as_deref(), Some("no frames"));
        assert_eq!(notes.reason_of("1.3.0"), None);
        notes.forget_reason();
        assert_eq!(notes.reason_of("1.2.0"), None);
        assert!(notes.told("7"));
        assert!(!notes.told("7"));
        assert!(notes.told("8"));
    }
}
