//! Sound levels and what to make of them. Pure.
//!
//! ```text
//!          3 s below −60 dBFS                3 samples at −0.1 dBFS
//!        ┌───────────────────> Silent   Ok ──────────────────────────> Clipping
//!       Ok <──────────────────────┘      ^─────────────────────────────────┘
//!          a window above −50 dBFS                 2 s without
//! ```

use crate::device::event::{Level, LevelState};

/// What stands for −∞ dBFS.
const NOTHING_DB: f32 = -120.0;
/// Windows per second.
const WINDOWS: u32 = 4;
const SILENT_DB: f32 = -60.0;
const HEARD_DB: f32 = -50.0;
/// Windows below [`SILENT_DB`] until the state is silent: 3 s.
const SILENT_WINDOWS: u32 = 3 * WINDOWS;
/// −0.1 dBFS.
const CLIP: f32 = 0.988_553;
/// Samples at [`CLIP`] in a window that make it a clipping one.
const CLIP_SAMPLES: u32 = 3;
/// Windows without clipping until the state is left: 2 s.
const CLEAR_WINDOWS: u32 = 2 * WINDOWS;

/// Amplitude to dBFS.
fn db(amplitude: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a figure for people")]
    let db = (20.0 * amplitude.log10()) as f32;
    db.max(NOTHING_DB)
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    peak: f32,
    squares: f64,
    clipped: u32,
}

/// The state with its memory.
#[derive(Debug, Clone)]
struct Judge {
    state: LevelState,
    quiet: u32,
    clear: u32,
}

impl Judge {
    /// Takes the loudest channel's RMS and whether the window clips.
    fn window(&mut self, rms_db: f32, clips: bool) -> LevelState {
        self.quiet = if rms_db < SILENT_DB {
            self.quiet + 1
        } else {
            0
        };
        self.clear = if clips { 0 } else { self.clear + 1 };
        self.state = match self.state {
            _ if clips => LevelState::Clipping,
            LevelState::Clipping if self.clear < CLEAR_WINDOWS => LevelState::Clipping,
            LevelState::Silent if rms_db <= HEARD_DB => LevelState::Silent,
            _ if self.quiet >= SILENT_WINDOWS => LevelState::Silent,
            _ => LevelState::Ok,
        };
        self.state
    }
}

/// Measures peak and RMS in windows of 250 ms.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    window: u32,
    count: u32,
    sums: Vec<Sum>,
    judge: Judge,
}

impl Meter {
    pub(super) fn new(rate: u32, channels: usize) -> Self {
        Self {
            window: (rate / WINDOWS).max(1),
            count: 0,
            sums: vec![Sum::default(); channels],
            judge: Judge {
                state: LevelState::Ok,
                quiet: 0,
                clear: 0,
            },
        }
    }

    /// Takes a frame (a sample per channel; full scale is 1); gives levels and state at the end of each window.
    pub(super) fn frame(&mut self, frame: &[f32]) -> Option<(Vec<Level>, LevelState)> {
        for (sum, sample) in self.sums.iter_mut().zip(frame) {
            let magnitude = sample.abs();
            sum.peak = sum.peak.max(magnitude);
            sum.squares += f64::from(magnitude) * f64::from(magnitude);
            sum.clipped += u32::from(magnitude >= CLIP);
        }
        self.count += 1;
        if self.count < self.window {
            return None;
        }
        let frames = f64::from(std::mem::take(&mut self.count));
        let clips = self.sums.iter().any(|s| s.clipped >= CLIP_SAMPLES);
        let levels: Vec<Level> = self
            .sums
            .iter_mut()
            .map(std::mem::take)
            .map(|sum| Level {
                peak_db: db(f64::from(sum.peak)),
                rms_db: db((sum.squares / frames).sqrt()),
            })
            .collect();
        let loudest = levels.iter().map(|l| l.rms_db).fold(NOTHING_DB, f32::max);
        let state = self.judge.window(loudest, clips);
        Some((levels, state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LevelState::{Clipping, Ok, Silent};

    /// States of `seconds` of a 997 Hz sine of `dbfs` in the first channel.
    fn feed(meter: &mut Meter, dbfs: f32, seconds: u32) -> Vec<(Level, LevelState)> {
        let amplitude = 10_f32.powf(dbfs / 20.0);
        (0..48_000 * seconds)
            .filter_map(|n| {
                let s = amplitude
                    * (std::f32::consts::TAU * 997.0 * (n % 48_000) as f32 / 48_000.0).sin();
                meter.frame(&[s.clamp(-1.0, 1.0), 0.0])
            })
            .map(|(levels, state)| {
                assert_eq!(
                    levels[1],
                    Level {
                        peak_db: -120.0,
                        rms_db: -120.0
                    }
                );
                (levels[0], state)
            })
            .collect()
    }

    #[test]
    fn a_known_tone_is_measured_right() {
        for dbfs in [-1.0, -20.0, -55.0] {
            let windows = feed(&mut Meter::new(48_000, 2), dbfs, 2);
            assert_eq!(windows.len(), 8);
            for (level, _) in windows {
                assert!((level.peak_db - dbfs).abs() < 0.1, "{level:?}");
                assert!((level.rms_db - (dbfs - 3.01)).abs() < 0.1, "{level:?}");
            }
        }
    }

    #[test]
    fn silence_takes_three_seconds_and_ends_above_minus_50() {
        let mut meter = Meter::new(48_000, 2);
        let states: Vec<_> = feed(&mut meter, -90.0, 4).iter().map(|w| w.1).collect();
        assert_eq!(states[..11], [Ok; 11]);
        assert_eq!(states[11..], [Silent; 5]);
        // RMS −55 lies between the thresholds: nothing changes, in either direction.
        assert!(feed(&mut meter, -52.0, 4).iter().all(|w| w.1 == Silent));
        assert!(feed(&mut meter, -40.0, 1).iter().all(|w| w.1 == Ok));
        assert!(feed(&mut meter, -52.0, 5).iter().all(|w| w.1 == Ok));
    }

    #[test]
    fn clipping_shows_at_once_and_clears_after_two_seconds() {
        let mut meter = Meter::new(48_000, 2);
        assert!(feed(&mut meter, 6.0, 1).iter().all(|w| w.1 == Clipping));
        let after: Vec<_> = feed(&mut meter, -20.0, 3).iter().map(|w| w.1).collect();
        assert_eq!(after[..7], [Clipping; 7]);
        assert_eq!(after[7..], [Ok; 5]);
    }

    #[test]
    fn two_full_samples_are_not_clipping_yet() {
        let mut meter = Meter::new(48_000, 1);
        let mut states = Vec::new();
        for n in 0..24_000 {
            let full = n == 5 || n == 6 || (12_000..12_003).contains(&n);
            states.extend(meter.frame(&[if full { 1.0 } else { 0.1 }]).map(|w| w.1));
        }
        assert_eq!(states, [Ok, Clipping]);
    }
}
