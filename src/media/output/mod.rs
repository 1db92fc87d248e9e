//! What leaves the box.

/// Fragmented MP4, for browsers.
pub mod fmp4;
/// RTMP(S) push.
pub mod rtmp;
/// RTSP server.
pub mod rtsp;
/// A JPEG of what is on air.
pub mod snapshot;
/// WebRTC, for browsers: WHEP.
pub mod whep;
