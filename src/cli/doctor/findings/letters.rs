//! The judgement on fonts.

use super::super::report::{Mark, Report};
use super::{Section, problems};

/// The script without which nothing is written at all.
const NEEDED: &str = "Latin";

pub(super) fn letters(report: &Report, mut s: Section) {
    problems(report, &mut s, "fonts");
    let written: Vec<&str> = report
        .fonts
        .iter()
        .filter(|w| w.family.is_some())
        .map(|w| w.script)
        .collect();
    if !written.is_empty() {
        s.add(Mark::Good, "fonts", format!("For {}.", written.join(", ")));
    }
    for missing in report.fonts.iter().filter(|w| w.family.is_none()) {
        let mend = format!("Install one: apt-get install {}", missing.package);
        if missing.script == NEEDED {
            let text = "There is no font for it: nothing is written on the picture.";
            s.bad(missing.script, text, mend);
        } else {
            let text = "There is no font for it: boxes stand for its letters.";
            s.add(Mark::Note, missing.script, text);
            s.mend(mend);
        }
    }
}
