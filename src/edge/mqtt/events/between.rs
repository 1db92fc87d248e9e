//! The difference of two statuses.

use serde_json::json;

use super::{Happened, Kind};
use crate::device::event::{DestinationState, PowerState, Rendition};
use crate::device::health::Severity;
use crate::device::status::{SourceStatus, Status};
use crate::device::thermal::HeatLevel;
use crate::device::update::{Outcome, UpdateWord};
use crate::edge::mqtt::tell::{SourceWord, Wishes};

/// What happened between two statuses. Nothing while the box ends: `conn` says that.
#[must_use]
pub fn between(before: &Status, now: &Status) -> Vec<Happened> {
    if now.ending {
        return Vec::new();
    }
    let mut out = Vec::new();
    out.extend(live(before, now));
    out.extend(camera(before, now));
    out.extend(mic(before, now));
    out.extend(slate(before, now));
    encoders(before, now, &mut out);
    destinations(before, now, &mut out);
    out.extend(heat(before, now));
    power(before, now, &mut out);
    out.extend(update(before, now));
    out.extend(button(before, now));
    desired(&Wishes::of(before), &Wishes::of(now), &mut out);
    out.extend(health(before, now));
    out
}

fn live(before: &Status, now: &Status) -> Option<Happened> {
    let message = if now.live {
        "The box was told to go live."
    } else {
        "The box was told to end the show."
    };
    (before.live != now.live).then(|| {
        Happened::new(
            Kind::Live,
            Severity::Notice,
            message,
            json!({"live": now.live}),
        )
    })
}

/// Warnings and problems, each with its sentence, and the way out of them. Starting and connecting are not told.
fn health(before: &Status, now: &Status) -> Option<Happened> {
    let bad = |s: &Status| s.health.severity >= Severity::Warning;
    let other = before.health.severity != now.health.severity
        || bad(now) && before.health.sentence != now.health.sentence;
    (other && (bad(before) || bad(now))).then(|| {
        Happened::new(
            Kind::Health,
            now.health.severity,
            now.health.sentence.clone(),
            json!({"before": before.health.severity}),
        )
    })
}

fn camera(before: &Status, now: &Status) -> Option<Happened> {
    source(
        (&before.camera, &now.camera),
        (Kind::Camera, Severity::Problem),
        "camera",
    )
}

fn mic(before: &Status, now: &Status) -> Option<Happened> {
    source(
        (&before.mic, &now.mic),
        (Kind::Mic, Severity::Warning),
        "microphone",
    )
}

fn source(
    (before, now): (&SourceStatus, &SourceStatus),
    (kind, loss): (Kind, Severity),
    what: &str,
) -> Option<Happened> {
    let state = SourceWord::from(now);
    if SourceWord::from(before) == state {
        return None;
    }
    match now {
        SourceStatus::Up { description, .. } => Some(Happened::new(
            kind,
            Severity::Ok,
            format!("The {what} is there: {}.", full(description)),
            json!({"state": state, "description": description}),
        )),
        SourceStatus::Lost { reason, .. } => Some(Happened::new(
            kind,
            loss,
            format!("The {what} is lost: {}.", full(reason)),
            json!({"state": state, "reason": reason}),
        )),
        SourceStatus::Off | SourceStatus::Opening => None,
    }
}

/// A clause without the point at its end.
fn full(clause: &str) -> &str {
    clause.trim_end_matches('.')
}

fn slate(before: &Status, now: &Status) -> Option<Happened> {
    let message = if now.slate {
        "The slate is on air instead of the camera."
    } else {
        "The camera is on air."
    };
    (before.slate != now.slate).then(|| {
        let data = json!({"slate": now.slate});
        Happened::new(Kind::Slate, Severity::Notice, message, data)
    })
}

fn encoders(before: &Status, now: &Status, out: &mut Vec<Happened>) {
    for encoder in &now.encoders {
        let Some(then) = before
            .encoders
            .iter()
            .find(|e| e.rendition == encoder.rendition)
        else {
            continue;
        };
        if encoder.failures <= then.failures {
            continue;
        }
        let failed = then.encoder.as_deref().unwrap_or("encoder");
        let reason = encoder.reason.as_deref().unwrap_or("it failed");
        let rendition = match encoder.rendition {
            Rendition::Main => "main",
            Rendition::Sub => "small",
        };
        let mut message = format!(
            "The encoder {failed} of the {rendition} picture failed: {}.",
            full(reason)
        );
        let next = encoder.encoder.as_deref().filter(|n| *n != failed);
        if let Some(next) = next {
            message.push_str(&format!(" {next} takes over."));
        }
        let data = json!({"rendition": encoder.rendition, "failed": failed, "next": next, "reason": reason});
        let happened = Happened::new(Kind::Encoder, Severity::Warning, message, data);
        out.push(happened.about(rendition));
    }
}

fn destinations(before: &Status, now: &Status, out: &mut Vec<Happened>) {
    for destination in &now.destinations {
        let then = before
            .destinations
            .iter()
            .find(|d| d.name == destination.name)
            .map_or(&DestinationState::Off, |d| &d.state);
        if let Some((severity, word, reason)) = turn(then, &destination.state) {
            let name = &destination.name;
            let mut message = match word {
                "live" => format!("{name} takes the stream"),
                "ended" => format!("The push to {name} has ended"),
                "key_rejected" => format!("{name} refuses the stream key"),
                _ => format!("The push to {name} is lost"),
            };
            if let Some(reason) = reason {
                message.push_str(&format!(": {}", full(reason)));
            }
            message.push('.');
            let data = json!({"destination": name, "state": word, "reason": reason});
            let happened = Happened::new(Kind::Destination, severity, message, data);
            out.push(happened.about(name.as_str()));
        }
    }
}

