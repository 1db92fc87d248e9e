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

/// What people said or did, as plain data.
pub mod item;
/// How often somebody may speak.
pub mod rate;
