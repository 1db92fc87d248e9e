//! Builds the pipelines of live picture sources.
//!
//! **dmabuf.** `v4l2src io-mode=auto` gives memory-mapped buffers, right for everything that reads pixels on the CPU
//! (conversion, overlay, x264, openh264). Exported dmabufs pay only where frames go from the camera to a hardware encoder
//! untouched, so that the encoder imports them without a copy: the camera gives the very format that the encoder takes
//! (no conversion in between) and such an encoder is installed. CPU consumers still work then, through `mmap` of
//! the dmabuf. A driver that cannot export is noticed before the first frame, and the camera is opened again with
//! `auto` (`video.rs`).
//!
//! **Conversion.** `videoconvertscale` passes frames through untouched where caps are equal. Its generic path, which a change
//! of colour matrix or range alone would force, costs 35 times its fast paths (2.5 ms against 0.07 ms a frame at 720p on a PC core);
//! so `colour.rs` switches the matrix off and does that step itself.

use gstreamer as gst;
use gstreamer::prelude::*;

use super::super::live;
use super::super::presence::Presence;
use super::super::{CameraStream, VideoInput};
use super::colour::{self, Slot};
use crate::error::{Error, Kind, Result};
use crate::media::bus;
use crate::media::raw::RawFormat;

/// Encoders that import dmabufs.
const DMABUF_ENCODERS: [&str; 3] = ["v4l2h264enc", "mpph264enc", "vah264enc"];

/// Whether `io-mode=dmabuf` is worth trying: see the head of this file.
pub(super) fn wants_dmabuf(input: &VideoInput, format: RawFormat) -> bool {
    let VideoInput::V4l2 {
        stream: CameraStream::Raw(pixel),
        width,
        height,
        ..
    } = input
    else {
        return false;
    };
    *pixel == format.pixel.caps_name()
        && (*width, *height) == (format.width, format.height)
        && DMABUF_ENCODERS
            .iter()
            .any(|name| gst::ElementFactory::find(name).is_some())
}

/// The caps of raw frames at the end of a capture pipeline: the wanted format at the source's own rate, since frames are
/// thinned out by time (`pace.rs`) and never doubled. Cameras say little about their chroma siting; it is left open.
pub(super) fn sink_caps(format: RawFormat) -> gst::Caps {
    let mut caps = format.caps();
    if let Some(caps) = caps.get_mut() {
        for structure in caps.iter_mut() {
            structure.remove_field("framerate");
        }
    }
    caps
}

/// Scales with borders and converts, where needed.
pub(super) fn converter(input: &VideoInput, format: RawFormat) -> Result<gst::Element> {
    let element = bus::element("videoconvertscale")?;
    element.set_property("add-borders", true);
    // More than one thread only pays for large pictures that are really scaled.
    let scaled = match input {
        VideoInput::V4l2 { width, height, .. } => {
            (*width, *height) != (format.width, format.height)
        }
        _ => true,
    };
    if scaled && format.width * format.height > 1_000_000 {
        element.set_property("n-threads", 2_u32);
    }
    Ok(element)
}

fn filter(caps: &gst::Caps) -> Result<gst::Element> {
    let element = bus::element("capsfilter")?;
    element.set_property("caps", caps);
    Ok(element)
}

