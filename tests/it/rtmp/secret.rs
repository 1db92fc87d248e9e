//! TLS, redirects, and the stream key, which is nowhere to be seen.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boothcast::device::event::DestinationState;
use boothcast::media::output::rtmp::PushOptions;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::peer::{Manner, Peer};
use super::rig::{Log, Source, destination, output, push, runtime};
use super::{SOON, reason, rejected, waiting};
use crate::support::wait_for;

/// An authority, and a certificate of it for 127.0.0.1 only, made by openssl.
struct Authority {
    dir: tempfile::TempDir,
}

impl Authority {
    fn make() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| {
            let mut command = Command::new("openssl");
            command.current_dir(dir.path()).args(args);
            let (ok, _, errors) = output(SOON, &mut command);
            assert!(ok, "openssl {args:?}: {errors}");
        };
        let key = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ];
        run(&[
            &[
                "req",
                "-x509",
                "-days",
                "2",
                "-subj",
                "/CN=Test authority",
                "-keyout",
                "ca.key",
                "-out",
                "ca.pem",
            ],
            &key[..],
        ]
        .concat());
        run(&[
            &[
                "req",
                "-subj",
                "/CN=server",
                "-keyout",
                "server.key",
                "-out",
                "server.csr",
            ],
            &key[..],
        ]
        .concat());
        std::fs::write(
            dir.path().join("ext"),
            "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n",
        )
        .unwrap();
        run(&[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "ext",
            "-out",
            "server.pem",
        ]);
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        let certificates = CertificateDer::pem_file_iter(self.path("server.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                certificates.map(Result::unwrap).collect(),
                PrivateKeyDer::from_pem_file(self.path("server.key")).unwrap(),
            )
            .unwrap();
        tokio_rustls::TlsAcceptor::from(Arc::new(config))
    }
}

/// Ends TLS on a port of its own and hands the rest to `port`.
fn terminate(rt: &tokio::runtime::Runtime, authority: &Authority, port: u16) -> u16 {
    let acceptor = authority.acceptor();
    let listener = rt
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let own = listener.local_addr().unwrap().port();
    rt.spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(socket).await else {
                    return;
                };
                let mut plain = tokio::net::TcpStream::connect(("127.0.0.1", port))
                    .await
                    .unwrap();
                let _ = tokio::io::copy_bidirectional(&mut tls, &mut plain).await;
            });
        }
    });
    own
}

#[test]
fn rtmps_needs_a_known_authority_and_the_right_name() {
    let (rt, source, (log, reporter)) = (runtime(), Source::start(320, 180, 300), Log::new());
    let (authority, peer) = (Authority::make(), Peer::start(Manner::Good));
    let port = terminate(&rt, &authority, peer.port());
    let redirecting = Peer::start(Manner::Redirect(peer.url()));
    let redirects = terminate(&rt, &authority, redirecting.port());
    let begun = Instant::now();
    let to = |name: &str, host: &str, ca: &Path| {
        let port = if name == "opened" { redirects } else { port };
        let mut d = destination(name, &format!("rtmps://{host}:{port}/live"), "cam");
        d.tls_ca = ca.to_owned();
        push(&rt, &source, d, None, &reporter)
    };
    let (ca, none) = (authority.path("ca.pem"), PathBuf::new());
    let pushes = [
        to("known", "127.0.0.1", &ca),
        to("unknown", "127.0.0.1", &none),
        to("othername", "localhost", &ca),
        to("opened", "127.0.0.1", &ca),
        to("nofile", "127.0.0.1", &authority.path("absent.pem")),
    ];
    log.wait_live("known", begun, SOON);
    for (name, words) in [
        ("unknown", "name the authority's PEM file in tls_ca"),
        ("othername", "made for another name"),
        ("opened", "redirects from TLS to an open connection"),
        ("nofile", "absent.pem of tls_ca cannot be read"),
    ] {
        let (_, state) = log.wait(name, "refused", begun, SOON, waiting);
        assert!(reason(&state).contains(words), "{state:?}");
        assert!(
            log.states(name)
                .iter()
                .all(|(_, s)| *s != DestinationState::Live)
        );
    }
    wait_for("pictures over TLS", SOON, || {
        (peer.seen().pictures.len() > 50).then_some(())
    });
    assert_eq!(peer.seen().accepted.len(), 1);
    rt.block_on(async {
        for p in pushes {
            p.stop().await;
        }
    });
    wait_for("an orderly end over TLS", SOON, || {
        (peer.seen().closed == 1).then_some(())
    });
    assert!(peer.seen().commands.contains(&"deleteStream".to_owned()));
}

