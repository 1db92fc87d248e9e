//! The room: what the audience says and does, and what of it comes onto the picture. Pure but for `actor.rs`.
//!
//! ```text
//!   bridges ──Incoming──┐                        ┌─refused, counted by reason
//!   commands ──Item─────┴─> form ─> moderation ─> rates ─┬─hold──> queue ──approve──┐
//!                                                        ├─delay─> queue ──its time─┼─> Output ──> overlay
//!                                                        └─free────────────────────┘
//!   alerts (notifications too) ──> one at a time by rank, with a combo counter ──> Output
//! ```
//!
//! Panic clears everything at once and refuses what comes until it is taken back.

/// One thread that owns the room, and handles to it.
pub mod actor;
/// Alerts, one at a time.
pub mod alerts;
/// How many came, and what became of them.
pub mod counts;
/// What waits for a moderator or for its time.
pub mod hold;
/// What bridges send.
pub mod intake;
/// What people said or did, as plain data.
pub mod item;
mod judge;
/// Who is here, what they say, vote, ask, give and buy.
pub mod live;
/// What of a text may be seen.
pub mod moderation;
/// What others want to know of the room.
pub mod noted;
/// How often somebody may speak.
pub mod rate;
/// Why something is not on the picture.
pub mod reason;
/// What came of a show.
pub mod report;
mod seen;
mod state;

pub use counts::Counts;
pub use hold::Waiting;
pub use reason::Reason;
pub use state::{Room, Settings, Verdict, Via};
