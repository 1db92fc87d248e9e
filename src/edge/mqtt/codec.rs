//! Payloads of commands and of their answers. Pure.
//!
//! ```text
//! cmd/live/start   {"id":"7"}                                        ->  {"id":"7","ok":true,"data":{"outcome":"accepted"}}
//! cmd/audio/gain   {"id":"8","args":{"gain_db":-3},"expires_s":10}
//! cmd/reboot       {"id":"9","spread_s":600}                             at a random moment within ten minutes
//! cmd/identify     nothing at all                                    ->  {"id":null,"ok":true,…}
//! ```
//!
//! A command is known again by its id, which is that of the payload, or made of the correlation data (MQTT 5) where those
//! are long enough to be meant so: 16 bytes, as a UUID has; a requester that merely counts begins again at 1 some day, and
//! its commands must run. One without an id is not run when the broker says that it may have sent it before (DUP).

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::client::{MAX_INCOMING, Properties};
use super::topics::BoxTopics;
use crate::device::command::{Command, name_of_topic, topic_name};
use crate::edge::codec::{self, Answer, Code, Failure, MAX_ID};
use crate::edge::desk::{Done, Picture};

/// The longest wait of a staggered command, s.
pub const MAX_SPREAD_S: u64 = 3600;
/// The longest payload, in bytes; the broker is told, and brings no longer packet.
pub const MAX_PAYLOAD: usize = MAX_INCOMING as usize;
/// The longest response topic, in bytes.
const MAX_TOPIC: usize = 512;
/// The longest name of a command, in bytes; the longest that there is has 20.
const MAX_NAME: usize = 64;
/// A payload of so many bytes is read at no cost worth mentioning.
const CHEAP: usize = 2048;
/// Correlation data of so many bytes are taken for unique.
const UNIQUE: usize = 16;

/// A message on a command topic.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// What stands behind `cmd/` in the topic.
    pub name: &'a str,
    /// Content.
    pub payload: &'a [u8],
    /// MQTT 5 properties.
    pub properties: &'a Properties,
    /// The broker had kept it.
    pub retain: bool,
    /// The broker may have sent it before.
    pub dup: bool,
}

/// Where an answer goes, and what it repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyTo {
    /// Topic.
    pub topic: String,
    /// Correlation data of the request.
    pub correlation: Option<Bytes>,
}

/// A command that is well formed.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteCommand {
    /// By which it is known again; `None`: it is not.
    pub id: Option<String>,
    /// Its name, as in `live/start`.
    pub name: String,
    /// What to do.
    pub command: Command,
    /// SHA-256 over name and arguments, whatever the order of their fields.
    pub hash: [u8; 32],
    /// Where the answer goes.
    pub reply: ReplyTo,
    /// After this it must not be begun; counted from when it came.
    pub expiry: Option<Duration>,
    /// It begins at a random moment within this.
    pub spread: Option<Duration>,
}

/// One that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its id, as far as there is one.
    pub id: Option<String>,
    /// Where the answer goes.
    pub reply: ReplyTo,
    /// Why.
    pub failure: Failure,
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// A command.
    Command(Box<RemoteCommand>),
    /// Something else; the sender is told.
    Refused(Refusal),
    /// A command without an id that may have run already: it is not run, and nobody is told.
    Repeated,
}

/// Reads a message on a command topic of the box with these topics.
#[must_use]
pub fn take(incoming: &Incoming<'_>, topics: &BoxTopics) -> Taken {
    let reply = reply_to(incoming, topics);
    let refused = |id, failure| {
        let reply = reply.clone();
        Taken::Refused(Refusal { id, reply, failure })
    };
    let envelope = match envelope(incoming.payload) {
        Ok(envelope) => envelope,
        Err((id, failure)) => return refused(id, failure),
    };
    let id = envelope.id.clone().or_else(|| derived_id(incoming));
    if incoming.retain {
        let said = "This command is retained, and commands are never retained. Send it without the retain flag, and clear the topic with an empty retained message.";
        return refused(id, Failure::new(Code::BadRequest, said));
    }
    if id.is_none() && incoming.dup {
        return Taken::Repeated;
    }
    let args = envelope.args.as_ref();
    let command = match command(incoming.name, args) {
        Ok(command) => command,
        Err(failure) => return refused(id, failure),
    };
    let told = incoming.properties.expiry_s.map(u64::from);
    let expiry_s = [told, envelope.expires_s].into_iter().flatten().min();
    Taken::Command(Box::new(RemoteCommand {
        id,
        name: incoming.name.to_owned(),
        command,
        hash: hash(incoming.name, args),
        reply,
        expiry: expiry_s.map(Duration::from_secs),
        spread: envelope
            .spread_s
            .filter(|s| *s > 0)
            .map(Duration::from_secs),
    }))
}

