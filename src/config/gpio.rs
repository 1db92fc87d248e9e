//! `[led]` and `[button]`: which light shows the state and which line is the button. The board's facts are the
//! defaults; the kind of light follows from what is written.

use serde::{Deserialize, Serialize};

use super::board::Board;
use super::build::Merged;
use super::problems::{Origin, Problems};
use super::schema::Config;

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

/// The light.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lamp {
    /// None.
    Off,
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
    /// The light.
    pub lamp: Lamp,
    /// Who chose it.
    pub chosen_by: ChosenBy,
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
    if let Some(name) = &board.led_class {
        out.push(("led.name", name.clone()));
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

/// The kind of light that is meant: `gpio`, `class` or `off`.
fn kind(m: &Merged) -> &str {
    match m.text("led.kind") {
        "auto" if wrote(m, &["led.line"]) || wrote(m, &RGB) => "gpio",
        "auto" if wrote(m, &["led.name"]) => "class",
        "auto" if !m.text("led.line").is_empty() => "gpio",
        "auto" if !m.text("led.name").is_empty() => "class",
        "auto" => "off",
        kind => kind,
    }
}

/// The lines or names of the light: three where colours are written, else the one of `path`.
fn parts(m: &Merged, path: &str) -> Vec<String> {
    let paths: &[&str] = if wrote(m, &RGB) { &RGB } else { &[path] };
    let texts = paths.iter().map(|p| m.text(p).to_owned());
    texts.filter(|t| !t.is_empty()).collect()
}

/// `[led]`; what does not fit together is reported by [`check`].
pub fn led(m: &Merged) -> LedConfig {
    let light = match kind(m) {
        "gpio" => Lamp::Gpio {
            chip: m.text("led.chip").to_owned(),
            lines: parts(m, "led.line"),
            active_low: m.bool("led.active_low"),
        },
        "class" => Lamp::Class {
            names: parts(m, "led.name"),
        },
        _ => Lamp::Off,
    };
    let own: &[&str] = match light {
        Lamp::Off => &["led.kind"],
        Lamp::Gpio { .. } => &["led.chip", "led.line"],
        Lamp::Class { .. } => &["led.name"],
    };
    let configured = wrote(m, own) || wrote(m, &RGB);
    let chosen_by = match (&light, configured) {
        (_, true) => ChosenBy::Configuration,
        (Lamp::Off, false) => ChosenBy::Nobody,
        (_, false) => ChosenBy::Board,
    };
    LedConfig { light, chosen_by }
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
        colours(m, errors);
        match &config.led.lamp {
            Lamp::Off => {}
            Lamp::Gpio { chip, lines, .. } => {
                led_lines(m, chip, lines, errors);
                no_effect(m, &["led.name"], "on GPIO lines", warnings);
            }
            Lamp::Class { names } => {
                if names.is_empty() {
                    let at = m.origin(&["led.kind"]);
                    let clause = "= \"class\" needs led.name as well";
                    errors.push(at.problem(clause).mend("ls /sys/class/leds lists the names."));
                }
                let of_lines = ["led.chip", "led.line", "led.active_low"];
                no_effect(m, &of_lines, "an LED of the kernel", warnings);
            }
        }
    }
    let keys = ["button.enabled", "button.chip", "button.line"];
    if !keys.iter().any(|p| m.refused(p)) {
        button_line(m, config, errors);
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

/// Three colours or none, each its own, and none beside the single light.
fn colours(m: &Merged, errors: &mut Problems) {
    if !wrote(m, &RGB) || kind(m) == "off" {
        return;
    }
    let missing: Vec<_> = RGB.into_iter().filter(|p| m.text(p).is_empty()).collect();
    if !missing.is_empty() {
        let clause = format!("needs {} as well", missing.join(" and "));
        errors.push(m.origin(&RGB).problem(&clause));
        return;
    }
    for (n, path) in RGB.iter().enumerate() {
        if let Some(same) = RGB[..n].iter().find(|p| m.text(p) == m.text(path)) {
            let clause = format!("is the same as {same}");
            errors.push(m.origin(&[path]).problem(&clause));
        }
    }
    for single in ["led.line", "led.name"] {
        if let Some(entry) = m.written(single) {
            let clause = "cannot stand beside led.red, led.green and led.blue";
            let mend = "Keep the single light or the three colours.";
            errors.push(entry.at.problem(clause).mend(mend));
        }
    }
}

fn led_lines(m: &Merged, chip: &str, lines: &[String], errors: &mut Problems) {
    if lines.is_empty() {
        let clause = "= \"gpio\" needs led.line as well, for the board has no LED of its own";
        errors.push(m.origin(&["led.kind"]).problem(clause));
    } else if chip.is_empty() && lines.iter().any(|l| is_offset(l)) {
        let at = m.origin(&["led.line", "led.red", "led.green", "led.blue"]);
        errors.push(needs_chip(&at, "led.chip"));
    }
}

fn needs_chip(at: &Origin, key: &str) -> super::problems::Problem {
    at.problem(&format!("is a number, so {key} is needed as well"))
        .mend("gpiodetect lists the chips; a line can also be written by its name.")
}

fn button_line(m: &Merged, config: &Config, errors: &mut Problems) {
    let Some(button) = &config.button.line else {
        let asked = wrote(m, &["button.enabled"]) && m.bool("button.enabled");
        if asked {
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
    if let Lamp::Gpio { chip, lines, .. } = &config.led.lamp
        && *chip == button.chip
        && lines.contains(&button.line)
    {
        let at = m.origin(&["button.line", "led.line", "led.red", "led.green", "led.blue"]);
        let clause = format!("is line {}, and the light and the button share it", button.line);
        let mend = "Give the light and the button a line each.";
        errors.push(at.problem(&clause).mend(mend));
    }
}
