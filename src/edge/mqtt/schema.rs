//! JSON Schema (draft 2020-12) of every message, made from the types: the files `docs/mqtt/*.schema.json`. Pure. A test
//! keeps the files in step.

use std::collections::BTreeSet;

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

use super::codec::MAX_SPREAD_S;
use super::events::EventReport;
use super::job::JobUpdate;
use super::room::RoomEvent;
use super::telemetry::{TelNet, TelStream, TelSys};
use super::tell::{Conn, Info, Reported, StatusReport};
use crate::device::command::{Command, topic_name};
use crate::device::settings::Settings;
use crate::edge::codec::MAX_ID;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What every message may say went wrong.
pub const CODES: [&str; 12] = [
    "bad_request",
    "unknown_command",
    "forbidden",
    "conflict",
    "too_large",
    "rate_limited",
    "refused",
    "unsupported",
    "busy",
    "interrupted",
    "expired",
    "internal",
];

/// File names and contents, all that there are.
#[must_use]
pub fn files() -> Vec<(String, String)> {
    let mut out: Vec<(String, Value)> = commands()
        .into_iter()
        .map(|c| (format!("cmd.{}", c.name), c.schema))
        .collect();
    for (name, schema) in [
        ("answer", answer()),
        ("desired", desired()),
        ("reported", of::<Reported>("P/box/{id}/reported")),
        ("status", of::<StatusReport>("P/box/{id}/status")),
        ("info", of::<Info>("P/box/{id}/info")),
        ("job.update", of::<JobUpdate>("P/box/{id}/job/update")),
        ("conn", of::<Conn>("P/box/{id}/conn")),
        ("tel.sys", of::<TelSys>("P/box/{id}/tel/sys")),
        ("tel.stream", of::<TelStream>("P/box/{id}/tel/stream")),
        ("tel.net", of::<TelNet>("P/box/{id}/tel/net")),
        ("evt", of::<EventReport>("P/box/{id}/evt/{type}")),
        ("room.event", of::<RoomEvent>("P/room/{room}/event/{kind}")),
    ] {
        out.push((name.to_owned(), schema));
    }
    out.into_iter()
        .map(|(name, mut schema)| {
            plain(&mut schema);
            (name, schema)
        })
        .map(|(name, schema)| (format!("{name}.schema.json"), format!("{schema:#}\n")))
        .collect()
}

/// The commands that have a topic, as they stand in it: `live/start`.
#[must_use]
pub fn command_names() -> Vec<String> {
    commands().iter().map(|c| topic_name(&c.name)).collect()
}

struct CommandSchema {
    name: String,
    schema: Value,
}

/// One schema for each variant of [`Command`].
fn commands() -> Vec<CommandSchema> {
    let root = schema_for!(Command).to_value();
    let defs = root.get("$defs").cloned().unwrap_or_default();
    let variants = root.get("oneOf").and_then(Value::as_array).cloned();
    variants
        .unwrap_or_default()
        .iter()
        .filter_map(|v| command(v, &defs))
        .collect()
}

fn command(variant: &Value, defs: &Value) -> Option<CommandSchema> {
    let name = variant.pointer("/properties/name/const")?.as_str()?;
    let args = variant.pointer("/properties/args");
    // Where no argument is needed, `args` may be left out.
    let needed = args.map(|a| resolved(a, defs)).is_some_and(|a| {
        let required = a.get("required").and_then(Value::as_array);
        // One of several forms: each of them has its word.
        required.is_some_and(|r| !r.is_empty()) || a.get("oneOf").is_some()
    });
    let none = json!({"type": "object", "properties": {}});
    let mut schema = json!({
        "$schema": DRAFT,
        "title": format!("P/box/{{id}}/cmd/{} and P/group/{{group}}/cmd/{}", topic_name(name), topic_name(name)),
        "description": variant.get("description"),
        "type": "object",
        "properties": {
            "id": {
                "description": "Chosen by the sender, new for each command; the answer repeats it. The same id never runs twice; without one a command may.",
                "type": "string", "minLength": 1, "maxLength": MAX_ID,
            },
            "args": args.unwrap_or(&none),
            "spread_s": {
                "description": "The box waits a random time up to this, s, so that a group does not act all at once.",
                "type": "integer", "minimum": 0, "maximum": MAX_SPREAD_S,
            },
            "expires_s": {
                "description": "After this, s, the command is not run any more.",
                "type": "integer", "minimum": 0, "maximum": u32::MAX,
            },
        },
        "required": if needed { vec!["args"] } else { vec![] },
    });
    add_defs(&mut schema, defs);
    close(&mut schema);
    Some(CommandSchema {
        name: name.to_owned(),
        schema,
    })
}

