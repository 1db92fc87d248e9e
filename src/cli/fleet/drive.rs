//! Carries a roll-out out: writes desired settings, hears what boxes report, and asks [`Rollout`] what is next.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::known::{Boxes, Conn};
use super::rollout::{Look, Rollout, Step};
use super::settings;
use crate::cli::broker::args::Reach;
use crate::cli::broker::link::{Link, Said, message};
use crate::cli::outcome::Trouble;
use crate::config::BoxId;
use crate::edge::mqtt::client::Message;

/// How often boxes are looked at.
const TICK: Duration = Duration::from_millis(250);
/// How long the broker may take to acknowledge what is written to one stage.
const WRITE_LIMIT: Duration = Duration::from_secs(120);
/// The largest message of a box that is kept.
const MAX_KEPT: usize = 64 * 1024;

/// What is known of the boxes that are meant, and what was written for them.
#[derive(Default)]
pub(super) struct World {
    pub boxes: Boxes,
    desired: BTreeMap<BoxId, Bytes>,
    reported: BTreeMap<BoxId, Bytes>,
    /// Frames a second of the main rendition, as last told.
    fps: BTreeMap<BoxId, f64>,
    /// The version that was written for each.
    versions: BTreeMap<BoxId, u64>,
    /// What brings back what was before.
    undo: BTreeMap<BoxId, Value>,
}

impl World {
    pub(super) fn take(&mut self, reach: &Reach, said: &Said) {
        let Some((id, leaf)) = reach.fleet.split(&said.topic) else {
            return;
        };
        let payload = &said.payload;
        match leaf {
            "desired" if payload.len() <= MAX_KEPT => {
                self.desired.insert(id, payload.clone());
            }
            "tel/stream" => {
                let rates: Option<Value> = serde_json::from_slice(payload).ok();
                if let Some(fps) = rates.and_then(|r| r["fps"]["main"].as_f64()) {
                    self.fps.insert(id, fps);
                }
            }
            _ => {
                if leaf == "reported" && payload.len() <= MAX_KEPT {
                    self.reported.insert(id, payload.clone());
                }
                self.boxes.take(&reach.fleet, said);
            }
        }
    }

    /// Desired settings so far: version and settings.
    pub(super) fn desired(&self, id: &BoxId) -> (u64, Value) {
        parts(self.desired.get(id))
    }

    /// What is in force: version and settings.
    pub(super) fn reported(&self, id: &BoxId) -> (u64, Value) {
        parts(self.reported.get(id))
    }

    fn look(&self, id: &BoxId) -> Look {
        let Some(known) = self.boxes.all.get(id) else {
            return Look::default();
        };
        let (settings, status) = (known.settings.as_ref(), known.status.as_ref());
        let wanted = self.versions.get(id);
        let taken = settings.filter(|s| wanted.is_some_and(|v| s.version >= *v));
        let told = self.fps.get(id).map(|fps| *fps > 0.0);
        Look {
            online: known.state == Conn::Online,
            severity: known.severity(),
            frames: match status.map(|s| s.encodes) {
                Some(false) => Some(false),
                encodes => told.or(encodes),
            },
            taken: taken.is_some(),
            errors: taken.is_some_and(|s| s.errors > 0),
            rolled_back: taken.is_some_and(|s| s.rolled_back.is_some()),
        }
    }

    /// The message that lays `file` over what is desired of a box so far.
    fn laid(&mut self, reach: &Reach, id: &BoxId, file: &Value) -> Result<Message, Trouble> {
        let (of_desired, desired) = self.desired(id);
        let (of_reported, reported) = self.reported(id);
        let version = of_desired.max(of_reported) + 1;
        let undo = settings::undo(&desired, file, &reported);
        self.undo.insert(id.clone(), undo);
        self.write(reach, id, version, &settings::overlay(&desired, file))
    }

    /// The message that brings back what was before.
    fn back(&mut self, reach: &Reach, id: &BoxId) -> Result<Message, Trouble> {
        let written = self.versions.get(id).copied().unwrap_or_default();
        let version = self.desired(id).0.max(self.reported(id).0).max(written) + 1;
        let undo = self.undo.get(id).cloned().unwrap_or_else(|| json!({}));
        self.write(reach, id, version, &undo)
    }

    fn write(
        &mut self,
        reach: &Reach,
        id: &BoxId,
        version: u64,
        settings: &Value,
    ) -> Result<Message, Trouble> {
        let payload = json!({"version": version, "settings": settings}).to_string();
        if payload.len() > settings::MAX_BYTES {
            return Err(Trouble::Broken(format!(
                "The settings of box {id} would be longer than {} KiB.",
                settings::MAX_BYTES / 1024
            )));
        }
        self.versions.insert(id.clone(), version);
        // What was told before does not count for what comes after.
        self.fps.remove(id);
        let topic = reach.fleet.of(id).own("desired");
        Ok(message(topic, payload.into_bytes(), true))
    }
}

