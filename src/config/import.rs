//! What a person wrote onto the boot partition, taken in: the text that the box keeps, with every secret in it, and the text that
//! stays on the partition, in which a comment stands for each secret. Pure.
//!
//! ```text
//!  boothcast.toml (boot) ──take_in──> kept  (imported.toml of the state folder: secrets in their places)
//!        ▲                      └──> shown (a line `# key: kept by the box, …` for each secret)
//!        └───────────────────────────────┘ put back from `kept` when the person changes the file later
//! ```
//!
//! The line of a secret is the person's handle on it: a new `key = "…"` below replaces the secret, and whoever deletes the line
//! makes the box forget it.

mod lines;
mod setup_text;

use std::sync::Arc;

use super::board::Detected;
use super::document;
use super::load::{Destinations, Sources, Text, compose, read_files, validate};
use super::problems::{Origin, Problem, Problems};
use super::value::Value;
use super::wifi::WifiConfig;
use lines::{Secrets, Spot};
pub use setup_text::{drop_named, setup_toml};

/// The file for people, on the boot partition.
pub const BOOT_FILE: &str = "boothcast.toml";
/// What was taken in of it, in the state folder.
pub const IMPORTED: &str = "imported.toml";
/// What a code or the page said, in the state folder; later than [`IMPORTED`].
pub const SETUP: &str = "setup.toml";

/// A text that was taken in.
#[derive(Clone, PartialEq, Eq)]
pub struct TakenIn {
    /// For the state folder: the person's text with every secret in its place.
    pub kept: String,
    /// For the boot partition: the same text, a comment in the place of each secret.
    pub shown: String,
    /// How many secrets stand in `kept`.
    pub secrets: usize,
}

/// Secrets stand in it.
impl std::fmt::Debug for TakenIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TakenIn")
            .field("secrets", &self.secrets)
            .finish_non_exhaustive()
    }
}

/// Takes in `text` from the boot partition of a box on `board`. `before` is what was kept last, if something was: secrets whose
/// comments still stand in `text` come from there. Comments, order and line ends of the text stay.
///
/// # Errors
/// Every problem of the text, in order; lines count as in `text`. A secret that does not stand on a line of its own is one.
pub fn take_in(text: &str, before: Option<&str>, board: &Detected) -> Result<TakenIn, Problems> {
    let old = before.map(Secrets::of).unwrap_or_default();
    let kept = lines::put_back(text, &old).map_err(|bad| problems(&bad))?;
    validate(&kept, board)?;
    let (shown, secrets) = lines::take_out(&kept).map_err(|bad| problems(&bad))?;
    Ok(TakenIn {
        kept,
        shown,
        secrets,
    })
}

/// Checks what is to be kept together with the layers around it, as the next start will see them: `setup` is the text of
/// [`SETUP`] then.
///
/// # Errors
/// Every problem; those of the kept text are told of [`BOOT_FILE`], whose lines they count.
pub fn check_with(kept: &str, setup: &str, sources: &Sources) -> Result<(), Problems> {
    let (mut texts, mut problems) = (Vec::new(), Problems::default());
    let mut own = String::new();
    for (path, required) in &sources.files {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
        let text = match name {
            IMPORTED => {
                own = path.display().to_string();
                kept
            }
            SETUP => setup,
            _ => {
                let (read, bad) = read_files(&[(path.clone(), *required)]);
                texts.extend(read);
                problems.extend(bad);
                continue;
            }
        };
        texts.push(Text {
            path: path.clone(),
            text: text.to_owned(),
            open: false,
        });
    }
    compose(&texts, problems, sources, Destinations::All)
        .map(|_| ())
        .map_err(|problems| renamed(problems, &own))
}

/// Problems of the file `own`, told of the boot partition's.
fn renamed(problems: Problems, own: &str) -> Problems {
    let mut out = Problems::default();
    for mut problem in problems.into_vec() {
        if problem.file == own {
            BOOT_FILE.clone_into(&mut problem.file);
        }
        problem.message = problem.message.replace(own, BOOT_FILE);
        out.push(problem);
    }
    out
}

/// Whether what was taken in says what the box is: its name, a broker, or a destination. Then nobody else may claim it.
#[must_use]
pub fn claims(text: &str) -> bool {
    let layer = document::read(text, &Arc::from(IMPORTED), None).layer;
    let named = ["box.name", "mqtt.broker"];
    !layer.destinations.is_empty() || named.iter().any(|key| layer.entries.contains_key(key))
}

/// Whether the text says nothing at all: only comments, as the file that the image brings.
#[must_use]
pub fn is_empty(text: &str) -> bool {
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .all(|line| line.is_empty() || line.starts_with('#'))
}

/// The Wi-Fi network that a checked text names.
#[must_use]
pub fn wifi(text: &str) -> Option<WifiConfig> {
    let entries = document::read(text, &Arc::from(IMPORTED), None)
        .layer
        .entries;
    let value = |key: &str| entries.get(key)?.value.as_ref();
    let ssid = match value("wifi.ssid") {
        Some(Value::Text(ssid)) if !ssid.is_empty() => ssid.clone(),
        _ => return None,
    };
    Some(WifiConfig {
        ssid,
        password: match value("wifi.password") {
            Some(Value::Secret(secret)) => Some(secret.clone()),
            _ => None,
        },
        hidden: matches!(value("wifi.hidden"), Some(Value::Bool(true))),
    })
}

fn problems(bad: &[lines::Bad]) -> Problems {
    let mut out = Problems::default();
    for (spot, sentence, mend) in bad {
        out.push(problem(*spot, sentence, mend));
    }
    out
}

fn problem((line, column): Spot, sentence: &str, mend: &str) -> Problem {
    let origin = Origin {
        source: BOOT_FILE.into(),
        place: Some((line, column)),
        label: String::new(),
    };
    origin.sentence(sentence).mend(mend)
}

#[cfg(test)]
#[path = "import/tests.rs"]
mod tests;
