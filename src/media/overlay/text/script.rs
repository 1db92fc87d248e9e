//! What Unicode says of characters, as far as fonts are chosen by it: emoji, what is never seen, languages of Han characters.

/// Which shapes of Han characters a text wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Hint {
    /// Whichever come first.
    Any,
    /// The text has kana.
    Japanese,
    /// The text has hangul.
    Korean,
}

impl Hint {
    /// What a text wants, by its other characters.
    pub fn of(chars: impl Iterator<Item = char>) -> Self {
        let mut hint = Self::Any;
        for c in chars {
            match c {
                '\u{3041}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' => return Self::Japanese,
                '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}' => hint = Self::Korean,
                _ => {}
            }
        }
        hint
    }

    /// Ends of the names of families that are made for it.
    pub fn suffixes(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Any => None,
            Self::Japanese => Some(&[" CJK JP", " Sans JP", " Gothic"]),
            Self::Korean => Some(&[" CJK KR", " Sans KR"]),
        }
    }
}

/// `Default_Ignorable_Code_Point` of Unicode 16, DerivedCoreProperties.txt, and variation selectors.
pub(super) fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character may end up on the picture at all: no controls, no overrides of direction, no line ends.
pub(super) fn is_kept(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{206a}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{feff}')
}

/// Whether a grapheme is to be seen as a coloured emoji (UTS #51: by its default, or because it says so).
pub(super) fn is_emoji(cluster: &str) -> bool {
    let mut chars = cluster.chars();
    let Some(first) = chars.next() else {
        return false;
    };
    let mut asks = false;
    for c in chars {
        match c {
            '\u{fe0e}' => return false,
            '\u{fe0f}' | '\u{20e3}' | '\u{1f3fb}'..='\u{1f3ff}' => asks = true,
            _ => {}
        }
    }
    asks || shows_as_emoji(first)
}

/// `Emoji_Presentation` of Unicode 16, emoji-data.txt, in the BMP; beyond it everything that an emoji font has.
fn shows_as_emoji(c: char) -> bool {
    matches!(c,
        '\u{231a}'..='\u{231b}' | '\u{23e9}'..='\u{23ec}' | '\u{23f0}' | '\u{23f3}'
        | '\u{25fd}'..='\u{25fe}' | '\u{2614}'..='\u{2615}' | '\u{2648}'..='\u{2653}' | '\u{267f}'
        | '\u{2693}' | '\u{26a1}' | '\u{26aa}'..='\u{26ab}' | '\u{26bd}'..='\u{26be}'
        | '\u{26c4}'..='\u{26c5}' | '\u{26ce}' | '\u{26d4}' | '\u{26ea}' | '\u{26f2}'..='\u{26f3}'
        | '\u{26f5}' | '\u{26fa}' | '\u{26fd}' | '\u{2705}' | '\u{270a}'..='\u{270b}' | '\u{2728}'
        | '\u{274c}' | '\u{274e}' | '\u{2753}'..='\u{2755}' | '\u{2757}' | '\u{2795}'..='\u{2797}'
        | '\u{27b0}' | '\u{27bf}' | '\u{2b1b}'..='\u{2b1c}' | '\u{2b50}' | '\u{2b55}'
        | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_are_told_from_text() {
        for emoji in ["😀", "👨‍👩‍👧‍👦", "🇩🇪", "1️⃣", "#⃣", "❤️", "☝🏽", "⭐", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "⌚"]
        {
            assert!(is_emoji(emoji), "{emoji}");
        }
        for text in ["1", "#", "a", "❤", "©", "☎", "™", "⌚\u{fe0e}", "中", ""] {
            assert!(!is_emoji(text), "{text}");
        }
    }

    #[test]
    fn languages_of_han_are_told_by_their_other_letters() {
        let of = |text: &str| Hint::of(text.chars());
        assert_eq!(of("中文"), Hint::Any);
        assert_eq!(of("漢字とかな"), Hint::Japanese);
        assert_eq!(of("漢字 한글"), Hint::Korean);
    }
}
