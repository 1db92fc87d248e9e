//! AAC-LC encoder session.
//!
//! ```text
//! push ─> appsrc (S16LE) ─> audioconvert ─> ENCODER ─> aacparse ─> appsink ─> AccessUnit
//! ```

use std::sync::Arc;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;

use super::access_unit::{AccessUnit, Format, Rising, Track};
use super::encode::assemble::{bytes_of, running_time};
use super::encode::session::{self, Fault, Session};
use super::raw::{AuSink, FaultSink};
use super::time::MediaClock;
use crate::error::{Error, Kind, Result};

/// Blocks of samples that may wait for the encoder (1024 frames each: 0.7 s at 48 kHz).
const MAX_WAITING: u64 = 32;
/// Samples per channel in an AAC-LC frame (ISO/IEC 14496-3).
const FRAME: u64 = 1024;

/// An AAC encoder element, and what is to be known of it.
struct Spec {
    element: &'static str,
    /// Samples by which a decoder's output is later than the sound that went in, by the element's own timestamps:
    /// window overlap and look-ahead. Measured with a click, see `tests/it/encode/audio.rs`.
    delay: u64,
}

/// In the order of choice: `fdkaacenc` sounds best but is non-free, so it is there only where somebody wants it;
/// `voaacenc` costs the least (1.1 % of a core for stereo at 48 kHz); `avenc_aac` costs 1.4 times that.
const TABLE: [Spec; 3] = [
    Spec {
        element: "fdkaacenc",
        // The figure of its library (`nDelay`); the test measures it where the element is installed.
        delay: 2048,
    },
    Spec {
        element: "voaacenc",
        delay: 1600,
    },
    Spec {
        element: "avenc_aac",
        delay: 1024,
    },
];

/// A running encoder. Dropping it stops it, as [`AudioEncoder::stop`] does.
pub struct AudioEncoder {
    element: &'static str,
    session: Session,
}

impl std::fmt::Debug for AudioEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioEncoder")
            .field("element", &self.element)
            .finish_non_exhaustive()
    }
}

impl AudioEncoder {
    /// Opens the first installed encoder that starts, for interleaved S16LE at `rate` samples/s with 1 or 2 `channels`, at `bitrate`
    /// bit/s. `out` gets one AAC frame at a time, timed so that the decoded sound is where it was; `failed` is called at
    /// most once, when the session is of no more use. Neither may block or stop the session itself.
    ///
    /// # Errors
    /// [`Kind::Missing`] when no AAC encoder is installed, [`Kind::Unsupported`] when it cannot start.
    pub fn open(
        rate: u32,
        channels: u32,
        bitrate: u32,
        clock: &MediaClock,
        out: &AuSink,
        failed: &FaultSink,
    ) -> Result<Self> {
        let mut error = Error::new(Kind::Missing, "No AAC encoder is installed.").mend(
            "Install the package gstreamer1.0-plugins-bad (voaacenc) or gstreamer1.0-libav (avenc_aac).",
        );
        for element in installed() {
            let (out, failed) = (out.clone(), failed.clone());
            match Self::open_with(element, rate, channels, bitrate, clock, out, failed) {
                Ok(encoder) => return Ok(encoder),
                Err(e) => error = e,
            }
        }
        Err(error)
    }

