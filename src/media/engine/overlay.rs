//! The overlay's thread: it owns the director and sleeps until there is something to do.
//!
//! ```text
//!   stage (core) ──┐                                   ┌──> counts, capacity (room)
//!   room's outputs ┼─> mailbox ──> director ──> scene ─┴──> canvas <── frames
//!   size, facts ───┘
//! ```

mod mailbox;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::worker;
use crate::config::{DanmakuConfig, DestinationName, OverlayConfig};
use crate::device::event::{DestinationState, MediaEvent};
use crate::device::stage::Stage;
use crate::error::{Error, Kind, Result};
use crate::media::overlay::canvas::{Canvas, Scene};
use crate::media::overlay::danmaku::Counts;
use crate::media::overlay::director::{Director, Facts};
use crate::media::raw::RawFormat;
use crate::media::report::Reporter;
use crate::media::sync::lock;
use crate::media::time::MediaClock;
use crate::room::item::Output;
use mailbox::{Mail, Mailbox, Order};

/// How often bitrate and state are looked at while they are shown.
const FACTS: Duration = Duration::from_secs(1);

/// What became of the room's comments since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct AudienceCounts {
    /// What the lanes did.
    #[serde(flatten)]
    pub danmaku: Counts,
    /// Comments that came faster than they could be taken in.
    pub lost: u64,
}

/// The room's way onto the picture; clones are the same.
#[derive(Clone)]
pub struct Audience {
    air: Arc<Air>,
    mailbox: Mailbox,
    told: Arc<Told>,
}

impl std::fmt::Debug for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audience")
    }
}

impl Audience {
    /// Takes what the room wants to be seen. Never waits: comments that find no room are counted and gone; what takes something
    /// off the picture always arrives.
    pub fn put(&self, output: Output) {
        let clear = output == Output::Clear;
        self.mailbox.output(output);
        if clear {
            self.air.clear(false);
        }
    }

    /// What became of the comments.
    #[must_use]
    pub fn counts(&self) -> AudienceCounts {
        let mut danmaku = *lock(&self.told.counts);
        danmaku.withdrawn += self.mailbox.withdrawn();
        AudienceCounts {
            danmaku,
            lost: self.mailbox.lost(),
        }
    }

    /// Comments of a usual length that the lanes hold, 1/s; 0 where none are drawn.
    #[must_use]
    pub fn capacity_per_s(&self) -> f64 {
        f64::from_bits(self.told.capacity.load(Ordering::Relaxed))
    }
}

/// What the thread tells.
#[derive(Default)]
struct Told {
    counts: Mutex<Counts>,
    /// Bits of an `f64`.
    capacity: AtomicU64,
}

/// The canvas, and what is left on it in a panic: that must not wait for the thread, which may be drawing letters.
struct Air {
    canvas: Canvas,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    panic: bool,
    /// How often the audience was cleared: a scene that was begun before the last time is too old.
    clears: u64,
    without_audience: Option<Scene>,
}

impl Air {
    /// Shows a scene for which mail was taken when there had been so many `clears`.
    fn show(&self, scene: Scene, without_audience: Option<Scene>, clears: u64) {
        let mut held = lock(&self.held);
        let old = held.panic || held.clears != clears;
        match &without_audience {
            Some(clean) if old => self.canvas.set(clean.clone()),
            _ => self.canvas.set(scene),
        }
        held.without_audience = without_audience;
    }

    fn clears(&self) -> u64 {
        lock(&self.held).clears
    }

    /// Takes everything of the audience off the picture, and with `panic` keeps it off until [`Air::end_panic`]. What was put into the mailbox
    /// before counts for the next scene.
    fn clear(&self, panic: bool) {
        let mut held = lock(&self.held);
        held.panic |= panic;
        held.clears += 1;
        if let Some(clean) = held.without_audience.clone() {
            self.canvas.set(clean);
        }
    }

    fn end_panic(&self) {
        lock(&self.held).panic = false;
    }
}

/// Where the facts of the corner for rehearsals come from.
#[derive(Clone, Default)]
pub(super) struct FactSource {
    /// Bytes of the main rendition since the start.
    pub(super) bytes: Arc<AtomicU64>,
    live: Arc<Mutex<BTreeSet<DestinationName>>>,
}

impl FactSource {
    /// A reporter that notes on the way who takes the stream.
    pub(super) fn tap(&self, reporter: &Reporter) -> Reporter {
        let (live, inner) = (self.live.clone(), reporter.clone());
        Reporter::new(move |event| {
            if let MediaEvent::Destination { name, state } = &event {
                let mut live = lock(&live);
                if matches!(state, DestinationState::Live) {
                    live.insert(name.clone());
                } else {
                    live.remove(name);
                }
            }
            inner.report(event);
        })
    }
}

/// Handle of the thread.
pub(super) struct Overlay {
    air: Arc<Air>,
    mailbox: Mailbox,
    told: Arc<Told>,
    thread: std::thread::JoinHandle<()>,
}

