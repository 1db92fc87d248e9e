//! `[led]` and `[button]`: which light shows the state and which line is the button. The board's facts are the
//! defaults; the kind of light follows from what is written.

use serde::{Deserialize, Serialize};

use super::board::Board;
use super::build::Merged;
use super::problems::{Origin, Problem, Problems};
use super::schema::Config;
use super::value::checks;

/// Who chose a light or a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    /// Somebody wrote it.
    Configuration,
    /// The board's facts.
    Board,
    /// Nobody did: there is none.
    Nobody,
}

/// A light that can be driven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lamp {
    /// GPIO lines.
    Gpio {
        /// Label, name or path of the chip; empty: every chip is searched for the lines' names.
        chip: String,
        /// One line, or three (red, green, blue): offsets or names.
        lines: Vec<String>,
        /// Whether the low level is the lit one.
        active_low: bool,
    },
    /// LEDs of the kernel's class `/sys/class/leds`: one name, or three (red, green, blue).
    Class {
        /// Names.
        names: Vec<String>,
    },
}

/// `[led]`, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedConfig {
    /// Lights in the order in which they are tried: the next one stands in where one is not there. Empty: none.
    pub lamps: Vec<Lamp>,
    /// Who chose it.
    pub chosen_by: ChosenBy,
    /// Whether it blinks once for a notification on the picture.
    pub notify: bool,
}

/// Resistor that holds a line at a level while nothing drives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bias {
    /// To the high level.
    PullUp,
    /// To the low level.
    PullDown,
    /// As it is: the circuit has a resistor of its own.
    None,
}

/// The button's line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ButtonLine {
    /// Label, name or path of the chip; empty: every chip is searched for the line's name.
    pub chip: String,
    /// Offset or name.
    pub line: String,
    /// Whether the low level means "pressed".
    pub active_low: bool,
    /// Resistor.
    pub bias: Bias,
    /// Time for which a level must hold until it counts, ms.
    pub debounce_ms: u32,
}

/// `[button]`, resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ButtonConfig {
    /// Its line; `None`: there is no button.
    pub line: Option<ButtonLine>,
    /// Who chose it.
    pub chosen_by: ChosenBy,
}

const RGB: [&str; 3] = ["led.red", "led.green", "led.blue"];

/// What the board's facts say, as `(key, text)`; the levels, which are no text, by [`levels_of_board`].
pub fn texts_of_board(board: &Board) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    if let Some(led) = &board.led {
        out.push(("led.chip", led.chip.clone()));
        out.push(("led.line", led.line.to_string()));
    }
    if !board.led_class.is_empty() {
        out.push(("led.name", board.led_class.join(",")));
    }
    if let Some(button) = &board.button {
        out.push(("button.chip", button.chip.clone()));
        out.push(("button.line", button.line.to_string()));
    }
    out
}

/// The lit and the pressed level of the board, as `(key, active low)`.
pub fn levels_of_board(board: &Board) -> Vec<(&'static str, bool)> {
    let led = board.led.as_ref().map(|l| ("led.active_low", l.active_low));
    let button = board.button.as_ref();
    let button = button.map(|b| ("button.active_low", b.active_low));
    led.into_iter().chain(button).collect()
}

/// Whether somebody wrote one of the keys, and it was accepted.
fn wrote(m: &Merged, paths: &[&str]) -> bool {
    paths
        .iter()
        .any(|p| m.written(p).is_some_and(|e| e.value.is_some()))
}

/// The kind of light that is meant; `board` where nobody says.
fn kind(m: &Merged) -> &str {
    match m.text("led.kind") {
        "auto" if wrote(m, &["led.line"]) || wrote(m, &RGB) => "gpio",
        "auto" if wrote(m, &["led.name"]) => "class",
        "auto" => "board",
        kind => kind,
    }
}

/// The three texts of the colours, where they are written.
fn colours(m: &Merged) -> Option<Vec<String>> {
    let all = || RGB.iter().map(|p| m.text(p).to_owned()).collect();
    wrote(m, &RGB).then(all)
}

