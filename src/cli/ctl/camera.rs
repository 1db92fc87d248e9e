//! `boothcast ctl camera`: what the camera can be told, and telling it.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::Subcommand;
use serde::Deserialize;
use serde_json::{Value, json};

use super::order::bare;
use super::peer::Peer;
use super::{show, values};
use crate::cli::outcome::{Trouble, accepted};
use crate::cli::table::table;
use crate::device::command::Command;
use crate::device::control::{self, ControlInfo, ControlKind, ControlName, ControlValue};

/// How long the camera may take to show a value.
const IN_FORCE_LIMIT: Duration = Duration::from_secs(6);
/// Most choices of a menu in a table.
const SHOWN_CHOICES: usize = 6;

/// `ctl camera`.
#[derive(Debug, Subcommand)]
pub enum Camera {
    /// Every control with its value, range and default.
    List,
    /// One control.
    Get {
        /// Its name, as in the list.
        #[arg(value_parser = ControlName::new)]
        control: ControlName,
    },
    /// Set a control, and wait until the camera shows the value; kept, and set again whenever the camera comes back.
    Set {
        /// Its name, as in the list.
        #[arg(value_parser = ControlName::new)]
        control: ControlName,
        /// A number, on or off, or a choice by name.
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Do not wait for the camera.
        #[arg(long)]
        no_wait: bool,
    },
    /// Give one control, or all of them, the default, and forget what was wanted.
    Reset {
        /// Its name, as in the list; without: all of them.
        #[arg(value_parser = ControlName::new)]
        control: Option<ControlName>,
    },
}

/// A control as the status shows it.
#[derive(Debug, Clone, Deserialize)]
struct Control {
    #[serde(flatten)]
    info: ControlInfo,
    /// What was asked for; absent: nothing.
    #[serde(default)]
    wanted: Option<ControlValue>,
    /// Why it is not as wanted, one clause.
    #[serde(default)]
    note: Option<String>,
    /// The camera refused it; the note says why.
    #[serde(default)]
    refused: bool,
}

pub(super) fn run(
    camera: &Camera,
    peer: &mut Peer,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    match camera {
        Camera::List => {
            let status = peer.status()?;
            let text = list(&controls(&status)?) + &kept(&status);
            let both = json!({"controls": all(&status), "kept": status["kept_controls"]});
            show(as_json, &both, &text, out)
        }
        Camera::Get { control } => {
            let status = peer.status()?;
            let found = find(&controls(&status)?, control)?;
            let raw = all(&status).as_array().into_iter().flatten();
            let raw = raw.clone().find(|c| c["control"] == control.as_str());
            show(as_json, raw.unwrap_or(&Value::Null), &one(&found), out)
        }
        Camera::Set {
            control,
            value,
            no_wait,
        } => set(control, value, !no_wait, peer, as_json, out),
        Camera::Reset { control } => {
            let control = control.clone();
            let said = peer.command(&bare(&Command::CameraControlReset { control }))?;
            show(as_json, &said, &accepted(&said), out)
        }
    }
}

/// The one place that knows where the status has them.
fn all(status: &Value) -> &Value {
    &status["controls"]
}

fn controls(status: &Value) -> Result<Vec<Control>, Trouble> {
    Vec::deserialize(all(status))
        .map_err(|e| Trouble::Broken(format!("The box does not say what the camera can do: {e}.")))
}

fn find(controls: &[Control], name: &ControlName) -> Result<Control, Trouble> {
    let found = controls.iter().find(|c| c.info.control == *name).cloned();
    found.ok_or_else(|| {
        let names: Vec<&str> = controls.iter().map(|c| c.info.control.as_str()).collect();
        let mend = if names.is_empty() {
            "The camera has none, or there is no camera.".to_owned()
        } else {
            format!("It has: {}.", names.join(", "))
        };
        Trouble::refused(
            "bad_request",
            format!("The camera has no control named {name}. {mend}"),
        )
    })
}

fn set(
    name: &ControlName,
    text: &str,
    wait: bool,
    peer: &mut Peer,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let known = find(&controls(&peer.status()?)?, name).ok();
    let info = known.as_ref().map(|c| &c.info);
    let value = values::control(text, info);
    let said = peer.command(&bare(&Command::CameraControl {
        control: name.clone(),
        value: value.clone(),
    }))?;
    // What is so already, or comes into effect later, is not waited for.
    let pending = wait && said["outcome"] == "accepted";
    let Some(info) = info.filter(|_| pending) else {
        return show(as_json, &said, &accepted(&said), out);
    };
    // The box has accepted it, so it fits.
    let target = control::check(info, &value).map_err(Trouble::Broken)?;
    let now = in_force(peer, name, target)?;
    let value = now.info.value.map(|v| now.info.show(v)).unwrap_or_default();
    let json = json!({"outcome": "in_force", "control": name, "value": target});
    show(as_json, &json, &format!("{name} is {value}."), out)
}

