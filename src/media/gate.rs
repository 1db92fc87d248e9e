//! Which producer's access units go on air: the encoder's, or the camera's own H.264. Pure.
//!
//! A camera whose stream is passed through rules while it delivers; once it has been silent for 400 ms, the encoder
//! (which then gets the slate) may take over. Either way the switch is at a keyframe of the one that takes over, and
//! times strictly rise over it.

use super::access_unit::{AccessUnit, Rising};

/// Silence after which the passed-through camera no longer rules, in ns of media time: shorter than the silence that
/// brings the slate, so that its first keyframe passes.
const SILENT_NS: u64 = 400_000_000;

/// Where an access unit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Producer {
    /// The video encoder: camera pictures, or the slate.
    Encoder,
    /// The camera's own H.264.
    Passthrough,
}

/// Lets one producer through at a time. The units of a track that it gives have strictly rising PTS and DTS.
#[derive(Debug, Clone, Default)]
pub struct Gate {
    current: Option<Producer>,
    rising: Rising,
    /// Times of the last passed-through unit that was offered, as its camera gave it.
    camera_seen: Option<u64>,
    keyframe_wanted: bool,
}

impl Gate {
    /// Nobody is on air yet: the first keyframe decides.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a video unit; gives it back, its times adapted, when it goes on air.
    pub fn offer(&mut self, producer: Producer, mut unit: AccessUnit) -> Option<AccessUnit> {
        if producer == Producer::Passthrough {
            self.camera_seen = Some(unit.dts);
        }
        if self.current != Some(producer) {
            if !self.may_take_over(producer, &unit) {
                return None;
            }
            self.current = Some(producer);
        }
        self.rising.apply(&mut unit);
        Some(unit)
    }

    /// Who is on air.
    #[must_use]
    pub fn current(&self) -> Option<Producer> {
        self.current
    }

    /// Whether the encoder would be on air if its last unit had been a keyframe: then it should be asked for one. Says
    /// so once per unit that was refused for that.
    pub fn take_keyframe_wanted(&mut self) -> bool {
        std::mem::take(&mut self.keyframe_wanted)
    }

    fn may_take_over(&mut self, producer: Producer, unit: &AccessUnit) -> bool {
        let due = producer == Producer::Passthrough
            || self
                .camera_seen
                .is_none_or(|seen| unit.dts.saturating_sub(seen) >= SILENT_NS);
        if due && !unit.keyframe {
            self.keyframe_wanted = producer == Producer::Encoder;
        }
        due && unit.keyframe
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::media::access_unit::{Format, Track};

    const MS: u64 = 1_000_000;

    fn unit(ms: u64, keyframe: bool) -> AccessUnit {
        AccessUnit {
            track: Track::Video,
            pts: ms * MS,
            dts: ms * MS,
            duration: 33 * MS,
            keyframe,
            data: Bytes::new(),
            format: Arc::new(Format::Aac {
                rate: 0,
                channels: 0,
                config: Bytes::new(),
            }),
        }
    }

    #[test]
    fn the_camera_rules_while_it_lives_and_the_encoder_takes_over_at_a_keyframe() {
        use Producer::{Encoder, Passthrough};
        let mut gate = Gate::new();
        assert!(gate.offer(Encoder, unit(0, true)).is_some(), "the slate");
        assert!(gate.offer(Passthrough, unit(10, false)).is_none());
        assert!(gate.offer(Passthrough, unit(40, true)).is_some(), "camera");
        assert!(gate.offer(Encoder, unit(66, true)).is_none());
        assert!(gate.offer(Passthrough, unit(73, false)).is_some());
        // It falls silent; the slate begins in the middle of a GOP.
        assert!(gate.offer(Encoder, unit(470, true)).is_none(), "too soon");
        assert!(!gate.take_keyframe_wanted());
        assert!(gate.offer(Encoder, unit(573, false)).is_none());
        assert!(gate.take_keyframe_wanted());
        assert!(!gate.take_keyframe_wanted());
        assert!(gate.offer(Encoder, unit(606, true)).is_some());
        assert!(gate.offer(Encoder, unit(640, false)).is_some());
        // It comes back with a picture that was taken before the slate's last.
        assert!(gate.offer(Passthrough, unit(610, false)).is_none());
        let back = gate.offer(Passthrough, unit(630, true)).unwrap();
        assert_eq!((back.pts, back.dts), (641 * MS, 641 * MS));
        assert!(gate.offer(Encoder, unit(660, false)).is_none());
        assert_eq!(gate.current(), Some(Passthrough));
    }

    proptest! {
        #[test]
        fn switches_at_keyframes_only_and_times_rise(
            offers in prop::collection::vec((any::<bool>(), any::<bool>(), 0u64..3000), 1..200)
        ) {
            let mut gate = Gate::new();
            let mut last: Option<(Producer, AccessUnit)> = None;
            for (camera, key, ms) in offers {
                let producer = if camera { Producer::Passthrough } else { Producer::Encoder };
                let Some(out) = gate.offer(producer, unit(ms, key)) else { continue };
                if let Some((before, previous)) = &last {
                    prop_assert!(out.dts > previous.dts && out.pts > previous.pts);
                    prop_assert!(out.pts >= out.dts);
                    prop_assert!(*before == producer || out.keyframe);
                } else {
                    prop_assert!(out.keyframe);
                }
                last = Some((producer, out));
            }
        }
    }
}
