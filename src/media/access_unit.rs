//! An encoded access unit: reference-counted bytes with times in running time of the shared clock.

use std::sync::Arc;

use bytes::Bytes;

use super::fanout::Unit;

/// Which track of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Track {
    /// Picture.
    Video,
    /// Sound.
    Audio,
}

/// What a decoder must know before the first access unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// H.264 byte-stream (ITU-T H.264 annex B).
    H264 {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Nominal frames per second.
        fps: u32,
        /// Sequence parameter set, NAL unit without start code.
        sps: Bytes,
        /// Picture parameter set, NAL unit without start code.
        pps: Bytes,
    },
    /// AAC-LC, raw access units (no ADTS).
    Aac {
        /// Samples per second.
        rate: u32,
        /// Channels.
        channels: u32,
        /// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1).
        config: Bytes,
    },
}

/// One encoded picture, or one AAC frame. Cloning shares the bytes.
#[derive(Debug, Clone)]
pub struct AccessUnit {
    /// Which track.
    pub track: Track,
    /// Presentation time: running time, ns.
    pub pts: u64,
    /// Decoding time: running time, ns. Equal to `pts` without B-frames.
    pub dts: u64,
    /// Nominal duration, ns.
    pub duration: u64,
    /// Video: an IDR picture with SPS and PPS in front. Audio: always true.
    pub keyframe: bool,
    /// H.264: annex B with start codes. AAC: one raw frame.
    pub data: Bytes,
    /// Format in force; the same `Arc` until it changes.
    pub format: Arc<Format>,
}

impl Unit for AccessUnit {
    fn is_video(&self) -> bool {
        self.track == Track::Video
    }

    fn is_keyframe(&self) -> bool {
        self.keyframe
    }

    fn time_ns(&self) -> u64 {
        self.dts
    }

    fn size(&self) -> usize {
        self.data.len()
    }
}

/// Least distance of two units of a track, ns: what RTMP can tell apart.
const LEAST_STEP_NS: u64 = 1_000_000;

/// Keeps the times of one track strictly rising where two sources meet: a unit that is too early is moved to 1 ms
/// after the last one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rising {
    last: Option<(u64, u64)>,
}

impl Rising {
    /// Moves the times of `unit` where they must be.
    pub fn apply(&mut self, unit: &mut AccessUnit) {
        if let Some((pts, dts)) = self.last {
            unit.dts = unit.dts.max(dts.saturating_add(LEAST_STEP_NS));
            unit.pts = unit.pts.max(pts.saturating_add(LEAST_STEP_NS));
        }
        unit.pts = unit.pts.max(unit.dts);
        self.last = Some((unit.pts, unit.dts));
    }
}
