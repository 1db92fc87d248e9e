//! The sound card's own volume and switch: read after each opening, set by effects.

use super::Parts;

/// The running part.
pub struct Mic;

impl Mic {
    /// Starts it.
    #[must_use]
    pub fn start(_parts: &Parts<'_>) -> Self {
        Self
    }

    /// Sets the card's capture volume, per cent of its range.
    pub fn set_volume(&self, _percent: u8) {}

    /// Sets the card's capture switch.
    pub fn set_switch(&self, _on: bool) {}

    /// Ends it.
    pub fn stop(self) {}
}
