//! The database, `boothcast.db` in the state folder: SQLite in WAL mode with `synchronous=FULL`, one writer thread, frozen
//! migrations. Jobs that wait together share one transaction, so a crowd of commands costs one sync.

use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// File name of the database, in the state folder.
pub const DATABASE: &str = "boothcast.db";

/// The database; cheap to clone, usable from any task.
#[derive(Debug, Clone)]
pub struct Db(());

impl Db {
    /// Opens the database, or makes it. One that is damaged is moved aside (the last two are kept) and a new one made;
    /// then a sentence that says so is given beside it. Blocking.
    ///
    /// # Errors
    /// When the system does not let it be opened.
    pub fn open(_dir: &Path) -> Result<(Self, Option<String>)> {
        Err(Error::new(Kind::Unsupported, "There is no database yet."))
    }

    /// Waits until everything that was handed in is on disk, at most `limit`, and closes.
    pub fn close(&self, _limit: Duration) {}
}
