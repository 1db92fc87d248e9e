//! What an operator sees and what the box did, while the box is killed with SIGKILL at random points: no command runs
//! twice, none that was acknowledged is lost, `reported.version` never falls, and every command is answered in the end.
//!
//! `driver.rs` makes a history (invoke, ok, fail, info) from a seed; `checker.rs` judges it. The box's own log is the witness
//! of what ran: its lines are written before the command is carried out and survive the kill.

mod checker;
mod driver;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::broker::Broker;

/// Seeds of the usual run; `make mqtt-history` runs 200.
const SEEDS: u64 = 40;
/// Boxes at once: one for each processor.
const SIDE_BY_SIDE: usize = 2;

#[test]
fn nothing_runs_twice_or_is_lost_when_the_box_is_killed() {
    let seeds = std::env::var("HISTORY_SEEDS").map_or(SEEDS, |s| s.parse().unwrap());
    let first: u64 = std::env::var("HISTORY_FIRST").map_or(1, |s| s.parse().unwrap());
    let broker = Broker::with("allow_anonymous true\nmax_queued_messages 10000\n", |_| {});
    let next = AtomicU64::new(first);
    let told = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds {
                        return;
                    }
                    let history = driver::run(seed, &broker);
                    let faults = checker::faults(&history);
                    let count = history.count();
                    told.lock().unwrap().push((seed, count, faults));
                }
            });
        }
    });
    let told = told.into_inner().unwrap();
    assert_eq!(told.len() as u64, seeds, "a thread ended early");
    let mut all = driver::Count::default();
    for (_, count, _) in &told {
        all += *count;
    }
    println!("{seeds} seeds: {all:?}");
    let bad: Vec<_> = told.iter().filter(|(_, _, f)| !f.is_empty()).collect();
    assert!(
        bad.is_empty(),
        "HISTORY_FIRST=seed HISTORY_SEEDS=1 runs one again: {bad:#?}"
    );
    // Else nothing was tried.
    assert!(all.ok > 3 * seeds && all.kills >= seeds, "{all:?}");
}
