//! A text without what nobody sees, as one line.
//!
//! NFKC (UAX 15), then: no control, format, bidi (UAX 9), tag and private-use characters; variation selectors and joiners only
//! where they change what is seen (emoji sequences of UTS 51, conjuncts of Indic scripts, Persian); a bounded number of marks on
//! a letter. [`clean`] of a cleaned text is the same text.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::super::item::MAX_TEXT;

/// Marks on one letter: more is no language, but Zalgo.
const MAX_MARKS: usize = 4;
/// Of them those that are made for Latin letters and symbols, which come composed where they can.
const MAX_DIACRITICS: usize = 2;
/// Joiners in a row of emoji; the longest in use has three.
const MAX_JOINED: usize = 4;
const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';

/// The text as it may be drawn: one line of 500 characters at most, without what nobody sees.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut now = pass(text);
    // What was taken out may have kept two characters from being composed, and what is composed may be invisible. A second pass
    // settles that; the bound is for the peace of mind.
    for _ in 0..4 {
        let again = pass(&now);
        if again == now {
            break;
        }
        now = again;
    }
    now
}

fn pass(text: &str) -> String {
    let mut strip = Strip::default();
    let composed = text.chars().map(spared).nfkc();
    let visible: String = composed.filter_map(|c| strip.step(c)).collect();
    let joined = join(&visible);
    let mut line = String::with_capacity(joined.len());
    for word in joined.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => line[..end].trim_end().to_owned(),
        None => line,
    }
}

/// Accents that stand alone: NFKC would make a space and a mark of them, and people write them for apostrophes.
fn spared(c: char) -> char {
    match c {
        '\u{b4}' | '\u{2b9}' | '\u{384}' | '\u{1ffd}' => '\'',
        // The blank of Braille looks like a space.
        '\u{2800}' => ' ',
        c => c,
    }
}

fn is_whitespace(c: char) -> bool {
    c.is_whitespace()
}

/// Takes out what is never seen, and marks beyond the bounds.
#[derive(Default)]
struct Strip {
    /// There is something that a mark can stand on.
    base: bool,
    marks: usize,
    diacritics: usize,
}

impl Strip {
    fn step(&mut self, c: char) -> Option<char> {
        if is_whitespace(c) {
            *self = Self::default();
            return Some(' ');
        }
        if is_hidden(c) {
            return None;
        }
        if matches!(c, ZWJ | ZWNJ | '\u{fe0e}' | '\u{fe0f}') {
            return Some(c);
        }
        if !is_combining_mark(c) {
            *self = Self {
                base: true,
                ..Self::default()
            };
            return Some(c);
        }
        self.marks += 1;
        self.diacritics += usize::from(is_diacritic(c));
        let fits = self.marks <= MAX_MARKS && self.diacritics <= MAX_DIACRITICS;
        (self.base && fits).then_some(c)
    }
}

fn is_diacritic(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Characters that are taken out wherever they stand.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{70f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{fff0}'..='\u{fffc}'
            | '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{e0000}'..='\u{10ffff}'
        )
        || u32::from(c) & 0xfffe == 0xfffe
}

/// Keeps joiners and selectors where they mean something, once.
fn join(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let (mut last, mut joined) = (' ', 0);
    for (at, &c) in chars.iter().enumerate() {
        let next = chars[at + 1..].iter().copied().find(|c| !is_glue(*c));
        let next = next.unwrap_or(' ');
        let keep = match c {
            '\u{fe0e}' | '\u{fe0f}' => is_emoji(last) || is_key(last) && next == '\u{20e3}',
            ZWJ if is_emoji(next) => is_emoji_part(last) && joined < MAX_JOINED,
            ZWJ | ZWNJ => joins(last) && joins(next),
            _ => true,
        };
        if !keep {
            continue;
        }
        joined = match c {
            ZWJ => joined + 1,
            c if is_emoji_part(c) && (last == ZWJ || !is_emoji(c)) => joined,
            _ => 0,
        };
        last = c;
        out.push(c);
    }
    out
}

fn is_glue(c: char) -> bool {
    matches!(c, ZWJ | ZWNJ | '\u{fe0e}' | '\u{fe0f}')
}

