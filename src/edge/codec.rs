//! Requests and answers as JSON: the same for every peer that speaks in text (the local socket now, MQTT later). Pure.
//!
//! ```text
//! {"id":"7","command":{"name":"live-start"}}   ->  {"id":"7","ok":true,"data":{"outcome":"accepted"}}
//! {"id":"8","status":true}                     ->  {"id":"8","ok":true,"data":{…the status…}}
//! {"id":"9","watch":true}                      ->  one such line now and at each change
//! anything that is wrong                       ->  {"id":…,"ok":false,"error":{"code","message","retryable"}}
//! ```
//!
//! `id` is null in the answer where the request's own could not be read. A refusal of the core, or of moderation, has its
//! finer `reason` beside the code.

use std::borrow::Cow;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::device::command::Command;
use crate::device::policy::{Denial, DenialCode};
use crate::device::stage::MAX_PICTURE;
use crate::device::status::Status;
use crate::edge::desk::Done;

/// The longest request, in bytes, its line end not counted: the largest picture as base64, and room for the rest.
pub const MAX_REQUEST: usize = MAX_PICTURE.div_ceil(3) * 4 + 64 * 1024;
/// The longest id, in bytes.
pub const MAX_ID: usize = 64;

/// What went wrong, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Not JSON, a wrong type, an unknown field, a value out of range, an unknown name.
    BadRequest,
    /// There is no such command.
    UnknownCommand,
    /// The asker may not.
    Forbidden,
    /// The state of the box does not allow it.
    Conflict,
    /// Longer than its way allows.
    TooLarge,
    /// Moderation does not let the text onto the picture; `reason` says why.
    Refused,
    /// This box cannot do it.
    Unsupported,
    /// Too much is going on.
    Busy,
    /// Too many commands from there; `after_ms` says how long to wait.
    RateLimited,
    /// The box ended while it was at it; it is not done again.
    Interrupted,
    /// The asker took too long, or the command is too old.
    Expired,
    /// A fault of ours.
    Internal,
}

/// Why something is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// For programs.
    pub code: Code,
    /// Finer than the code: the core's own, or that of moderation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// For people.
    pub message: String,
    /// Whether the same request may work a little later.
    pub retryable: bool,
    /// Milliseconds after which it may work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
}

impl Failure {
    /// A failure that the box finds before its core is asked.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            reason: None,
            message: message.into(),
            retryable: matches!(code, Code::Busy | Code::Expired | Code::RateLimited),
            after_ms: None,
        }
    }

    /// Moderation does not let it onto the picture; `reason` is its code, `message` a sentence.
    pub fn refused(reason: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            reason: Some(reason.into()),
            ..Self::new(Code::Refused, message)
        }
    }
}

impl From<&Denial> for Failure {
    fn from(denial: &Denial) -> Self {
        Self {
            code: code_of(denial.code),
            reason: Some(denial.code.name().into()),
            message: denial.message.clone(),
            retryable: denial.code.retryable(),
            after_ms: None,
        }
    }
}

fn code_of(code: DenialCode) -> Code {
    match code {
        DenialCode::UnknownDestination
        | DenialCode::UnknownControl
        | DenialCode::OutOfRange
        | DenialCode::Invalid => Code::BadRequest,
        DenialCode::NoAudio | DenialCode::ReadOnly | DenialCode::Unsupported => Code::Unsupported,
        DenialCode::Passthrough
        | DenialCode::TooMany
        | DenialCode::Configured
        | DenialCode::Live
        | DenialCode::ShuttingDown => Code::Conflict,
        DenialCode::Forbidden => Code::Forbidden,
        DenialCode::NotSaved => Code::Internal,
        DenialCode::Busy => Code::Busy,
    }
}

/// What a peer asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Do something.
    Command(Command),
    /// Say how the box is.
    Status,
    /// Say so at each change.
    Watch,
}

/// A request that is well formed.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Given back in the answer.
    pub id: String,
    /// What.
    pub ask: Ask,
}

