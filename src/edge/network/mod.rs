//! The network, by NetworkManager over D-Bus: what the box is connected to, which Wi-Fi networks are there, joining one, and
//! an access point of the box's own.
//!
//! ```text
//!   NetworkManager ──signals──> watch task ──look──> watch<State>   (a clause such as "Wi-Fi Shop, 192.168.1.20")
//!         ^                          └──device states──> join (waits for the outcome, at most 45 s)
//!         └──── scan, join, access point: calls with deadlines, on a connection of their own
//! ```
//!
//! Where there is no NetworkManager (a PC, a container) the state is the kernel's own account, and joining says in one
//! sentence why it cannot. The task connects again when the bus or NetworkManager starts anew.

mod access_point;
pub mod ap_policy;
mod bus;
mod join;
mod look;
mod profile;
mod reason;
mod scan;
mod watch;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::sync::{Mutex, broadcast, watch as channel};
use tokio::time::Instant;

use self::bus::{Bus, Word};
use crate::config::code::WifiCode;
use crate::error::Result;

pub use self::access_point::{network_name, wifi_code};
pub use self::scan::Found;

/// The box's address on its own network.
pub const AP_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Words of devices that a slow reader may be behind.
const WORDS: usize = 64;

/// What the box is connected to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// NetworkManager is there.
    pub manager: bool,
    /// There is a Wi-Fi radio that NetworkManager may use.
    pub radio: bool,
    /// One clause such as `Wi-Fi Shop, 192.168.1.20` or `cable, 10.0.0.7`; `None`: no network.
    pub clause: Option<String>,
    /// Addresses of the networks, without the access point's.
    pub addresses: Vec<IpAddr>,
    /// The access point of the box is up.
    pub access_point: bool,
    /// A Wi-Fi network is saved that could be joined by itself.
    pub known: bool,
}

/// The network: cheap to clone.
#[derive(Debug, Clone)]
pub struct Network {
    state: channel::Receiver<State>,
    words: broadcast::Sender<Word>,
    /// Made at the first call, anew after the bus was away.
    bus: Arc<Mutex<Option<Bus>>>,
    look: Arc<tokio::sync::Notify>,
}

/// The task behind it.
#[derive(Debug)]
pub struct Task {
    task: tokio::task::JoinHandle<()>,
}

impl Network {
    /// Begins to watch the network.
    #[must_use]
    pub fn start(runtime: &tokio::runtime::Handle) -> (Self, Task) {
        let (publish, state) = channel::channel(State::default());
        let (words, _) = broadcast::channel(WORDS);
        let look = Arc::new(tokio::sync::Notify::new());
        let watcher = watch::Watcher::new(publish, words.clone(), look.clone());
        let network = Self {
            state,
            words,
            bus: Arc::default(),
            look,
        };
        let task = runtime.spawn(watcher.run());
        (network, Task { task })
    }

    /// The state, now and whenever it changes.
    #[must_use]
    pub fn state(&self) -> channel::Receiver<State> {
        self.state.clone()
    }

    /// Has the state looked at now; [`Network::state`] has it a moment later.
    pub fn look(&self) {
        self.look.notify_one();
    }

    /// The Wi-Fi networks around, strongest first. With `afresh` the radio looks first, which takes some seconds.
    ///
    /// # Errors
    /// No NetworkManager, no radio; it does not answer.
    pub async fn scan(&self, afresh: bool) -> Result<Vec<Found>> {
        let bus = self.bus().await?;
        self.keep(scan::scan(&bus, afresh).await).await
    }

    /// Joins a network and keeps it; waits until it is joined, at most until `end`. One that fails is not kept, and what the box
    /// was connected to before is connected again.
    ///
    /// # Errors
    /// Why not, with the mend: a wrong password, not found, no address.
    pub async fn join(&self, code: &WifiCode, end: Instant) -> Result<()> {
        let bus = self.bus().await?;
        let joined = join::join(&bus, self.words.subscribe(), code, end).await;
        self.look();
        self.keep(joined).await
    }

    /// Opens the access point of the box.
    ///
    /// # Errors
    /// No radio, or one that cannot be an access point; it does not answer.
    pub async fn open_access_point(&self, own: &WifiCode) -> Result<()> {
        let bus = self.bus().await?;
        let opened = access_point::open(&bus, self.words.subscribe(), own).await;
        self.look();
        self.keep(opened).await
    }

    /// Closes it, if it is open.
    ///
    /// # Errors
    /// NetworkManager does not answer.
    pub async fn close_access_point(&self) -> Result<()> {
        let bus = self.bus().await?;
        let closed = access_point::close(&bus).await;
        self.look();
        self.keep(closed).await
    }

    async fn bus(&self) -> Result<Bus> {
        let mut kept = self.bus.lock().await;
        if let Some(bus) = kept.as_ref() {
            if bus.has_manager().await.unwrap_or(false) {
                return Ok(bus.clone());
            }
            *kept = None;
        }
        let bus = Bus::connect().await?;
        if !bus.has_manager().await? {
            return Err(bus::absent());
        }
        *kept = Some(bus.clone());
        Ok(bus)
    }

    /// Lets go of a connection that failed: the next call makes a new one.
    async fn keep<T>(&self, outcome: Result<T>) -> Result<T> {
        if outcome.is_err() {
            *self.bus.lock().await = None;
        }
        outcome
    }
}

impl Task {
    /// Ends it. Nothing of the network changes.
    pub async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

#[cfg(test)]
mod nm_tests;
