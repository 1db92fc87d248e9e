//! What is drawn into the raw frames between selection and encoder.
//!
//! ```text
//!   stage, room ──> director: zones, text, cards, lanes (a thread of the engine's) ──> scene ─┐
//!                                                                                        Canvas
//!   frame ──> draw (the thread that brings the frame) ────────────────────────────────────────┴──> frame
//! ```
//!
//! With nothing to draw a frame costs one look at a flag. Else only the bytes under what is drawn are written; a frame whose
//! memory somebody else reads as well is copied first.

/// What is drawn into each frame.
pub mod canvas;
/// Cards of alerts, polls and products.
pub mod cards;
/// Comments that run over the picture.
pub mod danmaku;
/// What is on the picture, when and where.
pub mod director;
/// A sprite prepared for raw pictures.
pub mod ink;
/// Boxes, pictures and QR codes.
pub mod kit;
mod layers;
/// Where a sprite is at a moment.
pub mod motion;
/// A picture of the overlay without a camera.
pub mod preview;
/// A picture with alpha.
pub mod sprite;
/// What a screen at the box shows.
pub mod status_page;
/// Text as sprites.
pub mod text;
/// Where each layer may stand.
pub mod zones;

pub use canvas::Canvas;