/// A request that is not: its id as far as there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Given back in the answer.
    pub id: Option<String>,
    /// Why.
    pub failure: Failure,
}

/// Reads one request.
///
/// # Errors
/// What is wrong with it, ready to be answered.
pub fn request(text: &[u8]) -> Result<Request, Refused> {
    let refuse = |failure| Refused { id: None, failure };
    if text.len() > MAX_REQUEST {
        return Err(refuse(too_large(MAX_REQUEST)));
    }
    let value: Value =
        serde_json::from_slice(text).map_err(|e| refuse(bad(format!("This is no JSON: {e}."))))?;
    let Value::Object(mut fields) = value else {
        return Err(refuse(bad(
            "A request is a JSON object such as {\"id\":\"1\",\"status\":true}.",
        )));
    };
    let id = id(fields.remove("id")).map_err(refuse)?;
    match ask(fields) {
        Ok(ask) => Ok(Request { id, ask }),
        Err(failure) => Err(Refused {
            id: Some(id),
            failure,
        }),
    }
}

/// The failure of a request that is longer than `most` bytes.
#[must_use]
pub fn too_large(most: usize) -> Failure {
    Failure::new(
        Code::TooLarge,
        format!("The request is longer than {most} bytes."),
    )
}

fn bad(message: impl Into<String>) -> Failure {
    Failure::new(Code::BadRequest, message)
}

fn id(given: Option<Value>) -> Result<String, Failure> {
    match given {
        Some(Value::String(id)) if (1..=MAX_ID).contains(&id.len()) => Ok(id),
        Some(_) => Err(bad(format!("id must be a text of 1 to {MAX_ID} bytes."))),
        None => Err(bad(
            "The request has no id: a text that the answer repeats.",
        )),
    }
}

fn ask(fields: Map<String, Value>) -> Result<Ask, Failure> {
    let mut fields = fields.into_iter();
    let (Some((name, value)), None) = (fields.next(), fields.next()) else {
        return Err(bad(
            "A request has, beside its id, exactly one of command, status and watch.",
        ));
    };
    match (name.as_str(), value) {
        ("command", value) => command(&value).map(Ask::Command),
        ("status", Value::Bool(true)) => Ok(Ask::Status),
        ("watch", Value::Bool(true)) => Ok(Ask::Watch),
        ("status" | "watch", _) => Err(bad(format!("{name} must be true."))),
        _ => Err(bad(format!(
            "There is no request named {:?}. Choose command, status or watch.",
            short(&name)
        ))),
    }
}

/// Reads a command as serde gives it: `{"name":"…","args":{…}}`. Args may be left out where none is needed, and may be
/// `{}` where there are none; a field that the command does not have is an error.
///
/// # Errors
/// [`Code::UnknownCommand`], or [`Code::BadRequest`] with what is wrong.
pub fn command(given: &Value) -> Result<Command, Failure> {
    let name = match given.get("name") {
        Some(Value::String(name)) => name.clone(),
        _ => {
            return Err(bad(
                "A command is an object such as {\"name\":\"live-start\"}.",
            ));
        }
    };
    known(&name)?;
    let command: Command = serde_json::from_value(given.clone())
        .or_else(|e| serde_json::from_value(other_empty(given)).map_err(|_| e))
        .map_err(|e| bad(format!("The command {name} is wrong: {e}.")))?;
    match unknown_field(given, &json!(command)) {
        Some(field) => Err(bad(format!(
            "The command {name} has no field {:?}.",
            short(&field)
        ))),
        None => Ok(command),
    }
}

/// Whether there is a command of that name: serde knows them all, and says so when nothing but the name is there.
fn known(name: &str) -> Result<(), Failure> {
    let Err(e) = serde_json::from_value::<Command>(json!({ "name": name })) else {
        return Ok(());
    };
    let said = e.to_string();
    if !said.starts_with("unknown variant") {
        return Ok(());
    }
    let names = said
        .split_once("expected one of ")
        .map(|(_, names)| format!(" Choose one of: {}.", names.replace('`', "")));
    Err(Failure::new(
        Code::UnknownCommand,
        format!(
            "There is no command named {:?}.{}",
            short(name),
            names.unwrap_or_default()
        ),
    ))
}