/// Where tracing writes.
#[derive(Clone, Default)]
struct Pages(Arc<Mutex<Vec<u8>>>);

impl Write for Pages {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_key_is_in_no_log_reason_or_debug_form() {
    const KEY: &str = "canary-7f3a/x?auth=c4n4ry+Z";
    let pages = Pages::default();
    let to = pages.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || to.clone())
        .init();
    let (rt, source, (log, reporter)) = (runtime(), Source::start(320, 180, 300), Log::new());
    let good = Peer::start(Manner::Good);
    let redirecting = Peer::start(Manner::Redirect(good.url()));
    let leaking = Peer::start(Manner::Redirect(format!("gopher://x/{KEY}")));
    // A label of more than 63 characters is no name, so nobody is asked for it.
    let host = format!("canary-7f3a{}", "x".repeat(70));
    let naming = Peer::start(Manner::Redirect(format!("rtmp://{host}/x")));
    let refusing = Peer::start(Manner::Refuse("NetStream.Publish.Denied"));
    let round = redirect_to_itself();
    let authority = Authority::make();
    let port = terminate(&rt, &authority, good.port());
    let begun = Instant::now();
    let tls = {
        let mut d = destination("tls", &format!("rtmps://127.0.0.1:{port}/live"), KEY);
        d.tls_ca = authority.path("ca.pem");
        d
    };
    let all = [
        destination("redirected", &redirecting.url(), KEY),
        destination("leaking", &leaking.url(), KEY),
        destination("naming", &naming.url(), KEY),
        destination("refused", &refusing.url(), KEY),
        destination("round", &round.url(), KEY),
        tls,
    ];
    let options = PushOptions {
        destination: all[0].clone(),
        fanout: source.fanout.clone(),
        audio: true,
        adaptive: None,
    };
    let debug = format!("{options:?} {all:?}");
    let pushes = all.map(|d| push(&rt, &source, d, None, &reporter));
    log.wait_live("redirected", begun, SOON);
    log.wait_live("tls", begun, SOON);
    log.wait("refused", "refused", begun, SOON, rejected);
    let (_, state) = log.wait("leaking", "waiting", begun, SOON, waiting);
    assert!(
        reason(&state).contains("redirects to an address that is none"),
        "{state:?}"
    );
    let (_, state) = log.wait("naming", "waiting", begun, SOON, waiting);
    assert!(reason(&state).starts_with("the name ***"), "{state:?}");
    let (_, state) = log.wait("round", "waiting", begun, SOON, waiting);
    assert!(reason(&state).contains("again and again"), "{state:?}");
    std::thread::sleep(Duration::from_secs(1));
    let debug = format!("{debug} {pushes:?}");
    rt.block_on(async {
        for p in pushes {
            p.stop().await;
        }
    });
    let (_, state) = log
        .states("refused")
        .into_iter()
        .find(|(_, s)| rejected(s))
        .unwrap();
    assert!(
        reason(&state).contains("NetStream.Publish.Denied: stream *** refused"),
        "{state:?}"
    );
    let written = String::from_utf8_lossy(&pages.0.lock().unwrap()).to_lowercase();
    assert!(
        written.contains("trace") && written.contains("not live"),
        "tracing was heard"
    );
    let shown = format!("{written} {debug} {:?}", log.all()).to_lowercase();
    for leak in ["canary", "c4n4ry", "%63anary"] {
        assert!(!shown.contains(leak), "{leak} shows");
    }
    // It did go onto the wire: the good peer accepted it.
    assert_eq!(good.seen().accepted.len(), 2);
}

fn redirect_to_itself() -> Peer {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtmp://{}/live", listener.local_addr().unwrap());
    Peer::on(listener, Manner::Redirect(url))
}
