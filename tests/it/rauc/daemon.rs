//! The whole box with RAUC beside it.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::bench::{Bench, Kind, LIMIT};
use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::{Guard, free_port, wait_for};

/// Small and slow enough for any machine: the gate counts frames against the nominal.
const PICTURE: &str = "[video]\nsource = \"test\"\n[encode]\nprofile = \"custom\"\nwidth = 320\nheight = 180\nfps = 10\nbitrate = 400000\n[audio]\nsource = \"none\"\n";

fn start(bench: &Bench) -> TheBox {
    let rebooted = bench.path("rebooted");
    let config = format!(
        "[box]\nreboot = \"touch {}\"\n{PICTURE}",
        rebooted.display()
    );
    let mut it = TheBox::spawn(Options {
        config: &config,
        env: &[("DBUS_SYSTEM_BUS_ADDRESS", &bench.bus())],
        ..Options::default()
    });
    it.wait_up();
    it
}

/// nginx, which hands out the files of a folder.
struct Files {
    port: u16,
    _nginx: Guard,
}

impl Files {
    fn serve(dir: &Path) -> Self {
        let (port, at) = (free_port(), dir.display());
        let conf = format!(
            "daemon off;\nmaster_process off;\npid {at}/nginx.pid;\nerror_log {at}/nginx.log;\nevents {{ worker_connections 64; }}\nhttp {{ access_log off; client_body_temp_path {at}/nginx; server {{ listen 127.0.0.1:{port}; location / {{ root {at}; }} }} }}\n"
        );
        std::fs::write(dir.join("nginx.conf"), conf).unwrap();
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(dir)
            .arg("-c")
            .arg(dir.join("nginx.conf"));
        let nginx = Guard::spawn(command.stderr(Stdio::null()));
        wait_for("nginx", LIMIT, || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self {
            port,
            _nginx: nginx,
        }
    }

    fn url(&self, file: &str) -> String {
        format!("http://127.0.0.1:{}/{file}", self.port)
    }
}

fn ctl(it: &TheBox, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    command.arg("ctl").args(args);
    command.arg("--config").arg(it.path("boothcast.toml"));
    let (code, out, err) = run_to_end(&mut command, LIMIT);
    (code.expect("it was killed"), out, err)
}

fn update(it: &TheBox) -> Value {
    let (code, out, err) = ctl(it, &["update", "status", "--json"]);
    assert_eq!(code, 0, "{err}");
    serde_json::from_str(&out).unwrap()
}

fn slots_known(it: &TheBox) {
    wait_for("the slots", LIMIT, || {
        (update(it)["slot"] != Value::Null).then_some(())
    });
}

#[test]
fn a_box_refuses_installs_and_starts_anew() {
    let bench = Bench::start("A");
    let (good, older) = (
        bench.bundle(&Kind::default()),
        bench.bundle(&Kind {
            version: "0.0.9",
            ..Kind::default()
        }),
    );
    let it = start(&bench);
    slots_known(&it);
    let (code, _, err) = ctl(&it, &["update", "install", older.to_str().unwrap()]);
    assert_eq!(code, 65, "{err}");
    assert!(err.contains("not newer than"), "{err}");
    assert_eq!(update(&it)["ended"], "failed");
    let (code, _, err) = ctl(&it, &["update", "install", "nowhere"]);
    assert_eq!(code, 65, "{err}");
    let (code, _, err) = ctl(&it, &["update", "rollback"]);
    assert_eq!(code, 65, "{err}");

    let (code, out, err) = ctl(&it, &["update", "install", good.to_str().unwrap()]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("Version 99.0.0 is installed"), "{out}");
    wait_for("the restart of the machine", LIMIT, || {
        bench.path("rebooted").exists().then_some(())
    });
}

#[test]
fn a_bundle_comes_from_a_server_and_is_not_kept() {
    let bench = Bench::start("A");
    let good = bench.bundle(&Kind::default());
    let server = Files::serve(bench.dir.path());
    let it = start(&bench);
    slots_known(&it);
    let name = good.file_name().unwrap().to_str().unwrap();
    let (code, _, err) = ctl(&it, &["update", "install", &server.url("none.raucb")]);
    assert_eq!(code, 65, "{err}");
    assert!(err.contains("answers 404"), "{err}");
    let (code, _, err) = ctl(&it, &["update", "install", &server.url(name)]);
    assert_eq!(code, 0, "{err}");
    assert!(!it.path("state/update").exists());
}

/// With the real two minutes: `make update-proof`.
#[test]
#[ignore = "takes over two minutes"]
fn a_new_version_is_kept_after_two_minutes_of_frames() {
    let bench = Bench::start("B");
    let it = start(&bench);
    slots_known(&it);
    assert_eq!(update(&it)["trial"], true);
    let (code, _, err) = ctl(&it, &["update", "install", "/x.raucb"]);
    assert_eq!(code, 75, "{err}");
    let begun = std::time::Instant::now();
    wait_for(
        "the new version to be kept",
        Duration::from_secs(300),
        || {
            std::thread::sleep(Duration::from_secs(1));
            (update(&it)["trial"] == false).then_some(())
        },
    );
    assert!(begun.elapsed() >= Duration::from_secs(110));
    assert!(
        bench
            .text("firmware/autoboot.txt")
            .contains("[all]\ntryboot_a_b=1\nboot_partition=3\n")
    );
}