fn resolved<'a>(schema: &'a Value, defs: &'a Value) -> &'a Value {
    schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|r| defs.get(r.strip_prefix("#/$defs/")?))
        .unwrap_or(schema)
}

/// Adds the definitions that `schema` uses, and those that they use.
fn add_defs(schema: &mut Value, defs: &Value) {
    let mut used = Map::new();
    let mut todo = refs(schema);
    while let Some(name) = todo.pop_first() {
        if let Some(def) = defs.get(&name)
            && !used.contains_key(&name)
        {
            todo.extend(refs(def));
            used.insert(name, def.clone());
        }
    }
    if let Value::Object(fields) = schema
        && !used.is_empty()
    {
        fields.insert("$defs".into(), Value::Object(used));
    }
}

fn refs(schema: &Value) -> BTreeSet<String> {
    match schema {
        Value::Object(fields) => {
            let own = fields
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|r| r.strip_prefix("#/$defs/"))
                .map(str::to_owned);
            own.into_iter()
                .chain(fields.values().flat_map(refs))
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(refs).collect(),
        _ => BTreeSet::new(),
    }
}

/// Takes out what only a reader of the code understands: links, as in "applied ([`super::desired`])".
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                while let Some((begin, end)) = link(text) {
                    text.replace_range(begin..end, "");
                }
            }
            fields.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

/// Where a link stands, with the brackets around it and the space before it.
fn link(text: &str) -> Option<(usize, usize)> {
    let begin = text.find(" ([`")?;
    let end = begin + text.get(begin..)?.find(')')? + 1;
    Some((begin, end))
}

/// The box refuses fields that it does not know, at every depth.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object)
                && fields.get("type") == Some(&json!("object"))
            {
                fields
                    .entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn of<T: JsonSchema>(title: &str) -> Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let mut schema = generator.root_schema_for::<T>().to_value();
    if let Value::Object(fields) = &mut schema {
        fields.insert("title".into(), title.into());
    }
    schema
}

fn desired() -> Value {
    let settings = schema_for!(Settings).to_value();
    let defs = settings.get("$defs").cloned().unwrap_or_default();
    let mut settings = settings;
    if let Value::Object(fields) = &mut settings {
        for key in ["$defs", "$schema", "title"] {
            fields.remove(key);
        }
    }
    let mut schema = json!({
        "$schema": DRAFT,
        "title": "P/box/{id}/desired",
        "description": "Settings that an operator wants, retained. The box takes up a version that is higher than the last one, key by key.",
        "type": "object",
        "properties": {
            "version": {
                "description": "Only rises.",
                "type": "integer", "minimum": 1,
            },
            "settings": settings,
        },
        "required": ["version", "settings"],
    });
    add_defs(&mut schema, &defs);
    close(&mut schema);
    schema
}

fn answer() -> Value {
    json!({
        "$schema": DRAFT,
        "title": "P/box/{id}/rsp/{name}, or the Response Topic of the command",
        "description": "The answer to a command.",
        "type": "object",
        "properties": {
            "id": {
                "description": "That of the command; null where it could not be read.",
                "type": ["string", "null"],
            },
            "ok": {"description": "Whether it is done, or being done.", "type": "boolean"},
            "data": {
                "description": "What was asked for; for a command that changes something: its outcome.",
                "type": "object",
                "properties": {
                    "outcome": {
                        "description": "accepted: the outcome shows in the status; already_so: nothing was to be done; kept: it comes into effect later.",
                        "enum": ["accepted", "already_so", "kept"],
                    },
                    "message": {"description": "How it was so, or when it comes into effect.", "type": "string"},
                },
                "additionalProperties": true,
            },
            "error": {
                "description": "Why it is not done.",
                "type": "object",
                "properties": {
                    "code": {"description": "For programs.", "type": "string", "enum": CODES},
                    "reason": {"description": "Finer than the code.", "type": "string"},
                    "message": {"description": "For people.", "type": "string"},
                    "retryable": {"description": "Whether the same command may work a little later.", "type": "boolean"},
                    "after_ms": {"description": "After how long, ms.", "type": "integer", "minimum": 0},
                },
                "required": ["code", "message", "retryable"],
            },
        },
        "required": ["id", "ok"],
        "oneOf": [
            {"properties": {"ok": {"const": true}}, "required": ["data"]},
            {"properties": {"ok": {"const": false}}, "required": ["error"]},
        ],
    })
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
