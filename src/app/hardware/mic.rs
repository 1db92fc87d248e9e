//! The sound card's own volume and switch: read when the microphone comes up, set by effects, looked at now and then, for
//! others can change them too (`alsamixer`).
//!
//! ```text
//!  effects ──set_volume, set_switch──> Todo (the last of each) ──> thread "mic-mixer" ──MicMixer, MicMixerFailed──> core
//!  status ──task: it came up─────────────^                          every POLL while it is up
//! ```
//!
//! The mixer is opened for each look and closed again: a mixer that is kept open keeps a card that was pulled out half alive,
//! and it would come back under another number.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;

use super::{Parts, join};
use crate::app::sources::CardInUse;
use crate::device::event::{Event, HardwareEvent};
use crate::device::status::{SourceStatus, Status};
use crate::device::supervisor::Handle;
use crate::edge::sound::{self, Card, MainCapture};
use crate::error::Error;
use crate::media::sync::lock;

/// Distance of two looks at a mixer that nobody here has touched.
const POLL: Duration = Duration::from_secs(3);
/// How long the end may wait for a card that does not answer.
const JOIN_LIMIT: Duration = Duration::from_millis(500);

/// What the thread is to do. The last wish of each kind counts, so nothing can pile up.
#[derive(Debug, Default)]
struct Todo {
    end: bool,
    /// The microphone has come up.
    opened: bool,
    volume: Option<u8>,
    on: Option<bool>,
}

impl Todo {
    fn any(&self) -> bool {
        self.end || self.opened || self.volume.is_some() || self.on.is_some()
    }
}

/// Way to the thread.
#[derive(Debug, Clone, Default)]
struct Mailbox(Arc<(Mutex<Todo>, Condvar)>);

impl Mailbox {
    fn todo(&self) -> MutexGuard<'_, Todo> {
        lock(&self.0.0)
    }

    fn put(&self, change: impl FnOnce(&mut Todo)) {
        change(&mut self.todo());
        self.0.1.notify_one();
    }

    /// What is to do now; empty after `limit`.
    fn take(&self, limit: Duration) -> Todo {
        let (mut todo, _) = self
            .0
            .1
            .wait_timeout_while(self.todo(), limit, |t| !t.any())
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *todo)
    }
}

/// The running part.
pub struct Mic {
    mailbox: Mailbox,
    watcher: tokio::task::JoinHandle<()>,
    thread: Option<JoinHandle<()>>,
}

impl Mic {
    /// Starts it.
    #[must_use]
    pub fn start(parts: &Parts<'_>) -> Self {
        let mailbox = Mailbox::default();
        let worker = Worker {
            mailbox: mailbox.clone(),
            card: parts.card.clone(),
            status: parts.status.clone(),
            handle: parts.handle.clone(),
            told: None,
        };
        let thread = std::thread::Builder::new()
            .name("mic-mixer".into())
            .spawn(move || worker.run());
        if let Err(e) = &thread {
            let reason = format!("the thread for its mixer could not be started: {e}");
            let event = HardwareEvent::MicMixerFailed { reason };
            parts.handle.event(Event::Hardware(event));
        }
        Self {
            watcher: parts
                .runtime
                .spawn(watch_openings(parts.status.clone(), mailbox.clone())),
            thread: thread.ok(),
            mailbox,
        }
    }

    /// Sets the card's capture volume, per cent of its range. Does not wait; the outcome comes as `MicMixer` or
    /// `MicMixerFailed`.
    pub fn set_volume(&self, percent: u8) {
        self.mailbox.put(|t| t.volume = Some(percent));
    }

    /// Sets the card's capture switch, likewise.
    pub fn set_switch(&self, on: bool) {
        self.mailbox.put(|t| t.on = Some(on));
    }

    /// Ends it. Bounded by [`JOIN_LIMIT`].
    pub fn stop(self) {
        self.watcher.abort();
        self.mailbox.put(|t| t.end = true);
        if let Some(thread) = self.thread {
            join(thread, "sound card's mixer", JOIN_LIMIT);
        }
    }
}

/// When the microphone came up, if it is up now.
fn up_since(status: &Status) -> Option<u64> {
    match &status.mic {
        SourceStatus::Up { since_s, .. } => Some(*since_s),
        _ => None,
    }
}

