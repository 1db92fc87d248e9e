//! `boothcast ctl status --watch`: a page, or a line of JSON, at each change.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::afar::Afar;
use super::client::Client;
use super::page;
use super::peer::Peer;
use crate::cli::outcome::Trouble;

/// Least time between two pages.
const PAGE_PAUSE: Duration = Duration::from_secs(1);

/// Says it at each change, until the box ends or nobody reads: as JSON every change, as pages those that look
/// different, at most one a second. A box afar is watched by what it keeps at the broker, so it may come and go.
pub(super) fn run(peer: &mut Peer, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    match peer {
        Peer::Here(client) => here(client, as_json, out),
        Peer::Afar(afar) => far(afar, as_json, out),
    }
}

fn here(client: &mut Client, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    client.watch()?;
    let mut said = String::new();
    loop {
        let status = client.next_status(None)?;
        let text = if as_json {
            status.to_string()
        } else {
            page::status(&status)
        };
        if !say(&mut said, text, as_json, out) {
            return Ok(());
        }
    }
}

fn far(afar: &mut Afar, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    let (of_conn, of_status) = (afar.topic("conn"), afar.topic("status"));
    let (mut conn, mut status) = (Value::Null, Value::Null);
    let mut said = String::new();
    let mut limit = Some(afar.limit());
    loop {
        let Some(message) = afar.next_aside(limit)? else {
            return Err(afar.absent());
        };
        let Ok(value) = serde_json::from_slice(&message.payload) else {
            continue;
        };
        match message.topic {
            t if t == of_conn => {
                afar.note_conn(&value);
                conn = value;
            }
            t if t == of_status => status = value,
            _ => continue,
        }
        if status.is_null() {
            continue;
        }
        limit = None;
        let text = if as_json {
            json!({"conn": conn, "status": status}).to_string()
        } else {
            page::brief(afar.id().as_str(), &conn, &status)
        };
        if !say(&mut said, text, as_json, out) {
            return Ok(());
        }
    }
}

/// Prints what differs from what was `said`; false when nobody reads.
fn say(said: &mut String, text: String, as_json: bool, out: &mut dyn Write) -> bool {
    if text == *said {
        return true;
    }
    let gap = if as_json || said.is_empty() { "" } else { "\n" };
    let written = writeln!(out, "{gap}{}", text.trim_end()).and_then(|()| out.flush());
    if written.is_err() {
        return false;
    }
    *said = text;
    if !as_json {
        std::thread::sleep(PAGE_PAUSE);
    }
    true
}
