//! `[led]` and `[button]` from text to what is driven.

use std::path::PathBuf;

use super::super::board::{self, Board, GpioLine};
use super::super::load::{Destinations, Text, compose};
use super::super::{Config, Loaded, Sources};
use super::*;

fn board() -> Board {
    Board {
        led: Some(GpioLine {
            chip: "soc".into(),
            line: 17,
            active_low: true,
        }),
        led_class: vec!["ACT".into(), "led0".into()],
        button: Some(GpioLine {
            chip: "soc".into(),
            line: 27,
            active_low: true,
        }),
        ..bare()
    }
}

fn bare() -> Board {
    Board {
        led: None,
        led_class: Vec::new(),
        button: None,
        ..board::all()[0].clone()
    }
}

fn load(board: Board, toml: &str) -> Result<Loaded, Problems> {
    let sources = Sources {
        files: Vec::new(),
        env: Vec::new(),
        set: Vec::new(),
        board: board::Detected {
            board,
            why: "of the test".into(),
        },
        default_state: "/state".into(),
    };
    let text = Text {
        path: PathBuf::from("b.toml"),
        text: toml.to_owned(),
        open: false,
    };
    compose(&[text], Problems::default(), &sources, Destinations::All)
}

fn config(board: Board, toml: &str) -> Config {
    load(board, toml)
        .unwrap_or_else(|e| panic!("{toml}: {e}"))
        .config
}

fn errors(board: Board, toml: &str) -> String {
    let loaded = load(board, toml);
    loaded.map(|l| l.config.led).unwrap_err().to_string()
}

fn gpio(chip: &str, lines: &[&str], active_low: bool) -> Lamp {
    Lamp::Gpio {
        chip: chip.into(),
        lines: lines.iter().map(ToString::to_string).collect(),
        active_low,
    }
}