fn gpio(m: &Merged) -> Option<Lamp> {
    let line = m.text("led.line");
    let single = || (!line.is_empty()).then(|| vec![line.to_owned()]);
    Some(Lamp::Gpio {
        chip: m.text("led.chip").to_owned(),
        lines: colours(m).or_else(single)?,
        active_low: m.bool("led.active_low"),
    })
}

fn class(m: &Merged) -> Vec<Lamp> {
    let names = m.text("led.name").split(',').map(str::trim);
    names
        .filter(|n| !n.is_empty())
        .map(|n| Lamp::Class {
            names: vec![n.to_owned()],
        })
        .collect()
}

/// `[led]`; what does not fit together is reported by [`check`].
pub fn led(m: &Merged) -> LedConfig {
    let kind = kind(m);
    let lamps: Vec<Lamp> = match kind {
        "gpio" => gpio(m).into_iter().collect(),
        "class" => match colours(m) {
            Some(names) => vec![Lamp::Class { names }],
            None => class(m),
        },
        "board" => gpio(m).into_iter().chain(class(m)).collect(),
        _ => Vec::new(),
    };
    let own: &[&str] = match kind {
        "gpio" | "board" => &["led.chip", "led.line", "led.red"],
        "class" => &["led.name", "led.red"],
        _ => &["led.kind"],
    };
    let chosen_by = match (wrote(m, own), lamps.is_empty()) {
        (true, _) => ChosenBy::Configuration,
        (false, true) => ChosenBy::Nobody,
        (false, false) => ChosenBy::Board,
    };
    LedConfig {
        lamps,
        chosen_by,
        notify: m.bool("led.notify"),
    }
}

/// `[button]`.
pub fn button(m: &Merged) -> Result<ButtonConfig, Problems> {
    let active_low = match m.value("button.active_low") {
        Some(_) => m.bool("button.active_low"),
        None => true,
    };
    let bias = match m.text("button.bias") {
        "" if active_low => Bias::PullUp,
        "" => Bias::PullDown,
        _ => m.word("button.bias")?,
    };
    let line = m.text("button.line");
    let there = m.bool("button.enabled") && !line.is_empty();
    let configured = wrote(m, &["button.line", "button.chip"])
        || (wrote(m, &["button.enabled"]) && !m.bool("button.enabled"));
    Ok(ButtonConfig {
        line: there.then(|| ButtonLine {
            chip: m.text("button.chip").to_owned(),
            line: line.to_owned(),
            active_low,
            bias,
            debounce_ms: m.number("button.debounce_ms").unwrap_or(20),
        }),
        chosen_by: match (configured, there) {
            (true, _) => ChosenBy::Configuration,
            (false, true) => ChosenBy::Board,
            (false, false) => ChosenBy::Nobody,
        },
    })
}

/// Whether `line` is an offset rather than a name.
#[must_use]
pub fn is_offset(line: &str) -> bool {
    !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit())
}

/// What does not fit together.
pub fn check(m: &Merged, config: &Config, errors: &mut Problems, warnings: &mut Problems) {
    let keys = ["led.kind", "led.chip", "led.line", "led.name"];
    if !keys.iter().chain(&RGB).any(|p| m.refused(p)) {
        light(m, config, errors, warnings);
    }
    let keys = ["button.enabled", "button.chip", "button.line"];
    if !keys.iter().any(|p| m.refused(p)) {
        button_line(m, config, errors);
    }
}

