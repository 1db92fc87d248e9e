//! Joins the room with the rest: what it wants to be seen goes to the overlay, a notification makes the light blink, its
//! figures go into the status, and what the owner decided (panic, moderation) comes back from the core.
//!
//! ```text
//!   desk, bridges ──> room (a thread) ──Output──> overlay, light
//!   core ──Stage: panic, mode──> room         room, overlay ──figures, once a second──> core
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::config::{Config, ModerationConfig, ModerationMode};
use crate::device::event::{AudienceFigures, MediaEvent};
use crate::device::stage::Stage;
use crate::device::supervisor::Handle;
use crate::error::{Error, Kind, Result};
use crate::media::engine::Audience as Overlay;
use crate::room::actor::{Ask, Observer, RoomHandle};
use crate::room::item::Output;
use crate::room::{Room, Settings};

/// Time between two looks at the figures.
const LOOK: Duration = Duration::from_secs(1);
/// Largest file of words, bytes.
const MAX_WORDS: u64 = 1 << 20;

/// What it needs.
pub struct Parts<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// Clock of the room.
    pub clock: &'a Clock,
    /// Where comments and alerts are drawn.
    pub overlay: Overlay,
    /// Makes the light blink.
    pub blinker: Arc<Notify>,
    /// Is told what the room did.
    pub observer: Observer,
    /// Figures go in here.
    pub handle: &'a Handle,
    /// Where its task runs.
    pub runtime: &'a tokio::runtime::Handle,
}

/// Panic, mode and delay.
type Told = (bool, ModerationMode, Duration);

/// What the room must be told. At first there is no panic.
fn news(before: Option<Told>, now: Told) -> Vec<Ask> {
    let panic = before.is_some_and(|told| told.0) != now.0;
    let mode = before.map(|told| (told.1, told.2)) != Some((now.1, now.2));
    let panic = panic.then_some(Ask::SetPanic(now.0));
    let mode = mode.then_some(Ask::SetMode(now.1, now.2));
    panic.into_iter().chain(mode).collect()
}

/// The room, and what joins it with the rest.
pub struct Audience {
    room: RoomHandle,
    words: Vec<String>,
    configured: ModerationConfig,
    /// Panic, mode and delay as the room was told last.
    told: Option<Told>,
    figures: JoinHandle<()>,
}

impl Audience {
    /// Starts it.
    ///
    /// # Errors
    /// The word list cannot be read or used, or there is no thread to be had.
    pub fn start(parts: Parts<'_>) -> Result<Self> {
        let Parts {
            config,
            clock,
            overlay,
            blinker,
            observer,
            handle,
            runtime,
        } = parts;
        let settings = Settings {
            moderation: config.moderation.clone(),
            words: words(&config.moderation)?,
            room: config.room.clone(),
        };
        let room = Room::new(&settings)?;
        let blinker = config.led.notify.then_some(blinker);
        let shown = overlay.clone();
        let last = AtomicU64::new(0);
        let outputs = Box::new(move |output: Output| {
            if let (Output::Alert(Some((id, _))), Some(blinker)) = (&output, &blinker)
                // The same alert again is a counter that rose.
                && last.swap(id.0, Ordering::Relaxed) != id.0
            {
                blinker.notify_one();
            }
            shown.put(output);
        });
        let room = RoomHandle::start_observed(room, clock.clone(), outputs, Some(observer))?;
        let figures = runtime.spawn(tell(room.clone(), overlay, handle.clone()));
        Ok(Self {
            room,
            words: settings.words,
            configured: config.moderation.clone(),
            told: None,
            figures,
        })
    }

    /// The way to the room.
    #[must_use]
    pub fn room(&self) -> RoomHandle {
        self.room.clone()
    }

    /// The words of the owner's file.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    /// The owner decided anew. Never waits for the room, and tells it only what is new: each word of panic, on or off, makes
    /// it refuse what it has not looked at yet.
    pub fn stage(&mut self, stage: &Stage) {
        let change = stage.moderation;
        let mode = change.map_or(self.configured.mode, |c| c.mode);
        let delay = change.and_then(|c| c.delay_s);
        let delay = Duration::try_from_secs_f32(delay.unwrap_or(self.configured.delay_s));
        let now = (stage.panic, mode, delay.unwrap_or_default());
        let before = self.told.replace(now);
        for ask in news(before, now) {
            if let Err(e) = self.room.ask(ask) {
                tracing::error!("the room does not hear the owner: {}", e.report());
                // Said again with the next change, whatever that is.
                self.told = before;
            }
        }
    }

