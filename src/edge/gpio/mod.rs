//! The light and the button.

/// The button: debounced edges and gestures.
pub mod button;
/// The status LED.
pub mod led;
