//! WebRTC for browsers that watch, agreed on by WHEP (an offer and an answer over HTTP).
//!
//! ```text
//!  offer ─> accept (SDP, keys) ─Join─┐                    ┌─ Session 1: Rtc + consumers of picture and Opus
//!  fan-out ─waker────────────────────┴─> one task (poll) ─┼─ Session 2
//!  UDP socket <─> IP_PKTINFO ──────────────────────────^  └─ Session N
//! ```
//!
//! str0m does the protocols (ICE lite, DTLS, SRTP, RTCP, retransmission) without I/O of its own; one task does the I/O of all
//! viewers on one UDP port. Nothing is encoded for them but Opus, and that only while somebody listens. A unit is sent in the same
//! moment in which the fan-out has it: the task is woken by it, and nothing is paced. A viewer that vanishes is ended by ICE after
//! about 15 s; a session that breaks ends alone.

mod offer;
mod service;
mod session;
mod socket;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, Kind, Result};
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::Fanout;
use crate::media::opus::OpusFeed;
pub use offer::MAX_SDP;
use service::{Command, Service};
use session::{Seat, Session};
use socket::Udp;

/// Wishes that may wait for the task.
const COMMANDS: usize = 64;
/// Longest wait for the task.
const LIMIT: Duration = Duration::from_secs(2);

/// Gives the box's addresses in the local network as they are now.
pub type Addresses = Arc<dyn Fn() -> Vec<IpAddr> + Send + Sync>;

/// How the service starts.
#[derive(Clone)]
pub struct WhepOptions {
    /// The UDP port; 0: any.
    pub udp_port: u16,
    /// Asked at each offer. The box itself (127.0.0.1) is always offered, too.
    pub addresses: Addresses,
    /// Viewers at the same time.
    pub max_viewers: usize,
}

impl std::fmt::Debug for WhepOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WhepOptions")
            .field("udp_port", &self.udp_port)
            .field("max_viewers", &self.max_viewers)
            .finish_non_exhaustive()
    }
}

/// The answer to an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Session description.
    pub sdp: String,
    /// Names the viewer for [`Whep::end`]; cannot be guessed.
    pub id: String,
}

/// The running service; clones share it. It ends when it is stopped or the last one is dropped.
#[derive(Clone)]
pub struct Whep {
    commands: mpsc::Sender<Command>,
    taken: Arc<AtomicUsize>,
    options: WhepOptions,
    port: u16,
    video: Fanout<AccessUnit>,
    opus: Option<OpusFeed>,
}

impl Whep {
    /// Opens the port and starts the task on `runtime`. Without `opus` there is no sound.
    ///
    /// # Errors
    /// The port is taken.
    pub fn start(
        options: WhepOptions,
        video: Fanout<AccessUnit>,
        opus: Option<OpusFeed>,
        runtime: &tokio::runtime::Handle,
    ) -> Result<Self> {
        let socket = Udp::bind(options.udp_port, runtime)?;
        let port = socket.port();
        let (commands, inbox) = mpsc::channel(COMMANDS);
        runtime.spawn(async move { Service::new(socket, inbox).run().await });
        Ok(Self {
            commands,
            taken: Arc::default(),
            options,
            port,
            video,
            opus,
        })
    }

    /// Answers a viewer's offer. The viewer has 15 s to connect.
    ///
    /// # Errors
    /// [`Kind::Unsupported`]: the offer is damaged or without H.264; [`Kind::Refused`]: all places are taken;
    /// [`Kind::Internal`]: the service has ended.
    pub async fn offer(&self, sdp: &str) -> Result<Answer> {
        let max = self.options.max_viewers;
        let seat = Seat::take(&self.taken, max).ok_or_else(|| {
            let message = format!("All {max} places for watching by WebRTC are taken.");
            Error::new(Kind::Refused, message).mend("Watch by fMP4, or try again later.")
        })?;
        let agreed = offer::accept(sdp, &(self.options.addresses)(), self.port)?;
        // By the time the viewer has connected, a fresh keyframe is in the cache.
        self.video.request_keyframe();
        let answer = Answer {
            sdp: agreed.answer.clone(),
            id: format!("{:032x}", rand::random::<u128>()),
        };
        let (video, opus) = (self.video.clone(), self.opus.clone());
        let session = Session::new(answer.id.clone(), agreed, video, opus, seat);
        let joined = self.commands.send(Command::Join(Box::new(session)));
        match tokio::time::timeout(LIMIT, joined).await {
            Ok(Ok(())) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(Error::new(
                Kind::Internal,
                "Watching by WebRTC has ended or hangs.",
            )),
        }
    }

    /// Ends the viewer `id`; whether there was one.
    pub async fn end(&self, id: &str) -> bool {
        let (told, found) = oneshot::channel();
        let ended = async {
            let command = Command::End(id.to_owned(), told);
            self.commands.send(command).await.is_ok() && found.await.unwrap_or(false)
        };
        tokio::time::timeout(LIMIT, ended).await.unwrap_or(false)
    }

    /// Viewers that watch or are about to.
    #[must_use]
    pub fn viewers(&self) -> usize {
        self.taken.load(Ordering::SeqCst)
    }

    /// The UDP port in use.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Says goodbye to all viewers and ends, within 2 s.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        let ended = async {
            if self.commands.send(Command::Stop(done)).await.is_ok() {
                let _ = stopped.await;
            }
        };
        if tokio::time::timeout(LIMIT, ended).await.is_err() {
            tracing::warn!("watching by WebRTC did not end in time");
        }
    }
}

impl std::fmt::Debug for Whep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whep")
            .field("port", &self.port)
            .field("viewers", &self.viewers())
            .finish_non_exhaustive()
    }
}
