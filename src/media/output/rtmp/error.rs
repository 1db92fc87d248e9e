//! What a server can do wrong on the wire.

use super::amf::AmfError;

/// A server that does not keep to RTMP, or to our bounds on it. The session cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// S0 names another version than 3 (Adobe RTMP 1.0, 5.2.2).
    #[error("the server does not speak RTMP (first byte {0:#04x})")]
    Version(u8),
    /// A message is larger than 1 MiB, or a command larger than 64 KiB.
    #[error("the server sent a message of {0} bytes, which is too large")]
    MessageSize(usize),
    /// More than 64 chunk streams, or more than 2 MiB of unfinished messages.
    #[error("the server keeps too many messages unfinished")]
    ChunkStreams,
    /// A chunk refers to an earlier one that never came.
    #[error("the server sent a chunk without a beginning")]
    NoHeader,
    /// A control message of the wrong size or with a forbidden value.
    #[error("the server sent a malformed control message")]
    Control,
    /// A command that is not AMF0.
    #[error("the server sent a malformed command: {0}")]
    Amf(#[from] AmfError),
}
