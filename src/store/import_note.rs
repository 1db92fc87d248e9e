//! `import.json` in the state folder: how far the file of the boot partition was taken in, and what is wrong with it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::{read_small, write_atomic};
use crate::error::{Error, Kind, Result};

/// Name of the file.
const FILE: &str = "import.json";

/// The note.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportNote {
    /// SHA-256 of the file as it was left on the boot partition, lower-case hex: one that is still the same says nothing new.
    #[serde(default)]
    pub seen: String,
    /// One sentence, if the file that lies there now could not be taken in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

impl ImportNote {
    /// What was noted; nothing where it is missing or damaged, as taking in the same file twice does no harm.
    #[must_use]
    pub fn load(state_dir: &Path) -> Self {
        let text = read_small(&state_dir.join(FILE)).ok().flatten();
        text.and_then(|t| serde_json::from_str(&t).ok())
            .unwrap_or_default()
    }

    /// Keeps it, if it is not what is there.
    ///
    /// # Errors
    /// As [`write_atomic`].
    pub fn save(&self, state_dir: &Path) -> Result<()> {
        if Self::load(state_dir) == *self {
            return Ok(());
        }
        let text = serde_json::to_string(self)
            .map_err(|e| Error::new(Kind::Internal, "The note cannot be written").caused_by(e))?;
        write_atomic(&state_dir.join(FILE), text.as_bytes(), 0o600)
    }

    /// Whether this text was seen.
    #[must_use]
    pub fn has_seen(&self, text: &str) -> bool {
        self.seen == hash(text)
    }

    /// The note of a text that was taken in.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self {
            seen: hash(text),
            problem: None,
        }
    }
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|b| format!("{b:02x}")).collect()
}
