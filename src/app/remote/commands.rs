//! From a message on a command topic to what the desk said of it.
//!
//! ```text
//!   take:   rate? ─ well formed? ─┬─ only asks ──> a task of its own ──────────────────────────────> answers.rs
//!   (never waits)                 ├─ changes ──queue──> runner: expired? ─ journal ─ ack ─ [spread] ─ desk ──> answers.rs
//!                                 └─ urgent ──a queue of its own──> the same beside it
//! ```
//!
//! Commands run one after another in the order in which they came; only those that wait for their random moment, those that
//! only ask, and panic, are overtaken or overtake. A message is acknowledged to the broker once it is in the journal, refused, or
//! only asks: so whatever was acknowledged is answered, in this life of the program or the next.

mod runner;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::RngExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::answers::{Outgoing, Said};
#[cfg(doc)]
use crate::device::command::Command;
use crate::device::command::{Origin, URGENT};
use crate::edge::codec::{Code, Failure};
use crate::edge::desk::Desk;
use crate::edge::mqtt::client::{Ack, Received};
use crate::edge::mqtt::codec::{self, Incoming, RemoteCommand, Taken};
use crate::edge::mqtt::topics::BoxTopics;
pub use runner::Runner;

/// Commands that wait to be begun, at most.
const QUEUE: usize = 256;
/// Commands that wait for their random moment, at most.
const SPREAD: usize = 256;
/// Urgent commands that wait to be begun, at most.
const URGENT_QUEUE: usize = 64;
/// Questions at once, and how many of them are looked into at once.
const ASKS: usize = 64;
const ASKS_AT_WORK: usize = 4;

/// A command on its way to the runner.
pub struct Item {
    command: RemoteCommand,
    ack: Ack,
    /// It must not begin after this.
    due: Option<Instant>,
    /// Its place among those that wait for their moment.
    place: Option<OwnedSemaphorePermit>,
}

/// The ways to the runner: nothing else holds up what is urgent ([`Command::is_urgent`]).
pub struct Ways {
    usual: mpsc::Sender<Item>,
    urgent: mpsc::Sender<Item>,
}

/// Their ends.
pub struct Lanes {
    usual: mpsc::Receiver<Item>,
    urgent: mpsc::Receiver<Item>,
}

pub fn queue() -> (Ways, Lanes) {
    let (usual, usual_end) = mpsc::channel(QUEUE);
    let (urgent, urgent_end) = mpsc::channel(URGENT_QUEUE);
    let lanes = Lanes {
        usual: usual_end,
        urgent: urgent_end,
    };
    (Ways { usual, urgent }, lanes)
}

/// The taking side.
pub struct Commands {
    desk: Desk,
    topics: BoxTopics,
    ways: Ways,
    answers: mpsc::Sender<Outgoing>,
    places: Arc<Semaphore>,
    asks: JoinSet<()>,
    at_work: Arc<Semaphore>,
    counts: Counts,
}

/// What was not carried out, for the log: at 1, 2, 4, 8 … of a kind, so that a flood does not fill it.
#[derive(Default)]
struct Counts {
    refused: AtomicU64,
    repeated: AtomicU64,
    untold: AtomicU64,
}

fn count(counter: &AtomicU64, what: &str, why: &str) {
    let n = counter.fetch_add(1, Ordering::Relaxed) + 1;
    if n.is_power_of_two() {
        tracing::warn!(n, why, "{what}");
    }
}

impl Commands {
    pub fn new(desk: Desk, topics: BoxTopics, ways: Ways, answers: mpsc::Sender<Outgoing>) -> Self {
        Self {
            desk,
            topics,
            ways,
            answers,
            places: Arc::new(Semaphore::new(SPREAD)),
            asks: JoinSet::new(),
            at_work: Arc::new(Semaphore::new(ASKS_AT_WORK)),
            counts: Counts::default(),
        }
    }

