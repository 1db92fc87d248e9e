//! What of a text may be seen: cleaned, judged and cut, always in the same way.
//!
//! ```text
//!   text ─> clean (NFKC, no invisible characters) ─> links? ─> words? (folded) ─> cut to max_graphemes ─> picture
//! ```
//!
//! What is drawn is the cleaned text as its author wrote it; folding (`fold`) is for comparing only.

use super::item::{MAX_TEXT, MAX_WHO};
use super::reason::Reason;
use crate::config::ModerationConfig;
use crate::error::Result;

mod clean;

pub use clean::{clean, cut};

/// A text that may be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// As it is drawn.
    pub text: String,
    /// As it is compared with others.
    pub folded: String,
}

/// Judges texts by the owner's rules.
#[derive(Debug)]
pub struct Moderator {
    words: Vec<String>,
    links: bool,
    max_graphemes: usize,
}

impl Moderator {
    /// Rules of the configuration, and the words of the list beside it.
    ///
    /// # Errors
    /// `BadConfig` where the list is too long or has an entry without a letter.
    pub fn new(config: &ModerationConfig, words: &[String]) -> Result<Self> {
        let own = config.words.split(',').map(str::to_owned);
        let all = own.chain(words.iter().cloned());
        Ok(Self {
            words: all
                .map(|w| w.trim().to_lowercase())
                .filter(|w| !w.is_empty())
                .collect(),
            links: config.links,
            max_graphemes: usize::try_from(config.max_graphemes).unwrap_or(100),
        })
    }

    /// Judges what somebody says.
    ///
    /// # Errors
    /// Why it may not be seen.
    pub fn text(&self, text: &str) -> Result<Passed, Reason> {
        self.line(text, MAX_TEXT, self.max_graphemes)
    }

    /// Judges a name.
    ///
    /// # Errors
    /// Why it may not be seen.
    pub fn name(&self, name: &str) -> Result<Passed, Reason> {
        self.line(name, MAX_TEXT, MAX_WHO)
    }

    fn line(&self, text: &str, most: usize, graphemes: usize) -> Result<Passed, Reason> {
        if text.contains('\0') {
            return Err(Reason::Control);
        }
        if text.chars().nth(most).is_some() {
            return Err(Reason::TooLong);
        }
        let cleaned = clean(text);
        if cleaned.is_empty() {
            return Err(if text.trim().is_empty() {
                Reason::Empty
            } else {
                Reason::Invisible
            });
        }
        if !self.links && cleaned.contains("://") {
            return Err(Reason::Link);
        }
        let folded = cleaned.to_lowercase();
        if self.words.iter().any(|w| folded.contains(w.as_str())) {
            return Err(Reason::Word);
        }
        Ok(Passed {
            text: cut(&cleaned, graphemes),
            folded,
        })
    }
}
