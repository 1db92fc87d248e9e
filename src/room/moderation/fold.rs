//! A text as it is compared: look-alikes, disguises and letters that are written several times made the same.
//!
//! ```text
//!   "B.а-4aad!"  ─>  b  a(gap, soft; 4 and а fold to a) …  each letter with: how often in a row, what stands before it
//! ```
//!
//! Look-alike letters by UTS 39 (`confusables.txt` through the crate unicode-security) for alphabets that resemble Latin, and
//! own tables for digits and signs that stand for letters. Never drawn.

use unicode_normalization::char::{decompose_canonical, is_combining_mark};
use unicode_security::skeleton;

/// What stands between a letter and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// Nothing.
    None,
    /// Signs, such as `.` or `*`.
    Sign,
    /// White space, perhaps with signs.
    Space,
    /// The end of a clause: `，` `。` and their like.
    Clause,
}

/// How a script separates words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// By spaces: Latin, Cyrillic, Devanagari …
    Spaced,
    /// Not at all: Han, kana, Thai …
    Dense,
    /// By spaces, with particles behind the word.
    Hangul,
    /// By spaces, with articles and prepositions before the word.
    Arabic,
    /// The same.
    Hebrew,
}

/// A folded letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// The letter.
    pub letter: char,
    /// How often it stands in a row.
    pub run: u32,
    /// What stands before it.
    pub gap: Gap,
    /// It is written as a digit or sign, so it may be no letter at all.
    pub soft: bool,
    /// It begins a letter as it is written (a Hangul syllable is several units).
    pub head: bool,
    /// Its script.
    pub class: Class,
}

/// Folds a cleaned text.
#[must_use]
pub fn fold(text: &str) -> Vec<Unit> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = Folder {
        units: Vec::with_capacity(chars.len()),
        gap: Gap::None,
    };
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map_or(' ', |at| chars[at]);
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        out.step(before, c, after);
    }
    spell(&out.units)
}

/// “d e p p” is “depp”: letters that stand alone count as a row.
fn spell(units: &[Unit]) -> Vec<Unit> {
    let mut out: Vec<Unit> = Vec::with_capacity(units.len());
    for (at, unit) in units.iter().enumerate() {
        let alone = at > 0 && is_alone(units, at) && is_alone(units, at - 1);
        match out.last_mut() {
            Some(last) if alone && !unit.soft && last.letter == unit.letter => last.run += unit.run,
            _ => out.push(*unit),
        }
    }
    out
}

/// Whether a letter has a gap on either side.
fn is_alone(units: &[Unit], at: usize) -> bool {
    let before = units.get(at).is_some_and(|u| at == 0 || u.gap != Gap::None);
    before && units.get(at + 1).is_none_or(|next| next.gap != Gap::None)
}

struct Folder {
    units: Vec<Unit>,
    gap: Gap,
}

impl Folder {
    fn step(&mut self, before: char, c: char, after: char) {
        if is_ignored(c) {
            return;
        }
        if let Some(letter) = sign(before, c, after).or_else(|| digit(c)) {
            return self.push(letter, true, true, Class::Spaced);
        }
        if !c.is_alphanumeric() && !is_letter_mark(c) && !is_badge(c) {
            let kind = match c {
                c if c.is_whitespace() => Gap::Space,
                '，' | '。' | '！' | '？' | '；' | '：' | ',' | '!' | '?' | ';' | ':' => {
                    Gap::Clause
                }
                _ => Gap::Sign,
            };
            self.gap = self.gap.max(kind);
            return;
        }
        let class = class(c);
        let mut head = !is_combining_mark(c);
        letters(c, &mut |letter| {
            self.push(letter, false, head, class);
            head = false;
        });
    }

    fn push(&mut self, letter: char, soft: bool, head: bool, class: Class) {
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        if let Some(last) = self.units.last_mut()
            && last.letter == letter
            && gap == Gap::None
            && !(class == Class::Hangul && head)
        {
            last.run = last.run.saturating_add(1);
            last.soft &= soft;
            return;
        }
        let gap = if self.units.is_empty() {
            Gap::None
        } else {
            gap
        };
        self.units.push(Unit {
            letter,
            run: 1,
            gap,
            soft,
            head,
            class,
        });
    }
}

/// Signs that lengthen or join, and accents: they do not separate either.
fn is_ignored(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5bd}' | '\u{5bf}'..='\u{5c7}' | '\u{610}'..='\u{61a}'
        | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' | '\u{93c}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{200c}' | '\u{200d}' | '\u{20d0}'..='\u{20ff}' | '\u{30fc}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Marks that are letters of their own: vowels of Indic and South-East Asian scripts, voicing of kana.
