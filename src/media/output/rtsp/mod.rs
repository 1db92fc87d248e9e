//! The local RTSP server (RFC 2326): `rtsp://box:port/main` and `/sub`, over TCP and UDP, digest authentication, RTSPS.
//!
//! ```text
//!  Fanout<AccessUnit> ─> payload once ─> Fanout<RtpUnit> ─┬─> reader 1 ─> stream transport ─> TCP, interleaved
//!      (mount thread)                                     ├─> reader 2 ─> UDP
//!                                                         └─> reader N (frozen: refuses until the next keyframe)
//!  gst-rtsp-server: requests, sessions, authentication, TLS, session descriptions, transports, RTCP that comes in
//! ```
//!
//! See `feed.rs` for how the two are joined.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer::glib;
use gstreamer_rtsp_server as rtsp;
use rtsp::gio;
use rtsp::prelude::*;

mod connection;
mod control;
mod feed;
mod leg;
mod mount;
mod payload;
mod reader;
mod rtcp;
mod secure;

use control::Control;
use mount::MountState;

use super::super::access_unit::AccessUnit;
use super::super::fanout::Fanout;
use super::super::report::Reporter;
use super::super::time::MediaClock;
use crate::config::Secret;
use crate::error::{Error, Kind, Result};

/// Bound of [`RtspServer::stop`].
const STOP: Duration = Duration::from_millis(1500);
/// Longest request body that is read.
const MAX_BODY: u32 = 64 << 10;

/// What RTSPS needs.
#[derive(Debug, Clone)]
pub struct RtspTls {
    /// PEM certificate, chain included.
    pub cert_pem: PathBuf,
    /// PEM private key.
    pub key_pem: PathBuf,
    /// Port; 0: one that the system chooses.
    pub port: u16,
}

/// Where and for whom the server runs.
#[derive(Debug, Clone)]
pub struct RtspOptions {
    /// Address to listen on.
    pub listen: IpAddr,
    /// Port; 0: one that the system chooses.
    pub port: u16,
    /// User and password for digest authentication (RFC 2617); `None`: open to everyone.
    pub auth: Option<(String, Secret)>,
    /// RTSPS beside it, when there is a certificate.
    pub tls: Option<RtspTls>,
    /// Readers at once, over all mounts; 0: no limit.
    pub max_readers: u32,
    /// Seconds without a sign of life until a session ends.
    pub session_timeout_s: u32,
    /// Name of the box, shown as realm of the authentication.
    pub box_name: String,
}

/// One stream to serve.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Path, with the slash: `/main`.
    pub path: String,
    /// Where the access units come from.
    pub fanout: Fanout<AccessUnit>,
    /// Whether the stream has sound.
    pub audio: bool,
}

/// The running server.
pub struct RtspServer {
    control: Arc<Control>,
    mounts: Vec<Arc<MountState>>,
    mount_threads: Vec<JoinHandle<()>>,
    servers: Vec<(rtsp::RTSPServer, glib::Source)>,
    main_loop: glib::MainLoop,
    thread: Option<JoinHandle<()>>,
    port: u16,
    tls_port: Option<u16>,
}

impl RtspServer {
    /// Starts to listen and to serve `mounts`. `gst::init` must have been called.
    ///
    /// Fails with [`Kind::InUse`] or [`Kind::Permission`] when the port cannot be had, [`Kind::Missing`] without the
    /// RTP plug-ins or a TLS backend, [`Kind::NotFound`], [`Kind::Permission`] or [`Kind::BadConfig`] when certificate
    /// or key cannot be used.
    pub fn start(
        options: RtspOptions,
        mounts: Vec<Mount>,
        clock: &MediaClock,
        reporter: Reporter,
    ) -> Result<Self> {
        let certificate = options.tls.as_ref().map(secure::certificate).transpose()?;
        let mounts: Vec<_> = mounts
            .into_iter()
            .map(|m| MountState::new(m.path, m.fanout, m.audio, clock))
            .collect();
        let control = Control::new(
            mounts.clone(),
            options.max_readers,
            options.session_timeout_s,
            reporter,
        );
        let context = glib::MainContext::new();
        let points = rtsp::RTSPMountPoints::new();
        for mount in &mounts {
            let factory = feed::Factory::new(mount);
            secure::permit(&factory);
            points.add_factory(&mount.path, factory);
        }
        let threads = rtsp::RTSPThreadPool::new();
        // A thread for each connection, so that one that waits (for formats, in a TLS handshake) holds up nobody.
        threads.set_max_threads(-1);
        let listen = |port: u16, key: &str, auth: Option<rtsp::RTSPAuth>| {
            let server = new_server(&options, port, &control, &points, &threads);
            server.set_auth(auth.as_ref());
            bind(&server, &context, options.listen, port, key).map(|s| (server, s))
        };
        let plain = listen(options.port, "rtsp.port", secure::auth(&options, None))?;
        let port = u16::try_from(plain.0.bound_port()).unwrap_or(options.port);
        let mut servers = vec![plain];
        let mut tls_port = None;
        if let (Some(tls), Some(certificate)) = (&options.tls, &certificate) {
            let auth = secure::auth(&options, Some(certificate));
            let secured = listen(tls.port, "rtsp.tls_port", auth)?;
            tls_port = u16::try_from(secured.0.bound_port()).ok();
            servers.push(secured);
        }
        let mut mount_threads = Vec::new();
        for mount in &mounts {
            mount_threads.push(mount.spawn()?);
        }
        // From here on the password lives in the library's authentication only.
        drop(options);
        let main_loop = glib::MainLoop::new(Some(&context), false);
        let thread = spawn_loop(&context, &main_loop, &control)?;
        Ok(Self {
            control,
            mounts,
            mount_threads,
            servers,
            main_loop,
            thread: Some(thread),
            port,
            tls_port,
        })
    }

