//! What of a text may be seen: cleaned, judged and cut, always in the same way.
//!
//! ```text
//!   text ─> clean (NFKC, no invisible characters) ─> links? ─> words? (folded) ─> cut to max_graphemes ─> picture
//! ```
//!
//! What is drawn is the cleaned text as its author wrote it; folding (`fold`) is for comparing only.

use super::item::MAX_TEXT;
use super::reason::Reason;
use crate::config::ModerationConfig;
use crate::error::Result;

mod clean;
/// Texts as they are compared.
pub mod fold;
mod links;
#[cfg(test)]
mod properties;
mod words;

use clean::cut_chars;
pub use clean::{clean, cut};
pub use links::has_link;
pub use words::{MAX_WORD, MAX_WORDS, Words};

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
    words: Words,
    links: bool,
    max_graphemes: usize,
}

impl Moderator {
    /// Rules of the configuration, and the lines of `words_file`.
    ///
    /// # Errors
    /// `BadConfig` where the list of words cannot be used.
    pub fn new(config: &ModerationConfig, lines: &[String]) -> Result<Self> {
        let words = config
            .words
            .split(',')
            .chain(lines.iter().map(String::as_str));
        Ok(Self {
            words: Words::new(words)?,
            links: config.links,
            max_graphemes: usize::try_from(config.max_graphemes).unwrap_or(100),
        })
    }

    /// Judges what somebody says.
    ///
    /// # Errors
    /// Why it may not be seen.
    pub fn text(&self, text: &str) -> Result<Passed, Reason> {
        self.line(text, self.max_graphemes)
    }

    /// Judges a name or another short text, and cuts it to `most` characters.
    ///
    /// # Errors
    /// Why it may not be seen.
    pub fn short(&self, text: &str, most: usize) -> Result<String, Reason> {
        Ok(cut_chars(&self.line(text, most)?.text, most))
    }

    fn line(&self, text: &str, graphemes: usize) -> Result<Passed, Reason> {
        if text.contains('\0') {
            return Err(Reason::Control);
        }
        if text.chars().nth(MAX_TEXT).is_some() {
            return Err(Reason::TooLong);
        }
        let cleaned = clean(text);
        if cleaned.is_empty() {
            let empty = text.trim().is_empty();
            return Err(if empty {
                Reason::Empty
            } else {
                Reason::Invisible
            });
        }
        if !self.links && has_link(&cleaned) {
            return Err(Reason::Link);
        }
        let folded = fold::fold(&cleaned);
        if self.words.are_in(&cleaned, &folded) {
            return Err(Reason::Word);
        }
        let letters: String = folded.iter().map(|u| u.letter).collect();
        Ok(Passed {
            text: cut(&cleaned, graphemes),
            folded: if letters.is_empty() { cleaned } else { letters },
        })
    }
}
