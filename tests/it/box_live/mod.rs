//! The whole box, as a user runs it.

mod added;
mod again;
mod bad_input;
mod broker;
mod camera;
mod clean;
mod destinations;
mod ends;
pub mod in_process;
mod secrets;
mod shell;
mod snapshot;
mod watch;
mod words;
