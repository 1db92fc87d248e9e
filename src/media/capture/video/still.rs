//! Notices a camera that delivers always the same picture: a sensor or firmware that froze while the bus goes on.
//!
//! ```text
//!            samples differ                        samples equal for 4 s
//!   moving <────────────────── (every frame) ──> suspect ──> whole pictures equal for 4 s more ──> still
//!      ^                                            │                                                │
//!      └────────────── samples or a whole picture differ ─────────────────────────────────────────────┘
//! ```
//!
//! A live sensor is never quiet: noise alone changes hundreds of the sampled bytes of each frame. So while all is well a
//! frame costs a hash of 64 short runs of bytes (a few µs), whose places change each second. Only a picture that has been the same by that measure for
//! 4 s is looked at as a whole, 4 times a second, so that a small thing that moves (a clock in a corner of a slide)
//! is not overlooked. Bytes between the rows, which nobody writes, do not count.

use gstreamer as gst;
use gstreamer_video as video;
use gstreamer_video::prelude::*;

use crate::media::raw::{Pixel, RawFormat};

/// The same picture for this long is a still one, ns.
pub const STILL_AFTER: u64 = 8_000_000_000;
/// Samples equal for this long make a suspect, ns.
const SUSPECT_AFTER: u64 = 4_000_000_000;
/// Distance of looks at the whole picture of a suspect, ns.
const WHOLE_EVERY: u64 = 250_000_000;
/// How long the places of the samples stay, ns.
const PLACES_FOR: u64 = 1_000_000_000;
/// Runs of bytes that are sampled, and their length.
const RUNS: u64 = 64;
const RUN: usize = 64;

/// What is looked at.
#[derive(Debug)]
enum Kept {
    /// Raw frames of this layout.
    Frames(Option<video::VideoInfo>),
    /// Encoded access units, small enough to be looked at as a whole: identical ones are a firmware that repeats itself,
    /// for even of a picture that stands still the frame numbers rise.
    Units,
}

/// Watches the frames of one open camera.
#[derive(Debug)]
pub(super) struct Still {
    kept: Kept,
    /// Which set of places is sampled, and since when.
    places: u64,
    places_at: u64,
    /// Hash of the samples of the frame before; `None`: no frame yet.
    samples: Option<u64>,
    /// Hash of the whole picture, while it is a suspect.
    whole: Option<u64>,
    whole_at: u64,
    /// PTS of the first frame of the picture that is shown.
    since: u64,
    /// What was told last; `None`: nothing yet.
    told: Option<bool>,
}

impl Still {
    pub(super) fn frames(format: RawFormat) -> Self {
        let pixel = match format.pixel {
            Pixel::I420 => video::VideoFormat::I420,
            Pixel::Nv12 => video::VideoFormat::Nv12,
        };
        let info = video::VideoInfo::builder(pixel, format.width, format.height).build();
        Self::new(Kept::Frames(info.ok()))
    }

    pub(super) fn units() -> Self {
        Self::new(Kept::Units)
    }

    fn new(kept: Kept) -> Self {
        Self {
            kept,
            places: 0,
            places_at: 0,
            samples: None,
            whole: None,
            whole_at: 0,
            since: 0,
            told: None,
        }
    }

    /// Looks at a frame captured at running time `pts` ns; `Some` when there is something new to tell: the picture has stood
    /// still for [`STILL_AFTER`] (true), or moves (false; also the first time after the opening).
    pub(super) fn frame(&mut self, buffer: &gst::BufferRef, pts: u64) -> Option<bool> {
        let seen = self.samples(buffer, self.places)?;
        let moved = match self.samples.replace(seen) {
            None => {
                (self.since, self.places_at) = (pts, pts);
                return None;
            }
            Some(before) => before != seen,
        };
        // Times that fell back are a source that began anew.
        if moved || pts < self.since || self.whole_moved(buffer, pts) {
            self.since = pts;
            self.whole = None;
            self.next_places(buffer, pts);
            return self.tell(false);
        }
        self.next_places(buffer, pts);
        if pts - self.since >= STILL_AFTER && self.whole.is_some() {
            return self.tell(true);
        }
        None
    }

    fn tell(&mut self, still: bool) -> Option<bool> {
        (self.told.replace(still) != Some(still)).then_some(still)
    }

