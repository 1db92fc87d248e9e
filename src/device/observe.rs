//! What the core makes of media events and of time: the part of [`State`] that observes.

use std::time::Duration;

use super::actual::{Flow, Levels, Push, Saved, clean};
use super::effect::Effect;
use super::encoder::{STALL_LIMIT, Session};
use super::event::{DestinationState, Level, MediaEvent, PushFigures, Rendition};
use super::source::{Due, Source};
use super::state::{SAVE_RETRY, State};
use crate::config::DestinationName;

/// The name under which a camera's own stream reports itself as an encoder.
pub const PASSTHROUGH: &str = "passthrough";
/// More channels than this are not kept.
const MAX_CHANNELS: usize = 8;
/// When this much time went by unheard, the whole machine stood still: no encoder is blamed for it.
const LOST_TIME: Duration = Duration::from_secs(2);

impl State {
    pub(super) fn media(&mut self, event: MediaEvent, effects: &mut Vec<Effect>) {
        let now = self.now;
        match event {
            MediaEvent::CameraStill(still) => self.camera_still(still, effects),
            MediaEvent::CameraUp { description } => {
                if self.actual.camera != Source::Off {
                    self.actual.camera.up(clean(&description), now);
                }
            }
            MediaEvent::CameraLost { reason } => self.camera_lost(&reason),
            MediaEvent::SlateOnAir(on) => self.actual.slate_on_air = on,
            MediaEvent::MicUp { description } => {
                if self.actual.mic != Source::Off {
                    self.actual.mic.up(clean(&description), now);
                }
            }
            MediaEvent::MicLost { reason } => {
                self.actual.mic.lost(clean(&reason), now);
                self.forget_sound();
            }
            MediaEvent::Levels { channels, state } => {
                if self.actual.mic.is_up() {
                    let channels = channels.into_iter().take(MAX_CHANNELS).map(sane).collect();
                    self.actual.levels = Some(Levels { channels, state });
                }
            }
            MediaEvent::Drift { ppm } => {
                if self.actual.mic.is_up() && ppm.is_finite() {
                    self.actual.drift_ppm = Some(ppm);
                }
            }
            MediaEvent::EncoderUp { rendition, encoder } => self.encoder_up(rendition, &encoder),
            MediaEvent::EncoderFailed {
                rendition,
                encoder,
                reason,
            } => self.encoder_failed(rendition, &encoder, &reason, effects),
            MediaEvent::Flow { main, sub, audio } => {
                if main != self.actual.flow.main {
                    self.actual.watch.frames_at = Some(now);
                }
                self.actual.flow.update(main, sub, audio, now);
                self.watch_audio();
                self.gate_frames();
            }
            MediaEvent::RtspReaders(n) => self.actual.readers = n,
            MediaEvent::Audience(figures) => self.actual.audience = *figures,
            MediaEvent::Destination { name, state } => self.destination(&name, state),
            MediaEvent::Push { name, figures } => self.push_figures(&name, figures),
            MediaEvent::BitrateAdvised(advice) => {
                if self.setup.adaptive.enabled && self.actual.any_live() {
                    self.actual.advised = Some(advice);
                }
            }
        }
    }

    fn camera_lost(&mut self, reason: &str) {
        self.actual.camera.lost(clean(reason), self.now);
        self.end_passthrough();
    }

    /// From here on the encoder must deliver again, so its time limits begin now.
    pub(super) fn end_passthrough(&mut self) {
        if std::mem::take(&mut self.actual.passthrough) {
            let now = self.now;
            self.actual.flow.main_at = now;
            self.actual.flow.sub_at = now;
            for rendition in [Rendition::Main, Rendition::Sub] {
                if let Some(encoder) = self.actual.encoder_mut(rendition)
                    && let Session::Opening { asked_at } = &mut encoder.session
                {
                    *asked_at = now;
                }
            }
        }
    }

    fn encoder_up(&mut self, rendition: Rendition, name: &str) {
        if rendition == Rendition::Main && name == PASSTHROUGH {
            self.actual.passthrough = self.setup.passthrough;
            self.actual.flow.main_at = self.now;
            return;
        }
        let now = self.now;
        if self.is_stale(rendition, name) || self.setup.encoders.is_empty() {
            return;
        }
        if rendition == Rendition::Main {
            self.end_passthrough();
        }
        if let Some(encoder) = self.actual.encoder_mut(rendition) {
            encoder.up(clean(name), now);
        }
    }

    fn encoder_failed(
        &mut self,
        rendition: Rendition,
        name: &str,
        reason: &str,
        effects: &mut Vec<Effect>,
    ) {
        if rendition == Rendition::Main && name == PASSTHROUGH {
            self.camera_lost(reason);
            return;
        }
        if self.is_stale(rendition, name) {
            return;
        }
        let (now, usable) = (self.now, self.setup.encoders.len());
        if let Some(encoder) = self.actual.encoder_mut(rendition)
            && encoder.fail(clean(reason), usable, now)
        {
            self.open_encoder(rendition, effects);
        }
    }

    /// A late word of an encoder that was replaced already: it has the name of another entry of the table.
    fn is_stale(&mut self, rendition: Rendition, name: &str) -> bool {
        let Some(index) = self.actual.encoder_mut(rendition).map(|e| e.index) else {
            return true;
        };
        let table = &self.setup.encoders;
        table.get(index).is_none_or(|current| current != name) && table.iter().any(|e| e == name)
    }

