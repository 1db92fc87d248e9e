//! Real encodes: every software encoder that is installed, and AAC.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audio;
pub mod picture;
pub mod rig;
mod session;
mod video;
