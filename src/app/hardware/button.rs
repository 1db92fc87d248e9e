//! The button's gestures become events.

use super::Parts;

/// The running part.
pub struct Button;

impl Button {
    /// Starts it.
    #[must_use]
    pub fn start(_parts: &Parts<'_>) -> Self {
        Self
    }

    /// Ends it.
    pub fn stop(self) {}
}
