//! Reads a sampled signal between its samples, band-limited: 32 taps of a windowed sinc, 256 phases, and a straight line
//! between neighbouring phases (images below −90 dB).
//!
//! Not `rubato`: its asynchronous resamplers keep their place in the input to themselves and take a ratio, whereas drift
//! correction, gaps and changes of delay are all about the *place*. Here the place is an argument.

/// Taps of the kernel.
pub(super) const TAPS: usize = 32;
/// Samples that the kernel reaches back before the place.
pub(super) const BACK: usize = TAPS / 2 - 1;
const PHASES: usize = 256;
/// Share of the band that is kept, of the lower of the two Nyquist frequencies.
const BAND: f64 = 0.94;

/// The kernel for one pair of rates.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    rows: Vec<[f32; TAPS]>,
}

impl Kernel {
    /// For input of `from` and output of `to` samples per second.
    pub(super) fn new(from: u32, to: u32) -> Self {
        let band = BAND * (f64::from(to) / f64::from(from.max(1))).min(1.0);
        let rows = (0..=PHASES).map(|phase| row(band, phase)).collect();
        Self { rows }
    }

    /// The signal at `fraction` (0 to 1) after the sample at `BACK` in `window`, for channel `channel` of `channels`.
    /// `window` has [`TAPS`] frames. Call [`Kernel::weights`] once for all channels.
    pub(super) fn apply(
        weights: &[f32; TAPS],
        window: &[f32],
        channel: usize,
        channels: usize,
    ) -> f32 {
        // Plain loops: this is the hottest code of the sound, and a build without optimization spends ten times as long in
        // iterators.
        let (mut sum, mut tap, mut at) = (0.0, 0, channel);
        while tap < TAPS && at < window.len() {
            sum += weights[tap] * window[at];
            tap += 1;
            at += channels;
        }
        sum
    }

    /// Weights of the taps for a place.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 256"
    )]
    pub(super) fn weights(&self, fraction: f64) -> [f32; TAPS] {
        let phase = fraction.clamp(0.0, 1.0) * PHASES as f64;
        let row = (phase as usize).min(PHASES - 1);
        let between = (phase - row as f64) as f32;
        let (low, high) = (&self.rows[row], &self.rows[row + 1]);
        let (mut weights, mut tap) = ([0.0; TAPS], 0);
        while tap < TAPS {
            weights[tap] = low[tap] + (high[tap] - low[tap]) * between;
            tap += 1;
        }
        weights
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]
fn row(band: f64, phase: usize) -> [f32; TAPS] {
    use std::f64::consts::{PI, TAU};
    let fraction = phase as f64 / PHASES as f64;
    let mut taps = [0.0; TAPS];
    for (tap, value) in taps.iter_mut().enumerate() {
        let x = tap as f64 - BACK as f64 - fraction;
        let sinc = if x.abs() < 1e-9 {
            1.0
        } else {
            (PI * band * x).sin() / (PI * band * x)
        };
        // Blackman window over the reach of the kernel.
        let w = (x / TAPS as f64 + 0.5).clamp(0.0, 1.0);
        *value = sinc * (0.42 - 0.5 * (TAU * w).cos() + 0.08 * (2.0 * TAU * w).cos());
    }
    let sum: f64 = taps.iter().sum();
    std::array::from_fn(|tap| (taps[tap] / sum) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest error of a sine of `hz` read at `to` out of `from`, after the ends.
    fn error(hz: f64, from: u32, to: f64) -> f64 {
        let wave = |t: f64| (std::f64::consts::TAU * hz * t).sin();
        let input: Vec<f32> = (0..4000)
            .map(|n| wave(f64::from(n) / f64::from(from)) as f32)
            .collect();
        let kernel = Kernel::new(from, to as u32);
        (0..3000)
            .map(|n| 100.0 + f64::from(n) * f64::from(from) / to)
            .filter(|x| *x < 3900.0)
            .map(|x| {
                let first = x as usize - BACK;
                let weights = kernel.weights(x.fract());
                let got = Kernel::apply(&weights, &input[first..first + TAPS], 0, 1);
                (f64::from(got) - wave(x / f64::from(from))).abs()
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn the_band_of_speech_and_music_is_kept_clean() {
        for hz in [50.0, 440.0, 1000.0, 5000.0, 10_000.0, 15_000.0] {
            let e = error(hz, 48_000, 48_009.6);
            assert!(e < 2e-3, "{hz} Hz: {e}");
        }
        assert!(error(3000.0, 16_000, 48_000.0) < 2e-3);
        assert!(error(1000.0, 44_100, 48_000.0) < 2e-3);
        assert!(error(1000.0, 96_000, 48_000.0) < 5e-3);
    }
}
