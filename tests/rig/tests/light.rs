//! A light, watched: the levels of its line are sampled inside, and the rhythm is recognised here.

use std::time::Duration;

use crate::harness::{Process, Rig};
use crate::support::wait_for;

/// Lit and dark stretches of each pattern, ms, as `docs` and README say them; after the last the first follows.
pub const RHYTHMS: &[(&str, &[f64])] = &[
    ("booting", &[1000.0, 1000.0]),
    ("ready", &[50.0, 1950.0]),
    ("connecting", &[250.0, 250.0]),
    ("degraded", &[900.0, 100.0]),
    ("error 1", &[200.0, 1400.0]),
    ("error 2", &[200.0, 200.0, 200.0, 1400.0]),
    ("error 3", &[200.0, 200.0, 200.0, 200.0, 200.0, 1400.0]),
    (
        "error 4",
        &[200.0, 200.0, 200.0, 200.0, 200.0, 200.0, 200.0, 1400.0],
    ),
    (
        "error 5",
        &[
            200.0, 200.0, 200.0, 200.0, 200.0, 200.0, 200.0, 200.0, 200.0, 1400.0,
        ],
    ),
    ("identify", &[50.0, 50.0]),
    ("confirm", &[250.0, 750.0]),
];

/// How far a stretch may be off: a sampler and a program that share one processor with an encoder.
fn tolerance(ms: f64) -> f64 {
    if ms <= 50.0 { 24.0 } else { 45.0 }
}

/// A stretch of light or dark: whether it is lit, and its length in ms.
pub type Run = (bool, f64);

/// Whether two whole rounds of the pattern are among the stretches.
pub fn recognise(runs: &[Run], pattern: &str) -> bool {
    let (_, lengths) = RHYTHMS.iter().find(|(name, _)| *name == pattern).unwrap();
    let fits = |window: &[Run], shift: usize| {
        window.iter().enumerate().all(|(n, (lit, ms))| {
            let at = (n + shift) % lengths.len();
            *lit == at.is_multiple_of(2) && (ms - lengths[at]).abs() <= tolerance(lengths[at])
        })
    };
    runs.windows(2 * lengths.len())
        .any(|w| (0..lengths.len()).any(|shift| fits(w, shift)))
}

/// A line under watch.
pub struct Light<'r> {
    rig: &'r Rig,
    sampler: Process,
    active_low: bool,
}

impl<'r> Light<'r> {
    /// Watches these lines of the chip (`0`, or `0,1,2`) from now on.
    pub fn watch(rig: &'r Rig, lines: &str, active_low: bool) -> Self {
        let every = ["gpio", "sample", "--line", lines, "--every", "2"];
        Self::sampled(rig, rig.tool(&every), active_low)
    }

    /// The same with another sampler that prints such lines.
    pub fn sampled(rig: &'r Rig, sampler: Process, active_low: bool) -> Self {
        let light = Self {
            rig,
            sampler,
            active_low,
        };
        wait_for("the first sample", Duration::from_secs(10), || {
            light.sampler.stdout().contains('\n').then_some(())
        });
        light
    }

    /// When the line became lit or dark, ms.
    pub fn edges(&self, line: u64) -> Vec<(f64, bool)> {
        assert!(self.sampler.running(), "{}", self.sampler.stderr());
        let text = self.sampler.stdout();
        // The last line may be half there.
        let whole = text.rfind('\n').map_or("", |n| &text[..n]);
        whole
            .lines()
            .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap())
            .filter(|v| v["line"] == line)
            .map(|v| {
                (
                    v["ms"].as_f64().unwrap(),
                    (v["level"] == 1) != self.active_low,
                )
            })
            .collect()
    }

    /// Whether it is lit now.
    pub fn lit(&self, line: u64) -> bool {
        self.edges(line).last().unwrap().1
    }

    /// Whole stretches that began after `since`.
    pub fn runs(&self, line: u64, since: f64) -> Vec<Run> {
        let edges = self.edges(line);
        let later = edges.windows(2).filter(|w| w[0].0 >= since);
        later.map(|w| (w[0].1, w[1].0 - w[0].0)).collect()
    }

    /// The rig's clock, ms.
    pub fn now(&self) -> f64 {
        let uptime = self.rig.sh("cut -d' ' -f1 /proc/uptime");
        uptime.trim().parse::<f64>().unwrap() * 1e3
    }

    /// Waits until the pattern is seen, from now on.
    pub fn wait(&self, pattern: &str, limit: Duration) {
        self.wait_on(0, pattern, limit);
    }

    /// The same on another line.
    pub fn wait_on(&self, line: u64, pattern: &str, limit: Duration) {
        self.wait_since(self.now(), line, pattern, limit);
    }

    /// The same among all that it has shown since then (of [`Self::now`]).
    pub fn wait_since(&self, since: f64, line: u64, pattern: &str, limit: Duration) {
        let end = std::time::Instant::now() + limit;
        while !recognise(&self.runs(line, since), pattern) {
            assert!(
                std::time::Instant::now() < end,
                "no {pattern} within {limit:?} but {:?}",
                self.runs(line, since)
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Waits until the line has been lit (or dark) without a break for 3 s.
    pub fn wait_steady(&self, line: u64, lit: bool, limit: Duration) {
        wait_for(&format!("3 s of light = {lit}"), limit, || {
            let (at, level) = *self.edges(line).last().unwrap();
            (level == lit && self.now() - at >= 3000.0).then_some(())
        });
    }
}

/// The recogniser itself: no pattern is taken for another, each is known with jitter and from any moment on.
#[test]
fn no_rhythm_is_taken_for_another() {
    for (name, lengths) in RHYTHMS {
        for shift in 0..lengths.len() {
            let runs: Vec<Run> = (shift..shift + 3 * lengths.len())
                .map(|n| {
                    let at = n % lengths.len();
                    let jitter = if n.is_multiple_of(3) { 8.0 } else { -7.0 };
                    (at.is_multiple_of(2), lengths[at] + jitter)
                })
                .collect();
            for (other, _) in RHYTHMS {
                assert_eq!(recognise(&runs, other), name == other, "{name} as {other}");
            }
        }
    }
}
