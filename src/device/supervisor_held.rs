//! Answers that wait until what they answer for is on disk: nothing is acknowledged that a power cut could undo.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::actual::clean;
use super::policy::{Denial, DenialCode};
use super::supervisor::Accepted;

/// Where an answer goes.
pub(super) type Reply = oneshot::Sender<Result<Accepted, Denial>>;

/// Most answers that wait.
const MOST: usize = 1024;

/// The answers that wait, by the revision of what is wanted that must be on disk first.
#[derive(Default)]
pub(super) struct Held(VecDeque<(u64, Accepted, Reply)>);

impl Held {
    /// Whether one more may wait. Askers wait for a few seconds at most; those that have gone make room.
    pub(super) fn has_room(&mut self) -> bool {
        if self.0.len() >= MOST {
            self.0.retain(|(_, _, reply)| !reply.is_closed());
        }
        self.0.len() < MOST
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives the answer once `revision` is on disk. Beyond the room that there is only urgent ones come here, of which few
    /// change anything.
    pub(super) fn hold(&mut self, revision: u64, answer: Accepted, reply: Reply) {
        self.0.push_back((revision, answer, reply));
    }

    /// What was saved, or was not: everything up to `revision`. Newer saves replace older ones before they are carried out,
    /// so what a newer one says goes for the older.
    pub(super) fn persisted(&mut self, revision: u64, error: Option<&str>) {
        let waiting = std::mem::take(&mut self.0);
        for (needs, answer, reply) in waiting {
            if needs > revision {
                self.0.push_back((needs, answer, reply));
                continue;
            }
            // The asker may have gone; what was accepted is done all the same.
            let _ = reply.send(match error {
                None => Ok(answer),
                Some(reason) => Err(not_saved(reason)),
            });
        }
    }

    /// The box ends before it is known.
    pub(super) fn give_up(&mut self) {
        self.persisted(u64::MAX, Some("the box ended before it was"));
    }
}

/// It is so, but not for long, perhaps.
pub(super) fn not_saved(reason: &str) -> Denial {
    Denial::new(
        DenialCode::NotSaved,
        format!(
            "It is done, but it could not be saved: {}. It would be lost at a power cut. Try again when that is mended.",
            clean(reason)
        ),
    )
}
