//! `setup.toml` in the state folder: what a code or the page said of name, fleet, broker and id, for the next start.

use std::path::Path;

use super::files::{read_small, write_atomic};
use crate::config::code::BoxCode;
use crate::config::import::{self, SETUP};
use crate::error::Result;

/// Keeps what the code says for the next start, atomically, for the owner alone; what it does not name stays as it was.
///
/// # Errors
/// [`Kind::BadConfig`](crate::error::Kind::BadConfig) with one sentence where the code holds no valid setting; otherwise as
/// [`write_atomic`].
pub fn save(state_dir: &Path, code: &BoxCode) -> Result<()> {
    let path = state_dir.join(SETUP);
    // A damaged one says nothing; it is replaced.
    let old = read_small(&path).ok().flatten().unwrap_or_default();
    let text = import::setup_toml(code, &old)?;
    write_atomic(&path, text.as_bytes(), 0o600)
}

/// Whether the file that was taken in from the boot partition says what this box is: then nobody else may claim it.
#[must_use]
pub fn is_claimed_by_file(state_dir: &Path) -> bool {
    let text = read_small(&state_dir.join(import::IMPORTED));
    text.ok()
        .flatten()
        .is_some_and(|text| import::claims(&text))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, chown};

    use crate::store::{files, folder, versions};

    /// Services of root write into the folder of the box's user before the box starts: all of it must be the box's.
    #[test]
    fn what_root_writes_belongs_to_the_owner_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        // Only root can give away a folder; for others it is their own.
        let own = std::fs::metadata(dir.path()).unwrap().uid();
        let owner = if own == 0 { 54_321 } else { own };
        chown(dir.path(), Some(owner), None).unwrap();
        drop(folder::lock_dir(dir.path()).unwrap());
        files::write_atomic(&dir.path().join("a"), b"a", 0o600).unwrap();
        versions::settle(dir.path(), "1.0").unwrap();
        versions::settle(dir.path(), "1.1").unwrap();
        for path in [
            "lock",
            "a",
            "version.json",
            "before",
            "before/1.0",
            "before/1.0/a",
        ] {
            let meta = std::fs::metadata(dir.path().join(path)).unwrap();
            assert_eq!(meta.uid(), owner, "{path}");
        }
    }
}
