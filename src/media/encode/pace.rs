//! Which frames go to the encoder, and whether it still works. Pure but for the clock that `Stall` reads.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Lowers the frame rate by leaving out frames, by their times.
#[derive(Debug)]
pub(super) struct RateDrop {
    /// Nominal distance of kept frames, ns; 0: all are kept.
    step: u64,
    /// When the next one is due.
    due: u64,
}

impl RateDrop {
    pub(super) fn new(input_fps: u32, output_fps: u32) -> Self {
        let step = if output_fps < input_fps {
            1_000_000_000 / u64::from(output_fps.max(1))
        } else {
            0
        };
        Self { step, due: 0 }
    }

    /// A frame may be a quarter of a step early (jitter); after a gap the count begins anew.
    pub(super) fn keep(&mut self, pts: u64) -> bool {
        if self.step == 0 {
            return true;
        }
        if pts.saturating_add(self.step / 4) < self.due {
            return false;
        }
        self.due += self.step;
        if pts > self.due {
            self.due = pts + self.step;
        }
        true
    }
}

/// An encoder that gives nothing for this long though frames come has failed.
const STALLED: Duration = Duration::from_secs(2);
/// ... and at least this many frames, so that a process that was stopped for a while is not taken for a dead encoder.
const STALLED_FRAMES: u32 = 20;

/// Watches that input brings output.
#[derive(Debug, Default)]
pub(super) struct Stall(Mutex<Option<(Instant, u32)>>);

impl Stall {
    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Instant, u32)>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn output(&self) {
        *self.lock() = None;
    }

    /// Says whether the encoder has stalled.
    pub(super) fn input(&self) -> bool {
        self.input_at(Instant::now())
    }

    fn input_at(&self, now: Instant) -> bool {
        let mut waiting = self.lock();
        let (since, frames) = waiting.get_or_insert((now, 0));
        *frames += 1;
        *frames >= STALLED_FRAMES && now.saturating_duration_since(*since) >= STALLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(input_fps: u32, output_fps: u32, jitter: bool) -> usize {
        let mut rate = RateDrop::new(input_fps, output_fps);
        (0..u64::from(input_fps) * 10)
            .filter(|n| {
                let wobble = if jitter { (n * 7919) % 4_000_000 } else { 0 };
                rate.keep(5_000_000_000 + n * 1_000_000_000 / u64::from(input_fps) + wobble)
            })
            .count()
    }

    #[test]
    fn keeps_the_wanted_rate() {
        for (input, output) in [(60, 30), (30, 15), (50, 30), (30, 25), (30, 1)] {
            for jitter in [false, true] {
                let count = kept(input, output, jitter) as f64;
                let want = f64::from(output * 10);
                assert!((count - want).abs() <= 2.0, "{input} to {output}: {count}");
            }
        }
        assert_eq!(kept(30, 30, true), 300);
        assert_eq!(kept(25, 30, false), 250);
    }

    #[test]
    fn a_gap_does_not_bring_a_burst() {
        let mut rate = RateDrop::new(60, 30);
        assert!(rate.keep(0));
        assert!(rate.keep(10_000_000_000));
        assert!(!rate.keep(10_016_000_000));
        assert!(rate.keep(10_033_000_000));
    }

    #[test]
    fn silence_despite_input_is_a_stall_and_output_ends_it() {
        let stall = Stall::default();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        assert!((0..60).all(|n| !stall.input_at(at(n * 33))));
        assert!(stall.input_at(at(2000)));
        stall.output();
        assert!(!stall.input_at(at(9000)));
        assert!(
            !stall.input_at(at(20_000)),
            "a stopped process, not a stall"
        );
    }
}