    /// Port that RTSP is served on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Port that RTSPS is served on, if it is.
    #[must_use]
    pub fn tls_port(&self) -> Option<u16> {
        self.tls_port
    }

    /// Readers in PLAY now.
    #[must_use]
    pub fn readers(&self) -> u32 {
        self.control.readers()
    }

    /// Ends all sessions, closes all connections, stops listening. Takes at most 1.5 s.
    pub fn stop(mut self) {
        self.shut_down();
    }

    fn shut_down(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        let deadline = Instant::now() + STOP;
        self.control.stop();
        for (server, source) in self.servers.drain(..) {
            source.destroy();
            server.client_filter(Some(&mut |_, client| {
                connection::shut(client);
                rtsp::RTSPFilterResult::Keep
            }));
        }
        // Connections are closed by their own threads, which see the end of the stream.
        wait_until(deadline - STOP / 3, || self.control.connections() == 0);
        self.control
            .pool()
            .filter(Some(&mut |_, _| rtsp::RTSPFilterResult::Remove));
        self.control.release();
        self.main_loop.quit();
        for thread in self.mount_threads.drain(..).chain([thread]) {
            if wait_until(deadline, || thread.is_finished()) {
                let _ = thread.join();
            } else {
                tracing::error!("A thread of the RTSP server does not end.");
            }
        }
        self.control.bury_all();
    }
}

impl Drop for RtspServer {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl std::fmt::Debug for RtspServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RtspServer")
            .field("port", &self.port)
            .field("tls_port", &self.tls_port)
            .field("mounts", &self.mounts.len())
            .finish_non_exhaustive()
    }
}

/// Polls until `done`, at most until `deadline`; gives the last answer.
fn wait_until(deadline: Instant, done: impl Fn() -> bool) -> bool {
    while !done() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

fn new_server(
    options: &RtspOptions,
    port: u16,
    control: &Arc<Control>,
    points: &rtsp::RTSPMountPoints,
    threads: &rtsp::RTSPThreadPool,
) -> rtsp::RTSPServer {
    let server = rtsp::RTSPServer::new();
    server.set_address(&options.listen.to_string());
    server.set_service(&port.to_string());
    server.set_session_pool(Some(control.pool()));
    server.set_mount_points(Some(points));
    server.set_thread_pool(Some(threads));
    server.set_content_length_limit(MAX_BODY);
    let weak = Arc::downgrade(control);
    server.connect_client_connected(move |_, client| match weak.upgrade() {
        Some(control) => control.admit(client),
        None => connection::shut(client),
    });
    server
}

fn bind(
    server: &rtsp::RTSPServer,
    context: &glib::MainContext,
    listen: IpAddr,
    port: u16,
    key: &str,
) -> Result<glib::Source> {
    let source = server.create_source(gio::Cancellable::NONE).map_err(|e| {
        let address = std::net::SocketAddr::new(listen, port);
        if e.matches(gio::IOErrorEnum::AddressInUse) {
            Error::new(
                Kind::InUse,
                format!("The RTSP address {address} is used by another program."),
            )
            .mend(format!(
                "Set {key} to another number, or stop the other program."
            ))
        } else if e.matches(gio::IOErrorEnum::PermissionDenied) {
            Error::new(
                Kind::Permission,
                format!("The system does not let us listen on {address}."),
            )
            .mend(format!("Set {key} to a number above 1023."))
        } else {
            Error::new(
                Kind::Unsupported,
                format!("The RTSP server cannot listen on {address}."),
            )
            .caused_by(e)
            .mend("Set rtsp.listen to an address of this machine, or to 0.0.0.0.")
        }
    })?;
    source.attach(Some(context));
    Ok(source)
}

fn spawn_loop(
    context: &glib::MainContext,
    main_loop: &glib::MainLoop,
    control: &Arc<Control>,
) -> Result<JoinHandle<()>> {
    let (context, main_loop) = (context.clone(), main_loop.clone());
    let control = Arc::downgrade(control);
    std::thread::Builder::new()
        .name("rtsp-server".to_owned())
        .spawn(move || {
            let ticker = glib::timeout_source_new_seconds(
                1,
                Some("rtsp tick"),
                glib::Priority::DEFAULT,
                move || match control.upgrade() {
                    Some(control) => {
                        control.tick();
                        glib::ControlFlow::Continue
                    }
                    None => glib::ControlFlow::Break,
                },
            );
            ticker.attach(Some(&context));
            let _ = context.with_thread_default(|| main_loop.run());
            ticker.destroy();
        })
        .map_err(|e| Error::new(Kind::Internal, "The RTSP thread does not start.").caused_by(e))
}