    /// Ends it; bounded.
    pub fn stop(self) {
        self.figures.abort();
        if !self.room.stop() {
            tracing::warn!("the room does not end; its thread is left behind");
        }
    }
}

/// Tells the core once a second what became of what was said, where that has changed, and the room what the lanes hold.
async fn tell(room: RoomHandle, overlay: Overlay, handle: Handle) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut told = AudienceFigures::default();
    loop {
        tick.tick().await;
        room.set_capacity(overlay.capacity_per_s() as f32);
        let now = figures(&room, &overlay);
        if now != told {
            told = now.clone();
            handle.media(MediaEvent::Audience(Box::new(now)));
        }
    }
}

/// What was taken is drawn, merged, shown, counted or refused, or waits: the room's figures end where it hands a comment to
/// the lanes, and the overlay's go on from there.
fn figures(room: &RoomHandle, overlay: &Overlay) -> AudienceFigures {
    // In this order: what is handed over between the two is seen as waiting for a moment, never twice.
    let overlay = overlay.counts();
    let drawn = overlay.danmaku;
    let room = room.counts();
    let mut refused: std::collections::BTreeMap<&'static str, u64> =
        room.refused.iter().map(|(r, n)| (r.code(), *n)).collect();
    let lost = [
        ("expired", drawn.expired),
        ("pushed-out", drawn.pushed_out),
        ("withdrawn", drawn.withdrawn),
        ("danmaku-off", drawn.off),
        ("overlay-full", overlay.lost),
    ];
    for (name, n) in lost {
        if n > 0 {
            *refused.entry(name).or_default() += n;
        }
    }
    if room.rejected > 0 {
        refused.insert("rejected", room.rejected);
    }
    let settled = drawn.drawn
        + drawn.merged
        + room.alerts
        + room.joined
        + room.likes
        + room.passed
        + refused.values().sum::<u64>();
    AudienceFigures {
        taken: room.taken,
        counted: room.likes + room.passed,
        drawn: drawn.drawn,
        merged: drawn.merged + room.joined,
        alerts: room.alerts,
        waiting: room.taken.saturating_sub(settled),
        refused,
    }
}

/// The words of the owner's file, one to a line.
fn words(config: &ModerationConfig) -> Result<Vec<String>> {
    let file = &config.words_file;
    if file.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let bad = |why: String| {
        Error::new(
            Kind::BadConfig,
            format!("The list of words {} {why}.", file.display()),
        )
        .mend("Mend the file, or moderation.words_file.")
    };
    let size = std::fs::metadata(file).map_err(|e| bad(format!("cannot be read: {e}")))?;
    if size.len() > MAX_WORDS {
        return Err(bad("is larger than 1 MiB".into()));
    }
    let bytes = std::fs::read(file).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|_| bad("is not UTF-8 text".into()))?;
    // Remarks are left out by whoever takes the words.
    Ok(text.lines().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_is_told_what_is_new_and_nothing_else() {
        let delay = Duration::from_secs(3);
        let calm = (false, ModerationMode::Delay, delay);
        let set_mode = Ask::SetMode(ModerationMode::Delay, delay);
        assert_eq!(news(None, calm), std::slice::from_ref(&set_mode));
        assert_eq!(news(Some(calm), calm), []);
        let panic = (true, ModerationMode::Delay, delay);
        assert_eq!(news(Some(calm), panic), [Ask::SetPanic(true)]);
        assert_eq!(news(Some(panic), panic), []);
        assert_eq!(news(Some(panic), calm), [Ask::SetPanic(false)]);
        // A box that starts in panic.
        assert_eq!(news(None, panic), [Ask::SetPanic(true), set_mode]);
        let hold = (true, ModerationMode::Hold, delay);
        assert_eq!(
            news(Some(panic), hold),
            [Ask::SetMode(ModerationMode::Hold, delay)]
        );
    }
}