fn parts(payload: Option<&Bytes>) -> (u64, Value) {
    let value: Value = payload
        .and_then(|p| serde_json::from_slice(p).ok())
        .unwrap_or_default();
    let settings = value.get("settings").filter(|s| s.is_object());
    (
        value["version"].as_u64().unwrap_or_default(),
        settings.cloned().unwrap_or_else(|| json!({})),
    )
}

/// How a roll-out ended.
#[derive(Debug, PartialEq)]
pub(super) enum End {
    Done,
    /// Too many got worse.
    Worse,
    /// Ctrl-C.
    Interrupted,
    /// The broker went, or does not allow it.
    Failed(Trouble),
}

/// Whether somebody pressed Ctrl-C. The second one ends at once.
pub(super) fn on_interrupt() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&flag);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if set.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        }
    });
    flag
}

/// One roll-out at work.
pub(super) struct Drive<'a> {
    pub link: &'a mut Link,
    pub reach: &'a Reach,
    pub world: &'a mut World,
    pub interrupted: Arc<AtomicBool>,
    pub say: &'a mut dyn FnMut(&str),
}

impl Drive<'_> {
    /// Until all stages are through, or it stops.
    pub(super) async fn run(&mut self, rollout: &mut Rollout<BoxId>, file: &Value) -> End {
        let begin = Instant::now();
        loop {
            // Between two stages nothing is half done.
            if self.interrupted.load(Ordering::SeqCst) {
                rollout.stop();
                return End::Interrupted;
            }
            let judged = rollout.judged().len();
            let step = rollout.step(begin.elapsed(), &mut |id| self.world.look(id));
            if rollout.judged().len() > judged {
                self.tell_judgement(rollout);
            }
            let done = match step {
                Step::Done => return End::Done,
                Step::Stopped => return End::Worse,
                Step::Wait => self.hear(Instant::now() + TICK).await,
                Step::Apply(boxes) => {
                    let (n, share) = (boxes.len(), rollout.share());
                    let noun = if n == 1 { "box" } else { "boxes" };
                    (self.say)(&format!(
                        "Stage of {share} %: writing to {n} {noun}; {} to go.",
                        rollout.left()
                    ));
                    self.apply(&boxes, file).await
                }
            };
            if let Err(trouble) = done {
                rollout.stop();
                return End::Failed(trouble);
            }
        }
    }

    fn tell_judgement(&mut self, rollout: &Rollout<BoxId>) {
        if let Some(last) = rollout.judged().last() {
            let (touched, worse) = (last.touched, last.worse);
            let boxes = if touched == 1 { "box" } else { "boxes" };
            (self.say)(&format!("Looked at {touched} {boxes}: {worse} got worse."));
        }
    }

    async fn apply(&mut self, boxes: &[BoxId], file: &Value) -> Result<(), Trouble> {
        let mut messages = Vec::with_capacity(boxes.len());
        for id in boxes {
            messages.push(self.world.laid(self.reach, id, file)?);
        }
        self.send(messages).await
    }

    /// Writes back what was before, and waits until the boxes that are there have taken it.
    pub(super) async fn roll_back(
        &mut self,
        boxes: &[BoxId],
        wait: Duration,
    ) -> Result<usize, Trouble> {
        let mut messages = Vec::with_capacity(boxes.len());
        for id in boxes {
            messages.push(self.world.back(self.reach, id)?);
        }
        self.send(messages).await?;
        let end = Instant::now() + wait;
        loop {
            let looks = boxes.iter().map(|id| self.world.look(id));
            let (taken, open) = looks.fold((0, 0), |(taken, open), look| {
                (
                    taken + usize::from(look.taken),
                    open + usize::from(look.online && !look.taken),
                )
            });
            if open == 0 || Instant::now() >= end {
                return Ok(taken);
            }
            self.hear(end.min(Instant::now() + TICK)).await?;
        }
    }

    /// Writes settings to boxes that are not there now; they take them when they come.
    pub(super) async fn leave(&mut self, boxes: &[BoxId], file: &Value) -> Result<(), Trouble> {
        self.apply(boxes, file).await
    }

    async fn send(&mut self, messages: Vec<Message>) -> Result<(), Trouble> {
        let (world, reach) = (&mut *self.world, self.reach);
        let end = Instant::now() + WRITE_LIMIT;
        self.link
            .send(messages, end, &mut |said| world.take(reach, &said))
            .await
    }

    async fn hear(&mut self, end: Instant) -> Result<(), Trouble> {
        while Instant::now() < end
            && let Some(said) = self.link.next(end).await?
        {
            self.world.take(self.reach, &said);
        }
        Ok(())
    }
}
