//! Polls.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::{Count, Evidence};
use super::line::Line;
use crate::room::live::event::{Event, Fact};

/// One poll that was open during the show.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct PollReport {
    /// Its number.
    pub poll: u64,
    /// What was asked; empty if the events do not tell.
    pub question: String,
    /// What could be chosen.
    pub choices: Vec<String>,
    /// Votes per choice, counted from the votes: the last one of each viewer.
    pub counts: Vec<Count>,
    /// All votes.
    pub votes: Count,
    /// Choices with the most votes, more than one if tied; empty without votes.
    pub winners: Vec<u32>,
    /// It was closed.
    pub closed: bool,
    /// What the box counted when it was closed is what the votes give; `None`: it was not closed.
    pub agrees: Option<bool>,
}

#[derive(Debug, Default)]
struct Poll {
    report: PollReport,
    inside: bool,
    /// The events of each choice that came or went.
    from: Vec<Evidence>,
    counts: Vec<u64>,
}

impl Poll {
    fn vote(&mut self, choice: u32, instead_of: Option<u32>, event: &Event) {
        let mut step = |choice: u32, up: bool| {
            let Ok(i) = usize::try_from(choice) else {
                return;
            };
            if let (Some(n), Some(from)) = (self.counts.get_mut(i), self.from.get_mut(i)) {
                *n = if up {
                    n.saturating_add(1)
                } else {
                    n.saturating_sub(1)
                };
                from.add(event);
            }
        };
        if let Some(before) = instead_of {
            step(before, false);
        }
        step(choice, true);
    }

    fn done(mut self) -> PollReport {
        let with = self.counts.iter().zip(self.from);
        self.report.counts = with.map(|(n, from)| Count { n: *n, from }).collect();
        for count in &self.report.counts {
            self.report.votes.n = self.report.votes.n.saturating_add(count.n);
            self.report.votes.from.add_all(&count.from);
        }
        let most = self.counts.iter().copied().max().unwrap_or(0);
        let best = (0_u32..)
            .zip(&self.counts)
            .filter(|(_, n)| most > 0 && **n == most);
        self.report.winners = best.map(|(i, _)| i).collect();
        self.report
    }
}

/// Polls that were opened, voted in or closed during the show.
pub(super) fn polls(line: &Line<'_>) -> Vec<PollReport> {
    let mut all: BTreeMap<u64, Poll> = BTreeMap::new();
    for (inside, event) in line.all() {
        let id = match &event.fact {
            Fact::PollOpened {
                poll,
                question,
                choices,
                ..
            } => {
                let entry = all.entry(*poll).or_default();
                entry.report = PollReport {
                    poll: *poll,
                    question: question.clone(),
                    choices: choices.clone(),
                    ..PollReport::default()
                };
                entry.counts = vec![0; choices.len()];
                entry.from = vec![Evidence::default(); choices.len()];
                *poll
            }
            Fact::Voted {
                poll,
                choice,
                instead_of,
            } => {
                if let Some(entry) = all.get_mut(poll) {
                    entry.vote(*choice, *instead_of, event);
                }
                *poll
            }
            Fact::PollClosed { poll, counts, .. } => {
                if let Some(entry) = all.get_mut(poll) {
                    entry.report.closed = true;
                    entry.report.agrees = Some(entry.counts == *counts);
                }
                *poll
            }
            _ => continue,
        };
        if let Some(entry) = all.get_mut(&id) {
            entry.inside |= inside;
        }
    }
    all.into_values()
        .filter(|p| p.inside)
        .map(Poll::done)
        .collect()
}
