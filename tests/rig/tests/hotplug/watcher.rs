//! Follows the status of the box as it changes, and the figures of its process.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{CONFIG, PROGRAM, Process, Rig};

/// `boothcast ctl status --watch --json`: a line at each change.
pub struct Watcher {
    process: Process,
    rest: Vec<u8>,
    latest: Value,
}

impl Watcher {
    pub fn start(rig: &Rig) -> Self {
        let argv = [
            PROGRAM, "ctl", "--config", CONFIG, "status", "--watch", "--json",
        ];
        Self {
            process: rig.start(&argv, &[]),
            rest: Vec::new(),
            latest: Value::Null,
        }
    }

    /// The newest status.
    pub fn look(&mut self) -> &Value {
        self.rest.extend(self.process.take_stdout());
        if let Some(end) = self.rest.iter().rposition(|b| *b == b'\n') {
            let line = self.rest[..end].rsplit(|b| *b == b'\n').next().unwrap();
            self.latest = serde_json::from_slice(line).unwrap();
            self.rest.drain(..=end);
        }
        &self.latest
    }

    /// Waits for a status; says how long since `from`. Panics after `limit`, counted from `from`.
    pub fn wait(
        &mut self,
        what: &str,
        from: Instant,
        limit: Duration,
        good: impl Fn(&Value) -> bool,
    ) -> Duration {
        loop {
            if good(self.look()) {
                return from.elapsed();
            }
            assert!(
                from.elapsed() < limit,
                "waited {limit:?} in vain for {what}; the box says:\n{}\n{}",
                brief(&self.latest),
                self.process.stderr()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The part of a status that matters here.
fn brief(status: &Value) -> Value {
    serde_json::json!({
        "health": status["health"], "camera": status["camera"], "mic": status["mic"], "slate": status["slate"],
        "destinations": status["destinations"], "hardware": status["hardware"],
    })
}

/// Threads, descriptors and memory of a process.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    pub threads: f64,
    pub fds: f64,
    /// KiB.
    pub rss: f64,
}

impl Use {
    pub fn of(rig: &Rig, pid: u32) -> Self {
        let text = rig.sh(&format!(
            "ls /proc/{pid}/fd | wc -l; sed -n 's/^Threads://p;s/^VmRSS:\\(.*\\) kB/\\1/p' /proc/{pid}/status"
        ));
        let numbers: Vec<f64> = text
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        // The order of /proc/PID/status: VmRSS before Threads.
        let [fds, rss, threads] = numbers[..] else {
            panic!("{text}")
        };
        Self { threads, fds, rss }
    }
}

/// Rise per step by least squares.
pub fn slope(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    let n = values.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / n;
    let (mut above, mut below) = (0.0, 0.0);
    for (x, y) in values.iter().enumerate() {
        let x = x as f64 - middle;
        above += x * (y - mean);
        below += x * x;
    }
    if below > 0.0 { above / below } else { 0.0 }
}

#[test]
fn slopes_are_those_of_lines() {
    assert!((slope([1.0, 3.0, 5.0, 7.0]) - 2.0).abs() < 1e-9);
    assert!((slope([4.0, 4.0, 4.0])).abs() < 1e-9);
    assert!((slope([0.0, 1.0, 0.0, 1.0, 0.0])).abs() < 1e-9);
    assert_eq!(slope([1.0]), 0.0);
}
