//! The pages of the room: the web server, its certificate, the live picture, and the owner's first password.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use super::records::Kept;
use super::watching::Pictures;
use super::{keys, wall_ms};
use crate::config::{Config, Secret};
use crate::device::settings::Settings;
use crate::device::status::Status;
use crate::edge::desk::Desk;
use crate::edge::mdns::host_of;
use crate::edge::net;
use crate::edge::web::hall::accounts::ensure_owner;
use crate::edge::web::inside::{Addresses, HallOptions, Inside};
use crate::edge::web::{Hall, tls};
use crate::error::Result;
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::Fanout;
use crate::media::opus::OpusFeed;
use crate::media::output::whep::{Whep, WhepOptions};
use crate::room::live::actor::LiveHandle;
use crate::store::db::Db;

/// What the pages need.
pub struct Parts<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// The room.
    pub live: &'a LiveHandle,
    /// Where commands go.
    pub desk: &'a Desk,
    /// What is kept.
    pub db: &'a Db,
    /// Signs cookies.
    pub key: [u8; 32],
    /// What the box is doing.
    pub status: &'a watch::Receiver<Status>,
    /// The picture.
    pub main: &'a Fanout<AccessUnit>,
    /// Its sound for WebRTC.
    pub opus: Option<OpusFeed>,
    /// Port of the RTSP server.
    pub rtsp: Option<u16>,
    /// Where tasks run.
    pub runtime: &'a tokio::runtime::Handle,
}

/// Where the pages are, and what people need to get in.
#[derive(Debug, Clone)]
pub struct PagesSeen {
    /// TCP port.
    pub http: u16,
    /// TCP port of HTTPS.
    pub https: Option<u16>,
    /// SHA-256 of the certificate, as browsers show it.
    pub fingerprint: String,
    /// The owner's first password, only at the run that made it.
    pub password: Option<Secret>,
    /// The password is in its file still.
    pub first: bool,
}

/// The settings of an operator for the forms of the desk: what there is, and what is in force.
fn settings(status: watch::Receiver<Status>) -> Arc<dyn Fn() -> Value + Send + Sync> {
    Arc::new(move || {
        let schema = schemars::schema_for!(Settings).to_value();
        json!({ "schema": schema, "values": status.borrow().settings() })
    })
}

/// The running pages.
pub struct Pages {
    hall: Hall,
    whep: Option<Whep>,
    addresses: Addresses,
    seen: PagesSeen,
    complaint: Option<String>,
}

impl Pages {
    /// Starts them. Blocking.
    ///
    /// # Errors
    /// A port is taken; the certificate or the first account cannot be made.
    pub fn start(parts: &Parts<'_>) -> Result<Self> {
        let config = parts.config;
        let dir = &config.paths.state;
        let names = names();
        let certificate = keys::certificate(dir, &names, &net::addresses())?;
        let fingerprint = tls::fingerprint(&certificate.cert)?;
        let records = Arc::new(Kept::new(parts.db.clone(), parts.live.clone(), dir.clone()));
        let keep = |password: &Secret| keys::keep_first_password(dir, password);
        let password = parts
            .runtime
            .block_on(ensure_owner(records.as_ref(), wall_ms(), keep))?;
        let (whep, complaint) = match whep(parts) {
            Ok(whep) => (whep, None),
            Err(e) => {
                tracing::warn!("{}", e.report());
                (None, Some(e.report()))
            }
        };
        let watch = &config.watch;
        let pictures = Pictures {
            whep: whep.clone(),
            main: watch.enabled.then(|| parts.main.clone()),
            places: Arc::new(Semaphore::new(size(watch.max_viewers))),
            status: parts.status.clone(),
        };
        let inside = Inside {
            live: parts.live.clone(),
            desk: parts.desk.clone(),
            status: parts.status.clone(),
            records,
            media: Arc::new(pictures),
            names,
            key: parts.key,
            order_secret: config.web.order_secret.clone(),
            wall: Arc::new(wall_ms),
            schema: settings(parts.status.clone()),
            rtsp: parts.rtsp.map(|port| format!("{port}/main")),
        };
        let options = options(config, certificate);
        let hall = Hall::start(options, inside, parts.runtime)?;
        let addresses = hall.addresses();
        tracing::info!(http = %addresses.http, https = ?addresses.https, metrics = ?addresses.metrics, "the room is open");
        Ok(Self {
            seen: PagesSeen {
                http: addresses.http.port(),
                https: addresses.https.map(|at| at.port()),
                fingerprint,
                first: keys::has_first_password(dir),
                password,
            },
            hall,
            whep,
            addresses,
            complaint,
        })
    }

    /// What is wrong with the live picture in them.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        self.complaint.clone()
    }

    /// Where they are.
    #[must_use]
    pub fn seen(&self) -> PagesSeen {
        self.seen.clone()
    }

    /// Ends them within `limit`.
    pub async fn stop(self, limit: Duration) {
        tracing::debug!(http = %self.addresses.http, "the room closes");
        let whep = async {
            if let Some(whep) = self.whep {
                whep.stop().await;
            }
        };
        let both = async { tokio::join!(self.hall.stop(), whep) };
        if timeout(limit, both).await.is_err() {
            tracing::warn!("the pages of the room did not end in time");
        }
    }
}

/// Names by which the box is called on the local network, without `.local`.
fn names() -> Vec<String> {
    vec![host_of(net::hardware_id().as_deref())]
}

fn size(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn options(config: &Config, certificate: crate::edge::web::inside::Certificate) -> HallOptions {
    let web = &config.web;
    HallOptions {
        port: web.port,
        tls_port: Some(web.tls_port),
        certificate: Some(certificate),
        metrics: web.metrics,
        staff_over_http: web.staff_over_http,
        max_viewers: size(web.max_viewers),
        // A box whose stream stays on the machine keeps its pages there, too.
        only_here: config.rtsp.listen.is_loopback(),
        ..HallOptions::default()
    }
}

fn whep(parts: &Parts<'_>) -> Result<Option<Whep>> {
    let watch = &parts.config.watch;
    if !watch.enabled {
        return Ok(None);
    }
    let options = WhepOptions {
        udp_port: watch.udp_port,
        addresses: Arc::new(|| -> Vec<IpAddr> { net::addresses() }),
        max_viewers: size(watch.max_viewers),
    };
    Whep::start(
        options,
        parts.main.clone(),
        parts.opus.clone(),
        parts.runtime,
    )
    .map(Some)
}
