//! The whole box, as a user runs it.

mod bad_input;
mod camera;
mod ends;
mod secrets;
mod watch;