    /// Takes a message; `name` as in `live/start`. Never waits. False: there are too many.
    pub fn take(&mut self, name: &str, received: Received) -> bool {
        let Received {
            payload,
            properties,
            retain,
            dup,
            ack,
            ..
        } = received;
        let incoming = Incoming {
            name,
            payload: &payload,
            properties: &properties,
            retain,
            dup,
        };
        let admitted = if name == URGENT {
            self.desk.admit_urgent(Origin::Mqtt)
        } else {
            self.desk.admit(Origin::Mqtt)
        };
        if let Err(failure) = admitted {
            let refusal = codec::refuse(&incoming, &self.topics, failure);
            self.refuse(refusal, ack);
            return false;
        }
        match codec::take(&incoming, &self.topics) {
            Taken::Command(command) => self.sort(*command, ack),
            Taken::Refused(refusal) => self.refuse(refusal, ack),
            Taken::Repeated => {
                count(
                    &self.counts.repeated,
                    "a command without an id may have run already, and is not run",
                    name,
                );
                ack.done();
            }
        }
        true
    }

    fn sort(&mut self, command: RemoteCommand, ack: Ack) {
        let place = match command.spread {
            None => None,
            Some(_) => match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => Some(place),
                Err(_) => return self.refuse(busy(&command), ack),
            },
        };
        let item = Item {
            due: command.expiry.map(|e| Instant::now() + e),
            command,
            ack,
            place,
        };
        if item.command.command.only_asks() {
            return self.ask(item);
        }
        let way = if item.command.command.is_urgent() {
            &self.ways.urgent
        } else {
            &self.ways.usual
        };
        match way.try_send(item) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(item)) => {
                self.refuse(busy(&item.command), item.ack);
            }
            // The box ends: without an ack the message comes again in its next life.
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }

    /// Answered beside the queue: nothing is changed, so nothing is noted, and it may be asked again.
    fn ask(&mut self, item: Item) {
        while let Some(ended) = self.asks.try_join_next() {
            if let Err(e) = ended {
                tracing::error!(error = %e, "a question was ended by a fault of ours");
            }
        }
        let room = if item.place.is_some() {
            ASKS + SPREAD
        } else {
            ASKS
        };
        if self.asks.len() >= room {
            return self.refuse(busy(&item.command), item.ack);
        }
        let Item {
            command,
            ack,
            due,
            place,
        } = item;
        ack.done();
        let (desk, answers) = (self.desk.clone(), self.answers.clone());
        let at_work = Arc::clone(&self.at_work);
        self.asks.spawn(async move {
            let in_time = moment(command.spread, due).await;
            drop(place);
            let Ok(_working) = at_work.acquire().await else {
                return;
            };
            let outcome = if in_time && !is_over(due) {
                desk.run(Origin::Mqtt, command.command).await
            } else {
                Err(expired())
            };
            let outgoing = Outgoing {
                id: command.id,
                reply: command.reply,
                said: Said::Outcome(outcome),
                journalled: false,
            };
            // Closed only when the box ends.
            let _ = answers.send(outgoing).await;
        });
    }

    fn refuse(&self, refusal: codec::Refusal, ack: Ack) {
        count(
            &self.counts.refused,
            "a command is refused",
            &refusal.failure.message,
        );
        let outgoing = Outgoing::refusal(refusal.id, refusal.reply, refusal.failure);
        if self.answers.try_send(outgoing).is_err() {
            count(
                &self.counts.untold,
                "a refusal is not told",
                "too many answers wait",
            );
        }
        ack.done();
    }
}

fn busy(command: &RemoteCommand) -> codec::Refusal {
    let said = "Too many commands wait. Try again in a moment.";
    codec::Refusal {
        id: command.id.clone(),
        reply: command.reply.clone(),
        failure: Failure::new(Code::Busy, said),
    }
}

fn expired() -> Failure {
    Failure::new(Code::Expired, "The command is too old to be begun.")
}

fn is_over(due: Option<Instant>) -> bool {
    due.is_some_and(|due| Instant::now() >= due)
}

/// Waits for a random moment within `spread`. False, at once, where that moment comes too late: waiting would not help.
async fn moment(spread: Option<Duration>, due: Option<Instant>) -> bool {
    let Some(spread) = spread else {
        return true;
    };
    let then = Instant::now() + spread.mul_f64(rand::rng().random_range(0.0..1.0));
    if due.is_some_and(|due| due <= then) {
        return false;
    }
    sleep_until(then).await;
    true
}

#[cfg(test)]
mod tests;
