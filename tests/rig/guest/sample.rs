//! What a process uses over time.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::gpio::monotonic_ms;
use crate::options::Options;
use crate::stop;

/// For `--help`.
pub const USAGE: &str = "\
sample: prints a JSON line {\"ms\",\"threads\",\"fds\",\"rss_kib\",\"cpu_ms\"} again and again, until SIGTERM or the process's end
  --pid N             the process                    --every MS        (1000)
  --count N           end after so many (0: go on)";

/// Runs until a signal, or until the process has ended.
pub fn main(options: &Options) -> Result<()> {
    stop::listen();
    let pid: u32 = options.number("pid", 0)?;
    if pid == 0 {
        bail!("--pid is missing");
    }
    let every = Duration::from_millis(options.number("every", 1000)?);
    let count: u64 = options.number("count", 0)?;
    let mut seen = 0;
    let mut next = Instant::now();
    while !stop::asked() {
        match look(pid) {
            Ok(line) => println!("{line}"),
            // It has ended, if it was ever there.
            Err(_) if seen > 0 && !std::path::Path::new(&format!("/proc/{pid}")).exists() => break,
            Err(error) => return Err(error),
        }
        seen += 1;
        if seen == count {
            break;
        }
        next += every;
        while !stop::asked() && Instant::now() < next {
            let left = next.saturating_duration_since(Instant::now());
            sleep(left.min(Duration::from_millis(100)));
        }
    }
    Ok(())
}

fn look(pid: u32) -> Result<String> {
    let gone = || format!("there is no process {pid}");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(gone)?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let fds = fs::read_dir(format!("/proc/{pid}/fd"))
        .with_context(gone)?
        .count();
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(gone)?;
    // The name, the second field, may have spaces; after its bracket user and system time are the 12th and 13th.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest)
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    // SAFETY: plain system call.
    let hz = unsafe { libc::sysconf(libc::_SC_CLK_TCK) }.max(1) as f64;
    // A zombie has no memory.
    let rss = field("VmRSS:").unwrap_or(0);
    Ok(json!({
        "ms": monotonic_ms(),
        "threads": field("Threads:").context("no count of threads")?,
        "fds": fds,
        "rss_kib": rss,
        "cpu_ms": (ticks(11) + ticks(12)) * 1e3 / hz,
    })
    .to_string())
}
