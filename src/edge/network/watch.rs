//! The task that watches the network and publishes what it is.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, broadcast, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::State;
use super::bus::{Bus, Word, Words};
use super::look;
use crate::error::Result;

/// Changes come in bursts: one look a moment after the first.
const SETTLE: Duration = Duration::from_millis(300);
/// A look without being told, in case a word was missed.
const BY_ITSELF: Duration = Duration::from_secs(20);
/// Distance of looks where there is no NetworkManager, and of tries to reach it.
const AGAIN: Duration = Duration::from_secs(5);
/// Longest time of a look; each of its calls has its own limit.
const LOOK: Duration = Duration::from_secs(20);

/// The task.
pub(super) struct Watcher {
    publish: watch::Sender<State>,
    words: broadcast::Sender<Word>,
    look: Arc<Notify>,
    /// The sentence about a missing NetworkManager is logged once.
    said: bool,
}

impl Watcher {
    pub(super) fn new(
        publish: watch::Sender<State>,
        words: broadcast::Sender<Word>,
        look: Arc<Notify>,
    ) -> Self {
        Self {
            publish,
            words,
            look,
            said: false,
        }
    }

    /// Watches until nobody wants to know.
    pub(super) async fn run(mut self) {
        while !self.publish.is_closed() {
            match Bus::connect().await {
                Ok(bus) => {
                    if let Err(e) = self.follow(&bus).await {
                        self.missing(&e);
                    }
                }
                Err(e) => self.missing(&e),
            }
            self.by_kernel().await;
            tokio::select! {
                () = sleep(AGAIN) => {}
                () = self.look.notified() => {}
            }
        }
    }

    fn missing(&mut self, e: &crate::error::Error) {
        if std::mem::replace(&mut self.said, true) {
            tracing::debug!("{}", e.report());
        } else {
            tracing::info!("{}", e.report());
        }
    }

    async fn by_kernel(&self) {
        if let Ok(state) = tokio::task::spawn_blocking(look::by_kernel).await {
            self.tell(state);
        }
    }

    /// Follows one connection to the bus until it is gone, or NetworkManager is.
    async fn follow(&mut self, bus: &Bus) -> Result<()> {
        let mut words = bus.words().await?;
        let mut due = Instant::now();
        loop {
            tokio::select! {
                word = words.next() => match word {
                    None => return Ok(()),
                    Some(word) => self.hear(word, &mut due),
                },
                () = self.look.notified() => due = Instant::now(),
                () = sleep_until(due) => {
                    // The words are read on meanwhile: what is not read holds up the answers.
                    let look = async {
                        if bus.has_manager().await? { look::look(bus).await } else { Err(super::bus::absent()) }
                    };
                    let looked = self.with_words(&mut words, look).await;
                    due = Instant::now() + BY_ITSELF;
                    match looked {
                        Some(Ok(state)) => {
                            self.said = false;
                            self.tell(state);
                        }
                        Some(Err(e)) => return Err(e),
                        None => {}
                    }
                }
            }
        }
    }

    /// Runs `work`, and hears the words meanwhile; a change among them is looked at once more. `None`: it took too long.
    async fn with_words<T>(
        &mut self,
        words: &mut Words,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let work = timeout(LOOK, work);
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done.ok(),
                word = words.next() => match word {
                    None => return work.await.ok(),
                    Some(Word::Changed) => self.look.notify_one(),
                    Some(word) => self.pass_on(word),
                },
            }
        }
    }

    fn hear(&self, word: Word, due: &mut Instant) {
        if word != Word::Other {
            *due = (*due).min(Instant::now() + SETTLE);
        }
        self.pass_on(word);
    }

    /// To whoever waits for a connection; nobody does while nothing is joined.
    fn pass_on(&self, word: Word) {
        if matches!(word, Word::Device { .. }) {
            let _ = self.words.send(word);
        }
    }

    fn tell(&self, state: State) {
        self.publish.send_if_modified(|now| {
            let changed = *now != state;
            *now = state;
            changed
        });
    }
}
