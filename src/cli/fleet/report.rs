//! What a roll-out would do, and what it did: tables, JSON, exit code.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Value, json};

use super::apply::Plan;
use super::drive::{End, World};
use super::known::Known;
use super::rollout::{Judged, Rollout, Worse};
use super::settings::{self, Change};
use crate::cli::outcome::{REFUSED, Trouble};
use crate::cli::table::table;
use crate::config::BoxId;

/// Exit code after Ctrl-C: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;
/// The most names in one line.
const NAMES: usize = 5;
/// The most boxes in the table of those that got worse.
const ROWS: usize = 50;

/// What a roll-out did.
pub(super) struct Report {
    pub end: End,
    /// Boxes that were not online and were written to at the end.
    pub left_for_later: usize,
    /// What was before is written back: how many boxes have taken it.
    pub rolled_back: Option<Result<usize, Trouble>>,
    touched: Vec<BoxId>,
    left: usize,
    offline: usize,
    already: usize,
    judged: Vec<Judged>,
    worse: Vec<(BoxId, Worse)>,
    seed: u64,
}

impl Report {
    pub(super) fn new(plan: &Plan, rollout: &Rollout<BoxId>, end: End, seed: u64) -> Self {
        Self {
            end,
            left_for_later: 0,
            rolled_back: None,
            touched: rollout.touched().cloned().collect(),
            left: rollout.left(),
            offline: plan.offline.len(),
            already: plan.already.len(),
            judged: rollout.judged().to_vec(),
            worse: rollout.worse().to_vec(),
            seed,
        }
    }

    /// Shows it, and gives the verdict.
    pub(super) fn show(
        self,
        world: &World,
        as_json: bool,
        out: &mut dyn Write,
    ) -> Result<(), Trouble> {
        let text = if as_json {
            format!("{:#}\n", self.json(world))
        } else {
            format!("{}{}\n", self.table(world), self.sentence())
        };
        let _ = out.write_all(text.as_bytes());
        if let Some(Err(trouble)) = self.rolled_back {
            return Err(trouble);
        }
        match self.end {
            End::Done => Ok(()),
            End::Worse => Err(Trouble::Shown(REFUSED)),
            End::Interrupted => Err(Trouble::Shown(INTERRUPTED)),
            // As JSON one document is enough, and it holds the reason.
            End::Failed(trouble) if as_json => Err(Trouble::Shown(trouble.exit_code())),
            End::Failed(trouble) => Err(trouble),
        }
    }

    fn word(&self) -> &'static str {
        match (&self.end, &self.rolled_back) {
            (_, Some(_)) => "rolled_back",
            (End::Done, _) => "done",
            (End::Worse, _) => "stopped",
            (End::Interrupted, _) => "interrupted",
            (End::Failed(_), _) => "failed",
        }
    }

    fn json(&self, world: &World) -> Value {
        let worse: BTreeMap<&BoxId, Value> = self
            .worse
            .iter()
            .map(|(id, worse)| (id, json!({"how": worse, "why": why(world, id, *worse)})))
            .collect();
        let taken = self.rolled_back.as_ref().and_then(|r| r.as_ref().ok());
        let reason = match &self.end {
            End::Failed(trouble) => trouble.text(),
            _ => None,
        };
        json!({
            "outcome": self.word(),
            "reason": reason,
            "applied": self.touched,
            "not_applied": self.left,
            "already_so": self.already,
            "offline": self.offline,
            "left_for_later": self.left_for_later,
            "stages": self.judged,
            "worse": worse,
            "taken_back": taken,
            "seed": self.seed,
        })
    }

    fn table(&self, world: &World) -> String {
        let mut rows = vec![["stage", "boxes", "got worse"].map(str::to_owned)];
        for j in &self.judged {
            rows.push([
                format!("{} %", j.share),
                j.touched.to_string(),
                j.worse.to_string(),
            ]);
        }
        let mut out = if self.judged.is_empty() {
            String::new()
        } else {
            table(rows)
        };
        if !self.worse.is_empty() {
            out.push_str("\nGot worse:\n");
            let rows = self.worse.iter().take(ROWS);
            out += &table(rows.map(|(id, worse)| [format!("  {id}"), why(world, id, *worse)]));
            if self.worse.len() > ROWS {
                out += &format!("  and {} more\n", self.worse.len() - ROWS);
            }
            out.push('\n');
        }
        out
    }

    fn sentence(&self) -> String {
        let (n, left) = (self.touched.len(), self.left);
        let has = |n: usize| {
            if n == 1 {
                "1 box has".to_owned()
            } else {
                format!("{n} boxes have")
            }
        };
        let mut text = match &self.end {
            End::Done if n == 0 => "There was nothing to write.".to_owned(),
            End::Done if left > 0 => {
                format!("{} the settings; the stages leave {left} out.", has(n))
            }
            End::Done => format!("{} the settings.", has(n)),
            End::Worse => format!(
                "Stopped: {} of {n} got worse. {} the settings, {left} were not touched.",
                self.worse.len(),
                has(n)
            ),
            End::Interrupted => {
                format!(
                    "Stopped by Ctrl-C. {} the settings, {left} were not touched.",
                    has(n)
                )
            }
            End::Failed(_) => {
                format!("Failed. Up to {n} boxes have the settings, {left} were not touched.")
            }
        };
        match &self.rolled_back {
            Some(Ok(taken)) => {
                text += &format!(
                    " What was before is written back; {} taken it.",
                    has(*taken)
                );
            }
            Some(Err(_)) => text += " What was before could not be written back to all of them.",
            None if self.end == End::Worse => {
                text += " With --rollback what was before would be written back.";
            }
            None => {}
        }
        let mut also = |n: usize, what: &str| {
            if n > 0 {
                text += &format!(" {n} {what}.");
            }
        };
        also(self.already, "had them already");
        also(self.left_for_later, "offline take them when they come");
        also(
            self.offline - self.left_for_later.min(self.offline),
            "offline were left out (--offline writes to them, too)",
        );
        text
    }
}

