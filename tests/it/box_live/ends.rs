//! How the box starts and ends: in order, at once, and as systemd sees it.

use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use crate::support::probe::record;
use crate::support::the_box::{Options, TheBox};
use crate::support::{Guard, wait_for};

#[test]
fn one_signal_ends_in_order_within_three_seconds_with_a_reader() {
    let mut it = TheBox::start("");
    let file = it.path("reader.mkv");
    let url = it.url("main");
    std::thread::scope(|s| {
        let reader = s.spawn(|| {
            let mut command = std::process::Command::new("ffmpeg");
            command.args([
                "-v",
                "error",
                "-y",
                "-rtsp_transport",
                "tcp",
                "-i",
                &url,
                "-t",
                "20",
            ]);
            command.args(["-c", "copy"]).arg(&file);
            let mut guard = Guard::spawn(&mut command);
            guard.wait(Duration::from_secs(25))
        });
        wait_for("the reader's file", Duration::from_secs(10), || {
            std::fs::metadata(&file).ok().filter(|m| m.len() > 50_000)
        });
        let (code, took) = it.interrupt();
        assert_eq!(code, Some(0), "{}", it.stderr());
        assert!(took < Duration::from_secs(3), "took {took:?}");
        assert!(reader.join().unwrap().is_some(), "the reader was not told");
    });
    let log = it.stderr();
    let order = [
        "pushes ended",
        "RTSP server ended",
        "sources ended",
        "encoders ended",
    ];
    let places: Vec<_> = order
        .iter()
        .map(|o| log.find(o).unwrap_or_else(|| panic!("{o}: {log}")))
        .collect();
    assert!(places.is_sorted(), "wrong order: {log}");
}

#[test]
fn a_second_signal_ends_now() {
    let mut it = TheBox::start("");
    it.process.signal(libc::SIGINT);
    it.process.signal(libc::SIGTERM);
    let begun = Instant::now();
    let status = it.process.wait(Duration::from_secs(5)).expect("still runs");
    assert!(
        begun.elapsed() < Duration::from_millis(1500),
        "took {:?}",
        begun.elapsed()
    );
    assert!(matches!(status.code(), Some(0 | 130)), "{status}");
}

#[test]
fn systemd_hears_ready_status_watchdog_and_stopping() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let name = path.to_string_lossy().into_owned();
    let env = [
        ("NOTIFY_SOCKET", name.as_str()),
        ("WATCHDOG_USEC", "1000000"),
    ];
    let mut it = TheBox::spawn(Options {
        env: &env,
        ..Options::default()
    });
    let mut heard = Vec::new();
    let mut listen = |until: &dyn Fn(&[String]) -> bool, limit: Duration| {
        let end = Instant::now() + limit;
        let mut buffer = [0_u8; 2048];
        while !until(&heard) && Instant::now() < end {
            if let Ok(n) = socket.recv(&mut buffer) {
                heard.push(String::from_utf8_lossy(&buffer[..n]).into_owned());
            }
        }
        heard.clone()
    };
    let pets = |h: &[String]| h.iter().filter(|m| m.contains("WATCHDOG=1")).count();
    let all = listen(&|h| pets(h) >= 4, Duration::from_secs(15));
    assert!(all.iter().any(|m| m.contains("READY=1")), "{all:?}");
    assert!(all.iter().any(|m| m.contains("STATUS=")), "{all:?}");
    assert!(pets(&all) >= 4, "{all:?}");
    let (code, _) = it.interrupt();
    assert_eq!(code, Some(0));
    let all = listen(
        &|h| h.iter().any(|m| m.contains("STOPPING=1")),
        Duration::from_secs(2),
    );
    assert!(all.iter().any(|m| m.contains("STOPPING=1")), "{all:?}");
}

#[test]
fn a_restart_keeps_the_password_and_says_it_only_once() {
    let rtsp = "auth = \"digest\"";
    let mut first = TheBox::spawn(Options {
        rtsp,
        ..Options::default()
    });
    first.wait_up();
    let password = std::fs::read_to_string(first.path("state/rtsp-password"))
        .unwrap()
        .trim()
        .to_owned();
    assert!(password.len() >= 16);
    assert!(first.stdout().contains(&password), "the first run shows it");
    let login = format!("rtsp://boothcast:{password}@127.0.0.1:{}/main", first.port);
    record(&login, "tcp", 1, &first.path("with.mkv"));
    assert_eq!(first.interrupt().0, Some(0));
    let dir = std::mem::replace(&mut first.dir, tempfile::tempdir().unwrap());
    let mut second = TheBox::spawn(Options {
        rtsp,
        dir: Some(dir),
        ..Options::default()
    });
    second.wait_up();
    assert!(
        !second.stdout().contains(&password),
        "the second run must not"
    );
    let login = format!("rtsp://boothcast:{password}@127.0.0.1:{}/main", second.port);
    record(&login, "tcp", 1, &second.path("again.mkv"));
    let wrong = format!("rtsp://boothcast:wrong@127.0.0.1:{}/main", second.port);
    let mut refused = std::process::Command::new("ffprobe");
    refused.args(["-v", "error", "-rtsp_transport", "tcp", &wrong]);
    let (code, _, err) = crate::support::the_box::run_to_end(&mut refused, Duration::from_secs(20));
    assert_ne!(code, Some(0));
    assert!(err.contains("401"), "{err}");
}
