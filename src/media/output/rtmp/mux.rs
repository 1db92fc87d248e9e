//! Access units to RTMP messages: timestamps, sequence headers, metadata. Pure.

use std::sync::Arc;

use bytes::Bytes;

use super::flv;
use super::session::Session;
use crate::media::access_unit::{AccessUnit, Format, Track};

const NS_PER_MS: u64 = 1_000_000;

/// Turns the units of one session into messages, in the order they come.
#[derive(Debug)]
pub struct Mux {
    with_audio: bool,
    zero: Option<u64>,
    video: Lane,
    audio: Lane,
}

/// What was last sent of one track.
#[derive(Debug, Default)]
struct Lane {
    format: Option<Arc<Format>>,
    last: u64,
}

impl Lane {
    /// Takes note of the format in force; whether it differs from the last.
    fn changed(&mut self, format: &Arc<Format>) -> bool {
        let same = self
            .format
            .as_ref()
            .is_some_and(|f| Arc::ptr_eq(f, format) || f == format);
        if !same {
            self.format = Some(Arc::clone(format));
        }
        !same
    }

    /// Milliseconds of the session, never less than the last of this track; wraps at 32 bits.
    fn timestamp(&mut self, zero: u64, dts: u64) -> u32 {
        self.last = self.last.max(dts.saturating_sub(zero) / NS_PER_MS);
        // 32 bits of milliseconds wrap after 49.7 days; the protocol means it so (5.3.1.3).
        self.last as u32
    }
}

impl Mux {
    /// For a new session. Without `with_audio` audio units are left out.
    #[must_use]
    pub fn new(with_audio: bool) -> Self {
        Self {
            with_audio,
            zero: None,
            video: Lane::default(),
            audio: Lane::default(),
        }
    }

    /// Queues the messages of one unit: metadata and sequence header first when the format changed. Timestamps count
    /// from the decoding time of the session's first unit.
    pub fn unit(&mut self, unit: &AccessUnit, session: &mut Session) {
        let zero = match (unit.track, self.zero) {
            (Track::Audio, _) if !self.with_audio => return,
            (_, Some(zero)) => zero,
            (_, None) => *self.zero.insert(unit.dts),
        };
        let lane = match unit.track {
            Track::Video => &mut self.video,
            Track::Audio => &mut self.audio,
        };
        let timestamp = lane.timestamp(zero, unit.dts);
        if lane.changed(&unit.format) {
            self.announce(unit, timestamp, session);
        }
        match unit.track {
            Track::Audio => session.audio(timestamp, &flv::aac_frame(&unit.data)),
            Track::Video => {
                let offset = (unit.pts / NS_PER_MS).saturating_sub(unit.dts / NS_PER_MS);
                let offset = i32::try_from(offset).unwrap_or(0);
                if let Some(parts) = flv::picture(&unit.data, unit.keyframe, offset) {
                    session.video(timestamp, &parts);
                }
            }
        }
    }

