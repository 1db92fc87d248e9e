//! A JPEG of what is on air: camera, slate, words, whatever the encoder (or a camera that encodes itself) made of it.
//!
//! A consumer of the fan-out like any other, for as long as it takes: it waits for a keyframe, decodes it and is gone. So it
//! costs nothing when nobody asks, and holds up nobody.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::prelude::*;

use crate::error::{Error, Kind, Result};
use crate::media::access_unit::{AccessUnit, Format, Track};
use crate::media::bus;
use crate::media::fanout::{ConsumerOptions, Fanout, Next, Start};
use crate::media::oneshot::OneShot;

/// Width where none is asked for, pixels.
pub const DEFAULT_WIDTH: u32 = 1280;
/// Least and largest width that can be asked for, pixels.
pub const WIDTHS: std::ops::RangeInclusive<u32> = 64..=3840;
/// Largest picture, bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Longest wait for a keyframe that was asked for.
const KEYFRAME: Duration = Duration::from_secs(3);
/// Longest time for decoding, and for encoding.
const LIMIT: Duration = Duration::from_secs(3);
/// What is taken from the fan-out at most.
const MAX_SPAN: Duration = Duration::from_secs(12);
const MAX_TAKEN: usize = 32 << 20;
/// The first that works is taken.
const DECODERS: [&str; 3] = ["avdec_h264", "openh264dec", "v4l2h264dec"];
/// Tried until the picture is small enough.
const QUALITIES: [i32; 4] = [80, 60, 40, 15];

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jpeg {
    /// JFIF, baseline.
    pub data: Bytes,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// Takes a picture of what `main` carries, at most `max_width` pixels wide and never larger than it is. Blocks up to about 15 s,
/// usually less than one: not for the async runtime's own threads.
///
/// # Errors
/// No picture comes, no decoder is installed or can decode it, or it cannot be made small enough.
pub fn take(main: &Fanout<AccessUnit>, max_width: u32) -> Result<Jpeg> {
    let units = units(main)?;
    let (picture, width, height) = decoded(&units, max_width)?;
    let mut size = 0;
    for quality in QUALITIES {
        let data = encoded(&picture, quality)?;
        if data.len() <= MAX_BYTES {
            return Ok(Jpeg {
                data,
                width,
                height,
            });
        }
        size = data.len();
    }
    Err(Error::new(
        Kind::Unsupported,
        format!("The picture of {width}×{height} does not fit into 1 MiB ({size} bytes)."),
    )
    .mend("Ask for a smaller width."))
}

/// The next keyframe; where none comes (a camera of which none can be asked for), everything since the last one.
fn units(main: &Fanout<AccessUnit>) -> Result<Vec<AccessUnit>> {
    let end = Instant::now() + KEYFRAME;
    let mut next = main.subscribe(options(Start::NextKeyframe));
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        match next.next_timeout(left) {
            Next::Unit(unit) if unit.track == Track::Video => return Ok(vec![unit]),
            Next::Unit(_) => {}
            Next::TimedOut | Next::Closed => break,
        }
    }
    drop(next);
    let mut cached = main.subscribe(options(Start::CachedGop));
    let mut units = Vec::new();
    while let Next::Unit(unit) = cached.try_next() {
        if unit.track == Track::Video {
            units.push(unit);
        }
    }
    if units.is_empty() {
        return Err(
            Error::new(Kind::Timeout, "No picture is on air now.").mend("Try again in a moment.")
        );
    }
    Ok(units)
}

fn options(start: Start) -> ConsumerOptions {
    ConsumerOptions {
        name: "snapshot".into(),
        start,
        max_span: MAX_SPAN,
        max_bytes: MAX_TAKEN,
    }
}

/// Even, at least 2, never larger than the picture itself.
fn scaled(width: u32, height: u32, max_width: u32) -> (u32, u32) {
    let even = |n: u64| u32::try_from(n / 2 * 2).unwrap_or(2).max(2);
    let to = u64::from(width.min(max_width));
    let tall = (u64::from(height) * to + u64::from(width) / 2) / u64::from(width.max(1));
    (even(to), even(tall))
}

