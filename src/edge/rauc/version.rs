//! Versions of the box's software, compared as semver does: `1.10.0` is newer than `1.9.2`, `1.2.0` than `1.2.0-rc1`.
//! Pure. The script before an installation by hand (`image-build/rauc/…/pre-install`) compares the same way.

use std::cmp::Ordering;

/// A version: up to four numbers, and what stands before the release, such as `rc1`. What follows a `+` does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    numbers: [u64; 4],
    before: Vec<Part>,
}

/// A part of what stands after the `-`. Numbers are older than words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Version {
    /// Reads one; `None`: it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(front, _)| front);
        let (front, before) = match text.split_once('-') {
            Some((front, before)) => (front, Some(before)),
            None => (text, None),
        };
        let mut numbers = [0; 4];
        for (n, part) in front.split('.').enumerate() {
            *numbers.get_mut(n)? = number(part)?;
        }
        let before = match before {
            None => Vec::new(),
            Some(text) => text.split('.').map(part).collect::<Option<_>>()?,
        };
        Some(Self { numbers, before })
    }
}

/// Digits alone, as many as fit.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

fn part(text: &str) -> Option<Part> {
    let fine = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if text.is_empty() || text.len() > 40 || !text.bytes().all(fine) {
        return None;
    }
    Some(number(text).map_or_else(|| Part::Word(text.to_owned()), Part::Number))
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        let before = match (self.before.is_empty(), other.before.is_empty()) {
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ => self.before.cmp(&other.before),
        };
        self.numbers.cmp(&other.numbers).then(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From old to new; the same table tests the script.
    const ORDER: &str = include_str!("versions.txt");

    #[test]
    fn newer_is_newer() {
        let lines: Vec<&str> = ORDER.lines().filter(|l| !l.starts_with('#')).collect();
        assert!(lines.len() > 10);
        let all: Vec<Version> = lines.iter().map(|l| Version::parse(l).unwrap()).collect();
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(a.cmp(b), i.cmp(&j), "{} {}", lines[i], lines[j]);
            }
        }
    }

    #[test]
    fn what_follows_a_plus_does_not_count_and_zeros_may_be_left_out() {
        let v = |t| Version::parse(t).unwrap();
        assert_eq!(v("1.2"), v("v1.2.0+build.5"));
        assert_eq!(v("1.2.0-rc1+x").cmp(&v("1.2-rc1")), Ordering::Equal);
        for none in [
            "",
            "1.",
            "a",
            "1.2.3.4.5",
            "1.-",
            "1.2-",
            "1.2-a..b",
            "1 2",
            "-1",
            "1.2-ö",
            "99999999999999999999",
        ] {
            assert_eq!(Version::parse(none), None, "{none}");
        }
    }
}