/// The same command with `args` left out where it was empty, and empty where it was left out.
fn other_empty(given: &Value) -> Value {
    let mut other = given.clone();
    if let Value::Object(fields) = &mut other {
        match fields.get("args") {
            None => {
                fields.insert("args".into(), json!({}));
            }
            Some(Value::Object(args)) if args.is_empty() => {
                fields.remove("args");
            }
            Some(_) => {}
        }
    }
    other
}

/// The first field of `given`, at any depth, that did not make it into `taken`.
fn unknown_field(given: &Value, taken: &Value) -> Option<String> {
    let Value::Object(given) = given else {
        return None;
    };
    given
        .iter()
        .find_map(|(name, value)| match taken.get(name) {
            Some(taken) => unknown_field(value, taken),
            None if name == "args" && *value == json!({}) => None,
            // The same as left out; what is left out is not always written.
            None if value.is_null() => None,
            None => Some(name.clone()),
        })
}

fn short(text: &str) -> String {
    text.chars().take(48).collect()
}

/// The answer to one request; one line of JSON.
#[derive(Debug, Clone, Serialize)]
pub struct Answer<'a> {
    id: Option<&'a str>,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
}

#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Status(&'a Status),
    Outcome {
        outcome: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<&'a str>,
    },
    Given(&'a Value),
    Picture {
        content_type: &'static str,
        width: u32,
        height: u32,
        base64: String,
    },
}

impl<'a> Answer<'a> {
    /// How the box is.
    #[must_use]
    pub fn status(id: &'a str, status: &'a Status) -> Self {
        Self::well(Some(id), Data::Status(status))
    }

    /// What came of a command. `accepted`: it is being carried out, the outcome shows in the status;
    /// `already_so`: nothing was to be done; `kept`: it comes into effect later. A picture goes along as base64.
    #[must_use]
    pub fn command(id: &'a str, said: &'a Result<Done, Failure>) -> Self {
        Self::of(Some(id), said)
    }

    /// [`Answer::command`] to a request that may have had no id.
    #[must_use]
    pub fn of(id: Option<&'a str>, said: &'a Result<Done, Failure>) -> Self {
        let (outcome, message) = match said {
            Ok(Done::Accepted) => ("accepted", None),
            Ok(Done::AlreadySo(how)) => ("already_so", Some(how.as_str())),
            Ok(Done::Kept(when)) => ("kept", Some(when.as_str())),
            Ok(Done::Data(data)) => return Self::well(id, Data::Given(data)),
            Ok(Done::Picture(picture)) => {
                let picture = Data::Picture {
                    content_type: "image/jpeg",
                    width: picture.width,
                    height: picture.height,
                    base64: BASE64_STANDARD.encode(&picture.jpeg),
                };
                return Self::well(id, picture);
            }
            Err(failure) => return Self::failure(id, failure.clone()),
        };
        Self::well(id, Data::Outcome { outcome, message })
    }

    /// It is not done.
    #[must_use]
    pub fn failure(id: Option<&'a str>, failure: Failure) -> Self {
        Self {
            id,
            ok: false,
            data: None,
            error: Some(failure),
        }
    }

    fn well(id: Option<&'a str>, data: Data<'a>) -> Self {
        Self {
            id,
            ok: true,
            data: Some(data),
            error: None,
        }
    }

    /// As one line of JSON with its line end.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        // Plain data with text keys always becomes JSON; if it ever did not, the asker still hears something true.
        let mut line = serde_json::to_vec(self).unwrap_or_else(|e| {
            tracing::error!(error = %e, "an answer could not be written");
            br#"{"id":null,"ok":false,"error":{"code":"internal","message":"The answer could not be written.","retryable":false}}"#.to_vec()
        });
        line.push(b'\n');
        line
    }
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