    fn announce(&self, unit: &AccessUnit, timestamp: u32, session: &mut Session) {
        let metadata = flv::metadata(self.video.format.as_deref(), self.audio.format.as_deref());
        session.data(timestamp, metadata);
        match &*unit.format {
            Format::H264 { sps, pps, .. } => {
                if let Some(header) = flv::avc_sequence_header(sps, pps) {
                    session.video(timestamp, &[header]);
                }
            }
            Format::Aac { config, .. } => {
                session.audio(timestamp, &flv::aac_sequence_header(&Bytes::clone(config)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::{Message, Reader, kind};
    use super::super::session::Stage;
    use super::super::test_support::live_session;
    use super::*;

    fn format(width: u32) -> Arc<Format> {
        Arc::new(Format::H264 {
            width,
            height: 90,
            fps: 30,
            sps: Bytes::from_static(&[0x67, 66, 0xC0, 30, 1]),
            pps: Bytes::from_static(&[0x68, 1]),
        })
    }

    fn unit(track: Track, ms: u64, format: &Arc<Format>) -> AccessUnit {
        AccessUnit {
            track,
            pts: (ms + 40) * NS_PER_MS,
            dts: ms * NS_PER_MS,
            duration: 33 * NS_PER_MS,
            keyframe: true,
            data: Bytes::from_static(&[0, 0, 1, 0x65, 1]),
            format: Arc::clone(format),
        }
    }

    fn sent(units: &[AccessUnit], with_audio: bool) -> Vec<Message> {
        let mut session = live_session();
        assert_eq!(session.stage(), Stage::Live);
        let mut mux = Mux::new(with_audio);
        for u in units {
            mux.unit(u, &mut session);
        }
        let mut reader = Reader::default();
        let out = session.outgoing();
        let mut wire = vec![
            2,
            0,
            0,
            0,
            0,
            0,
            4,
            kind::SET_CHUNK_SIZE,
            0,
            0,
            0,
            0,
            0,
            1,
            0,
            0,
        ];
        while !out.is_empty() {
            let some: Vec<u8> = out.io_slices().iter().flat_map(|s| s.to_vec()).collect();
            out.advance(some.len());
            wire.extend(some);
        }
        reader.feed(&wire);
        let all: Vec<Message> = std::iter::from_fn(|| reader.next_message().unwrap()).collect();
        all.into_iter()
            .filter(|m| m.kind != kind::SET_CHUNK_SIZE)
            .collect()
    }

    #[test]
    fn time_counts_from_the_first_unit_and_never_goes_back() {
        let (v, a) = (
            format(160),
            Arc::new(Format::Aac {
                rate: 48_000,
                channels: 2,
                config: Bytes::from_static(&[0x11, 0x90]),
            }),
        );
        let messages = sent(
            &[
                unit(Track::Video, 5_000, &v),
                unit(Track::Audio, 4_990, &a),
                unit(Track::Video, 5_033, &v),
                unit(Track::Video, 5_020, &v),
                unit(Track::Audio, 5_011, &a),
            ],
            true,
        );
        let of = |k: u8| -> Vec<u32> {
            messages
                .iter()
                .filter(|m| m.kind == k)
                .map(|m| m.timestamp)
                .collect()
        };
        assert_eq!(of(kind::VIDEO), [0, 0, 33, 33]);
        assert_eq!(of(kind::AUDIO), [0, 0, 11]);
        let picture = messages
            .iter()
            .filter(|m| m.kind == kind::VIDEO)
            .nth(1)
            .unwrap();
        assert_eq!(picture.payload[..5], [0x17, 1, 0, 0, 40]);
    }

    #[test]
    fn days_wrap_at_32_bits() {
        let v = format(160);
        let messages = sent(
            &[
                unit(Track::Video, 0, &v),
                unit(Track::Video, (1 << 32) - 5, &v),
                unit(Track::Video, (1 << 32) + 28, &v),
            ],
            true,
        );
        let times: Vec<u32> = messages
            .iter()
            .filter(|m| m.kind == kind::VIDEO)
            .map(|m| m.timestamp)
            .collect();
        assert_eq!(times, [0, 0, u32::MAX - 4, 28]);
    }

    #[test]
    fn a_new_format_is_announced_in_the_same_session() {
        let (a, b) = (format(160), format(320));
        let again = format(320);
        let units = [(0, &a), (33, &b), (66, &again)].map(|(ms, f)| unit(Track::Video, ms, f));
        let kinds: Vec<(u8, u8)> = sent(&units, true)
            .iter()
            .map(|m| {
                (
                    m.kind,
                    if m.kind == kind::VIDEO {
                        m.payload[1]
                    } else {
                        9
                    },
                )
            })
            .collect();
        let announced = [(kind::DATA, 9), (kind::VIDEO, 0), (kind::VIDEO, 1)];
        let want: Vec<(u8, u8)> = announced
            .iter()
            .chain(&announced)
            .chain(&[(kind::VIDEO, 1)])
            .copied()
            .collect();
        assert_eq!(kinds, want);
    }

    #[test]
    fn without_audio_none_is_sent() {
        let a = Arc::new(Format::Aac {
            rate: 48_000,
            channels: 2,
            config: Bytes::new(),
        });
        assert!(sent(&[unit(Track::Audio, 0, &a)], false).is_empty());
    }
}
