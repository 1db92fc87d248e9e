//! The encoders of all renditions, and the way of their access units through gate and delay line into the fan-out.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};

use gstreamer as gst;

use super::Lane;
use crate::config::{Config, VideoSettings};
use crate::device::event::{MediaEvent, Rendition};
use crate::media::access_unit::AccessUnit;
use crate::media::encode::VideoEncoder;
use crate::media::gate::{Gate, Producer};
use crate::media::raw::{AuSink, Pixel, RawFormat};
use crate::media::report::Reporter;
use crate::media::sync::lock;
use crate::media::time::MediaClock;

/// Work for the encode thread.
pub(super) enum Job {
    /// Open or replace an encoder.
    Open {
        rendition: Rendition,
        index: usize,
        video: VideoSettings,
    },
    /// Sources deliver another raw format: sessions that expect the old one are opened anew.
    Reinput,
    /// Change a bitrate.
    Bitrate { rendition: Rendition, bitrate: u32 },
}

/// A running session; `current` turns false when it is replaced, so that its late errors are nobody's.
struct Session {
    encoder: VideoEncoder,
    index: usize,
    video: VideoSettings,
    /// What it was opened for; frames in any other format are not for it.
    input: RawFormat,
    current: Arc<AtomicBool>,
}

struct Slot {
    session: Mutex<Option<Session>>,
    gate: Mutex<Gate>,
    /// Weak: only the engine owns lanes, so that a lane is never dropped by a thread of its own.
    lane: OnceLock<Weak<Lane>>,
}

impl Slot {
    /// Takes the session out first and stops it without the lock: its streaming thread may be asking for a keyframe,
    /// which needs the lock, and stopping waits for that thread.
    fn end_session(&self) {
        let session = lock(&self.session).take();
        if let Some(session) = session {
            session.current.store(false, Ordering::SeqCst);
            session.encoder.stop();
        }
    }
}

/// All encoders.
pub(super) struct Encoders {
    slots: BTreeMap<Rendition, Slot>,
    /// The sub rendition carries the picture without what is drawn on it.
    clean_sub: bool,
    table: Vec<String>,
    input: Mutex<RawFormat>,
    clock: MediaClock,
    reporter: Reporter,
}

impl Encoders {
    pub(super) fn new(
        config: &Config,
        table: Vec<String>,
        pixel: Pixel,
        clock: &MediaClock,
        reporter: &Reporter,
    ) -> Arc<Self> {
        let mut renditions = vec![Rendition::Main];
        if config.sub.enabled {
            renditions.push(Rendition::Sub);
        }
        let slot = || Slot {
            session: Mutex::new(None),
            gate: Mutex::new(Gate::new()),
            lane: OnceLock::new(),
        };
        Arc::new(Self {
            slots: renditions.into_iter().map(|r| (r, slot())).collect(),
            clean_sub: config.sub.enabled && config.sub.clean,
            table,
            input: Mutex::new(raw_format(&config.encode.video, pixel)),
            clock: clock.clone(),
            reporter: reporter.clone(),
        })
    }

    /// Renditions in the order of their lanes.
    pub(super) fn renditions(&self) -> impl Iterator<Item = Rendition> + use<> {
        self.slots.keys().copied().collect::<Vec<_>>().into_iter()
    }

    /// Gives each rendition its lane; called once.
    pub(super) fn connect(&self, lanes: &[Arc<Lane>]) {
        for (slot, lane) in self.slots.values().zip(lanes) {
            let _ = slot.lane.set(Arc::downgrade(lane));
        }
    }

    /// The raw format that sources deliver now.
    pub(super) fn input(&self) -> RawFormat {
        *lock(&self.input)
    }

    /// The raw format that fits these numbers, in the layout in force.
    pub(super) fn raw_of(&self, video: &VideoSettings) -> RawFormat {
        raw_format(video, self.input().pixel)
    }

    /// Changes the raw format; encoders opened from now on expect it.
    pub(super) fn set_input(&self, raw: RawFormat) {
        *lock(&self.input) = raw;
    }

    /// Whether any rendition wants pictures without what is drawn on them.
    pub(super) fn wants_clean(&self) -> bool {
        self.clean_sub
    }

    /// One raw frame in `raw` for every encoder that expects that format; for a moment after a change of size none may.
    /// `programme` is the picture with what is drawn on it, `clean` the same without.
    pub(super) fn frame(&self, raw: RawFormat, programme: &gst::Buffer, clean: &gst::Buffer) {
        for (rendition, slot) in &self.slots {
            let buffer = match rendition {
                Rendition::Sub if self.clean_sub => clean,
                Rendition::Main | Rendition::Sub => programme,
            };
            if let Some(session) = &*lock(&slot.session)
                && session.input == raw
            {
                session.encoder.push(buffer.clone());
            }
        }
    }

