//! What a session delivers and what waits: figures from our own queue and from the kernel's.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use super::abr::Sample;
use crate::media::access_unit::{AccessUnit, Track};

/// Not in `libc` for every target; from Linux `sockios.h`.
const SIOCOUTQNSD: libc::Ioctl = 0x894B;
/// Delivery is measured over this long.
const WINDOW: Duration = Duration::from_secs(1);
/// The media's own rate is measured over this much media.
const MEDIA_WINDOW_NS: u64 = 2_000_000_000;
/// Least rate that bytes are turned into time with, bit/s.
const LEAST_BPS: u64 = 64_000;

/// Bytes that the kernel holds for a TCP socket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KernelQueue {
    /// Written and not yet acknowledged, sent or not.
    pub unacked: u64,
    /// Written and not yet sent.
    pub unsent: u64,
}

impl KernelQueue {
    /// Asks the kernel; zeros where it does not say (a socket that is closing).
    pub fn of(fd: BorrowedFd<'_>) -> Self {
        Self {
            unacked: ask(fd, libc::TIOCOUTQ),
            unsent: ask(fd, SIOCOUTQNSD),
        }
    }
}

fn ask(fd: BorrowedFd<'_>, request: libc::Ioctl) -> u64 {
    let mut bytes: libc::c_int = 0;
    // SAFETY: both requests write one int; `bytes` outlives the call and the descriptor is borrowed.
    let rc = unsafe { libc::ioctl(fd.as_raw_fd(), request, &raw mut bytes) };
    if rc == 0 {
        u64::try_from(bytes).unwrap_or(0)
    } else {
        0
    }
}

/// What waits for the peer, at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Waiting {
    /// Span of the fan-out's queue, ns.
    pub queued_ns: u64,
    /// Bytes of the fan-out's queue.
    pub queued_bytes: u64,
    /// Bytes cut into chunks but not written.
    pub unwritten: u64,
    /// Bytes written, since the session began.
    pub written: u64,
    /// The kernel's part.
    pub kernel: KernelQueue,
}

/// Pure: time comes from outside.
#[derive(Debug, Default)]
pub struct Meter {
    media: VecDeque<(u64, u64)>,
    media_bytes: u64,
    audio_bytes: u64,
    /// Time, bytes taken by the peer, audio bytes handed out.
    history: VecDeque<(Duration, u64, u64)>,
}

impl Meter {
    /// A unit was taken from the fan-out.
    pub fn took(&mut self, unit: &AccessUnit) {
        let bytes = unit.data.len() as u64;
        if unit.track == Track::Audio {
            self.audio_bytes += bytes;
        }
        self.media.push_back((unit.dts, bytes));
        self.media_bytes += bytes;
        while let Some((dts, bytes)) = self.media.front().copied()
            && unit.dts.saturating_sub(dts) > MEDIA_WINDOW_NS
        {
            self.media.pop_front();
            self.media_bytes -= bytes;
        }
    }

    /// Bytes that the peer has acknowledged.
    pub fn delivered(waiting: &Waiting) -> u64 {
        waiting.written.saturating_sub(waiting.kernel.unacked)
    }

