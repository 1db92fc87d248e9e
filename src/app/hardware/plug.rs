//! What is plugged in or pulled out becomes an event.

use super::Parts;

/// The running part.
pub struct Plug;

impl Plug {
    /// Starts it.
    #[must_use]
    pub fn start(_parts: &Parts<'_>) -> Self {
        Self
    }

    /// Ends it.
    pub fn stop(self) {}
}
