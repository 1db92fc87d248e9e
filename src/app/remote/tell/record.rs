//! Events into the outbox, and telemetry: at once while there is a connection, else into the outbox as well.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Shared, written};
use crate::device::status::Status;
use crate::edge::mqtt::client::{Link, Message, Qos};
use crate::edge::mqtt::events::{Happened, Pace, between};
use crate::edge::mqtt::telemetry::{Before, Looks, Round, round};
use crate::edge::mqtt::tell::json;
use crate::edge::system;
use crate::error::Kind;
use crate::media::sync::lock;
use crate::store::outbox::Class;

/// How often what waits is looked at.
const TICK: Duration = Duration::from_millis(250);
/// Events that wait here at most while the disk takes none; the oldest go first.
const UNSAVED: usize = 256;
/// Refused commands are counted for so long and told together.
const FLOOD: Duration = Duration::from_secs(10);

struct Record {
    shared: Arc<Shared>,
    begun: Instant,
    pace: Pace,
    seen: Status,
    /// Not on disk yet, each with its time.
    unsaved: VecDeque<(Happened, Option<i64>)>,
    telemetry: Telemetry,
    /// When refused commands were told last.
    flood: Option<Instant>,
}

/// When telemetry is due, and what its rates count from.
struct Telemetry {
    last: Instant,
    before: Before,
}

impl Telemetry {
    /// Lets a random part of the interval have gone by, so that a fleet does not speak in chorus.
    fn spread(&mut self, every: Duration) {
        let gone = every.mul_f64(rand::random());
        let now = Instant::now();
        self.last = now.checked_sub(gone).unwrap_or(now);
    }
}

pub(super) async fn run(shared: Arc<Shared>, mut status: watch::Receiver<Status>) {
    let seen = status.borrow_and_update().clone();
    let mut record = Record {
        begun: Instant::now(),
        pace: Pace::default(),
        unsaved: VecDeque::new(),
        telemetry: Telemetry {
            last: Instant::now(),
            before: Before::default(),
        },
        flood: None,
        shared: shared.clone(),
        seen,
    };
    record.happened(Happened::started(&record.seen, &shared.info.version));
    record.telemetry.spread(record.every());
    let mut link = shared.client.link();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shared.ended() => return,
            said = status.changed() => {
                if said.is_err() {
                    return;
                }
                let now = status.borrow_and_update().clone();
                record.see(now);
            }
            said = link.changed() => {
                if said.is_err() {
                    return;
                }
                if *link.borrow_and_update() == Link::Up {
                    record.telemetry.spread(record.every());
                }
            }
            _ = ticks.tick() => record.tick(),
        }
        tokio::select! {
            biased;
            () = shared.ended() => return,
            () = record.work() => {}
        }
    }
}

impl Record {
    fn every(&self) -> Duration {
        let (live, idle) = self.shared.every;
        if self.seen.live { live } else { idle }
    }

    fn see(&mut self, now: Status) {
        for happened in between(&self.seen, &now) {
            self.happened(happened);
        }
        self.seen = now;
    }

    fn happened(&mut self, happened: Happened) {
        let told = self.pace.offer(happened, self.begun.elapsed());
        self.note(told);
    }

    fn tick(&mut self) {
        let due = self.pace.due(self.begun.elapsed());
        self.note(due);
        self.refusals();
        let unreadable = lock(&self.shared.unreadable).take();
        if let Some(why) = unreadable {
            self.happened(Happened::unreadable(&why));
        }
    }

    /// A flood is one event at its begin, and one for each [`FLOOD`] that it goes on.
    fn refusals(&mut self) {
        let quiet = self.flood.is_none_or(|at| at.elapsed() >= FLOOD);
        if !quiet || self.shared.refused.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.flood = Some(Instant::now());
        let count = self.shared.refused.swap(0, Ordering::Relaxed);
        self.happened(Happened::refused(count));
    }

    fn note(&mut self, happened: impl IntoIterator<Item = Happened>) {
        let at = system::unix_time();
        for happened in happened {
            if self.unsaved.len() >= UNSAVED {
                self.unsaved.pop_front();
                tracing::warn!("an event is lost: the disk does not take it");
            }
            self.unsaved.push_back((happened, at));
        }
    }

    /// What waits for disk or network.
    async fn work(&mut self) {
        while let Some((happened, at)) = self.unsaved.front().cloned() {
            let class = if happened.is_alarm() {
                Class::Alarm
            } else {
                Class::Event
            };
            let leaf = happened.kind.leaf();
            let payload = move |seq| json(&happened.numbered(seq, at));
            match self.shared.db.outbox_push(class, leaf, payload).await {
                Ok(_) => {
                    self.unsaved.pop_front();
                    self.shared.filled.notify_one();
                }
                Err(e) => {
                    // The next tick tries again.
                    tracing::debug!("{}", e.report());
                    break;
                }
            }
        }
        if self.telemetry.last.elapsed() >= self.every() {
            self.telemetry.last = Instant::now();
            self.measure().await;
        }
    }

    async fn measure(&mut self) {
        let folder = self.shared.folder.clone();
        let looked =
            tokio::task::spawn_blocking(move || (system::look(&folder), system::look_net())).await;
        let Ok((system, net)) = looked else {
            return;
        };
        let looks = Looks {
            now_s: self.begun.elapsed().as_secs_f64(),
            at: system::unix_time(),
            status: &self.seen,
            system: &system,
            net: &net,
            outbox_dropped: self.shared.db.outbox_dropped().await.unwrap_or_default(),
        };
        let (Round { sys, stream, net }, before) = round(&looks, &self.telemetry.before);
        self.telemetry.before = before;
        for (leaf, payload) in [
            ("tel/sys", json(&sys)),
            ("tel/stream", json(&stream)),
            ("tel/net", json(&net)),
        ] {
            self.send(leaf, payload).await;
        }
    }

    async fn send(&self, leaf: &str, payload: Vec<u8>) {
        if self.shared.is_up() {
            let message = Message {
                topic: self.shared.topics.own(leaf),
                payload: Bytes::from(payload.clone()),
                qos: Qos::AtMostOnce,
                retain: false,
                properties: written(),
            };
            match self.shared.publish(message).await {
                Ok(()) => return,
                Err(e) if e.kind() == Kind::Refused => {
                    tracing::debug!("{}", e.report());
                    return;
                }
                Err(_) => {}
            }
        }
        let kept = self
            .shared
            .db
            .outbox_push(Class::Telemetry, leaf.to_owned(), move |_| payload);
        match kept.await {
            Ok(_) => self.shared.filled.notify_one(),
            Err(e) => tracing::debug!("{}", e.report()),
        }
    }
}
