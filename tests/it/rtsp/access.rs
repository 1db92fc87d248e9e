//! Who may come in: authentication, TLS, limits, wrong paths, ports.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boothcast::config::Secret;
use boothcast::error::Kind;
use boothcast::media::fanout::Fanout;
use boothcast::media::output::rtsp::{Mount, RtspServer, RtspTls};
use boothcast::media::report::Reporter;
use boothcast::media::time::MediaClock;

use super::client::Client;
use super::players::rtspsrc;
use super::source::{self, SMALL};
use super::{Show, options};
use crate::support::wait_for;

const CANARY: &str = "canary-7f3a9b21";

fn ffprobe(url: &str) -> bool {
    let out = Command::new("timeout")
        .args([
            "20",
            "ffprobe",
            "-v",
            "error",
            "-rtsp_transport",
            "tcp",
            url,
        ])
        .output()
        .unwrap();
    out.status.success()
}

#[test]
fn digest_lets_in_with_the_password_only_and_leaks_it_nowhere() {
    gstreamer::init().unwrap();
    let said = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&said);
    gstreamer::log::set_default_threshold(gstreamer::DebugLevel::Trace);
    gstreamer::log::remove_default_log_function();
    gstreamer::log::add_log_function(move |category, _, _, _, _, _, message| {
        // Formatting may log in turn, so it comes before the lock.
        let line = format!(
            "{} {}\n",
            category.name(),
            message.get().unwrap_or_default()
        );
        heard.lock().unwrap().push_str(&line);
    });
    let mut with_password = options();
    with_password.auth = Some(("viewer".to_owned(), Secret::new(CANARY)));
    let show = Show::new(with_password, &[source::video(SMALL)]);
    let port = show.port;

    let mut client = Client::connect(port, "/main");
    let answer = client.request("DESCRIBE", "", "");
    assert_eq!(answer.code, 401);
    assert!(
        answer.head.contains("WWW-Authenticate: Digest"),
        "{}",
        answer.head
    );
    assert!(!answer.head.contains("Basic"), "{}", answer.head);
    assert!(
        answer.head.contains("realm=\"Test box\""),
        "{}",
        answer.head
    );
    assert!(!answer.body.contains("v=0"));
    // Base64 of viewer:CANARY; basic authentication would show the password to everyone on the network.
    let basic = "Authorization: Basic dmlld2VyOmNhbmFyeS03ZjNhOWIyMQ==\r\n";
    assert_eq!(client.request("DESCRIBE", "", basic).code, 401);

    assert!(ffprobe(&format!(
        "rtsp://viewer:{CANARY}@127.0.0.1:{port}/main"
    )));
    assert!(!ffprobe(&format!(
        "rtsp://viewer:wrong@127.0.0.1:{port}/main"
    )));
    assert!(!ffprobe(&format!(
        "rtsp://other:{CANARY}@127.0.0.1:{port}/main"
    )));
    assert!(!ffprobe(&format!("rtsp://127.0.0.1:{port}/main")));
    drop(show);
    gstreamer::log::set_default_threshold(gstreamer::DebugLevel::None);
    let said = said.lock().unwrap();
    assert!(said.contains("rtspauth"), "the log was listened to");
    assert!(!said.contains(CANARY));
}

fn certificate(folder: &Path) -> RtspTls {
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let done = Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        ])
        .args(["-subj", "/CN=localhost", "-out"])
        .arg(&cert)
        .arg("-keyout")
        .arg(&key)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    RtspTls {
        cert_pem: cert,
        key_pem: key,
        port: 0,
    }
}

