//! The status LED: a pattern of [`crate::device::led`] on a GPIO line, on three lines, or on a kernel LED.
