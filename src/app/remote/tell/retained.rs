//! What the broker keeps: told anew at each connection, as a broker may have forgotten it, and when it changes.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Shared, conn, kept};
use crate::device::status::Status;
use crate::edge::mqtt::client::{Link, Message};
use crate::edge::mqtt::homeassistant;
use crate::edge::mqtt::job::JobUpdate;
use crate::edge::mqtt::tell::{ConnState, Facts, Info, Reported, StatusReport, Wishes, json};
use crate::store::files;

/// The least time between two `status`.
const STATUS_EVERY: Duration = Duration::from_secs(1);
/// All boxes hear that Home Assistant has started at the same moment: each waits up to this.
const BIRTH_SPREAD: Duration = Duration::from_secs(5);
/// The file, in the state folder, that says where the box is announced to Home Assistant.
const ANNOUNCED: &str = "homeassistant-topic";
/// Far enough not to matter.
const NEVER: Duration = Duration::from_secs(86_400);

struct Retained {
    shared: Arc<Shared>,
    status: watch::Receiver<Status>,
    /// What was told last, and when.
    told: Option<StatusReport>,
    told_at: Option<Instant>,
    reported: Option<Reported>,
    info: Option<Info>,
    job: Option<JobUpdate>,
    /// Topics that the broker refuses: told once.
    refused: BTreeSet<String>,
    subscribed: bool,
}

pub(super) async fn run(shared: Arc<Shared>, status: watch::Receiver<Status>) {
    let mut retained = Retained {
        shared,
        status,
        told: None,
        told_at: None,
        reported: None,
        info: None,
        job: None,
        refused: BTreeSet::new(),
        subscribed: false,
    };
    retained.run().await;
}

impl Retained {
    async fn run(&mut self) {
        let shared = self.shared.clone();
        let mut link = shared.client.link();
        let mut up = *link.borrow_and_update() == Link::Up;
        let (mut fresh, mut changed) = (up, true);
        let mut announce: Option<Instant> = None;
        loop {
            if up && fresh {
                fresh = false;
                self.everything().await;
            }
            let due = self
                .told_at
                .map_or_else(Instant::now, |at| at + STATUS_EVERY);
            let announce_at = announce.unwrap_or_else(|| Instant::now() + NEVER);
            tokio::select! {
                biased;
                () = shared.ended() => return,
                said = link.changed() => {
                    if said.is_err() {
                        return;
                    }
                    up = *link.borrow_and_update() == Link::Up;
                    fresh = up;
                }
                said = self.status.changed() => {
                    if said.is_err() {
                        return;
                    }
                    changed = true;
                }
                () = shared.born.notified() => {
                    announce = Some(Instant::now() + BIRTH_SPREAD.mul_f64(rand::random()));
                }
                () = sleep_until(announce_at), if up && announce.is_some() => {
                    announce = None;
                    self.announce().await;
                }
                () = sleep_until(due), if up && changed => {
                    changed = false;
                    self.changes().await;
                }
            }
        }
    }

    /// What a broker that knows nothing must hear; `online` last, so that whoever sees it finds the rest.
    async fn everything(&mut self) {
        (self.told, self.reported, self.info) = (None, None, None);
        self.job = None;
        self.announce().await;
        self.changes().await;
        let online = conn(
            &self.shared.topics,
            ConnState::Online,
            self.shared.info.session,
        );
        self.publish(online).await;
    }

    /// Tells what is not as it was told.
    async fn changes(&mut self) {
        let status = self.status.borrow().clone();
        let started_at = self.shared.started_at(status.uptime_s);
        let info = Info {
            started_at,
            system: status.update.version.clone(),
            slot: status.update.slot.map(|s| format!("{s:?}")),
            ..self.shared.info.clone()
        };
        if self.info.as_ref() != Some(&info) && self.tell("info", json(&info)).await {
            self.info = Some(info);
        }
        let facts = Facts {
            version: self.shared.info.version.clone(),
            started_at,
        };
        let wishes = Wishes::of(&status);
        let report = StatusReport::of(&status, &wishes, &facts, self.told.as_ref());
        if self.told.as_ref() != Some(&report) {
            self.told_at = Some(Instant::now());
            if self.tell("status", json(&report)).await {
                self.told = Some(report);
            }
        }
        let job = JobUpdate::of(&status);
        if let Some(job) = job.filter(|job| self.job.as_ref() != Some(job))
            && self.tell("job/update", json(&job)).await
        {
            self.job = Some(job);
        }
        let reported = Reported::from(wishes);
        let before = self.reported.as_ref();
        if before.is_some_and(|b| b.version > reported.version) {
            tracing::error!("the version of the desired settings fell; it is not told");
        } else if before != Some(&reported) && self.tell("reported", json(&reported)).await {
            self.reported = Some(reported);
        }
    }

    /// Makes the box a device of Home Assistant, or takes back that it was one.
    async fn announce(&mut self) {
        let shared = self.shared.clone();
        let marker = shared.folder.join(ANNOUNCED);
        let before = read_marker(marker.clone()).await;
        let Some(prefix) = &shared.homeassistant else {
            if let Some(topic) = before
                && self.publish(kept(topic, Vec::new())).await
            {
                remove_marker(marker).await;
            }
            return;
        };
        if !self.subscribed {
            let filters = vec![homeassistant::birth_topic(prefix)];
            let said = tokio::select! {
                () = shared.ended() => return,
                said = shared.client.subscribe(filters) => said,
            };
            match said {
                Ok(()) => self.subscribed = true,
                Err(e) => tracing::warn!("{}", e.report()),
            }
        }
        let topic = homeassistant::topic(prefix, &shared.info);
        if before.as_ref() != Some(&topic) {
            if let Some(old) = before {
                self.publish(kept(old, Vec::new())).await;
            }
            // Before the announcement: one that is not remembered could never be taken back.
            write_marker(marker, topic.clone()).await;
        }
        let device = homeassistant::device(&shared.info, &shared.topics);
        self.publish(kept(topic, json(&device))).await;
    }

    async fn tell(&mut self, leaf: &str, payload: Vec<u8>) -> bool {
        let topic = self.shared.topics.own(leaf);
        self.publish(kept(topic, payload)).await
    }

    async fn publish(&mut self, message: Message) -> bool {
        let topic = message.topic.clone();
        match self.shared.publish(message).await {
            Ok(()) => {
                self.refused.remove(&topic);
                true
            }
            Err(e) if e.kind() == crate::error::Kind::Refused => {
                if self.refused.insert(topic.clone()) {
                    tracing::warn!(topic, "{}", e.report());
                }
                // The same again would be refused again.
                true
            }
            Err(e) => {
                tracing::debug!(topic, "{}", e.report());
                false
            }
        }
    }
}

async fn read_marker(path: PathBuf) -> Option<String> {
    let text = blocking(move || std::fs::read_to_string(path))
        .await?
        .ok()?;
    // More than any topic of ours, and no name of a file of somebody else's.
    (!text.is_empty() && text.len() <= 512 && !text.contains(['#', '+', '\0', '\n']))
        .then_some(text)
}

async fn write_marker(path: PathBuf, topic: String) {
    let said = blocking(move || files::write_atomic(&path, topic.as_bytes(), 0o600)).await;
    if let Some(Err(e)) = said {
        tracing::warn!("{}", e.report());
    }
}

async fn remove_marker(path: PathBuf) {
    let said = blocking(move || std::fs::remove_file(path)).await;
    if let Some(Err(e)) = said {
        tracing::debug!(error = %e, "the mark of Home Assistant stays");
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
