//! Set-up by a code before the camera, from `boothcast qr` to the stream at a server: the program itself, a file in place of
//! the camera, a real RTMP server.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::rtmp::rig::Nginx;
use crate::support::the_box::{Options, TheBox, run_to_end};
use crate::support::{free_port, wait_for};

/// A loaded machine with two processors runs everything here late.
const LIMIT: Duration = Duration::from_secs(120);
const KEY: &str = "canary-key-77";
const OTHER_KEY: &str = "canary-other-78";
const WIFI_PASSWORD: &str = "canary-wifi-79";
const CLAIMS: [&str; 2] = ["canary-claim-80", "canary-claim-81"];

/// `boothcast qr` with secrets on standard input; the PNG.
fn qr(dir: &Path, name: &str, args: &[&str], secrets: &str) -> PathBuf {
    let png = dir.join(name);
    let mut child = Command::new(env!("CARGO_BIN_EXE_boothcast"))
        .arg("qr")
        .args(args)
        .args(["--scale", "6", "--out"])
        .arg(&png)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(secrets.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "{args:?}");
    let mode = fs::metadata(&png).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "{name} holds secrets");
    png
}

/// A film in which the pictures are held before a camera, 8 s each, in turn.
fn film(dir: &Path, pictures: &[PathBuf]) -> PathBuf {
    let file = dir.join("camera.mp4");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-y"]);
    for picture in pictures {
        command.args(["-loop", "1", "-framerate", "10", "-t", "8", "-i"]);
        command.arg(picture);
    }
    let fit = "scale=w=min(iw\\,1280):h=min(ih\\,680):force_original_aspect_ratio=decrease:flags=neighbor,pad=1280:720:-1:-1:color=gray,setsar=1,format=yuv420p";
    let parts: String = (0..pictures.len())
        .map(|n| format!("[{n}:v]{fit}[p{n}];"))
        .collect();
    let inputs: String = (0..pictures.len()).map(|n| format!("[p{n}]")).collect();
    let graph = format!("{parts}{inputs}concat=n={}:v=1[v]", pictures.len());
    command.args(["-filter_complex", &graph, "-map", "[v]"]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-g", "10"]);
    command.arg(&file);
    let (code, _, err) = run_to_end(&mut command, LIMIT);
    assert_eq!(code, Some(0), "{err}");
    file
}

fn config(film: &Path) -> String {
    format!(
        "[setup]\nenabled = true\nport = 0\nmdns = false\nscreen = false\naccess_point = false\n\
         [video]\nsource = \"file\"\nfile = \"{}\"\n[audio]\nsource = \"none\"\n[log]\nlevel = \"debug\"\n",
        film.display()
    )
}

fn ctl(it: &TheBox, args: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
    command.arg("ctl").arg("--json");
    command.arg("--config").arg(it.path("boothcast.toml"));
    let (code, out, err) = run_to_end(command.args(args), Duration::from_secs(30));
    assert_eq!(code, Some(0), "{args:?}: {out}{err}");
    serde_json::from_str(&out).unwrap()
}

/// What set-up said, in the order in which it said it, until it says `wanted`.
fn wait_note(it: &TheBox, wanted: &str) -> Value {
    let mut said = Vec::new();
    wait_for(wanted, LIMIT, || {
        let setup = ctl(it, &["setup", "show"]);
        let note = setup["note"].as_str().unwrap_or_default().to_owned();
        if said.last() != Some(&note) {
            println!("{note}");
            said.push(note.clone());
        }
        note.contains(wanted).then_some(setup)
    })
}

/// Nothing that the box wrote or keeps in plain sight has a secret in it.
fn no_secrets(it: &TheBox) {
    let status = ctl(it, &["status"]).to_string();
    let argv = fs::read(format!("/proc/{}/cmdline", it.process.0.id())).unwrap();
    for text in [
        it.stderr(),
        it.stdout(),
        status,
        String::from_utf8_lossy(&argv).into_owned(),
    ] {
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn a_code_before_the_camera_makes_the_box_go_live() {
    let nginx = Nginx::start(
        free_port(),
        "record all; record_path DIR; record_max_size 4M;",
    );
    nginx.listening();
    let dir = tempfile::tempdir().unwrap();
    let url = nginx.url();
    let live = ["box", "--url", &url, "--claim-file", "-"];
    let other_url = "rtmp://127.0.0.1:9/other";
    let other = ["box", "--url", other_url, "--claim-file", "-"];
    let codes = [
        qr(
            dir.path(),
            "live.png",
            &live,
            &format!("{KEY}\n{}\n", CLAIMS[0]),
        ),
        qr(
            dir.path(),
            "other.png",
            &other,
            &format!("{OTHER_KEY}\n{}\n", CLAIMS[1]),
        ),
    ];
    let film = film(dir.path(), &codes);
    let mut it = TheBox::spawn(Options {
        config: &config(&film),
        ..Options::default()
    });
    it.wait_up();
    let setup = wait_note(&it, "Set up.");
    assert_eq!(
        (&setup["claimed"], &setup["open"]),
        (&true.into(), &false.into())
    );
    it.wait_log("live destination=live", LIMIT);
    // The server has the stream under the key of the code.
    wait_for("a recording at the server", LIMIT, || {
        let file = nginx.dir().join(format!("{KEY}.flv"));
        (fs::metadata(file).ok()?.len() > 20_000).then_some(())
    });
    no_secrets(&it);

    // The other code comes by again and again; the box is closed to it.
    std::thread::sleep(Duration::from_secs(10));
    let setup = ctl(&it, &["setup", "show"]);
    assert!(
        setup["note"].as_str().unwrap().starts_with("Set up."),
        "{setup}"
    );
    // Opened for 10 minutes, it hears the owner's code alone.
    ctl(&it, &["setup", "open"]);
    let setup = wait_note(&it, "another claim token");
    assert!(setup["closes_in_s"].as_u64().unwrap() <= 600);
    let status = ctl(&it, &["status"]);
    let to = &status["destinations"][0];
    assert_eq!(
        (to["name"].as_str(), to["state"].as_str()),
        (Some("live"), Some("live")),
        "{to}"
    );
    no_secrets(&it);
    assert_eq!(it.interrupt().0, Some(0));
    let wanted: Value =
        serde_json::from_slice(&fs::read(it.path("state/wanted.json")).unwrap()).unwrap();
    let text = wanted.to_string();
    assert!(text.contains(KEY), "the key is kept for the next start");
    assert!(
        !text.contains(OTHER_KEY) && !text.contains("canary-claim"),
        "{text}"
    );
}

#[test]
fn a_network_that_cannot_be_joined_is_told_and_the_box_stays_open() {
    let dir = tempfile::tempdir().unwrap();
    let wifi = ["wifi", "--ssid", "Shop", "--password-file", "-"];
    let code = qr(dir.path(), "wifi.png", &wifi, &format!("{WIFI_PASSWORD}\n"));
    let film = film(dir.path(), &[code]);
    // No bus, so no NetworkManager, whatever this machine has.
    let nowhere = format!("unix:path={}", dir.path().join("no-bus").display());
    let env = [("DBUS_SYSTEM_BUS_ADDRESS", nowhere.as_str())];
    let mut it = TheBox::spawn(Options {
        config: &config(&film),
        env: &env,
        ..Options::default()
    });
    it.wait_up();
    let setup = wait_note(&it, "NetworkManager");
    assert_eq!(setup["progress"], "failed");
    assert_eq!(
        (&setup["claimed"], &setup["open"]),
        (&false.into(), &true.into())
    );
    no_secrets(&it);
    assert_eq!(it.interrupt().0, Some(0));
}
