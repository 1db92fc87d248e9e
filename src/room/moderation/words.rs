//! The owner's list of words: one Aho-Corasick automaton over folded text, and a look at each find.
//!
//! | entry | refuses |
//! |---|---|
//! | `word` | the word by itself, however it is disguised; in scripts without spaces (Chinese, Japanese, Thai …) wherever it stands |
//! | `word*`, `*word`, `*word*` | also with something behind, before, or around it |
//! | `two words` | both together, with or without a space between |
//! | `!innocent` | nothing: what stands inside of it is allowed |
//! | `🍆` | the sign, wherever it stands |

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::clean::clean;
use super::fold::{Class, Gap, Unit, fold, is_hangul_vowel};
use crate::error::{Error, Kind, Result};

/// Entries that a list may have.
pub const MAX_WORDS: usize = 20_000;
/// Longest entry, in characters.
pub const MAX_WORD: usize = 64;

#[derive(Debug)]
struct Word {
    units: Vec<Unit>,
    /// Something may stand before it.
    open_start: bool,
    /// Something may stand behind it.
    open_end: bool,
    /// It allows rather than refuses.
    allows: bool,
}

/// The list, ready to be searched for.
#[derive(Debug)]
pub struct Words {
    words: Vec<Word>,
    search: Option<AhoCorasick>,
    /// Signs that are no letters, searched for as they are.
    signs: Vec<String>,
}

impl Words {
    /// Takes entries; empty ones and those that begin with `#` are remarks.
    ///
    /// # Errors
    /// `BadConfig` where there are more than [`MAX_WORDS`], one is longer than [`MAX_WORD`], or nothing is left of one.
    pub fn new<'a>(entries: impl Iterator<Item = &'a str>) -> Result<Self> {
        let (mut words, mut signs) = (Vec::new(), Vec::new());
        for entry in entries {
            let entry = entry.trim();
            if entry.is_empty() || entry.starts_with('#') {
                continue;
            }
            match Word::new(entry)? {
                Ok(word) => words.push(word),
                Err(sign) => signs.push(sign),
            }
            if words.len() + signs.len() > MAX_WORDS {
                return Err(bad(format!(
                    "The list of words has more than {MAX_WORDS} entries."
                )));
            }
        }
        let texts = words
            .iter()
            .map(|w| w.units.iter().map(|u| u.letter).collect::<String>());
        let search = (!words.is_empty()).then(|| {
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(texts)
        });
        let search = search
            .transpose()
            .map_err(|e| bad("The list of words is too large.").caused_by(e))?;
        Ok(Self {
            words,
            search,
            signs,
        })
    }

    /// Whether a cleaned text, and the same text folded, contains one of the list.
    #[must_use]
    pub fn are_in(&self, cleaned: &str, folded: &[Unit]) -> bool {
        if self
            .signs
            .iter()
            .any(|sign| cleaned.contains(sign.as_str()))
        {
            return true;
        }
        let Some(search) = &self.search else {
            return false;
        };
        let (text, starts) = joined(folded);
        let at = |byte: usize| starts.binary_search(&byte).unwrap_or_else(|at| at);
        let mut refused = Vec::new();
        let mut allowed = Vec::new();
        for found in search.find_overlapping_iter(&text) {
            let (start, end) = (at(found.start()), at(found.end()));
            let Some(word) = self.words.get(found.pattern().as_usize()) else {
                continue;
            };
            if word.fits(folded, start, end) {
                let list = if word.allows {
                    &mut allowed
                } else {
                    &mut refused
                };
                list.push((start, end));
            }
        }
        let is_inside =
            |(s, e): &(usize, usize)| allowed.iter().any(|(from, to)| from <= s && e <= to);
        refused.iter().any(|find| !is_inside(find))
    }
}

/// The letters as one text, and where each begins.
fn joined(folded: &[Unit]) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(folded.len());
    let mut starts = Vec::with_capacity(folded.len());
    for unit in folded {
        starts.push(text.len());
        text.push(unit.letter);
    }
    (text, starts)
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(Kind::BadConfig, message)
        .mend("Mend moderation.words or the file moderation.words_file.")
}

impl Word {
    /// An entry of the list; a text of signs alone is given back as the inner error.
    fn new(entry: &str) -> Result<Result<Self, String>> {
        if entry.chars().count() > MAX_WORD {
            let shown: String = entry.chars().take(20).collect();
            return Err(bad(format!(
                "The word that begins with “{shown}” is longer than {MAX_WORD} characters."
            )));
        }
        let (allows, text) = match entry.strip_prefix('!') {
            Some(text) => (true, text),
            None => (false, entry),
        };
        let bare = text.trim_matches('*').trim();
        let units = fold(&clean(bare));
        if units.is_empty() {
            let sign = clean(bare);
            if sign.is_empty() || allows {
                return Err(bad(format!(
                    "The entry “{entry}” of the list of words has neither letter nor sign."
                )));
            }
            return Ok(Err(sign));
        }
        Ok(Ok(Self {
            units,
            open_start: allows || text.starts_with('*'),
            open_end: allows || text.ends_with('*'),
            allows,
        }))
    }

