//! The test tone: a quiet 440 Hz tone, and a loud beep of 1 kHz from each full second of running time on.

use std::f64::consts::TAU;

/// −30 dBFS peak.
const QUIET: f64 = 0.031_622_776_6;
/// −6 dBFS peak.
const LOUD: f64 = 0.501_187_233_6;

/// Samples of the tone by their place on the time axis, so that any block can be made at any time.
#[derive(Debug, Clone, Copy)]
pub(in crate::media::capture) struct Tone {
    rate: u64,
}

impl Tone {
    pub(in crate::media::capture) fn new(rate: u32) -> Self {
        Self {
            rate: u64::from(rate.max(1)),
        }
    }

    /// The sample at `index`/rate seconds of running time. Both tones have whole periods a second, so the phase is
    /// taken within the second and stays exact for ever.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "within a second; samples are f32"
    )]
    pub(in crate::media::capture) fn sample(&self, index: u64) -> f32 {
        let within = index % self.rate;
        let t = within as f64 / self.rate as f64;
        if within * 10 < self.rate {
            (LOUD * (TAU * 1000.0 * t).sin()) as f32
        } else {
            (QUIET * (TAU * 440.0 * t).sin()) as f32
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beep_begins_at_the_full_second_and_lasts_100_ms() {
        for rate in [44_100, 48_000] {
            let tone = Tone::new(rate);
            let peak = |range: std::ops::Range<u32>| {
                range
                    .map(|i| tone.sample(u64::from(5 * rate + i)).abs())
                    .fold(0.0, f32::max)
            };
            assert!((peak(0..rate / 10) - 0.501).abs() < 0.01);
            assert!((peak(rate / 10..rate) - 0.0316).abs() < 0.001);
        }
    }
}
