//! What leaves the box.

/// RTMP(S) push.
pub mod rtmp;
/// RTSP server.
pub mod rtsp;
/// A JPEG of what is on air.
pub mod snapshot;
