//! The task itself.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{broadcast, mpsc};
use tokio::time::Instant;

use super::super::event::{Event, Fact};
use super::super::messages::{self, Dirty, Sent};
use super::super::rates::Rates;
use super::super::state::{Live, Now};
use super::super::view::Out;
use super::ask::{Ask, Reply};
use super::look::Later;
use super::{Connections, Figures, Parts, Safety};
use crate::error::Result;

/// Wishes that are saved together.
pub(super) const BATCH: usize = 256;
/// How often what is gathered is saved and sent.
const GATHER: Duration = Duration::from_millis(250);
/// How often the staff are sent theirs.
const STAFF: Duration = Duration::from_millis(500);
/// Between two tries to read what is stored.
const RETRY: Duration = Duration::from_millis(500);

/// What was gathered of one viewer.
#[derive(Default)]
pub(super) struct Gathered {
    pub likes: u32,
    pub seen: BTreeSet<u64>,
}

pub(super) struct Task {
    pub parts: Parts,
    pub live: Live,
    pub rates: Rates,
    out: broadcast::Sender<Out>,
    pub connections: Arc<Connections>,
    figures: Arc<Mutex<Figures>>,
    pub count: Figures,
    pub gathered: BTreeMap<u64, Gathered>,
    dirty: Dirty,
    sent: Sent,
    /// When what is gathered is due next.
    due: Instant,
    staff_due: Instant,
    /// Something that was gathered was saved in this turn.
    pub flushed: bool,
    /// The state is not what is stored: it must be made anew.
    pub broken: bool,
    /// Lines up to here have ids of the overlay of an earlier run.
    pub first_line: u64,
    /// Lines that are being judged, so that one sent twice is not judged twice.
    pub judged: HashSet<(u64, String)>,
    // Of the batch.
    pub events: Vec<Event>,
    pub safety: Safety,
    pub replies: Vec<Later>,
    pub stop: Vec<Reply<()>>,
}

impl Task {
    pub(super) fn new(
        parts: Parts,
        live: Live,
        out: broadcast::Sender<Out>,
        connections: Arc<Connections>,
        figures: Arc<Mutex<Figures>>,
    ) -> Self {
        // Whoever was here when the program ended has no connection now.
        connections.again(
            live.people
                .all
                .iter()
                .filter(|(_, one)| one.here)
                .map(|(v, _)| *v),
        );
        let now = parts.clock.now();
        Self {
            parts,
            rates: Rates::new(now),
            out,
            connections,
            figures,
            count: Figures::default(),
            gathered: BTreeMap::new(),
            dirty: Dirty::default(),
            sent: Sent::default(),
            due: Instant::now(),
            staff_due: Instant::now(),
            flushed: false,
            broken: false,
            first_line: live.highest().line,
            judged: HashSet::new(),
            events: Vec::new(),
            safety: Safety::Lazy,
            replies: Vec::new(),
            stop: Vec::new(),
            live,
        }
    }

    pub(super) async fn run(mut self, mut asks: mpsc::Receiver<Ask>) {
        let connections = Arc::clone(&self.connections);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let next = self.next();
            tokio::select! {
                n = asks.recv_many(&mut batch, BATCH) => if n == 0 {
                    return;
                },
                () = connections.changed() => {}
                () = tokio::time::sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
            self.turn(&mut batch).await;
            if !self.stop.is_empty() {
                for reply in self.stop.drain(..) {
                    let _ = reply.send(());
                }
                return;
            }
        }
    }

    /// When there is something to do though nobody asks.
    fn next(&self) -> Option<Instant> {
        let all = Dirty {
            staff: false,
            ..self.dirty
        };
        let gathered = (all.any() || !self.gathered.is_empty()).then_some(self.due);
        let staff = self.dirty.staff.then_some(self.staff_due);
        gathered.into_iter().chain(staff).min()
    }

    fn now(&self) -> Now {
        Now {
            mono: self.parts.clock.now(),
            wall_ms: (self.parts.wall)(),
        }
    }

