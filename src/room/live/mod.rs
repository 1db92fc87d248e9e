//! The live room: who is here, what they say, vote, ask, give and buy. Pure but for `actor.rs`.

/// What people ask of the room.
pub mod act;
/// What happened, as facts.
pub mod event;
/// What browsers see.
pub mod view;