/// What a change of a push is called. Tries in vain before the first success show in the health.
fn turn<'a>(
    before: &DestinationState,
    now: &'a DestinationState,
) -> Option<(Severity, &'static str, Option<&'a str>)> {
    use DestinationState as S;
    match (before, now) {
        (S::Live, S::Live) | (S::KeyRejected { .. }, S::KeyRejected { .. }) => None,
        (_, S::Live) => Some((Severity::Ok, "live", None)),
        (_, S::KeyRejected { reason }) => Some((Severity::Problem, "key_rejected", Some(reason))),
        (S::Live, S::Waiting { reason, .. }) => Some((Severity::Warning, "lost", Some(reason))),
        (S::Live, S::Connecting) => Some((Severity::Warning, "lost", None)),
        (S::Live, S::Off) => Some((Severity::Notice, "ended", None)),
        _ => None,
    }
}

fn heat(before: &Status, now: &Status) -> Option<Happened> {
    let level = now.hardware.heat;
    let (severity, message) = match level {
        HeatLevel::Normal => (Severity::Ok, "Cool enough: the picture is as wanted again."),
        HeatLevel::Reduced => (Severity::Warning, "Hot: the picture is made smaller."),
        HeatLevel::Lowest => (
            Severity::Warning,
            "Very hot: the picture is at its smallest.",
        ),
    };
    (before.hardware.heat != level).then(|| {
        let data = json!({"level": level, "temperature_c": now.hardware.temperature_c});
        Happened::new(Kind::Heat, severity, message, data)
    })
}

fn power(before: &Status, now: &Status, out: &mut Vec<Happened>) {
    let of = |s: &Status| s.hardware.power.unwrap_or_default();
    let (then, power): (PowerState, PowerState) = (of(before), of(now));
    let data = || json!({"under_voltage": power.under_voltage, "throttled": power.throttled});
    if then.under_voltage != power.under_voltage {
        let (severity, message) = if power.under_voltage {
            let mend = "The power supply is too weak. Use the supply made for this board, and a short cable.";
            (Severity::Problem, mend)
        } else {
            (Severity::Ok, "The power supply is well again.")
        };
        out.push(Happened::new(Kind::Power, severity, message, data()).about("supply"));
    }
    if then.throttled != power.throttled {
        let (severity, message) = if power.throttled {
            (
                Severity::Warning,
                "The processor is slowed down for its supply or its heat.",
            )
        } else {
            (Severity::Ok, "The processor runs at its full speed again.")
        };
        out.push(Happened::new(Kind::Power, severity, message, data()).about("speed"));
    }
}

/// The end of an update, and that it is installed. What was told after an earlier start is not told again.
fn update(before: &Status, now: &Status) -> Option<Happened> {
    let (then, update) = (&before.update, &now.update);
    let installed = update.state == UpdateWord::Waiting && then.state != UpdateWord::Waiting;
    let ended = update.ended.filter(|_| update.news);
    let ended = ended.filter(|_| then.note != update.note || then.ended != update.ended);
    let (severity, word, version) = match ended {
        _ if installed => (Severity::Notice, "installed", &update.next),
        None => return None,
        Some(Outcome::Kept) => (Severity::Ok, "kept", &update.ended_version),
        Some(Outcome::Failed) => (Severity::Warning, "failed", &update.ended_version),
        Some(Outcome::TakenBack) => (Severity::Problem, "taken_back", &update.ended_version),
    };
    let data = json!({"update": word, "version": version, "slot": update.slot});
    let message = update.note.clone().unwrap_or_default();
    Some(Happened::new(Kind::Update, severity, message, data).about(word))
}

fn button(before: &Status, now: &Status) -> Option<Happened> {
    let press = now.hardware.button.as_ref()?;
    let told = |s: &Status| s.hardware.button.as_ref().map(|b| (b.at_ms, b.gesture));
    if told(before) == told(now) {
        return None;
    }
    let answer = press.answer.as_deref();
    let message = answer.map_or_else(
        || "The button was pressed.".to_owned(),
        |a| format!("The button was pressed. {a}"),
    );
    let data = json!({"gesture": press.gesture, "answer": answer});
    Some(Happened::new(Kind::Button, Severity::Notice, message, data))
}

fn desired(before: &Wishes, now: &Wishes, out: &mut Vec<Happened>) {
    let (then, desired) = (&before.desired, &now.desired);
    let version = desired.version;
    if version != then.version || desired.errors != then.errors {
        let errors = desired.errors.len();
        let (severity, message) = match errors {
            0 => (
                Severity::Notice,
                format!("The desired settings, version {version}, are taken up."),
            ),
            1 => (
                Severity::Warning,
                format!("One of the desired settings, version {version}, cannot be taken up."),
            ),
            n => (
                Severity::Warning,
                format!("{n} of the desired settings, version {version}, cannot be taken up."),
            ),
        };
        let data = json!({"version": version, "errors": desired.errors});
        out.push(Happened::new(Kind::Desired, severity, message, data).about("taken"));
    }
    if let Some(why) = &desired.rolled_back
        && desired.rolled_back != then.rolled_back
    {
        let data = json!({"version": version, "rolled_back": why});
        let rolled_back = Happened::new(Kind::Desired, Severity::Problem, why.clone(), data);
        out.push(rolled_back.about("rolled back"));
    }
}
