//! Carries out the steps of set-up that concern the network and the configuration of the next start, and runs the page.
//!
//! ```text
//!   Effect::Setup ──apply──> steps ──> ┌──────┐ ──one job at a time──> join, adopt, look around, access point
//!   watch<network::State> ───────────> │ task │                               │
//!   page: look around, used ─────────> └──────┘ <─────────outcome─────────────┘
//!   once a second: ApPolicy ─────────────^  └──> SetupEvent::{Network, AccessPoint, Done, Failed}
//! ```
//!
//! One job at a time, for there is one radio. Nothing here waits on the effects thread; a job that hangs is given up by its own
//! deadlines.

mod job;
mod page;
mod task;

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::config::Config;
use crate::config::code::WifiCode;
use crate::device::setup::SetupStep;
use crate::device::status::Status;
use crate::device::supervisor::Handle;
use crate::edge::network::Network;

/// Steps that wait.
const STEPS: usize = 32;
/// How long the end may take.
const END_LIMIT: Duration = Duration::from_millis(900);

/// What it needs.
pub struct Parts<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The core's clock.
    pub clock: &'a Clock,
    /// Events go in here.
    pub handle: &'a Handle,
    /// What the box is doing.
    pub status: &'a watch::Receiver<Status>,
    /// Where tasks run.
    pub runtime: &'a tokio::runtime::Handle,
}

/// The running part; with `setup.enabled` off it does nothing.
#[derive(Debug)]
pub struct Onboard {
    running: Option<Running>,
    page: watch::Receiver<Option<u16>>,
    own_network: watch::Receiver<Option<WifiCode>>,
}

#[derive(Debug)]
struct Running {
    steps: mpsc::Sender<SetupStep>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Onboard {
    /// Starts it. What cannot start says so once; the box goes on without.
    #[must_use]
    pub fn start(parts: &Parts<'_>) -> Self {
        let (tell_page, page) = watch::channel(None);
        let (tell_own, own_network) = watch::channel(None);
        if !parts.config.setup.enabled {
            return Self {
                running: None,
                page,
                own_network,
            };
        }
        let (network, watcher) = Network::start(parts.runtime);
        let (steps, steps_out) = mpsc::channel(STEPS);
        let (stop, stopped) = watch::channel(false);
        let task = task::Task::new(
            parts,
            network,
            parts.config.paths.state.clone(),
            steps_out,
            stopped,
            task::Told {
                page: tell_page,
                own_network: tell_own,
            },
        );
        let task = parts.runtime.spawn(async move {
            task.run().await;
            watcher.stop().await;
        });
        Self {
            running: Some(Running { steps, stop, task }),
            page,
            own_network,
        }
    }

    /// TCP port of the page while it is served.
    #[must_use]
    pub fn page(&self) -> watch::Receiver<Option<u16>> {
        self.page.clone()
    }

    /// The box's own Wi-Fi network while it is open.
    #[must_use]
    pub fn own_network(&self) -> watch::Receiver<Option<WifiCode>> {
        self.own_network.clone()
    }

    /// Has a step carried out; never waits. The outcome comes as an event.
    pub fn apply(&self, step: &SetupStep) {
        let Some(running) = &self.running else {
            return;
        };
        if running.steps.try_send(step.clone()).is_err() {
            tracing::warn!("too many steps of set-up at once; one is left out");
        }
    }

    /// Ends it, the access point of the box with it. Blocks for about a second at most.
    pub fn stop(self) {
        let Some(running) = self.running else {
            return;
        };
        let _ = running.stop.send(true);
        let end = Instant::now() + END_LIMIT;
        while !running.task.is_finished() {
            if Instant::now() >= end {
                tracing::warn!("set-up does not end in time and is cut short");
                running.task.abort();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
