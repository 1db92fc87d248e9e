//! Tries encoders with a real encode of a moving picture, so that the choice rests on what they do, not on what they say.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer_video as gst_video;

use super::{VideoEncoder, pixel_of, table};
use crate::config::{H264Profile, VideoSettings};
use crate::error::{Error, Kind, Result};
use crate::media::access_unit::{AccessUnit, Format};
use crate::media::h264::Sps;
use crate::media::raw::{Pixel, RawFormat};
use crate::media::time::MediaClock;

/// Time for the encode of one element.
const LIMIT: Duration = Duration::from_secs(3);
/// Time beyond [`LIMIT`] for a driver that hangs while it is opened or stopped.
const HANG_LIMIT: Duration = Duration::from_secs(3);
/// Access units that must come.
const WANTED_UNITS: usize = 6;
/// Frames that may go in: hardware holds some back.
const MAX_FRAMES: u64 = 40;

/// How one element did.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// The element's name.
    pub element: String,
    /// What it can do, or why it cannot be used: one clause for people.
    pub outcome: Result<Probed, String>,
}

/// An element that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probed {
    /// The pixel layout to feed it with so that nothing is converted.
    pub pixel: Pixel,
    /// Time from opening to the first access unit.
    pub took: Duration,
    /// It works, yet a few frames took more than 3 s: for want of a better one (a machine that is busy while it starts
    /// must not be left without a picture).
    pub slow: bool,
}

/// Tries each of `elements` with `settings`, in this order. Takes up to some seconds for one that hangs, far below one
/// second for one that works: call it off the async runtime.
#[must_use]
pub fn probe(elements: &[String], settings: &VideoSettings) -> Vec<Probe> {
    elements
        .iter()
        .map(|element| Probe {
            element: element.clone(),
            outcome: guarded(element, settings),
        })
        .collect()
}

/// In a thread of its own, because a broken driver may hang for ever.
fn guarded(element: &str, settings: &VideoSettings) -> Result<Probed, String> {
    gst::init().map_err(|e| format!("GStreamer does not start: {e}"))?;
    let (done, result) = mpsc::sync_channel(1);
    let (name, settings) = (element.to_owned(), settings.clone());
    let thread = std::thread::Builder::new()
        .name("encoder-probe".into())
        .spawn(move || done.send(attempt(&name, &settings)))
        .map_err(|e| format!("no thread to try it: {e}"))?;
    match result.recv_timeout(LIMIT + HANG_LIMIT) {
        Ok(outcome) => {
            let _ = thread.join();
            outcome.map_err(|e| e.report().trim_end_matches('.').to_owned())
        }
        Err(RecvTimeoutError::Timeout) => Err("it hangs".into()),
        Err(RecvTimeoutError::Disconnected) => Err("trying it failed inside Boothcast".into()),
    }
}

fn attempt(element: &str, settings: &VideoSettings) -> Result<Probed> {
    let spec = table::find(element)?;
    let Ok(made) = spec.make() else {
        return Err(Error::new(Kind::Missing, spec.absence()));
    };
    let pixel = pixel_of(&made, Pixel::I420)
        .ok_or_else(|| unfit("it takes neither I420 nor NV12 pictures"))?;
    drop(made);
    let format = RawFormat {
        pixel,
        width: settings.width,
        height: settings.height,
        fps: settings.fps,
    };
    let begun = Instant::now();
    let (units, took) = encode(element, settings, format, begun)?;
    check(&units, settings)?;
    let slow = units.len() < WANTED_UNITS;
    Ok(Probed { pixel, took, slow })
}

/// What an encoder's callbacks bring.
enum Report {
    Unit(AccessUnit),
    Failed(String),
}

