//! What a screen at the box shows follows the status.
//!
//! ```text
//!   Status, names, page, access point ── task, at most twice a second ──poke──> edge::screen (thread) ──wish──> painter
//!                                                                                   ^── picture, if it is another ──┘
//! ```
//!
//! Fonts are looked through when a screen is there for the first time, on the screen's thread.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::config::code::WifiCode;
use crate::device::event::DestinationState;
use crate::device::status::Status;
use crate::edge::mdns::InForce;
use crate::edge::net;
use crate::edge::screen::{Painter, Picture, Screen, Wish};
use crate::media::overlay::status_page::{AccessPoint, Destination, SetUp, StatusPage, draw};
use crate::media::overlay::text::Letters;

/// Between two changes of the picture.
const CALM: Duration = Duration::from_millis(500);

/// What others know that is on the page.
#[derive(Debug, Clone)]
pub struct Outside {
    /// Names on the local network.
    pub names: watch::Receiver<Option<InForce>>,
    /// TCP port of the page while it is served.
    pub page: watch::Receiver<Option<u16>>,
    /// The box's own Wi-Fi network while it is open.
    pub own_network: watch::Receiver<Option<WifiCode>>,
}

/// The running part.
pub struct StatusScreen {
    screen: Arc<Screen>,
    task: JoinHandle<()>,
}

/// Whether a screen may be used: a box does, a PC with a desktop does not.
#[must_use]
pub fn is_wanted(config: &Config) -> bool {
    config.setup.enabled && config.setup.screen
}

impl StatusScreen {
    /// Starts it where it is wanted. A fault is reported once; the box does well without.
    #[must_use]
    pub fn start(
        config: &Config,
        status: &watch::Receiver<Status>,
        outside: Outside,
        runtime: &tokio::runtime::Handle,
    ) -> Option<Self> {
        if !is_wanted(config) {
            return None;
        }
        let page = Page {
            status: status.clone(),
            outside: outside.clone(),
            camera: config.setup.camera,
        };
        let screen = Screen::start(painter(page, config))
            .inspect_err(|e| tracing::warn!("{}", e.report()))
            .ok()?;
        let screen = Arc::new(screen);
        let poked = screen.clone();
        let mut status = status.clone();
        let task = runtime.spawn(async move {
            let mut outside = outside;
            loop {
                // Those who have gone say nothing new; the status ends with the box.
                let Outside {
                    names,
                    page,
                    own_network,
                } = &mut outside;
                tokio::select! {
                    changed = status.changed() => if changed.is_err() { return },
                    Ok(()) = names.changed() => {}
                    Ok(()) = page.changed() => {}
                    Ok(()) = own_network.changed() => {}
                }
                poked.poke();
                tokio::time::sleep(CALM).await;
            }
        });
        Some(Self { screen, task })
    }

    /// Gives the screen back, within half a second.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
        let _ = tokio::task::spawn_blocking(move || drop(self.screen)).await;
    }
}

/// Makes a picture when there is another one to show.
fn painter(page: Page, config: &Config) -> Painter {
    let folder = config.overlay.fonts.clone();
    let family = config.overlay.font.clone();
    let mut letters: Option<Option<Letters>> = None;
    let mut before: Option<(StatusPage, u32, u32)> = None;
    Box::new(move |wish: Wish| {
        let now = (page.now(), wish.width, wish.height);
        if !wish.first && before.as_ref() == Some(&now) {
            return None;
        }
        let letters = letters.get_or_insert_with(|| {
            let folder = (!folder.as_os_str().is_empty()).then_some(folder.as_path());
            Letters::load(folder, Some(family.as_str()).filter(|f| !f.is_empty()))
                .inspect_err(|e| tracing::warn!("Screen: {}", e.report()))
                .ok()
        });
        let sprite = draw(&now.0, wish.width, wish.height, letters.as_mut()?);
        before = Some(now);
        Some(Picture {
            width: u32::try_from(sprite.width).ok()?,
            height: u32::try_from(sprite.height).ok()?,
            argb: sprite.argb,
        })
    })
}

/// Where the page's words come from.
struct Page {
    status: watch::Receiver<Status>,
    outside: Outside,
    camera: bool,
}

impl Page {
    fn now(&self) -> StatusPage {
        let mut addresses = net::addresses();
        addresses.retain(|a| !a.is_loopback());
        let name = self.outside.names.borrow().as_ref().map(|n| n.host.clone());
        let port = *self.outside.page.borrow();
        let own = self.outside.own_network.borrow().clone();
        let status = self.status.borrow();
        of(
            &status,
            &Around {
                addresses,
                name,
                port,
                own,
                camera: self.camera,
            },
        )
    }
}

/// What is around the box.
struct Around {
    addresses: Vec<IpAddr>,
    name: Option<String>,
    port: Option<u16>,
    own: Option<WifiCode>,
    camera: bool,
}

/// The page of this moment.
fn of(status: &Status, around: &Around) -> StatusPage {
    let Around {
        addresses, name, ..
    } = around;
    let first = addresses.first();
    let name = name.iter().filter(|_| first.is_some()).cloned();
    StatusPage {
        name: status.name.clone(),
        sentence: status.health.sentence.clone(),
        severity: status.health.severity,
        light: status.health.led,
        addresses: name
            .chain(addresses.iter().map(IpAddr::to_string))
            .collect(),
        destinations: status
            .destinations
            .iter()
            .filter(|d| d.enabled)
            .map(|d| Destination {
                name: d.name.to_string(),
                live: d.state == DestinationState::Live,
            })
            .collect(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        note: status.setup.note.clone(),
        setup: status.setup.open.then(|| SetUp {
            camera: around.camera,
            closes_in_min: status.setup.closes_in_s.map(|s| s / 60),
        }),
        access_point: around.own.as_ref().map(|own| AccessPoint {
            ssid: own.ssid.clone(),
            password: own.password.clone(),
            code: own.text(),
        }),
        page: around
            .port
            .zip(first)
            .map(|(port, address)| url(*address, port)),
    }
}

fn url(address: IpAddr, port: u16) -> String {
    let host = match address {
        IpAddr::V4(a) => a.to_string(),
        IpAddr::V6(a) => format!("[{a}]"),
    };
    match port {
        80 => format!("http://{host}/"),
        port => format!("http://{host}:{port}/"),
    }
}
