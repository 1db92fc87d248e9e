//! Questions.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::Count;
use super::line::Line;
use super::wilson::wilson;
use crate::room::live::event::{Fact, QuestionState};

/// How many are listed.
const TOP: usize = 10;

/// Questions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Questions {
    /// Asked during the show.
    pub asked: Count,
    /// Those that were answered in it.
    pub answered: Count,
    /// Those that the staff did not want.
    pub rejected: Count,
    /// The best ten: by the lower end of the interval of votes per viewer who saw them.
    pub top: Vec<QuestionReport>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct QuestionReport {
    /// Its number.
    pub question: u64,
    /// Who asked.
    pub name: String,
    /// What.
    pub text: String,
    /// Where it stood at the end.
    pub state: QuestionState,
    /// Viewers who voted for it, at the end.
    pub votes: Count,
    /// Viewers who saw it.
    pub seen: Count,
}

#[derive(Debug, Default)]
struct Question {
    report: QuestionReport,
    inside: bool,
    voters: BTreeSet<u64>,
    viewers: BTreeSet<u64>,
}

impl Questions {
    pub(super) fn of(line: &Line<'_>) -> Self {
        let (mut questions, mut all) = (Self::default(), BTreeMap::<u64, Question>::new());
        let (mut answered, mut rejected) = (BTreeSet::new(), BTreeSet::new());
        for (inside, event) in line.all() {
            match &event.fact {
                Fact::Asked {
                    question,
                    name,
                    text,
                    ..
                } => {
                    let entry = all.entry(*question).or_default();
                    let report = &mut entry.report;
                    (report.question, report.name, report.text) =
                        (*question, name.clone(), text.clone());
                    entry.inside |= inside;
                    if inside {
                        questions.asked.one(event);
                    }
                }
                Fact::UpVoted { question, on } => {
                    let Some(entry) = all.get_mut(question) else {
                        continue;
                    };
                    entry.inside |= inside;
                    if *on {
                        entry.voters.insert(event.viewer);
                    } else {
                        entry.voters.remove(&event.viewer);
                    }
                    entry.report.votes.from.add(event);
                }
                Fact::QuestionsSeen { questions } => {
                    for question in questions {
                        if let Some(entry) = all.get_mut(question) {
                            entry.viewers.insert(event.viewer);
                            entry.report.seen.from.add(event);
                        }
                    }
                }
                Fact::QuestionMoved { question, state } => {
                    if let Some(entry) = all.get_mut(question) {
                        entry.report.state = *state;
                        entry.inside |= inside;
                    }
                    let (once, count) = match state {
                        QuestionState::Answered => (&mut answered, &mut questions.answered),
                        QuestionState::Rejected => (&mut rejected, &mut questions.rejected),
                        _ => continue,
                    };
                    if inside && once.insert(*question) {
                        count.one(event);
                    }
                }
                _ => {}
            }
        }
        questions.top = best(all);
        questions
    }
}

fn best(all: BTreeMap<u64, Question>) -> Vec<QuestionReport> {
    let counted = all
        .into_values()
        .filter(|q| q.inside && q.report.state != QuestionState::Rejected)
        .map(|mut q| {
            q.report.votes.n = q.voters.len() as u64;
            q.report.seen.n = q.viewers.len() as u64;
            q.report
        });
    let mut top: Vec<QuestionReport> = counted.collect();
    let rank =
        |q: &QuestionReport| wilson(q.votes.n, q.seen.n.max(q.votes.n)).map_or(0.0, |i| i.low);
    top.sort_by(|a, b| {
        rank(b)
            .total_cmp(&rank(a))
            .then(a.question.cmp(&b.question))
    });
    top.truncate(TOP);
    top
}