fn class(names: &[&str]) -> Lamp {
    Lamp::Class {
        names: names.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn the_board_is_the_default_and_its_kernel_leds_stand_in() {
    let led = config(board(), "").led;
    assert_eq!(led.chosen_by, ChosenBy::Board);
    let all = [
        gpio("soc", &["17"], true),
        class(&["ACT"]),
        class(&["led0"]),
    ];
    assert_eq!(led.lamps, all);
    let led = config(bare(), "").led;
    assert_eq!((led.lamps.len(), led.chosen_by), (0, ChosenBy::Nobody));
    let led = config(board(), "[led]\nkind = \"off\"").led;
    assert_eq!(
        (led.lamps.len(), led.chosen_by),
        (0, ChosenBy::Configuration)
    );
}

#[test]
fn what_is_written_says_the_kind() {
    for (toml, expected) in [
        // One key changes one thing of the board's line.
        ("line = 4", vec![gpio("soc", &["4"], true)]),
        (
            "line = \"STATUS\"\nchip = \"x\"",
            vec![gpio("x", &["STATUS"], true)],
        ),
        (
            "kind = \"gpio\"\nactive_low = false",
            vec![gpio("soc", &["17"], false)],
        ),
        (
            "red = 1\ngreen = 2\nblue = \"B\"",
            vec![gpio("soc", &["1", "2", "B"], true)],
        ),
        ("name = \"a, b\"", vec![class(&["a"]), class(&["b"])]),
        ("kind = \"class\"", vec![class(&["ACT"]), class(&["led0"])]),
        (
            "kind = \"class\"\nred = \"r:s\"\ngreen = \"g\"\nblue = \"b\"",
            vec![class(&["r:s", "g", "b"])],
        ),
    ] {
        let led = config(board(), &format!("[led]\n{toml}")).led;
        assert_eq!(led.lamps, expected, "{toml}");
    }
    // A line's name needs no chip.
    let led = config(bare(), "[led]\nline = \"STATUS\"").led;
    assert_eq!(led.lamps, [gpio("", &["STATUS"], false)]);
    assert_eq!(led.chosen_by, ChosenBy::Configuration);
}

#[test]
fn the_button_is_the_boards_unless_something_else_is_written() {
    let button = config(board(), "").button;
    assert_eq!(button.chosen_by, ChosenBy::Board);
    let line = ButtonLine {
        chip: "soc".into(),
        line: "27".into(),
        active_low: true,
        bias: Bias::PullUp,
        debounce_ms: 20,
    };
    assert_eq!(button.line.as_ref(), Some(&line));
    let own = "[button]\nline = \"KEY\"\nactive_low = false\ndebounce_ms = 5";
    let button = config(board(), own).button;
    let other = ButtonLine {
        line: "KEY".into(),
        active_low: false,
        bias: Bias::PullDown,
        debounce_ms: 5,
        ..line
    };
    assert_eq!(button.line, Some(other));
    let button = config(board(), "[button]\nbias = \"none\"").button;
    assert_eq!(button.line.map(|l| l.bias), Some(Bias::None));
    let off = config(board(), "[button]\nenabled = false").button;
    assert_eq!((off.line, off.chosen_by), (None, ChosenBy::Configuration));
    let none = config(bare(), "").button;
    assert_eq!((none.line, none.chosen_by), (None, ChosenBy::Nobody));
}

#[test]
fn what_does_not_fit_together_is_told_with_its_mend() {
    for (board, toml, expected) in [
        (bare(), "[led]\nkind = \"gpio\"", "needs led.line as well"),
        (bare(), "[led]\nkind = \"class\"", "needs led.name as well"),
        (bare(), "[led]\nline = 4", "so led.chip is needed as well"),
        (
            bare(),
            "[led]\nchip = \"c\"\nred = 4",
            "needs led.green and led.blue as well",
        ),
        (
            board(),
            "[led]\nred = 4\ngreen = 5\nblue = 4",
            "is the same as led.red",
        ),
        (
            board(),
            "[led]\nline = 1\nred = 4\ngreen = 5\nblue = 6",
            "cannot stand beside",
        ),
        (board(), "[led]\nline = -1", "must be a line's number"),
        (board(), "[led]\nline = 70000", "must be a line's number"),
        (
            board(),
            "[led]\nline = \"70000\"",
            "must be a line's number",
        ),
        (board(), "[led]\nline = \"\"", "must be a line's number"),
        (board(), "[led]\nline = true", "must be a line's number"),
        (
            board(),
            "[led]\nname = \"../x\"",
            "must be a name in /sys/class/leds",
        ),
        (
            board(),
            "[led]\nname = \"a,,b\"",
            "must be a name in /sys/class/leds",
        ),
        (
            bare(),
            "[led]\nkind = \"class\"\nred = \"r\"\ngreen = \"..\"\nblue = \"b\"",
            "must be a name in /sys/class/leds",
        ),
        (
            bare(),
            "[button]\nenabled = true",
            "the board has no button",
        ),
        (
            bare(),
            "[button]\nline = 3",
            "so button.chip is needed as well",
        ),
        (
            board(),
            "[button]\nline = 17",
            "the light and the button share it",
        ),
        (
            board(),
            "[button]\ndebounce_ms = 0",
            "must be a whole number from 1 to 500",
        ),
        (board(), "[button]\nbias = \"up\"", "must be one of pull-up"),
    ] {
        let text = errors(board, toml);
        assert!(text.contains(expected), "{toml}:\n{text}");
        assert_eq!(text.lines().count(), 1, "{toml}:\n{text}");
    }
}

#[test]
fn keys_without_effect_are_warned_of() {
    let loaded = load(board(), "[led]\nkind = \"class\"\nactive_low = true").unwrap();
    let text = loaded.warnings[0].to_string();
    assert!(
        text.contains("has no effect while the light is an LED of the kernel"),
        "{text}"
    );
    let loaded = load(board(), "[led]\nline = 4\nname = \"ACT\"").unwrap();
    let text = loaded.warnings[0].to_string();
    assert!(
        text.contains("has no effect while the light is on GPIO lines"),
        "{text}"
    );
}