    async fn turn(&mut self, batch: &mut Vec<Ask>) {
        if self.broken && self.load().await.is_err() {
            tokio::time::sleep(RETRY).await;
        }
        let now = self.now();
        let mut reload = Vec::new();
        for ask in batch.drain(..) {
            match ask {
                Ask::Reload { reply } => reload.push(reply),
                ask => self.look(ask, now),
            }
        }
        if !self.broken {
            if self.due <= Instant::now() || !self.stop.is_empty() {
                self.save_gathered(now);
            }
            // Last, so that who goes with the end goes after what they did.
            self.presence(now);
        }
        self.commit().await;
        for reply in reload {
            let _ = reply.send(self.load().await);
        }
        if !self.broken {
            self.send_gathered();
        }
        self.count.viewers = self.live.people.here;
        self.count.seq = self.live.highest().seq;
        *self.figures.lock().unwrap_or_else(PoisonError::into_inner) = self.count;
    }

    /// Makes the state anew from what is stored.
    async fn load(&mut self) -> Result<()> {
        self.broken = true;
        let settings = self.live.texts.settings().clone();
        let (events, highest) = (self.parts.load)().await?;
        self.live = Live::load(settings, highest, &events)?;
        self.broken = false;
        self.dirty = Dirty::all();
        let here = self.live.people.all.iter().filter(|(_, one)| one.here);
        self.connections.again(here.map(|(viewer, _)| *viewer));
        Ok(())
    }

    /// Saves the batch, then answers and tells.
    async fn commit(&mut self) {
        let events = std::mem::take(&mut self.events);
        let safety = std::mem::replace(&mut self.safety, Safety::Lazy);
        let mut saved = !self.broken;
        if !events.is_empty() && saved {
            if let Err(e) = (self.parts.save)(events.clone(), safety).await {
                tracing::error!(error = %e.report(), events = events.len(), "the live room's events could not be stored");
                self.count.failed += 1;
                saved = false;
                if let Err(e) = self.load().await {
                    tracing::error!(error = %e.report(), "the live room's events could not be read");
                }
            } else {
                self.count.batches += 1;
                self.tell(&events);
            }
        }
        let sound = (!self.broken).then_some(&self.live);
        for later in self.replies.drain(..) {
            later(sound, saved);
        }
    }

    fn tell(&mut self, events: &[Event]) {
        for event in events {
            self.count.see(event);
            (self.parts.told)(event, &self.live);
            for message in messages::at_once(event, &self.live, &mut self.dirty) {
                self.send(message);
            }
        }
    }

    fn send(&mut self, message: Out) {
        self.count.messages += u64::from(self.out.send(message).is_ok());
    }

    /// Sends what is gathered, if it is time.
    fn send_gathered(&mut self) {
        let now = Instant::now();
        if self.due <= now {
            let all = Dirty {
                staff: false,
                ..self.dirty
            };
            if all.any() || self.flushed {
                self.due = now + GATHER;
            }
            self.flushed = false;
            for message in messages::gathered(&self.live, &mut self.dirty, &mut self.sent) {
                self.send(message);
            }
        }
        if self.dirty.staff && self.staff_due <= now {
            self.dirty.staff = false;
            self.staff_due = now + STAFF;
            if self.out.receiver_count() > 0 {
                self.send(messages::staff(&self.live));
            }
        }
    }
}

impl Figures {
    fn see(&mut self, event: &Event) {
        self.events += 1;
        match &event.fact {
            Fact::Said { .. } => self.lines += 1,
            Fact::Liked { n } => self.likes += u64::from(*n),
            Fact::Voted { .. } => self.votes += 1,
            Fact::Gave { more, .. } => self.gifts += u64::from(*more),
            Fact::Asked { .. } => self.questions += 1,
            Fact::Clicked { .. } => self.clicks += 1,
            Fact::Ordered { .. } => self.orders += 1,
            _ => {}
        }
    }
}