    fn destination(&mut self, name: &DestinationName, state: DestinationState) {
        let Some(push) = self.actual.destinations.get_mut(name) else {
            return;
        };
        // A word from a push that was closed already, or `Off` from the one before.
        if !push.open || state == DestinationState::Off {
            return;
        }
        push.state = match state {
            DestinationState::Waiting { reason, retry_ms } => DestinationState::Waiting {
                reason: clean(&reason),
                retry_ms,
            },
            DestinationState::KeyRejected { reason } => DestinationState::KeyRejected {
                reason: clean(&reason),
            },
            other => other,
        };
        match &push.state {
            DestinationState::Waiting { reason, .. } => push.failure = Some(reason.clone()),
            // Until the try succeeds the last failure stands, so that what people read does not flip at every try.
            DestinationState::Connecting => {}
            _ => push.failure = None,
        }
    }

    fn push_figures(&mut self, name: &DestinationName, figures: PushFigures) {
        if let Some(push) = self.actual.destinations.get_mut(name)
            && push.open
        {
            push.figures = figures;
        }
    }

    fn forget_sound(&mut self) {
        self.actual.levels = None;
        self.actual.drift_ppm = None;
    }

    /// Sound has stopped when the picture went on for a while without it.
    fn watch_audio(&mut self) {
        let flow = &self.actual.flow;
        self.actual.audio_stalled =
            self.setup.audio && flow.main_at.saturating_sub(flow.audio_at) >= Flow::AUDIO_LIMIT;
    }

    /// What is said of an older save says nothing: a newer one is on its way.
    pub(super) fn persisted(&mut self, revision: u64, error: Option<String>) {
        if revision < self.wanted.revision {
            return;
        }
        self.actual.saved = match error {
            None => Saved::Yes,
            Some(reason) => Saved::Failed {
                reason: clean(&reason),
                retry_at: self.now.saturating_add(SAVE_RETRY),
            },
        };
    }

    /// Notes the time without looking for what is due: what is heard next is heard now. `Event::Tick` looks.
    pub fn at(&mut self, now: Duration) {
        let lost = now.saturating_sub(self.now);
        if lost > LOST_TIME {
            self.actual.watch.lost(lost);
            let flow = &mut self.actual.flow;
            (flow.main_at, flow.sub_at, flow.audio_at) = (now, now, now);
        }
        self.now = self.now.max(now);
    }

    pub(super) fn tick(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        self.at(now);
        if !self.actual.started || self.actual.ending {
            return;
        }
        let now = self.now;
        self.tick_hardware();
        // What may end the box goes first: nothing that is wanted changes in that step, as it would not be saved any more.
        self.tick_update(effects);
        self.tick_setup(effects);
        if self.actual.ending {
            return;
        }
        self.tick_trial(effects);
        self.retry_save(effects);
        self.tick_stage(effects);
        self.watch_passthrough();
        for rendition in [Rendition::Main, Rendition::Sub] {
            self.tick_encoder(rendition, effects);
        }
        if self.actual.camera.tick(now) == Due::Open {
            effects.push(Effect::OpenCamera);
        }
        if self.actual.mic.tick(now) == Due::Open {
            effects.push(Effect::OpenMic);
        }
    }

    fn retry_save(&mut self, effects: &mut Vec<Effect>) {
        if let Saved::Failed { retry_at, .. } = &mut self.actual.saved
            && self.now >= *retry_at
        {
            *retry_at = self.now.saturating_add(SAVE_RETRY);
            effects.push(Effect::Persist(self.wanted.clone()));
        }
    }

    /// A camera whose own stream dries up is lost: no encoder can help.
    fn watch_passthrough(&mut self) {
        let silent = self.now.saturating_sub(self.actual.flow.main_at);
        if self.actual.passthrough && silent >= STALL_LIMIT {
            let limit = STALL_LIMIT.as_secs();
            self.camera_lost(&format!("it gave no picture for {limit} s"));
        }
    }

    fn tick_encoder(&mut self, rendition: Rendition, effects: &mut Vec<Effect>) {
        let now = self.now;
        let usable = self.setup.encoders.len();
        // While the camera's own stream is on air there are no raw frames, so no encoder can be blamed for silence.
        let watched = !self.actual.passthrough;
        let progress_at = match rendition {
            Rendition::Main => self.actual.flow.main_at,
            Rendition::Sub => self.actual.flow.sub_at,
        };
        if let Some(encoder) = self.actual.encoder_mut(rendition)
            && encoder.tick(usable, progress_at, watched, now)
        {
            self.open_encoder(rendition, effects);
        }
    }
}

impl Push {
    /// Notes that the world was asked to push.
    pub(super) fn opened(&mut self) {
        self.closed();
        self.open = true;
        self.state = DestinationState::Connecting;
    }

    /// Notes that the world was asked to stop; what it knows of the destination it still knows.
    pub(super) fn closed(&mut self) {
        *self = Self {
            told: self.told.take(),
            ..Self::default()
        };
    }
}

/// Levels come from arithmetic on samples: no NaN, no infinity, nothing outside −120 to +20 dB gets further.
fn sane(level: Level) -> Level {
    let bound = |db: f32| {
        if db.is_nan() {
            -120.0
        } else {
            db.clamp(-120.0, 20.0)
        }
    };
    Level {
        peak_db: bound(level.peak_db),
        rms_db: bound(level.rms_db),
    }
}
