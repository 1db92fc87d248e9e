//! SIGTERM and SIGINT as a flag, so that a tool can take its devices down before it ends.

use std::sync::atomic::{AtomicBool, Ordering};

static ASKED: AtomicBool = AtomicBool::new(false);

extern "C" fn note(_signal: libc::c_int) {
    ASKED.store(true, Ordering::Relaxed);
}

/// From here on the two signals no longer end the process: [`asked`] says that one came. A wait in a system call
/// is interrupted (`EINTR`).
pub fn listen() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        // SAFETY: the handler only stores to an atomic, and the structure is fully initialised (no flags: no
        // SA_RESTART).
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = note as extern "C" fn(libc::c_int) as usize;
            libc::sigaction(signal, &raw const action, std::ptr::null_mut());
        }
    }
}

/// Whether the tool shall end.
pub fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}
