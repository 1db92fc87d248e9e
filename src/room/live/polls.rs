//! Polls: one at a time.

use std::collections::HashMap;

use super::act::{By, Refusal, Why};
use super::event::{Event, Fact};
use super::state::{Decision, Live};
use super::texts::{bad, unknown};
use super::view;
use crate::room::moderation::clean;

/// Voters of one address in one poll: whoever throws cookies away gets so many votes, and a shop's Wi-Fi is one address.
pub(super) const MAX_OF_ADDRESS: u32 = 200;

#[derive(Debug)]
struct Poll {
    poll: u64,
    question: String,
    choices: Vec<String>,
    hidden: bool,
    open: bool,
    counts: Vec<u64>,
    winners: Vec<u32>,
    votes: HashMap<u64, u32>,
    addrs: HashMap<String, u32>,
}

/// The poll that is open, or was closed last and is still on show.
#[derive(Debug, Default)]
pub(super) struct Polls {
    now: Option<Poll>,
}

fn place(choice: u32) -> usize {
    usize::try_from(choice).unwrap_or(usize::MAX)
}

impl Polls {
    /// Number of the one on show; 0: none.
    pub(super) fn number(&self) -> u64 {
        self.now.as_ref().map_or(0, |poll| poll.poll)
    }

    pub(super) fn vote_of(&self, viewer: u64) -> Option<u32> {
        self.now.as_ref()?.votes.get(&viewer).copied()
    }

    pub(super) fn apply(&mut self, event: &Event, addr: Option<&str>) {
        if let Fact::PollOpened {
            poll,
            question,
            choices,
            hidden,
        } = &event.fact
        {
            self.now = Some(Poll {
                poll: *poll,
                question: question.clone(),
                choices: choices.clone(),
                hidden: *hidden,
                open: true,
                counts: vec![0; choices.len()],
                winners: Vec::new(),
                votes: HashMap::new(),
                addrs: HashMap::new(),
            });
            return;
        }
        let Some(now) = &mut self.now else { return };
        match &event.fact {
            Fact::Voted { poll, choice, .. } if *poll == now.poll => {
                let Some(count) = now.counts.get_mut(place(*choice)) else {
                    return;
                };
                *count += 1;
                let before = now.votes.insert(event.viewer, *choice);
                match before {
                    Some(before) => {
                        if let Some(count) = now.counts.get_mut(place(before)) {
                            *count = count.saturating_sub(1);
                        }
                    }
                    None => {
                        if let Some(addr) = addr {
                            *now.addrs.entry(addr.to_owned()).or_default() += 1;
                        }
                    }
                }
            }
            Fact::PollClosed { poll, winners, .. } if *poll == now.poll => {
                now.open = false;
                now.winners.clone_from(winners);
            }
            Fact::PollGone { poll } if *poll == now.poll => self.now = None,
            _ => {}
        }
    }

    pub(super) fn view(&self) -> Option<view::Poll> {
        let now = self.now.as_ref()?;
        Some(view::Poll {
            poll: now.poll,
            question: now.question.clone(),
            choices: now.choices.clone(),
            counts: (!now.hidden || !now.open).then(|| now.counts.clone()),
            votes: now.votes.len() as u64,
            open: now.open,
            hidden: now.hidden,
            winners: now.winners.clone(),
        })
    }

    fn get(&self, poll: u64) -> Result<&Poll, Refusal> {
        let now = self.now.as_ref().filter(|now| now.poll == poll);
        now.ok_or_else(|| unknown("poll on show with the number", poll))
    }
}

/// Choices with the most votes; none without votes.
fn winners(counts: &[u64]) -> Vec<u32> {
    let most = counts.iter().copied().max().unwrap_or(0);
    let best = (0_u32..)
        .zip(counts)
        .filter(|(_, n)| **n == most && most > 0);
    best.map(|(choice, _)| choice).collect()
}

impl Live {
    /// The choice that a line of the chat such as `!1` votes for, if a poll is open.
    pub(super) fn vote_in(&self, text: &str) -> Option<u32> {
        self.polls.now.as_ref().filter(|poll| poll.open)?;
        if text.chars().nth(8).is_some() {
            return None;
        }
        let text = clean(text);
        let number = text.strip_prefix('!')?;
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        // `!0` is no choice: it is refused as the last number of all is.
        Some(number.parse::<u32>().ok()?.wrapping_sub(1))
    }

    pub(super) fn decide_vote(&self, by: &By, poll: u64, choice: u32) -> Result<Decision, Refusal> {
        self.viewer(by)?;
        let now = self.polls.get(poll)?;
        if !now.open {
            return Err(Refusal::new(Why::Closed, "The poll is closed."));
        }
        if place(choice) >= now.choices.len() {
            return Err(bad(format!("The poll has {} choices.", now.choices.len())));
        }
        let instead_of = now.votes.get(&by.viewer).copied();
        if instead_of == Some(choice) {
            return Ok(Decision::again(Some(poll)));
        }
        let addr = self.people.addr(by.viewer);
        let of_address = addr
            .and_then(|addr| now.addrs.get(addr))
            .copied()
            .unwrap_or(0);
        if instead_of.is_none() && of_address >= MAX_OF_ADDRESS {
            return Err(Refusal::new(Why::Full, "Too many voted from this address."));
        }
        Ok(Decision::of(
            vec![Fact::Voted {
                poll,
                choice,
                instead_of,
            }],
            Some(poll),
        ))
    }

    pub(super) fn decide_poll_open(
        &self,
        question: &str,
        choices: &[String],
        hidden: bool,
    ) -> Result<Decision, Refusal> {
        if self.polls.now.as_ref().is_some_and(|poll| poll.open) {
            return Err(Refusal::new(Why::Full, "A poll is open: close it first."));
        }
        let question = self.texts.staff(question, 120)?;
        if !(2..=10).contains(&choices.len()) {
            return Err(bad("A poll has 2 to 10 choices."));
        }
        let choices: Result<Vec<_>, _> = choices.iter().map(|c| self.texts.staff(c, 60)).collect();
        let poll = self.highest.poll + 1;
        let fact = Fact::PollOpened {
            poll,
            question,
            choices: choices?,
            hidden,
        };
        Ok(Decision::of(vec![fact], Some(poll)))
    }

    pub(super) fn decide_poll_close(&self, poll: u64) -> Result<Decision, Refusal> {
        let now = self.polls.get(poll)?;
        if !now.open {
            return Ok(Decision::again(Some(poll)));
        }
        let counts = now.counts.clone();
        let winners = winners(&counts);
        Ok(Decision::of(
            vec![Fact::PollClosed {
                poll,
                counts,
                winners,
            }],
            Some(poll),
        ))
    }

    pub(super) fn decide_poll_gone(&self, poll: u64) -> Result<Decision, Refusal> {
        let now = self.polls.get(poll)?;
        let mut facts = Vec::new();
        if now.open {
            let counts = now.counts.clone();
            let winners = winners(&counts);
            facts.push(Fact::PollClosed {
                poll,
                counts,
                winners,
            });
        }
        facts.push(Fact::PollGone { poll });
        Ok(Decision::of(facts, Some(poll)))
    }
}
