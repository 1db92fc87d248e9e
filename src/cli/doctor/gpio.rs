//! Which light and button are used, who says so, and whether their lines can be had. Looks only: no line is taken.

use std::path::Path;

use super::findings::Section;
use super::report::{Mark, PinReport, Problem, Report};
use crate::config::{ButtonConfig, ChosenBy, Lamp, LedConfig};
use crate::edge::gpio::class::{self, CLASS};
use crate::edge::gpio::{BUTTON_CONSUMER, LED_CONSUMER, line};
use crate::error::{Error, Kind, Result};

/// The light that the program would take: the first that is there.
pub(super) fn led(led: &LedConfig) -> PinReport {
    let mut first = None;
    for lamp in &led.lamps {
        match lamp_there(lamp) {
            Err(e) if e.kind() == Kind::NotFound => first = first.or(Some(e)),
            seen => return report("led", led.chosen_by, seen),
        }
    }
    match first {
        Some(e) => report("led", led.chosen_by, Err(e)),
        None => nothing(led.chosen_by),
    }
}

fn lamp_there(lamp: &Lamp) -> Result<String> {
    let words: Vec<String> = match lamp {
        Lamp::Gpio { chip, lines, .. } => lines
            .iter()
            .map(|l| line_there(chip, l, LED_CONSUMER))
            .collect::<Result<_>>()?,
        Lamp::Class { names } => names
            .iter()
            .map(|n| {
                class::look(Path::new(CLASS), n)?;
                Ok(format!("kernel LED {n}"))
            })
            .collect::<Result<_>>()?,
    };
    Ok(words.join(", "))
}

/// The button's line.
pub(super) fn button(button: &ButtonConfig) -> PinReport {
    match &button.line {
        None => nothing(button.chosen_by),
        Some(b) => {
            let seen = line_there(&b.chip, &b.line, BUTTON_CONSUMER);
            report("button", button.chosen_by, seen)
        }
    }
}

/// The line in words; an error when somebody else has it.
fn line_there(chip: &str, wanted: &str, ours: &str) -> Result<String> {
    let found = line::find(chip, wanted)?;
    match found.used_by() {
        None => Ok(found.describe()),
        Some(user) if user == ours => Ok(format!("{}, in use by this program", found.describe())),
        Some(user) => Err(line::in_use(&found.describe(), Some(user))),
    }
}

fn nothing(chosen_by: ChosenBy) -> PinReport {
    PinReport {
        what: None,
        chosen_by,
        usable: false,
        problem: None,
    }
}

fn report(what: &str, chosen_by: ChosenBy, seen: Result<String, Error>) -> PinReport {
    PinReport {
        problem: seen.as_ref().err().map(|e| Problem::new(what, e)),
        usable: seen.is_ok(),
        what: seen.ok(),
        chosen_by,
    }
}

/// The lines of the table.
pub(super) fn findings(report: &Report, mut s: Section) {
    let none = "None; the box shows its state on the network only.";
    pin(&mut s, "led", &report.led, none);
    let none = "None; the box is run over the network only.";
    pin(&mut s, "button", &report.button, none);
}

fn pin(s: &mut Section, name: &str, pin: &PinReport, none: &str) {
    let from = match pin.chosen_by {
        ChosenBy::Configuration => "from the configuration",
        ChosenBy::Board => "from the board's facts",
        ChosenBy::Nobody => "",
    };
    match (&pin.what, &pin.problem) {
        (_, Some(p)) => {
            let text = format!("{} ({from})", p.sentence.trim_end_matches('.'));
            let mend = p.mend.as_deref();
            // A board's own header may well be empty of light and button: a box without them works.
            s.bad(name, text, mend.unwrap_or("Correct the configuration."));
        }
        (Some(what), None) => s.add(Mark::Good, name, format!("{what} ({from})")),
        (None, None) if pin.chosen_by == ChosenBy::Configuration => {
            s.add(Mark::Note, name, "Switched off in the configuration.");
        }
        (None, None) => s.add(Mark::Note, name, none),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::report::Finding;
    use crate::config::{Bias, ButtonLine};

    fn said(name: &str, p: &PinReport) -> Finding {
        let mut out = Vec::new();
        pin(&mut Section("Light and button", &mut out), name, p, "None.");
        assert_eq!(out.len(), 1);
        out.remove(0)
    }

    #[test]
    fn a_line_that_is_not_there_is_told_with_where_it_comes_from() {
        // No machine has a chip of this name.
        let lamps = vec![Lamp::Gpio {
            chip: "boothcast-test-no-such-chip".into(),
            lines: vec!["1".into()],
            active_low: false,
        }];
        let seen = led(&LedConfig {
            notify: false,
            lamps,
            chosen_by: ChosenBy::Board,
        });
        assert!(!seen.usable);
        let finding = said("led", &seen);
        assert_eq!(finding.mark, Mark::Bad);
        let begin = "there is no GPIO chip named boothcast-test-no-such-chip; ";
        assert!(finding.text.starts_with(begin), "{}", finding.text);
        assert!(
            finding.text.ends_with("(from the board's facts)"),
            "{}",
            finding.text
        );
        assert!(finding.mend.is_some());
        let seen = button(&ButtonConfig {
            line: Some(ButtonLine {
                chip: String::new(),
                line: "BOOTHCAST-TEST-NO-SUCH-LINE".into(),
                active_low: true,
                bias: Bias::PullUp,
                debounce_ms: 20,
            }),
            chosen_by: ChosenBy::Configuration,
        });
        assert!(
            said("button", &seen)
                .text
                .ends_with("(from the configuration)")
        );
    }

    #[test]
    fn none_is_no_fault() {
        for (chosen_by, text) in [
            (ChosenBy::Nobody, "None."),
            (
                ChosenBy::Configuration,
                "Switched off in the configuration.",
            ),
        ] {
            let none = led(&LedConfig {
                notify: false,
                lamps: Vec::new(),
                chosen_by,
            });
            let finding = said("led", &none);
            assert_eq!((finding.mark, finding.text.as_str()), (Mark::Note, text));
        }
        let there = PinReport {
            what: Some("line 17 of GPIO chip soc".into()),
            chosen_by: ChosenBy::Board,
            usable: true,
            problem: None,
        };
        let finding = said("led", &there);
        assert_eq!(finding.mark, Mark::Good);
        assert_eq!(
            finding.text,
            "line 17 of GPIO chip soc (from the board's facts)"
        );
    }
}
