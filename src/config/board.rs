//! Board profiles: facts of each board, from `board/*.toml`, compiled in; `docs/boards.md` says how to add one.

mod check;
mod detect;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::schema::Profile;

pub use check::read_file;
pub use detect::{Detected, Traces, detect, detected, recognise};

/// Facts of one board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Board {
    /// Short id, the file's name: `rpi4`, `generic`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Beginnings of `/proc/device-tree/model` that mean this board; empty for a fall-back.
    pub models: Vec<String>,
    /// Entries of `/proc/device-tree/compatible` that mean this board, whole; they count before `models`.
    pub compatible: Vec<String>,
    /// H.264 encoders in the order in which they are tried.
    pub encoders: Vec<String>,
    /// The named profile that the board sustains: the default of `encode.profile` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_profile: Option<Profile>,
    /// Status LED on a GPIO line.
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

/// Temperatures of the processor. They say what the *firmware* does; what the box does is `thermal.step_down_c` and
/// `thermal.lowest_c` of the configuration.
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
macro_rules! boards {
    ($($id:literal)*) => {
        const SOURCES: &[(&str, &str)] = &[
            $(($id, include_str!(concat!("../../board/", $id, ".toml")))),*
        ];
    };
}

// One line for each file in `board/`, in the order of the documentation.
boards! {
    "generic"
    "generic-arm64"
    "rpi-zero2w"
    "rpi3"
    "rpi4"
    "rpi5"
    "qemu-virt"
}

/// A profile that does not parse is left out here; a test of this module makes sure that all of them do.
static BOARDS: LazyLock<Vec<Board>> = LazyLock::new(|| {
    let parse = |(_, text): &(&str, &str)| toml::from_str(text).ok();
    SOURCES.iter().filter_map(parse).collect()
});

/// Every board profile.
#[must_use]
pub fn all() -> &'static [Board] {
    &BOARDS
}

/// The profile with this id.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Board> {
    all().iter().find(|b| b.id == id)
}