/// Tells the thread whenever the microphone comes up. Ends with the supervisor.
async fn watch_openings(mut status: watch::Receiver<Status>, mailbox: Mailbox) {
    let mut last = None;
    loop {
        let now = up_since(&status.borrow_and_update());
        if now != last && now.is_some() {
            mailbox.put(|t| t.opened = true);
        }
        last = now;
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// The thread.
struct Worker {
    mailbox: Mailbox,
    card: CardInUse,
    status: watch::Receiver<Status>,
    handle: Handle,
    /// What the core was told last, of which card.
    told: Option<(String, MainCapture)>,
}

impl Worker {
    fn run(mut self) {
        loop {
            let todo = self.mailbox.take(POLL);
            if todo.end {
                return;
            }
            let up = up_since(&self.status.borrow()).is_some();
            match self.card.get() {
                Some(card) => self.work(&todo, &card, up),
                None if up => self.without_card(&todo),
                // The core sends what it wants again when a microphone is there.
                None => {}
            }
        }
    }

    fn work(&mut self, todo: &Todo, card: &Card, up: bool) {
        let set_volume = todo.volume.map(|v| sound::set_main_volume(card, v));
        let set_switch = todo.on.map(|on| sound::set_main_switch(card, on));
        let mut set = false;
        for outcome in [set_volume, set_switch].into_iter().flatten() {
            set = true;
            if let Err(e) = outcome {
                self.failed(&e);
            }
        }
        if set || todo.opened || up {
            self.look(card, set || todo.opened);
        }
    }

    /// Reads the mixer; tells the core what is new, and in any case when it is `due`.
    fn look(&mut self, card: &Card, due: bool) {
        match sound::main_capture(card) {
            Ok(found) => {
                if due || is_news(self.told.as_ref(), card, found) {
                    self.told = Some((card.id.clone(), found));
                    self.tell(found);
                }
            }
            // What others do to it is looked for again soon.
            Err(e) => tracing::debug!(error = %e.report(), "the mixer cannot be read"),
        }
    }

    fn without_card(&mut self, todo: &Todo) {
        if todo.volume.is_some() || todo.on.is_some() {
            self.report(HardwareEvent::MicMixerFailed {
                reason: "the sound comes from no sound card, so there is no volume to set".into(),
            });
        }
        if todo.opened {
            self.told = None;
            self.tell(MainCapture::default());
        }
    }

    fn tell(&self, found: MainCapture) {
        self.report(HardwareEvent::MicMixer {
            percent: found.percent,
            on: found.on,
        });
    }

    fn failed(&self, e: &Error) {
        tracing::warn!(error = %e.report(), "a sound card's volume or switch was not set");
        self.report(HardwareEvent::MicMixerFailed { reason: clause(e) });
    }

    fn report(&self, event: HardwareEvent) {
        self.handle.event(Event::Hardware(event));
    }
}

fn is_news(told: Option<&(String, MainCapture)>, card: &Card, found: MainCapture) -> bool {
    told.is_none_or(|(id, before)| *id != card.id || *before != found)
}

/// The sentence of an error as a clause: `the sound card X has no capture volume`.
fn clause(e: &Error) -> String {
    let sentence = e.message().trim_end_matches('.');
    match sentence.strip_prefix("The ") {
        Some(rest) => format!("the {rest}"),
        None => sentence.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::error::Kind;

    #[test]
    fn the_last_wish_counts_and_nothing_piles_up() {
        let mailbox = Mailbox::default();
        for percent in 0..100 {
            mailbox.put(|t| t.volume = Some(percent));
            mailbox.put(|t| t.on = Some(percent % 2 == 0));
        }
        let todo = mailbox.take(Duration::from_secs(60));
        assert_eq!((todo.volume, todo.on), (Some(99), Some(false)));
        assert!(!todo.opened && !todo.end);
        let begun = Instant::now();
        assert!(!mailbox.take(Duration::from_millis(20)).any());
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn a_wish_wakes_the_thread_at_once() {
        let mailbox = Mailbox::default();
        let other = mailbox.clone();
        let thread = std::thread::spawn(move || other.take(Duration::from_secs(60)).end);
        mailbox.put(|t| t.end = true);
        assert!(thread.join().unwrap());
    }

    #[test]
    fn an_error_becomes_a_clause() {
        let e = Error::new(
            Kind::Unsupported,
            "The sound card Box (CARD=Box,DEV=0) has no capture volume.",
        );
        assert_eq!(
            clause(&e),
            "the sound card Box (CARD=Box,DEV=0) has no capture volume"
        );
    }
}
