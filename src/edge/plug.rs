//! Hot-plug: tells when cameras or sound cards come and go, without udev.
//!
//! One thread waits on the kernel's uevents and on the folders of device nodes (`plug/eyes.rs`), lets a burst settle
//! (`plug/settle.rs`: a USB camera makes a dozen events) and tells the class once. It says only *that* something changed: who
//! listens looks for himself, so a lost or doubled word does no harm.

mod eyes;
mod settle;
mod uevent;

use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use self::eyes::Eye;
use self::settle::Settle;
use crate::device::event::DeviceClass;
use crate::error::{Error, Kind, Result};

/// How long [`Watch::stop`] waits: longer than any listener may take.
const JOIN_LIMIT: Duration = Duration::from_secs(1);

/// A running watch. Dropping it ends it, too.
pub struct Watch {
    /// Closed to end the thread.
    quit: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches from now on. `told` is called on the watch's own thread, once per class and burst of changes, about
    /// 200 ms after the last of them; it should return within a second.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] when the box gives neither uevents nor inotify; [`Kind::Internal`] without a thread.
    pub fn start(told: impl FnMut(DeviceClass) + Send + 'static) -> Result<Self> {
        Self::start_on(Path::new("/dev"), Eye::uevents(), told)
    }

    fn start_on(
        dev: &Path,
        uevents: io::Result<Eye>,
        told: impl FnMut(DeviceClass) + Send + 'static,
    ) -> Result<Self> {
        let eyes = open(uevents, Eye::folders(dev))?;
        let fail = |e: io::Error| {
            Error::new(Kind::Internal, "The hot-plug watch could not be started.").caused_by(e)
        };
        let (heard, quit) = io::pipe().map_err(fail)?;
        let thread = std::thread::Builder::new()
            .name("plug".to_owned())
            .spawn(move || run(eyes, &heard, told))
            .map_err(fail)?;
        Ok(Self {
            quit: Some(quit),
            thread: Some(thread),
        })
    }

    /// Ends the watch; nothing is told after this returns. Bounded by a second: a listener that hangs is left behind.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.quit.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        let end = Instant::now() + JOIN_LIMIT;
        while !thread.is_finished() {
            if Instant::now() >= end {
                tracing::warn!("the hot-plug watch does not end and is left behind");
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        if thread.join().is_err() {
            tracing::error!("the hot-plug watch ended by a panic");
        }
    }
}

/// Those ways of seeing that work here.
fn open(uevents: io::Result<Eye>, folders: io::Result<Eye>) -> Result<Vec<Eye>> {
    let mut eyes = Vec::new();
    let mut refused = None;
    for (name, eye) in [("uevents", uevents), ("inotify", folders)] {
        match eye {
            Ok(eye) => eyes.push(eye),
            Err(e) => {
                tracing::info!(way = name, error = %e, "hot-plug is not seen this way");
                refused = Some(e);
            }
        }
    }
    match refused {
        Some(e) if eyes.is_empty() => Err(Error::new(
            Kind::Unsupported,
            "Plugging in a camera or sound card is not noticed at once: the system gives neither uevents nor inotify.",
        )
        .mend("Allow netlink sockets to the service; a device is still found within some seconds.")
        .caused_by(e)),
        _ => Ok(eyes),
    }
}

fn run(mut eyes: Vec<Eye>, quit: &PipeReader, mut told: impl FnMut(DeviceClass)) {
    let begin = Instant::now();
    let mut settle = Settle::default();
    while !eyes.is_empty() {
        let ready = match wait(&eyes, quit.as_raw_fd(), settle.wait(begin.elapsed())) {
            Ok(Ready { quit: true, .. }) => return,
            Ok(ready) => ready.eyes,
            Err(e) => {
                tracing::error!(error = %e, "the hot-plug watch cannot wait and ends");
                return;
            }
        };
        let now = begin.elapsed();
        let mut at = 0;
        eyes.retain_mut(|eye| {
            let look = ready.get(at).copied().unwrap_or(false);
            at += 1;
            let seen = if look {
                eye.look(&mut |class| settle.note(class, now))
            } else {
                Ok(())
            };
            seen.inspect_err(
                |e| tracing::warn!(error = %e, "one way of seeing hot-plug has failed"),
            )
            .is_ok()
        });
        while let Some(class) = settle.take(begin.elapsed()) {
            told(class);
        }
    }
}

/// Who woke the thread.
struct Ready {
    quit: bool,
    eyes: Vec<bool>,
}

fn wait(eyes: &[Eye], quit: RawFd, limit: Option<Duration>) -> io::Result<Ready> {
    let mut fds: Vec<libc::pollfd> = std::iter::once(quit)
        .chain(eyes.iter().map(Eye::fd))
        .map(|fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    // Up to the next whole millisecond: rounding down would spin.
    let limit = limit.map_or(-1, |d| i32::try_from(d.as_millis() + 1).unwrap_or(i32::MAX));
    let count = libc::nfds_t::try_from(fds.len()).unwrap_or(0);
    // SAFETY: `fds` holds `count` records of open descriptors and lives past the call.
    let n = unsafe { libc::poll(fds.as_mut_ptr(), count, limit) };
    if n < 0 {
        let e = io::Error::last_os_error();
        if e.kind() != io::ErrorKind::Interrupted {
            return Err(e);
        }
        fds.iter_mut().for_each(|fd| fd.revents = 0);
    }
    let mut woken = fds.iter().map(|fd| fd.revents != 0);
    Ok(Ready {
        quit: woken.next().unwrap_or(true),
        eyes: woken.collect(),
    })
}

#[cfg(test)]
mod tests;
