//! Board profiles: facts of each board, from `board/*.toml`, compiled in.

use std::io::Read;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::schema::Profile;

/// Where the kernel says which board it runs on; absent on a PC.
const MODEL_FILE: &str = "/proc/device-tree/model";
/// A model text longer than this is cut: it comes from outside.
const MODEL_MAX: u64 = 256;

/// Facts of one board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Short id, the file's name: `rpi4`, `pc`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Beginnings of `/proc/device-tree/model` that mean this board; empty for the fall-back.
    pub models: Vec<String>,
    /// H.264 encoders in the order in which they are tried.
    pub encoders: Vec<String>,
    /// The named profile that the board sustains: the default of `encode.profile` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_profile: Option<Profile>,
    /// Status LED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub led: Option<GpioLine>,
    /// Names in `/sys/class/leds`, best first, of an LED that can stand in where the line of `led` is not there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub led_class: Vec<String>,
    /// Push button.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub button: Option<GpioLine>,
    /// Where the board gets hot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thermal: Option<Thermal>,
    /// The boot partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<Boot>,
}

/// One line of a GPIO chip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpioLine {
    /// Label of the chip, as the kernel's GPIO character device gives it.
    pub chip: String,
    /// Offset of the line on that chip.
    pub line: u32,
    /// Whether the low level means "on" or "pressed".
    pub active_low: bool,
}

/// Temperatures of the processor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thermal {
    /// File that gives thousandths of a degree Celsius.
    pub sensor: PathBuf,
    /// °C from which the firmware begins to slow the processor down.
    pub soft_c: f32,
    /// °C at which it slows it down hard.
    pub limit_c: f32,
}

/// The boot partition as Linux sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boot {
    /// Where it is mounted.
    pub folder: PathBuf,
    /// Files in it that the firmware reads.
    pub files: Vec<String>,
}

/// Each profile with its file's name.
const SOURCES: [(&str, &str); 6] = [
    ("pc", include_str!("../../board/pc.toml")),
    (
        "generic-arm64",
        include_str!("../../board/generic-arm64.toml"),
    ),
    ("rpi3", include_str!("../../board/rpi3.toml")),
    ("rpi4", include_str!("../../board/rpi4.toml")),
    ("rpi5", include_str!("../../board/rpi5.toml")),
    ("rpizero2w", include_str!("../../board/rpizero2w.toml")),
];

/// A profile that does not parse is left out here; a test of this module makes sure that all of them do.
static BOARDS: LazyLock<Vec<Board>> = LazyLock::new(|| {
    SOURCES
        .iter()
        .filter_map(|(_, text)| toml::from_str(text).ok())
        .collect()
});

/// Every board profile.
#[must_use]
pub fn all() -> &'static [Board] {
    &BOARDS
}

/// The board whose `models` fit the text of `/proc/device-tree/model` best (longest beginning); without a fit the
/// generic ARM profile, and without a text (no device tree: a PC) the profile of the processor's kind.
#[must_use]
pub fn detect(model_text: Option<&str>) -> Board {
    let model = model_text.map(|m| m.trim_end_matches('\0').trim());
    let fit = |board: &&Board| {
        let model = model?;
        let of = |m: &String| model.starts_with(m.as_str()).then_some(m.len());
        board.models.iter().filter_map(of).max()
    };
    let arm = model.is_some() || cfg!(target_arch = "aarch64");
    let best = all().iter().filter(|b| fit(b).is_some()).max_by_key(fit);
    best.cloned()
        .unwrap_or_else(|| fall_back(if arm { "generic-arm64" } else { "pc" }))
}

fn fall_back(id: &str) -> Board {
    all()
        .iter()
        .find(|b| b.id == id)
        .cloned()
        .unwrap_or_else(|| Board {
            id: id.to_owned(),
            title: id.to_owned(),
            models: Vec::new(),
            encoders: vec!["x264enc".into(), "openh264enc".into()],
            default_profile: None,
            led: None,
            led_class: Vec::new(),
            button: None,
            thermal: None,
            boot: None,
        })
}

/// The board that this program runs on.
#[must_use]
pub fn detected() -> Board {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(MODEL_FILE)
        .and_then(|f| f.take(MODEL_MAX).read_to_end(&mut bytes))
        .is_ok();
    let text = String::from_utf8_lossy(&bytes);
    detect(read.then_some(text.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_parses_and_is_named_as_its_file() {
        assert_eq!(all().len(), SOURCES.len());
        for (name, text) in SOURCES {
            let board: Board = toml::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(board.id, name);
            assert!(!board.title.is_empty());
            assert!(board.encoders.len() >= 2, "{name} has no fall-back encoder");
            assert_ne!(board.default_profile, Some(Profile::Custom), "{name}");
            if let Some(t) = board.thermal {
                assert!(t.soft_c < t.limit_c && t.limit_c < 110.0, "{name}");
            }
        }
    }

    #[test]
    fn unknown_facts_are_refused() {
        let text = format!("{}\nencoder = 1\n", SOURCES[0].1);
        assert!(toml::from_str::<Board>(&text).is_err());
    }

    #[test]
    fn known_models_are_recognised() {
        for (model, id) in [
            ("Raspberry Pi 3 Model B Plus Rev 1.3\0", "rpi3"),
            ("Raspberry Pi 4 Model B Rev 1.4\0", "rpi4"),
            ("Raspberry Pi 400 Rev 1.0", "rpi4"),
            ("Raspberry Pi Compute Module 4 Rev 1.1", "rpi4"),
            ("Raspberry Pi 5 Model B Rev 1.0", "rpi5"),
            ("Raspberry Pi 500 Rev 1.0", "rpi5"),
            ("Raspberry Pi Zero 2 W Rev 1.0", "rpizero2w"),
            ("Radxa ROCK 5B", "generic-arm64"),
            ("", "generic-arm64"),
        ] {
            assert_eq!(detect(Some(model)).id, id, "{model}");
        }
        let without = detect(None).id;
        assert_eq!(without == "pc", !cfg!(target_arch = "aarch64"));
    }

    #[test]
    fn a_pi_5_never_waits_for_a_hardware_encoder() {
        let pi5 = detect(Some("Raspberry Pi 5"));
        assert_eq!(pi5.encoders, ["x264enc", "openh264enc"]);
        assert_eq!(pi5.default_profile, Some(Profile::P720));
        assert_eq!(
            detect(Some("Raspberry Pi Zero 2 W")).default_profile,
            Some(Profile::P480)
        );
    }
}
