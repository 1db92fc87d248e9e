//! The status LED follows the status.

use super::Parts;

/// The running part.
pub struct Led;

impl Led {
    /// Starts it.
    #[must_use]
    pub fn start(_parts: &Parts<'_>) -> Self {
        Self
    }

    /// Ends it.
    pub fn stop(self) {}
}
