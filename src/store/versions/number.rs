//! Order of versions: `1.2.0 < 1.10.0-rc1 < 1.10.0 < 1.10.0+fix`.

use std::cmp::Ordering;

/// A version, to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    core: Vec<u64>,
    /// -1: before the release of this number, 0: it, 1: after it.
    side: i8,
    rest: Vec<Part>,
}

/// Numbers are less than words, and compared as numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Number {
    /// Of a version such as `1.2.3`, `1.2.3-rc1` or `1.2.3~rc1` (before 1.2.3), `1.2.3+4` (after it).
    pub fn of(version: &str) -> Self {
        let end = version.find(['-', '~', '+']).unwrap_or(version.len());
        let (core, rest) = version.split_at(end);
        let mut core: Vec<u64> = core.split('.').map(|n| n.parse().unwrap_or(0)).collect();
        while core.last() == Some(&0) {
            core.pop();
        }
        let side = match rest.bytes().next() {
            Some(b'+') => 1,
            Some(_) => -1,
            None => 0,
        };
        Self {
            core,
            side,
            rest: parts(rest),
        }
    }
}

/// Runs of digits and of letters.
fn parts(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut rest = word;
        while let Some(first) = rest.bytes().next() {
            let digits = first.is_ascii_digit();
            let end = rest
                .bytes()
                .position(|b| b.is_ascii_digit() != digits)
                .unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            out.push(match run.parse() {
                Ok(n) if digits => Part::Number(n),
                _ => Part::Word(run.to_owned()),
            });
            rest = after;
        }
    }
    out
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.core, self.side, &self.rest).cmp(&(&other.core, other.side, &other.rest))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_an_order() {
        let order = [
            "0.9",
            "1.2.0",
            "1.10.0~rc1",
            "1.10.0-rc2",
            "1.10.0-rc10",
            "1.10.0",
            "1.10.0+1",
            "1.10.1",
            "2",
        ];
        for pair in order.windows(2) {
            assert!(Number::of(pair[0]) < Number::of(pair[1]), "{pair:?}");
        }
        assert_eq!(Number::of("1.2"), Number::of("1.2.0"));
        assert!(Number::of("") < Number::of("0.0.1"));
    }
}