/// In which way a box is worse, for people.
fn why(world: &World, id: &BoxId, worse: Worse) -> String {
    let known = world.boxes.all.get(id);
    let of_settings = |text: fn(&super::known::Settings) -> Option<&str>| {
        known
            .and_then(|k| k.settings.as_ref())
            .and_then(text)
            .unwrap_or_default()
            .to_owned()
    };
    match worse {
        Worse::Away => format!("it is {}", known.map_or("away", |k| k.state.word())),
        Worse::NotTaken => "it did not take the settings in time".into(),
        Worse::RolledBack => format!(
            "it rolled them back: {}",
            of_settings(|s| s.rolled_back.as_deref())
        ),
        Worse::Errors => of_settings(|s| s.first_error.as_deref()),
        Worse::NoFrames => format!("its pictures stopped: {}", sentence(known)),
        Worse::Health => sentence(known),
    }
}

fn sentence(known: Option<&Known>) -> String {
    known
        .and_then(|k| k.status.as_ref())
        .map(|s| s.sentence.to_string())
        .unwrap_or_default()
}

/// Shows what would change, boxes with the same changes together.
pub(super) fn dry_run(
    plan: &Plan,
    world: &World,
    file: &Value,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let mut groups: BTreeMap<Vec<Change>, Vec<&BoxId>> = BTreeMap::new();
    for id in plan.online.iter().chain(&plan.offline) {
        let (desired, reported) = (world.desired(id).1, world.reported(id).1);
        let after = settings::overlay(&desired, file);
        let changes = settings::changes(&desired, &after, &reported);
        groups.entry(changes).or_default().push(id);
    }
    let text = if as_json {
        let groups = groups.iter().map(|(changes, boxes)| {
            let changes = changes.iter().map(
                |c| json!({"path": c.path, "from": c.from, "to": c.to, "in_force": c.in_force}),
            );
            json!({"boxes": boxes, "changes": changes.collect::<Vec<_>>()})
        });
        let groups: Vec<Value> = groups.collect();
        format!(
            "{:#}\n",
            json!({"outcome": "dry_run", "changes": groups, "already_so": plan.already, "offline": plan.offline})
        )
    } else {
        let parts: Vec<String> = groups.iter().map(|(c, boxes)| part(c, boxes)).collect();
        format!(
            "{}Nothing was written. {} boxes would get settings, {} have them already, {} are offline.\n",
            parts.concat(),
            plan.online.len(),
            plan.already.len(),
            plan.offline.len()
        )
    };
    let _ = out.write_all(text.as_bytes());
    Ok(())
}

fn part(changes: &[Change], boxes: &[&BoxId]) -> String {
    let names: Vec<&str> = boxes.iter().take(NAMES).map(|id| id.as_str()).collect();
    let more = match boxes.len().saturating_sub(NAMES) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    let mut out = format!("{}{more}:\n", names.join(", "));
    if changes.is_empty() {
        return out + "  the same settings are written again, since others are in force\n";
    }
    let or = |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.to_owned());
    out += &table(changes.iter().map(|c| {
        let now = c.in_force.as_ref().map(|v| format!("(in force: {v})"));
        [
            format!("  {}", c.path),
            format!("{} -> {}", or(&c.from, "not named"), or(&c.to, "not named")),
            now.unwrap_or_default(),
        ]
    }));
    out
}
