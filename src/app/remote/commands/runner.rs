//! Runs what changes something: one command after another, each noted before it begins.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedSemaphorePermit, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Item, Lanes, expired, is_over, moment};
use crate::app::remote::answers::{Outgoing, Said};
use crate::app::remote::ending;
use crate::device::command::Origin;
use crate::edge::codec::{Code, Failure};
use crate::edge::desk::{Desk, Done};
use crate::edge::mqtt::codec::{self, RemoteCommand, ReplyTo};
use crate::error::Error;
use crate::store::db::Db;
use crate::store::journal::{Begun, Entry};

/// Commands that are noted with one sync at most.
const BATCH: usize = 32;

/// The runner.
#[derive(Clone)]
pub struct Runner {
    desk: Desk,
    db: Db,
    answers: mpsc::Sender<Outgoing>,
    /// Held by the command that runs.
    turn: Arc<Mutex<()>>,
}

impl Runner {
    pub fn new(desk: Desk, db: Db, answers: mpsc::Sender<Outgoing>) -> Self {
        Self {
            desk,
            db,
            answers,
            turn: Arc::new(Mutex::new(())),
        }
    }

    /// Runs what comes, until `stop`. What is noted and has not begun by then is answered `interrupted` in the next life.
    pub async fn run(self, lanes: Lanes, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            biased;
            () = ending(&mut stop) => return,
            () = self.recover() => {}
        }
        // What is urgent waits for its own turn alone.
        let urgent = Self {
            turn: Arc::default(),
            ..self.clone()
        };
        tokio::join!(
            urgent.lane(lanes.urgent, stop.clone()),
            self.lane(lanes.usual, stop)
        );
    }

    async fn lane(self, mut queue: mpsc::Receiver<Item>, mut stop: watch::Receiver<bool>) {
        let stopping = stop.clone();
        let mut waiting = JoinSet::new();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = ending(&mut stop) => return,
                Some(ended) = waiting.join_next(), if !waiting.is_empty() => {
                    if let Err(e) = ended {
                        tracing::error!(error = %e, "a command was ended by a fault of ours");
                    }
                }
                n = queue.recv_many(&mut batch, BATCH) => {
                    if n == 0 {
                        return;
                    }
                    for item in self.begin(std::mem::take(&mut batch)).await {
                        let over = *stopping.borrow();
                        if over {
                            return;
                        }
                        if item.place.is_some() {
                            let runner = self.clone();
                            waiting.spawn(async move { runner.later(item).await });
                        } else {
                            self.carry_out(item.command, item.due).await;
                        }
                    }
                }
            }
        }
    }

    /// Before anything is begun, or that would count as interrupted: tells what a former life left to be told.
    async fn recover(&self) {
        match self.db.journal_recover(codec::interrupted).await {
            Ok(left) => {
                for unsent in left {
                    self.answer(Outgoing::left_over(unsent)).await;
                }
            }
            Err(e) => tracing::warn!("answers of the last run are lost: {}", e.report()),
        }
    }

    /// Notes them, acknowledges them to the broker, and gives those that are to run.
    async fn begin(&self, batch: Vec<Item>) -> Vec<Begin> {
        let mut fresh = Vec::with_capacity(batch.len());
        for item in batch {
            if is_over(item.due) {
                self.refuse(item, expired()).await;
            } else {
                fresh.push(item);
            }
        }
        let entries: Vec<Entry> = fresh.iter().filter_map(|i| entry(&i.command)).collect();
        let noted = if entries.is_empty() {
            Ok(Vec::new())
        } else {
            self.db.journal_begin_all(entries).await
        };
        match noted {
            Ok(noted) => self.sorted(fresh, noted).await,
            Err(e) => self.unnoted(fresh, &e).await,
        }
    }

    async fn sorted(&self, batch: Vec<Item>, noted: Vec<Begun>) -> Vec<Begin> {
        let mut noted = noted.into_iter();
        let mut begin = Vec::with_capacity(batch.len());
        for item in batch {
            let begun = match item.command.id {
                Some(_) => noted.next().unwrap_or(Begun::Running),
                None => Begun::New,
            };
            match begun {
                Begun::New => begin.push(Begin::of(item)),
                // It will be answered where it was asked first.
                Begun::Running => item.ack.done(),
                Begun::Answered(answer) => self.again(item, answer).await,
                Begun::OtherContent => self.refuse(item, other_content()).await,
            }
        }
        begin
    }

    /// The journal cannot be written: only what needs none runs, and what is urgent, which may run twice.
    async fn unnoted(&self, batch: Vec<Item>, e: &Error) -> Vec<Begin> {
        tracing::error!("commands are refused: {}", e.report());
        let mut begin = Vec::new();
        for item in batch {
            if item.command.id.is_none() || item.command.command.is_urgent() {
                begin.push(Begin::of(item));
            } else {
                self.refuse(item, no_journal(e)).await;
            }
        }
        begin
    }

    async fn again(&self, item: Item, answer: Vec<u8>) {
        let outgoing = Outgoing {
            id: item.command.id,
            reply: item.command.reply,
            said: Said::Stored(answer),
            journalled: true,
        };
        self.answer(outgoing).await;
        item.ack.done();
    }

    async fn refuse(&self, item: Item, failure: Failure) {
        let RemoteCommand { id, reply, .. } = item.command;
        self.answer(Outgoing::refusal(id, reply, failure)).await;
        item.ack.done();
    }

    /// At a random moment.
    async fn later(self, begin: Begin) {
        let in_time = moment(begin.command.spread, begin.due).await;
        drop(begin.place);
        if in_time {
            self.carry_out(begin.command, begin.due).await;
        } else {
            let RemoteCommand { id, reply, .. } = begin.command;
            self.over(id, reply, Err(expired())).await;
        }
    }

    async fn carry_out(&self, command: RemoteCommand, due: Option<Instant>) {
        let RemoteCommand {
            id, reply, command, ..
        } = command;
        let outcome = {
            let _turn = self.turn.lock().await;
            if is_over(due) {
                Err(expired())
            } else {
                self.desk.run(Origin::Mqtt, command).await
            }
        };
        self.over(id, reply, outcome).await;
    }

    async fn over(&self, id: Option<String>, reply: ReplyTo, outcome: Result<Done, Failure>) {
        let outgoing = Outgoing {
            journalled: id.is_some(),
            id,
            reply,
            said: Said::Outcome(outcome),
        };
        self.answer(outgoing).await;
    }

    async fn answer(&self, outgoing: Outgoing) {
        if self.answers.send(outgoing).await.is_err() {
            tracing::debug!("an answer comes after the end");
        }
    }
}

/// A command that is noted and acknowledged, and is to run.
struct Begin {
    command: RemoteCommand,
    due: Option<Instant>,
    place: Option<OwnedSemaphorePermit>,
}

impl Begin {
    fn of(item: Item) -> Self {
        item.ack.done();
        Self {
            command: item.command,
            due: item.due,
            place: item.place,
        }
    }
}

fn entry(command: &RemoteCommand) -> Option<Entry> {
    Some(Entry {
        id: command.id.clone()?,
        hash: command.hash,
        name: command.name.clone(),
        reply_to: command.reply.topic.clone(),
        correlation: command.reply.correlation.as_ref().map(|c| c.to_vec()),
    })
}

fn other_content() -> Failure {
    Failure::new(
        Code::Conflict,
        "This id was used for another command. Give each command an id of its own.",
    )
}

fn no_journal(e: &Error) -> Failure {
    let said = format!(
        "The command cannot be noted, so it is not run: {}",
        e.report()
    );
    Failure {
        retryable: true,
        ..Failure::new(Code::Internal, said)
    }
}
