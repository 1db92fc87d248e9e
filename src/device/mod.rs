//! The pure core of the box: plain data in, plain data out. Only `supervisor.rs` knows tokio.

/// What the box can be told to do.
pub mod command;
/// What the world must do.
pub mod effect;
/// What happened.
pub mod event;
/// From status to one sentence, severity and LED pattern.
pub mod health;
/// Accept, ignore or deny a command.
pub mod policy;
/// Wanted, Actual and `step`.
pub mod state;
/// The only thing that goes out.
pub mod status;
/// The one task that mutates.
pub mod supervisor;
