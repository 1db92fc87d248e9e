//! Follows the clock of a sound source: which sample was captured when? Pure.
//!
//! Two parts. [`Drift`] is a delay-locked loop of second order over the jittery capture times of blocks: it learns the source's true
//! sample period and a smooth line from sample index to running time. [`Reader`] walks along the samples for an output
//! that runs on the media clock, and steers its step so that it stays on that line.
//!
//! The loop begins wide (0.1 Hz, settles in seconds) and narrows to 0.01 Hz, where ±5 ms of jitter in 10 ms blocks leaves about
//! 0.1 ms of wander and 3 ppm of ripple. Steps are bounded (0.1 % by the loop, 0.35 % by the steering), so that nothing it
//! does is heard as pitch; an error that lasts and is larger than that can mend in time is a discontinuity and re-anchors.

/// Error above which a block is not believed, ns; after so many seconds of such blocks it is the new truth.
const DOUBT: f64 = 30e6;
const DOUBT_S: f64 = 0.5;
/// The same for an error that cannot be jitter.
const JUMP: f64 = 100e6;
const JUMP_S: f64 = 0.025;
/// The same for a block that its source marks as discontinuous: at once.
const MARKED_JUMP: f64 = 20e6;
/// A block moves the line at most as if it were off by this, ns.
const OUTLIER: f64 = 10e6;
/// Largest believed deviation of a source's rate: ±1000 ppm.
const MAX_SKEW: f64 = 1e-3;
/// Loop bandwidth at the start and at last, Hz, and how fast it narrows, s.
const WIDE: f64 = 0.1;
const NARROW: f64 = 0.01;
const NARROWING: f64 = 10.0;

/// What a block meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on from the one before.
    Continues,
    /// It begins a new line: time was lost or gained.
    Jumps,
}

/// The line from sample index to running time.
#[derive(Debug, Clone)]
pub(super) struct Drift {
    nominal: f64,
    /// ns per sample.
    period: f64,
    /// Index of the sample that comes next, and its time by the line, ns.
    index: f64,
    time: f64,
    /// Seconds followed so far.
    age: f64,
    /// Seconds of blocks that were not believed.
    doubted: f64,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "running times and indices stay below 2^53 for a hundred days"
)]
fn float(n: u64) -> f64 {
    n as f64
}

impl Drift {
    /// A line whose sample 0 was captured at running time `at` ns. `like`: a line of the same source from before a jump, whose
    /// learnt period goes on.
    pub(super) fn new(rate: u32, at: u64, like: Option<&Self>) -> Self {
        let nominal = 1e9 / f64::from(rate.max(1));
        Self {
            nominal,
            period: like.map_or(nominal, |l| l.period),
            index: 0.0,
            time: float(at),
            age: like.map_or(0.0, |l| l.age.min(30.0)),
            doubted: 0.0,
        }
    }

    /// Takes the capture time of the first sample of a block of `frames`.
    pub(super) fn block(&mut self, at: u64, frames: usize, marked: bool) -> Verdict {
        let error = float(at) - self.time;
        if marked && error.abs() > MARKED_JUMP {
            return Verdict::Jumps;
        }
        let frames = float(frames as u64);
        if error.abs() > DOUBT {
            self.doubted += frames * self.nominal * 1e-9;
            let patience = if error.abs() > JUMP { JUMP_S } else { DOUBT_S };
            if self.doubted > patience {
                return Verdict::Jumps;
            }
        } else {
            self.doubted = 0.0;
        }
        self.follow(error.clamp(-OUTLIER, OUTLIER), frames);
        self.index += frames;
        self.time += frames * self.period;
        self.age += frames * self.nominal * 1e-9;
        Verdict::Continues
    }

    fn follow(&mut self, error: f64, frames: f64) {
        let bandwidth = (WIDE / (1.0 + self.age / NARROWING)).max(NARROW);
        let omega = std::f64::consts::TAU * bandwidth * frames * self.nominal * 1e-9;
        self.time += std::f64::consts::SQRT_2 * omega * error;
        let limit = self.nominal * MAX_SKEW;
        let change = omega * omega * error / frames.max(1.0);
        self.period = (self.period + change).clamp(self.nominal - limit, self.nominal + limit);
    }

