//! Controls of the camera that is open: read after each opening, set by effects.

use super::Parts;
use crate::device::control::ControlName;

/// The running part.
pub struct Camera;

impl Camera {
    /// Starts it.
    #[must_use]
    pub fn start(_parts: &Parts<'_>) -> Self {
        Self
    }

    /// Sets a control of the open camera.
    pub fn set(&self, _control: &ControlName, _value: i64) {}

    /// Ends it.
    pub fn stop(self) {}
}
