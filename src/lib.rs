//! Boothcast: the program of a camera box. The map, a line per module; `docs/architecture.md` has the whole design.
//!
//! Direction of imports: `main -> app -> {edge, media, store} -> {device, room} -> {config, clock, error}`, never back.
//! `tests/house_rules.rs` checks it.

/// Opens, spawns and joins everything, in a written order: the only file that knows everyone.
pub mod app;
/// The command line: `run`, `check`, `doctor`, `ctl`, `completions`.
pub mod cli;
/// Time: real, or simulated in tests.
pub mod clock;
/// Configuration: schema, checked newtypes, layers, board profiles.
pub mod config;
/// The pure core: commands, events, wanted and actual state, health.
pub mod device;
/// Each peer outside the process, in one place: cameras, sound cards, systemd, the network.
pub mod edge;
/// One error type: a kind, a sentence, a mend, and the chain of causes.
pub mod error;
/// The only GStreamer code, in the order of the flow.
pub mod media;
/// The room: what the audience says and does, moderated and counted.
pub mod room;
/// What survives a power cut.
pub mod store;

pub use error::{Error, Kind, Result};
