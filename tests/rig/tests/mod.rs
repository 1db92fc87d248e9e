//! One file per subject.

mod board;
mod boot;
mod button;
mod camera;
mod frozen;
mod hotplug;
mod led;
mod light;
mod mic;
mod thermal;
mod tools;
mod uvc;
mod wifi;

/// The picture of the rig's camera, which the camera's tool draws and the tests read.
#[path = "../guest/pattern.rs"]
#[allow(dead_code)]
mod pattern;
