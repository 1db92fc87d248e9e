//! The pure core of the box: plain data in, plain data out. Only `supervisor.rs` knows tokio.

/// What is: camera, microphone, encoders, pushes, figures.
pub mod actual;
/// The bitrate of the main rendition.
mod bitrate;
/// Controls of the camera that is open, and which must be set again.
pub mod camera_controls;
/// Latest values of events that must never be lost, whatever the load.
pub mod coalesce;
/// What the box can be told to do.
pub mod command;
/// Controls of the camera: names, ranges, values.
pub mod control;
/// Settings of an operator.
pub mod desired;
/// Their destinations.
mod desired_destination;
/// How they are read.
mod desired_read;
/// What the world must do.
pub mod effect;
/// Effects that wait for the world, the newest of each kind.
pub mod effect_queue;
/// When an encoder is opened, and which.
pub mod encoder;
/// What happened.
pub mod event;
/// What plugging, controls, mixer, heat and button change.
pub mod hardware;
/// From state to one sentence, severity and LED pattern.
pub mod health;
/// What it says of the devices of the box.
mod health_hardware;
mod health_start;
/// LED patterns: what the light does, as data.
pub mod led;
/// The sound card's own mixer, and what must be set again.
pub mod mixer;
/// Words on the picture.
pub mod notice;
/// What media events and time change.
pub mod observe;
/// What stands on the picture of it now.
pub mod on_stage;
/// Accept, ignore or deny a command.
pub mod policy;
/// The same for destinations.
mod policy_destinations;
/// The same for camera controls and the sound card's mixer.
mod policy_devices;
/// Settings as operators write them and as they are reported.
pub mod settings;
/// What the owner has put on the picture.
/// Who may tell the box what it is, and when.
pub mod setup;
/// When a camera or a microphone is opened again.
pub mod source;
pub mod stage;
/// Lengths and ranges of it.
mod stage_check;
/// Accept, ignore or deny commands about it.
pub mod stage_policy;
/// Wanted, Actual and `step`.
pub mod state;
/// The only thing that goes out.
pub mod status;
/// The part of it that speaks of the devices of the box.
pub mod status_hardware;
/// Settings in force, as they are reported.
mod status_settings;
/// A camera that sends the same picture again and again.
pub mod still;
/// The one task that mutates.
pub mod supervisor;
/// Answers that wait for the disk.
mod supervisor_held;
/// Heat: levels, and the pictures that they allow.
pub mod thermal;
/// Settings on trial.
pub mod trial;
/// Updates, trial and the way back.
pub mod update;
/// Whether a new version does well.
mod update_gate;
/// Accept or deny commands about updates.
pub mod update_policy;
/// What is said of updates.
mod update_say;
/// What people asked for.
mod wanted;
/// What commands change, and the effects by which the world follows.
mod wishes;

#[cfg(test)]
mod destination_tests;
#[cfg(test)]
mod device_wish_tests;
#[cfg(test)]
mod hardware_tests;
#[cfg(test)]
mod health_course_tests;
#[cfg(test)]
mod heat_tests;
#[cfg(test)]
mod mishaps;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod properties_hardware;
#[cfg(test)]
mod properties_remote;
#[cfg(test)]
pub(crate) mod properties_stage;
#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod supervisor_saved_tests;
#[cfg(test)]
mod supervisor_tests;
#[cfg(test)]
pub(crate) mod supervisor_world;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod update_properties;
#[cfg(test)]
mod wish_tests;
