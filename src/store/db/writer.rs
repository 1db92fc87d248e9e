//! The thread that alone touches the database.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::trouble::{is_damage, trouble};
use super::{Answer, Sync, file};
use crate::error::{Error, Kind, Result};

/// Jobs that share one transaction at most.
const BATCH: usize = 64;

/// One job with its way back.
pub struct Job {
    sync: Sync,
    /// It runs alone and in no transaction.
    alone: bool,
    work: Box<dyn Work>,
}

/// A job: run at most once, then answered. What it gave goes out only if its transaction was committed.
trait Work: Send {
    fn run(&mut self, conn: &Connection) -> Answer<()>;
    fn answer(self: Box<Self>, ended: Result<()>);
}

struct Errand<T, F> {
    job: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Work for Errand<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Answer<T> + Send,
{
    fn run(&mut self, conn: &Connection) -> Answer<()> {
        if let Some(job) = self.job.take() {
            self.value = Some(job(conn)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, ended: Result<()>) {
        let Self { value, reply, .. } = *self;
        // The asker may have gone; what was committed stays.
        let _ = reply.send(ended.and_then(|()| value.ok_or_else(fault)));
    }
}

impl Job {
    pub fn new<T, F>(sync: Sync, job: F, reply: oneshot::Sender<Result<T>>) -> Self
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Answer<T> + Send + 'static,
    {
        let work = Box::new(Errand {
            job: Some(job),
            value: None,
            reply,
        });
        Self {
            sync,
            alone: false,
            work,
        }
    }

    /// The same, outside of a transaction.
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }
}

/// The thread's own.
pub struct Writer {
    dir: PathBuf,
    /// `None` after damage, until it can be opened again.
    conn: Option<Connection>,
    sync: Sync,
}

impl Writer {
    pub fn new(dir: PathBuf, conn: Connection) -> Self {
        Self {
            dir,
            conn: Some(conn),
            sync: Sync::Full,
        }
    }

    /// Works until all senders are gone and the queue is empty.
    pub fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut batch = VecDeque::from([first]);
            while batch.len() < BATCH
                && let Ok(job) = jobs.try_recv()
            {
                batch.push_back(job);
            }
            // Each turn takes at least one job out.
            while !batch.is_empty() {
                self.transaction(&mut batch);
            }
        }
        if let Some(conn) = self.conn.take()
            && let Err((_, e)) = conn.close()
        {
            tracing::warn!(error = %e, "the database did not close in order; what is committed is safe");
        }
    }

    /// Runs what waits in one transaction, or up to the job that breaks it.
    fn transaction(&mut self, batch: &mut VecDeque<Job>) {
        if batch.front().is_some_and(|j| j.alone)
            && let Some(job) = batch.pop_front()
        {
            return self.apart(job);
        }
        let full = batch.iter().any(|j| j.sync == Sync::Full);
        if let Err(e) = self.begin(if full { Sync::Full } else { Sync::Lazy }) {
            return self.sink(batch.drain(..).map(|j| j.work).collect(), &e);
        }
        let mut done = Vec::new();
        while batch.front().is_some_and(|j| !j.alone)
            && let Some(Job { mut work, .. }) = batch.pop_front()
        {
            match self.step(work.as_mut()) {
                Ok(Ok(())) => done.push(work),
                Ok(Err(e)) => work.answer(Err(e)),
                Err(e) => {
                    done.push(work);
                    return self.sink(done, &e);
                }
            }
        }
        match self.execute("COMMIT") {
            Ok(()) => done.into_iter().for_each(|work| work.answer(Ok(()))),
            Err(e) => self.sink(done, &e),
        }
    }

    /// Runs one job in no transaction.
    fn apart(&mut self, mut job: Job) {
        if self.conn.is_none() {
            self.reopen();
        }
        let went = match self.conn() {
            Ok(conn) => catch_unwind(AssertUnwindSafe(|| job.work.run(conn))),
            Err(e) => Ok(Err(e)),
        };
        match went {
            Ok(Ok(())) => job.work.answer(Ok(())),
            Ok(Err(e)) => self.sink(vec![job.work], &e),
            Err(_) => {
                tracing::error!("a job of the database panicked");
                job.work.answer(Err(fault()));
            }
        }
    }

    /// Runs one job in a savepoint. Inside: how it went, alone. Outside: it took the whole transaction with it.
    fn step(&self, work: &mut dyn Work) -> Answer<Result<()>> {
        let conn = self.conn()?;
        conn.execute_batch("SAVEPOINT job")?;
        let went = catch_unwind(AssertUnwindSafe(|| work.run(conn)));
        let failure = match went {
            Ok(Ok(())) => return conn.execute_batch("RELEASE job").map(Ok),
            // Some errors (disk full) end the transaction by themselves.
            Ok(Err(e)) if conn.is_autocommit() || is_damage(&e) => return Err(e),
            Ok(Err(e)) => self.say(&e),
            Err(_) => {
                tracing::error!("a job of the database panicked");
                fault()
            }
        };
        conn.execute_batch("ROLLBACK TO job; RELEASE job")?;
        Ok(Err(failure))
    }

    /// Nothing of this transaction holds.
    fn sink(&mut self, askers: Vec<Box<dyn Work>>, e: &rusqlite::Error) {
        if self.conn.as_ref().is_some_and(|c| !c.is_autocommit()) {
            // Whether it works shows at the next BEGIN.
            let _ = self.execute("ROLLBACK");
        }
        if is_damage(e) {
            tracing::error!("{}", self.say(e).report());
            self.conn = None;
        }
        for work in askers {
            work.answer(Err(self.say(e)));
        }
    }

    fn begin(&mut self, sync: Sync) -> Answer<()> {
        if self.conn.is_none() {
            self.reopen();
        }
        if self.sync != sync {
            self.execute(match sync {
                Sync::Full => "PRAGMA synchronous = FULL",
                Sync::Lazy => "PRAGMA synchronous = NORMAL",
            })?;
            self.sync = sync;
        }
        self.execute("BEGIN")
    }

    fn reopen(&mut self) {
        match file::open(&self.dir) {
            Ok((conn, warning)) => {
                if let Some(warning) = warning {
                    tracing::error!("{warning}");
                }
                self.conn = Some(conn);
                self.sync = Sync::Full;
            }
            Err(e) => tracing::error!("{}", e.report()),
        }
    }

    fn conn(&self) -> Answer<&Connection> {
        let gone = || rusqlite::Error::InvalidPath(self.dir.join(super::DATABASE));
        self.conn.as_ref().ok_or_else(gone)
    }

    fn execute(&self, sql: &str) -> Answer<()> {
        self.conn()?.execute_batch(sql)
    }

    fn say(&self, e: &rusqlite::Error) -> Error {
        trouble(&self.dir, e)
    }
}

fn fault() -> Error {
    Error::new(
        Kind::Internal,
        "A job of the database was ended by a fault of ours.",
    )
}
