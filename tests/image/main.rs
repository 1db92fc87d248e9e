//! The SD-card image in an emulator: the very files that are flashed boot on an emulated arm64 board, through U-Boot and
//! with its A/B counters; players, brokers and people are outside. `docs/image-test.md` says how to write such a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss
)]

mod harness;
mod heavy;
mod lean;

#[path = "../it/rtmp/peer.rs"]
#[allow(dead_code, missing_docs)]
mod peer;
#[path = "../it/support/mod.rs"]
mod support;
