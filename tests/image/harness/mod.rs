//! Boots the image, speaks with the machine over its serial console, watches its stream from outside, and keeps what is
//! needed to understand a failure.
#![allow(dead_code)]

mod bundle;
mod console;
mod disk;
mod image;
mod logwrites;
mod machine;
mod monitor;
mod pins;
mod player;
mod scene;

pub use bundle::{Bundles, Label};
pub use disk::{Disk, Slot};
pub use image::Image;
pub use machine::{Board, Machine, OUTSIDE, Wish};
pub use player::{frames, loudness};
pub use scene::{BASE, CARD, STREAM_KEY, Scene};

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder of the running test: disk, console, logs. It is new at each start and stays afterwards.
pub fn folder() -> PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("image").replace("::", "-");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("image")
            .join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    })
    .clone()
}

/// A network namespace of this test's own: what the guest reaches as 10.0.2.2 is the test's loopback and nothing else.
pub fn network() {
    // SAFETY: plain system call; this thread and what it starts get a network of their own.
    let rc = unsafe { libc::unshare(libc::CLONE_NEWNET) };
    assert_eq!(
        rc,
        0,
        "the image tests need the right to make a network namespace (root): {}",
        std::io::Error::last_os_error()
    );
    run("ip", &["link", "set", "lo", "up"]);
}

/// Runs a program of the host to its end, at most a minute; gives what it printed; panics when it fails.
pub fn run(program: &str, args: &[&str]) -> String {
    let mut command = std::process::Command::new(program);
    command.args(args);
    let (code, out, err) =
        crate::support::the_box::run_to_end(&mut command, std::time::Duration::from_secs(60));
    assert_eq!(code, Some(0), "{program} {args:?}: {out}{err}");
    out
}

/// The last lines of a log.
pub fn tail(file: &Path, lines: usize) -> String {
    let text = String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A figure for the log and for docs/benchmarks.md.
pub fn figure(name: &str, value: &str) {
    eprintln!("figure: {name}: {value}");
}
