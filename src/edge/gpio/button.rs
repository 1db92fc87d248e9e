//! The button: edges of a GPIO line with their times, debounced, and the gestures that they make.