    /// One access unit that the camera encoded itself, for the main rendition.
    pub(super) fn passthrough(&self, unit: AccessUnit) {
        self.offer(Rendition::Main, Producer::Passthrough, unit);
    }

    /// Order is kept by holding the gate until the unit is in the delay line.
    fn offer(&self, rendition: Rendition, producer: Producer, unit: AccessUnit) {
        let Some(slot) = self.slots.get(&rendition) else {
            return;
        };
        let mut gate = lock(&slot.gate);
        let lane = slot.lane.get().and_then(Weak::upgrade);
        if let (Some(unit), Some(lane)) = (gate.offer(producer, unit), lane) {
            lane.delay.push(unit);
        }
        let keyframe_wanted = gate.take_keyframe_wanted();
        drop(gate);
        if keyframe_wanted {
            self.force_keyframe(rendition);
        }
    }

    /// Asks an encoder for a keyframe soon.
    pub(super) fn force_keyframe(&self, rendition: Rendition) {
        if let Some(slot) = self.slots.get(&rendition)
            && let Some(session) = &*lock(&slot.session)
        {
            session.encoder.force_keyframe();
        }
    }

    /// Does a job on the encode thread.
    pub(super) fn run(self: &Arc<Self>, job: Job) {
        match job {
            Job::Open {
                rendition,
                index,
                video,
            } => self.open(rendition, index, video),
            Job::Reinput => self.reinput(),
            Job::Bitrate { rendition, bitrate } => self.set_bitrate(rendition, bitrate),
        }
    }

    fn open(self: &Arc<Self>, rendition: Rendition, index: usize, video: VideoSettings) {
        let Some(slot) = self.slots.get(&rendition) else {
            return;
        };
        // The old session goes first: hardware encoders often allow only one.
        slot.end_session();
        let Some(element) = self.table.get(index).cloned() else {
            return;
        };
        let current = Arc::new(AtomicBool::new(true));
        let input = self.input();
        let opened = VideoEncoder::open(
            &element,
            &video,
            input,
            &self.clock,
            self.out(rendition, &current),
            self.failed(rendition, &element, &current),
        );
        match opened {
            Ok(encoder) => {
                *lock(&slot.session) = Some(Session {
                    encoder,
                    index,
                    video,
                    input,
                    current,
                });
                self.reporter.report(MediaEvent::EncoderUp {
                    rendition,
                    encoder: element,
                });
            }
            Err(e) => self.reporter.report(MediaEvent::EncoderFailed {
                rendition,
                encoder: element,
                reason: e.report(),
            }),
        }
    }

    fn reinput(self: &Arc<Self>) {
        let input = self.input();
        for (rendition, slot) in &self.slots {
            let other = lock(&slot.session)
                .as_ref()
                .filter(|s| s.input != input)
                .map(|s| (s.index, s.video.clone()));
            if let Some((index, video)) = other {
                self.open(*rendition, index, video);
            }
        }
    }

    /// Encoders that cannot change their bitrate while running are opened anew: one gap, the same session outside.
    fn set_bitrate(self: &Arc<Self>, rendition: Rendition, bitrate: u32) {
        let Some(slot) = self.slots.get(&rendition) else {
            return;
        };
        let reopen = lock(&slot.session).as_mut().and_then(|session| {
            session.video.bitrate = bitrate;
            let live = session.encoder.set_bitrate(bitrate);
            (!live).then(|| (session.index, session.video.clone()))
        });
        if let Some((index, video)) = reopen {
            self.open(rendition, index, video);
        }
    }

    /// A session that was replaced may still speak when its driver hung: its units refer to pictures that nobody has.
    fn out(self: &Arc<Self>, rendition: Rendition, current: &Arc<AtomicBool>) -> AuSink {
        let (weak, current): (Weak<Self>, _) = (Arc::downgrade(self), current.clone());
        Arc::new(move |unit| {
            if current.load(Ordering::SeqCst)
                && let Some(encoders) = weak.upgrade()
            {
                encoders.offer(rendition, Producer::Encoder, unit);
            }
        })
    }

    fn failed(
        &self,
        rendition: Rendition,
        element: &str,
        current: &Arc<AtomicBool>,
    ) -> crate::media::raw::FaultSink {
        let (reporter, encoder, current) =
            (self.reporter.clone(), element.to_owned(), current.clone());
        Arc::new(move |reason| {
            if current.swap(false, Ordering::SeqCst) {
                let encoder = encoder.clone();
                reporter.report(MediaEvent::EncoderFailed {
                    rendition,
                    encoder,
                    reason,
                });
            }
        })
    }

    /// Ends all sessions.
    pub(super) fn stop(&self) {
        for slot in self.slots.values() {
            slot.end_session();
        }
    }
}

/// The raw format that a rendition of these settings wants.
pub(super) fn raw_format(video: &VideoSettings, pixel: Pixel) -> RawFormat {
    RawFormat {
        pixel,
        width: video.width,
        height: video.height,
        fps: video.fps,
    }
}
