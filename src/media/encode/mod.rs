//! H.264 encoder: the ordered table of elements, the probe that tries them, and the session.
//!
//! ```text
//! push ─> rate drop ─> appsrc ─> [videoconvertscale] ─> ENCODER ─> h264parse ─> appsink ─> AccessUnit
//! ```
//!
//! A session is a pipeline of its own: it can fail, be stopped and be replaced by another one while all that is
//! before and behind it goes on. PTS stay what they were: running time of the shared clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_video as gst_video;

use super::raw::{AuSink, FaultSink, Pixel, RawFormat};
use super::time::MediaClock;
use crate::config::VideoSettings;
use crate::error::{Error, Kind, Result};

pub(in crate::media) mod assemble;
mod pace;
mod probe;
pub(in crate::media) mod session;
mod table;
#[cfg(test)]
mod tests;
mod tune;

pub use assemble::UnitMaker;
pub use probe::{Probe, Probed, probe};
pub use table::default_table;

use assemble::Assembler;
use pace::{RateDrop, Stall};
use session::{Fault, Session};
use table::Spec;
use tune::Tuning;

/// Raw frames that may wait for the encoder; the oldest is dropped when one more comes. At 30/s the encoder may pause for
/// 200 ms, as it does on a busy machine, without a picture lost.
pub const MAX_WAITING: u64 = 6;

/// A running encoder. Dropping it stops it, as [`VideoEncoder::stop`] does.
pub struct VideoEncoder {
    spec: &'static Spec,
    session: Session,
    element: gst::Element,
    /// Bytes of a whole frame without padding of its own.
    frame_size: usize,
    rate: std::sync::Mutex<RateDrop>,
    stall: Arc<Stall>,
    pushed: AtomicU64,
    entered: Arc<AtomicU64>,
}

impl std::fmt::Debug for VideoEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VideoEncoder")
            .field("element", &self.spec.element)
            .field("dropped", &self.dropped())
            .finish_non_exhaustive()
    }
}

impl VideoEncoder {
    /// Opens `element` for frames in `input` and starts it. `out` gets access units, the first a keyframe; `failed` is
    /// called at most once, from any thread, when the session is of no more use (error, end, or no output for
    /// 2 s though frames come): it must not stop the session itself, but have somebody do it. Neither may block.
    ///
    /// # Errors
    /// [`Kind::Missing`] when the element is not installed, [`Kind::Unsupported`] when this program does not know it,
    /// when it cannot take the format or when it cannot start.
    pub fn open(
        element: &str,
        settings: &VideoSettings,
        input: RawFormat,
        clock: &MediaClock,
        out: AuSink,
        failed: FaultSink,
    ) -> Result<Self> {
        let spec = table::find(element)?;
        let encoder = spec.make()?;
        let pixel = pixel_of(&encoder, input.pixel).ok_or_else(|| {
            Error::new(
                Kind::Unsupported,
                format!("The encoder {element} takes neither I420 nor NV12 pictures."),
            )
        })?;
        let tuning = Tuning::new(settings, input.fps, spec.honours_forced_keyframes());
        (spec.tune)(&encoder, &tuning);
        (spec.set_bitrate)(&encoder, tuning.bitrate);

        let wanted = RawFormat {
            pixel,
            width: settings.width,
            height: settings.height,
            fps: tuning.fps,
        };
        let frame_size = gst_video::VideoInfo::from_caps(&input.caps())
            .map_err(|e| impossible(&input).caused_by(e))?
            .size();
        let fault = Fault::new(failed);
        let stall = Arc::new(Stall::default());
        let entered = Arc::new(AtomicU64::new(0));
        let appsrc_format = RawFormat {
            fps: tuning.fps,
            ..input
        };
        let middle = chain(spec, &encoder, appsrc_format, wanted, &tuning)?;
        let src = session::appsrc(&appsrc_format.caps(), MAX_WAITING);
        count_buffers(&src, &entered);
        let mut assembler = Assembler::new(tuning.fps, spec.pooled);
        let progress = Arc::clone(&stall);
        let session = Session::start(element, src, &middle, clock, fault, move |sample| {
            progress.output();
            if let Some(unit) = assembler.unit(&sample) {
                out(unit);
            }
        })?;
        Ok(Self {
            spec,
            session,
            element: encoder,
            frame_size,
            rate: std::sync::Mutex::new(RateDrop::new(input.fps, tuning.fps)),
            stall,
            pushed: AtomicU64::new(0),
            entered,
        })
    }

