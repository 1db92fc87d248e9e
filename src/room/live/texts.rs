//! Texts as they may be seen: cleaned and judged by the owner's list of words and the room's own.

use std::sync::OnceLock;

use unicode_segmentation::UnicodeSegmentation;

use super::act::{Refusal, Why};
use super::state::LiveSettings;
use crate::config::ModerationConfig;
use crate::error::Result;
use crate::room::moderation::{Moderator, clean, cut};
use crate::room::reason::Reason;

/// Longest name, graphemes.
pub(super) const MAX_NAME: usize = 24;
/// Longest name, characters: emoji consist of several.
const MAX_NAME_CHARS: usize = 96;
/// Entries of the room's own list of words.
pub(super) const MAX_WORDS: usize = 2_000;
/// Longest address of a product.
const MAX_URL: usize = 500;

/// Cleans and judges.
#[derive(Debug)]
pub(super) struct Texts {
    settings: LiveSettings,
    words: Vec<String>,
    /// Made when it is needed first: a replay of many lists makes the last one only.
    made: OnceLock<Option<Both>>,
}

#[derive(Debug)]
struct Both {
    audience: Moderator,
    staff: Moderator,
}

impl Both {
    fn new(settings: &LiveSettings, words: &[String]) -> Result<Self> {
        let lines: Vec<String> = settings.words.iter().chain(words).cloned().collect();
        let staff = ModerationConfig {
            links: true,
            ..settings.moderation.clone()
        };
        Ok(Self {
            audience: Moderator::new(&settings.moderation, &lines)?,
            staff: Moderator::new(&staff, &lines)?,
        })
    }
}

impl Texts {
    pub(super) fn new(settings: LiveSettings) -> Result<Self> {
        Both::new(&settings, &[])?;
        Ok(Self {
            settings,
            words: Vec::new(),
            made: OnceLock::new(),
        })
    }

    pub(super) fn settings(&self) -> &LiveSettings {
        &self.settings
    }

    pub(super) fn words(&self) -> &[String] {
        &self.words
    }

    pub(super) fn set_words(&mut self, words: &[String]) {
        words.clone_into(&mut self.words);
        self.made = OnceLock::new();
    }

    /// A list as it may be used.
    pub(super) fn check_words(&self, words: &[String]) -> Result<Vec<String>, Refusal> {
        if words.len() > MAX_WORDS {
            return Err(bad(format!("At most {MAX_WORDS} words.")));
        }
        let kept = words.iter().map(|word| word.trim().to_owned());
        let kept: Vec<String> = kept.filter(|word| !word.is_empty()).collect();
        Both::new(&self.settings, &kept).map_err(|e| bad(e.message().to_owned()))?;
        Ok(kept)
    }

    fn both(&self) -> Option<&Both> {
        let make = || {
            // A list of an older program that cannot be used is left out rather than nothing being judged.
            Both::new(&self.settings, &self.words)
                .or_else(|_| Both::new(&self.settings, &[]))
                .ok()
        };
        self.made.get_or_init(make).as_ref()
    }

    /// A text of the audience, of at most `most` characters.
    pub(super) fn audience(&self, text: &str, most: usize) -> Result<String, Refusal> {
        judge(self.both().map(|both| &both.audience), text, most)
    }

    /// A text of the staff: links are theirs to show.
    pub(super) fn staff(&self, text: &str, most: usize) -> Result<String, Refusal> {
        judge(self.both().map(|both| &both.staff), text, most)
    }

    /// A name of 1 to 24 characters as people count them.
    pub(super) fn name(&self, name: &str) -> Result<String, Refusal> {
        let long = || bad(format!("A name has 1 to {MAX_NAME} characters."));
        if name.chars().nth(500).is_some() {
            return Err(long());
        }
        let cleaned = clean(name);
        if cleaned.is_empty()
            || cleaned.graphemes(true).count() > MAX_NAME
            || cleaned.chars().count() > MAX_NAME_CHARS
        {
            return Err(long());
        }
        self.audience(&cleaned, MAX_NAME_CHARS)
    }

    /// A name of a bridge or a shop: cut rather than refused; what may not be shown is `?`.
    pub(super) fn foreign_name(&self, name: &str) -> String {
        let short: String = name.chars().take(200).collect();
        match self.audience(&short, 200) {
            Ok(name) => cut(&name, MAX_NAME),
            Err(_) => "?".into(),
        }
    }
}

fn judge(moderator: Option<&Moderator>, text: &str, most: usize) -> Result<String, Refusal> {
    let moderator = moderator.ok_or_else(|| bad("There is no list of words."))?;
    let too_long = || bad(format!("The text has more than {most} characters."));
    if text.chars().nth(2_000).is_some() {
        return Err(too_long());
    }
    let cleaned = clean(text);
    if text.chars().nth(most).is_some() && cleaned.chars().nth(most - 1).is_some() {
        return Err(too_long());
    }
    let checked = if text.contains('\0') { text } else { &cleaned };
    moderator.short(checked, most).map_err(refused)
}

fn refused(reason: Reason) -> Refusal {
    let code = match reason {
        Reason::Empty | Reason::Invisible | Reason::TooLong | Reason::Control => Why::BadRequest,
        _ => Why::Refused,
    };
    Refusal::new(code, reason.sentence()).because(reason.code())
}

/// A field is wrong.
pub(super) fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(Why::BadRequest, message)
}

/// There is no such thing.
pub(super) fn unknown(what: &str, number: u64) -> Refusal {
    Refusal::new(Why::NotFound, format!("There is no {what} {number}."))
}

/// A word of somebody's program: bounded, without control characters.
pub(super) fn word(word: &str, most: usize) -> Result<String, Refusal> {
    if word.chars().nth(most).is_some() || word.chars().any(char::is_control) {
        return Err(bad(format!("A word has at most {most} characters.")));
    }
    Ok(word.to_owned())
}

/// An address that a browser may be led to.
pub(super) fn url(url: &str) -> Result<String, Refusal> {
    let url = url.trim();
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let rest = if lower.starts_with("https://") {
        url.get(8..)
    } else if lower.starts_with("http://") {
        url.get(7..)
    } else {
        None
    };
    let odd = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | '"' | '\\' | '`' | '{' | '}')
    };
    let fits = rest.is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with(['/', '?', '#']) && !url.contains(odd)
    });
    if !fits || url.chars().nth(MAX_URL).is_some() {
        return Err(bad(format!(
            "An address begins with https:// or http:// and has at most {MAX_URL} characters."
        )));
    }
    Ok(url.to_owned())
}
