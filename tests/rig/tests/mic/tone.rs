//! Measures a tone in a file: how high, how loud, how pure.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::the_box::run_to_end;

/// Samples per second of what is measured.
const RATE: f64 = 48_000.0;

/// What sounds.
#[derive(Debug)]
pub struct Heard {
    /// Frequency, from the zero crossings.
    pub hz: f64,
    /// Level, dBFS: a sine from full scale to full scale has 0.
    pub dbfs: f64,
    /// Share of the power that is at that frequency.
    pub purity: f64,
    /// Power of the difference of the channels over that of the first.
    pub channels_alike: f64,
    /// Seconds measured.
    pub seconds: f64,
}

/// Decodes the sound from second `from` on (negative: the last seconds) and measures it.
pub fn heard(file: &Path, from: f64) -> Heard {
    let raw = file.with_extension("f32");
    let (code, _, err) = run_to_end(
        Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-i"])
            .arg(file)
            .args(["-vn", "-f", "f32le", "-ac", "2", "-ar", "48000"])
            .arg(&raw),
        Duration::from_secs(30),
    );
    assert_eq!(code, Some(0), "{err}");
    let bytes = std::fs::read(&raw).unwrap();
    let values: Vec<f64> = bytes
        .chunks_exact(4)
        .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
        .collect();
    let frames = values.len() / 2;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let skip = |seconds: f64| (seconds * RATE) as usize;
    let first = if from < 0.0 {
        frames.saturating_sub(skip(-from))
    } else {
        skip(from)
    };
    let rest = &values[2 * first..];
    assert!(
        rest.len() / 2 > skip(1.5),
        "only {frames} frames in {}",
        file.display()
    );
    let left: Vec<f64> = rest.chunks_exact(2).map(|f| f[0]).collect();
    let difference = rest.chunks_exact(2).map(|f| f[0] - f[1]);
    let power = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
    let hz = frequency(&left);
    let whole = power(&left);
    Heard {
        hz,
        dbfs: 10.0 * (whole * 2.0).log10(),
        purity: power_at(&left, hz) / whole,
        channels_alike: power(&difference.collect::<Vec<_>>()) / whole,
        seconds: left.len() as f64 / RATE,
    }
}

/// From the first to the last rising zero crossing, each between two samples.
fn frequency(samples: &[f64]) -> f64 {
    let crossings: Vec<f64> = samples
        .windows(2)
        .enumerate()
        .filter(|(_, w)| w[0] < 0.0 && w[1] >= 0.0)
        .map(|(n, w)| n as f64 + w[0] / (w[0] - w[1]))
        .collect();
    match (crossings.first(), crossings.last()) {
        (Some(first), Some(last)) if last > first => {
            (crossings.len() - 1) as f64 * RATE / (last - first)
        }
        _ => 0.0,
    }
}

/// Mean power of the sine of `hz` that fits best, by parts of 0.1 s (a card's clock is not exact, so that the phase wanders).
fn power_at(samples: &[f64], hz: f64) -> f64 {
    let part = 4800;
    let parts: Vec<f64> = samples
        .chunks_exact(part)
        .map(|chunk| {
            let (mut sine, mut cosine) = (0.0, 0.0);
            for (n, v) in chunk.iter().enumerate() {
                let phase = std::f64::consts::TAU * hz * n as f64 / RATE;
                sine += v * phase.sin();
                cosine += v * phase.cos();
            }
            2.0 * (sine * sine + cosine * cosine) / (part as f64 * part as f64)
        })
        .collect();
    parts.iter().sum::<f64>() / parts.len() as f64
}

#[test]
fn the_measure_is_right() {
    let wave = |hz: f64, gain: f64| -> Vec<f64> {
        (0..96_000)
            .map(|n| gain * (std::f64::consts::TAU * hz * f64::from(n) / RATE).sin())
            .collect()
    };
    for hz in [440.0, 997.0, 1234.5] {
        let tone = wave(hz, 0.1);
        assert!((frequency(&tone) - hz).abs() < 0.01);
        assert!((power_at(&tone, hz) - 0.005).abs() < 1e-4);
        assert!(
            power_at(&tone, hz + 50.0) < 1e-4,
            "it is not deaf to other tones"
        );
    }
}
