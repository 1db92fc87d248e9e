//! The button: edges of a GPIO line with the kernel's times, and the gestures that they make.
//!
//! The times are of `CLOCK_MONOTONIC` (since Linux 5.7). The kernel queues 16 edges and drops what is more, so the level
//! itself is read when it should have settled.

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use gpio_cdev::{EventType, LineEventHandle};

use super::gesture::{Gestures, Told};
use super::{BUTTON_CONSUMER, line};
use crate::config::ButtonLine;
use crate::error::{Error, Kind, Result, io_kind};

/// The line of the button, taken.
pub struct Button {
    handle: LineEventHandle,
    active_low: bool,
    debounce: Duration,
    what: String,
}

impl Button {
    /// Takes the line.
    ///
    /// # Errors
    /// Those of [`line::find`] and [`line::Found::edges`].
    pub fn open(wanted: &ButtonLine) -> Result<Self> {
        let found = line::find(&wanted.chip, &wanted.line)?;
        Ok(Self {
            handle: found.edges(wanted.bias, BUTTON_CONSUMER)?,
            active_low: wanted.active_low,
            debounce: Duration::from_millis(u64::from(wanted.debounce_ms)),
            what: found.describe(),
        })
    }

    /// `line 27 (GPIO27) of GPIO chip pinctrl-bcm2711`.
    #[must_use]
    pub fn describe(&self) -> &str {
        &self.what
    }

    /// Tells gestures, with their times by [`monotonic`], until `stop` can be read or is closed.
    ///
    /// # Errors
    /// The line has gone, or cannot be read any more.
    pub fn run(&mut self, stop: &impl AsRawFd, mut tell: impl FnMut(Told)) -> Result<()> {
        let mut gestures = Gestures::new(self.debounce, self.pressed()?, monotonic());
        loop {
            let wait = gestures.deadline().map(|d| d.saturating_sub(monotonic()));
            let told = match wait_for(self.handle.as_raw_fd(), stop.as_raw_fd(), wait)
                .map_err(|e| self.failed(e))?
            {
                Woken::Stop => return Ok(()),
                Woken::Edge => {
                    let event = self.handle.get_event();
                    let event = event.map_err(|e| self.failed(line::io_error(&e)))?;
                    let high = event.event_type() == EventType::RisingEdge;
                    let at = Duration::from_nanos(event.timestamp());
                    gestures.edge(high != self.active_low, at)
                }
                Woken::Time => {
                    let pressed = self.pressed()?;
                    gestures.seen(pressed, monotonic())
                }
            };
            told.into_iter().for_each(&mut tell);
        }
    }

    fn pressed(&self) -> Result<bool> {
        let level = self.handle.get_value();
        let level = level.map_err(|e| self.failed(line::io_error(&e)))?;
        Ok((level != 0) != self.active_low)
    }

    fn failed(&self, e: io::Error) -> Error {
        if e.raw_os_error() == Some(libc::ENODEV) {
            return Error::new(Kind::NotFound, format!("{} has gone.", self.what));
        }
        Error::new(io_kind(&e), format!("{} cannot be read.", self.what)).caused_by(e)
    }
}

/// `CLOCK_MONOTONIC`, the clock of the kernel's edges.
#[must_use]
pub fn monotonic() -> Duration {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: fills plain data; this clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let secs = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(secs, u32::try_from(now.tv_nsec).unwrap_or(0))
}

enum Woken {
    Edge,
    Stop,
    Time,
}

/// Waits for an edge, the stop, or the time; edges come before the time.
fn wait_for(line: RawFd, stop: RawFd, wait: Option<Duration>) -> io::Result<Woken> {
    let mut fds = [line, stop].map(|fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    });
    // Rounded up, so that the time has come when it is over; looked at again each minute at the latest.
    let ms = wait.map_or(60_000, |w| w.as_micros().div_ceil(1000).min(60_000));
    let ms = libc::c_int::try_from(ms).unwrap_or(60_000);
    // SAFETY: two entries that live through the call.
    let n = unsafe { libc::poll(fds.as_mut_ptr(), 2, ms) };
    if n < 0 {
        let e = io::Error::last_os_error();
        // A signal: whoever waits looks at the time again.
        let again = e.kind() == io::ErrorKind::Interrupted;
        return if again { Ok(Woken::Time) } else { Err(e) };
    }
    if fds[1].revents != 0 {
        return Ok(Woken::Stop);
    }
    if fds[0].revents & libc::POLLIN != 0 {
        return Ok(Woken::Edge);
    }
    if fds[0].revents != 0 {
        return Err(io::Error::from_raw_os_error(libc::ENODEV));
    }
    Ok(Woken::Time)
}

/// Waits until `stop` can be read or is closed, at most `limit`; says whether it was.
#[must_use]
pub fn stopped(stop: &impl AsRawFd, limit: Duration) -> bool {
    let end = monotonic() + limit;
    loop {
        let left = end.saturating_sub(monotonic());
        // A negative descriptor is passed over by poll(2).
        match wait_for(-1, stop.as_raw_fd(), Some(left)) {
            Ok(Woken::Time) if monotonic() < end => {}
            Ok(Woken::Time | Woken::Edge) => return false,
            Ok(Woken::Stop) | Err(_) => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stop_ends_a_wait_and_so_does_the_time() {
        let (reader, writer) = io::pipe().unwrap();
        let begin = monotonic();
        assert!(!stopped(&reader, Duration::from_millis(30)));
        assert!(monotonic() - begin >= Duration::from_millis(30));
        let ender = std::thread::spawn(move || drop(writer));
        assert!(stopped(&reader, Duration::from_secs(60)));
        ender.join().unwrap();
    }

    #[test]
    fn an_edge_comes_before_the_time_and_a_line_that_is_gone_is_an_error() {
        let (mut line, mut edges) = io::pipe().unwrap();
        let (stop, _keep) = io::pipe().unwrap();
        let fd = line.as_raw_fd();
        let woken = |wait| wait_for(fd, stop.as_raw_fd(), Some(wait));
        assert!(matches!(woken(Duration::ZERO), Ok(Woken::Time)));
        io::Write::write_all(&mut edges, b"x").unwrap();
        assert!(matches!(woken(Duration::ZERO), Ok(Woken::Edge)));
        io::Read::read_exact(&mut line, &mut [0]).unwrap();
        drop(edges);
        let e = woken(Duration::from_secs(60)).err().unwrap();
        assert_eq!(e.raw_os_error(), Some(libc::ENODEV));
    }
}
