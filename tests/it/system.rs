//! The box between its starts: layers of its own, safe mode, what the card said wrongly, the end of a factory reset.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::probe::ffprobe;
use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::wait_for;

const LIMIT: Duration = Duration::from_secs(20);

fn boothcast(args: &[&str]) -> (Option<i32>, String, String) {
    run_to_end(
        Command::new(env!("CARGO_BIN_EXE_boothcast")).args(args),
        LIMIT,
    )
}

/// By its socket: its configuration may be one that does not lead there.
fn status(it: &TheBox) -> Value {
    let socket = it.path("state/control.sock");
    let socket = socket.to_str().unwrap();
    let (code, out, err) = boothcast(&["ctl", "status", "--json", "--socket", socket]);
    assert_eq!(code, Some(0), "{err}");
    serde_json::from_str(&out).unwrap()
}

fn sentence(it: &TheBox) -> String {
    let status = status(it);
    status["health"]["sentence"]
        .as_str()
        .unwrap_or_else(|| panic!("{status}"))
        .to_owned()
}

/// A folder of a box whose state folder holds this already.
fn with_state(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("state")).unwrap();
    for (name, text) in files {
        fs::write(dir.path().join("state").join(name), text).unwrap();
    }
    dir
}

#[test]
fn layers_of_the_state_folder_lie_over_the_file() {
    let dir = with_state(&[
        (
            "imported.toml",
            "[box]\nname = \"By card\"\n[mqtt]\nfleet = \"card\"\n[rtsp]\nuser = \"card\"\n",
        ),
        ("setup.toml", "[mqtt]\nfleet = \"code\"\n"),
    ]);
    let file = dir.path().join("boothcast.toml");
    let state = dir.path().join("state");
    fs::write(
        &file,
        format!(
            "[paths]\nstate = \"{}\"\n[box]\nname = \"By file\"\n[encode]\nprofile = \"480p30\"\n",
            state.display()
        ),
    )
    .unwrap();
    let get = |key: &str, more: &[&str]| {
        let args = [
            &["check", "--get", key, "--config", file.to_str().unwrap()],
            more,
        ]
        .concat();
        let (code, out, err) = boothcast(&args);
        assert_eq!(code, Some(0), "{err}");
        out.trim().to_owned()
    };
    assert_eq!(get("box.name", &[]), "By card");
    assert_eq!(get("mqtt.fleet", &[]), "code");
    assert_eq!(get("rtsp.user", &[]), "card");
    assert_eq!(get("encode.profile", &[]), "480p30");
    assert_eq!(get("mqtt.fleet", &["--set", "mqtt.fleet=flag"]), "flag");
    let other = tempfile::tempdir().unwrap();
    let flag = format!("paths.state={}", other.path().display());
    assert_eq!(get("box.name", &["--set", &flag]), "By file");
}

#[test]
fn safe_mode_leaves_out_what_could_fail_and_can_be_reached() {
    let dir = with_state(&[(
        "wanted.json",
        "{\"version\":1,\"wanted\":{\"revision\":7,\"live\":true,\"gain_db\":3.0}}",
    )]);
    let mut it = TheBox::spawn(Options {
        config: "[box]\nname = \"Hall\"\n[video]\nsource = \"test\"\n[[destination]]\nname = \"a\"\nurl = \"rtmp://127.0.0.1:9/live\"\nkey = \"k-12345\"\n",
        args: &["--safe"],
        dir: Some(dir),
        ..Options::default()
    });
    it.wait_up();
    assert!(
        sentence(&it).starts_with("Safe mode: "),
        "{}",
        sentence(&it)
    );
    let status = status(&it);
    assert_eq!(status["live"], false, "{status}");
    assert_eq!(
        status["destinations"]
            .as_object()
            .map_or(0, serde_json::Map::len),
        0,
        "{status}"
    );
    let probe = ffprobe(
        &it.url("main"),
        &["-rtsp_transport", "tcp", "-show_streams"],
        LIMIT,
    );
    let width = probe["streams"][0]["width"].as_u64();
    assert_eq!(width, Some(640), "{probe}");
    // What is told to it now is not kept in the place of what was wanted before.
    let file = it.path("boothcast.toml");
    let wanted = fs::read_to_string(it.path("state/wanted.json")).unwrap();
    let (code, _, err) = boothcast(&["ctl", "audio", "mute", "--config", file.to_str().unwrap()]);
    assert!(code.is_some(), "{err}");
    it.interrupt();
    assert_eq!(
        fs::read_to_string(it.path("state/wanted.json")).unwrap(),
        wanted
    );
}

