//! What is wrong with a configuration: every problem with its place, as one sentence and a mend.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, Kind};

/// No more problems than this are told: a wrong file must not flood the log.
pub(crate) const MAX_PROBLEMS: usize = 100;

/// One thing that is wrong, or (among the warnings) doubtful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, or `environment`, `--set`, `defaults`.
    pub file: String,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// Column in the line in characters, from 1.
    pub column: Option<usize>,
    /// The key, as `section.name` or as the name of the environment variable.
    pub key: Option<String>,
    /// One sentence that names the thing. Never holds a secret.
    pub message: String,
    /// What to do about it, as one sentence.
    pub mend: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(mend) = &self.mend {
            write!(f, " {mend}")?;
        }
        Ok(())
    }
}

/// Every problem of one configuration, in the order of the layers and of their lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }

    /// The problems, in order.
    #[must_use]
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Orders by layer (`files` in their order, then environment and flags) and line, and keeps a bounded number.
    pub(crate) fn sorted(mut self, files: &[String]) -> Self {
        let layer = |p: &Problem| {
            files
                .iter()
                .position(|f| *f == p.file)
                .unwrap_or(files.len())
        };
        self.0.sort_by_key(|p| (layer(p), p.line, p.column));
        self.0.dedup();
        if self.0.len() > MAX_PROBLEMS {
            self.0.truncate(MAX_PROBLEMS);
            let mut last = self.0[MAX_PROBLEMS - 1].clone();
            last.message = "There are more problems after this one.".into();
            (last.key, last.mend) = (None, None);
            self.0.push(last);
        }
        self
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        match problems.as_slice() {
            [one] => Self::new(Kind::BadConfig, one.to_string()),
            _ => Self::new(
                Kind::BadConfig,
                format!("The configuration has {} errors.", problems.len()),
            )
            .caused_by(problems),
        }
    }
}

/// Where a key was written, and what it is called there.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    /// File, `environment`, `--set` or `defaults`.
    pub source: Arc<str>,
    /// Line and column, from 1, in a file.
    pub place: Option<(usize, usize)>,
    /// `section.name`, or the variable's name.
    pub label: String,
}

impl Origin {
    /// A problem with this key: `clause` follows the key's name in the sentence.
    pub fn problem(&self, clause: &str) -> Problem {
        self.sentence(format!("{} {}.", self.label, clause.trim_end_matches('.')))
    }

    /// A problem here, with a sentence of its own.
    pub fn sentence(&self, message: impl Into<String>) -> Problem {
        Problem {
            file: self.source.to_string(),
            line: self.place.map(|p| p.0),
            column: self.place.map(|p| p.1),
            key: (!self.label.is_empty()).then(|| self.label.clone()),
            message: message.into(),
            mend: None,
        }
    }
}

impl Problem {
    /// Adds what to do.
    #[must_use]
    pub(crate) fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// Adds what to do, if there is something.
    #[must_use]
    pub(crate) fn maybe_mend(mut self, mend: Option<String>) -> Self {
        self.mend = mend.or(self.mend);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: &str, line: usize) -> Problem {
        let origin = Origin {
            source: file.into(),
            place: Some((line, 1)),
            label: "video.devise".into(),
        };
        origin
            .problem("is not a known key")
            .mend("Did you mean video.device?")
    }

    #[test]
    fn one_sentence_with_place_and_mend() {
        assert_eq!(
            at("boothcast.toml", 12).to_string(),
            "boothcast.toml:12: video.devise is not a known key. Did you mean video.device?"
        );
    }

    #[test]
    fn become_an_error_of_exit_code_78() {
        let one: Error = Problems::from(at("a", 1)).into();
        assert_eq!(one.kind().exit_code(), 78);
        assert!(one.report().starts_with("a:1: video.devise"));
        let mut many = Problems::from(at("a", 1));
        many.push(at("b", 2));
        let many: Error = many.into();
        assert_eq!(many.kind(), Kind::BadConfig);
        assert!(many.report().contains("a:1:") && many.report().contains("b:2:"));
    }

    #[test]
    fn are_ordered_by_layer_and_line_and_bounded() {
        let mut all = Problems::default();
        for line in (1..=300).rev() {
            all.push(at("second", line));
        }
        all.push(at("first", 9));
        let all = all.sorted(&["first".into(), "second".into()]);
        assert_eq!(all.as_slice()[0].file, "first");
        assert_eq!(all.as_slice()[1].line, Some(1));
        assert_eq!(all.len(), MAX_PROBLEMS + 1);
        assert!(
            all.to_string()
                .ends_with("There are more problems after this one.")
        );
    }
}
