//! The light and the button.
//!
//! ```text
//!  LedPattern ─> Led<P: OutputPin> ─┬─> CdevPin (GPIO character device)    Edge, time ─> Gestures ─> Gesture
//!                                   └─> ClassPin (/sys/class/leds)           ^── Reader (GPIO character device)
//! ```

/// The button: edges of its line with their times.
pub mod button;
/// LEDs of the kernel's class.
pub mod class;
/// From edges to gestures; pure.
pub mod gesture;
/// The status LED.
pub mod led;
/// Chips and lines of the GPIO character device.
pub mod line;
/// The real pins of a light.
pub mod pin;

/// How the light calls itself on its lines.
pub const LED_CONSUMER: &str = "boothcast-led";
/// How the button calls itself on its line.
pub const BUTTON_CONSUMER: &str = "boothcast-button";
