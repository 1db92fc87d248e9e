//! Settings of an operator, applied key by key: each goes through the same policy as the command that it stands for; what is
//! wrong is reported with its path, all else is applied. How they are read stands in `desired_read.rs`, what happens when
//! they stop the picture in `trial.rs`.

use serde_json::Value;

use super::command::Origin;
use super::desired_read::{Leaf, Read, Wish, read, short};
use super::effect::Effect;
use super::policy::{self, Decision, Denial, DenialCode, deny, ignore};
use super::settings::SettingError;
use super::state::{Desired, State, Wanted};

/// Most groups that a box belongs to.
pub const MAX_GROUPS: usize = 16;
/// Most entries of a map or a list.
pub const MAX_ENTRIES: usize = 64;
/// Most errors that are kept.
pub const MAX_ERRORS: usize = 64;
/// The settings themselves, their parts, the parts of those.
const MAX_DEPTH: usize = 3;
/// The longest text, bytes: a stream key may have 2048.
const MAX_TEXT: usize = 4096;

/// What becomes of settings as a whole.
pub(super) fn decide(state: &State, version: u64, settings: &Value) -> Decision {
    if version == 0 {
        return deny(
            DenialCode::Invalid,
            "Version 0 does not count. Versions of settings begin with 1 and rise.",
        );
    }
    let taken = state.wanted.desired.as_ref().map_or(0, |d| d.version);
    if version <= taken {
        return ignore(format!(
            "Version {version} of the settings is not newer than version {taken}, which was taken up already."
        ));
    }
    let Value::Object(_) = settings else {
        return deny(
            DenialCode::Invalid,
            "Settings are a JSON object such as {\"live\":true}.",
        );
    };
    match check_size(settings, MAX_DEPTH) {
        Ok(()) => Decision::Accept,
        Err(message) => deny(DenialCode::Invalid, message),
    }
}

/// `depth`: maps and lists that may stand within one another from here on.
fn check_size(value: &Value, depth: usize) -> Result<(), String> {
    let (len, parts): (usize, Vec<&Value>) = match value {
        Value::Object(map) => (map.len(), map.values().take(MAX_ENTRIES).collect()),
        Value::Array(list) => (list.len(), list.iter().take(MAX_ENTRIES).collect()),
        Value::String(text) if text.len() > MAX_TEXT => {
            return Err(format!(
                "A text in the settings is longer than {MAX_TEXT} bytes."
            ));
        }
        _ => return Ok(()),
    };
    if len > MAX_ENTRIES {
        return Err(format!(
            "A part of the settings has {len} entries. Give at most {MAX_ENTRIES}."
        ));
    }
    if depth == 0 {
        return Err(format!(
            "The settings are nested deeper than {MAX_DEPTH} levels."
        ));
    }
    parts
        .into_iter()
        .try_for_each(|part| check_size(part, depth - 1))
}

impl State {
    /// Applies what [`decide`] accepted.
    pub(super) fn apply_desired(
        &mut self,
        origin: Origin,
        version: u64,
        settings: &Value,
        after: &mut Vec<Effect>,
    ) {
        let before = self.wanted.clone();
        let Read { leaves, mut errors } = read(self, settings);
        for Leaf { path, wish } in leaves {
            if let Err(denial) = self.apply_leaf(origin, wish, after) {
                errors.push(error(path, &denial));
            }
        }
        errors.truncate(MAX_ERRORS);
        self.wanted.desired = Some(Desired {
            version,
            errors,
            rolled_back: None,
        });
        self.actual.watch.rolled_back_at = None;
        if shows(&before) != shows(&self.wanted) {
            self.begin_trial(&before);
        }
    }

    fn apply_leaf(
        &mut self,
        origin: Origin,
        wish: Wish,
        after: &mut Vec<Effect>,
    ) -> Result<(), Denial> {
        match wish {
            Wish::Groups(groups) => self.wanted.groups = groups,
            Wish::Command(command) => match policy::decide(self, &command, origin) {
                Decision::Accept | Decision::Keep(_) => self.wish(command, after),
                Decision::Ignore(_) => {}
                Decision::Deny(denial) => return Err(denial),
            },
        }
        Ok(())
    }
}

/// What of the wishes may show in the picture.
fn shows(wanted: &Wanted) -> Wanted {
    Wanted {
        revision: 0,
        groups: Vec::new(),
        desired: None,
        trial: None,
        ..wanted.clone()
    }
}

fn error(path: String, denial: &Denial) -> SettingError {
    SettingError {
        path,
        code: denial.code.name(),
        message: short(&denial.message, 400),
    }
}

#[cfg(test)]
#[path = "desired_tests.rs"]
mod tests;
