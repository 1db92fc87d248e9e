//! From an appsink's samples to access units.

use std::sync::Arc;

use bytes::Bytes;
use gstreamer as gst;

use crate::media::access_unit::{AccessUnit, Format, Rising, Track};
use crate::media::h264;

/// Makes access units of one session; gives nothing before the first keyframe with SPS and PPS.
pub(super) struct Assembler {
    fps: u32,
    /// The memory belongs to a driver's pool that must not be held for long: copy it.
    copy: bool,
    format: Option<Arc<Format>>,
    rising: Rising,
}

impl Assembler {
    pub(super) fn new(fps: u32, copy: bool) -> Self {
        Self {
            fps,
            copy,
            format: None,
            rising: Rising::default(),
        }
    }

    pub(super) fn unit(&mut self, sample: &gst::Sample) -> Option<AccessUnit> {
        let pts = running_time(sample)?;
        self.assemble(pts, bytes_of(sample, self.copy)?)
    }

    fn assemble(&mut self, pts: u64, data: Bytes) -> Option<AccessUnit> {
        let keyframe = h264::is_idr(&data) && self.take_format(&data);
        let format = Arc::clone(self.format.as_ref()?);
        // Encoders are opened without B-frames, and the probe has seen that they obey: decoding order is
        // presentation order.
        let mut unit = AccessUnit {
            track: Track::Video,
            pts,
            dts: pts,
            duration: 1_000_000_000 / u64::from(self.fps.max(1)),
            keyframe,
            data,
            format,
        };
        self.rising.apply(&mut unit);
        Some(unit)
    }

    /// Renews the format when SPS or PPS are others than before; says whether the picture has them at all.
    fn take_format(&mut self, data: &Bytes) -> bool {
        let Some((sps, pps)) = h264::parameter_sets(data) else {
            return false;
        };
        let same = self.format.as_deref().is_some_and(
            |f| matches!(f, Format::H264 { sps: s, pps: p, .. } if *s == sps && *p == pps),
        );
        if same {
            return true;
        }
        let Some(parsed) = h264::Sps::parse(&sps) else {
            return false;
        };
        self.format = Some(Arc::new(Format::H264 {
            width: parsed.width,
            height: parsed.height,
            fps: self.fps,
            // Copies: the format outlives the picture whose memory they share.
            sps: Bytes::copy_from_slice(&sps),
            pps: Bytes::copy_from_slice(&pps),
        }));
        true
    }
}

/// Makes access units of H.264 that a camera encoded itself: byte-stream, one access unit a buffer, SPS and PPS in front
/// of each keyframe.
pub struct UnitMaker(Assembler);

impl UnitMaker {
    /// `fps`: the nominal rate, for the duration of units.
    #[must_use]
    pub fn new(fps: u32) -> Self {
        // A camera's buffers belong to its driver: units wait in queues for longer than it can spare them.
        Self(Assembler::new(fps, true))
    }

    /// The unit of one buffer, whose PTS is running time; nothing before the first keyframe.
    pub fn video(&mut self, buffer: &gst::BufferRef) -> Option<AccessUnit> {
        let pts = buffer.pts()?.nseconds();
        let data = Bytes::copy_from_slice(&buffer.map_readable().ok()?);
        self.0.assemble(pts, data)
    }
}

/// PTS as running time in ns. Not the PTS itself: x264enc moves its segment by 1000 h.
pub(in crate::media) fn running_time(sample: &gst::Sample) -> Option<u64> {
    let pts = sample.buffer()?.pts()?;
    let segment = sample.segment()?.downcast_ref::<gst::ClockTime>()?;
    segment.to_running_time(pts).map(gst::ClockTime::nseconds)
}

/// The sample's bytes: its memory itself, mapped, or a copy of it.
pub(in crate::media) fn bytes_of(sample: &gst::Sample, copy: bool) -> Option<Bytes> {
    let mapped = sample.buffer_owned()?.into_mapped_buffer_readable().ok()?;
    if copy {
        return Some(Bytes::copy_from_slice(&mapped));
    }
    Some(Bytes::from_owner(mapped))
}
