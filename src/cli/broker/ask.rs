//! A command to one box, to several, or to a group, and what each of them answered.
//!
//! One box answers to a topic of our own, so that nobody else's answers come here. The boxes of a group answer to
//! `P/box/{id}/rsp/{name}` each, which says who answered; answers to others have other ids.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::args::Reach;
use super::link::{Link, Said, message};
use crate::cli::outcome::Trouble;
use crate::config::{BoxId, GroupName};
use crate::device::command::topic_name;
use crate::edge::mqtt::client::Message;
use crate::edge::mqtt::codec::MAX_PAYLOAD;

/// The largest command that is sent: what a box takes, less what stands around it in the packet.
const MAX_ASKING: usize = MAX_PAYLOAD - 2048;
/// The largest answer that is read.
const MAX_ANSWER: usize = 1 << 20;
/// The most answers that are kept.
const MAX_ANSWERS: usize = 200_000;

/// What boxes answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::cli) struct Round {
    /// By box: `{"ok":true,"data"}` or `{"ok":false,"error"}`.
    pub answers: BTreeMap<BoxId, Value>,
    /// Who was asked by name, or is known to be meant, and did not answer in time.
    pub missing: Vec<BoxId>,
    /// How many answers were to be there at least.
    pub expected: usize,
}

/// Where our answers come.
pub(in crate::cli) fn own_topic(reach: &Reach) -> String {
    reach.fleet.answers_to(&reach.options.client_id)
}

/// Where the boxes of a group answer a command.
pub(in crate::cli) fn group_filter(reach: &Reach, command: &Value) -> String {
    let name = topic_name(name(command));
    reach.fleet.every(&format!("rsp/{name}"))
}

fn name(command: &Value) -> &str {
    command["name"].as_str().unwrap_or_default()
}

fn new_id() -> String {
    format!("ctl-{:016x}", rand::random::<u64>())
}

/// The message of a command. A box that gets it after `limit` does not run it any more.
fn asking(
    topic: String,
    id: &str,
    command: &Value,
    spread: Option<u32>,
    limit: Duration,
) -> Message {
    let mut payload = json!({ "id": id });
    if let Some(args) = command.get("args") {
        payload["args"] = args.clone();
    }
    if let Some(spread) = spread {
        payload["spread_s"] = json!(spread);
    }
    let mut message = message(topic, payload.to_string().into_bytes(), false);
    message.properties.expiry_s = u32::try_from(limit.as_secs().max(1)).ok();
    message
}

fn to_box(reach: &Reach, to: &BoxId, id: &str, command: &Value, limit: Duration) -> Message {
    let leaf = format!("cmd/{}", topic_name(name(command)));
    let mut message = asking(reach.fleet.of(to).own(&leaf), id, command, None, limit);
    message.properties.response_topic = Some(own_topic(reach));
    message.properties.correlation = Some(id.to_owned().into_bytes().into());
    message
}

/// What is longer is dropped on its way, and nobody would say so.
fn fits(message: &Message) -> Result<(), Trouble> {
    if message.payload.len() <= MAX_ASKING {
        return Ok(());
    }
    Err(Trouble::Usage(format!(
        "This command is longer than {} KiB, which is more than goes over MQTT. Use a smaller picture, or boothcast ctl at the box.",
        MAX_ASKING / 1024
    )))
}

/// The id of an answer and the answer, if it is one.
fn answer(said: &Said) -> Option<(String, Value)> {
    if said.payload.len() > MAX_ANSWER {
        return None;
    }
    let mut answer: Value = serde_json::from_slice(&said.payload).ok()?;
    let id = answer["id"].as_str()?.to_owned();
    answer.as_object_mut()?.remove("id");
    answer.get("ok")?.as_bool()?;
    Some((id, answer))
}