fn light(m: &Merged, config: &Config, errors: &mut Problems, warnings: &mut Problems) {
    let kind = kind(m);
    if kind != "off" && !three_colours(m, errors) {
        return;
    }
    match kind {
        "gpio" => {
            no_effect(m, &["led.name"], "on GPIO lines", warnings);
            if config.led.lamps.is_empty() {
                let clause =
                    "= \"gpio\" needs led.line as well, for the board has no LED of its own";
                errors.push(m.origin(&["led.kind"]).problem(clause));
            }
        }
        "class" => {
            let of_lines = ["led.chip", "led.line", "led.active_low"];
            no_effect(m, &of_lines, "an LED of the kernel", warnings);
            if config.led.lamps.is_empty() {
                let at = m.origin(&["led.kind"]);
                let problem = at.problem("= \"class\" needs led.name as well");
                errors.push(problem.mend("ls /sys/class/leds lists the names."));
            }
        }
        _ => {}
    }
    for lamp in &config.led.lamps {
        match lamp {
            Lamp::Gpio { chip, lines, .. } => {
                if chip.is_empty() && lines.iter().any(|l| is_offset(l)) {
                    let at = m.origin(&["led.line", "led.red", "led.green", "led.blue"]);
                    errors.push(needs_chip(&at, "led.chip"));
                }
            }
            Lamp::Class { names } => {
                if let Some(clause) = names.iter().find_map(|n| checks::led_name(n).err()) {
                    let at = m.origin(&["led.name", "led.red", "led.green", "led.blue"]);
                    errors.push(at.problem(&clause));
                }
            }
        }
    }
}

fn no_effect(m: &Merged, paths: &[&str], light: &str, warnings: &mut Problems) {
    for path in paths {
        if let Some(entry) = m.written(path) {
            let clause = format!("has no effect while the light is {light}");
            warnings.push(entry.at.problem(&clause));
        }
    }
}

/// Three colours or none, each its own, and none beside the single light. Says whether it is so.
fn three_colours(m: &Merged, errors: &mut Problems) -> bool {
    if !wrote(m, &RGB) {
        return true;
    }
    let missing: Vec<_> = RGB.into_iter().filter(|p| m.text(p).is_empty()).collect();
    if !missing.is_empty() {
        let clause = format!("needs {} as well", missing.join(" and "));
        errors.push(m.origin(&RGB).problem(&clause));
        return false;
    }
    let mut sound = true;
    for (n, path) in RGB.iter().enumerate() {
        if let Some(same) = RGB[..n].iter().find(|p| m.text(p) == m.text(path)) {
            let clause = format!("is the same as {same}");
            errors.push(m.origin(&[path]).problem(&clause));
            sound = false;
        }
    }
    for single in ["led.line", "led.name"] {
        if let Some(entry) = m.written(single) {
            let clause = "cannot stand beside led.red, led.green and led.blue";
            let mend = "Keep the single light or the three colours.";
            errors.push(entry.at.problem(clause).mend(mend));
            sound = false;
        }
    }
    sound
}

fn needs_chip(at: &Origin, key: &str) -> Problem {
    at.problem(&format!("is a number, so {key} is needed as well"))
        .mend("gpiodetect lists the chips; a line can also be written by its name.")
}

fn button_line(m: &Merged, config: &Config, errors: &mut Problems) {
    let Some(button) = &config.button.line else {
        if wrote(m, &["button.enabled"]) && m.bool("button.enabled") {
            let at = m.origin(&["button.enabled"]);
            let clause = "is true, but button.line is not set and the board has no button";
            let mend = "Set button.chip and button.line, or remove button.enabled.";
            errors.push(at.problem(clause).mend(mend));
        }
        return;
    };
    if button.chip.is_empty() && is_offset(&button.line) {
        errors.push(needs_chip(&m.origin(&["button.line"]), "button.chip"));
    }
    let shared = |lamp: &Lamp| {
        matches!(lamp, Lamp::Gpio { chip, lines, .. }
            if *chip == button.chip && lines.contains(&button.line))
    };
    if config.led.lamps.iter().any(shared) {
        let at = m.origin(&[
            "button.line",
            "led.line",
            "led.red",
            "led.green",
            "led.blue",
        ]);
        let clause = format!(
            "is line {}, and the light and the button share it",
            button.line
        );
        let mend = "Give the light and the button a line each.";
        errors.push(at.problem(&clause).mend(mend));
    }
}

#[cfg(test)]
#[path = "gpio_tests.rs"]
mod tests;
