//! The control socket: a Unix stream socket on which programs of this machine command the box and watch it
//! (`boothcast ctl`). One JSON object a line, both ways; `codec.rs` has their shape.
//!
//! ```text
//!   control.sock ──accept──> client task (16 at most) ──Command──> supervisor
//!                                 │  ^──────────── answer ────────────┘
//!                                 └── status lines <── watch<Status>
//! ```
//!
//! Each client has a task of its own that waits for that client alone: one that sends rubbish hears so and may go on, one
//! that sends nothing for a minute or does not read its answers for ten seconds is let go. Who may connect is the
//! file's mode: the box's own user, its group, and root.

mod client;
mod lines;
mod socket;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use client::Limits;

use super::codec::{Answer, Code, Failure};
use super::desk::Desk;
use crate::device::supervisor::Handle;
use crate::error::{Error, Result, io_kind};

/// File name of the socket.
pub const SOCKET: &str = "control.sock";
/// Clients at once.
pub const MAX_CLIENTS: usize = 16;
/// Pause after the system gave no connection (no descriptors left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// How long clients have, at the end, to take what was answered already.
const STOP_LIMIT: Duration = Duration::from_millis(500);

/// systemd's folder for things that live as long as the service (`$RUNTIME_DIRECTORY`, the first of several).
#[must_use]
pub fn runtime_dir() -> Option<PathBuf> {
    let given = std::env::var_os("RUNTIME_DIRECTORY")?;
    let given = given.to_string_lossy().into_owned();
    let first = given.split(':').find(|p| p.starts_with('/'))?;
    Some(PathBuf::from(first))
}

/// The socket while it is open.
#[derive(Debug)]
pub struct Local {
    file: socket::SocketFile,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Local {
    /// Opens the socket in `dir` and serves it on `runtime`. The caller holds the lock of `dir`, so what is left there of
    /// an earlier run is dead and is replaced. `link`: another folder in which a symbolic link shows the way.
    ///
    /// # Errors
    /// One sentence with its mend, when there can be no socket; the box does well without it.
    pub fn start(
        dir: &Path,
        link: Option<&Path>,
        handle: Handle,
        desk: Desk,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Self> {
        let path = dir.join(SOCKET);
        let failed = |e: std::io::Error| {
            Error::new(
                io_kind(&e),
                format!("The control socket {} cannot be opened", path.display()),
            )
            .caused_by(e)
            .mend("boothcast ctl does not work until this is mended and the box is restarted.")
        };
        let (listener, file) = socket::open(&path, link.map(|l| l.join(SOCKET))).map_err(failed)?;
        let listener = {
            let _inside = runtime.enter();
            UnixListener::from_std(listener).map_err(failed)?
        };
        let (stop, stopped) = watch::channel(false);
        let task = runtime.spawn(serve(listener, handle, desk, stopped));
        Ok(Self { file, stop, task })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Removes the file, lets clients take their last answers, and closes; within half a second.
    pub async fn stop(mut self) {
        drop(self.file);
        let _ = self.stop.send(true);
        if timeout(STOP_LIMIT, &mut self.task).await.is_err() {
            self.task.abort();
            let _ = self.task.await;
            tracing::debug!("a client of the control socket did not take its last answer");
        }
    }
}

async fn serve(
    listener: UnixListener,
    handle: Handle,
    desk: Desk,
    mut stop: watch::Receiver<bool>,
) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = ending(&mut stop) => break,
            Some(ended) = clients.join_next(), if !clients.is_empty() => {
                if let Err(e) = ended {
                    tracing::error!(error = %e, "a client of the control socket was ended by a fault of ours");
                }
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if clients.len() < MAX_CLIENTS => {
                    clients.spawn(client::serve(stream, handle.clone(), desk.clone(), stop.clone(), Limits::USUAL));
                }
                Ok((stream, _)) => refuse(&stream),
                Err(e) => {
                    tracing::warn!(error = %e, "the control socket gives no connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    while clients.join_next().await.is_some() {}
}

/// Waits until the socket is to close, or whoever could say so is gone.
async fn ending(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|s| *s).await;
}

/// Says that there is no room. A fresh socket has room for one line; if not, the client sees it close.
fn refuse(stream: &UnixStream) {
    let failure = Failure::new(
        Code::Busy,
        format!(
            "{MAX_CLIENTS} programs are connected already. Try again when one of them has gone."
        ),
    );
    let _ = stream.try_write(&Answer::failure(None, failure).line());
}

#[cfg(test)]
#[path = "local/tests.rs"]
mod tests;
