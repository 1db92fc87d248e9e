//! Opus encoder session.
//!
//! ```text
//! push ─> appsrc (S16LE) ─> audioconvert ─> audioresample (48 kHz) ─> opusenc ─> appsink ─> OpusFrame
//! ```

use gstreamer as gst;

use super::feed::{OpusFeed, OpusFrame};
use crate::error::{Error, Kind, Result};
use crate::media::audio_encode::input_caps;
use crate::media::encode::assemble::{bytes_of, running_time};
use crate::media::encode::session::{self, Fault, Session};
use crate::media::raw::FaultSink;
use crate::media::time::MediaClock;

/// Blocks of samples that may wait for the encoder.
const MAX_WAITING: u64 = 32;
/// bit/s: music in stereo without audible loss.
const BITRATE: i32 = 96_000;
/// Of 0 to 10. From 5 on it is hard to hear a difference; the default of 10 costs twice as much.
const COMPLEXITY: i32 = 5;
/// Loss that the redundancy in the stream is made for, per cent.
const LOSS: i32 = 5;

/// A running encoder. Dropped, it stops.
pub struct OpusEncoder {
    session: Session,
}

impl OpusEncoder {
    /// Opens `opusenc` for interleaved S16LE at `rate` samples/s with 1 or 2 `channels`; frames of 20 ms go to `feed`. `failed` is
    /// called at most once, when the session is of no more use.
    ///
    /// # Errors
    /// [`Kind::Missing`] when the element is not installed, [`Kind::Unsupported`] when it cannot start.
    pub fn open(
        rate: u32,
        channels: u32,
        clock: &MediaClock,
        feed: &OpusFeed,
        failed: FaultSink,
    ) -> Result<Self> {
        let encoder = gst::ElementFactory::make("opusenc")
            .property("bitrate", BITRATE)
            .property("complexity", COMPLEXITY)
            .property("inband-fec", true)
            .property("packet-loss-percentage", LOSS)
            .property_from_str("frame-size", "20")
            .build()
            .map_err(|e| {
                Error::new(
                    Kind::Missing,
                    "The Opus encoder (opusenc) is not installed.",
                )
                .caused_by(e)
                .mend("Install the package gstreamer1.0-plugins-base.")
            })?;
        let middle = [
            session::make("audioconvert")?,
            session::make("audioresample")?,
            session::filter(
                &gst::Caps::builder("audio/x-raw")
                    .field("rate", 48_000_i32)
                    .build(),
            )?,
            encoder,
        ];
        let src = session::appsrc(&input_caps(rate, channels), MAX_WAITING);
        let feed = feed.clone();
        // The first frame is shorter by the encoder's look-ahead of 6.5 ms: without it all are 20 ms apart.
        let mut run_up = true;
        let session = Session::start(
            "opusenc",
            src,
            &middle,
            clock,
            Fault::new(failed),
            move |sample| {
                if std::mem::take(&mut run_up) {
                    return;
                }
                if let (Some(pts), Some(data)) = (running_time(&sample), bytes_of(&sample, false)) {
                    feed.push(OpusFrame { pts, data });
                }
            },
        )?;
        Ok(Self { session })
    }

    /// Gives a block of samples with its PTS. Never blocks; while the encoder is late, the oldest block is dropped.
    pub fn push(&self, samples: gst::Buffer) {
        self.session.push(samples);
    }
}

impl std::fmt::Debug for OpusEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpusEncoder").finish_non_exhaustive()
    }
}