fn is_letter_mark(c: char) -> bool {
    matches!(c, '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}' | '\u{eb1}'..='\u{ece}' | '\u{102b}'..='\u{103e}'
        | '\u{17b6}'..='\u{17d3}' | '\u{3099}' | '\u{309a}')
        && c != '\u{964}'
        && c != '\u{965}'
}

/// Emoji that are letters.
fn is_badge(c: char) -> bool {
    matches!(c, '\u{1f150}'..='\u{1f169}' | '\u{1f170}'..='\u{1f189}' | '\u{1f1e6}'..='\u{1f1ff}')
}

fn class(c: char) -> Class {
    match c {
        '\u{590}'..='\u{5ff}' => Class::Hebrew,
        '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' => Class::Arabic,
        '\u{e00}'..='\u{eff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' => Class::Dense,
        '\u{1100}'..='\u{11ff}' | '\u{3131}'..='\u{318e}' | '\u{ac00}'..='\u{d7ff}' => {
            Class::Hangul
        }
        '\u{2e80}'..='\u{312f}'
        | '\u{3190}'..='\u{a4cf}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Class::Dense,
        _ => Class::Spaced,
    }
}

/// Digits that stand for letters; others stand for themselves.
fn digit(c: char) -> Option<char> {
    let c = match c {
        '\u{660}'..='\u{669}' => char::from(b'0' + (u32::from(c) - 0x660) as u8),
        '\u{6f0}'..='\u{6f9}' => char::from(b'0' + (u32::from(c) - 0x6f0) as u8),
        '\u{966}'..='\u{96f}' => char::from(b'0' + (u32::from(c) - 0x966) as u8),
        c => c,
    };
    Some(match c {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        '2' | '6' => c,
        _ => return None,
    })
}

/// Signs that stand for letters where they are between letters; `@` and `$` also where they begin a word.
fn sign(before: char, c: char, after: char) -> Option<char> {
    let letter = match c {
        '@' => 'a',
        '$' => 's',
        '€' => 'e',
        '!' | '|' | '¡' => 'i',
        _ => return None,
    };
    let like = |c: char| (c.is_alphanumeric() && class(c) == Class::Spaced) || c == '@' || c == '$';
    let leads = matches!(c, '@' | '$') && before != c && after.is_alphabetic();
    let ends = c == '$' && before.is_alphabetic();
    ((like(before) && like(after))
        || leads
        || ends
        || (matches!(c, '@' | '$') && like(after) && like(before)))
    .then_some(letter)
}

/// The letters that `c` is compared as.
fn letters(c: char, out: &mut dyn FnMut(char)) {
    if c.is_ascii() {
        return out(latin(c.to_ascii_lowercase()));
    }
    for c in c.to_lowercase() {
        decompose_canonical(c, |c| {
            if !is_ignored(c) {
                letter(c, out);
            }
        });
    }
}

fn latin(c: char) -> char {
    // Nobody can tell them apart: I, l, 1, |.
    if c == 'l' { 'i' } else { c }
}

fn letter(c: char, out: &mut dyn FnMut(char)) {
    match c {
        'a'..='z' | '0'..='9' => out(latin(c)),
        'ß' => (0..2).for_each(|_| out('s')),
        'æ' => ['a', 'e'].into_iter().for_each(out),
        'œ' => ['o', 'e'].into_iter().for_each(out),
        '\u{5d0}'..='\u{5ea}' => out(hebrew(c)),
        '\u{620}'..='\u{6ff}' => out(arabic(c)),
        '\u{901}' => out('\u{902}'),
        '\u{11a8}'..='\u{11c2}' => finals(c, out),
        '\u{30a1}'..='\u{30f6}' => out(kana(char::from_u32(u32::from(c) - 0x60).unwrap_or(c))),
        '\u{3041}'..='\u{3096}' => out(kana(c)),
        '\u{1f150}'..='\u{1f169}' => out(badge(c, 0x1f150)),
        '\u{1f170}'..='\u{1f189}' => out(badge(c, 0x1f170)),
        '\u{1f1e6}'..='\u{1f1ff}' => out(badge(c, 0x1f1e6)),
        '\u{80}'..='\u{58f}'
        | '\u{10a0}'..='\u{10ff}'
        | '\u{13a0}'..='\u{13ff}'
        | '\u{1c80}'..='\u{1fff}'
        | '\u{2c60}'..='\u{2dff}'
        | '\u{a4d0}'..='\u{a7ff}'
        | '\u{ab30}'..='\u{abbf}'
        | '\u{10300}'..='\u{1055f}' => {
            alike(c, out);
        }
        c => out(c),
    }
}

