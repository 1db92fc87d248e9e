//! The room's web server: the page to watch and talk, the desk, and the API behind both.
//!
//! ```text
//!   TCP ─> Door (limits) ──┐                ┌─ assets          ┌─> live room   (Act, come, click, order)
//!   TLS ─> TlsDoor ────────┴─> gate.rs ─> routes.rs ─ accounts ┼─> records     (accounts, sessions, audit, shows)
//!          door.rs             Host, Origin,        ─ api      ├─> desk        (commands of the owner)
//!                              role, CSRF, headers  ─ socket   └─> media       (WHEP, fMP4)
//! ```
//!
//! The set-up page has a server of its own. Decisions on security stand in docs/web.md.

mod account_api;
/// Accounts: passwords, logging in and out.
pub mod accounts;
mod api;
mod desk_api;
mod door;
mod fault;
mod feed;
mod gate;
mod login_api;
mod read;
mod report_api;
mod routes;
mod sign;
mod socket;
mod throttle;
mod visitor;
mod watch_api;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use axum::serve::Listener;
use serde_json::Value;
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use self::accounts::Passwords;
use self::door::{Caller, TlsDoor};
use self::fault::Fault;
use self::feed::Feed;
use self::sign::Keys;
use self::throttle::Buckets;
use self::visitor::{Login, Visitor};
use super::inside::{Addresses, AuditLine, HallOptions, Inside};
use super::listen::{self, Door, Limits};
use super::tls;
use crate::error::{Error, Kind, Result, io_kind};
use crate::room::live::act::{Act, Done, Refusal, Why};
use crate::room::live::event::Role;

/// Connections beside those in the room: pages, requests, pictures.
const SLACK: usize = 256;
/// Viewers that one address may make at once, and per second in the long run: a shop's Wi-Fi is one address.
const JOINS: (u32, f64) = (1500, 1.0);
/// Accounts that one address may make.
const REGISTERS: (u32, f64) = (20, 0.05);
/// How long connections have to end.
const END_LIMIT: Duration = Duration::from_millis(300);

/// A task that serves until it is told to stop. A macro, for the bounds of the types would be longer than all of it.
macro_rules! serve {
    ($door:expr, $service:expr, $stop:expr) => {{
        let (door, service, mut stop) = ($door, $service, $stop);
        tokio::spawn(async move {
            let served = axum::serve(door, service).with_graceful_shutdown(async move {
                let _ = stop.wait_for(|s| *s).await;
            });
            if let Err(e) = served.await {
                tracing::error!(error = %e, "the web server of the room ended");
            }
        })
    }};
}

/// An account or a session is no longer what it was.
#[derive(Debug, Clone)]
pub(crate) enum Over {
    /// A session.
    Session(i64),
    /// All, or some, of an account.
    Account(String),
}

impl Over {
    fn is_of(&self, login: Option<&Login>) -> bool {
        login.is_some_and(|l| match self {
            Self::Session(id) => l.session == *id,
            Self::Account(name) => l.account == *name,
        })
    }
}

/// What all handlers share.
pub(crate) struct Shared {
    inside: Inside,
    options: HallOptions,
    keys: Keys,
    passwords: Passwords,
    feed: Feed,
    /// Places for sockets.
    seats: Arc<Semaphore>,
    ended: broadcast::Sender<Over>,
    stop: watch::Receiver<bool>,
    joins: Mutex<Buckets>,
    registers: Mutex<Buckets>,
    /// Logins are counted one after the other, so that a hundred at once are a hundred.
    counting: tokio::sync::Mutex<()>,
    addresses: Addresses,
    tally: Tally,
}

/// What `/metrics` tells of the server.
#[derive(Debug, Default)]
struct Tally {
    /// Sockets that fell behind.
    lagged: AtomicU64,
    /// Who watches by fMP4 now.
    fmp4: AtomicU64,
    /// Answers of 1xx to 5xx.
    answers: [AtomicU64; 5],
}

