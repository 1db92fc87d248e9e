//! The web servers: the set-up page with a small status (this file), and the room (`hall.rs`).
//!
//! ```text
//!   TCP ──accept──> limits of a connection ──> axum ──> security (Host, Origin, headers) ──> page | form | status
//!        listen.rs  (number, time, bytes)              secure.rs                              setup.rs, status.rs
//! ```
//!
//! Everything that it serves is in the program; nothing is read from disk. It shows no secret, and takes codes only while set-up is
//! open; who is asked for more is `secure.rs`.

/// The pages of the room, their scripts and styles.
pub mod assets;
mod form;
/// The room's web server.
pub mod hall;
/// What the room's server gets from the rest of the box.
pub mod inside;
mod listen;
/// Figures for Prometheus.
pub mod metrics;
/// The HTTP API as an OpenAPI document.
pub mod openapi;
mod page;
/// The report of a show as a page and as tables.
pub mod report;
mod secure;
mod setup;
mod status;
mod text;
/// The box's own certificate.
pub mod tls;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use self::hall::Hall;
pub use self::hall::accounts::ensure_owner;
pub use self::inside::{Addresses, HallOptions, Inside, Records, Watching};
use self::listen::{Door, Limits, Peer};
use super::network::Found;
use crate::config::code::SetupCode;
use crate::device::status::Status;
use crate::error::{Error, Kind, Result, io_kind};

/// Longest body of a request, bytes.
const BODY: usize = 16 * 1024;
/// How long connections have to end.
const END_LIMIT: Duration = Duration::from_millis(200);
/// Two forms from anybody are at least so far apart.
const FORMS: Duration = Duration::from_secs(1);

/// What the page asks of the rest of the box.
#[derive(Debug, Clone, PartialEq)]
pub enum Wish {
    /// The list of Wi-Fi networks is wanted afresh.
    LookAround,
    /// Somebody is using the page.
    Used,
    /// Somebody filled in the form: a network, what the box is to be, or both in this order.
    Codes(Vec<SetupCode>),
}

/// What the pages show and do.
#[derive(Debug)]
pub struct Site {
    status: watch::Receiver<Status>,
    found: watch::Receiver<Vec<Found>>,
    /// Why the last step failed: whoever was on the box's own network comes back only after the status has forgotten it.
    failure: watch::Receiver<Option<String>>,
    wishes: mpsc::Sender<Wish>,
    /// Names of the box on the local network, lower case, without `.local`.
    names: Vec<String>,
    /// Forms carry it: no other site can know it. Made anew at each start.
    token: String,
    last_form: Mutex<Option<Instant>>,
}

impl Site {
    /// Of these parts. `failure` is why the last step failed, until the next one begins; `names` are those by which the box is called on the local network, without `.local`.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new(
        status: watch::Receiver<Status>,
        found: watch::Receiver<Vec<Found>>,
        failure: watch::Receiver<Option<String>>,
        wishes: mpsc::Sender<Wish>,
        names: &[String],
    ) -> Result<Self> {
        Ok(Self {
            status,
            found,
            failure,
            wishes,
            names: names.iter().map(|n| n.to_ascii_lowercase()).collect(),
            token: secure::token()?,
            last_form: Mutex::default(),
        })
    }

    /// Tells the rest of the box; a wish that finds no room is left out.
    fn wish(&self, wish: Wish) -> bool {
        self.wishes.try_send(wish).is_ok()
    }
}

/// The running server.
#[derive(Debug)]
pub struct Web {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Web {
    /// Listens on `port` of every address (0: any free port) and serves.
    ///
    /// # Errors
    /// The port is taken, or only root may have it.
    pub fn start(port: u16, site: Site, runtime: &tokio::runtime::Handle) -> Result<Self> {
        Self::start_on(&addresses(port), Limits::default(), site, runtime)
    }

    fn start_on(
        addresses: &[SocketAddr],
        limits: Limits,
        site: Site,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Self> {
        let port = addresses.first().map_or(0, SocketAddr::port);
        let refused = |e: std::io::Error| refused(port, e);
        let listener = listen::bind(addresses).map_err(refused)?;
        let guard = runtime.enter();
        let door = Door::new(listener, limits).map_err(refused)?;
        drop(guard);
        let address = door.address().map_err(refused)?;
        let (stop, mut stopped) = watch::channel(false);
        let service = router(Arc::new(site)).into_make_service_with_connect_info::<Peer>();
        let task = runtime.spawn(async move {
            let ended = axum::serve(door, service).with_graceful_shutdown(async move {
                // Also when nobody is left to stop it.
                let _ = stopped.wait_for(|s| *s).await;
            });
            if let Err(e) = ended.await {
                tracing::error!(error = %e, "the web server ended");
            }
        });
        tracing::info!(%address, "the page of the box is served");
        Ok(Self {
            address,
            stop,
            task,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it; connections have a moment to finish.
    pub async fn stop(self) {
        let Self { stop, mut task, .. } = self;
        let _ = stop.send(true);
        if tokio::time::timeout(END_LIMIT, &mut task).await.is_err() {
            task.abort();
            let _ = task.await;
        }
    }
}

fn addresses(port: u16) -> [SocketAddr; 2] {
    [
        (Ipv6Addr::UNSPECIFIED, port).into(),
        // A kernel without IPv6.
        (Ipv4Addr::UNSPECIFIED, port).into(),
    ]
}

fn refused(port: u16, e: std::io::Error) -> Error {
    let said = format!("The page of the box cannot be served on port {port}");
    let mend = match io_kind(&e) {
        Kind::Permission => {
            "Give the program the capability CAP_NET_BIND_SERVICE, or set setup.port to a number above 1023."
        }
        _ => "Stop what uses the port, or set setup.port to another.",
    };
    Error::new(io_kind(&e), said).caused_by(e).mend(mend)
}

/// Who answers what.
fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(setup::show).post(setup::take))
        .route("/api/status", get(status::status))
        .route("/api/networks", get(status::networks))
        .route("/assets/style.css", get(page::style))
        .route("/assets/setup.js", get(page::script))
        .fallback(page::not_found)
        .layer(DefaultBodyLimit::max(BODY))
        .layer(from_fn_with_state(site.clone(), secure::guard))
        .with_state(site)
}

#[cfg(test)]
mod tests;
