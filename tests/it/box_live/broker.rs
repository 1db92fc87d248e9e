//! `boothcast run --with-broker`: the lines that it prints work, and the broker lives and dies with the box.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::{Guard, wait_for};

const LIMIT: Duration = Duration::from_secs(20);
const CONFIG: &str = "[video]\nsource = \"test\"\n[mqtt]\nid = \"stand-7\"\n";

fn start() -> TheBox {
    let mut it = TheBox::spawn(Options {
        config: CONFIG,
        args: &["--with-broker"],
        ..Options::default()
    });
    it.wait_up();
    it
}

/// The line of the page that begins so, the last time it was printed.
fn line(it: &TheBox, begin: &str) -> String {
    let page = it.stdout();
    let found = page.lines().rfind(|l| l.trim_start().starts_with(begin));
    found
        .unwrap_or_else(|| panic!("no {begin}: {page}"))
        .trim()
        .to_owned()
}

fn port(it: &TheBox) -> u16 {
    let said = line(it, "Command over MQTT: mqtt://127.0.0.1:");
    let digits = said["Command over MQTT: mqtt://127.0.0.1:".len()..]
        .split(',')
        .next();
    digits.unwrap().parse().unwrap()
}

fn connects(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn the_lines_that_are_printed_work_and_a_restart_keeps_the_port() {
    let mut it = start();
    assert!(line(&it, "Command over MQTT").ends_with("box stand-7"));
    let (before, log) = (port(&it), it.path("sub.log"));
    let mut sub = Command::new("sh");
    sub.args(["-c", &format!("exec {}", line(&it, "mosquitto_sub"))]);
    sub.stdin(Stdio::null())
        .stdout(std::fs::File::create(&log).unwrap());
    let sub = Guard::spawn(&mut sub);
    let heard = || std::fs::read_to_string(&log).unwrap();
    wait_for("what the box tells", LIMIT, || {
        let told = heard();
        (told.contains("box/stand-7/conn") && told.contains("\"online\"")).then_some(())
    });
    let page = it.stdout();
    let printed: Vec<_> = page
        .lines()
        .filter(|l| l.trim_start().starts_with("mosquitto_pub"))
        .collect();
    assert_eq!(printed.len(), 2, "{page}");
    for printed in printed {
        let (code, _, err) = run_to_end(Command::new("sh").args(["-c", printed]), LIMIT);
        assert_eq!((code, err.as_str()), (Some(0), ""), "{printed}");
    }
    wait_for("the comment", LIMIT, || {
        heard().contains("room/stand-7/in/test hello").then_some(())
    });
    wait_for("the answer", LIMIT, || {
        heard().contains("box/stand-7/rsp/identify").then_some(())
    });
    it.wait_log("this is the box that you are looking for", LIMIT);
    let printed = line(&it, "boothcast ctl");
    let args: Vec<_> = printed.split(' ').skip(1).collect();
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    let (code, out, err) = run_to_end(ctl.args(&args), LIMIT);
    assert_eq!(code, Some(0), "{out}{err}");
    drop(sub);
    let mut ctl = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    ctl.args(["ctl", "restart", "--config"])
        .arg(it.path("boothcast.toml"));
    assert_eq!(run_to_end(&mut ctl, LIMIT).0, Some(0));
    wait_for("the box to be up again", LIMIT, || {
        (it.stdout().matches("Ctrl-C ends it").count() == 2).then_some(())
    });
    assert_eq!(port(&it), before);
    assert!(connects(before));
    assert_eq!(it.interrupt().0, Some(0));
    assert!(!connects(before), "the broker lives on");
}

#[test]
fn the_broker_does_not_outlive_a_killed_box() {
    let mut it = start();
    let port = port(&it);
    assert!(connects(port));
    it.process.signal(libc::SIGKILL);
    it.process.wait(LIMIT).expect("it cannot be killed");
    wait_for("the broker's end", LIMIT, || {
        (!connects(port)).then_some(())
    });
}

#[test]
fn without_a_broker_the_box_goes_on_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    // Where its configuration should go there is a folder.
    std::fs::create_dir_all(dir.path().join("state/private-broker.conf")).unwrap();
    let mut it = TheBox::spawn(Options {
        config: CONFIG,
        args: &["--with-broker"],
        dir: Some(dir),
        ..Options::default()
    });
    it.wait_up();
    let page = it.stdout();
    let noted = |l: &str| l.contains("Note:") && l.contains("private broker");
    assert!(page.lines().any(noted), "{page}");
    assert!(!page.contains("Command over MQTT"));
    let (code, _) = it.interrupt();
    assert_eq!(code, Some(0), "{}", it.stderr());
}

#[test]
fn a_broker_that_is_configured_is_the_only_one() {
    let mut it = TheBox::spawn(Options {
        config: "[video]\nsource = \"test\"\n[mqtt]\nbroker = \"mqtt://127.0.0.1:9\"\nid = \"stand-7\"\n",
        args: &["--with-broker"],
        ..Options::default()
    });
    it.wait_up();
    assert!(line(&it, "Command over MQTT").contains("mqtt://127.0.0.1:9, fleet"));
    let children = format!("/proc/{0}/task/{0}/children", it.process.0.id());
    assert_eq!(std::fs::read_to_string(children).unwrap_or_default(), "");
    assert!(!it.path("state/private-broker.conf").exists());
}
