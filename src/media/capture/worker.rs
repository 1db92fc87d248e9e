//! A thread with a name that can be told to stop, and is waited for with a bound.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer as gst;

use crate::error::{Error, Kind, Result};
use crate::media::time::MediaClock;

/// How long [`Worker::stop`] waits for a thread: a driver stuck in the kernel must not hang the caller.
const JOIN_LIMIT: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
struct State {
    stop: bool,
    fault: Option<(Kind, String)>,
}

/// Tells a worker to stop, or that something failed; every wait of the worker hears both.
#[derive(Debug, Clone, Default)]
pub(super) struct Signal(Arc<(Mutex<State>, Condvar)>);

impl Signal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the worker to end.
    pub(super) fn stop(&self) {
        self.state().stop = true;
        self.0.1.notify_all();
    }

    /// Whether the worker was asked to end.
    pub(super) fn stopped(&self) -> bool {
        self.state().stop
    }

    /// Notes what failed; the first one is kept.
    pub(super) fn fault(&self, fault: (Kind, String)) {
        self.state().fault.get_or_insert(fault);
        self.0.1.notify_all();
    }

    /// What failed, if something did; forgets it.
    pub(super) fn take_fault(&self) -> Option<(Kind, String)> {
        self.state().fault.take()
    }

    /// Waits at most `limit`; true as soon as a stop or a fault is there.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let (_state, out) = self
            .0
            .1
            .wait_timeout_while(self.state(), limit, |s| !s.stop && s.fault.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        !out.timed_out()
    }

    /// Waits until running time `at`; false when a stop or a fault came first.
    pub(super) fn wait_until(&self, clock: &MediaClock, at: u64) -> bool {
        loop {
            let left = at.saturating_sub(clock.now().nseconds());
            if left == 0 {
                return !self.wait(Duration::ZERO);
            }
            if self.wait(Duration::from_nanos(left)) {
                return false;
            }
        }
    }
}

/// A running thread.
#[derive(Debug)]
pub(super) struct Worker {
    name: String,
    signal: Signal,
    /// In a mutex only so that owners of workers may be shared.
    done: Mutex<Receiver<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts `body` on a thread called `name` (15 bytes of it are seen in `ps`).
    pub(super) fn spawn(
        name: &str,
        signal: Signal,
        body: impl FnOnce(&Signal) + Send + 'static,
    ) -> Result<Self> {
        let (tell, done) = mpsc::sync_channel(1);
        let inner = signal.clone();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Dropped at the end, or when `body` panics: either way the one who waits is woken.
                let _tell = tell;
                body(&inner);
            })
            .map_err(|e| {
                Error::new(Kind::Internal, format!("thread {name} cannot be started")).caused_by(e)
            })?;
        Ok(Self {
            name: name.to_owned(),
            signal,
            done: Mutex::new(done),
            thread: Some(thread),
        })
    }

    fn finish(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.signal.stop();
        if thread.thread().id() == std::thread::current().id() {
            // Stopped out of its own callback: it cannot wait for itself, and ends on its own after this.
            return;
        }
        let end = Instant::now();
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let late = done.recv_timeout(JOIN_LIMIT) == Err(RecvTimeoutError::Timeout);
        drop(done);
        if late {
            tracing::warn!(thread = %self.name, waited = ?end.elapsed(),
                "a thread does not end, probably stuck in a driver; it is left behind");
            return;
        }
        if thread.join().is_err() {
            tracing::error!(thread = %self.name, "a thread ended by a panic");
        }
    }
}

impl Drop for Worker {
    /// Stops the thread and waits for it, at most a second.
    fn drop(&mut self) {
        self.finish();
    }
}

/// Converts a running time for a buffer.
pub(super) fn time(ns: u64) -> gst::ClockTime {
    gst::ClockTime::from_nseconds(ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stuck_thread_does_not_hang_the_caller() {
        let (release, held) = mpsc::channel::<()>();
        let worker = Worker::spawn("stuck", Signal::default(), move |_| {
            let _ = held.recv_timeout(Duration::from_secs(20));
        })
        .unwrap();
        let begin = Instant::now();
        drop(worker);
        assert!(begin.elapsed() >= JOIN_LIMIT);
        assert!(begin.elapsed() < Duration::from_secs(10));
        drop(release);
    }

    #[test]
    fn a_stop_or_a_fault_ends_a_wait() {
        let signal = Signal::default();
        assert!(!signal.wait(Duration::from_millis(1)));
        signal.fault((Kind::InUse, "first".into()));
        signal.fault((Kind::Internal, "second".into()));
        assert!(signal.wait(Duration::from_secs(60)));
        assert_eq!(signal.take_fault(), Some((Kind::InUse, "first".into())));
        signal.stop();
        assert!(signal.wait(Duration::from_secs(60)));
    }
}
