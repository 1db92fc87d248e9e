//! One client of the control socket.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::ending;
use super::lines::{Line, Lines};
use crate::device::command::Origin;
use crate::device::status::Status;
use crate::device::supervisor::Handle;
use crate::edge::codec::{self, Answer, Ask, Code, Failure};
use crate::edge::desk::Desk;

/// How patient the box is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How long a client that watches nothing may take for its next request.
    pub idle: Duration,
    /// How long a client may take to read an answer.
    pub write: Duration,
}

impl Limits {
    pub(super) const USUAL: Self = Self {
        idle: Duration::from_secs(60),
        write: Duration::from_secs(10),
    };
}

/// Serves one client until it goes, is too slow, or the box ends.
pub(super) async fn serve(
    stream: UnixStream,
    handle: Handle,
    desk: Desk,
    stop: watch::Receiver<bool>,
    limits: Limits,
) {
    let peer = stream.peer_cred().ok();
    let (pid, uid) = (peer.and_then(|p| p.pid()), peer.map(|p| p.uid()));
    tracing::debug!(pid, uid, "a client of the control socket came");
    let (input, out) = stream.into_split();
    let client = Client {
        lines: Lines::new(input),
        out,
        handle,
        desk,
        watching: None,
        heard: Instant::now(),
        reading: true,
        limits,
    };
    match client.run(stop).await {
        Ok(()) => tracing::debug!(pid, "a client of the control socket went"),
        Err(e) => tracing::debug!(pid, error = %e, "a client of the control socket was let go"),
    }
}

struct Client {
    lines: Lines<OwnedReadHalf>,
    out: OwnedWriteHalf,
    handle: Handle,
    desk: Desk,
    watching: Option<Watching>,
    /// When the last whole line came.
    heard: Instant,
    /// False once the client has closed its side.
    reading: bool,
    limits: Limits,
}

struct Watching {
    id: String,
    status: watch::Receiver<Status>,
}

impl Client {
    async fn run(mut self, mut stop: watch::Receiver<bool>) -> io::Result<()> {
        // One who watches may close its own side and read on.
        while self.reading || self.watching.is_some() {
            let idle_end = self.heard + self.limits.idle;
            tokio::select! {
                biased;
                () = ending(&mut stop) => return self.tell().await,
                line = self.lines.next(), if self.reading => match line? {
                    Some(line) => {
                        self.heard = Instant::now();
                        self.line(line).await?;
                    }
                    None => self.reading = false,
                },
                open = changed(&mut self.watching) => {
                    self.tell().await?;
                    if !open {
                        return Ok(());
                    }
                }
                () = sleep_until(idle_end), if self.watching.is_none() => return self.expire().await,
            }
        }
        Ok(())
    }

    async fn line(&mut self, line: Line) -> io::Result<()> {
        let line = match line {
            Line::Whole(line) => line,
            Line::TooLong => {
                return self
                    .send(&Answer::failure(None, codec::too_large(codec::MAX_REQUEST)))
                    .await;
            }
        };
        match codec::request(&line) {
            Ok(request) => self.answer(request).await,
            Err(refused) => {
                let answer = Answer::failure(refused.id.as_deref(), refused.failure);
                self.send(&answer).await
            }
        }
    }

    async fn answer(&mut self, request: codec::Request) -> io::Result<()> {
        let id = request.id;
        match request.ask {
            Ask::Command(command) => {
                let admitted = if command.is_urgent() {
                    self.desk.admit_urgent(Origin::Cli)
                } else {
                    self.desk.admit(Origin::Cli)
                };
                let said = match admitted {
                    Ok(()) => self.desk.run(Origin::Cli, command).await,
                    Err(failure) => Err(failure),
                };
                self.send(&Answer::command(&id, &said)).await
            }
            Ask::Status => {
                let status = self.handle.status().borrow().clone();
                self.send(&Answer::status(&id, &status)).await
            }
            Ask::Watch => {
                let mut status = self.handle.status();
                status.mark_changed();
                self.watching = Some(Watching { id, status });
                Ok(())
            }
        }
    }

    /// The newest status to one who watches; what came between is left out.
    async fn tell(&mut self) -> io::Result<()> {
        let Some(watching) = &mut self.watching else {
            return Ok(());
        };
        let status = watching.status.borrow_and_update().clone();
        let line = Answer::status(&watching.id, &status).line();
        self.write(&line).await
    }

    async fn expire(&mut self) -> io::Result<()> {
        let failure = Failure::new(
            Code::Expired,
            format!(
                "Nothing was asked for {} s, so the connection ends.",
                self.limits.idle.as_secs()
            ),
        );
        self.send(&Answer::failure(None, failure)).await
    }

    async fn send(&mut self, answer: &Answer<'_>) -> io::Result<()> {
        self.write(&answer.line()).await
    }

    async fn write(&mut self, line: &[u8]) -> io::Result<()> {
        timeout(self.limits.write, self.out.write_all(line))
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "it does not read"))?
    }
}

/// True at a change, false when there will be none any more; never, where nothing is watched.
async fn changed(watching: &mut Option<Watching>) -> bool {
    match watching {
        Some(watching) => watching.status.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}