/// A refusal of a message that is not looked into for what it says, only for its id, and that only while this is cheap.
#[must_use]
pub fn refuse(incoming: &Incoming<'_>, topics: &BoxTopics, failure: Failure) -> Refusal {
    let id = if incoming.payload.len() > CHEAP {
        None
    } else {
        match envelope(incoming.payload) {
            Ok(envelope) => envelope.id,
            Err((id, _)) => id,
        }
    };
    Refusal {
        id: id.or_else(|| derived_id(incoming)),
        reply: reply_to(incoming, topics),
        failure,
    }
}

/// The answer to a command, as JSON.
#[must_use]
pub fn answer(id: Option<&str>, said: &Result<Done, Failure>) -> Vec<u8> {
    let mut line = Answer::of(id, said).line();
    line.truncate(line.trim_ascii_end().len());
    line
}

/// The answer to a command that the end of the program cut off.
#[must_use]
pub fn interrupted(id: &str) -> Vec<u8> {
    let said = "The box ended before this command was over. It may have been done or not; it is not done again.";
    answer(Some(id), &Err(Failure::new(Code::Interrupted, said)))
}

/// What is answered where a picture goes out on a topic of its own.
#[must_use]
pub fn picture_at(topic: &str, picture: &Picture) -> Done {
    Done::Data(json!({
        "topic": topic,
        "width": picture.width,
        "height": picture.height,
        "bytes": picture.jpeg.len(),
    }))
}

struct Envelope {
    id: Option<String>,
    args: Option<Value>,
    spread_s: Option<u64>,
    expires_s: Option<u64>,
}

fn too_large() -> Failure {
    let said = format!(
        "The payload is longer than {MAX_PAYLOAD} bytes. Use a smaller picture, or boothcast ctl at the box."
    );
    Failure::new(Code::TooLarge, said)
}

fn bad(message: impl Into<String>) -> Failure {
    Failure::new(Code::BadRequest, message)
}

/// The fields around the arguments; nothing at all is a command without an id.
fn envelope(payload: &[u8]) -> Result<Envelope, (Option<String>, Failure)> {
    let nobody = |failure| (None, failure);
    if payload.len() > MAX_PAYLOAD {
        return Err(nobody(too_large()));
    }
    let value = if payload.trim_ascii().is_empty() {
        json!({})
    } else {
        serde_json::from_slice(payload)
            .map_err(|e| nobody(bad(format!("This is no JSON: {e}."))))?
    };
    let Value::Object(mut fields) = value else {
        let said =
            "A command's payload is a JSON object such as {\"id\":\"1\",\"args\":{}}, or empty.";
        return Err(nobody(bad(said)));
    };
    let id = id(fields.remove("id")).map_err(nobody)?;
    let mut rest = || -> Result<Envelope, Failure> {
        let args = fields.remove("args");
        let spread_s = seconds(&mut fields, "spread_s", MAX_SPREAD_S)?;
        let expires_s = seconds(&mut fields, "expires_s", u64::from(u32::MAX))?;
        match fields.keys().next() {
            Some(other) => Err(bad(format!(
                "There is no field {:?} here. Choose id, args, spread_s and expires_s; what the command needs stands in args.",
                other.chars().take(48).collect::<String>()
            ))),
            None => Ok(Envelope {
                id: id.clone(),
                args,
                spread_s,
                expires_s,
            }),
        }
    };
    rest().map_err(|failure| (id.clone(), failure))
}

fn id(given: Option<Value>) -> Result<Option<String>, Failure> {
    match given {
        None => Ok(None),
        Some(Value::String(id)) if (1..=MAX_ID).contains(&id.len()) => Ok(Some(id)),
        Some(_) => Err(bad(format!("id must be a text of 1 to {MAX_ID} bytes."))),
    }
}

