//! A time limit for calls into drivers, which take as long as they like: a USB camera that has gone mad can hold an
//! `ioctl` for half a minute, and there is no way to cancel one.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use crate::error::{Error, Kind, Result};

/// Runs `work` on a thread of its own and waits for it at most `limit`.
///
/// After the limit the thread is left to itself: it sits in a system call that nothing can interrupt, holds nothing
/// of ours, and ends when the driver answers. `name` begins the sentence of the error: "{name} did not answer …".
///
/// # Errors
/// What `work` returned; `Timeout` after the limit; `Internal` if no thread could be started or `work` panicked.
pub fn within<T: Send + 'static>(
    limit: Duration,
    name: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (tx, rx) = mpsc::sync_channel(1);
    let thread = thread::Builder::new()
        .name("device-probe".to_owned())
        .spawn(move || {
            // Nobody listens any more after the limit; then the answer is dropped.
            let _ = tx.send(work());
        })
        .map_err(|e| {
            Error::new(
                Kind::Internal,
                format!("{name} was not tried: no thread could be started."),
            )
            .caused_by(e)
        })?;
    match rx.recv_timeout(limit) {
        Ok(result) => {
            // It has sent its answer, so it is at its end.
            let _ = thread.join();
            result
        }
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::new(
            Kind::Timeout,
            format!("{name} did not answer within {} s.", limit.as_secs_f32()),
        )
        .mend("Unplug it and plug it in again; if that does not help, restart the box.")),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(Error::new(
            Kind::Internal,
            format!("{name} could not be looked at: the look itself failed."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn an_answer_in_time_is_passed_on() {
        assert_eq!(within(Duration::from_secs(60), "It", || Ok(7)).unwrap(), 7);
        let e = within::<()>(Duration::from_secs(60), "It", || {
            Err(Error::new(Kind::InUse, "It is in use."))
        });
        assert_eq!(e.unwrap_err().kind(), Kind::InUse);
    }

    #[test]
    fn a_device_that_hangs_is_given_up_after_the_limit() {
        let (release, hang) = mpsc::channel::<()>();
        let start = Instant::now();
        let e = within(Duration::from_millis(50), "/dev/video9", move || {
            let _ = hang.recv();
            Ok(())
        })
        .unwrap_err();
        assert_eq!(e.kind(), Kind::Timeout);
        assert_eq!(e.message(), "/dev/video9 did not answer within 0.05 s.");
        assert!(start.elapsed() >= Duration::from_millis(50));
        drop(release);
    }

    #[test]
    fn a_look_that_panics_is_an_error() {
        let e = within::<()>(Duration::from_secs(60), "It", || panic!("on purpose")).unwrap_err();
        assert_eq!(e.kind(), Kind::Internal);
    }
}
