//! Restart and reboot as they are commanded.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support::probe::record;
use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(20);

fn ctl(it: &TheBox, command: &str) -> (Option<i32>, String) {
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    ctl.args(["ctl", "raw", command, "--config"]);
    ctl.arg(it.path("boothcast.toml"));
    let (code, out, err) = run_to_end(&mut ctl, LIMIT);
    (code, out + &err)
}

fn starts(it: &TheBox) -> usize {
    it.stdout().matches("Ctrl-C ends it").count()
}

/// Open descriptors of the process.
fn files(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .count()
}

#[test]
fn a_restart_is_the_same_process_with_the_same_arguments_and_works_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let name = path.to_string_lossy().into_owned();
    let env = [("NOTIFY_SOCKET", name.as_str())];
    // Read all the time: the kernel keeps but a few datagrams.
    let listening = Arc::new(AtomicBool::new(true));
    let go_on = listening.clone();
    let listener = std::thread::spawn(move || {
        let (mut heard, mut buffer) = (String::new(), [0_u8; 2048]);
        loop {
            match manager.recv(&mut buffer) {
                Ok(n) => {
                    heard.push_str(&String::from_utf8_lossy(&buffer[..n]));
                    heard.push('\n');
                }
                Err(_) if !go_on.load(Ordering::SeqCst) => return heard,
                Err(_) => {}
            }
        }
    });
    let mut it = TheBox::spawn(Options {
        config: "[video]\nsource = \"test\"\n[audio]\nsource = \"test\"\n",
        env: &env,
        ..Options::default()
    });
    it.wait_up();
    let pid = it.process.0.id();
    let line = || std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    record(&it.url("main"), "tcp", 1, &it.path("first.mkv"));
    let before = (line(), files(pid));
    for round in 2..=3 {
        let (code, said) = ctl(&it, "{\"name\":\"restart\"}");
        assert_eq!(code, Some(0), "{said}");
        wait_for("the box to be up again", LIMIT, || {
            assert!(it.process.0.try_wait().unwrap().is_none(), "it ended");
            (starts(&it) == round).then_some(())
        });
        assert_eq!(line(), before.0);
        record(&it.url("main"), "tcp", 1, &it.path("again.mkv"));
    }
    wait_for("no more descriptors than before", LIMIT, || {
        (files(pid) <= before.1 + 2).then_some(())
    });
    assert!(it.stderr().contains("starting anew"), "{}", it.stderr());
    assert_eq!(it.interrupt().0, Some(0));
    listening.store(false, Ordering::SeqCst);
    let heard = listener.join().unwrap();
    assert_eq!(heard.matches("READY=1").count(), 3, "{heard}");
    assert_eq!(heard.matches("STOPPING=1").count(), 1, "{heard}");
    assert!(heard.trim_end().ends_with("STOPPING=1"), "{heard}");
}

#[test]
fn a_reboot_ends_in_order_and_runs_the_command() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rebooted");
    let config = format!(
        "[box]\nreboot = \"touch {}\"\n[video]\nsource = \"test\"\n",
        file.display()
    );
    let mut it = TheBox::start(&config);
    let (code, said) = ctl(&it, "{\"name\":\"reboot\"}");
    assert_eq!(code, Some(0), "{said}");
    let status = it.process.wait(LIMIT).expect("it runs on");
    assert_eq!(status.code(), Some(0), "{}", it.stderr());
    assert!(file.exists());
    let log = it.stderr();
    let place = |what: &str| log.find(what).unwrap_or_else(|| panic!("{what}: {log}"));
    assert!(place("encoders ended") < place("starting the machine anew"));
}

#[test]
fn a_reboot_that_cannot_be_is_refused_or_told() {
    let it = TheBox::start("[box]\nreboot = \"\"\n[video]\nsource = \"test\"\n");
    let (code, said) = ctl(&it, "{\"name\":\"reboot\"}");
    assert_ne!(code, Some(0));
    assert!(
        said.contains("unsupported") && said.contains("box.reboot"),
        "{said}"
    );
    std::thread::sleep(Duration::from_millis(300));
    record(&it.url("main"), "tcp", 1, &it.path("on.mkv"));
    let mut it =
        TheBox::start("[box]\nreboot = \"/nonexistent/now\"\n[video]\nsource = \"test\"\n");
    let begun = Instant::now();
    assert_eq!(ctl(&it, "{\"name\":\"reboot\"}").0, Some(0));
    let status = it.process.wait(LIMIT).expect("it runs on");
    assert_eq!(status.code(), Some(1), "{}", it.stderr());
    assert!(begun.elapsed() < LIMIT);
    assert!(it.stderr().contains("/nonexistent/now cannot be started"));
}
