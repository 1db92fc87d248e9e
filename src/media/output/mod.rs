//! What leaves the box.

/// RTMP(S) push.
pub mod rtmp;
/// RTSP server.
pub mod rtsp;