impl Overlay {
    pub(super) fn start(
        config: (&OverlayConfig, &DanmakuConfig),
        format: RawFormat,
        clock: &MediaClock,
        facts: FactSource,
    ) -> Result<Self> {
        let air = Arc::new(Air {
            canvas: Canvas::default(),
            held: Mutex::default(),
        });
        let (mailbox, told) = (Mailbox::default(), Arc::new(Told::default()));
        let work = Work {
            director: Director::new(config.0, config.1),
            format,
            clock: clock.clone(),
            air: air.clone(),
            told: told.clone(),
            mailbox: mailbox.clone(),
            meter: Meter::new(facts),
        };
        let thread = std::thread::Builder::new()
            .name("overlay".to_owned())
            .spawn(move || work.run())
            .map_err(|e| {
                Error::new(Kind::Internal, "The overlay thread could not be started.").caused_by(e)
            })?;
        Ok(Self {
            air,
            mailbox,
            told,
            thread,
        })
    }

    /// What everything is drawn on.
    pub(super) fn canvas(&self) -> Canvas {
        self.air.canvas.clone()
    }

    pub(super) fn audience(&self) -> Audience {
        Audience {
            air: self.air.clone(),
            mailbox: self.mailbox.clone(),
            told: self.told.clone(),
        }
    }

    /// Shows what the owner wants; panic counts from the next frame on.
    pub(super) fn stage(&self, stage: Stage) {
        let panic = stage.panic;
        self.mailbox.put(|mail| mail.set_stage(stage));
        if panic {
            self.air.clear(true);
        } else {
            self.air.end_panic();
        }
    }

    /// Pictures come in this format from now on.
    pub(super) fn resize(&self, format: RawFormat) {
        self.mailbox.put(|mail| mail.format = Some(format));
    }

    /// Ends the thread, at most 500 ms; one that hangs is left behind with a warning.
    pub(super) fn stop(self) {
        self.mailbox.put(|mail| mail.stop = true);
        worker::join("overlay", self.thread, Duration::from_millis(500));
    }
}

/// What the thread owns.
struct Work {
    director: Director,
    format: RawFormat,
    clock: MediaClock,
    air: Arc<Air>,
    told: Arc<Told>,
    mailbox: Mailbox,
    meter: Meter,
}

impl Work {
    fn run(mut self) {
        let mut until = Some(Instant::now());
        loop {
            self.mailbox.wait(until);
            // In this order: a clear that comes in between makes the scene that follows an old one.
            let clears = self.air.clears();
            let mail = self.mailbox.take();
            if mail.stop {
                return;
            }
            self.take(mail);
            self.turn(clears);
            until = self.next();
        }
    }

    fn take(&mut self, mail: Mail) {
        if let Some(stage) = mail.stage {
            self.director.stage(*stage);
        }
        if let Some(format) = mail.format {
            self.format = format;
        }
        if mail.clear {
            self.director.put(Output::Clear);
        }
        for order in mail.orders {
            self.director.put(match order {
                Order::Draw(id, comment) => Output::Comment(id, comment),
                Order::Withdraw(id) => Output::Withdraw(id),
            });
        }
        if let Some(alert) = mail.alert {
            self.director.put(Output::Alert(alert));
        }
    }

    fn turn(&mut self, clears: u64) {
        if self.director.wants_facts()
            && let Some(facts) = self.meter.read()
        {
            self.director.facts(facts);
        }
        let now = self.now();
        if let Some(scene) = self.director.turn(now, Timestamp::now(), self.format) {
            let clean = self.director.without_audience();
            self.air.show(scene, clean, clears);
        }
        for warning in self.director.warnings() {
            tracing::warn!("{warning}");
        }
        *lock(&self.told.counts) = self.director.counts();
        let capacity = self.director.capacity_per_s();
        (self.told.capacity).store(capacity.to_bits(), Ordering::Relaxed);
    }

    fn next(&self) -> Option<Instant> {
        let now = Instant::now();
        let wait = (self.director.next()).map(|at| at.saturating_sub(self.now()));
        let facts = self.director.wants_facts().then_some(FACTS);
        let wait = [wait, facts].into_iter().flatten().min();
        // A clock that is wound on while we sleep is noticed within a minute.
        wait.map(|wait| now + wait.min(Duration::from_secs(60)))
    }

    fn now(&self) -> Duration {
        Duration::from_nanos(self.clock.now().nseconds())
    }
}

/// The bitrate over the last second.
struct Meter {
    source: FactSource,
    before: Option<(Instant, u64)>,
}

impl Meter {
    fn new(source: FactSource) -> Self {
        Self {
            source,
            before: None,
        }
    }

    /// `None`: not long enough since the last time.
    fn read(&mut self) -> Option<Facts> {
        let (now, bytes) = (Instant::now(), self.source.bytes.load(Ordering::Relaxed));
        let live = u32::try_from(lock(&self.source.live).len()).unwrap_or(u32::MAX);
        let Some((at, before)) = self.before else {
            self.before = Some((now, bytes));
            return Some(Facts { live, bitrate: 0 });
        };
        let since = now - at;
        if since < FACTS * 9 / 10 {
            return None;
        }
        self.before = Some((now, bytes));
        let bits = 8.0 * bytes.saturating_sub(before) as f64;
        let bitrate = (bits / since.as_secs_f64()) as u32;
        Some(Facts { live, bitrate })
    }
}

#[cfg(test)]
#[path = "overlay_tests.rs"]
mod tests;
