//! Where a power cut is tried out: every step that must survive one passes here, and a test cuts the work off at each in turn.

/// Passes; in tests, fails at the step that [`cut_at`] named.
///
/// # Errors
/// Only in tests: the power cut.
#[cfg(not(test))]
#[allow(clippy::unnecessary_wraps, reason = "in tests it fails")]
pub(crate) fn step() -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) use tried::{cut_at, step};

#[cfg(test)]
mod tried {
    use std::cell::Cell;

    thread_local! {
        static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Cuts the power at the step of this number, from 0, that this thread comes to; `None`: never.
    pub(crate) fn cut_at(step: Option<u32>) {
        LEFT.set(step);
    }

    /// Passes, or fails once the number is reached, and from then on: a machine without power does nothing more.
    pub(crate) fn step() -> std::io::Result<()> {
        match LEFT.get() {
            Some(0) => Err(std::io::Error::other("the power is cut")),
            Some(n) => {
                LEFT.set(Some(n - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }
}
