//! A thread that does jobs of one kind, one after the other, with a bounded queue and a bounded end.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};

/// Jobs that may wait. When a driver hangs, later jobs are refused rather than piled up.
const QUEUE: usize = 16;

/// A way into a worker's queue.
pub(super) struct Jobs<J> {
    name: &'static str,
    jobs: SyncSender<J>,
}

impl<J> Jobs<J> {
    /// Queues a job; a full queue means that the device hangs: the core will ask again.
    pub(super) fn send(&self, job: J) {
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                tracing::warn!(
                    worker = self.name,
                    "busy with an earlier job; this one is dropped"
                );
            }
            Err(TrySendError::Disconnected(_)) => {
                tracing::error!(worker = self.name, "has ended early");
            }
        }
    }
}

/// Handle of the thread.
pub(super) struct Worker<J> {
    name: &'static str,
    jobs: SyncSender<J>,
    thread: JoinHandle<()>,
}

impl<J: Send + 'static> Worker<J> {
    /// Starts the thread; `work` is called for each job.
    pub(super) fn start(
        name: &'static str,
        mut work: impl FnMut(J) + Send + 'static,
    ) -> Result<Self> {
        let (jobs, queue): (SyncSender<J>, Receiver<J>) = sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while let Ok(job) = queue.recv() {
                    work(job);
                }
            })
            .map_err(|e| {
                Error::new(
                    Kind::Internal,
                    format!("The {name} thread could not be started."),
                )
                .caused_by(e)
            })?;
        Ok(Self { name, jobs, thread })
    }

    /// Another way in, for workers that give one another jobs. The thread ends when all ways in are gone.
    pub(super) fn sender(&self) -> Jobs<J> {
        Jobs {
            name: self.name,
            jobs: self.jobs.clone(),
        }
    }

    /// [`Jobs::send`].
    pub(super) fn send(&self, job: J) {
        self.sender().send(job);
    }

    /// Lets queued jobs end, at most `limit`; a thread that hangs in a driver is left behind with a warning.
    pub(super) fn stop(self, limit: Duration) {
        let Self { name, jobs, thread } = self;
        drop(jobs);
        join(name, thread, limit);
    }
}

/// Waits at most `limit` for a thread that has been told to end; one that hangs is left behind with a warning.
pub(super) fn join(name: &'static str, thread: JoinHandle<()>, limit: Duration) {
    let end = Instant::now() + limit;
    while !thread.is_finished() {
        if Instant::now() >= end {
            tracing::warn!(worker = name, "did not end in time and is left behind");
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    if thread.join().is_err() {
        tracing::error!(worker = name, "had panicked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_stuck_job_neither_blocks_the_sender_nor_the_end() {
        let (release, gate) = std::sync::mpsc::channel::<()>();
        let worker = Worker::start("test", move |()| {
            let _ = gate.recv();
        })
        .unwrap();
        let begun = Instant::now();
        for _ in 0..100 {
            worker.send(());
        }
        worker.stop(Duration::from_millis(50));
        assert!(begun.elapsed() < Duration::from_secs(1));
        drop(release);
    }

    #[test]
    fn queued_jobs_are_done_before_the_end() {
        let sum = Arc::new(AtomicU32::new(0));
        let total = sum.clone();
        let worker = Worker::start("test", move |n: u32| {
            total.fetch_add(n, Ordering::SeqCst);
        })
        .unwrap();
        (1..=10).for_each(|n| worker.send(n));
        worker.stop(Duration::from_secs(5));
        assert_eq!(sum.load(Ordering::SeqCst), 55);
    }
}
