//! Access units to segments and fragments. Pure.
//!
//! Each picture leaves at once in a fragment of its own, with the sound that came since the last one. Its duration is the
//! nominal one, for the next picture is not there yet; the next fragment's decode time says where it really is, so that
//! rounding never adds up and a gap is a gap.

use std::sync::Arc;

use bytes::Bytes;

use super::Chunk;
use super::boxes::Boxes;
use super::init::{AUDIO, Tracks, VIDEO, VIDEO_SCALE};
use crate::media::access_unit::{AccessUnit, Format, Track};
use crate::media::h264::{avcc, nal_type, nal_type_of};

const NS: u64 = 1_000_000_000;
/// How long the first pictures wait for sound to show up, so that one segment describes both: by the pictures' times, ns.
const PATIENCE_NS: u64 = 150_000_000;
/// Pictures that may wait so.
const MAX_HELD: usize = 64;
/// Sound that waits for a picture; more leaves without one: about 0.25 s.
const MAX_SOUND: usize = 12;
/// Ticks that a time may be off the end of the sample before it and still be its end: rounding.
const SLACK: u64 = 2;
/// `sample_flags`: a picture that others do not need, and one that depends on none (ISO/IEC 14496-12, 8.8.3.1).
const DELTA: u32 = 0x0101_0000;
const SYNC: u32 = 0x0200_0000;

/// One sample of a fragment.
struct Sample {
    /// Decoding time, ticks.
    time: u64,
    /// Ticks.
    duration: u32,
    /// Presentation after decoding, ticks.
    offset: u32,
    flags: u32,
    size: u32,
    data: Vec<Bytes>,
}

/// Where a track stands, in ticks.
#[derive(Debug, Default)]
struct Line {
    /// Start of the last sample.
    last: Option<u64>,
    /// Its end.
    free: u64,
}

impl Line {
    /// Time and duration of the next sample. It begins at the end of the last one where only rounding keeps it away from there,
    /// and always after the last one's start.
    fn place(&mut self, since: u64, duration: u64, scale: u32) -> (u64, u32) {
        let exact = ticks(since, scale);
        let near = exact.abs_diff(self.free) <= SLACK;
        let least = self.last.map_or(0, |last| last.saturating_add(1));
        let time = if near { self.free } else { exact }.max(least);
        let duration = small(ticks(duration, scale).max(1));
        self.last = Some(time);
        self.free = time.saturating_add(u64::from(duration));
        (time, duration)
    }
}

/// Turns the units of one consumer into chunks, in the order they come.
#[derive(Default)]
pub(super) struct Mux {
    /// Running time that is zero for this consumer.
    zero: Option<u64>,
    video: Option<Arc<Format>>,
    audio: Option<Arc<Format>>,
    /// What the last segment described.
    tracks: Option<Tracks>,
    held: Vec<AccessUnit>,
    sound: Vec<Sample>,
    line: (Line, Line),
    sequence: u32,
}

impl Mux {
    /// Takes one unit; what is ready goes to `out`.
    pub(super) fn unit(&mut self, unit: &AccessUnit, out: &mut impl Extend<Chunk>) {
        match unit.track {
            Track::Audio => self.hear(unit, out),
            Track::Video => {
                if self.zero.is_none() && !unit.keyframe {
                    return;
                }
                self.zero.get_or_insert(unit.dts);
                if self.tracks.is_some() {
                    self.picture(unit, out);
                } else {
                    self.held.push(unit.clone());
                    self.begin(out);
                }
            }
        }
    }

    /// Before the first segment: waits a little for sound.
    fn begin(&mut self, out: &mut impl Extend<Chunk>) {
        let span = match (self.held.first(), self.held.last()) {
            (Some(first), Some(last)) => last.dts.saturating_sub(first.dts),
            _ => return,
        };
        if self.audio.is_some() || span >= PATIENCE_NS || self.held.len() >= MAX_HELD {
            for unit in std::mem::take(&mut self.held) {
                self.picture(&unit, out);
            }
        }
    }

    fn hear(&mut self, unit: &AccessUnit, out: &mut impl Extend<Chunk>) {
        if is_new(self.audio.as_ref(), &unit.format) {
            self.audio = Some(Arc::clone(&unit.format));
            if self.tracks.is_some() {
                self.describe(out);
            } else {
                self.begin(out);
            }
        }
        let (Some(zero), Some(scale)) = (
            self.zero,
            self.tracks.as_ref().and_then(Tracks::audio_scale),
        ) else {
            return;
        };
        // Sound of before the first picture: nothing to show with it.
        let Some(since) = unit.dts.checked_sub(zero) else {
            return;
        };
        let (time, duration) = self.line.1.place(since, unit.duration, scale);
        self.sound.push(Sample {
            time,
            duration,
            offset: 0,
            flags: SYNC,
            size: small(unit.data.len() as u64),
            data: vec![unit.data.clone()],
        });
        if self.sound.len() > MAX_SOUND {
            self.fragment(None, out);
        }
    }