    /// Index (with fraction) of the sample captured at running time `t` ns.
    pub(super) fn index_at(&self, t: f64) -> f64 {
        self.index + (t - self.time) / self.period
    }

    /// Samples that the source makes in an output period of 1/`rate` s.
    pub(super) fn step(&self, rate: u32) -> f64 {
        1e9 / f64::from(rate.max(1)) / self.period
    }

    /// How fast the source is, parts per million; positive: fast.
    pub(super) fn ppm(&self) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "a figure for people")]
        let ppm = ((self.nominal / self.period - 1.0) * 1e6) as f32;
        ppm
    }
}

/// Error beyond which the reader jumps rather than slides, s.
const READER_JUMP: f64 = 0.1;
/// Time in which the reader mends an error, s, and its largest change of pitch.
const MEND_TIME: f64 = 2.0;
const MAX_BEND: f64 = 3.5e-3;

/// Walks along the samples.
#[derive(Debug, Clone, Default)]
pub(super) struct Reader {
    at: Option<f64>,
    step: f64,
}

impl Reader {
    /// Aims at sample `target` for now, going on by `step` a frame (from [`Drift::step`]) for an output of `rate`. True when it jumped.
    pub(super) fn steer(&mut self, target: f64, step: f64, rate: u32) -> bool {
        let second = step * f64::from(rate);
        let error = self.at.map(|at| target - at);
        match error {
            Some(error) if error.abs() <= READER_JUMP * second => {
                let bend = (error / (MEND_TIME * second)).clamp(-MAX_BEND, MAX_BEND);
                self.step = step * (1.0 + bend);
                false
            }
            _ => {
                self.at = Some(target);
                self.step = step;
                error.is_some()
            }
        }
    }

    /// Moves by `samples` at once: a wanted change of delay.
    pub(super) fn shift(&mut self, samples: f64) {
        if let Some(at) = &mut self.at {
            *at += samples;
        }
    }

    /// Where the reader stands; goes on by `frames` output frames.
    pub(super) fn advance(&mut self, frames: f64) -> f64 {
        let at = self.at.unwrap_or(f64::NEG_INFINITY);
        self.shift(self.step * frames);
        at
    }