#[test]
fn rtsps_is_served_beside_rtsp() {
    let folder = tempfile::tempdir().unwrap();
    let mut secured = options();
    secured.tls = Some(certificate(folder.path()));
    secured.auth = Some(("viewer".to_owned(), Secret::new(CANARY)));
    let show = Show::new(secured, &[source::video(SMALL), source::audio()]);
    let port = show.server.as_ref().unwrap().tls_port().unwrap();
    assert_ne!(port, show.port);
    assert!(ffprobe(&format!(
        "rtsps://viewer:{CANARY}@127.0.0.1:{port}/main"
    )));
    assert!(!ffprobe(&format!(
        "rtsps://viewer:wrong@127.0.0.1:{port}/main"
    )));
    let login = format!("tls-validation-flags=0 user-id=viewer user-pw={CANARY}");
    let seen = rtspsrc(&format!("rtsps://127.0.0.1:{port}/main"), &login, 30);
    assert_eq!(seen.video.len(), 30);
    // The plain port is still plain, and asks for the password as well.
    let mut plain = Client::connect(show.port, "/main");
    assert_eq!(plain.request("DESCRIBE", "", "").code, 401);
}

#[test]
fn rtsps_without_a_password_is_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut secured = options();
    secured.tls = Some(certificate(folder.path()));
    let show = Show::new(secured, &[source::video(SMALL)]);
    let port = show.server.as_ref().unwrap().tls_port().unwrap();
    assert!(ffprobe(&format!("rtsps://127.0.0.1:{port}/main")));
    assert!(ffprobe(&show.url()));
}

#[test]
fn unknown_paths_are_not_found() {
    let show = Show::new(options(), &[source::video(SMALL)]);
    for path in ["/nothing", "/", "/main2", "/mai"] {
        let mut client = Client::connect(show.port, path);
        assert_eq!(client.request("DESCRIBE", "", "").code, 404, "{path}");
    }
}

#[test]
fn a_full_house_refuses_clearly_and_lets_in_again() {
    let mut small = options();
    small.max_readers = 2;
    let show = Show::new(small, &[source::video(SMALL), source::audio()]);
    let one = Client::play(show.port, "/main");
    let mut two = Client::play(show.port, "/main");
    let server = show.server.as_ref().unwrap();
    wait_for("two readers", Duration::from_secs(5), || {
        (server.readers() == 2).then_some(())
    });
    let mut three = Client::connect(show.port, "/main");
    let answer = three.request("DESCRIBE", "", "");
    assert_eq!(answer.code, 453, "{}", answer.head);
    assert!(two.packet(Duration::from_secs(5)).is_some(), "others go on");
    drop(one);
    wait_for("a free place", Duration::from_secs(5), || {
        (server.readers() == 1).then_some(())
    });
    wait_for("being let in", Duration::from_secs(5), || {
        let mut again = Client::connect(show.port, "/main");
        (again.request("DESCRIBE", "", "").code == 200).then_some(())
    });
}

#[test]
fn connections_without_a_session_are_bounded_too() {
    let mut small = options();
    small.max_readers = 1;
    let show = Show::new(small, &[source::video(SMALL)]);
    let mut clients: Vec<Client> = (0..30)
        .map(|_| Client::connect(show.port, "/main"))
        .collect();
    let answered = clients
        .iter_mut()
        .filter_map(|c| {
            use std::io::{Read, Write};
            let request = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n";
            c.socket.write_all(request).ok()?;
            let mut byte = [0; 1];
            c.socket.read_exact(&mut byte).ok()
        })
        .count();
    assert_eq!(answered, 10, "max_readers · 2 + 8");
}

#[test]
fn a_taken_port_is_named_with_the_mend() {
    gstreamer::init().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut busy = options();
    busy.port = port;
    let mount = Mount {
        path: "/main".to_owned(),
        fanout: Fanout::new(|| {}),
        audio: false,
    };
    let start = |o| {
        RtspServer::start(
            o,
            vec![mount.clone()],
            &MediaClock::start(),
            Reporter::new(|_| {}),
        )
    };
    let e = start(busy).unwrap_err();
    assert_eq!(e.kind(), Kind::InUse);
    let report = e.report();
    assert!(report.contains(&port.to_string()), "{report}");
    assert!(report.contains("Set rtsp.port"), "{report}");

    let mut absent = options();
    absent.tls = Some(RtspTls {
        cert_pem: "/nonexistent/cert.pem".into(),
        key_pem: "/nonexistent/key.pem".into(),
        port: 0,
    });
    let e = start(absent).unwrap_err();
    assert_eq!(e.kind(), Kind::NotFound);
    assert!(e.report().contains("rtsp.tls_cert"), "{}", e.report());
}
