//! A screen that is plugged in: shows pictures through the kernel's mode setting (DRM/KMS), without a desktop.
//!
//! ```text
//!            ┌──────── connected, and nobody else has it ────────┐
//!            │                                                   v
//!   looks (each 2 s, in /sys)                            shows ── poke, each 2 s ──> paint ──> buffer that is not seen ──> flip
//!            ^                                                   │
//!            └── pulled out, another one, taken away, failed ────┘
//! ```
//!
//! One thread does it all: a driver that hangs holds up nobody but that thread. While there is no screen nothing is opened,
//! and no memory is used. Whoever has the screen already, a desktop or a kiosk, keeps it. When the thread lets go of the screen
//! the kernel's console comes back.

mod card;
mod find;
mod mode;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::error::{Error, Kind, Result};
use card::Shown;
use find::{Connector, Plugged};

/// How often is looked whether a screen was plugged in or pulled out.
const LOOK: Duration = Duration::from_secs(2);
/// After a failure, and where the kernel does not know without a look at the wire.
const AGAIN: Duration = Duration::from_secs(30);
/// How long the end of the thread is waited for.
const JOIN_LIMIT: Duration = Duration::from_millis(500);

/// A picture for the whole screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Alpha (which is not looked at), red, green, blue, row by row.
    pub argb: Vec<[u8; 4]>,
}

/// What the painter is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Nothing is on the screen yet: a picture is needed even if nothing has changed.
    pub first: bool,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ScreenState {
    /// None is plugged in.
    #[default]
    None,
    /// Pictures are shown.
    Shown {
        /// Its connector: `HDMI-A-1`.
        connector: String,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Another program has it.
    Taken {
        /// Its connector.
        connector: String,
    },
    /// It cannot be used: one clause.
    Failed {
        /// Its connector.
        connector: String,
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for ScreenState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => write!(f, "none is plugged in"),
            Self::Shown {
                connector,
                width,
                height,
            } => write!(f, "{connector} {width}x{height}"),
            Self::Taken { connector } => {
                write!(
                    f,
                    "{connector}, which another program uses; it is left alone"
                )
            }
            Self::Failed { connector, reason } => write!(f, "{connector} cannot be used: {reason}"),
        }
    }
}

/// Asked for a picture whenever there may be a new one; `None`: what is shown is still right.
pub type Painter = Box<dyn FnMut(Wish) -> Option<Picture> + Send>;

/// The running part. Dropping it lets go of the screen, bounded by half a second: a driver that hangs is left behind with its thread.
#[derive(Debug)]
pub struct Screen {
    /// Closed to end the thread.
    pokes: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    state: watch::Receiver<ScreenState>,
}

impl Screen {
    /// Starts it. `paint` is called on the screen's own thread, only while a screen is there.
    ///
    /// # Errors
    /// [`Kind::Internal`] when the system gives no thread.
    pub fn start(paint: Painter) -> Result<Self> {
        Self::start_on(Path::new("/"), paint)
    }

    fn start_on(root: &Path, paint: Painter) -> Result<Self> {
        let (tell, state) = watch::channel(ScreenState::None);
        let mut keeper = Keeper {
            root: root.to_owned(),
            shown: None,
            paint,
            tell,
            not_before: None,
        };
        Self::spawn(state, move || keeper.turn())
    }

    fn spawn(
        state: watch::Receiver<ScreenState>,
        turn: impl FnMut() + Send + 'static,
    ) -> Result<Self> {
        let (pokes, poked) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("screen".into())
            .spawn(move || run(&poked, turn))
            .map_err(|e| {
                Error::new(Kind::Internal, "The screen's thread could not be started.").caused_by(e)
            })?;
        Ok(Self {
            pokes: Some(pokes),
            thread: Some(thread),
            state,
        })
    }

    /// Something has changed: the painter is asked soon. Never waits.
    pub fn poke(&self) {
        if let Some(pokes) = &self.pokes {
            // Full: it was told already. Closed: nobody is left to be told.
            let _ = pokes.try_send(());
        }
    }