/// Scripts in which joiners change the form of letters.
fn joins(c: char) -> bool {
    matches!(c, '\u{620}'..='\u{64a}' | '\u{671}'..='\u{6d3}' | '\u{6fa}'..='\u{6ff}' | '\u{750}'..='\u{77f}'
        | '\u{900}'..='\u{dff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17d3}')
}

/// What emoji sequences are made of, generously: blocks rather than a table of each.
fn is_emoji(c: char) -> bool {
    matches!(c, '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}'
        | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}' | '\u{2b00}'..='\u{2bff}' | '\u{3030}' | '\u{303d}'
        | '\u{1f000}'..='\u{1faff}')
}

fn is_emoji_part(c: char) -> bool {
    is_emoji(c) || matches!(c, '\u{fe0e}' | '\u{fe0f}')
}

fn is_key(c: char) -> bool {
    c.is_ascii_digit() || c == '#' || c == '*'
}

/// At most `most` graphemes (UAX 29) of a text; the last of them is `…` where something is missing.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    let mut graphemes = text.grapheme_indices(true).skip(most.saturating_sub(1));
    match (graphemes.next(), graphemes.next()) {
        (Some((at, _)), Some(_)) => format!("{}…", text[..at].trim_end()),
        _ => text.to_owned(),
    }
}

/// At most `most` characters of a text, cut between graphemes; the last of them is `…` where something is missing.
#[must_use]
pub fn cut_chars(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let (mut end, mut chars) = (0, 1);
    for (at, grapheme) in text.grapheme_indices(true) {
        chars += grapheme.chars().count();
        if chars > most {
            break;
        }
        end = at + grapheme.len();
    }
    format!("{}…", text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_goes() {
        for (dirty, clean_) in [
            ("  a\tb\r\nc  ", "a b c"),
            ("b\u{200b}a\u{200c}d\u{200d}", "bad"),
            ("ｂａｄ １２", "bad 12"),
            ("\u{202e}abc\u{202c}", "abc"),
            ("a\u{ad}b\u{2060}c\u{feff}d\u{34f}", "abcd"),
            ("x\u{e0041}\u{e007f}y", "xy"),
            ("a\u{fe0f}b\u{fe01}", "ab"),
            ("e\u{200b}\u{301}", "é"),
            ("\u{301}a", "a"),
            ("it\u{b4}s", "it's"),
            ("\u{3164}\u{ffa0}\u{2800}", ""),
            ("\u{e000}\u{f8ff}\u{fdd0}\u{ffff}", ""),
            ("①㎏…", "1kg..."),
        ] {
            assert_eq!(clean(dirty), clean_, "{dirty:?}");
        }
    }

    #[test]
    fn what_means_something_stays() {
        for text in [
            "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈 ❤️ 1️⃣ 🇩🇪",
            "🧑🏻‍❤️‍💋‍🧑🏼",
            "می‌خواهم",
            "क्‍ष",
            "ශ්‍රී",
            "Việt Nam ế",
            "שָׁלוֹם",
            "ที่นี่",
            "Ça va? Öl, ñandú",
        ] {
            let nfkc: String = text.nfkc().collect();
            assert_eq!(clean(text), nfkc, "{text}");
        }
    }

    #[test]
    fn marks_and_joiners_are_bounded() {
        let zalgo = format!("Z{}algo", "\u{316}\u{323}\u{300}".repeat(40));
        assert_eq!(clean(&zalgo).chars().count(), 5 + MAX_DIACRITICS);
        let chain = clean(&"👩\u{200d}".repeat(60));
        let longest = chain.graphemes(true).map(|g| g.chars().count()).max();
        assert!(
            longest.is_some_and(|n| n <= 2 * MAX_JOINED + 1),
            "{longest:?}"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_graphemes() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("ab cd", 4), "ab…");
        assert_eq!(cut("👩‍👩‍👧‍👦👍🏽x", 2), "👩‍👩‍👧‍👦…");
        assert_eq!(cut("ab", 1), "…");
        assert_eq!(cut("", 1), "");
        assert_eq!(cut_chars("abcd", 4), "abcd");
        assert_eq!(cut_chars("abcde", 4), "abc…");
        assert_eq!(cut_chars("👍🏽👩‍👩‍👧‍👦", 5), "👍🏽…");
        let long = clean(&"\u{fdfa}".repeat(500)).chars().count();
        assert!((MAX_TEXT - 1..=MAX_TEXT).contains(&long), "{long}");
    }
}
