//! The scripts of the image, run as they are on files: `trial`, `tryboot` and the comparison of `pre-install`.

use std::cmp::Ordering;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::bench::{places, run};

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("image-build/rauc")
        .join(name)
}

/// Compares two lists of parts as the words of `pre-install`.
fn compared(a: &str, b: &str) -> Ordering {
    let said = run(Command::new("sh")
        .arg(script("pre-install"))
        .args(["compare", a, b])
        .env("RAUC_BUNDLE_MOUNT_POINT", "/nonexistent"));
    match said.as_str() {
        "-1" => Ordering::Less,
        "0" => Ordering::Equal,
        "1" => Ordering::Greater,
        other => panic!("{a} {b}: {other}"),
    }
}

#[test]
fn the_script_compares_versions_as_the_daemon_does() {
    let table = include_str!("../../../src/edge/rauc/versions.txt");
    let all: Vec<&str> = table.lines().filter(|l| !l.starts_with('#')).collect();
    for pair in all.windows(2) {
        assert_eq!(compared(pair[0], pair[1]), Ordering::Less, "{pair:?}");
        assert_eq!(compared(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
    }
    assert_eq!(compared("1.2", "v1.2.0+build.7"), Ordering::Equal);
    assert_eq!(compared("0.1.0-alpha", "10.0.0"), Ordering::Less);
}

/// A machine on files, with stand-ins for `rauc`, `systemctl` and `fw_printenv` that note what they are told.
struct Machine(tempfile::TempDir);

impl Machine {
    /// Started from `slot`; `left`: tries of that slot.
    fn new(slot: &str, left: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["persist", "run", "bin", "firmware"] {
            std::fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let machine = Self(dir);
        machine.write("system.conf", "[system]\nbootloader=uboot\n");
        machine.write("release", "VERSION=1.3.0\n");
        machine.write("uptime", "45.10 80.0\n");
        machine.write("left", left);
        machine.write("answers", "");
        machine.starts_from(slot);
        machine.program("rauc", "echo \"rauc $*\" >>calls");
        machine.program("fw_printenv", "cat left");
        // `systemctl show UNIT --property X --value` answers from lines of `UNIT X VALUE`.
        machine.program(
            "systemctl",
            "if [ \"$1\" = show ]; then sed -n \"s/^$2 $4 //p\" answers; else echo \"systemctl $*\" >>calls; fi",
        );
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn starts_from(&self, slot: &str) {
        self.write("cmdline", &format!("quiet rauc.slot={slot} x=y\n"));
    }

    fn program(&self, name: &str, body: &str) {
        let path = self.path("bin").join(name);
        let dir = self.0.path().display();
        std::fs::write(&path, format!("#!/bin/sh\ncd {dir}\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn sh(&self, script_name: &str, args: &[&str]) -> String {
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("sh");
        command
            .arg(script(script_name))
            .args(args)
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("BOOTHCAST_UPTIME", self.path("uptime"));
        for (name, at) in places(self.0.path()) {
            command.env(name, at);
        }
        run(&mut command)
    }

    /// A run of the timer's.
    fn trial(&self) -> String {
        self.sh("trial", &[])
    }

    fn trial_file(&self, slot: &str, state: &str, boot: &str) {
        let text =
            format!("ID=1\nSLOT={slot}\nVERSION=1.3.0\nFROM=1.2.0\nBOOT={boot}\nSTATE={state}\n");
        self.write("persist/trial", &text);
    }

    fn calls(&self) -> String {
        self.read("calls")
    }
}

fn this_boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap().trim().to_owned()
}

#[test]
fn a_slot_that_is_not_on_trial_is_marked_good_and_its_version_noted() {
    let m = Machine::new("A", "2");
    m.trial();
    assert_eq!(m.calls(), "", "ahead of the daemon nothing takes long");
    m.trial();
    assert!(m.calls().contains("rauc status mark-good"), "{}", m.calls());
    assert!(m.calls().contains("stop boothcast-trial.timer"));
    assert_eq!(m.read("persist/slot-A"), "VERSION=1.3.0\n");
}

#[test]
fn a_trial_goes_on_until_it_is_kept() {
    let m = Machine::new("B", "0");
    m.trial_file("B", "installed", "another");
    m.write(
        "answers",
        "boothcast.service ActiveState active\nboothcast.service NRestarts 2\n",
    );
    for _ in 0..3 {
        m.trial();
    }
    assert_eq!(m.calls(), "");
    // The daemon kept it.
    m.write("left", "3");
    m.trial();
    assert!(!m.path("persist/trial").exists());
    assert_eq!(m.read("persist/slot-B"), "VERSION=1.3.0\n");
    assert!(m.calls().contains("stop boothcast-trial.timer"));
}

#[test]
fn a_trial_without_hope_goes_back_at_once_and_says_why() {
    for (answers, up, why) in [
        (
            "boothcast.service NRestarts 3\n",
            "60.0 1\n",
            "the service ended 3 times",
        ),
        (
            "boothcast.service ActiveState failed\n",
            "60.0 1\n",
            "does not start",
        ),
        (
            "boothcast-safe.service ActiveState active\n",
            "60.0 1\n",
            "safe mode",
        ),
        (
            "boothcast-safe.service ActiveState activating\n",
            "60.0 1\n",
            "not even its safe mode",
        ),
        (
            "boothcast.service ActiveState active\n",
            "541.2 1\n",
            "not kept within 9 minutes",
        ),
    ] {
        let m = Machine::new("B", "0");
        m.trial_file("B", "installed", "another");
        m.trial();
        m.write("answers", answers);
        m.write("uptime", up);
        m.trial();
        let calls = m.calls();
        assert!(calls.contains("rauc status mark-bad"), "{calls}");
        assert!(calls.contains("systemctl --force reboot"), "{calls}");
        assert!(
            m.read("persist/trial").contains(why),
            "{}",
            m.read("persist/trial")
        );

        // The old slot starts: the reason is there, and what was on trial is not.
        let _ = std::fs::remove_file(m.path("run/boothcast-trial"));
        m.starts_from("A");
        m.write("left", "2");
        m.trial();
        let ended = m.read("persist/trial-ended");
        assert!(ended.contains(why), "{ended}");
        assert!(!m.path("persist/trial").exists());
    }
}

#[test]
fn a_trial_without_a_data_partition_is_not_kept() {
    let m = Machine::new("B", "0");
    std::fs::remove_dir(m.path("persist")).unwrap();
    m.trial();
    m.write("uptime", "300.0 1\n");
    m.trial();
    assert_eq!(m.calls(), "");
    m.write("uptime", "540.0 1\n");
    m.trial();
    assert!(
        m.calls().contains("systemctl --force reboot"),
        "{}",
        m.calls()
    );
}

#[test]
fn what_did_not_come_to_an_end_is_settled_at_the_next_start() {
    for (state, why) in [
        ("installing", "did not come to an end"),
        ("installed", "did not start"),
    ] {
        let m = Machine::new("A", "2");
        m.trial_file("B", state, "another");
        m.trial();
        assert!(m.read("persist/trial-ended").contains(why));
        assert!(!m.path("persist/trial").exists());
    }
    // In the boot in which it was installed it waits.
    let m = Machine::new("A", "2");
    m.trial_file("B", "installed", &this_boot());
    m.trial();
    m.trial();
    assert!(m.path("persist/trial").exists());
    // A file that makes no sense is nobody's.
    let m = Machine::new("A", "2");
    m.write("persist/trial", "rubbish");
    m.trial();
    assert!(!m.path("persist/trial").exists());
}

#[test]
fn tryboot_tries_a_slot_once_and_keeps_what_is_marked_good() {
    let m = Machine::new("A", "");
    m.write("system.conf", "[system]\nbootloader=custom\n");
    let tryboot = |args: &[&str]| m.sh("tryboot", args);
    // Without autoboot.txt the firmware starts the first one.
    assert_eq!(tryboot(&["get-primary"]), "A");
    assert_eq!(tryboot(&["get-state", "A"]), "good");
    tryboot(&["set-state", "B", "bad"]);
    assert_eq!(tryboot(&["get-state", "B"]), "bad");
    tryboot(&["set-primary", "B"]);
    assert_eq!(tryboot(&["get-primary"]), "B");
    assert_eq!(m.read("run/boothcast-tryboot"), "B\n");
    let kept_a = "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n";
    assert_eq!(m.read("firmware/autoboot.txt"), kept_a);
    // A power cut: nothing is tried any more.
    std::fs::remove_file(m.path("run/boothcast-tryboot")).unwrap();
    assert_eq!(tryboot(&["get-primary"]), "A");

    tryboot(&["set-primary", "B"]);
    m.starts_from("B");
    std::fs::remove_file(m.path("run/boothcast-tryboot")).unwrap();
    assert_eq!(tryboot(&["get-state", "B"]), "bad", "on trial");
    tryboot(&["set-state", "B", "good"]);
    assert_eq!(tryboot(&["get-state", "B"]), "good");
    assert_eq!(tryboot(&["get-primary"]), "B");
    let kept_b = "[all]\ntryboot_a_b=1\nboot_partition=3\n[tryboot]\nboot_partition=2\n";
    assert_eq!(m.read("firmware/autoboot.txt"), kept_b);
    // Bad, and the other one is not: that one is kept.
    tryboot(&["set-state", "B", "bad"]);
    assert_eq!(m.read("firmware/autoboot.txt"), kept_a);
}
