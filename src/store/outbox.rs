//! What is to be told over MQTT and must not be lost while there is no broker: 10,000 rows or 8 MiB; when it is full the
//! oldest telemetry goes first, then the oldest plain event, an alarm never.

use super::db::Db;
use crate::error::{Error, Kind, Result};

/// Most rows.
pub const MAX_ROWS: u64 = 10_000;
/// Most bytes of payload.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// How much a row is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Numbers.
    Telemetry,
    /// Something happened.
    Event,
    /// Something is wrong.
    Alarm,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Rises by at least one with each row, across restarts.
    pub seq: u64,
    /// How much it is worth.
    pub class: Class,
    /// Topic below the box, such as `evt/live`.
    pub leaf: String,
    /// Content, JSON.
    pub payload: Vec<u8>,
}

impl Db {
    /// Adds a row, and syncs unless it is telemetry. `payload` is given the row's `seq`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn outbox_push(
        &self,
        _class: Class,
        _leaf: String,
        _payload: impl FnOnce(u64) -> Vec<u8> + Send + 'static,
    ) -> Result<u64> {
        Err(Error::new(Kind::Unsupported, "There is no database yet."))
    }

    /// The oldest rows after `after`, at most `limit`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn outbox_next(&self, _after: u64, _limit: u32) -> Result<Vec<Row>> {
        Err(Error::new(Kind::Unsupported, "There is no database yet."))
    }

    /// The broker has this row.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn outbox_sent(&self, _seq: u64) -> Result<()> {
        Err(Error::new(Kind::Unsupported, "There is no database yet."))
    }

    /// Rows that were dropped for want of room since the database was made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn outbox_dropped(&self) -> Result<u64> {
        Err(Error::new(Kind::Unsupported, "There is no database yet."))
    }
}
