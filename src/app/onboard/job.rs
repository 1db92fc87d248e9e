//! One thing to do at a time, for there is one radio.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::code::{BoxCode, WifiCode};
use crate::edge::network::{Found, Network};
use crate::error::{Error, Kind, Result};
use crate::store::setup_file;

/// So long a phone on the access point has to read the answer of the page before the radio leaves it.
const FAREWELL: Duration = Duration::from_secs(3);

/// Longest wait for the address of a network that is joined.
const SEEN: Duration = Duration::from_secs(3);

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Job {
    /// Join a network, until then.
    Join(WifiCode, Instant),
    /// Keep this for the next start.
    Adopt(Box<BoxCode>),
    /// Look around for networks.
    Scan,
    /// Open the access point.
    Open,
    /// Close it.
    Close,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Done {
    /// [`Job::Join`]
    Join(Result<()>),
    /// [`Job::Adopt`]
    Adopt(Result<()>),
    /// [`Job::Scan`]
    Scan(Result<Vec<Found>>),
    /// [`Job::Open`], with what phones need, and the networks seen just before.
    Open(Result<WifiCode>, Option<Vec<Found>>),
    /// [`Job::Close`]
    Close(Result<()>),
    /// It was broken off.
    Nothing,
}

/// What carrying out needs.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    /// The network.
    pub network: Network,
    /// The state folder.
    pub state_dir: PathBuf,
    /// Name of the access point.
    pub own_name: String,
}

impl Worker {
    /// Does it.
    pub(super) async fn run(self, job: Job) -> Done {
        match job {
            Job::Join(code, end) => Done::Join(self.join(&code, end).await),
            Job::Adopt(code) => Done::Adopt(self.adopt(code).await),
            Job::Scan => Done::Scan(self.network.scan(true).await),
            Job::Open => self.open().await,
            Job::Close => Done::Close(self.network.close_access_point().await),
        }
    }

    async fn join(&self, code: &WifiCode, end: Instant) -> Result<()> {
        if self.network.state().borrow().access_point {
            tokio::time::sleep(FAREWELL).await;
        }
        self.network.join(code, end).await?;
        // What follows counts on the network being seen.
        let mut state = self.network.state();
        let seen = state.wait_for(|s| s.clause.is_some());
        if tokio::time::timeout(SEEN, seen).await.is_err() {
            tracing::warn!("a network is joined, but no address is seen yet");
        }
        Ok(())
    }

    async fn adopt(&self, code: Box<BoxCode>) -> Result<()> {
        let dir = self.state_dir.clone();
        let saved = tokio::task::spawn_blocking(move || setup_file::save(&dir, &code));
        saved.await.unwrap_or_else(|e| {
            Err(Error::new(Kind::Internal, "The settings could not be saved").caused_by(e))
        })
    }

    /// One radio cannot look around while it is an access point, so it does before.
    async fn open(&self) -> Done {
        let found = self.network.scan(true).await.ok();
        let dir = self.state_dir.clone();
        let password =
            tokio::task::spawn_blocking(move || crate::store::access_point::password(&dir));
        let opened = async {
            let password = password.await.map_err(|e| {
                Error::new(Kind::Internal, "The password could not be made").caused_by(e)
            })??;
            let own = crate::edge::network::wifi_code(self.own_name.clone(), password);
            self.network.open_access_point(&own).await?;
            Ok(own)
        };
        Done::Open(opened.await, found)
    }
}
