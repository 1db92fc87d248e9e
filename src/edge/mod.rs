//! Each peer outside the process, in one place.

/// V4L2 cameras: discovery, stable ids, modes, the choice of a mode.
pub mod camera;
/// A time limit for calls into drivers.
pub mod deadline;
/// Link, addresses, time synchronisation.
pub mod net;
/// ALSA capture cards: discovery, mixer controls.
pub mod sound;
/// systemd's notification socket and watchdog.
pub mod systemd;