#[test]
fn safe_mode_starts_with_a_configuration_that_cannot_be_used() {
    let dir = with_state(&[("imported.toml", "[[[ nonsense")]);
    let mut it = TheBox::spawn(Options {
        config: "[video]\nsource = \"test\"\n",
        args: &["--safe"],
        dir: Some(dir),
        // No good configuration of another run may stand in.
        env: &[
            ("XDG_STATE_HOME", "/nonexistent"),
            ("STATE_DIRECTORY", "/nonexistent"),
        ],
        ..Options::default()
    });
    it.wait_up();
    assert!(
        sentence(&it).contains("the configuration cannot be used"),
        "{}",
        sentence(&it)
    );
}

#[test]
fn a_wrong_file_on_the_card_is_said_by_the_box() {
    let dir = with_state(&[]);
    let boot = dir.path().join("boot");
    fs::create_dir(&boot).unwrap();
    fs::write(boot.join("boothcast.toml"), "[box]\nname = 7\n").unwrap();
    let import = |dir: &Path| {
        let (state, boot) = (dir.join("state"), dir.join("boot"));
        boothcast(&[
            "system",
            "import",
            "--boot",
            boot.to_str().unwrap(),
            "--state",
            state.to_str().unwrap(),
            "--root",
            dir.to_str().unwrap(),
        ])
    };
    let (code, out, err) = import(dir.path());
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("refused"), "{out}");
    let card = fs::read_to_string(boot.join("box.txt")).unwrap();
    assert!(
        card.contains("Version:  ") && card.contains("rtsp://boothcast-"),
        "{card}"
    );
    let mut it = TheBox::spawn(Options {
        config: "[video]\nsource = \"test\"\n",
        dir: Some(dir),
        ..Options::default()
    });
    it.wait_up();
    assert!(
        sentence(&it).starts_with("The settings on the card cannot be used: boothcast.toml:2:"),
        "{}",
        sentence(&it)
    );
    assert_eq!(status(&it)["health"]["led"]["error"], "storage");
    it.interrupt();
    // Mended on the card, taken in, and in force.
    fs::write(it.path("boot/boothcast.toml"), "[box]\nname = \"Mended\"\n").unwrap();
    assert_eq!(import(it.dir.path()).0, Some(0));
    let dir = std::mem::replace(&mut it.dir, tempfile::tempdir().unwrap());
    let mut it = TheBox::spawn(Options {
        config: "[video]\nsource = \"test\"\n",
        dir: Some(dir),
        ..Options::default()
    });
    it.wait_up();
    assert_eq!(status(&it)["name"], "Mended");
    assert!(!sentence(&it).contains("card"), "{}", sentence(&it));
}

#[test]
fn a_reset_that_was_cut_off_is_ended_at_the_next_start() {
    let dir = with_state(&[
        ("factory-reset", ""),
        ("wanted.json", "{}"),
        ("imported.toml", "[box]\nname = \"Old\"\n"),
    ]);
    let mut it = TheBox::spawn(Options {
        config: "[video]\nsource = \"test\"\n",
        dir: Some(dir),
        ..Options::default()
    });
    it.wait_up();
    assert_ne!(status(&it)["name"], "Old");
    assert!(!it.path("state/imported.toml").exists() && !it.path("state/factory-reset").exists());
}

#[test]
fn with_services_of_root_a_reset_starts_the_machine_anew() {
    let dir = with_state(&[]);
    let rebooted = dir.path().join("rebooted");
    let config = format!(
        "[box]\nreboot = \"touch {}\"\n[video]\nsource = \"test\"\n",
        rebooted.display()
    );
    let mut it = TheBox::spawn(Options {
        config: &config,
        dir: Some(dir),
        env: &[("BOOTHCAST_SERVICES", "1")],
        ..Options::default()
    });
    it.wait_up();
    let file = it.path("boothcast.toml");
    let (code, _, err) = boothcast(&[
        "ctl",
        "factory-reset",
        "--yes",
        "--config",
        file.to_str().unwrap(),
    ]);
    assert_eq!(code, Some(0), "{err}");
    wait_for("the restart of the machine", LIMIT, || {
        rebooted.exists().then_some(())
    });
    it.process.wait(LIMIT).unwrap();
    let state = it.path("state");
    let left = |name: &str| state.join(name).exists();
    assert!(left("factory-reset") && !left("rtsp-password") && !left("wanted.json"));
    // The service of root, as the next start of the machine runs it.
    let root = it.path("root");
    let connections = root.join("etc/NetworkManager/system-connections");
    fs::create_dir_all(&connections).unwrap();
    fs::write(connections.join("shop.nmconnection"), "psk=canary").unwrap();
    let (code, out, err) = boothcast(&[
        "system",
        "reset",
        "--boot",
        "/nonexistent",
        "--state",
        state.to_str().unwrap(),
        "--root",
        root.to_str().unwrap(),
    ]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("complete"), "{out}");
    assert!(!left("factory-reset") && fs::read_dir(connections).unwrap().next().is_none());
}