/// The last picture of `units`, raw, as JPEG wants it: BT.601 in full range.
pub(in crate::media) fn decoded(
    units: &[AccessUnit],
    max_width: u32,
) -> Result<(gst::Sample, u32, u32)> {
    let Some(Format::H264 {
        width, height, fps, ..
    }) = units.first().map(|u| &*u.format)
    else {
        return Err(Error::new(
            Kind::Internal,
            "The picture on air has no known format.",
        ));
    };
    let (to_width, to_height) = scaled(*width, *height, max_width);
    let mut last = Error::new(Kind::Missing, "No H.264 decoder is installed.")
        .mend("Install the package gstreamer1.0-libav.");
    for decoder in DECODERS
        .into_iter()
        .filter(|d| crate::media::has_element(d))
    {
        match decode(decoder, units, *fps, (to_width, to_height)) {
            Ok(sample) => return Ok((sample, to_width, to_height)),
            Err(e) => {
                tracing::debug!(decoder, error = %e.report(), "no snapshot by this decoder");
                last = e;
            }
        }
    }
    Err(last)
}

fn decode(name: &str, units: &[AccessUnit], fps: u32, size: (u32, u32)) -> Result<gst::Sample> {
    // Sources deliver BT.709; not every encoder writes that down.
    let input = gst::Caps::builder("video/x-h264")
        .field("stream-format", "byte-stream")
        .field("alignment", "au")
        .field("framerate", gst::Fraction::new(number(fps), 1))
        .field("colorimetry", "bt709")
        .build();
    let decoder = bus::element(name)?;
    if decoder.has_property("max-threads") {
        // Threads that each hold back a picture are of no use for one.
        decoder.set_property_from_str("max-threads", "1");
    }
    OneShot {
        name: "The decoder of the snapshot",
        input: &input,
        buffers: units.iter().map(buffer).collect(),
        chain: &[
            bus::element("h264parse")?,
            decoder,
            bus::element("videoconvertscale")?,
        ],
        output: &raw(size),
        limit: LIMIT,
    }
    .run()
}

fn buffer(unit: &AccessUnit) -> gst::Buffer {
    let mut buffer = gst::Buffer::from_slice(unit.data.clone());
    if let Some(head) = buffer.get_mut() {
        head.set_pts(gst::ClockTime::from_nseconds(unit.pts));
        head.set_dts(gst::ClockTime::from_nseconds(unit.dts));
    }
    buffer
}

/// What JPEG holds: I420, all of 0 to 255, matrix of BT.601 (JFIF 1.02).
fn raw((width, height): (u32, u32)) -> gst::Caps {
    gst::Caps::builder("video/x-raw")
        .field("format", "I420")
        .field("width", number(width))
        .field("height", number(height))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .field("colorimetry", "1:4:0:0")
        .build()
}

fn number(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

fn encoded(picture: &gst::Sample, quality: i32) -> Result<Bytes> {
    let internal = || Error::new(Kind::Internal, "The snapshot has no picture.");
    let input = picture.caps_owned().ok_or_else(internal)?;
    let encoder = bus::element("jpegenc")?;
    encoder.set_property("quality", quality);
    let sample = OneShot {
        name: "The JPEG encoder",
        input: &input,
        buffers: vec![picture.buffer_owned().ok_or_else(internal)?],
        chain: &[encoder],
        output: &gst::Caps::new_empty_simple("image/jpeg"),
        limit: LIMIT,
    }
    .run()?;
    let buffer = sample.buffer().ok_or_else(internal)?;
    let map = buffer.map_readable().map_err(|e| internal().caused_by(e))?;
    Ok(Bytes::copy_from_slice(&map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_even_in_shape_and_never_larger() {
        assert_eq!(scaled(1920, 1080, 1280), (1280, 720));
        assert_eq!(scaled(854, 480, 1280), (854, 480));
        assert_eq!(scaled(1280, 720, 101), (100, 56));
        assert_eq!(scaled(16, 3840, 64), (16, 3840));
        assert_eq!(scaled(3840, 16, 64), (64, 2));
    }
}