fn seconds(fields: &mut Map<String, Value>, name: &str, most: u64) -> Result<Option<u64>, Failure> {
    let Some(given) = fields.remove(name) else {
        return Ok(None);
    };
    match given.as_u64() {
        Some(s) if s <= most => Ok(Some(s)),
        _ => Err(bad(format!(
            "{name} must be a whole number of seconds from 0 to {most}."
        ))),
    }
}

fn command(name: &str, args: Option<&Value>) -> Result<Command, Failure> {
    let unknown = |names: &str| {
        let said = format!(
            "There is no command cmd/{}.{names}",
            name.chars().take(48).collect::<String>().escape_debug()
        );
        Failure::new(Code::UnknownCommand, said)
    };
    // One name and no other for each: `live-start` would get round an access list that names `cmd/live/#`.
    let Some(serde_name) = name_of_topic(name) else {
        return Err(unknown(""));
    };
    let mut whole = json!({ "name": serde_name });
    if let (Some(args), Value::Object(fields)) = (args, &mut whole) {
        fields.insert("args".into(), args.clone());
    }
    codec::command(&whole).map_err(|failure| match failure.code {
        Code::UnknownCommand => unknown(&topic_names(&failure.message)),
        _ => failure,
    })
}

/// The list of names at the end of the sentence, as they stand in topics.
fn topic_names(sentence: &str) -> String {
    let Some((_, names)) = sentence.split_once(" Choose one of: ") else {
        return String::new();
    };
    let names: Vec<String> = names
        .trim_end_matches('.')
        .split(", ")
        .map(topic_name)
        .collect();
    format!(" Choose one of: {}.", names.join(", "))
}

/// Long correlation data of the same requester stand for the command.
fn derived_id(incoming: &Incoming<'_>) -> Option<String> {
    let correlation = incoming.properties.correlation.as_ref()?;
    if correlation.len() < UNIQUE {
        return None;
    }
    let mut hash = Sha256::new();
    let from = incoming.properties.response_topic.as_deref();
    hash.update(from.unwrap_or_default().as_bytes());
    hash.update([0]);
    hash.update(correlation);
    Some(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

fn reply_to(incoming: &Incoming<'_>, topics: &BoxTopics) -> ReplyTo {
    let asked = incoming.properties.response_topic.as_deref();
    let topic = match asked.filter(|t| may_answer_on(t)) {
        Some(asked) => asked.to_owned(),
        None if is_name(incoming.name) => topics.own(&format!("rsp/{}", incoming.name)),
        None => topics.own("rsp/unknown"),
    };
    ReplyTo {
        topic,
        correlation: incoming.properties.correlation.clone(),
    }
}

/// Not with wildcards, not the broker's own, and not where another box would take the answer for a command.
fn may_answer_on(topic: &str) -> bool {
    let ours = topic.starts_with("boothcast/");
    (1..=MAX_TOPIC).contains(&topic.len())
        && !topic.contains(['+', '#', '\0'])
        && !topic.starts_with('$')
        && !(ours && (topic.contains("/cmd/") || topic.ends_with("/desired")))
}

fn is_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'/';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(fits)
}

fn hash(name: &str, args: Option<&Value>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update([0]);
    match args {
        Some(Value::Object(fields)) if fields.is_empty() => {}
        Some(args) => feed(&mut hash, args),
        None => {}
    }
    hash.finalize().into()
}

/// Every value begins with a letter of its own and every text with its length, so that different values are different
/// bytes. Depth is bounded by the reader (128).
fn feed(hash: &mut Sha256, value: &Value) {
    let mut text = |kind: u8, text: &str| {
        hash.update([kind]);
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    };
    match value {
        Value::Null => text(b'0', ""),
        Value::Bool(b) => text(b'b', if *b { "1" } else { "" }),
        Value::Number(n) => text(b'n', &n.to_string()),
        Value::String(s) => text(b's', s),
        Value::Array(values) => {
            text(b'[', &values.len().to_string());
            values.iter().for_each(|value| feed(hash, value));
        }
        Value::Object(fields) => {
            text(b'{', &fields.len().to_string());
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_unstable_by_key(|(name, _)| name.as_str());
            for (name, value) in sorted {
                hash.update(name.len().to_string());
                hash.update([0]);
                hash.update(name.as_bytes());
                feed(hash, value);
            }
        }
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
