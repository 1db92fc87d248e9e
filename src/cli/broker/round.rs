//! What came of a round of answers: a table, JSON, and an exit code.

use std::io::Write;

use serde_json::{Value, json};

use super::ask::Round;
use crate::cli::outcome::{self, Trouble, accepted};
use crate::cli::table::table;

/// The longest text of one answer in the table, in characters.
const SHOWN: usize = 100;

impl Round {
    /// Boxes whose answer is no.
    pub(in crate::cli) fn refusals(&self) -> usize {
        self.answers.values().filter(|a| a["ok"] != true).count()
    }

    /// Why this is no success: nobody, or not as many as expected, answered; or one of them refuses.
    pub(in crate::cli) fn verdict(&self) -> Result<(), Trouble> {
        let mut refused = self.answers.values().filter(|a| a["ok"] != true).peekable();
        if refused.peek().is_some() {
            let lasting = refused
                .map(|a| outcome::refusal_code(&a["error"]))
                .any(|code| code == outcome::REFUSED);
            let code = if lasting {
                outcome::REFUSED
            } else {
                outcome::TRY_AGAIN
            };
            return Err(Trouble::Shown(code));
        }
        let enough = !self.answers.is_empty() && self.answers.len() >= self.expected;
        if enough && self.missing.is_empty() {
            Ok(())
        } else {
            Err(Trouble::Shown(outcome::TRY_AGAIN))
        }
    }

    /// Shows it, and gives the verdict.
    pub(in crate::cli) fn show(&self, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
        let _ = if as_json {
            writeln!(out, "{:#}", self.json())
        } else {
            write!(out, "{}{}", self.table(), self.sum())
        };
        self.verdict()
    }

    /// All of it for programs.
    pub(in crate::cli) fn json(&self) -> Value {
        json!({
            "answers": self.answers,
            "answered": self.answers.len(),
            "refused": self.refusals(),
            "expected": self.expected,
            "missing": self.missing,
        })
    }

    fn table(&self) -> String {
        if self.answers.is_empty() && self.missing.is_empty() {
            return String::new();
        }
        let head = ["box", "answer", ""].map(str::to_owned);
        let answers = self.answers.iter().map(|(id, answer)| {
            let (word, text) = shown(answer);
            [id.to_string(), word, short(&text)]
        });
        let missing = self
            .missing
            .iter()
            .map(|id| [id.to_string(), "none".into(), "no answer in time".into()]);
        table(std::iter::once(head).chain(answers).chain(missing))
    }

    fn sum(&self) -> String {
        let (all, no) = (self.answers.len(), self.refusals());
        let mut out = match all {
            0 => "No box answered in time.".to_owned(),
            1 => "1 box answered".to_owned(),
            n => format!("{n} boxes answered"),
        };
        if all > 0 {
            out += &match no {
                0 => ", all of them well.".to_owned(),
                n if n == all => ", none of them well.".to_owned(),
                n => format!(", {n} of them not well."),
            };
        }
        if all > 0 && all < self.expected {
            out += &format!(" Expected were {}.", self.expected);
        }
        out + "\n"
    }
}

fn shown(answer: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if answer["ok"] != true {
        let error = &answer["error"];
        return (text(&error["code"]), text(&error["message"]));
    }
    let data = &answer["data"];
    let words = match (
        data["outcome"].as_str(),
        data["health"]["sentence"].as_str(),
    ) {
        (Some(_), _) => accepted(data),
        (None, Some(sentence)) => format!("{}: {sentence}", text(&data["name"])),
        (None, None) => data.to_string(),
    };
    ("ok".into(), words)
}

fn short(text: &str) -> String {
    let one_line = text.replace(char::is_control, " ");
    if one_line.chars().count() <= SHOWN {
        return one_line;
    }
    one_line.chars().take(SHOWN - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(answers: &[(&str, Value)], missing: &[&str], expected: usize) -> Round {
        Round {
            answers: answers
                .iter()
                .map(|(id, a)| (id.parse().unwrap(), a.clone()))
                .collect(),
            missing: missing.iter().map(|id| id.parse().unwrap()).collect(),
            expected,
        }
    }

    #[test]
    fn the_exit_code_says_whether_all_did_it() {
        let ok = json!({"ok": true, "data": {"outcome": "accepted"}});
        let no = json!({"ok": false, "error": {"code": "conflict", "message": "It cannot.", "retryable": false}});
        let busy =
            json!({"ok": false, "error": {"code": "busy", "message": "Later.", "retryable": true}});
        let code = |r: &Round| r.verdict().map_or_else(|t| t.exit_code(), |()| 0);
        assert_eq!(code(&round(&[("a", ok.clone())], &[], 1)), 0);
        assert_eq!(code(&round(&[], &[], 1)), 75);
        assert_eq!(code(&round(&[("a", ok.clone())], &[], 2)), 75);
        assert_eq!(code(&round(&[("a", ok.clone())], &["b"], 1)), 75);
        assert_eq!(
            code(&round(&[("a", ok.clone()), ("b", busy.clone())], &[], 1)),
            75
        );
        assert_eq!(code(&round(&[("a", busy), ("b", no.clone())], &[], 1)), 65);

        let mixed = round(&[("kasse-1", ok), ("b", no)], &["c"], 3);
        let mut out = Vec::new();
        assert!(mixed.show(false, &mut out).is_err());
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "box      answer",
                "b        conflict  It cannot.",
                "kasse-1  ok        Accepted.",
                "c        none      no answer in time",
                "2 boxes answered, 1 of them not well. Expected were 3."
            ]
        );
        let said = mixed.json();
        assert_eq!(
            (&said["refused"], &said["missing"]),
            (&json!(1), &json!(["c"]))
        );
    }

    #[test]
    fn long_and_wild_answers_stay_one_line() {
        let wild =
            json!({"ok": true, "data": {"outcome": "kept", "message": "x\n\u{1b}[2J".repeat(90)}});
        let text = round(&[("a", wild)], &[], 1).table();
        assert_eq!(text.lines().count(), 2);
        assert!(
            text.chars().count() < 130 && !text.contains('\u{1b}'),
            "{text:?}"
        );
    }
}