/// Asks one box; nothing if it does not answer in time. What comes in besides goes to `aside`.
pub(in crate::cli) async fn one(
    link: &mut Link,
    reach: &Reach,
    to: &BoxId,
    command: &Value,
    aside: &mut dyn FnMut(Said),
) -> Result<Option<Value>, Trouble> {
    let (id, topic) = (new_id(), own_topic(reach));
    let end = Instant::now() + reach.limit;
    let mut found = None;
    let mut hear = |said: Said| match answer(&said) {
        Some((of, answer)) if said.topic == topic && of == id => found = Some(answer),
        _ => aside(said),
    };
    let message = to_box(reach, to, &id, command, reach.limit);
    fits(&message)?;
    link.send([message], end, &mut hear).await?;
    while found.is_none() {
        let mut hear = |said: Said| match answer(&said) {
            Some((of, answer)) if said.topic == topic && of == id => found = Some(answer),
            _ => aside(said),
        };
        match link.next(end).await? {
            Some(said) => hear(said),
            None => return Ok(None),
        }
    }
    Ok(found)
}

/// Asks each of `boxes`, evenly within `spread`.
pub(in crate::cli) async fn several(
    link: &mut Link,
    reach: &Reach,
    boxes: &[BoxId],
    command: &Value,
    spread: Duration,
) -> Result<Round, Trouble> {
    let topic = own_topic(reach);
    let begin = Instant::now();
    let end = begin + spread + reach.limit;
    let mut asked: BTreeMap<String, BoxId> = BTreeMap::new();
    let mut answers = BTreeMap::new();
    let messages: Vec<Message> = boxes
        .iter()
        .map(|to| {
            let id = new_id();
            let message = to_box(reach, to, &id, command, reach.limit);
            asked.insert(id, to.clone());
            message
        })
        .collect();
    messages.iter().try_for_each(fits)?;
    let mut hear = |said: Said| {
        if said.topic == topic
            && let Some((id, answer)) = answer(&said)
            && let Some(to) = asked.get(&id)
        {
            answers.insert(to.clone(), answer);
        }
        answers.len()
    };
    if spread.is_zero() {
        link.send(messages, end, &mut |said| {
            hear(said);
        })
        .await?;
    } else {
        let gap = spread / u32::try_from(boxes.len().max(1)).unwrap_or(u32::MAX);
        let mut at = begin;
        for message in messages {
            while let Some(said) = link.next(at).await? {
                hear(said);
            }
            link.send([message], end, &mut |said| {
                hear(said);
            })
            .await?;
            at += gap;
        }
    }
    let mut count = 0;
    while count < boxes.len()
        && let Some(said) = link.next(end).await?
    {
        count = hear(said);
    }
    let missing = boxes.iter().filter(|b| !answers.contains_key(*b)).cloned();
    Ok(Round {
        missing: missing.collect(),
        expected: boxes.len(),
        answers,
    })
}

/// Asks a group, whose boxes do it at random within `spread` seconds. Waits for those that are `meant`, if it is known
/// who is, or for `expect` answers, or else until time is up. The link must have subscribed [`group_filter`].
pub(in crate::cli) async fn group(
    link: &mut Link,
    reach: &Reach,
    group: &GroupName,
    command: &Value,
    spread: Option<u32>,
    expect: Option<usize>,
    meant: &[BoxId],
) -> Result<Round, Trouble> {
    let id = new_id();
    let leaf = format!("rsp/{}", topic_name(name(command)));
    let limit = reach.limit + Duration::from_secs(spread.unwrap_or_default().into());
    let end = Instant::now() + limit;
    let mut answers: BTreeMap<BoxId, Value> = BTreeMap::new();
    let mut hear = |said: Said| {
        if let Some((from, rest)) = reach.fleet.split(&said.topic)
            && rest == leaf
            && let Some((of, answer)) = answer(&said)
            && of == id
            && answers.len() < MAX_ANSWERS
        {
            answers.insert(from, answer);
        }
        let all = !meant.is_empty() && meant.iter().all(|b| answers.contains_key(b));
        all || expect.is_some_and(|n| answers.len() >= n)
    };
    let topic = reach.fleet.group_command(group, &topic_name(name(command)));
    let message = asking(topic, &id, command, spread, limit);
    fits(&message)?;
    let mut done = false;
    link.send([message], end, &mut |said| done = hear(said))
        .await?;
    while !done && let Some(said) = link.next(end).await? {
        done = hear(said);
    }
    let missing = meant.iter().filter(|b| !answers.contains_key(*b)).cloned();
    Ok(Round {
        missing: missing.collect(),
        expected: expect.unwrap_or(meant.len().max(1)),
        answers,
    })
}
