//! How the box shows itself: on the local network, and on a screen.

use tokio::sync::watch;

use super::mdns::{self, Mdns};
use super::screen::{Outside, StatusScreen};
use crate::config::Config;
use crate::config::code::WifiCode;
use crate::device::status::Status;

/// What it needs.
pub struct Parts<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// What the box is doing.
    pub status: &'a watch::Receiver<Status>,
    /// RTSP ports in use: plain, and TLS.
    pub rtsp_ports: Option<(u16, Option<u16>)>,
    /// TCP port of the page while it is served.
    pub page: watch::Receiver<Option<u16>>,
    /// TCP port of the room's pages.
    pub room: Option<u16>,
    /// The box's own Wi-Fi network while it is open.
    pub own_network: watch::Receiver<Option<WifiCode>>,
    /// Where tasks run.
    pub runtime: &'a tokio::runtime::Handle,
}

/// The running parts.
pub struct Presence {
    mdns: Option<Mdns>,
    screen: Option<StatusScreen>,
}

impl Presence {
    /// Starts what is wanted of it.
    #[must_use]
    pub fn start(parts: Parts<'_>) -> Self {
        let mdns = Mdns::start(mdns::Parts {
            config: parts.config,
            status: parts.status.clone(),
            rtsp_ports: parts.rtsp_ports,
            page: parts.page.clone(),
            room: parts.room,
            runtime: parts.runtime,
        });
        let names = mdns
            .as_ref()
            .map_or_else(|| watch::channel(None).1, Mdns::names);
        let outside = Outside {
            names,
            page: parts.page,
            own_network: parts.own_network,
        };
        let screen = StatusScreen::start(parts.config, parts.status, outside, parts.runtime);
        Self { mdns, screen }
    }

    /// Ends both, within half a second.
    pub async fn stop(self) {
        let network = async {
            if let Some(mdns) = self.mdns {
                mdns.stop().await;
            }
        };
        let screen = async {
            if let Some(screen) = self.screen {
                screen.stop().await;
            }
        };
        tokio::join!(network, screen);
    }
}
