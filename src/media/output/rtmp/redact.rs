//! What a server says may hold the stream key, whole, in part, or percent-encoded. Before any of it is shown or logged,
//! everything that could be the key is masked, control characters go, and the length is bounded. Pure.

use std::fmt;

use crate::config::Secret;

/// Longest text of a server that is shown, in characters.
pub const MAX_TEXT: usize = 200;
/// Longest text that is looked at, in bytes: masking costs text × key.
const MAX_INPUT: usize = 2048;
/// Runs of this many characters in common with the key are masked; a shorter key is masked whole.
const MIN_RUN: usize = 6;
const MASK: &str = "***";

/// Masks one stream key. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Redactor {
    /// Lower-case spellings of the key.
    spellings: Vec<Vec<u8>>,
    min_run: usize,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// For this key.
    #[must_use]
    pub fn new(key: &Secret) -> Self {
        let raw = key.expose().to_ascii_lowercase().into_bytes();
        let encoded = percent_encode(&raw);
        let strict = percent_encode_all(&raw);
        let mut spellings = vec![raw, encoded, strict];
        spellings.dedup();
        spellings.retain(|s| !s.is_empty());
        let name = key.expose().split('?').next().unwrap_or_default().len();
        Self {
            spellings,
            min_run: name.clamp(1, MIN_RUN),
        }
    }

    /// `text` as it may be shown.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let plain: String = text
            .chars()
            .filter(|c| !c.is_control())
            .scan(0, |len, c| {
                *len += c.len_utf8();
                (*len <= MAX_INPUT).then_some(c)
            })
            .collect();
        let masked = self.mask(&plain);
        let mut out: String = masked.chars().take(MAX_TEXT).collect();
        if out.len() < masked.len() {
            out.push('…');
        }
        out
    }

    fn mask(&self, text: &str) -> String {
        let lower = text.to_ascii_lowercase().into_bytes();
        let mut hide = vec![false; lower.len()];
        for spelling in &self.spellings {
            for begin in 0..lower.len() {
                let run = longest_common(&lower[begin..], spelling);
                if run >= self.min_run {
                    hide[begin..begin + run].fill(true);
                }
            }
        }
        let mut out = String::with_capacity(text.len());
        let mut hidden = false;
        for (i, c) in text.char_indices() {
            if hide[i] {
                if !hidden {
                    out.push_str(MASK);
                }
                hidden = true;
            } else {
                hidden = false;
                out.push(c);
            }
        }
        out
    }
}

/// Length of the longest prefix of `text` that occurs anywhere in `key`.
fn longest_common(text: &[u8], key: &[u8]) -> usize {
    (0..key.len())
        .map(|at| {
            text.iter()
                .zip(&key[at..])
                .take_while(|(a, b)| a == b)
                .count()
        })
        .max()
        .unwrap_or(0)
}

fn percent_encode(raw: &[u8]) -> Vec<u8> {
    encode_where(raw, |b| {
        !(b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
    })
}

fn percent_encode_all(raw: &[u8]) -> Vec<u8> {
    encode_where(raw, |_| true)
}

fn encode_where(raw: &[u8], encode: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() * 3);
    for &b in raw {
        if encode(b) {
            out.extend_from_slice(format!("%{b:02x}").as_bytes());
        } else {
            out.push(b);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "canary-42_Xy/z?auth=s3cr3t+token";

    fn clean(text: &str) -> String {
        Redactor::new(&Secret::new(KEY)).clean(text)
    }

    #[test]
    fn the_key_goes_whole_in_part_and_encoded() {
        for text in [
            KEY.to_owned(),
            format!("stream {KEY} is busy"),
            "stream canary-42_Xy is busy".to_owned(),
            "CANARY-42_XY%2Fz%3Fauth%3Ds3cr3t%2btoken".to_owned(),
            "can\u{0}ary-42_Xy".to_owned(),
            "%63%61%6E%61%72%79%2d".to_owned(),
        ] {
            let out = clean(&text).to_ascii_lowercase();
            for leak in ["canary", "s3cr3t", "token", "%61"] {
                assert!(!out.contains(leak), "{text} gave {out}");
            }
            assert!(out.contains(MASK));
        }
        assert_eq!(clean("Already publishing"), "Already publishing");
    }

    #[test]
    fn length_is_bounded_and_the_cut_leaks_nothing() {
        let long = clean(&"äx".repeat(100_000));
        assert_eq!(long.chars().count(), MAX_TEXT + 1);
        assert!(!clean(&format!("{}{KEY}", "y".repeat(MAX_TEXT - 10))).contains("canary"));
        assert!(!clean(&format!("{}{KEY}", "y".repeat(MAX_INPUT - 9))).contains("canary"));
    }

    #[test]
    fn short_and_empty_keys_do_no_harm() {
        assert_eq!(Redactor::new(&Secret::new("")).clean("hello"), "hello");
        let short = Redactor::new(&Secret::new("cam"));
        assert_eq!(short.clean("stream cam is busy"), "stream *** is busy");
        assert_eq!(format!("{short:?}"), "Redactor");
    }

    proptest! {
        #[test]
        fn no_run_of_the_key_survives(a in ".{0,30}", b in ".{0,30}", key in "[a-zA-Z0-9?=&/%-]{6,40}") {
            let name = key.split('?').next().unwrap_or_default().len();
            prop_assume!(name >= MIN_RUN);
            let out = Redactor::new(&Secret::new(key.clone())).clean(&format!("{a}{key}{b}"));
            prop_assert!(!out.contains(&key));
        }
    }
}
