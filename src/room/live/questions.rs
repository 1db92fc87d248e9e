//! Questions, ranked so that a late good one can rise.
//!
//! The rank is the lower bound of Wilson's score interval (E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical
//! Inference", Journal of the American Statistical Association 22, 1927, p. 209–212) for the share of those who saw a question that
//! voted for it, `z = 1.96`; a question that was seen by few is not judged by how few votes it can have. One vote of two viewers is
//! added to each, so that a new one begins above those that were seen and left alone, and is seen at all.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::act::{By, Refusal, Why};
use super::event::{Event, Fact, QuestionState};
use super::state::{Decision, Live, Now};
use super::texts::{bad, unknown, word};
use super::view;

/// Questions that are kept.
const MAX_QUESTIONS: usize = 300;
/// Questions that wait to be looked at, of one viewer.
const MAX_PENDING: usize = 5;
/// Longest question.
const MAX_TEXT: usize = 300;
/// Voters of one address for one question.
const MAX_OF_ADDRESS: u32 = 200;
/// 95 % on both sides.
const Z: f64 = 1.96;

#[derive(Debug)]
struct Question {
    at_ms: i64,
    viewer: u64,
    name: String,
    text: String,
    origin: Option<String>,
    state: QuestionState,
    votes: HashSet<u64>,
    seen: HashSet<u64>,
    addrs: HashMap<String, u32>,
}

/// All that are kept.
#[derive(Debug, Default)]
pub(super) struct Questions {
    all: BTreeMap<u64, Question>,
}

/// The lower bound of Wilson's interval for `votes` of `seen`, with the first impression added.
pub(super) fn rank(votes: usize, seen: usize) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let (votes, seen) = (votes as f64 + 1.0, seen.max(votes) as f64 + 2.0);
    let share = votes / seen;
    let z2 = Z * Z;
    let centre = share + z2 / (2.0 * seen);
    let margin = Z * (share * (1.0 - share) / seen + z2 / (4.0 * seen * seen)).sqrt();
    (centre - margin) / (1.0 + z2 / seen)
}