    /// Whether what was found between `start` and `end` of a text is this word.
    fn fits(&self, text: &[Unit], start: usize, end: usize) -> bool {
        let Some(found) = text
            .get(start..end)
            .filter(|found| found.len() == self.units.len())
        else {
            return false;
        };
        self.runs_fit(found)
            && self.is_written(found)
            && (self.open_start || self.begins(text, start))
            && (self.open_end || self.ends(text, end))
            && self.gaps_fit(text, found, end)
    }

    /// Letters in a row: as often as in the word, or so often that nobody writes it: from three on, in longer words from two.
    fn runs_fit(&self, found: &[Unit]) -> bool {
        let long = self.units.len() >= 5;
        let fits = |(word, text): (&Unit, &Unit)| match text.class {
            Class::Dense => text.run >= word.run,
            Class::Hangul => text.run == word.run || text.run >= 3 && text.run > word.run,
            _ => text.run == word.run || text.run > word.run && (long || text.run >= 3),
        };
        let last = self.units.len() - 1;
        self.units
            .iter()
            .zip(found)
            .enumerate()
            .all(|(at, (word, text))| {
                let open = at == 0 && self.open_start || at == last && self.open_end;
                open && text.run >= word.run || fits((word, text))
            })
    }

    /// Digits and signs for letters are at most half of them; those of the word itself must be there.
    fn is_written(&self, found: &[Unit]) -> bool {
        let pairs = || self.units.iter().zip(found);
        let all: u32 = found.iter().map(|u| u.run).sum();
        let soft = pairs().filter(|(word, text)| text.soft && !word.soft);
        let soft: u32 = soft.map(|(_, text)| text.run).sum();
        pairs().all(|(word, text)| text.soft || !word.soft) && soft * 2 <= all
    }

    fn begins(&self, text: &[Unit], start: usize) -> bool {
        let (Some(first), Some(before)) = (
            text.get(start),
            start.checked_sub(1).and_then(|at| text.get(at)),
        ) else {
            return true;
        };
        let apart = first.gap != Gap::None || before.class != first.class;
        match first.class {
            Class::Dense => true,
            _ if apart => true,
            Class::Arabic | Class::Hebrew => has_prefix(text, start),
            Class::Hangul => false,
            Class::Spaced => {
                before.soft != first.soft && !self.units.first().is_some_and(|u| u.soft)
            }
        }
    }

    fn ends(&self, text: &[Unit], end: usize) -> bool {
        let (Some(last), Some(after)) = (
            end.checked_sub(1).and_then(|at| text.get(at)),
            text.get(end),
        ) else {
            return true;
        };
        let apart = after.gap != Gap::None || after.class != last.class;
        match last.class {
            Class::Dense => true,
            Class::Hangul => apart || !is_hangul_vowel(after.letter),
            _ => apart || after.soft != last.soft && !self.units.last().is_some_and(|u| u.soft),
        }
    }

    /// Whether what stands between the letters is there to disguise the word.
    fn gaps_fit(&self, text: &[Unit], found: &[Unit], end: usize) -> bool {
        let mut spaced = false;
        let mut tokens = vec![0_usize];
        for (at, (word, unit)) in self.units.iter().zip(found).enumerate() {
            let own = word.gap != Gap::None;
            if at > 0 && unit.gap != Gap::None && !own {
                if unit.class == Class::Dense {
                    if unit.gap == Gap::Clause {
                        return false;
                    }
                } else if unit.gap >= Gap::Space {
                    spaced = true;
                }
                tokens.push(0);
            }
            if let Some(token) = tokens.last_mut() {
                *token += usize::from(unit.head);
            }
        }
        if !spaced {
            return true;
        }
        let cut = text
            .get(end)
            .is_some_and(|after| after.gap == Gap::None && !after.soft);
        let letters: usize = tokens.iter().sum();
        let most = if letters >= 5 { 2 } else { 1 };
        !cut && tokens.iter().all(|n| *n <= most) && tokens.len() * 2 > letters
    }
}

/// Whether only articles, conjunctions and prepositions stand before `start` in its word.
fn has_prefix(text: &[Unit], start: usize) -> bool {
    const ARABIC: [&str; 14] = [
        "ال", "و", "ف", "ب", "ل", "ك", "يا", "وال", "فال", "بال", "كال", "لل", "ولل", "هال",
    ];
    const HEBREW: [&str; 16] = [
        "ה", "ו", "ב", "ל", "כ", "מ", "ש", "וה", "שה", "מה", "ול", "וב", "כש", "כשה", "וש", "של",
    ];
    let mut from = start;
    while let Some(unit) = text.get(from)
        && unit.gap == Gap::None
        && from > 0
        && start - from < 5
    {
        from -= 1;
    }
    let prefix: String = text
        .get(from..start)
        .unwrap_or_default()
        .iter()
        .map(|u| u.letter)
        .collect();
    ARABIC.contains(&prefix.as_str()) || HEBREW.contains(&prefix.as_str())
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
