//! The judge: pure, and with tests of its own that it can say no.

use std::collections::BTreeMap;

use serde_json::Value;

/// A thing that a command writes; a write of each value is asked for once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// `bitrate/set`
    Bitrate,
    /// `overlay/text`
    Banner,
    /// `destination/set` with a ceiling
    Ceiling,
}

pub const REGISTERS: [Register; 3] = [Register::Bitrate, Register::Banner, Register::Ceiling];

/// A write that was asked for, in the order of asking, with every answer that came for its id.
#[derive(Debug, Clone)]
pub struct Write {
    pub id: String,
    pub register: Register,
    pub value: u64,
    pub answers: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Ok,
    Fail,
    /// Not known whether it was done.
    Info,
}

/// Everything that was seen.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub writes: Vec<Write>,
    /// What the box's log says ran, in order.
    pub ran: Vec<(Register, u64)>,
    /// Values at the end.
    pub read: BTreeMap<Register, u64>,
    /// (version, revision) of each `reported`, in order.
    pub reported: Vec<(u64, u64)>,
    /// The highest version that was desired.
    pub desired: u64,
    pub kills: u64,
}

/// What is wrong with it.
pub fn faults(history: &History) -> Vec<String> {
    let mut faults = Vec::new();
    for write in &history.writes {
        of_one(history, write, &mut faults);
    }
    for register in REGISTERS {
        of_register(history, register, &mut faults);
    }
    for pair in history.reported.windows(2) {
        if pair[1].0 < pair[0].0 || pair[1].1 < pair[0].1 {
            faults.push(format!("reported fell from {:?} to {:?}", pair[0], pair[1]));
        }
    }
    if history.desired > 0 && history.reported.last().map(|r| r.0) != Some(history.desired) {
        faults.push(format!(
            "version {} was desired, {:?} is reported",
            history.desired,
            history.reported.last()
        ));
    }
    faults
}

fn outcome(write: &Write) -> Outcome {
    match write.answers.first() {
        None => Outcome::Info,
        Some(answer) if answer["ok"] == true => Outcome::Ok,
        Some(answer) if answer["error"]["code"] == "interrupted" => Outcome::Info,
        // The outcome of what could not be saved is not known either.
        Some(answer) if answer["error"]["code"] == "internal" => Outcome::Info,
        Some(_) => Outcome::Fail,
    }
}

fn of_one(history: &History, write: &Write, faults: &mut Vec<String>) {
    let what = (write.register, write.value);
    let ran = history.ran.iter().filter(|r| **r == what).count();
    let id = &write.id;
    if ran > 1 {
        faults.push(format!("{id} {what:?} ran {ran} times"));
    }
    match outcome(write) {
        Outcome::Ok if ran == 0 => {
            faults.push(format!("{id} {what:?} is said to be done and never ran"));
        }
        Outcome::Fail if ran > 0 => faults.push(format!(
            "{id} {what:?} is refused and ran: {:?}",
            write.answers
        )),
        _ => {}
    }
    if write.answers.is_empty() {
        faults.push(format!("{id} {what:?} was never answered"));
    }
    if write.answers.iter().any(|a| *a != write.answers[0]) {
        faults.push(format!("{id} has several answers: {:?}", write.answers));
    }
}

/// The value at the end is that of the last write that was acknowledged, or of one of unknown outcome that ran after it.
fn of_register(history: &History, register: Register, faults: &mut Vec<String>) {
    let ran: Vec<u64> = history
        .ran
        .iter()
        .filter(|r| r.0 == register)
        .map(|r| r.1)
        .collect();
    let acknowledged = |value: &u64| {
        history
            .writes
            .iter()
            .any(|w| w.register == register && w.value == *value && outcome(w) == Outcome::Ok)
    };
    let last = ran.iter().rposition(acknowledged);
    let read = history.read.get(&register).copied();
    let allowed = &ran[last.unwrap_or(0)..];
    match (last, read) {
        (None, None) => {}
        (_, Some(value)) if allowed.contains(&value) => {}
        _ => faults.push(format!(
            "{register:?} is {read:?} at the end; possible are {allowed:?}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> History {
        let write = |id: &str, value, answers: Vec<Value>| Write {
            id: id.into(),
            register: Register::Bitrate,
            value,
            answers,
        };
        let ok = json!({"ok": true});
        let interrupted = json!({"ok": false, "error": {"code": "interrupted"}});
        let limited = json!({"ok": false, "error": {"code": "rate_limited"}});
        History {
            writes: vec![
                write("a", 1, vec![ok.clone(), ok.clone()]),
                write("b", 2, vec![interrupted]),
                write("c", 3, vec![limited]),
                write("d", 4, vec![ok]),
            ],
            ran: [1, 2, 4].map(|v| (Register::Bitrate, v)).into(),
            read: [(Register::Bitrate, 4)].into(),
            reported: vec![(0, 1), (1, 3), (1, 3)],
            desired: 1,
            kills: 1,
        }
    }

    fn after(change: impl FnOnce(&mut History)) -> usize {
        let mut history = good();
        change(&mut history);
        faults(&history).len()
    }

    #[test]
    fn the_judge_lets_a_good_history_pass_and_sees_each_fault() {
        assert_eq!(faults(&good()), [""; 0]);
        let lost = |h: &mut History| {
            h.read.insert(Register::Bitrate, 1);
        };
        let twice = |h: &mut History| h.ran.push((Register::Bitrate, 1));
        let twice_then_overwritten = |h: &mut History| h.ran.insert(1, (Register::Bitrate, 1));
        let never = |h: &mut History| {
            h.ran.remove(0);
        };
        let refused_and_ran = |h: &mut History| h.ran.insert(0, (Register::Bitrate, 3));
        let unanswered = |h: &mut History| h.writes[1].answers.clear();
        let other_answer = |h: &mut History| h.writes[0].answers[1] = json!({"ok": false});
        let fell = |h: &mut History| h.reported[2] = (0, 3);
        let revision_fell = |h: &mut History| h.reported[2] = (1, 2);
        let desired_lost = |h: &mut History| h.desired = 2;
        assert_eq!(after(lost), 1);
        assert!(after(twice) > 0);
        assert_eq!(after(twice_then_overwritten), 1);
        assert_eq!(after(never), 1);
        assert_eq!(after(refused_and_ran), 1);
        assert_eq!(after(unanswered), 1);
        assert_eq!(after(other_answer), 1);
        assert!(after(fell) > 0);
        assert_eq!(after(revision_fell), 1);
        assert_eq!(after(desired_lost), 1);
        // Interrupted after the last that was acknowledged: either may be there.
        let late = |h: &mut History| {
            h.ran = [1, 4, 2].map(|v| (Register::Bitrate, v)).into();
            h.read.insert(Register::Bitrate, 2);
        };
        assert_eq!(after(late), 0);
    }
}
