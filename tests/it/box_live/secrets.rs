//! A canary stream key and the RTSP password are looked for in everything that a full run prints and shows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::rtmp::rig::Nginx;
use crate::support::free_port;
use crate::support::probe::record;
use crate::support::the_box::{Options, TheBox};

const CANARY: &str = "sk-canary-8c2e5f";

#[test]
fn no_secret_is_in_logs_argv_status_or_gstreamer_debug() {
    let nginx = Nginx::start(free_port(), "");
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    fs::write(&key, format!("{CANARY}\n")).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let config = format!(
        "[log]\nlevel = \"trace\"\n[[destination]]\nname = \"good\"\nurl = \"{}\"\nkey_file = \"{}\"\n\
         [[destination]]\nname = \"bad\"\nurl = \"rtmp://127.0.0.1:9/live\"\nkey_file = \"{}\"\n",
        nginx.url(),
        key.display(),
        key.display(),
    );
    let env = [
        ("GST_DEBUG", "5,rtsp*:8,appsrc:6"),
        ("GST_DEBUG_NO_COLOR", "1"),
    ];
    let rtsp = "auth = \"digest\"";
    let mut it = TheBox::spawn(Options {
        config: &config,
        rtsp,
        env: &env,
        dir: None,
        ..Options::default()
    });
    it.wait_up();
    let password = fs::read_to_string(it.path("state/rtsp-password"))
        .unwrap()
        .trim()
        .to_owned();
    let shown_once = it.stdout();
    it.wait_log("live destination=good", Duration::from_secs(15));
    let login = format!("rtsp://boothcast:{password}@127.0.0.1:{}/main", it.port);
    record(&login, "tcp", 1, &it.path("a.mkv"));
    let argv = fs::read(format!("/proc/{}/cmdline", it.process.0.id())).unwrap();
    let environ = fs::read(format!("/proc/{}/environ", it.process.0.id())).unwrap();
    assert_eq!(it.interrupt().0, Some(0));
    let err = it.stderr();
    assert!(
        err.len() > 100_000,
        "GStreamer's debug output is missing: {} bytes",
        err.len()
    );
    for (place, text) in [
        ("stderr", err),
        ("stdout", it.stdout()),
        ("argv", String::from_utf8_lossy(&argv).into_owned()),
        ("environ", String::from_utf8_lossy(&environ).into_owned()),
        (
            "wanted",
            fs::read_to_string(it.path("state/wanted.json")).unwrap_or_default(),
        ),
    ] {
        assert!(
            !text.contains(CANARY),
            "the stream key is in {place}: {}",
            context(&text, CANARY)
        );
        if place != "stdout" {
            assert!(
                !text.contains(&password),
                "the password is in {place}: {}",
                context(&text, &password)
            );
        }
    }
    assert_eq!(
        shown_once.matches(&password).count(),
        1,
        "shown once, at the first run"
    );
}

/// The line in which a needle stands.
fn context<'a>(text: &'a str, needle: &str) -> &'a str {
    text.lines().find(|l| l.contains(needle)).unwrap_or("")
}
