//! The pure core of the box: plain data in, plain data out. Only `supervisor.rs` knows tokio.

/// What is: camera, microphone, encoders, pushes, figures.
pub mod actual;
/// The bitrate of the main rendition.
mod bitrate;
/// Latest values of events that must never be lost, whatever the load.
pub mod coalesce;
/// What the box can be told to do.
pub mod command;
/// Controls of the camera: names, ranges, values.
pub mod control;
/// What the world must do.
pub mod effect;
/// Effects that wait for the world, the newest of each kind.
pub mod effect_queue;
/// When an encoder is opened, and which.
pub mod encoder;
/// What happened.
pub mod event;
/// From state to one sentence, severity and LED pattern.
pub mod health;
/// LED patterns: what the light does, as data.
pub mod led;
/// What media events and time change.
pub mod observe;
/// Accept, ignore or deny a command.
pub mod policy;
/// When a camera or a microphone is opened again.
pub mod source;
/// Wanted, Actual and `step`.
pub mod state;
/// The only thing that goes out.
pub mod status;
/// The one task that mutates.
pub mod supervisor;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod supervisor_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod wish_tests;
