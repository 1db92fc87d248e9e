//! systemd's notification protocol (`sd_notify(3)`): ready, status, watchdog, stopping. Without `NOTIFY_SOCKET` all of it
//! does nothing.
//!
//! The watchdog is petted only while the main rendition flows (camera or slate): a box that runs but shows nothing is
//! restarted.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

use sd_notify::NotifyState;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::device::status::Status;

/// Longest `STATUS=`, in characters.
const STATUS_LIMIT: usize = 300;

/// Speaks to the service manager.
#[derive(Debug)]
pub struct Notifier {
    peer: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notifier {
    /// As the environment says: `NOTIFY_SOCKET`, and `WATCHDOG_USEC` if it is meant for this process.
    #[must_use]
    pub fn from_env() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET");
        Self::new(socket.as_deref(), sd_notify::watchdog_enabled())
    }

    /// Speaks to `socket` (a path, or `@name` in the abstract name space). `watchdog` is the whole time-out.
    #[must_use]
    pub fn new(socket: Option<&OsStr>, watchdog: Option<Duration>) -> Self {
        let peer = socket.filter(|s| !s.is_empty()).and_then(|socket| {
            connect(socket)
                .inspect_err(|e| tracing::warn!(error = %e, "systemd cannot be notified"))
                .ok()
        });
        Self {
            watchdog: watchdog.filter(|w| !w.is_zero() && peer.is_some()),
            peer,
        }
    }

    /// Everything is open: start-up is over.
    pub fn ready(&self) {
        self.send(&[NotifyState::Ready]);
    }

    /// One line for `systemctl status`.
    pub fn status(&self, sentence: &str) {
        self.send(&[NotifyState::Status(&one_line(sentence))]);
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.send(&[NotifyState::Stopping]);
    }

    /// True when the datagram was taken.
    fn send(&self, states: &[NotifyState<'_>]) -> bool {
        let Some((socket, peer)) = &self.peer else {
            return false;
        };
        let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
        socket
            .send_to_addr(lines.join("\n").as_bytes(), peer)
            .inspect_err(|e| tracing::debug!(error = %e, "systemd was not notified"))
            .is_ok()
    }

    /// [`Notifier::run`] as a task.
    pub fn spawn(
        self,
        runtime: &tokio::runtime::Handle,
        status: watch::Receiver<Status>,
    ) -> JoinHandle<()> {
        runtime.spawn(self.run(status))
    }

    /// Says `READY=1` at once (so start it when everything is open), then the health sentence at each change, and
    /// pets the watchdog. Says `STOPPING=1` and ends when the box is ending or the status is closed; not when the box is
    /// about to restart: then the next `READY=1` is all that systemd hears.
    pub async fn run(self, mut status: watch::Receiver<Status>) {
        self.ready();
        let started = Instant::now();
        let mut said = String::new();
        let mut pet = Pet::default();
        loop {
            let (ending, restarting, flow) = {
                let status = status.borrow_and_update();
                if status.health.sentence != said {
                    said.clone_from(&status.health.sentence);
                    self.status(&said);
                }
                (status.ending, status.restarting, status.flow.main)
            };
            if restarting {
                // This very process goes on: after STOPPING=1 systemd would wait for its end, and then kill it.
                return;
            }
            if ending {
                break;
            }
            let period = self.watchdog.map(|w| w / 2);
            if let Some(period) = period {
                let now = started.elapsed();
                if may_pet(pet, flow, now, period) && self.send(&[NotifyState::Watchdog]) {
                    pet = Pet { flow, at: now };
                }
            }
            tokio::select! {
                changed = status.changed() => if changed.is_err() {
                    break;
                },
                () = nap(period) => {}
            }
        }
        self.stopping();
    }
}

/// The last time the watchdog was petted: the count of access units then, and when (since the task began).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pet {
    /// Access units of the main rendition.
    pub flow: u64,
    /// When.
    pub at: Duration,
}

/// Whether the watchdog may be petted now: `period` (half its time-out) has gone by, and the picture has moved on since.
/// A stall that ends late is noticed at once, not a whole period later.
#[must_use]
pub fn may_pet(last: Pet, flow: u64, now: Duration, period: Duration) -> bool {
    flow != last.flow && now.saturating_sub(last.at) >= period
}

/// Until the next look: an eighth of the time-out, so that `may_pet` is asked early enough; for ever without a watchdog.
async fn nap(period: Option<Duration>) {
    match period {
        Some(period) => tokio::time::sleep((period / 4).max(Duration::from_millis(5))).await,
        None => std::future::pending().await,
    }
}

fn connect(socket: &OsStr) -> std::io::Result<(UnixDatagram, SocketAddr)> {
    let peer = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(socket)?,
        _ => return Err(std::io::ErrorKind::Unsupported.into()),
    };
    let ours = UnixDatagram::unbound()?;
    // A service manager that does not read must not stop us.
    ours.set_nonblocking(true)?;
    Ok((ours, peer))
}

/// A line end in a sentence would begin another assignment of the protocol.
fn one_line(sentence: &str) -> String {
    sentence
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(STATUS_LIMIT)
        .collect()
}

#[cfg(test)]
#[path = "systemd_tests.rs"]
mod tests;