    /// Where it stands, and every change of it.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<ScreenState> {
        self.state.clone()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        drop(self.pokes.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        let end = Instant::now() + JOIN_LIMIT;
        while !thread.is_finished() {
            if Instant::now() >= end {
                tracing::warn!("the screen's driver does not answer; its thread is left behind");
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        if thread.join().is_err() {
            tracing::error!("the screen's thread ended by a fault of ours");
        }
    }
}

fn run(poked: &Receiver<()>, mut turn: impl FnMut()) {
    loop {
        turn();
        match poked.recv_timeout(LOOK) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// What a screen at this machine would be used for, without touching it: one line for each connector that is plugged in.
#[must_use]
pub fn look() -> Vec<String> {
    find::connectors(Path::new("/"))
        .into_iter()
        .filter(|c| c.plugged == Plugged::Yes)
        .map(|c| match c.modes.split_whitespace().next() {
            Some(mode) => format!("{} {mode}", c.name),
            None => c.name,
        })
        .collect()
}

/// Looks for a screen, and shows pictures on it.
struct Keeper {
    root: PathBuf,
    shown: Option<(Connector, Shown)>,
    paint: Painter,
    tell: watch::Sender<ScreenState>,
    /// Do not try to open one before, after it failed.
    not_before: Option<(Connector, Instant)>,
}

impl Keeper {
    fn turn(&mut self) {
        let connectors = find::connectors(&self.root);
        if let Some((connector, _)) = &self.shown
            && !connectors.iter().any(|c| c.is_still(connector))
        {
            tracing::info!(connector = connector.name, "the screen was pulled out");
            self.shown = None;
        }
        if self.shown.is_none() {
            self.open(connectors);
        }
        self.refresh();
    }

    /// Takes the first screen that can be had.
    fn open(&mut self, connectors: Vec<Connector>) {
        let wanted = connectors.into_iter().filter(|c| c.plugged != Plugged::No);
        let mut state = ScreenState::None;
        for connector in wanted {
            let waits = self.not_before.as_ref();
            if waits.is_some_and(|(c, until)| *c == connector && Instant::now() < *until) {
                state = self.tell.borrow().clone();
                continue;
            }
            match Shown::open(&self.root, &connector) {
                Ok(Some(shown)) => {
                    self.not_before = None;
                    self.shown = Some((connector, shown));
                    return;
                }
                // The wire is looked at seldom: it costs time.
                Ok(None) => {}
                Err(refusal) => state = refusal,
            }
            self.not_before = Some((connector, Instant::now() + AGAIN));
        }
        self.say(&state);
    }

    /// Shows the picture of now.
    fn refresh(&mut self) {
        let Some((connector, shown)) = &mut self.shown else {
            return;
        };
        let (width, height) = shown.size();
        let wish = Wish {
            width,
            height,
            first: !shown.is_lit(),
        };
        let Some(picture) = (self.paint)(wish) else {
            return;
        };
        let state = match shown.show(&picture) {
            Ok(()) => ScreenState::Shown {
                connector: connector.name.clone(),
                width,
                height,
            },
            Err(e) => ScreenState::Failed {
                connector: connector.name.clone(),
                reason: e.to_string(),
            },
        };
        if !matches!(state, ScreenState::Shown { .. }) {
            let until = Instant::now() + AGAIN;
            self.not_before = self.shown.take().map(|(connector, _)| (connector, until));
        }
        self.say(&state);
    }

    /// Tells it, and once for each change a line of the log.
    fn say(&self, state: &ScreenState) {
        let changed = self.tell.send_if_modified(|now| {
            let changed = *now != *state;
            *now = state.clone();
            changed
        });
        match state {
            _ if !changed => {}
            ScreenState::Failed { .. } => tracing::warn!("Screen: {state}"),
            _ => tracing::info!("Screen: {state}"),
        }
    }
}

#[cfg(test)]
mod tests;
