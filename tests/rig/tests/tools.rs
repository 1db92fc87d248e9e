//! Tools of `tests/rig/guest` that no other test checks on its way.

use std::time::Duration;

use serde_json::Value;

use crate::harness::needs;

#[test]
fn the_sampler_sees_what_a_process_uses() {
    let rig = needs().boot();
    // Opens seven more files after a second.
    let script = "for i in 3 4 5 6 7 8 9; do [ $i -gt 3 ] || sleep 1; eval \"exec $i</dev/null\"; done; sleep 1";
    let process = rig.start(&["bash", "-c", script], &[]);
    let pid = process.pid().to_string();
    let outcome = rig
        .tool(&["sample", "--pid", &pid, "--every", "100"])
        .finish(Duration::from_secs(20));
    // It ends with the process.
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let lines: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let number = |line: &Value, name: &str| line[name].as_f64().unwrap();
    assert!(lines.len() > 5, "{}", outcome.stdout);
    assert!(
        lines
            .windows(2)
            .all(|w| number(&w[0], "ms") < number(&w[1], "ms")),
        "{}",
        outcome.stdout
    );
    let fds: Vec<f64> = lines.iter().map(|line| number(line, "fds")).collect();
    let most = fds.iter().copied().fold(0.0, f64::max);
    assert!(most >= fds[0] + 6.0, "{fds:?}");
    assert_eq!(number(&lines[0], "threads"), 1.0);
    assert!(number(&lines[0], "rss_kib") > 500.0);
    let nobody = rig
        .tool(&["sample", "--pid", "999999"])
        .finish(Duration::from_secs(20));
    assert_eq!(nobody.code, 1);
    assert!(
        nobody.stderr.contains("there is no process 999999"),
        "{}",
        nobody.stderr
    );
}
