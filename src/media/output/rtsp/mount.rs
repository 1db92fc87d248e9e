//! One mount: a thread that payloads each access unit once and hands the packets to every reader in PLAY.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer_rtsp_server as rtsp;
use rtsp::prelude::*;

use super::payload::{Payloader, RtpUnit, rtp_time};
use super::reader::{Reader, Round};
use crate::error::{Error, Kind, Result};
use crate::media::access_unit::{AccessUnit, Track};
use crate::media::fanout::{Consumer, ConsumerOptions, Fanout, Next, Start};
use crate::media::time::MediaClock;

/// Longest sleep of the mount's thread: bounds its end and the lateness of sender reports.
const IDLE: Duration = Duration::from_millis(100);
/// How long sound may come after the picture; then a reader gets the picture alone.
const SOUND_WAIT: Duration = Duration::from_secs(2);
/// Bounds of one reader's queue: a whole cached GOP fits. The packets are shared by all readers.
const READER_SPAN: Duration = Duration::from_secs(10);
const READER_BYTES: usize = 12 << 20;

/// RTP identity and clock of one track.
#[derive(Debug, Clone, Copy, Default)]
struct TrackClock {
    ssrc: u32,
    rate: u32,
    offset: u32,
}

/// Ties RTP timestamps to the wall clock.
pub(super) struct Clocking {
    clock: MediaClock,
    tracks: Mutex<[TrackClock; 2]>,
    /// Canonical name (RFC 3550, 6.5.1): the same for picture and sound.
    pub cname: String,
}

impl Clocking {
    /// Synchronisation source and RTP timestamp of now.
    pub(super) fn now(&self, track: Track) -> (u32, u32) {
        let clock = self.track(track);
        let now = rtp_time(clock.offset, clock.rate, self.clock.now().nseconds());
        (clock.ssrc, now)
    }

    fn track(&self, track: Track) -> TrackClock {
        let tracks = self.tracks.lock().unwrap_or_else(PoisonError::into_inner);
        tracks[usize::from(track == Track::Audio)]
    }

    fn set(&self, track: Track, clock: TrackClock) {
        let mut tracks = self.tracks.lock().unwrap_or_else(PoisonError::into_inner);
        tracks[usize::from(track == Track::Audio)] = clock;
    }
}

#[derive(Default)]
struct Formats {
    video: Option<gst::Caps>,
    audio: Option<gst::Caps>,
    /// When the picture's format was first known.
    since: Option<Instant>,
}

/// What a mount's thread, its media factory and its readers share.
pub(super) struct MountState {
    /// `/main`, `/sub`.
    pub path: String,
    wants_audio: bool,
    source: Fanout<AccessUnit>,
    packets: Fanout<RtpUnit>,
    formats: Mutex<Formats>,
    known: Condvar,
    generation: AtomicU64,
    readers: Mutex<Arc<[Arc<Reader>]>>,
    pub clocking: Clocking,
    stopping: AtomicBool,
    /// The media of the present format, prepared once more by us: it stays when its last reader leaves.
    held: Mutex<Option<rtsp::RTSPMedia>>,
}

impl MountState {
    pub(super) fn new(
        path: String,
        source: Fanout<AccessUnit>,
        wants_audio: bool,
        clock: &MediaClock,
    ) -> Arc<Self> {
        let upstream = source.clone();
        Arc::new(Self {
            path,
            wants_audio,
            source,
            packets: Fanout::new(move || upstream.request_keyframe()),
            formats: Mutex::default(),
            known: Condvar::new(),
            generation: AtomicU64::new(0),
            readers: Mutex::new(Arc::from([])),
            clocking: Clocking {
                clock: clock.clone(),
                tracks: Mutex::default(),
                cname: format!("boothcast@{:08x}", rand::random::<u32>()),
            },
            stopping: AtomicBool::new(false),
            held: Mutex::default(),
        })
    }

    /// Starts the thread. [`Kind::Missing`] when a payloader is not installed.
    pub(super) fn spawn(self: &Arc<Self>) -> Result<JoinHandle<()>> {
        let video = Payloader::new(Track::Video)?;
        let audio = self
            .wants_audio
            .then(|| Payloader::new(Track::Audio))
            .transpose()?;
        let consumer = self.source.subscribe(ConsumerOptions {
            name: format!("rtsp {}", self.path),
            start: Start::CachedGop,
            max_span: READER_SPAN,
            max_bytes: READER_BYTES,
        });
        let mount = Arc::clone(self);
        std::thread::Builder::new()
            .name(format!("rtsp{}", self.path.replace('/', "-")))
            .spawn(move || mount.run(consumer, video, audio))
            .map_err(|e| Error::new(Kind::Internal, "The RTSP thread does not start.").caused_by(e))
    }