    fn picture(&mut self, unit: &AccessUnit, out: &mut impl Extend<Chunk>) {
        let fresh = is_new(self.video.as_ref(), &unit.format);
        if fresh || self.tracks.is_none() {
            // A decoder can take new parameter sets only with a keyframe.
            if !unit.keyframe {
                return;
            }
            self.video = Some(Arc::clone(&unit.format));
            self.describe(out);
            if self.tracks.is_none() {
                return;
            }
        }
        let since = unit.dts.saturating_sub(self.zero.unwrap_or(unit.dts));
        let (data, size) = sample(&unit.data);
        if size == 0 {
            return;
        }
        let (time, duration) = self.line.0.place(since, unit.duration, VIDEO_SCALE);
        let picture = Sample {
            time,
            duration,
            offset: small(ticks(unit.pts.saturating_sub(unit.dts), VIDEO_SCALE)),
            flags: if unit.keyframe { SYNC } else { DELTA },
            size,
            data,
        };
        self.fragment(Some(picture), out);
    }

    /// Head and segment of the formats in force.
    fn describe(&mut self, out: &mut impl Extend<Chunk>) {
        if !self.sound.is_empty() {
            self.fragment(None, out);
        }
        let Some(video) = &self.video else { return };
        self.tracks = Tracks::new(video, self.audio.as_ref());
        match &self.tracks {
            Some(tracks) => out.extend([Chunk::Head(tracks.head()), Chunk::Data(tracks.segment())]),
            None => tracing::warn!("the picture's parameter sets cannot be put into MP4"),
        }
    }

    /// `moof` and `mdat` of one picture and the sound that waits.
    fn fragment(&mut self, picture: Option<Sample>, out: &mut impl Extend<Chunk>) {
        let sound = std::mem::take(&mut self.sound);
        let picture: Vec<Sample> = picture.into_iter().collect();
        self.sequence = self.sequence.wrapping_add(1);
        let payload: usize = picture.iter().chain(&sound).map(|s| s.size as usize).sum();
        let mut boxes = Boxes::default();
        boxes.reserve(payload + 256 + 12 * sound.len());
        let mut places = Vec::with_capacity(2);
        boxes.boxed(*b"moof", |b| {
            b.full(*b"mfhd", 0, 0, |b| {
                b.u32(self.sequence);
            });
            for (track, samples) in [(VIDEO, &picture), (AUDIO, &sound)] {
                if let Some(first) = samples.first() {
                    let size: u32 = samples.iter().map(|s| s.size).sum();
                    places.push((run(b, track, first.time, samples), size));
                }
            }
        });
        // Offsets count from the start of `moof`; the content of `mdat` begins 8 bytes behind it.
        let mut at = small(boxes.len() as u64 + 8);
        for (place, size) in places {
            boxes.patch(place, at);
            at += size;
        }
        boxes.boxed(*b"mdat", |b| {
            for part in picture.iter().chain(&sound).flat_map(|s| &s.data) {
                b.raw(part);
            }
        });
        out.extend([Chunk::Data(boxes.into_bytes())]);
    }
}

/// A `traf`; returns where its data offset stands.
fn run(b: &mut Boxes, track: u32, time: u64, samples: &[Sample]) -> usize {
    let mut place = 0;
    b.boxed(*b"traf", |b| {
        // Offsets count from the `moof`.
        b.full(*b"tfhd", 0, 0x02_0000, |b| {
            b.u32(track);
        });
        b.full(*b"tfdt", 1, 0, |b| {
            b.u64(time);
        });
        // Data offset; duration, size, flags and composition offset of each sample.
        b.full(*b"trun", 0, 0x1 | 0x100 | 0x200 | 0x400 | 0x800, |b| {
            b.u32(small(samples.len() as u64));
            place = b.len();
            b.u32(0);
            for s in samples {
                b.u32(s.duration).u32(s.size).u32(s.flags).u32(s.offset);
            }
        });
    });
    place
}

/// The NAL units of a picture, each behind its length; parameter sets stand in the segment.
fn sample(data: &Bytes) -> (Vec<Bytes>, u32) {
    use nal_type::{AUD, FILLER, PPS, SPS};
    let mut parts = Vec::with_capacity(4);
    let mut size = 0_u64;
    for (length, nal) in avcc(data) {
        if !matches!(nal_type_of(&nal), SPS | PPS | AUD | FILLER) {
            size += 4 + nal.len() as u64;
            parts.push(Bytes::copy_from_slice(&length));
            parts.push(nal);
        }
    }
    (parts, small(size))
}

fn is_new(known: Option<&Arc<Format>>, format: &Arc<Format>) -> bool {
    known.is_none_or(|k| !Arc::ptr_eq(k, format) && k != format)
}

/// Nanoseconds to ticks, to the nearest.
fn ticks(ns: u64, scale: u32) -> u64 {
    let ticks = (u128::from(ns) * u128::from(scale) + u128::from(NS / 2)) / u128::from(NS);
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
