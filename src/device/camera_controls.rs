//! The controls of the camera that is open: what it says of them, and which of the wishes must be set (again).
//!
//! After each opening a wish whose value differs is asked for once. A camera that rounds or refuses it is not asked again
//! until the camera comes back or somebody wishes something else, so set and report can never chase one another. One
//! exception: when a switch or a menu changed or a control came into effect, numbers are asked again (an automatic may
//! have held them), at most [`TIMES`] times per opening.
//!
//! Order: numbers that go back to their default, wished switches and menus, wished numbers, switches and menus that go back
//! to their default. So an automatic is off before the value that it governs is set, and on again only after. A number that
//! has no effect now waits until it has.

use std::collections::{BTreeMap, BTreeSet};

use super::actual::clean;
use super::control::{ControlInfo, ControlKind, ControlName, ControlValue, check};

/// Most controls of a camera that are kept.
pub const MAX_CONTROLS: usize = 256;
/// Most choices of a menu that are kept.
pub const MAX_CHOICES: usize = 128;
/// Most times that a value is asked for in one opening.
pub const TIMES: u8 = 3;

/// What is known of the controls of the camera that is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Controls {
    /// The camera was asked; without that the rest means nothing.
    pub known: bool,
    /// What it has.
    pub infos: Vec<ControlInfo>,
    /// Values that it refused: why, one clause.
    pub failed: BTreeMap<ControlName, String>,
    /// Controls that go back to their default.
    resets: BTreeSet<ControlName>,
    asked: BTreeMap<ControlName, Asked>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    value: i64,
    times: u8,
    /// Not again, until something that may govern it changed.
    settled: bool,
}

impl Controls {
    /// The camera went: nothing is known any more.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// The camera came: everything is asked for anew. What it said while it was being opened stays.
    pub fn opened(&mut self) {
        self.asked.clear();
    }

    /// The control of a name.
    #[must_use]
    pub fn find(&self, name: &ControlName) -> Option<&ControlInfo> {
        self.infos.iter().find(|i| i.control == *name)
    }

    /// What the camera says. The text comes from a driver, so it is made fit to be shown, and bounded.
    pub fn learn(&mut self, infos: Vec<ControlInfo>) {
        let mut seen = BTreeSet::new();
        let infos: Vec<ControlInfo> = infos
            .into_iter()
            .filter(|i| seen.insert(i.control.clone()))
            .take(MAX_CONTROLS)
            .map(tidy)
            .collect();
        let moved = infos.iter().any(|new| {
            self.find(&new.control).is_some_and(|old| {
                old.active != new.active || (governs(new) && old.value != new.value)
            })
        });
        self.known = true;
        self.infos = infos;
        if moved {
            for info in self.infos.iter().filter(|i| !governs(i)) {
                if let Some(asked) = self.asked.get_mut(&info.control) {
                    asked.settled = false;
                }
            }
        }
    }

    /// The camera refused a value of a control that it has.
    pub fn refused(&mut self, name: ControlName, reason: &str) {
        if self.find(&name).is_some() {
            self.failed.insert(name, clean(reason));
        }
    }

    /// Somebody wishes a value: it is asked for whatever was asked before.
    pub fn wish(&mut self, name: &ControlName) {
        self.asked.remove(name);
        self.failed.remove(name);
        self.resets.remove(name);
    }

    /// Somebody wishes the default of one control, or of all.
    pub fn reset(&mut self, name: Option<&ControlName>) {
        let names: Vec<ControlName> = match name {
            Some(name) => vec![name.clone()],
            None => self.infos.iter().map(|i| i.control.clone()).collect(),
        };
        for name in names {
            self.wish(&name);
            self.resets.insert(name);
        }
    }

    /// What must be set now, in this order; noted as asked.
    pub fn due(&mut self, wanted: &BTreeMap<ControlName, ControlValue>) -> Vec<(ControlName, i64)> {
        let mut goals: Vec<(u8, ControlName, i64)> = Vec::new();
        for info in self.infos.iter().filter(|i| i.writable) {
            let name = &info.control;
            let wish = wanted.get(name).and_then(|v| check(info, v).ok());
            let (goal, rank) = match (wish, self.resets.contains(name)) {
                (Some(goal), _) => (goal, if governs(info) { 1 } else { 2 }),
                (None, true) => (info.default, if governs(info) { 3 } else { 0 }),
                (None, false) => continue,
            };
            if info.value == Some(goal) {
                self.resets.remove(name);
                self.failed.remove(name);
            } else if (governs(info) || info.active) && may_ask(&mut self.asked, name, goal) {
                goals.push((rank, name.clone(), goal));
            }
        }
        goals.sort_by_key(|(rank, ..)| *rank);
        goals
            .into_iter()
            .map(|(_, name, goal)| (name, goal))
            .collect()
    }
}

/// Whether a control can be an automatic that governs numbers.
fn governs(info: &ControlInfo) -> bool {
    !matches!(info.kind, ControlKind::Number { .. })
}

fn may_ask(asked: &mut BTreeMap<ControlName, Asked>, name: &ControlName, value: i64) -> bool {
    match asked.get_mut(name) {
        Some(before) => {
            // Another number for the same wish: the camera changed its ranges or choices.
            let again = !before.settled || before.value != value;
            if !again || before.times >= TIMES {
                return false;
            }
            before.value = value;
            before.times += 1;
            before.settled = true;
        }
        None => {
            let first = Asked {
                value,
                times: 1,
                settled: true,
            };
            asked.insert(name.clone(), first);
        }
    }
    true
}

fn tidy(mut info: ControlInfo) -> ControlInfo {
    info.label = clean(&info.label);
    if let ControlKind::Menu { choices } = &mut info.kind {
        choices.truncate(MAX_CHOICES);
        for (_, name) in choices {
            *name = clean(name);
        }
    }
    info
}

#[cfg(test)]
#[path = "camera_controls_tests.rs"]
mod tests;
