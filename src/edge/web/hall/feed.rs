//! What the room says, gathered and given to all sockets.
//!
//! ```text
//!   live room ──Out──> one task: gathers for 30 ms ──batch (shared)──> 1,000 sockets: pick what is theirs, one write each
//! ```
//!
//! A message becomes a WebSocket text once, and is shared. At 50 messages a second, each socket is woken and written at most 33 times a
//! second. A message that comes alone goes out at once.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep_until};

use crate::room::live::event::Role;
use crate::room::live::view::{Out, To};

/// Between two batches.
const GATHER: Duration = Duration::from_millis(30);
/// Messages of a batch.
const MOST: usize = 256;
/// Batches that a slow socket may be behind: it is told that it lost some after that, in the worst case after 15 s.
const BEHIND: usize = 512;

/// One message.
#[derive(Debug, Clone)]
pub struct Frame {
    to: To,
    /// As in [`Out`].
    pub seq: u64,
    /// JSON.
    pub text: Utf8Bytes,
}

impl Frame {
    /// Whether it is for this one.
    #[must_use]
    pub fn is_for(&self, viewer: u64, role: Role) -> bool {
        match self.to {
            To::All => true,
            To::Staff => role >= Role::Moderator,
            To::Viewer(of) => of == viewer,
        }
    }
}

/// What sockets get in one go.
#[derive(Debug, Clone)]
pub enum Batch {
    /// These messages.
    Frames(Arc<[Frame]>),
    /// The server itself was too slow: all begin anew.
    Lost,
}

/// Gives batches to whoever subscribes.
#[derive(Debug, Clone)]
pub struct Feed(broadcast::Sender<Batch>);

impl Feed {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }

    /// From now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Batch> {
        self.0.subscribe()
    }

    /// Gives on what comes, until told to stop.
    pub async fn run(self, mut from: broadcast::Receiver<Out>, mut stop: watch::Receiver<bool>) {
        let mut next = Instant::now();
        loop {
            let first = tokio::select! {
                first = from.recv() => first,
                () = super::socket::stopped(&mut stop) => return,
            };
            let mut frames = match first {
                Ok(out) => vec![frame(&out)],
                Err(RecvError::Lagged(_)) => {
                    let _ = self.0.send(Batch::Lost);
                    continue;
                }
                Err(RecvError::Closed) => return,
            };
            sleep_until(next).await;
            let mut lost = false;
            while frames.len() < MOST {
                match from.try_recv() {
                    Ok(out) => frames.push(frame(&out)),
                    Err(TryRecvError::Lagged(_)) => {
                        lost = true;
                        break;
                    }
                    Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                }
            }
            let batch = if lost {
                Batch::Lost
            } else {
                Batch::Frames(frames.into())
            };
            let _ = self.0.send(batch);
            next = Instant::now() + GATHER;
        }
    }
}

fn frame(out: &Out) -> Frame {
    Frame {
        to: out.to,
        seq: out.seq,
        text: Utf8Bytes::from(out.json.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(to: To, seq: u64) -> Out {
        Out {
            to,
            seq,
            json: format!("{{\"n\":{seq}}}").into(),
        }
    }

    #[test]
    fn who_gets_what() {
        let all = frame(&out(To::All, 1));
        assert!(all.is_for(1, Role::Viewer) && all.is_for(0, Role::Owner));
        let staff = frame(&out(To::Staff, 1));
        assert!(!staff.is_for(1, Role::Viewer) && staff.is_for(1, Role::Moderator));
        let one = frame(&out(To::Viewer(7), 1));
        assert!(one.is_for(7, Role::Viewer) && !one.is_for(8, Role::Owner));
    }

    #[tokio::test]
    async fn messages_are_gathered_in_order_and_a_gap_is_told() {
        let (out_tx, from) = broadcast::channel(64);
        let (stop, stopped) = watch::channel(false);
        let feed = Feed::new();
        let mut got = feed.subscribe();
        let task = tokio::spawn(feed.clone().run(from, stopped));
        let mut seen = Vec::new();
        for seq in 1..=40 {
            out_tx.send(out(To::All, seq)).unwrap();
            if seq == 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let mut batches = 0;
        while seen.len() < 40 {
            let Batch::Frames(frames) = got.recv().await.unwrap() else {
                panic!("lost")
            };
            batches += 1;
            seen.extend(frames.iter().map(|f| f.seq));
        }
        assert_eq!(seen, (1..=40).collect::<Vec<_>>());
        assert!(batches <= 3, "{batches}");
        // More than the channel holds, while nobody takes them.
        for seq in 0..100 {
            out_tx.send(out(To::All, seq)).unwrap();
        }
        assert!(matches!(got.recv().await.unwrap(), Batch::Lost));
        stop.send(true).unwrap();
        task.await.unwrap();
    }
}
