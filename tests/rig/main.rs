//! The device rig: tests of the real program on the kernel's own cameras, sound cards and GPIO lines. The program runs
//! in a User-Mode-Linux kernel of the test's own; servers and players run outside and reach it over a network that
//! only the two share. `docs/rig.md` says how to write such a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss
)]

mod harness;
mod tests;
mod wire;

#[path = "../it/rtmp/peer.rs"]
#[allow(dead_code, missing_docs)]
mod peer;
#[path = "../it/support/mod.rs"]
mod support;
