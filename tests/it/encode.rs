//! Real encodes: every software encoder that is installed, and AAC.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod audio;
mod picture;
mod rig;
mod session;
mod video;
