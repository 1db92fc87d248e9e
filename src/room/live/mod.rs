//! The live room: who is here, what they say, vote, ask, give and buy. Pure but for `actor.rs`.
//!
//! ```text
//!   Act ──decide(&state)──> Refusal | facts ──saved──> apply(&mut state) ──> views, messages
//! ```
//!
//! Only [`state::Live::apply`] changes the state, and it takes stored events alone: what is known after a restart is what was known
//! before it.

/// What people ask of the room.
pub mod act;
/// The task that owns it.
pub mod actor;
/// What comes from other platforms and from the shop.
pub mod bridged;
mod chat;
/// Draws that anybody can recompute.
pub mod draws;
/// What happened, as facts.
pub mod event;
mod gifts;
mod kind;
mod messages;
mod people;
mod polls;
mod questions;
mod rates;
mod shop;
mod staff;
/// The state, and what may be done in it.
pub mod state;
mod texts;
/// What browsers see.
pub mod view;
mod views;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod room_tests;
#[cfg(test)]
mod shop_tests;
#[cfg(test)]
mod testing;