/// Encodes until enough came or the time is over; gives what came (one at least) with the time of the first.
fn encode(
    element: &str,
    settings: &VideoSettings,
    format: RawFormat,
    begun: Instant,
) -> Result<(Vec<AccessUnit>, Duration)> {
    let (reports, incoming) = mpsc::channel();
    let failures = reports.clone();
    let encoder = VideoEncoder::open(
        element,
        settings,
        format,
        &MediaClock::start(),
        Arc::new(move |unit| {
            let _ = reports.send(Report::Unit(unit));
        }),
        Arc::new(move |reason| {
            let _ = failures.send(Report::Failed(reason));
        }),
    )?;
    let mut units = Vec::new();
    let mut took = None;
    let mut frame = 0;
    while units.len() < WANTED_UNITS {
        if begun.elapsed() > LIMIT {
            if units.is_empty() {
                return Err(unfit("it delivers nothing within 3 s"));
            }
            break;
        }
        // Never so many that one would be dropped.
        if frame < MAX_FRAMES && encoder.session.waiting() < 2 {
            encoder.push(picture(format, frame)?);
            frame += 1;
        }
        match incoming.recv_timeout(Duration::from_millis(5)) {
            Ok(Report::Unit(unit)) => {
                took.get_or_insert_with(|| begun.elapsed());
                units.push(unit);
            }
            Ok(Report::Failed(reason)) => return Err(unfit(reason)),
            Err(_) => {}
        }
    }
    encoder.stop();
    Ok((units, took.unwrap_or_default()))
}

/// What every output relies on.
fn check(units: &[AccessUnit], settings: &VideoSettings) -> Result<()> {
    let Some(first) = units.first().filter(|unit| unit.keyframe) else {
        return Err(unfit(
            "its stream does not start with a keyframe that has SPS and PPS",
        ));
    };
    let Format::H264 { sps, .. } = &*first.format else {
        return Err(unfit("its stream is not H.264"));
    };
    let sps = Sps::parse(sps).ok_or_else(|| unfit("its SPS cannot be read"))?;
    if (sps.width, sps.height) != (settings.width, settings.height) {
        return Err(unfit(format!(
            "it makes {}×{} instead of {}×{}",
            sps.width, sps.height, settings.width, settings.height
        )));
    }
    let most = match settings.h264_profile {
        H264Profile::ConstrainedBaseline => 66,
        H264Profile::Main => 77,
        H264Profile::High => 100,
    };
    // A lower profile is as good for every receiver, and some hardware has no other.
    if ![66, 77, 100].contains(&sps.profile_idc) || sps.profile_idc > most {
        return Err(unfit(format!(
            "it makes profile {} where at most {most} is wanted",
            sps.profile_idc
        )));
    }
    // The assembler would nudge equal times; a step below half a frame means that the order was changed.
    let least = 500_000_000 / u64::from(settings.fps.max(1));
    if units.windows(2).any(|w| w[1].dts < w[0].dts + least) {
        return Err(unfit("its times do not rise: it makes B-frames"));
    }
    Ok(())
}

fn unfit(clause: impl Into<String>) -> Error {
    Error::new(Kind::Unsupported, clause)
}

/// A diagonal ramp that moves, so that every frame is another.
fn picture(format: RawFormat, number: u64) -> Result<gst::Buffer> {
    // Rows may be longer than the picture is wide: 854 pixels take 856 bytes.
    let info = gst_video::VideoInfo::from_caps(&format.caps())
        .map_err(|e| unfit("the size of the picture is impossible").caused_by(e))?;
    let mut buffer = gst::Buffer::with_size(info.size())
        .map_err(|e| unfit("no memory for a picture").caused_by(e))?;
    let stride = usize::try_from(info.stride()[0]).unwrap_or(1).max(1);
    let luma = info.offset()[1].min(info.size());
    let step = format.frame_ns();
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gst::ClockTime::from_nseconds(number * step));
        buffer.set_duration(gst::ClockTime::from_nseconds(step));
        if let Ok(mut map) = buffer.map_writable() {
            let (luma, chroma) = map.split_at_mut(luma);
            for (y, row) in luma.chunks_mut(stride).enumerate() {
                for (x, pixel) in row.iter_mut().enumerate() {
                    *pixel = (16 + (x + y + number as usize * 7) % 220) as u8;
                }
            }
            chroma.fill(128);
        }
    }
    Ok(buffer)
}
