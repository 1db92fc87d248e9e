//! Temperature, supply and throttling become events.

use super::Parts;

/// The running part.
pub struct Thermal;

impl Thermal {
    /// Starts it.
    #[must_use]
    pub fn start(_parts: &Parts<'_>) -> Self {
        Self
    }

    /// Ends it.
    pub fn stop(self) {}
}