fn pixels(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// The pipeline of a live source.
///
/// # Errors
/// A missing plug-in, or a test pattern that does not exist.
pub(super) fn live(
    input: &VideoInput,
    format: RawFormat,
    dmabuf: bool,
    name: &str,
) -> Result<(live::Pipeline, Slot)> {
    let (chain, caps) = match input {
        VideoInput::V4l2 { .. } => v4l2(input, format, dmabuf)?,
        VideoInput::Libcamera { id } => (libcamera(input, format, id)?, sink_caps(format)),
        VideoInput::Test { pattern } => (pattern_source(pattern)?, format.caps()),
        VideoInput::File { .. } => {
            return Err(Error::new(Kind::Internal, "a file is not a live source"));
        }
    };
    let pipeline = gst::Pipeline::new();
    let sink = live::live_sink(&caps);
    let mut all: Vec<&gst::Element> = chain.iter().collect();
    all.push(sink.upcast_ref());
    bus::link(&pipeline, &all)?;
    let converter = chain
        .iter()
        .find(|e| e.factory().is_some_and(|f| f.name() == "videoconvertscale"));
    let colours = converter.map(colour::watch).unwrap_or_default();
    let live = live::Pipeline {
        name: name.to_owned(),
        pipeline,
        sink,
        ends: true,
        presence: match input {
            VideoInput::V4l2 { path, .. } => Presence::node(path),
            _ => Presence::default(),
        },
    };
    Ok((live, colours))
}

fn v4l2(
    input: &VideoInput,
    format: RawFormat,
    dmabuf: bool,
) -> Result<(Vec<gst::Element>, gst::Caps)> {
    let VideoInput::V4l2 {
        path,
        stream,
        width,
        height,
        fps,
        ..
    } = input
    else {
        return Err(Error::new(Kind::Internal, "not a V4L2 camera"));
    };
    let source = bus::element("v4l2src")?;
    source.set_property("device", path.as_os_str().to_string_lossy().as_ref());
    source.set_property_from_str("io-mode", if dmabuf { "dmabuf" } else { "auto" });
    let mode = |media: &str| {
        gst::Caps::builder(media)
            .field("width", pixels(*width))
            .field("height", pixels(*height))
            .field(
                "framerate",
                gst::Fraction::new(pixels(fps.0), pixels(fps.1).max(1)),
            )
    };
    let h264 = mode("video/x-h264").build();
    let convert = || converter(input, format);
    let raw = sink_caps(format);
    Ok(match stream {
        CameraStream::Raw(pixel) => {
            let caps = mode("video/x-raw").field("format", *pixel).build();
            (vec![source, filter(&caps)?, convert()?], raw)
        }
        CameraStream::Jpeg => {
            let caps = mode("image/jpeg").build();
            (
                vec![source, filter(&caps)?, bus::element("jpegdec")?, convert()?],
                raw,
            )
        }
        CameraStream::H264Decoded => (
            vec![
                source,
                filter(&h264)?,
                bus::element("h264parse")?,
                decoder()?,
                convert()?,
            ],
            raw,
        ),
        CameraStream::H264Passthrough => {
            let parse = bus::element("h264parse")?;
            parse.set_property("config-interval", -1_i32);
            let units = gst::Caps::builder("video/x-h264")
                .field("stream-format", "byte-stream")
                .field("alignment", "au")
                .build();
            (vec![source, filter(&h264)?, parse], units)
        }
    })
}

/// H.264 decoder without frame threads, which would each hold a frame back.
fn decoder() -> Result<gst::Element> {
    let element = bus::element("avdec_h264")?;
    if element.has_property("thread-type") {
        element.set_property_from_str("thread-type", "slice");
    }
    Ok(element)
}

fn libcamera(input: &VideoInput, format: RawFormat, id: &str) -> Result<Vec<gst::Element>> {
    let source = bus::element("libcamerasrc")?;
    if !id.is_empty() {
        source.set_property("camera-name", id);
    }
    // libcamera scales in the ISP: ask for the very size, and for the layout first that needs no conversion.
    let size = |pixel: &str| {
        gst::Structure::builder("video/x-raw")
            .field("format", pixel)
            .field("width", pixels(format.width))
            .field("height", pixels(format.height))
            .field("framerate", gst::Fraction::new(pixels(format.fps), 1))
            .build()
    };
    let caps: gst::Caps = [format.pixel.caps_name(), "NV12", "I420", "YUY2"]
        .into_iter()
        .map(size)
        .collect();
    Ok(vec![source, filter(&caps)?, converter(input, format)?])
}

fn pattern_source(pattern: &str) -> Result<Vec<gst::Element>> {
    let source = bus::element("videotestsrc")?;
    source.set_property("is-live", true);
    let known = source
        .find_property("pattern")
        .and_then(|spec| gst::glib::EnumClass::with_type(spec.value_type()))
        .is_some_and(|class| class.value_by_nick(pattern).is_some());
    if !known {
        return Err(Error::new(Kind::BadConfig, format!("test pattern \"{pattern}\" does not exist"))
            .mend("Set video.test_pattern to \"clock\", \"smpte\", \"ball\" or another pattern of videotestsrc."));
    }
    source.set_property_from_str("pattern", pattern);
    Ok(vec![source])
}