    /// Notes the moment; what came of the last second: the sample for the adaptive bitrate, and all that was
    /// delivered, bit/s.
    pub fn sample(&mut self, now: Duration, waiting: &Waiting) -> (Sample, u32) {
        let delivered = Self::delivered(waiting);
        self.history.push_back((now, delivered, self.audio_bytes));
        while self
            .history
            .get(1)
            .is_some_and(|(at, ..)| now.saturating_sub(*at) >= WINDOW)
        {
            self.history.pop_front();
        }
        let (since, bytes, audio) =
            self.history
                .front()
                .copied()
                .unwrap_or((now, delivered, self.audio_bytes));
        // Before a whole window has passed it counts as one, which understates rather than invents.
        let span = now.saturating_sub(since).max(WINDOW).as_secs_f64();
        let rate = |bytes: u64| (bytes as f64 * 8.0 / span) as u32;
        let all = rate(delivered.saturating_sub(bytes));
        let video = if all == 0 {
            0
        } else {
            // Something flows, so it never reads as nothing.
            all.saturating_sub(rate(self.audio_bytes - audio)).max(1)
        };
        let loose = waiting.unwritten + waiting.kernel.unsent;
        let loose_ms = loose * 8000 / self.media_bps().max(LEAST_BPS);
        let sample = Sample {
            backlog_ms: u32::try_from(waiting.queued_ns / 1_000_000 + loose_ms).unwrap_or(u32::MAX),
            backlog_bytes: waiting.queued_bytes + loose,
            delivered_bps: video,
        };
        (sample, all)
    }

    fn media_bps(&self) -> u64 {
        let (Some((first, _)), Some((last, _))) = (self.media.front(), self.media.back()) else {
            return 0;
        };
        let span_ms = last.saturating_sub(*first) / 1_000_000;
        self.media_bytes * 8000 / span_ms.max(500)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::media::access_unit::Format;

    fn unit(track: Track, ms: u64, size: usize) -> AccessUnit {
        AccessUnit {
            track,
            pts: ms * 1_000_000,
            dts: ms * 1_000_000,
            duration: 0,
            keyframe: true,
            data: vec![0; size].into(),
            format: Arc::new(Format::Aac {
                rate: 48_000,
                channels: 2,
                config: Bytes::new(),
            }),
        }
    }

    fn waiting(written: u64, unacked: u64, unsent: u64) -> Waiting {
        Waiting {
            written,
            kernel: KernelQueue { unacked, unsent },
            ..Waiting::default()
        }
    }

    #[test]
    fn delivery_is_what_was_acknowledged_less_the_sound() {
        let mut m = Meter::default();
        m.sample(Duration::ZERO, &waiting(0, 0, 0));
        for i in 0..10 {
            m.took(&unit(Track::Audio, i * 100, 1_000));
            m.took(&unit(Track::Video, i * 100, 24_000));
        }
        let (sample, all) = m.sample(Duration::from_secs(1), &waiting(250_000, 25_000, 0));
        assert_eq!(all, 225_000 * 8);
        assert_eq!(sample.delivered_bps, 215_000 * 8);
        let (sample, all) = m.sample(Duration::from_secs(2), &waiting(250_000, 25_000, 0));
        assert_eq!((sample.delivered_bps, all), (0, 0));
    }

    #[test]
    fn unsent_bytes_count_as_time_at_the_medias_own_rate() {
        let mut m = Meter::default();
        for i in 0..=100 {
            m.took(&unit(Track::Video, i * 20, 2_500));
        }
        // 2,500 bytes each 20 ms are 1 Mbit/s: 50,000 bytes are 400 ms.
        let w = Waiting {
            queued_ns: 1_000_000_000,
            queued_bytes: 125_000,
            unwritten: 20_000,
            ..waiting(1_000_000, 40_000, 30_000)
        };
        let (sample, _) = m.sample(Duration::ZERO, &w);
        assert!((1_390..=1_410).contains(&sample.backlog_ms), "{sample:?}");
        assert_eq!(sample.backlog_bytes, 175_000);
    }

    #[test]
    fn the_kernel_tells_what_a_peer_has_not_taken() {
        use std::io::Write;
        use std::os::fd::AsFd;
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut a = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_b, _) = listener.accept().unwrap();
        a.set_nonblocking(true).unwrap();
        let mut written = 0;
        while let Ok(n) = a.write(&[0; 65_536]) {
            written += n as u64;
        }
        let q = KernelQueue::of(a.as_fd());
        assert!(
            q.unsent > 0 && q.unsent <= q.unacked && q.unacked <= written,
            "{q:?}"
        );
    }
}