/// Waits until the camera shows the value.
fn in_force(peer: &mut Peer, name: &ControlName, target: i64) -> Result<Control, Trouble> {
    let end = Instant::now() + IN_FORCE_LIMIT;
    peer.watch()?;
    let mut last = None;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let status = match peer.next_status(left) {
            Err(Trouble::TimedOut(_)) => return Err(not_in_force(name, last.as_ref())),
            other => other?,
        };
        let Ok(now) = find(&controls(&status)?, name) else {
            return Err(Trouble::TimedOut(format!(
                "The camera has gone. {name} is set when it comes back."
            )));
        };
        if now.info.value == Some(target) {
            return Ok(now);
        }
        if now.refused {
            let reason = now.note.as_deref().unwrap_or("it does not say why");
            return Err(Trouble::refused(
                "conflict",
                format!(
                    "The camera refuses {name}: {}.",
                    reason.trim_end_matches('.')
                ),
            ));
        }
        last = Some(now);
    }
}

fn not_in_force(name: &ControlName, last: Option<&Control>) -> Trouble {
    let shown = last.and_then(|c| c.info.value.map(|v| c.info.show(v)));
    let inactive = last.is_some_and(|c| !c.info.active);
    let shown = shown.map_or_else(String::new, |v| format!(" It shows {v}."));
    let mend = if inactive {
        " It has no effect now: switch the automatic off that governs it."
    } else {
        ""
    };
    Trouble::TimedOut(format!(
        "The camera did not take {name} within {} s.{shown}{mend}",
        IN_FORCE_LIMIT.as_secs()
    ))
}

fn list(controls: &[Control]) -> String {
    if controls.is_empty() {
        return "The camera has no controls, or there is no camera.\n".into();
    }
    let head = ["control", "value", "wanted", "default", "takes", ""];
    let rows = controls.iter().map(|c| {
        let info = &c.info;
        [
            info.control.to_string(),
            info.value.map_or_else(|| "?".into(), |v| info.show(v)),
            c.wanted
                .as_ref()
                .map_or_else(|| "-".into(), ToString::to_string),
            info.show(info.default),
            takes(&info.kind),
            remark(c),
        ]
    });
    table(std::iter::once(head.map(str::to_owned)).chain(rows))
}

/// Wishes that the camera of now cannot fulfil.
fn kept(status: &Value) -> String {
    let kept = status["kept_controls"].as_array().into_iter().flatten();
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    kept.map(|k| {
        format!(
            "Kept for later: {} = {} ({})\n",
            text(&k["control"]),
            text(&k["wanted"]),
            text(&k["note"])
        )
    })
    .collect()
}

fn one(control: &Control) -> String {
    let info = &control.info;
    let mut rows = vec![
        [
            "value".into(),
            info.value.map_or_else(|| "?".into(), |v| info.show(v)),
        ],
        ["default".into(), info.show(info.default)],
        ["takes".into(), all_that_it_takes(&info.kind)],
    ];
    if let Some(wanted) = &control.wanted {
        rows.insert(1, ["wanted".into(), wanted.to_string()]);
    }
    let remark = remark(control);
    if !remark.is_empty() {
        rows.push(["note".into(), remark]);
    }
    format!("{} ({})\n{}", info.control, info.label, table(rows))
}

fn takes(kind: &ControlKind) -> String {
    match kind {
        ControlKind::Menu { choices } if choices.len() > SHOWN_CHOICES => format!(
            "{}, … ({} choices)",
            names(&choices[..SHOWN_CHOICES]),
            choices.len()
        ),
        kind => all_that_it_takes(kind),
    }
}

fn all_that_it_takes(kind: &ControlKind) -> String {
    match kind {
        ControlKind::Number { min, max, step } if *step > 1 => {
            format!("{min} to {max} in steps of {step}")
        }
        ControlKind::Number { min, max, .. } => format!("{min} to {max}"),
        ControlKind::Switch => "on, off".into(),
        ControlKind::Menu { choices } => names(choices),
    }
}

fn names(choices: &[(i64, String)]) -> String {
    let names: Vec<&str> = choices.iter().map(|(_, name)| name.as_str()).collect();
    names.join(", ")
}

fn remark(control: &Control) -> String {
    if let Some(note) = &control.note {
        return note.clone();
    }
    match (control.info.writable, control.info.active) {
        (false, _) => "read-only".into(),
        (true, false) => "no effect now".into(),
        (true, true) => String::new(),
    }
}
