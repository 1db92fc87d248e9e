//! Answers on their way: noted in the journal before they are sent, and as sent once the broker has them. Many are on
//! their way at once, so a slow broker holds up no command.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::edge::codec::{Code, Failure};
use crate::edge::desk::{Done, Picture};
use crate::edge::mqtt::client::{Client, Message, Properties, Qos};
use crate::edge::mqtt::codec::{self, ReplyTo};
use crate::edge::mqtt::topics::BoxTopics;
use crate::error::{Kind, Result};
use crate::store::db::Db;
use crate::store::journal::Unsent;

/// Answers that wait for their turn at most.
const QUEUE: usize = 256;
/// Answers on their way at once.
const AT_ONCE: usize = 64;
/// After this an answer is worth nothing, s.
const EXPIRY_S: u32 = 300;

/// What is answered.
#[derive(Debug)]
pub enum Said {
    /// What came of it just now.
    Outcome(Result<Done, Failure>),
    /// The answer that the journal holds.
    Stored(Vec<u8>),
}

/// One answer.
#[derive(Debug)]
pub struct Outgoing {
    /// Of the command.
    pub id: Option<String>,
    /// Where it goes.
    pub reply: ReplyTo,
    /// What it says.
    pub said: Said,
    /// The journal knows of the command by its id.
    pub journalled: bool,
}

impl Outgoing {
    /// What a former life of the program left to be told.
    pub fn left_over(unsent: Unsent) -> Self {
        Self {
            id: Some(unsent.entry.id),
            reply: ReplyTo {
                topic: unsent.entry.reply_to,
                correlation: unsent.entry.correlation.map(Bytes::from),
            },
            said: Said::Stored(unsent.answer),
            journalled: true,
        }
    }

    /// A refusal of which the journal knows nothing.
    pub fn refusal(id: Option<String>, reply: ReplyTo, failure: Failure) -> Self {
        Self {
            id,
            reply,
            said: Said::Outcome(Err(failure)),
            journalled: false,
        }
    }
}

pub fn queue() -> (mpsc::Sender<Outgoing>, mpsc::Receiver<Outgoing>) {
    mpsc::channel(QUEUE)
}

/// Sends them.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    topics: BoxTopics,
    db: Db,
}

impl Sender {
    pub fn new(client: Client, topics: BoxTopics, db: Db) -> Self {
        Self { client, topics, db }
    }

    /// Until nobody can send any more and all is told.
    pub async fn run(self, mut queue: mpsc::Receiver<Outgoing>) {
        let mut going = JoinSet::new();
        while let Some(outgoing) = queue.recv().await {
            self.start(&mut going, outgoing).await;
        }
        while going.join_next().await.is_some() {}
    }

    /// Begins to send, when there is room for one more.
    async fn start(&self, going: &mut JoinSet<()>, outgoing: Outgoing) {
        while let Some(ended) = going.try_join_next() {
            report(ended);
        }
        if going.len() >= AT_ONCE
            && let Some(ended) = going.join_next().await
        {
            report(ended);
        }
        let sender = self.clone();
        going.spawn(async move { sender.send(outgoing).await });
    }

    async fn send(&self, outgoing: Outgoing) {
        let Outgoing {
            id,
            reply,
            said,
            journalled,
        } = outgoing;
        let known = id.clone().filter(|_| journalled);
        let answer = match said {
            Said::Stored(answer) => answer,
            Said::Outcome(outcome) => {
                let outcome = self.with_picture_out(outcome).await;
                let answer = codec::answer(id.as_deref(), &outcome);
                self.note(known.clone(), answer.clone()).await;
                answer
            }
        };
        match self.client.publish(message(reply, answer)).await {
            // Refused for good: it would be refused after the next start as well.
            Err(e) if e.kind() == Kind::Refused => {
                tracing::warn!("an answer is not taken by the broker: {}", e.report());
            }
            Err(e) => return tracing::debug!("an answer is not sent: {}", e.report()),
            Ok(()) => {}
        }
        if let Some(id) = known
            && let Err(e) = self.db.journal_sent(id).await
        {
            tracing::warn!("an answer will be sent again: {}", e.report());
        }
    }

    async fn note(&self, known: Option<String>, answer: Vec<u8>) {
        if let Some(id) = known
            && let Err(e) = self.db.journal_finish(id, answer).await
        {
            // It is told all the same; after a restart the command counts as interrupted.
            tracing::error!("an answer is not noted: {}", e.report());
        }
    }

    /// A picture goes out on its own topic, before the answer that points there.
    async fn with_picture_out(&self, outcome: Result<Done, Failure>) -> Result<Done, Failure> {
        let Ok(Done::Picture(picture)) = outcome else {
            return outcome;
        };
        let topic = self.topics.own("snapshot");
        match self.client.publish(jpeg(&topic, &picture)).await {
            Ok(()) => Ok(codec::picture_at(&topic, &picture)),
            Err(e) => {
                let said = format!(
                    "The picture was taken, but the broker does not take it: {}",
                    e.report()
                );
                Err(Failure::new(Code::Internal, said))
            }
        }
    }
}

fn report(ended: std::result::Result<(), tokio::task::JoinError>) {
    if let Err(e) = ended {
        tracing::error!(error = %e, "an answer was ended by a fault of ours");
    }
}

fn message(reply: ReplyTo, answer: Vec<u8>) -> Message {
    Message {
        topic: reply.topic,
        payload: answer.into(),
        qos: Qos::AtLeastOnce,
        retain: false,
        properties: Properties {
            correlation: reply.correlation,
            expiry_s: Some(EXPIRY_S),
            content_type: Some("application/json".into()),
            ..Properties::default()
        },
    }
}

fn jpeg(topic: &str, picture: &Picture) -> Message {
    Message {
        topic: topic.to_owned(),
        payload: picture.jpeg.clone(),
        qos: Qos::AtLeastOnce,
        retain: false,
        properties: Properties {
            expiry_s: Some(EXPIRY_S),
            content_type: Some("image/jpeg".into()),
            ..Properties::default()
        },
    }
}
