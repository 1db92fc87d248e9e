//! The nearest known name for a misspelt one, and which unknown names may be repeated in a message.

use strsim::osa_distance;

use super::keys::{self, Key};
use super::table::{KEYS, SECTIONS};

/// Longer names are no misspellings; it also bounds the work of comparing.
const MAX_LEN: usize = 40;

/// Upper case and dashes are no difference that matters.
fn normal(word: &str) -> String {
    word.to_ascii_lowercase().replace('-', "_")
}

/// How far a misspelling of a word may be from it, in edits.
fn tolerance(len: usize) -> usize {
    match len {
        0..=3 => 1,
        4..=6 => 2,
        _ => 3,
    }
}

/// Edits between two names, if few enough for a misspelling.
fn distance(word: &str, known: &str) -> Option<usize> {
    if word.len() > MAX_LEN {
        return None;
    }
    let d = osa_distance(&normal(word), &normal(known));
    // A word that shares nothing with the known one is no misspelling, however short both are.
    (d <= tolerance(known.len()) && d < known.len()).then_some(d)
}

/// The known word nearest to `word`, if one is near.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .filter_map(|k| Some((distance(word, k)?, k)))
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

/// The known key that `section.name` was meant to be: first within the section, then one with that name elsewhere.
pub fn key(section: &str, name: &str) -> Option<&'static Key> {
    let here = nearest(name, keys::keys_of(section).map(Key::name));
    if let Some(known) = here {
        return keys::key(section, known);
    }
    let elsewhere = |k: &&Key| distance(name, k.name()).is_some_and(|d| d <= 1);
    KEYS.iter()
        .filter(elsewhere)
        .min_by_key(|k| distance(name, k.name()))
}

/// The known section that `section` was meant to be, judged also by the `names` in it.
pub fn section(section: &str, names: &[&str]) -> Option<&'static str> {
    let known = |s: &str| names.iter().filter(|n| keys::key(s, n).is_some()).count();
    SECTIONS
        .iter()
        .filter_map(|s| Some((distance(section, s.name)?, s.name)))
        .min_by_key(|(d, name)| (*d, usize::MAX - known(name)))
        .map(|(_, name)| name)
}

/// The known key that a whole path was meant to be, section and name misspelt or not.
pub fn path(section_name: &str, name: &str) -> Option<&'static Key> {
    if keys::section(section_name).is_some() {
        return key(section_name, name);
    }
    match section(section_name, &[name]) {
        Some(known) => key(known, name),
        None => key("", name),
    }
}

/// Whether an unknown name may be repeated: one near to a known name, or plain lower-case words. Everything else may
/// be a stream key that a slip of the hand has put to the left of the equals sign.
pub fn may_be_shown(name: &str) -> bool {
    let plain =
        (1..=24).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    plain
        || KEYS.iter().any(|k| distance(name, k.name()).is_some())
        || SECTIONS.iter().any(|s| distance(name, s.name).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One edit at a random place: swap, drop, double or replace a character.
    fn misspell(word: &str, at: usize, how: u8, with: char) -> String {
        let mut c: Vec<char> = word.chars().collect();
        let i = at % c.len();
        match how % 4 {
            0 if c.len() > 1 => {
                let i = i.min(c.len() - 2);
                c.swap(i, i + 1);
            }
            1 if c.len() > 2 => drop(c.remove(i)),
            2 => c.insert(i, with),
            _ => c[i] = with,
        }
        c.into_iter().collect()
    }

    proptest! {
        #[test]
        fn one_slip_finds_the_key(k in 0..KEYS.len(), at: usize, how: u8, with in "[a-z_]") {
            let known = &KEYS[k];
            let wrong = misspell(known.name(), at, how, with.chars().next().unwrap());
            if keys::key(known.section(), &wrong).is_none() {
                let found = key(known.section(), &wrong).map(|k| k.path);
                prop_assert_eq!(found, Some(known.path), "{}", wrong);
            }
        }

        #[test]
        fn one_slip_in_the_section_finds_the_key(k in 0..KEYS.len(), at: usize, how: u8, with in "[a-z_]") {
            let known = &KEYS[k];
            let wrong = misspell(known.section(), at, how, with.chars().next().unwrap());
            let found = path(&wrong, known.name()).map(|k| k.path);
            prop_assert_eq!(found, Some(known.path), "{}", wrong);
        }

        #[test]
        fn any_text_is_survived(s in any::<String>(), n in any::<String>()) {
            let _ = (path(&s, &n), section(&s, &[&n]), may_be_shown(&s));
        }
    }

    #[test]
    fn a_key_in_the_wrong_section_is_found_where_it_lives() {
        assert_eq!(path("video", "gop_s").map(|k| k.path), Some("encode.gop_s"));
        assert_eq!(path("", "tls_cert").map(|k| k.path), Some("rtsp.tls_cert"));
        assert!(path("video", "flavour").is_none());
    }

    #[test]
    fn what_looks_like_a_stream_key_is_not_repeated() {
        for name in [
            "a1b2-c3d4-e5f6",
            "live_123_abcDEF",
            "\"quoted\"",
            "x\ny",
            &"a".repeat(30),
        ] {
            assert!(!may_be_shown(name), "{name:?}");
        }
        for name in ["kye", "devise", "flavour", "H264-Profile"] {
            assert!(may_be_shown(name), "{name:?}");
        }
    }
}
