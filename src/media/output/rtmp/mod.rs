//! RTMP(S) push: a native publisher on tokio over a protocol core without I/O.
//!
//! ```text
//!  amf, chunk, handshake, command ─> session ─┐
//!  flv, sps ─> mux ───────────────────────────┼─> live ─> push ─> backoff
//!  target, redact                       wire ─┘      └─> abr (one for all destinations)
//! ```

/// Adaptive bitrate: the slowest live destination rules.
pub mod abr;
/// AMF0 values.
pub mod amf;
/// When to try again.
pub mod backoff;
/// RTMP chunks.
pub mod chunk;
/// Commands of a publisher and their answers.
pub mod command;
/// What a server can do wrong on the wire.
pub mod error;
/// Bodies of media messages.
pub mod flv;
/// The plain handshake.
pub mod handshake;
mod live;
mod meter;
mod mux;
/// Bytes on their way to the socket.
pub mod outgoing;
mod push;
/// Texts of servers without the stream key.
pub mod redact;
/// A publisher's session without I/O.
pub mod session;
/// Parsed addresses.
pub mod target;
#[cfg(test)]
mod test_support;
mod tls;
mod wire;

pub use push::{Push, PushOptions};
