//! The choice of a camera mode: pure, and the same whatever the order in which the camera lists its modes.
//!
//! The rule, in this order:
//!
//! 1. A requested format restricts: modes in other formats are not looked at. Formats of which the box can make no
//!    picture (Bayer mosaics, HEVC) and modes without size or rate are never looked at.
//! 2. Where pass-through is allowed, an H.264 mode of exactly the wanted size that reaches the rate is taken as it is.
//! 3. Motion: people bear a smaller picture, but not a slide show. A mode that is *fluid* (it reaches 24/s, or the wanted rate
//!    where that is lower) comes before one that is only *moving* (12/s), and that before slower ones; so a raw USB 2
//!    camera with 1920×1080 at 5/s and 640×480 at 30/s gives the latter. But for a *tiny* picture (less than a third of the
//!    wanted size in each direction, by area) nothing that moves is given up: tiny modes come after all that move, whatever
//!    their rate.
//! 4. Size: exact before larger before smaller. *Larger* covers the wanted picture in both directions; among these the
//!    same aspect ratio comes before another, then the smallest area. *Smaller* is everything else; the largest area
//!    comes first, then the same aspect ratio.
//! 5. Rate, among modes of that size: those that reach the wanted rate come before those that do not. Among those that
//!    reach it, raw comes before MJPEG before H.264 (so a compressed mode is decoded only where raw cannot reach the
//!    rate), then the nearest rate. Among those that do not, the highest rate comes first, then raw before MJPEG
//!    before H.264.
//! 6. Raw order: NV12, I420, YUYV, others by code.
//!
//! A rate is *reached* from 1 % below on: 30000/1001 is 30 to every viewer.

use std::cmp::Ordering;

use serde::Serialize;

use super::format::PixelFormat;
use crate::config::CameraFormat;
use crate::error::{Error, Kind, Result};

/// One thing that a camera can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Mode {
    /// Format of the frames.
    pub format: PixelFormat,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames per second as numerator and denominator.
    pub fps: (u32, u32),
}

/// What is wanted of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Format that is insisted on.
    pub format: CameraFormat,
    /// Whether the camera's own H.264 may go out without being encoded again.
    pub passthrough: bool,
}

/// What is done with the frames of the chosen mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// Raw frames, converted at most.
    Raw,
    /// Motion JPEG is decoded.
    DecodeJpeg,
    /// H.264 is decoded and encoded again.
    DecodeH264,
    /// H.264 goes out as it is.
    Passthrough,
}

/// The outcome of [`choose`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The mode, one of those that were offered.
    pub mode: Mode,
    /// What is done with its frames.
    #[serde(rename = "use")]
    pub use_: Use,
    /// Mode and why, one clause for people.
    pub reason: String,
}

impl Mode {
    /// Frames per second, for people: `30`, `29.97`.
    #[must_use]
    pub fn rate(&self) -> String {
        let fps = f64::from(self.fps.0) / f64::from(self.fps.1.max(1));
        let text = format!("{fps:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// For people: `MJPEG 1280×720 at 30/s`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "{} {}×{} at {}/s",
            self.format,
            self.width,
            self.height,
            self.rate()
        )
    }

    fn is_usable(&self) -> bool {
        self.format.is_usable()
            && self.width > 0
            && self.height > 0
            && self.fps.0 > 0
            && self.fps.1 > 0
    }

    fn reaches(&self, fps: u32) -> bool {
        u64::from(self.fps.0) * 100 >= u64::from(fps) * 99 * u64::from(self.fps.1)
    }

    fn has_size_of(&self, wish: &Wish) -> bool {
        (self.width, self.height) == (wish.width, wish.height)
    }
}

