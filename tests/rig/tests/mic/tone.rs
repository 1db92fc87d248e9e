//! Measures a tone in a file: how high, how loud, how pure.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::the_box::run_to_end;

/// Samples per second of what is measured.
const RATE: f64 = 48_000.0;

/// A stretch is unbroken while every part of this many frames has the level of the loudest, within 1 dB. On a machine that has no
/// time for the rig there are gaps, for whatever comes too late is silence: they are told, not measured.
const PART: usize = 480;

/// What sounds, in the longest unbroken stretch.
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
    /// Seconds that the file has.
    pub of: f64,
}

/// Decodes the sound and measures it; `None` when it is silent all the time.
pub fn heard(file: &Path) -> Option<Heard> {
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
    let left: Vec<f64> = values.chunks_exact(2).map(|f| f[0]).collect();
    let (begin, end) = longest(&left)?;
    let stretch = &left[begin..end];
    let difference: Vec<f64> = values[2 * begin..2 * end]
        .chunks_exact(2)
        .map(|f| f[0] - f[1])
        .collect();
    let hz = frequency(stretch);
    let whole = power(stretch);
    Some(Heard {
        hz,
        dbfs: 10.0 * (whole * 2.0).log10(),
        purity: power_at(stretch, hz) / whole,
        channels_alike: power(&difference) / whole,
        seconds: stretch.len() as f64 / RATE,
        of: left.len() as f64 / RATE,
    })
}

fn power(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>() / values.len().max(1) as f64
}

/// Begin and end of the longest unbroken stretch, without its edges.
fn longest(samples: &[f64]) -> Option<(usize, usize)> {
    let powers: Vec<f64> = samples.chunks_exact(PART).map(power).collect();
    let loudest = powers.iter().copied().fold(0.0, f64::max);
    let mut best = (0, 0);
    let mut begin = 0;
    for (n, power) in powers.iter().chain([&0.0]).enumerate() {
        if *power < loudest * 0.794 {
            if n - begin > best.1 - best.0 {
                best = (begin, n);
            }
            begin = n + 1;
        }
    }
    (best.1 > best.0 + 2 && loudest > 1e-8).then(|| ((best.0 + 1) * PART, (best.1 - 1) * PART))
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

/// Mean power of the sine of `hz` that fits best, by parts of 0.05 s (a card's clock is not exact, so that the phase wanders).
fn power_at(samples: &[f64], hz: f64) -> f64 {
    let part = 2400;
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
        assert_eq!(longest(&tone), Some((PART, 96_000 - PART)));
        assert!(
            power_at(&tone, hz + 50.0) < 1e-4,
            "it is not deaf to other tones"
        );
    }
    let mut broken = wave(440.0, 0.1);
    broken[10_000..20_000].fill(0.0);
    broken[90_000..].fill(0.0);
    let (begin, end) = longest(&broken).unwrap();
    assert!((20_000..21_500).contains(&begin) && (88_500..90_000).contains(&end));
    assert_eq!(longest(&[0.0; 9600]), None);
}
