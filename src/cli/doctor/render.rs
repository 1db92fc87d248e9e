//! The table for people: aligned, at most 80 columns, one sign and plain words per line.

use super::report::{Finding, Mark};

const WIDTH: usize = 80;
/// Where the text begins.
const TEXT_AT: usize = 24;

/// The findings, section by section.
#[must_use]
pub fn table(findings: &[Finding]) -> String {
    let mut out = String::new();
    let mut section = "";
    for finding in findings {
        if finding.section != section {
            section = finding.section;
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(section);
            out.push('\n');
        }
        line(&mut out, finding);
    }
    out
}

fn line(out: &mut String, finding: &Finding) {
    let sign = match finding.mark {
        Mark::Good => '✓',
        Mark::Bad => '✗',
        Mark::Note => '–',
    };
    let name: String = printable(&finding.name).chars().take(WIDTH - 4).collect();
    let head = format!("  {sign} {name}");
    let used = head.chars().count();
    out.push_str(&head);
    if used + 1 > TEXT_AT {
        out.push('\n');
        out.push_str(&" ".repeat(TEXT_AT));
    } else {
        out.push_str(&" ".repeat(TEXT_AT - used));
    }
    paragraph(out, &printable(&finding.text));
    if let Some(mend) = &finding.mend {
        out.push_str(&" ".repeat(TEXT_AT));
        paragraph(out, &format!("→ {}", printable(mend)));
    }
}

/// Words, broken at the width; the first line begins where the cursor is.
fn paragraph(out: &mut String, text: &str) {
    let room = WIDTH - TEXT_AT;
    let mut used = 0;
    for word in text.split_whitespace() {
        for piece in pieces(word, room) {
            let length = piece.chars().count();
            if used > 0 && used + 1 + length > room {
                out.push('\n');
                out.push_str(&" ".repeat(TEXT_AT));
                used = 0;
            } else if used > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(&piece);
            used += length;
        }
    }
    out.push('\n');
}

/// A word that is longer than a line is cut.
fn pieces(word: &str, room: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    letters.chunks(room).map(|c| c.iter().collect()).collect()
}

/// Names come from devices and the network: nothing of them may steer the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finding(mark: Mark, name: &str, text: &str, mend: Option<&str>) -> Finding {
        Finding {
            section: "Cameras",
            mark,
            name: name.into(),
            text: text.into(),
            mend: mend.map(str::to_owned),
        }
    }

    #[test]
    fn lines_are_aligned_and_the_mend_stands_below() {
        let table = table(&[
            finding(Mark::Good, "C920", "MJPEG", None),
            finding(
                Mark::Bad,
                "a name that is longer than its column",
                "is broken in a way that takes more than the one line which there is for it",
                Some("Mend it."),
            ),
        ]);
        let expected = "\
Cameras
  ✓ C920                MJPEG
  ✗ a name that is longer than its column
                        is broken in a way that takes more than the one line
                        which there is for it
                        → Mend it.
";
        assert_eq!(table, expected);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_table(name in "\\PC{0,30}|.{0,30}", text in "(?s).{0,200}", mend in "(?s).{1,90}") {
            let table = table(&[finding(Mark::Bad, &name, &text, Some(&mend))]);
            for line in table.lines() {
                prop_assert!(line.chars().count() <= WIDTH, "{line}");
            }
            prop_assert!(table.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
}
