//! The journal of commands: by it a command runs at most once, also across crashes.
//!
//! ```text
//!   new ──begin──> started ──finish──> answered ──sent──> done
//!                     │ crash
//!                     └──recover──> answered `interrupted`
//! ```

use super::db::Db;
use crate::error::{Error, Kind, Result};

/// A command that is about to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id.
    pub id: String,
    /// SHA-256 over name and arguments.
    pub hash: [u8; 32],
    /// Its name, as in `live/start`.
    pub name: String,
    /// Where its answer goes.
    pub reply_to: String,
    /// What the answer repeats.
    pub correlation: Option<Vec<u8>>,
}

/// What the journal knows of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: it is noted and on disk now, and may run.
    New,
    /// It runs at this moment.
    Running,
    /// It ran; this was the answer.
    Answered(Vec<u8>),
    /// The id was used for something else.
    OtherContent,
}

/// An answer that the broker has not acknowledged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// To which command.
    pub entry: Entry,
    /// The answer.
    pub answer: Vec<u8>,
}

/// How many answered commands are remembered at most, and for how long, s.
pub const KEPT: (u32, i64) = (20_000, 7 * 86_400);

impl Db {
    /// Notes a command before it starts, and syncs.
    ///
    /// # Errors
    /// When it cannot be written; then it must not run.
    pub async fn journal_begin(&self, _entry: Entry) -> Result<Begun> {
        Err(Error::new(Kind::Unsupported, "There is no database yet."))
    }

    /// Notes the answer before it is sent, and syncs.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn journal_finish(&self, _id: String, _answer: Vec<u8>) -> Result<()> {
        Err(Error::new(Kind::Unsupported, "There is no database yet."))
    }

    /// Notes that the broker has the answer.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn journal_sent(&self, _id: String) -> Result<()> {
        Err(Error::new(Kind::Unsupported, "There is no database yet."))
    }

    /// After a start: what had begun and has no answer gets the one that `interrupted` makes of its id. Gives all answers
    /// that are still to be sent, oldest first.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub async fn journal_recover(
        &self,
        _interrupted: impl Fn(&str) -> Vec<u8> + Send + 'static,
    ) -> Result<Vec<Unsent>> {
        Err(Error::new(Kind::Unsupported, "There is no database yet."))
    }
}
