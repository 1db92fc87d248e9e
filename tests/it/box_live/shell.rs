//! The program as a shell uses it: completions, help, pipes that close, a terminal that goes away.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::Guard;
use crate::support::the_box::{TheBox, run_to_end};

fn boothcast(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    command.args(args);
    command
}

#[test]
fn completions_and_help_name_every_subcommand() {
    for args in [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["completions", "fish"],
        &["--help"],
    ] {
        let (code, out, err) = run_to_end(&mut boothcast(args), Duration::from_secs(10));
        assert_eq!(code, Some(0), "{args:?}: {err}");
        for name in ["run", "check", "doctor", "completions"] {
            assert!(out.contains(name), "{args:?} does not name {name}");
        }
    }
}

#[test]
fn a_reader_that_is_gone_is_no_panic() {
    for args in [
        &["completions", "bash"][..],
        &["doctor", "--set", "rtsp.port=0"],
        &["check", "--set", "rtsp.port=0"],
    ] {
        let mut command = boothcast(args);
        let mut guard = Guard::spawn(
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .stdin(Stdio::null()),
        );
        drop(guard.0.stdout.take());
        let mut stderr = guard.0.stderr.take().unwrap();
        let mut said = String::new();
        std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
        assert!(
            guard.wait(Duration::from_secs(30)).is_some(),
            "{args:?} does not end"
        );
        assert!(!said.contains("panicked"), "{args:?}: {said}");
    }
}

#[test]
fn a_terminal_that_goes_away_ends_the_box_in_order() {
    let mut it = TheBox::start("");
    it.process.signal(libc::SIGHUP);
    let status = it.process.wait(Duration::from_secs(5)).expect("it runs on");
    assert_eq!(status.code(), Some(0), "{}", it.stderr());
    assert!(it.stderr().contains("encoders ended"), "{}", it.stderr());
}