    /// As [`AudioEncoder::open`], with the encoder named: one of [`installed`].
    ///
    /// # Errors
    /// As [`AudioEncoder::open`].
    pub fn open_with(
        element: &str,
        rate: u32,
        channels: u32,
        bitrate: u32,
        clock: &MediaClock,
        out: AuSink,
        failed: FaultSink,
    ) -> Result<Self> {
        let spec = TABLE
            .iter()
            .find(|spec| spec.element == element)
            .ok_or_else(|| {
                Error::new(
                    Kind::Unsupported,
                    format!("Boothcast does not know an AAC encoder {element}."),
                )
            })?;
        let encoder = session::make(spec.element)?;
        if encoder.has_property_with_type("bitrate", i32::static_type()) {
            let bitrate = i32::try_from(bitrate.clamp(8_000, 320_000)).unwrap_or(128_000);
            encoder.set_property("bitrate", bitrate);
        }
        let middle = [
            session::make("audioconvert")?,
            encoder,
            session::make("aacparse")?,
            session::filter(
                &gst::Caps::builder("audio/mpeg")
                    .field("mpegversion", 4i32)
                    .field("stream-format", "raw")
                    .build(),
            )?,
        ];
        let src = session::appsrc(&input_caps(rate, channels), MAX_WAITING);
        let mut framer = Framer::new(spec, rate, channels);
        let session = Session::start(
            spec.element,
            src,
            &middle,
            clock,
            Fault::new(failed),
            move |sample| {
                if let Some(unit) = framer.unit(&sample) {
                    out(unit);
                }
            },
        )?;
        Ok(Self {
            element: spec.element,
            session,
        })
    }

    /// Gives a block of samples with its PTS. Never blocks: while the encoder is late by more than 32 blocks, the oldest
    /// is dropped.
    pub fn push(&self, samples: gst::Buffer) {
        self.session.push(samples);
    }

    /// The element's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.element
    }

    /// Stops the session, within about 1 s: no callback runs after this.
    pub fn stop(self) {
        drop(self);
    }
}

/// The AAC encoders that are installed, best first. `gst::init` must have been called.
#[must_use]
pub fn installed() -> Vec<&'static str> {
    TABLE
        .iter()
        .map(|spec| spec.element)
        .filter(|element| gst::ElementFactory::find(element).is_some())
        .collect()
}

/// Caps of the sound path's blocks.
pub(in crate::media) fn input_caps(rate: u32, channels: u32) -> gst::Caps {
    let mut caps = gst::Caps::builder("audio/x-raw")
        .field("format", "S16LE")
        .field("layout", "interleaved")
        .field("rate", i32::try_from(rate).unwrap_or(i32::MAX))
        .field("channels", i32::try_from(channels).unwrap_or(i32::MAX));
    if channels == 2 {
        // Front left and right: elements do not take two channels without places.
        caps = caps.field("channel-mask", gst::Bitmask::new(3));
    }
    caps.build()
}

/// From an appsink's samples to access units of one session.
struct Framer {
    rate: u32,
    channels: u32,
    delay_ns: u64,
    format: Option<Arc<Format>>,
    rising: Rising,
}

impl Framer {
    fn new(spec: &Spec, rate: u32, channels: u32) -> Self {
        Self {
            rate,
            channels,
            delay_ns: samples_ns(spec.delay, rate),
            format: None,
            rising: Rising::default(),
        }
    }

    /// Nothing before the start of running time: that is the encoder's run-up, not sound.
    fn unit(&mut self, sample: &gst::Sample) -> Option<AccessUnit> {
        let pts = running_time(sample)?.checked_sub(self.delay_ns)?;
        let format = self.format(sample)?;
        let mut unit = AccessUnit {
            track: Track::Audio,
            pts,
            dts: pts,
            duration: samples_ns(FRAME, self.rate),
            keyframe: true,
            data: bytes_of(sample, false)?,
            format,
        };
        self.rising.apply(&mut unit);
        Some(unit)
    }

    fn format(&mut self, sample: &gst::Sample) -> Option<Arc<Format>> {
        let structure = sample.caps()?.structure(0)?;
        let config = structure.get::<gst::Buffer>("codec_data").ok()?;
        let config = config.map_readable().ok()?;
        let same = self
            .format
            .as_deref()
            .is_some_and(|f| matches!(f, Format::Aac { config: c, .. } if c[..] == config[..]));
        if !same {
            self.format = Some(Arc::new(Format::Aac {
                rate: self.rate,
                channels: self.channels,
                config: Bytes::copy_from_slice(&config),
            }));
        }
        self.format.clone()
    }
}

fn samples_ns(samples: u64, rate: u32) -> u64 {
    samples * 1_000_000_000 / u64::from(rate.max(1))
}
