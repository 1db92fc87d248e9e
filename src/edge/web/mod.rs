//! The web server: the set-up page.

use tokio::sync::{mpsc, watch};

use super::network::Found;
use crate::device::status::Status;
use crate::device::supervisor::Handle;
use crate::error::Result;

/// What the page asks of the rest of the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// The list of Wi-Fi networks is wanted afresh.
    LookAround,
    /// Somebody is using the page.
    Used,
}

/// What the pages show and do.
#[derive(Debug)]
pub struct Site {
    handle: Handle,
    status: watch::Receiver<Status>,
    found: watch::Receiver<Vec<Found>>,
    wishes: mpsc::Sender<Wish>,
}

impl Site {
    /// Of these parts.
    #[must_use]
    pub fn new(
        handle: Handle,
        status: watch::Receiver<Status>,
        found: watch::Receiver<Vec<Found>>,
        wishes: mpsc::Sender<Wish>,
    ) -> Self {
        Self {
            handle,
            status,
            found,
            wishes,
        }
    }
}

/// The running server.
#[derive(Debug)]
pub struct Web {}

impl Web {
    /// x
    pub fn start(_port: u16, _site: Site, _runtime: &tokio::runtime::Handle) -> Result<Self> {
        Ok(Self {})
    }
    /// x
    pub async fn stop(self) {}
}