    /// Gives one raw frame with its PTS. Never blocks: while the encoder is late the oldest waiting frame is dropped.
    pub fn push(&self, frame: gst::Buffer) {
        let Some(pts) = frame.pts() else { return };
        let keep = {
            let mut rate = self
                .rate
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            rate.keep(pts.nseconds())
        };
        if !keep {
            return;
        }
        // Elements do not all check, and some then read beyond the end.
        let whole =
            frame.size() >= self.frame_size || frame.meta::<gst_video::VideoMeta>().is_some();
        if !whole {
            self.session.fail(format!(
                "{} was given a frame of {} bytes where {} were due",
                self.spec.element,
                frame.size(),
                self.frame_size
            ));
            return;
        }
        self.pushed.fetch_add(1, Ordering::Relaxed);
        self.session.push(frame);
        if self.stall.input() {
            self.session
                .fail(format!("{} delivers nothing any more", self.spec.element));
        }
    }

    /// Frames dropped because the encoder was late. Frames left out to lower the rate do not count.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let entered = self.entered.load(Ordering::Relaxed);
        self.pushed
            .load(Ordering::Relaxed)
            .saturating_sub(entered)
            .saturating_sub(self.waiting())
    }

    /// Frames that wait for the encoder now, at most 3.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.session.waiting()
    }

    /// Sets the bitrate in bit/s while running. `false`: this element cannot, and a new session is needed.
    pub fn set_bitrate(&self, bitrate: u32) -> bool {
        if !self.spec.changes_bitrate_live(&self.element) {
            return false;
        }
        (self.spec.set_bitrate)(&self.element, tune::sane_bitrate(bitrate));
        true
    }

    /// Asks for a keyframe as soon as possible. An element that ignores this was opened with a short GOP.
    pub fn force_keyframe(&self) {
        self.spec.force_keyframe(&self.element);
        let event = gst_video::UpstreamForceKeyUnitEvent::builder()
            .all_headers(true)
            .build();
        if let Some(pad) = self.element.static_pad("src") {
            pad.send_event(event);
        }
    }

    /// The element's name.
    #[must_use]
    pub fn element(&self) -> &'static str {
        self.spec.element
    }

    /// Stops the session: no callback runs after this. Takes at most about 1 s; a pipeline that hangs longer (a driver)
    /// is left to a thread of its own.
    pub fn stop(self) {
        drop(self);
    }
}

fn impossible(format: &RawFormat) -> Error {
    Error::new(
        Kind::Unsupported,
        format!(
            "A picture of {}×{} cannot be encoded.",
            format.width, format.height
        ),
    )
}

/// The pixel layout to feed `encoder` with: `input` where it can, so that nothing is converted.
fn pixel_of(encoder: &gst::Element, input: Pixel) -> Option<Pixel> {
    let accepted = encoder.static_pad("sink")?.pad_template_caps();
    let takes = |pixel: Pixel| {
        let caps = gst::Caps::builder("video/x-raw")
            .field("format", pixel.caps_name())
            .build();
        accepted.can_intersect(&caps)
    };
    [input, Pixel::I420, Pixel::Nv12]
        .into_iter()
        .find(|pixel| takes(*pixel))
}

/// Everything between appsrc and appsink.
fn chain(
    spec: &Spec,
    encoder: &gst::Element,
    input: RawFormat,
    wanted: RawFormat,
    tuning: &Tuning,
) -> Result<Vec<gst::Element>> {
    let mut chain = Vec::new();
    if input != wanted {
        chain.push(session::make("videoconvertscale")?);
        chain.push(session::filter(&wanted.caps())?);
    }
    chain.push(encoder.clone());
    chain.push(session::filter(&spec.output_caps(tuning))?);
    let parse = session::make("h264parse")?;
    parse.set_property("config-interval", -1i32);
    chain.push(parse);
    chain.push(session::filter(
        &gst::Caps::builder("video/x-h264")
            .field("stream-format", "byte-stream")
            .field("alignment", "au")
            .build(),
    )?);
    Ok(chain)
}

/// Counts what leaves `src`, so that what it dropped is known.
fn count_buffers(src: &gstreamer_app::AppSrc, entered: &Arc<AtomicU64>) {
    if let Some(pad) = src.static_pad("src") {
        let entered = Arc::clone(entered);
        pad.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
            entered.fetch_add(1, Ordering::Relaxed);
            gst::PadProbeReturn::Ok
        });
    }
}
