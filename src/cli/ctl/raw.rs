//! `boothcast ctl raw`: a request as it is, and the whole answer.

use std::io::Write;

use serde_json::{Value, json};

use super::client::{self, Client};
use super::peer::Peer;
use crate::cli::outcome::{self, Trouble};

/// A whole request stays as it is; anything else is taken for a command.
pub(super) fn request(text: &str) -> Result<Value, Trouble> {
    let value: Value =
        serde_json::from_str(text).map_err(|e| Trouble::Usage(format!("This is no JSON: {e}.")))?;
    let whole = ["command", "status", "watch"]
        .iter()
        .any(|field| value.get(field).is_some());
    let mut request = if whole {
        value
    } else {
        json!({ "command": value })
    };
    if let Value::Object(fields) = &mut request {
        fields.entry("id").or_insert_with(|| json!("ctl"));
    }
    Ok(request)
}

/// The command of a request, where there is nothing but commands.
pub(super) fn command(request: &Value) -> Result<&Value, Trouble> {
    let command = &request["command"];
    if command["name"].is_string() {
        return Ok(command);
    }
    Err(Trouble::Usage(
        "Over MQTT there are commands alone, such as '{\"name\":\"status\"}'.".into(),
    ))
}

/// Gives the request, and prints the answer as it came.
pub(super) fn run(peer: &mut Peer, request: &Value, out: &mut dyn Write) -> Result<(), Trouble> {
    match peer {
        Peer::Here(client) => here(client, request, out),
        Peer::Afar(afar) => {
            let answer = afar.ask(command(request)?)?;
            verdict(&answer, writeln!(out, "{answer}").is_ok()).map(drop)
        }
    }
}

/// For `watch` each of the answers.
fn here(client: &mut Client, request: &Value, out: &mut dyn Write) -> Result<(), Trouble> {
    client.send(request)?;
    let endless = request["watch"] == json!(true);
    loop {
        let answer = client.receive((!endless).then_some(client::ANSWER_LIMIT))?;
        let read = writeln!(out, "{answer}").and_then(|()| out.flush()).is_ok();
        if !verdict(&answer, read)? || !endless {
            return Ok(());
        }
    }
}

/// Whether somebody reads on.
fn verdict(answer: &Value, read: bool) -> Result<bool, Trouble> {
    if answer["ok"] == json!(true) {
        Ok(read)
    } else {
        Err(Trouble::Shown(outcome::refusal_code(&answer["error"])))
    }
}
