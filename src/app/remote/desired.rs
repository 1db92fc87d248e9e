//! `desired`: settings of an operator, handed to the core one after another. The broker may forget them only when they are
//! on disk here, or are no settings at all.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::{mpsc, watch};

use crate::device::command::{Command, Origin};
use crate::edge::desk::Desk;
use crate::edge::mqtt::client::{Ack, Received};

/// Wishes that wait at most.
const QUEUE: usize = 16;
/// Tries, and the pause between two, while the box is too busy.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// One that waits.
pub struct Wish {
    command: Command,
    ack: Ack,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    version: u64,
    settings: serde_json::Map<String, serde_json::Value>,
}

pub fn queue() -> (mpsc::Sender<Wish>, mpsc::Receiver<Wish>) {
    mpsc::channel(QUEUE)
}

/// Reads a message and puts it into the queue; never waits.
///
/// # Errors
/// One clause, when these are no settings.
pub fn take(queue: &mpsc::Sender<Wish>, received: Received) -> Result<(), String> {
    let ack = received.ack;
    // Nothing, retained: an operator cleared the topic.
    if received.payload.is_empty() {
        ack.done();
        return Ok(());
    }
    let command = match read(&received.payload) {
        Ok(command) => command,
        Err(why) => {
            ack.done();
            return Err(why);
        }
    };
    if let Err(e) = queue.try_send(Wish { command, ack }) {
        let (mpsc::error::TrySendError::Full(wish) | mpsc::error::TrySendError::Closed(wish)) = e;
        tracing::warn!("desired settings come faster than they are taken up; one was left out");
        wish.ack.done();
    }
    Ok(())
}

fn read(payload: &Bytes) -> Result<Command, String> {
    let Payload { version, settings } =
        serde_json::from_slice(payload).map_err(|e| e.to_string())?;
    Ok(Command::DesiredApply {
        version,
        settings: settings.into(),
    })
}

/// Hands them in until `stop`.
pub async fn run(desk: Desk, mut queue: mpsc::Receiver<Wish>, mut stop: watch::Receiver<bool>) {
    let all = async {
        while let Some(wish) = queue.recv().await {
            apply(&desk, wish).await;
        }
    };
    tokio::select! {
        biased;
        () = super::ending(&mut stop) => {}
        () = all => {}
    }
}

async fn apply(desk: &Desk, wish: Wish) {
    for _ in 0..TRIES {
        match desk.run(Origin::Mqtt, wish.command.clone()).await {
            Ok(_) => break,
            Err(failure) if failure.retryable => tokio::time::sleep(PAUSE).await,
            Err(failure) => {
                tracing::warn!("desired settings are not taken up: {}", failure.message);
                break;
            }
        }
    }
    wish.ack.done();
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_have_a_version_and_nothing_else_passes() {
        let payload = json!({"version": 7, "settings": {"live": true}}).to_string();
        let command = read(&payload.into_bytes().into()).unwrap();
        let settings = json!({"live": true});
        assert_eq!(
            command,
            Command::DesiredApply {
                version: 7,
                settings
            }
        );
        for bad in [
            "",
            "{",
            "null",
            "[]",
            r#"{"version":1}"#,
            r#"{"settings":{}}"#,
            r#"{"version":-1,"settings":{}}"#,
            r#"{"version":1.5,"settings":{}}"#,
            r#"{"version":1,"settings":[]}"#,
            r#"{"version":1,"settings":{},"more":1}"#,
            r#"{"version":18446744073709551616,"settings":{}}"#,
        ] {
            let said = read(&Bytes::from_static(bad.as_bytes()));
            assert!(said.is_err_and(|why| !why.is_empty()), "{bad}");
        }
        assert!(read(&vec![b'['; 60_000].into()).is_err());
        assert!(read(&Bytes::from_static(b"\xff\xfe")).is_err());
    }
}
