//! What of the box is announced on the local network follows what is really served.
//!
//! ```text
//!   Status (name), page (its port) ──> task ──Offer──> edge::mdns ──> names in force: screen, log
//! ```

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::device::status::Status;
use crate::edge::mdns::{Announcer, InForce, Offer, Service, host_of};
use crate::edge::net;

/// What it needs.
pub struct Parts<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// What the box is doing.
    pub status: watch::Receiver<Status>,
    /// RTSP ports in use: plain, and TLS.
    pub rtsp_ports: Option<(u16, Option<u16>)>,
    /// TCP port of the page while it is served.
    pub page: watch::Receiver<Option<u16>>,
    /// TCP port of the room's pages.
    pub room: Option<u16>,
    /// Where tasks run.
    pub runtime: &'a tokio::runtime::Handle,
}

/// The running part.
pub struct Mdns {
    names: watch::Receiver<Option<InForce>>,
    quit: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Whether the box is to be found: one that listens on loopback only is not.
#[must_use]
pub fn is_wanted(config: &Config) -> bool {
    config.setup.mdns && !config.rtsp.listen.is_loopback()
}

/// The name that is tried first: `boothcast-3f2a.local`.
#[must_use]
pub fn first_name() -> String {
    format!("{}.local", host_of(net::hardware_id().as_deref()))
}

impl Mdns {
    /// Starts it where it is wanted.
    #[must_use]
    pub fn start(parts: Parts<'_>) -> Option<Self> {
        if !is_wanted(parts.config) {
            return None;
        }
        let (mut status, mut page) = (parts.status, parts.page);
        let shape = Shape {
            host: host_of(net::hardware_id().as_deref()),
            rtsp: parts.rtsp_ports.map(|(port, _)| rtsp(parts.config, port)),
            room: parts.room,
        };
        let announcer = Announcer::start(shape.offer(&mut status, &mut page), parts.runtime);
        let names = announcer.names();
        let (quit, mut quits) = oneshot::channel();
        let task = parts.runtime.spawn(async move {
            loop {
                // Those who have gone say nothing new.
                tokio::select! {
                    _ = &mut quits => break,
                    Ok(()) = status.changed() => {}
                    Ok(()) = page.changed() => {}
                }
                announcer.offer(shape.offer(&mut status, &mut page));
            }
            announcer.stop().await;
        });
        Some(Self { names, quit, task })
    }

    /// The names in force, `None` until they are.
    #[must_use]
    pub fn names(&self) -> watch::Receiver<Option<InForce>> {
        self.names.clone()
    }

    /// Says goodbye to the network and ends, within half a second.
    pub async fn stop(self) {
        let _ = self.quit.send(());
        let _ = self.task.await;
    }
}

/// What does not change while the box runs.
struct Shape {
    host: String,
    rtsp: Option<Service>,
    room: Option<u16>,
}

impl Shape {
    fn offer(
        &self,
        status: &mut watch::Receiver<Status>,
        page: &mut watch::Receiver<Option<u16>>,
    ) -> Offer {
        // One name has one page: while the box waits to be set up, that is what is looked for.
        let page = page.borrow_and_update().or(self.room).map(http);
        Offer {
            host: self.host.clone(),
            instance: status.borrow_and_update().name.clone(),
            services: self.rtsp.iter().cloned().chain(page).collect(),
        }
    }
}

fn rtsp(config: &Config, port: u16) -> Service {
    let sub = config.sub.enabled.then(|| ("sub", "/sub".to_owned()));
    let facts = [("path", "/main".to_owned())].into_iter().chain(sub);
    Service {
        kind: "_rtsp._tcp",
        port,
        facts: facts.chain([version()]).collect(),
    }
}

fn http(port: u16) -> Service {
    Service {
        kind: "_http._tcp",
        port,
        facts: vec![("path", "/".to_owned()), version()],
    }
}

fn version() -> (&'static str, String) {
    ("boothcast", env!("CARGO_PKG_VERSION").to_owned())
}
