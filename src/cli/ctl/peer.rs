//! The box that is asked: the one on this machine over its socket, or any over MQTT. Both give the same answers.

use std::time::Duration;

use serde_json::{Value, json};

use super::afar::Afar;
use super::client::Client;
use crate::cli::outcome::Trouble;

/// How often a box afar is asked how it is while a change is waited for.
const POLL: Duration = Duration::from_millis(500);

/// A box that can be asked.
pub(super) enum Peer {
    Here(Client),
    Afar(Box<Afar>),
}

impl Peer {
    /// How the box is, in full.
    pub(super) fn status(&mut self) -> Result<Value, Trouble> {
        match self {
            Self::Here(client) => client.status(),
            Self::Afar(afar) => afar.command(&json!({ "name": "status" })),
        }
    }

    /// Gives a command as JSON, `{"name","args"}`; the `data` of its answer.
    pub(super) fn command(&mut self, command: &Value) -> Result<Value, Trouble> {
        match self {
            Self::Here(client) => client.command(command),
            Self::Afar(afar) => afar.command(command),
        }
    }

    /// Begins to watch: [`Peer::next_status`] gives what changes.
    pub(super) fn watch(&mut self) -> Result<(), Trouble> {
        match self {
            Self::Here(client) => client.watch(),
            Self::Afar(_) => Ok(()),
        }
    }

    /// The next full status within `limit`.
    pub(super) fn next_status(&mut self, limit: Duration) -> Result<Value, Trouble> {
        match self {
            Self::Here(client) => client.next_status(Some(limit)),
            Self::Afar(_) if limit.is_zero() => Err(Trouble::TimedOut(
                "The box did not get there in time.".into(),
            )),
            Self::Afar(_) => {
                std::thread::sleep(POLL.min(limit));
                self.status()
            }
        }
    }
}
