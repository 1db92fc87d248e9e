//! What several tests need: free ports, child processes that end with the test, waiting with a bound.
#![allow(dead_code)]

/// mosquitto.
pub mod broker;
/// ffprobe and ffmpeg as witnesses.
pub mod probe;
/// JSON Schema.
pub mod schema;
/// The whole box as a process.
pub mod the_box;
/// Somebody in the room.
pub mod visitor;
/// mosquitto_sub.
pub mod witness;

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A TCP port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A child process that is killed, by id, and reaped when the test ends.
pub struct Guard(pub Child);

impl Guard {
    pub fn spawn(command: &mut Command) -> Self {
        Self(
            command
                .spawn()
                .unwrap_or_else(|e| panic!("{command:?}: {e}")),
        )
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: plain system call with the id of a child that has not been reaped.
        unsafe { libc::kill(i32::try_from(self.0.id()).unwrap(), signal) };
    }

    /// Waits until the child ended, at most `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<std::process::ExitStatus> {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until `f` gives a value, at most `limit`; panics with `what` otherwise.
pub fn wait_for<T>(what: &str, limit: Duration, mut f: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = f() {
            return value;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