    /// Makes the thread end, and whoever waits for formats give up.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.known.notify_all();
    }

    /// Waits until all formats are known, or the picture's for so long that sound is not to be expected; at most
    /// `limit`. Says whether there is anything to describe.
    pub(super) fn wait_for_formats(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        let mut formats = self.formats();
        loop {
            if self.stopping.load(Ordering::Acquire) {
                return false;
            }
            let until = match formats.since {
                Some(since) if self.wants_audio && formats.audio.is_none() => since + SOUND_WAIT,
                Some(_) => return true,
                None => end,
            };
            let left = until.min(end).saturating_duration_since(Instant::now());
            if left.is_zero() {
                return formats.since.is_some();
            }
            formats = self
                .known
                .wait_timeout(formats, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Caps of the tracks, picture first.
    pub(super) fn caps(&self) -> Vec<gst::Caps> {
        let formats = self.formats();
        formats
            .video
            .iter()
            .chain(&formats.audio)
            .cloned()
            .collect()
    }

    /// Changes with every format.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Keeps a media prepared that just became so. Between two readers the library would tear it down, and refuse who
    /// comes in that moment.
    pub(super) fn hold(&self, media: &rtsp::RTSPMedia) {
        if !self.stopping.load(Ordering::Acquire) && media.prepare(None).is_ok() {
            self.let_go(Some(media.clone()));
        }
    }

    /// Lets the library tear down what was held, and holds `next`.
    pub(super) fn let_go(&self, next: Option<rtsp::RTSPMedia>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *held, next);
        drop(held);
        if let Some(media) = old {
            let _ = media.unprepare();
        }
    }

    /// RTP clock of `track` in Hz.
    pub(super) fn rate(&self, track: Track) -> u32 {
        self.clocking.track(track).rate
    }

    /// A consumer for a reader, at the cached GOP.
    pub(super) fn subscribe(&self) -> Consumer<RtpUnit> {
        self.packets.subscribe(ConsumerOptions {
            name: format!("reader of {}", self.path),
            start: Start::CachedGop,
            max_span: READER_SPAN,
            max_bytes: READER_BYTES,
        })
    }

    /// Readers in PLAY.
    pub(super) fn readers(&self) -> Arc<[Arc<Reader>]> {
        Arc::clone(&self.readers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a reader and sends it what there is, at once.
    pub(super) fn add(self: &Arc<Self>, reader: &Arc<Reader>) {
        let mount = Arc::downgrade(self);
        reader.listen(move |reader| {
            if let Some(mount) = mount.upgrade() {
                mount.with_round(|round| reader.try_drain(round));
            }
        });
        self.with_round(|round| reader.drain(round));
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        *readers = readers.iter().chain([reader]).cloned().collect();
    }

    /// Takes out and gives back the readers for which `gone` holds; nothing is sent to them any more.
    pub(super) fn remove(&self, gone: impl Fn(&Reader) -> bool) -> Vec<Arc<Reader>> {
        let (out, stay): (Vec<_>, Vec<_>) = self.readers().iter().cloned().partition(|r| gone(r));
        if !out.is_empty() {
            let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
            // Somebody may have been added in between: take out by identity.
            *readers = readers
                .iter()
                .filter(|r| !out.iter().any(|o| Arc::ptr_eq(o, r)))
                .cloned()
                .collect();
        }
        drop(stay);
        for reader in &out {
            reader.kill();
        }
        out
    }

    fn formats(&self) -> MutexGuard<'_, Formats> {
        self.formats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_round<T>(&self, f: impl FnOnce(&Round<'_>) -> T) -> T {
        f(&Round {
            clocking: &self.clocking,
            resubscribe: &|| self.subscribe(),
        })
    }

    fn run(
        &self,
        mut consumer: Consumer<AccessUnit>,
        mut video: Payloader,
        mut audio: Option<Payloader>,
    ) {
        let mut wait = IDLE;
        while !self.stopping.load(Ordering::Acquire) {
            match consumer.next_timeout(wait) {
                Next::Unit(au) => match (au.track, audio.as_mut()) {
                    (Track::Video, _) => self.take(&mut video, &au),
                    (Track::Audio, Some(audio)) => self.take(audio, &au),
                    (Track::Audio, None) => {}
                },
                Next::TimedOut => {}
                Next::Closed => break,
            }
            let next = self.with_round(|round| {
                let readers = self.readers();
                readers.iter().filter_map(|r| r.drain(round)).min()
            });
            wait = next.map_or(IDLE, |at| {
                at.saturating_duration_since(Instant::now()).min(IDLE)
            });
        }
    }

    fn take(&self, payloader: &mut Payloader, au: &AccessUnit) {
        match payloader.push(au) {
            Ok((unit, caps)) => {
                if let Some(caps) = caps {
                    self.learn(au.track, payloader, caps);
                }
                if let Some(unit) = unit {
                    self.packets.push(unit);
                }
            }
            Err(e) => tracing::warn!(mount = %self.path, "{}", e.report()),
        }
    }

    fn learn(&self, track: Track, payloader: &Payloader, caps: gst::Caps) {
        let (rate, offset) = payloader.clocking();
        let ssrc = payloader.ssrc;
        self.clocking.set(track, TrackClock { ssrc, rate, offset });
        let mut formats = self.formats();
        let place = match track {
            Track::Video => &mut formats.video,
            Track::Audio => &mut formats.audio,
        };
        if place.as_ref() != Some(&caps) {
            *place = Some(caps);
            if formats.video.is_some() {
                formats.since.get_or_insert_with(Instant::now);
            }
            self.generation.fetch_add(1, Ordering::AcqRel);
            self.known.notify_all();
        }
    }
}