fn short(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Question {
    fn rank(&self) -> f64 {
        rank(self.votes.len(), self.seen.len())
    }

    fn is_public(&self) -> bool {
        matches!(
            self.state,
            QuestionState::Live | QuestionState::OnScreen | QuestionState::Answered
        )
    }

    fn view(&self, question: u64) -> view::Question {
        view::Question {
            question,
            at_ms: self.at_ms,
            viewer: self.viewer,
            name: self.name.clone(),
            text: self.text.clone(),
            origin: self.origin.clone(),
            state: self.state,
            votes: short(self.votes.len()),
            seen: short(self.seen.len()),
        }
    }
}

impl Questions {
    pub(super) fn apply(&mut self, event: &Event, addr: Option<&str>) {
        match &event.fact {
            Fact::Asked {
                question,
                name,
                text,
                origin,
            } => {
                let asked = Question {
                    at_ms: event.at_ms,
                    viewer: event.viewer,
                    name: name.clone(),
                    text: text.clone(),
                    origin: origin.clone(),
                    state: QuestionState::Pending,
                    votes: HashSet::new(),
                    seen: HashSet::new(),
                    addrs: HashMap::new(),
                };
                self.all.insert(*question, asked);
                while self.all.len() > MAX_QUESTIONS {
                    let Some(oldest) = self.least() else { break };
                    self.all.remove(&oldest);
                }
            }
            Fact::UpVoted { question, on } => {
                let Some(of) = self.all.get_mut(question) else {
                    return;
                };
                let changed = if *on {
                    of.votes.insert(event.viewer)
                } else {
                    of.votes.remove(&event.viewer)
                };
                if let Some(addr) = addr.filter(|_| changed) {
                    let n = of.addrs.entry(addr.to_owned()).or_default();
                    *n = if *on { *n + 1 } else { n.saturating_sub(1) };
                }
            }
            Fact::QuestionsSeen { questions } => {
                for question in questions {
                    if let Some(of) = self.all.get_mut(question) {
                        of.seen.insert(event.viewer);
                    }
                }
            }
            Fact::QuestionMoved { question, state } => {
                if let Some(of) = self.all.get_mut(question) {
                    of.state = *state;
                }
            }
            _ => {}
        }
    }

    /// What is given up first: rejected, then answered, then pending ones, the oldest of them.
    fn least(&self) -> Option<u64> {
        let order = |state: QuestionState| match state {
            QuestionState::Rejected => 0,
            QuestionState::Answered => 1,
            QuestionState::Pending => 2,
            QuestionState::Live => 3,
            QuestionState::OnScreen => 4,
        };
        let least = self
            .all
            .iter()
            .min_by_key(|(number, of)| (order(of.state), **number));
        least.map(|(number, _)| *number)
    }

    /// Those that all may see: on screen, then live ones, best first, then answered ones, the last first.
    pub(super) fn public(&self) -> Vec<view::Question> {
        let mut public: Vec<_> = self.all.iter().filter(|(_, of)| of.is_public()).collect();
        let group = |state: QuestionState| match state {
            QuestionState::OnScreen => 0,
            QuestionState::Live => 1,
            _ => 2,
        };
        public.sort_by(|(a, x), (b, y)| {
            let by_rank = || match x.state {
                QuestionState::Live => y.rank().total_cmp(&x.rank()),
                _ => std::cmp::Ordering::Equal,
            };
            // Of two of the same rank the later one was seen less.
            group(x.state)
                .cmp(&group(y.state))
                .then_with(by_rank)
                .then(b.cmp(a))
        });
        public
            .into_iter()
            .take(100)
            .map(|(number, of)| of.view(*number))
            .collect()
    }

    /// Those that wait, oldest first.
    pub(super) fn pending(&self) -> Vec<view::Question> {
        let pending = self
            .all
            .iter()
            .filter(|(_, of)| of.state == QuestionState::Pending);
        pending.map(|(number, of)| of.view(*number)).collect()
    }

    pub(super) fn voted_by(&self, viewer: u64) -> Vec<u64> {
        let voted = self.all.iter().filter(|(_, of)| of.votes.contains(&viewer));
        voted.map(|(number, _)| *number).collect()
    }

    fn get(&self, question: u64) -> Result<&Question, Refusal> {
        self.all
            .get(&question)
            .ok_or_else(|| unknown("question", question))
    }
}

impl Live {
    /// A question as the audience sees it, whatever its state.
    #[must_use]
    pub fn question(&self, question: u64) -> Option<view::Question> {
        self.questions
            .all
            .get(&question)
            .map(|of| of.view(question))
    }

    /// Questions of a viewer that nobody has looked at: they alone see them besides the staff.
    pub(super) fn own_pending(&self, viewer: u64) -> Vec<view::Question> {
        let mut own = self.questions.pending();
        own.retain(|of| viewer != 0 && of.viewer == viewer);
        own
    }

    pub(super) fn decide_ask(
        &self,
        by: &By,
        text: &str,
        nonce: Option<&str>,
        now: Now,
    ) -> Result<Decision, Refusal> {
        nonce
            .map(|nonce| word(nonce, super::chat::MAX_NONCE))
            .transpose()?;
        let name = self.speaker(by, now)?;
        self.ask(by.viewer, name, text, None)
    }

    pub(super) fn ask(
        &self,
        viewer: u64,
        name: String,
        text: &str,
        origin: Option<String>,
    ) -> Result<Decision, Refusal> {
        let text = self.texts.audience(text, MAX_TEXT)?;
        let theirs = |of: &&Question| of.viewer == viewer && of.origin == origin && of.name == name;
        let own = || self.questions.all.iter().filter(|(_, of)| theirs(of));
        // Asked again after a reconnect, it is the same question.
        if let Some((number, _)) =
            own().find(|(_, of)| of.text == text && of.state != QuestionState::Rejected)
        {
            return Ok(Decision::again(Some(*number)));
        }
        if own()
            .filter(|(_, of)| of.state == QuestionState::Pending)
            .count()
            >= MAX_PENDING
        {
            return Err(Refusal::new(
                Why::Full,
                "Your questions wait for an answer: ask again later.",
            ));
        }
        let waits =
            |of: &&Question| matches!(of.state, QuestionState::Live | QuestionState::OnScreen);
        if self.questions.all.values().filter(waits).count() >= MAX_QUESTIONS - 50 {
            return Err(Refusal::new(Why::Full, "There are too many questions."));
        }
        let question = self.highest.question + 1;
        let fact = Fact::Asked {
            question,
            name,
            text,
            origin,
        };
        Ok(Decision::of(vec![fact], Some(question)))
    }

    pub(super) fn decide_up_vote(
        &self,
        by: &By,
        question: u64,
        on: bool,
    ) -> Result<Decision, Refusal> {
        self.viewer(by)?;
        let of = self.questions.get(question)?;
        if !of.is_public() {
            return Err(unknown("question", question));
        }
        if of.state == QuestionState::Answered {
            return Err(Refusal::new(Why::Closed, "The question was answered."));
        }
        if of.votes.contains(&by.viewer) == on {
            return Ok(Decision::again(Some(question)));
        }
        let addr = self
            .people
            .addr(by.viewer)
            .and_then(|addr| of.addrs.get(addr));
        if on && addr.is_some_and(|n| *n >= MAX_OF_ADDRESS) {
            return Err(Refusal::new(Why::Full, "Too many voted from this address."));
        }
        Ok(Decision::of(
            vec![Fact::UpVoted { question, on }],
            Some(question),
        ))
    }

    pub(super) fn decide_seen(&self, by: &By, questions: &[u64]) -> Result<Decision, Refusal> {
        self.viewer(by)?;
        if questions.len() > 50 {
            return Err(bad("At most 50 questions."));
        }
        let new = self.unseen(by.viewer, questions.iter().copied());
        if new.is_empty() {
            return Ok(Decision::again(None));
        }
        Ok(Decision::of(
            vec![Fact::QuestionsSeen { questions: new }],
            None,
        ))
    }

    /// Those of the questions that the viewer had not seen, each once.
    pub(super) fn unseen(&self, viewer: u64, questions: impl Iterator<Item = u64>) -> Vec<u64> {
        let all = &self.questions.all;
        let is_new = |q: &u64| {
            all.get(q)
                .is_some_and(|of| of.is_public() && !of.seen.contains(&viewer))
        };
        let mut new: Vec<u64> = questions.filter(is_new).collect();
        new.sort_unstable();
        new.dedup();
        new
    }

    pub(super) fn decide_move(
        &self,
        question: u64,
        state: QuestionState,
    ) -> Result<Decision, Refusal> {
        let of = self.questions.get(question)?;
        if of.state == state {
            return Ok(Decision::again(Some(question)));
        }
        let mut facts = Vec::new();
        if state == QuestionState::OnScreen {
            // One at a time: the one before goes back to where it was voted for.
            let before = self
                .questions
                .all
                .iter()
                .filter(|(_, of)| of.state == QuestionState::OnScreen);
            facts.extend(before.map(|(number, _)| Fact::QuestionMoved {
                question: *number,
                state: QuestionState::Live,
            }));
        }
        facts.push(Fact::QuestionMoved { question, state });
        Ok(Decision::of(facts, Some(question)))
    }
}
