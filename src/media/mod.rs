//! The only GStreamer code, in the order of the flow: capture, overlay, encode, fan-out, outputs.
//!
//! Every source is a pipeline of its own that ends in an `appsink`; selection, slate, sound timeline and fan-out are
//! Rust; every encoder is a pipeline of its own between an `appsrc` and an `appsink`. All pipelines share one clock
//! and one base time ([`time::MediaClock`]), so that each part can be torn down and rebuilt while the rest goes on.

/// An encoded access unit and its format.
pub mod access_unit;
/// Audio encoder session.
pub mod audio_encode;
/// Bus messages to a sentence; errors of pipelines.
pub mod bus;
/// Sources: picture and sound, slate and silence.
pub mod capture;
/// A delay line for encoded access units (negative audio offset).
pub mod delay;
/// Video encoder table, probe and session.
pub mod encode;
/// The engine: carries out effects, owns sources, encoders, fan-outs and outputs.
pub mod engine;
/// One producer of access units, N independent consumers.
pub mod fanout;
/// Switches between two producers of access units at keyframes, with monotonic timestamps.
pub mod gate;
/// H.264 byte-stream: NAL units, parameter sets, keyframes.
pub mod h264;
/// A pipeline for a few buffers.
mod oneshot;
/// Sound as Opus, for browsers, while somebody listens.
pub mod opus;
/// What leaves the box.
pub mod output;
/// Words on the picture.
pub mod overlay;
/// The raw picture between capture and encoder; callbacks between stages.
pub mod raw;
/// How media code tells the core what happened.
pub mod report;
/// Codes of set-up in the camera's picture.
pub mod scan;
pub(crate) mod sync;
/// One clock and one base time for every pipeline.
pub mod time;

use gstreamer as gst;

use crate::error::{Error, Kind, Result};

/// What must be set before the first thread.
///
/// Two heaps (glibc's *arenas*) instead of eight for each processor: every pipeline brings threads of its own, and each heap
/// that one of them touched for a moment keeps its pages. On a small board that is memory for nothing.
///
/// And it makes GStreamer's V4L2 elements let go of a device in order when they end. Otherwise, up to 1.24 at least, they hand over their
/// buffers ("orphan" them) where the driver can, and forget to let go of the pool: each closing of a camera or encoder then
/// leaves a descriptor of the device, two pairs of sockets and an element behind, and a camera that is plugged in again gets
/// another node each time. What somebody else has set is left.
///
/// # Safety
/// Writes the environment and sets up the allocator: no other thread may run yet.
pub unsafe fn prepare() {
    const DRAIN: &str = "GST_V4L2_FORCE_DRAIN";
    if std::env::var_os(DRAIN).is_none() {
        // SAFETY: the caller says that there is one thread.
        unsafe { std::env::set_var(DRAIN, "1") };
    }
    #[cfg(target_env = "gnu")]
    // SAFETY: sets a number of the allocator, which nobody else is using yet.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 2);
    }
}

/// Starts GStreamer. May be called often.
///
/// # Errors
/// GStreamer's libraries are damaged or missing.
pub fn init() -> Result<()> {
    gst::init().map_err(|e| {
        Error::new(Kind::Missing, "GStreamer could not be started.")
            .caused_by(e)
            .mend("Run `make setup`.")
    })
}

/// Whether an element is installed. False before [`init`].
#[must_use]
pub fn has_element(name: &str) -> bool {
    gst::ElementFactory::find(name).is_some()
}

/// GStreamer's version, as people write it.
#[must_use]
pub fn version() -> String {
    let (major, minor, micro, _) = gst::version();
    format!("{major}.{minor}.{micro}")
}
