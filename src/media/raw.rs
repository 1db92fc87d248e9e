//! The raw picture between capture and encoder, and the callbacks that carry data from one stage to the next.

use std::sync::Arc;

use gstreamer as gst;

use super::access_unit::AccessUnit;

/// Pixel layouts that the overlay and the encoders know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pixel {
    /// Planar 4:2:0.
    I420,
    /// Semi-planar 4:2:0.
    Nv12,
}

impl Pixel {
    /// The name that GStreamer caps use.
    #[must_use]
    pub fn caps_name(self) -> &'static str {
        match self {
            Self::I420 => "I420",
            Self::Nv12 => "NV12",
        }
    }
}

/// One raw format: every source converts to it, every slate is made in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawFormat {
    /// Layout.
    pub pixel: Pixel,
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// Nominal frames per second.
    pub fps: u32,
}

impl RawFormat {
    /// `video/x-raw` caps, square pixels, progressive, BT.709.
    #[must_use]
    pub fn caps(&self) -> gst::Caps {
        gst::Caps::builder("video/x-raw")
            .field("format", self.pixel.caps_name())
            .field("width", i32::try_from(self.width).unwrap_or(i32::MAX))
            .field("height", i32::try_from(self.height).unwrap_or(i32::MAX))
            .field(
                "framerate",
                gst::Fraction::new(i32::try_from(self.fps).unwrap_or(30), 1),
            )
            .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
            .field("interlace-mode", "progressive")
            .field("colorimetry", "bt709")
            .build()
    }

    /// Nominal duration of a frame in ns.
    #[must_use]
    pub fn frame_ns(&self) -> u64 {
        1_000_000_000 / u64::from(self.fps.max(1))
    }
}

/// Takes raw frames or blocks of samples; PTS is running time of the shared clock. Must not block.
pub type BufferSink = Arc<dyn Fn(gst::Buffer) + Send + Sync>;
/// Takes encoded access units. Must not block.
pub type AuSink = Arc<dyn Fn(AccessUnit) + Send + Sync>;
/// Takes the end of a part that ran: one clause, for people, without secrets. Must not block.
pub type FaultSink = Arc<dyn Fn(String) + Send + Sync>;
/// Hears whether the picture of a camera stands still (true) or moves. Must not block.
pub type StillSink = Arc<dyn Fn(bool) + Send + Sync>;