    /// Input samples per output frame now.
    #[cfg(test)]
    fn step_now(&self) -> f64 {
        self.step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A card whose clock is off, read in blocks with jittery times, against an output on the true clock.
    struct Bench {
        rate: u32,
        /// True samples per second.
        true_rate: f64,
        /// Running time at which sample 0 was captured, s.
        begin: f64,
        jitter: f64,
        noise: u64,
        pushed: u64,
        line: Drift,
        reader: Reader,
        blocks_out: u64,
    }

    const OUT: u64 = 1024;
    const BLOCK: u64 = 480;

    impl Bench {
        fn new(ppm: f64, jitter: f64) -> Self {
            let begin = 5.0;
            Self {
                rate: 48_000,
                true_rate: 48_000.0 * (1.0 + ppm * 1e-6),
                begin,
                jitter,
                noise: 42,
                pushed: 0,
                line: Drift::new(48_000, (begin * 1e9) as u64, None),
                reader: Reader::default(),
                blocks_out: (begin * 48_000.0 / OUT as f64) as u64 + 10,
            }
        }

        fn random(&mut self) -> f64 {
            self.noise = self
                .noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((self.noise >> 33) as f64 / (1_u64 << 31) as f64 - 0.5) * 2.0
        }

        fn captured(&self, index: f64) -> f64 {
            self.begin + index / self.true_rate
        }

        /// One output block and the input up to its time. Error of the reader in seconds, and its bend of the true rate.
        fn turn(&mut self) -> (f64, f64) {
            let t = (self.blocks_out * OUT) as f64 / f64::from(self.rate);
            while self.captured(self.pushed as f64) < t + 0.08 {
                let at = self.captured(self.pushed as f64) + self.jitter * self.random();
                let verdict = self.line.block((at * 1e9) as u64, BLOCK as usize, false);
                assert_eq!(verdict, Verdict::Continues);
                self.pushed += BLOCK;
            }
            self.blocks_out += 1;
            self.reader.steer(
                self.line.index_at(t * 1e9),
                self.line.step(self.rate),
                self.rate,
            );
            let bend = self.reader.step_now() * f64::from(self.rate) / self.true_rate - 1.0;
            let at = self.reader.advance(OUT as f64);
            (self.captured(at) - t, bend)
        }
    }

    #[test]
    fn an_hour_at_200_ppm_with_jitter_stays_within_a_few_milliseconds() {
        for ppm in [200.0, -200.0, 0.0] {
            let mut bench = Bench::new(ppm, 5e-3);
            let hour = 3600 * 48_000 / OUT;
            let (mut worst, mut worst_bend, mut late_bend) = (0.0_f64, 0.0_f64, 0.0_f64);
            let (mut first, mut last) = (0.0, 0.0);
            for n in 0..hour {
                let (error, bend) = bench.turn();
                worst = worst.max(error.abs());
                worst_bend = worst_bend.max(bend.abs());
                if n > hour / 60 {
                    late_bend = late_bend.max(bend.abs());
                }
                // Means of the second and of the last minute: the drift proper.
                first += if (hour / 60..hour / 30).contains(&n) {
                    error
                } else {
                    0.0
                };
                last += if n >= hour - hour / 60 { error } else { 0.0 };
            }
            let drift = (last - first) / (hour / 60) as f64;
            println!(
                "{ppm} ppm: worst {:.3} ms, drift {:.4} ms/h, bend {worst_bend:.6}, later {late_bend:.6}",
                worst * 1e3,
                drift * 1e3
            );
            assert!(worst < 10e-3, "{ppm} ppm: off by {} ms", worst * 1e3);
            assert!(
                drift.abs() < 1e-3,
                "{ppm} ppm: drifts {} ms an hour",
                drift * 1e3
            );
            assert!(worst_bend < 5e-3, "{ppm} ppm: pitch off by {worst_bend}");
            assert!(
                late_bend < 5e-4,
                "{ppm} ppm: settled pitch off by {late_bend}"
            );
            assert!(
                (f64::from(bench.line.ppm()) - ppm).abs() < 20.0,
                "{}",
                bench.line.ppm()
            );
        }
    }

    #[test]
    fn without_correction_the_same_hour_would_be_off_by_720_ms() {
        // The bench itself must be able to fail.
        let bench = Bench::new(200.0, 0.0);
        let off = bench.captured(3600.0 * 48_000.0) - (bench.begin + 3600.0);
        assert!((off.abs() - 0.72).abs() < 0.01, "{off}");
    }

    #[test]
    fn a_small_step_is_mended_without_audible_pitch() {
        let mut bench = Bench::new(50.0, 1e-3);
        for _ in 0..3000 {
            bench.turn();
        }
        bench.begin += 0.015;
        let mut worst_bend = 0.0_f64;
        for _ in 0..40 * 47 {
            worst_bend = worst_bend.max(bench.turn().1.abs());
        }
        let (error, _) = bench.turn();
        assert!(error.abs() < 5e-3, "still off by {} ms", error * 1e3);
        assert!(worst_bend < 5e-3, "{worst_bend}");
    }

    #[test]
    fn only_a_lasting_or_a_marked_jump_is_believed() {
        let mut line = Drift::new(48_000, 0, None);
        for n in 0..100_u64 {
            assert_eq!(line.block(n * 10_000_000, 480, false), Verdict::Continues);
        }
        // One late block, then things are as they were.
        assert_eq!(line.block(1_300_000_000, 480, false), Verdict::Continues);
        assert_eq!(line.block(1_010_000_000, 480, false), Verdict::Continues);
        assert!((line.index_at(1_020_000_000.0) - 48_960.0).abs() < 10.0);
        assert_eq!(line.clone().block(1_050_000_000, 480, true), Verdict::Jumps);
        let verdicts = |line: &Drift, off: u64| {
            let mut line = line.clone();
            (0..100).position(|n| {
                line.block(1_020_000_000 + off + n * 10_000_000, 480, false) == Verdict::Jumps
            })
        };
        assert_eq!(verdicts(&line, 300_000_000), Some(2));
        assert!((48..=52).contains(&verdicts(&line, 60_000_000).unwrap()));
        assert_eq!(verdicts(&line, 20_000_000), None);
    }
}