    /// Samples other places from time to time; of this frame, to compare the next with.
    fn next_places(&mut self, buffer: &gst::BufferRef, pts: u64) {
        if pts.abs_diff(self.places_at) < PLACES_FOR {
            return;
        }
        self.places_at = pts;
        self.places = self.places.wrapping_add(1);
        self.samples = self.samples(buffer, self.places);
    }

    /// Compares whole pictures of a suspect, now and then.
    fn whole_moved(&mut self, buffer: &gst::BufferRef, pts: u64) -> bool {
        if pts - self.since < SUSPECT_AFTER
            || (self.whole.is_some() && pts - self.whole_at.min(pts) < WHOLE_EVERY)
        {
            return false;
        }
        self.whole_at = pts;
        let Some(seen) = self.whole(buffer) else {
            return false;
        };
        self.whole
            .replace(seen)
            .is_some_and(|before| before != seen)
    }

    fn samples(&self, buffer: &gst::BufferRef, places: u64) -> Option<u64> {
        let Kept::Frames(info) = &self.kept else {
            return self.whole(buffer);
        };
        let frame = video::VideoFrameRef::from_buffer_ref_readable(buffer, info.as_ref()?).ok()?;
        let planes = planes(&frame)?;
        let total: usize = planes.iter().map(Plane::size).sum();
        let mut hash = Hash::default();
        for n in 0..RUNS {
            let place = mixed(places.wrapping_mul(RUNS).wrapping_add(n));
            let mut at = usize::try_from(place % u64::try_from(total.max(1)).ok()?).ok()?;
            for plane in &planes {
                if at < plane.size() {
                    hash.add(plane.run(at)?);
                    break;
                }
                at -= plane.size();
            }
        }
        Some(hash.end())
    }

    fn whole(&self, buffer: &gst::BufferRef) -> Option<u64> {
        let mut hash = Hash::default();
        match &self.kept {
            Kept::Units => hash.add(&buffer.map_readable().ok()?),
            Kept::Frames(info) => {
                let frame =
                    video::VideoFrameRef::from_buffer_ref_readable(buffer, info.as_ref()?).ok()?;
                for plane in planes(&frame)? {
                    for row in 0..plane.height {
                        hash.add(plane.data.get(row * plane.stride..)?.get(..plane.width)?);
                    }
                }
            }
        }
        Some(hash.end())
    }
}

/// A plane's bytes: `width` of each `stride` are picture.
struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    width: usize,
    height: usize,
}

impl Plane<'_> {
    fn size(&self) -> usize {
        self.width * self.height
    }

    /// At most [`RUN`] bytes of one row, from the picture's byte `at` on.
    fn run(&self, at: usize) -> Option<&[u8]> {
        let (row, column) = (at / self.width, at % self.width);
        // A place near the end of its row is moved to the left, so that each run has its full length.
        let column = column.min(self.width.saturating_sub(RUN));
        let end = (column + RUN).min(self.width);
        self.data
            .get(row * self.stride + column..row * self.stride + end)
    }
}

fn planes<'a>(frame: &'a video::VideoFrameRef<&gst::BufferRef>) -> Option<Vec<Plane<'a>>> {
    (0..frame.n_planes())
        .map(|n| {
            let at = usize::try_from(n).ok()?;
            // Component n begins plane n in both layouts; NV12's second plane holds two bytes a pixel.
            let width = usize::try_from(frame.comp_width(n)).ok()?;
            let step = usize::try_from(frame.comp_pstride(n)).ok()?;
            Some(Plane {
                data: frame.plane_data(n).ok()?,
                stride: usize::try_from(*frame.plane_stride().get(at)?).ok()?,
                width: (width * step).max(1),
                height: usize::try_from(frame.comp_height(n)).ok()?,
            })
        })
        .collect()
}

/// A good spread of places from a counter (the finaliser of `MurmurHash3`).
fn mixed(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// A fast hash of bytes; no defence against anybody. Each step is reversible, so two inputs of one length that differ in one word never
/// agree.
#[derive(Default)]
struct Hash(u64);

impl Hash {
    fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn add(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.word(u64::from_ne_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_ne_bytes(last));
        self.word(bytes.len() as u64);
    }

    fn end(self) -> u64 {
        mixed(self.0)
    }
}

#[cfg(test)]
mod tests;