impl Tally {
    fn answered(&self, status: u16) {
        let class = usize::from(status / 100).saturating_sub(1);
        if let Some(of) = self.answers.get(class) {
            of.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Shared {
    /// The same page over HTTPS, for a browser that called us by the `Host` of these headers.
    fn https(&self, headers: &HeaderMap, path: &str) -> Option<String> {
        let port = self.addresses.https?.port();
        let host = headers.get(axum::http::header::HOST)?.to_str().ok()?;
        let name = match host.rfind(':') {
            Some(at) if !host.get(at..)?.contains(']') => host.get(..at)?,
            _ => host,
        };
        Some(format!("https://{name}:{port}{path}"))
    }

    /// Writes into the audit log; that it could not does not undo what was done.
    async fn audit(&self, visitor: &Visitor, what: &str, about: &Value, ok: bool) {
        let line = AuditLine {
            id: 0,
            at_ms: (self.inside.wall)(),
            by: visitor.account().to_owned(),
            what: what.to_owned(),
            about: serde_json::json!({ "what": about, "addr": visitor.addr, "ok": ok }),
        };
        if let Err(e) = self.inside.records.audit(line).await {
            tracing::warn!(error = %e.report(), "the audit log could not be written");
        }
    }

    fn take(buckets: &Mutex<Buckets>, addr: &str) -> Result<(), Fault> {
        let mut buckets = buckets.lock().unwrap_or_else(PoisonError::into_inner);
        buckets.take(addr, Instant::now()).map_err(|wait| {
            let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            Fault::too_fast(
                "Too many come from this address at once.",
                ms.saturating_add(1),
            )
        })
    }

    /// Makes sure that somebody who has an account or a cookie is a viewer whom the room knows.
    async fn in_the_room(&self, mut visitor: Visitor) -> Result<Visitor, Fault> {
        let live = &self.inside.live;
        if let Some(viewer) = visitor.viewer
            && live.person(viewer).await.is_some()
        {
            return Ok(visitor);
        }
        let Some(login) = &mut visitor.login else {
            // A cookie that outlived the records.
            return Err(Fault::nobody(
                "Join the room first: POST /api/join with a name.",
            ));
        };
        let viewer = live.come(&login.account, login.role, &visitor.addr).await?;
        login.viewer = viewer;
        let kept = self
            .inside
            .records
            .account_viewer(login.account.clone(), viewer);
        kept.await?;
        visitor.viewer = Some(viewer);
        Ok(visitor)
    }

    /// Carries out a wish of a socket: the only way from browsers into the room's core, together with `POST /api/act` and `/chat`.
    async fn carry_out(&self, visitor: &Visitor, wish: Value) -> Result<Done, Refusal> {
        match socket::wish(wish)? {
            None => Ok(Done::default()),
            Some(act) => self.act(visitor, act).await,
        }
    }

    async fn act(&self, visitor: &Visitor, act: Act) -> Result<Done, Refusal> {
        let needs = act.needs();
        if needs > visitor.role() {
            return Err(Refusal::new(
                Why::Forbidden,
                "That needs a higher role than yours.",
            ));
        }
        if act.is_of_a_viewer() && visitor.viewer.is_none() {
            return Err(Refusal::new(Why::Forbidden, "Join the room first."));
        }
        // Acts of moderation are facts of the room, and come into the audit log from there.
        let about = (needs > Role::Viewer && !is_moderation(&act)).then(|| serde_json::json!(act));
        let result = self.inside.live.act(visitor.by(), act).await;
        if let Some(about) = about {
            self.audit(visitor, "act", &about, result.is_ok()).await;
        }
        result
    }
}

/// Whether the room writes it down as `Moderated`.
fn is_moderation(act: &Act) -> bool {
    matches!(
        act,
        Act::Approve { .. }
            | Act::Hide { .. }
            | Act::TimeOut { .. }
            | Act::Ban { .. }
            | Act::Slow { .. }
            | Act::Words { .. }
            | Act::Danmaku { .. }
            | Act::Panic { .. }
            | Act::Undo { .. }
    )
}

/// The running server.
pub struct Hall {
    addresses: Addresses,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl std::fmt::Debug for Hall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hall({:?})", self.addresses)
    }
}

impl Hall {
    /// Listens and serves.
    ///
    /// # Errors
    /// A port is taken, or only root may have it; the certificate is damaged.
    pub fn start(
        options: HallOptions,
        inside: Inside,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Self> {
        let _inside_runtime = runtime.enter();
        let limits = Limits {
            most: options.max_viewers + SLACK,
            most_of_one: options.max_per_address,
            request: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            life: Duration::from_secs(600),
            send_buffer: Some(256 * 1024),
        };
        let http = door(options.port, options.only_here, limits)?;
        let https = match (options.tls_port, &options.certificate) {
            (Some(port), Some(certificate)) => {
                let acceptor = tls::acceptor(certificate)?;
                let door = door(port, options.only_here, limits)?;
                Some(TlsDoor::new(door, acceptor).map_err(|e| refused(port, e))?)
            }
            _ => None,
        };
        let metrics = options.metrics.map(metrics_door).transpose()?;
        let at = |e| refused(options.port, e);
        let addresses = Addresses {
            http: http.address().map_err(at)?,
            https: https
                .as_ref()
                .map(Listener::local_addr)
                .transpose()
                .map_err(at)?,
            metrics: metrics
                .as_ref()
                .map(Door::address)
                .transpose()
                .map_err(at)?,
        };
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            keys: Keys::new(inside.key),
            passwords: Passwords::default(),
            feed: Feed::new(),
            seats: Arc::new(Semaphore::new(options.max_viewers)),
            ended: broadcast::channel(64).0,
            stop: stopped.clone(),
            joins: Mutex::new(Buckets::new(JOINS.0, JOINS.1)),
            registers: Mutex::new(Buckets::new(REGISTERS.0, REGISTERS.1)),
            counting: tokio::sync::Mutex::default(),
            addresses,
            tally: Tally::default(),
            inside,
            options,
        });
        let from = shared.inside.live.subscribe();
        let mut tasks = vec![tokio::spawn(shared.feed.clone().run(from, stopped.clone()))];
        let routes = routes::router(&shared);
        let service = routes
            .clone()
            .into_make_service_with_connect_info::<Caller>();
        tasks.push(serve!(http, service, stopped.clone()));
        if let Some(https) = https {
            let service = routes.into_make_service_with_connect_info::<Caller>();
            tasks.push(serve!(https, service, stopped.clone()));
        }
        if let Some(metrics) = metrics {
            tasks.push(serve!(
                metrics,
                routes::metrics(&shared).into_make_service(),
                stopped
            ));
        }
        tracing::info!(?addresses, "the room is served");
        Ok(Self {
            addresses,
            stop,
            tasks,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Ends it; connections have a moment to finish.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for mut task in self.tasks {
            if timeout(END_LIMIT, &mut task).await.is_err() {
                task.abort();
                let _ = task.await;
            }
        }
    }
}

fn door(port: u16, only_here: bool, limits: Limits) -> Result<Door> {
    let here = [SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
    let everywhere = super::addresses(port);
    let addresses: &[SocketAddr] = if only_here { &here } else { &everywhere };
    let refused = |e| refused(port, e);
    let listener = listen::bind(addresses).map_err(refused)?;
    Door::new(listener, limits).map_err(refused)
}

fn metrics_door(at: SocketAddr) -> Result<Door> {
    let refused = |e| refused(at.port(), e);
    let limits = Limits {
        most: 8,
        most_of_one: 8,
        ..Limits::default()
    };
    Door::new(listen::bind(&[at]).map_err(refused)?, limits).map_err(refused)
}

fn refused(port: u16, e: std::io::Error) -> Error {
    let said = format!("The room cannot be served on port {port}");
    let mend = match io_kind(&e) {
        Kind::Permission => "Set web.port and web.tls_port to numbers above 1023.",
        _ => "Stop what uses the port, or set web.port, web.tls_port or web.metrics to another.",
    };
    Error::new(io_kind(&e), said).caused_by(e).mend(mend)
}

#[cfg(test)]
mod tests;