fn badge(c: char, first: u32) -> char {
    let nth = u32::from(c).saturating_sub(first) % 26;
    latin(char::from(b'a' + nth as u8))
}

/// Letters of alphabets that resemble Latin.
fn alike(c: char, out: &mut dyn FnMut(char)) {
    if let Some(letter) = own(c) {
        return out(latin(letter));
    }
    let mut bytes = [0; 4];
    let found: Vec<char> = skeleton(c.encode_utf8(&mut bytes))
        .flat_map(char::to_lowercase)
        .collect();
    match found.as_slice() {
        ['r', 'n'] => out('m'),
        ['v', 'v'] => out('w'),
        [one] => out(own(*one).map_or_else(|| latin(*one), latin)),
        several => several
            .iter()
            .filter(|c| c.is_alphanumeric())
            .for_each(|c| out(latin(*c))),
    }
}

/// What UTS 39 leaves out because small letters differ, though capitals are the same; and small capitals.
fn own(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' | 'ᴀ' | 'ɑ' => 'a',
        'в' | 'β' | 'ʙ' | 'ь' | 'б' => 'b',
        'с' | 'ᴄ' => 'c',
        'ԁ' | 'ᴅ' | 'đ' | 'ð' => 'd',
        'е' | 'ε' | 'ᴇ' | 'э' | 'є' => 'e',
        'ꜰ' | 'ƒ' => 'f',
        'ɢ' | 'ɡ' => 'g',
        'н' | 'η' | 'ʜ' | 'һ' | 'ħ' => 'h',
        'і' | 'ι' | 'ı' | 'ɪ' | 'ӏ' | 'ł' | 'ʟ' => 'i',
        'ј' | 'ᴊ' => 'j',
        'к' | 'κ' | 'ᴋ' => 'k',
        'м' | 'μ' | 'ᴍ' => 'm',
        'ɴ' | 'ν' | 'п' => 'n',
        'о' | 'ο' | 'ᴏ' | 'ø' | 'ө' => 'o',
        'р' | 'ρ' | 'ᴘ' => 'p',
        'ʀ' | 'г' => 'r',
        'ѕ' | 'ꜱ' | 'ſ' => 's',
        'т' | 'τ' | 'ᴛ' => 't',
        'υ' | 'ᴜ' => 'u',
        'ѵ' | 'ᴠ' => 'v',
        'ѡ' | 'ω' | 'ᴡ' | 'ш' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'ү' | 'ʏ' | 'γ' => 'y',
        'ᴢ' => 'z',
        _ => return None,
    })
}

fn hebrew(c: char) -> char {
    match c {
        'ך' => 'כ',
        'ם' => 'מ',
        'ן' => 'נ',
        'ף' => 'פ',
        'ץ' => 'צ',
        c => c,
    }
}

fn arabic(c: char) -> char {
    match c {
        'ٱ' => 'ا',
        'ة' | 'ہ' | 'ھ' => 'ه',
        'ى' | 'ی' => 'ي',
        'ک' => 'ك',
        c => c,
    }
}

/// Small kana as the large ones.
fn kana(c: char) -> char {
    match c {
        'ぁ' | 'ぃ' | 'ぅ' | 'ぇ' | 'ぉ' | 'っ' | 'ゃ' | 'ゅ' | 'ょ' | 'ゎ' => {
            char::from_u32(u32::from(c) + 1).unwrap_or(c)
        }
        c => c,
    }
}

/// Consonants at the end of a syllable as those at its beginning, so that single letters of a keyboard compare with syllables.
fn finals(c: char, out: &mut dyn FnMut(char)) {
    const INITIALS: [&str; 27] = [
        "ᄀ", "ᄁ", "ᄀᄉ", "ᄂ", "ᄂᄌ", "ᄂᄒ", "ᄃ", "ᄅ", "ᄅᄀ", "ᄅᄆ", "ᄅᄇ", "ᄅᄉ",
        "ᄅᄐ", "ᄅᄑ", "ᄅᄒ", "ᄆ", "ᄇ", "ᄇᄉ", "ᄉ", "ᄊ", "ᄋ", "ᄌ", "ᄎ", "ᄏ", "ᄐ", "ᄑ",
        "ᄒ",
    ];
    let nth = u32::from(c).saturating_sub(0x11a8) as usize;
    INITIALS.get(nth).map_or("", |s| s).chars().for_each(out);
}

/// Whether it is a vowel of Hangul.
#[must_use]
pub fn is_hangul_vowel(c: char) -> bool {
    matches!(c, '\u{1161}'..='\u{1175}')
}
