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
