//! The database, `boothcast.db` in the state folder: SQLite in WAL mode with `synchronous=FULL`, one writer thread, frozen
//! migrations. Jobs that wait together share one transaction, so a crowd of commands costs one sync.
//!
//! ```text
//!   run(job) ──bounded queue──> writer thread: BEGIN; each job in a savepoint of its own; COMMIT ──> answers
//! ```
//!
//! A job is answered after the commit, never before: what was answered is on disk. A job that fails takes back what it did
//! and nothing else. Damage that shows while the box runs is treated as at a start: the file is moved aside, a new one made.

mod file;
mod trouble;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, Kind, Result};
use writer::{Job, Writer};

#[cfg(test)]
pub(super) use file::SCHEMA;

/// File name of the database, in the state folder.
pub const DATABASE: &str = "boothcast.db";
/// Jobs that wait at most; who comes then waits for a place.
const QUEUE: usize = 256;
/// A database of at most so many bytes is copied in memory while it is written anew.
const IN_MEMORY: i64 = 32 * 1024 * 1024;

/// What a job gives back to SQLite's own errors.
pub type Answer<T> = rusqlite::Result<T>;

/// Whether a job must be on the disk before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Yes: it survives a power cut.
    Full,
    /// It survives the end of the program; a power cut may take back the last of it.
    Lazy,
}

/// The database; cheap to clone, usable from any task.
#[derive(Clone)]
pub struct Db(Arc<Shared>);

struct Shared {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    session: u64,
    dir: PathBuf,
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Db")
    }
}

impl Db {
    /// Opens the database, or makes it. One that is damaged is moved aside (the last two are kept) and a new one made;
    /// then a sentence that says so is given beside it. Blocking.
    ///
    /// # Errors
    /// When the system does not let it be opened, and when a newer program made it: then it is left as it is.
    pub fn open(dir: &Path) -> Result<(Self, Option<String>)> {
        let (conn, warning) = file::open(dir)?;
        let session = file::next_session(&conn, dir)?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let writer = Writer::new(dir.to_owned(), conn);
        let thread = std::thread::Builder::new()
            .name("db".into())
            .spawn(move || writer.run(jobs))
            .map_err(|e| {
                Error::new(Kind::Internal, "The database's thread cannot be started.").caused_by(e)
            })?;
        let shared = Shared {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            session,
            dir: dir.to_owned(),
        };
        Ok((Self(Arc::new(shared)), warning))
    }

    /// How often this database was opened; rises with each start of the program.
    #[must_use]
    pub fn session(&self) -> u64 {
        self.0.session
    }

    /// Runs `job` on the writer thread, in a transaction, and waits until it is committed. The job runs also if nobody
    /// waits any more.
    ///
    /// # Errors
    /// What `job` said, or that the commit failed; then nothing of it was done. `Internal` after [`Db::close`].
    pub async fn run<T, F>(&self, sync: Sync, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Answer<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.ask(Job::new(sync, job, reply), answer).await
    }

    /// Takes SQLite's log into the file and empties it, so that what was overwritten is in neither.
    ///
    /// # Errors
    /// When it cannot be written, or somebody else reads the file for longer than a while.
    pub(super) async fn settle_log(&self) -> Result<()> {
        // Busy is told in a row, not as an error.
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        let job = move |conn: &Connection| conn.query_row(sql, [], |row| row.get::<_, i64>(0));
        if self.apart(job).await? == 0 {
            return Ok(());
        }
        let said = "The database's log cannot be emptied: another program reads it.";
        Err(Error::new(Kind::InUse, said).mend("Close the other program, such as sqlite3."))
    }

    /// Writes the whole file anew, with nothing in it but the rows: moving rows leaves copies in unused parts of pages, which
    /// `secure_delete` does not find. All wait meanwhile.
    ///
    /// # Errors
    /// When there is no room for a second one, or it cannot be written.
    pub(super) async fn write_anew(&self) -> Result<()> {
        self.apart(|conn| {
            let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
            let bytes: i64 = conn.query_row(sql, [], |row| row.get(0))?;
            // The second one is in memory while it is small.
            let large = bytes > IN_MEMORY;
            conn.pragma_update(None, "temp_store", if large { "FILE" } else { "MEMORY" })?;
            let done = conn.execute_batch("VACUUM");
            conn.pragma_update(None, "temp_store", "MEMORY")?;
            done
        })
        .await?;
        self.settle_log().await
    }

    async fn apart<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Answer<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Job::new(Sync::Full, job, reply).alone();
        self.ask(job, answer).await
    }

    /// The folder that it lies in.
    pub(super) fn dir(&self) -> &Path {
        &self.0.dir
    }

    async fn ask<T>(&self, job: Job, answer: oneshot::Receiver<Result<T>>) -> Result<T> {
        let queue = lock(&self.0.queue).clone();
        let queue = queue.ok_or_else(closed)?;
        queue.send(job).await.map_err(|_| closed())?;
        drop(queue);
        answer.await.map_err(|_| {
            Error::new(
                Kind::Internal,
                "A job of the database was ended by a fault of ours.",
            )
        })?
    }

    /// Waits until everything that was handed in is on disk, at most `limit`, and closes. Blocking.
    pub fn close(&self, limit: Duration) {
        drop(lock(&self.0.queue).take());
        let Some(thread) = lock(&self.0.thread).take() else {
            return;
        };
        let end = Instant::now() + limit;
        while !thread.is_finished() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        if !thread.is_finished() {
            tracing::warn!("the database did not close in time; what is committed is safe");
        } else if thread.join().is_err() {
            tracing::error!("the database's thread ended by a fault of ours");
        }
    }
}

fn closed() -> Error {
    Error::new(
        Kind::Internal,
        "The database is closed: the box is shutting down.",
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds these locks can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "db_tests.rs"]
mod tests;