/// Chooses by the rule of this module.
///
/// # Errors
/// `Unsupported` when no mode is left: the camera offers none, none in the format asked for, or none that can be shown.
pub fn choose(modes: &[Mode], wish: &Wish) -> Result<Choice> {
    let fitting: Vec<Mode> = modes
        .iter()
        .copied()
        .filter(|m| m.is_usable() && m.format.fits(wish.format))
        .collect();
    let best = fitting
        .iter()
        .copied()
        .min_by(|a, b| compare(a, b, wish))
        .ok_or_else(|| nothing_fits(modes, wish))?;
    Ok(Choice {
        mode: best,
        use_: use_of(&best, wish),
        reason: reason(&best, &fitting, wish),
    })
}

/// `Less`: `a` is the better one. A total order: equal only for equal modes.
fn compare(a: &Mode, b: &Mode, wish: &Wish) -> Ordering {
    let through = |m: &Mode| use_of(m, wish) != Use::Passthrough;
    through(a)
        .cmp(&through(b))
        .then_with(|| motion(a, wish).cmp(&motion(b, wish)))
        .then_with(|| size_rank(a, wish).cmp(&size_rank(b, wish)))
        .then_with(|| compare_rate(a, b, wish))
        .then_with(|| a.cmp(b))
}

fn compare_rate(a: &Mode, b: &Mode, wish: &Wish) -> Ordering {
    let missed = |m: &Mode| !m.reaches(wish.fps);
    missed(a).cmp(&missed(b)).then_with(|| {
        if missed(a) {
            speed(b)
                .cmp(&speed(a))
                .then_with(|| cost(a).cmp(&cost(b)))
                .then_with(|| a.format.cmp(&b.format))
        } else {
            cost(a)
                .cmp(&cost(b))
                .then_with(|| distance(a, wish).cmp(&distance(b, wish)))
                .then_with(|| a.format.cmp(&b.format))
        }
    })
}

/// Frames per second from which on a picture is fluid, and from which on it moves at all.
const FLUID: u32 = 24;
const MOVING: u32 = 12;

/// Rule 3; smaller is better.
fn motion(m: &Mode, wish: &Wish) -> u8 {
    let fluid = m.reaches(wish.fps.min(FLUID));
    let moving = m.reaches(wish.fps.min(MOVING));
    let area = |w: u32, h: u32| u64::from(w) * u64::from(h);
    let tiny = area(m.width, m.height).saturating_mul(9) < area(wish.width, wish.height);
    match (tiny, fluid, moving) {
        (false, true, _) => 0,
        (false, false, true) => 1,
        (true, true, _) => 2,
        _ => 3,
    }
}

/// Size class, then the order inside it; smaller is better.
fn size_rank(m: &Mode, wish: &Wish) -> (u8, u8, u64, u8) {
    let area = u64::from(m.width) * u64::from(m.height);
    let other_aspect = u8::from(
        u64::from(m.width) * u64::from(wish.height) != u64::from(wish.width) * u64::from(m.height),
    );
    if m.has_size_of(wish) {
        (0, 0, 0, 0)
    } else if m.width >= wish.width && m.height >= wish.height {
        (1, other_aspect, area, 0)
    } else {
        (2, 0, u64::MAX - area, other_aspect)
    }
}

/// What decoding costs: raw, MJPEG, H.264.
fn cost(m: &Mode) -> u8 {
    match m.format {
        PixelFormat::Mjpeg => 1,
        PixelFormat::H264 => 2,
        _ => 0,
    }
}

/// Millionths of a frame per second.
fn speed(m: &Mode) -> u64 {
    u64::from(m.fps.0) * 1_000_000 / u64::from(m.fps.1.max(1))
}

fn distance(m: &Mode, wish: &Wish) -> u64 {
    speed(m).abs_diff(u64::from(wish.fps) * 1_000_000)
}

fn use_of(m: &Mode, wish: &Wish) -> Use {
    match m.format {
        PixelFormat::H264 if wish.passthrough && m.has_size_of(wish) && m.reaches(wish.fps) => {
            Use::Passthrough
        }
        PixelFormat::H264 => Use::DecodeH264,
        PixelFormat::Mjpeg => Use::DecodeJpeg,
        _ => Use::Raw,
    }
}

