//! Controls of a camera under names that mean the same on every camera: pure.
//!
//! Drivers name the same control differently (`White Balance, Automatic`, `Auto White Balance`), but number it alike
//! (`V4L2_CID_…` of `linux/v4l2-controls.h`). The well-known ones get fixed names and come first; the others are named
//! by the driver's label.

use std::collections::BTreeSet;

use super::control::{Control, ControlKind};
use crate::device::control::{ControlInfo, ControlKind as Kind, ControlName};

/// More than any camera that a person sets up has; well-known ones are the last to be cut off.
const MAX: usize = 64;

const USER: u32 = 0x0098_0900;
const CAMERA: u32 = 0x009a_0900;
/// `V4L2_CTRL_CLASS_CODEC`: encoders inside a camera; the box encodes by itself.
const CODEC_CLASS: u32 = 0x0099_0000;

/// In the order in which they are shown. Of two with one name the first is the one that is meant.
const KNOWN: [(u32, &str); 34] = [
    (USER, "brightness"),
    (USER + 1, "contrast"),
    (USER + 2, "saturation"),
    (USER + 3, "hue"),
    (USER + 25, "hue_auto"),
    (USER + 27, "sharpness"),
    (USER + 16, "gamma"),
    (USER + 12, "white_balance_auto"),
    (USER + 26, "white_balance"),
    (USER + 14, "red_balance"),
    (USER + 15, "blue_balance"),
    (CAMERA + 1, "exposure_auto"),
    (CAMERA + 2, "exposure"),
    (USER + 17, "exposure"),
    (CAMERA + 3, "exposure_auto_priority"),
    (CAMERA + 19, "exposure_bias"),
    (USER + 18, "gain_auto"),
    (USER + 19, "gain"),
    (USER + 28, "backlight_compensation"),
    (USER + 24, "power_line_frequency"),
    (CAMERA + 12, "focus_auto"),
    (CAMERA + 10, "focus"),
    (CAMERA + 13, "zoom"),
    (CAMERA + 8, "pan"),
    (CAMERA + 9, "tilt"),
    (CAMERA + 17, "iris"),
    (CAMERA + 23, "iso"),
    (CAMERA + 24, "iso_auto"),
    (CAMERA + 16, "privacy"),
    (USER + 20, "horizontal_flip"),
    (USER + 21, "vertical_flip"),
    (USER + 34, "rotate"),
    (USER + 32, "brightness_auto"),
    (CAMERA + 22, "image_stabilization"),
];

/// A control and how it is known outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    pub control: Control,
    pub info: ControlInfo,
}

/// Those that have a value which can be kept: no buttons, texts and arrays, no codec. At most [`MAX`], each name once.
pub(super) fn named(controls: Vec<Control>) -> Vec<Named> {
    let mut ranked: Vec<(usize, Control, Kind)> = controls
        .into_iter()
        .filter(|c| !c.acts && c.id & 0xffff_0000 != CODEC_CLASS)
        .filter_map(|c| kind_of(&c).map(|kind| (rank(c.id), c, kind)))
        .collect();
    // Stable: the others stay in the driver's order.
    ranked.sort_by_key(|(rank, ..)| *rank);
    ranked.truncate(MAX);
    let mut taken = BTreeSet::new();
    ranked
        .into_iter()
        .filter_map(|(rank, control, kind)| {
            let plain = match KNOWN.get(rank) {
                Some((_, name)) => ControlName::new(name).ok(),
                None => ControlName::from_label(&control.name),
            };
            let name = unique(plain, control.id, &taken)?;
            taken.insert(name.clone());
            let info = info(name, &control, kind);
            Some(Named { control, info })
        })
        .collect()
}

fn rank(id: u32) -> usize {
    KNOWN
        .iter()
        .position(|(known, _)| *known == id)
        .unwrap_or(KNOWN.len())
}

/// The name, or the name with the first number from 2 on that is free; a label without letters gives `control`.
fn unique(
    plain: Option<ControlName>,
    id: u32,
    taken: &BTreeSet<ControlName>,
) -> Option<ControlName> {
    let plain = plain.or_else(|| ControlName::new(&format!("control_{id:08x}")).ok())?;
    if !taken.contains(&plain) {
        return Some(plain);
    }
    (2..=MAX + 1)
        .filter_map(|n| {
            let end = format!("_{n}");
            let room = ControlName::MAX - end.len();
            let head: String = plain.as_str().chars().take(room).collect();
            ControlName::new(&format!("{head}{end}")).ok()
        })
        .find(|name| !taken.contains(name))
}

fn kind_of(c: &Control) -> Option<Kind> {
    match c.kind {
        ControlKind::Integer | ControlKind::Integer64 if c.min <= c.max => Some(Kind::Number {
            min: c.min,
            max: c.max,
            step: c.step.max(1),
        }),
        // The kernel gives no smallest value and no step for bits; any of them may be set.
        ControlKind::Bitmask if c.max > 0 => Some(Kind::Number {
            min: 0,
            max: c.max,
            step: 1,
        }),
        ControlKind::Boolean => Some(Kind::Switch),
        ControlKind::Menu | ControlKind::IntegerMenu if !c.choices.is_empty() => Some(Kind::Menu {
            choices: c.choices.clone(),
        }),
        _ => None,
    }
}

fn info(control: ControlName, c: &Control, kind: Kind) -> ControlInfo {
    ControlInfo {
        control,
        label: c.name.clone(),
        kind,
        default: c.default,
        value: c.value,
        writable: c.writable,
        active: c.active,
    }
}

impl Named {
    /// Why `value` cannot be set, one clause; `None`: it can.
    pub(super) fn refusal(&self, value: i64) -> Option<String> {
        let name = &self.info.control;
        if !self.info.writable {
            return Some(format!("{name} can be read but not set"));
        }
        match &self.info.kind {
            Kind::Number { min, max, .. } if !(*min..=*max).contains(&value) => Some(format!(
                "{name} goes from {min} to {max}, and {value} is outside"
            )),
            Kind::Switch if !(0..=1).contains(&value) => Some(format!(
                "{name} is off (0) or on (1), and {value} is neither"
            )),
            Kind::Menu { choices } if !choices.iter().any(|(i, _)| *i == value) => {
                let all: Vec<String> = choices
                    .iter()
                    .take(12)
                    .map(|(i, text)| format!("{i} ({text})"))
                    .collect();
                Some(format!(
                    "{name} has no choice {value}, but {}",
                    all.join(", ")
                ))
            }
            _ => None,
        }
    }

    /// What to say of a control without effect: which of the others switches it off, where that is known.
    pub(super) fn why_inactive(&self, all: &[Self]) -> String {
        let name = &self.info.control;
        let automatic = format!("{name}_auto");
        match all.iter().find(|n| n.info.control.as_str() == automatic) {
            Some(n) => format!("{name} has no effect while {automatic} is {}", n.setting()),
            None => format!("{name} has no effect while other controls are set as they are"),
        }
    }

    fn setting(&self) -> String {
        let value = self.info.value.unwrap_or(1);
        match &self.info.kind {
            Kind::Menu { choices } => choices
                .iter()
                .find(|(i, _)| *i == value)
                .map_or_else(|| value.to_string(), |(_, text)| format!("\"{text}\"")),
            Kind::Switch if value == 1 => "on".to_owned(),
            _ => value.to_string(),
        }
    }
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