fn reason(best: &Mode, fitting: &[Mode], wish: &Wish) -> String {
    let why = if use_of(best, wish) == Use::Passthrough {
        "passed through without encoding again".to_owned()
    } else if !best.has_size_of(wish) {
        why_other_size(best, fitting, wish)
    } else if !best.reaches(wish.fps) {
        format!(
            "the fastest that it has at that size (wanted: {}/s)",
            wish.fps
        )
    } else if cost(best) > 0 {
        why_compressed(best, fitting, wish)
    } else if distance(best, wish) > 0 {
        format!("exactly the size, and the rate nearest to {}/s", wish.fps)
    } else {
        "exactly the size and rate that are wanted".to_owned()
    };
    let link = if why.starts_with("because") || why.starts_with("passed") {
        ", "
    } else {
        ": "
    };
    format!("{}{link}{why}", best.describe())
}

fn why_other_size(best: &Mode, fitting: &[Mode], wish: &Wish) -> String {
    let rank = if size_rank(best, wish).0 == 1 {
        "the nearest larger size"
    } else {
        "the largest size"
    };
    // A size that would have been better, were it not too slow.
    let slow = fitting
        .iter()
        .filter(|m| size_rank(m, wish) < size_rank(best, wish))
        .max_by_key(|m| (speed(m), **m));
    let because = match slow {
        Some(slow) => format!(
            ", because {}×{} reaches only {}/s",
            slow.width,
            slow.height,
            slow.rate()
        ),
        None => String::new(),
    };
    format!(
        "{rank} that it has for {}×{}{because}{}",
        wish.width,
        wish.height,
        too_slow(best, wish)
    )
}

fn too_slow(best: &Mode, wish: &Wish) -> String {
    if best.reaches(wish.fps) {
        String::new()
    } else {
        format!(", slower than the wanted {}/s", wish.fps)
    }
}

fn why_compressed(best: &Mode, fitting: &[Mode], wish: &Wish) -> String {
    let raw = fitting
        .iter()
        .filter(|m| cost(m) == 0 && (m.width, m.height) == (best.width, best.height))
        .max_by_key(|m| speed(m));
    if wish.format != CameraFormat::Auto {
        return "because that format is asked for".to_owned();
    }
    match raw {
        Some(raw) => format!("because raw reaches only {}/s at that size", raw.rate()),
        None => "because it has no raw mode of that size".to_owned(),
    }
}

fn nothing_fits(modes: &[Mode], wish: &Wish) -> Error {
    let mut formats: Vec<PixelFormat> = modes.iter().map(|m| m.format).collect();
    formats.sort_unstable();
    formats.dedup();
    let offered = formats
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if modes.is_empty() {
        Error::new(Kind::Unsupported, "The camera offers no picture modes.")
            .mend("Unplug it and plug it in again, or choose another camera.")
    } else if modes.iter().any(Mode::is_usable) {
        Error::new(
            Kind::Unsupported,
            format!(
                "The camera has no {} mode; it has {offered}.",
                name_of(wish.format)
            ),
        )
        .mend("Set video.format to \"auto\" or to one of these.")
    } else {
        Error::new(
            Kind::Unsupported,
            format!("The camera gives only {offered}, of which no picture can be made here."),
        )
        .mend("If it is a CSI camera, set video.source to \"libcamera\".")
    }
}

fn name_of(format: CameraFormat) -> &'static str {
    match format {
        CameraFormat::Auto => "usable",
        CameraFormat::Nv12 => "NV12",
        CameraFormat::Yuyv => "YUYV",
        CameraFormat::Mjpeg => "MJPEG",
        CameraFormat::H264 => "H.264",
    }
}

#[cfg(test)]
#[path = "mode_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "mode_properties.rs"]
mod properties;
