//! The sound: timeline, source and AAC encoder, and an Opus encoder for browsers. One encoder feeds every rendition.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use super::opus::Opus;
use super::worker::{Jobs, Worker};
use super::{Lane, Resolver, delay_parts};
use crate::config::AudioConfig;
use crate::device::event::MediaEvent;
use crate::error::Result;
use crate::media::access_unit::{AccessUnit, Rising};
use crate::media::audio_encode::AudioEncoder;
use crate::media::capture::AudioInput;
use crate::media::capture::audio::{AudioOptions, AudioPath};
use crate::media::opus::OpusFeed;
use crate::media::raw::{AuSink, FaultSink};
use crate::media::report::Reporter;
use crate::media::sync::lock;
use crate::media::time::MediaClock;

enum Job {
    Open,
    Close,
    /// The AAC encoder failed: the next session takes over.
    Encoder,
}

/// Least time between two sessions of a failing encoder.
const ENCODER_PAUSE: Duration = Duration::from_millis(500);

/// The encoder in use; empty while one is replaced.
type Slot = Arc<Mutex<Option<AudioEncoder>>>;

/// What it takes to open an encoder, again and again.
struct Maker {
    config: AudioConfig,
    clock: MediaClock,
    out: AuSink,
    reporter: Reporter,
    /// Way to the worker, known once that runs. Weak, for the worker itself owns this: it could never end otherwise.
    jobs: Arc<OnceLock<Weak<Jobs<Job>>>>,
}

/// Handle of the running sound.
pub(super) struct Sound {
    path: Arc<AudioPath>,
    encoder: Slot,
    opus: Opus,
    worker: Worker<Job>,
    way_in: Arc<Jobs<Job>>,
    count: Arc<AtomicU64>,
}

impl Maker {
    fn open(&self) -> Result<AudioEncoder> {
        let (reporter, jobs) = (self.reporter.clone(), self.jobs.clone());
        let failed: FaultSink = Arc::new(move |reason| {
            let reason = format!("the AAC encoder failed: {reason}");
            reporter.report(MediaEvent::MicLost { reason });
            if let Some(jobs) = jobs.get().and_then(Weak::upgrade) {
                jobs.send(Job::Encoder);
            }
        });
        let AudioConfig {
            rate,
            channels,
            bitrate,
            ..
        } = self.config;
        AudioEncoder::open(rate, channels, bitrate, &self.clock, &self.out, &failed)
    }

    fn replace(&self, slot: &Slot) {
        // Taken out first: stopping waits for threads that may be pushing.
        let old = lock(slot).take();
        if let Some(old) = old {
            old.stop();
        }
        std::thread::sleep(ENCODER_PAUSE);
        match self.open() {
            Ok(encoder) => *lock(slot) = Some(encoder),
            Err(e) => self
                .reporter
                .report(MediaEvent::MicLost { reason: e.report() }),
        }
    }
}

impl Sound {
    pub(super) fn start(
        config: &AudioConfig,
        resolver: Resolver<AudioInput>,
        clock: &MediaClock,
        lanes: &[Arc<Lane>],
        reporter: &Reporter,
    ) -> Result<Self> {
        let count = Arc::new(AtomicU64::new(0));
        let jobs = Arc::new(OnceLock::new());
        let maker = Maker {
            config: config.clone(),
            clock: clock.clone(),
            out: out(lanes, count.clone()),
            reporter: reporter.clone(),
            jobs: jobs.clone(),
        };
        let encoder: Slot = Arc::new(Mutex::new(Some(maker.open()?)));
        let sink = encoder.clone();
        let opus = Opus::start((config.rate, config.channels), clock)?;
        let listeners = opus.sink();
        let options = AudioOptions {
            rate: config.rate,
            channels: config.channels,
            gain_db: config.gain_db,
            muted: false,
            delay_ms: delay_parts(config.offset_ms).0,
        };
        let path = Arc::new(AudioPath::start(
            options,
            clock,
            Arc::new(move |buffer| {
                listeners(&buffer);
                if let Some(encoder) = &*lock(&sink) {
                    encoder.push(buffer);
                }
            }),
            reporter.clone(),
        ));
        let worker = start_worker(&path, resolver, maker, &encoder)?;
        let way_in = Arc::new(worker.sender());
        let _ = jobs.set(Arc::downgrade(&way_in));
        Ok(Self {
            path,
            encoder,
            opus,
            worker,
            way_in,
            count,
        })
    }

    /// Counts AAC frames since start.
    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        self.count.clone()
    }

    /// The sound as Opus, encoded while somebody listens.
    pub(super) fn opus(&self) -> OpusFeed {
        self.opus.feed()
    }

    pub(super) fn open(&self) {
        self.worker.send(Job::Open);
    }

    pub(super) fn set_mute(&self, muted: bool) {
        self.path.set_mute(muted);
    }

    pub(super) fn set_gain(&self, db: f32) {
        self.path.set_gain(db);
    }

    pub(super) fn set_delay_ms(&self, ms: u32) {
        self.path.set_delay_ms(ms);
    }

    pub(super) fn stop(self) {
        let Self {
            path,
            encoder,
            opus,
            worker,
            way_in,
            ..
        } = self;
        drop(way_in);
        worker.send(Job::Close);
        worker.stop(Duration::from_secs(1));
        // The worker held the only other handle of the path.
        if let Some(path) = Arc::into_inner(path) {
            path.stop();
        }
        let encoder = lock(&encoder).take();
        if let Some(encoder) = encoder {
            encoder.stop();
        }
        opus.stop();
    }
}

/// Sound is already where it belongs in time: only the picture goes through the delay line. Times rise across sessions.
fn out(lanes: &[Arc<Lane>], count: Arc<AtomicU64>) -> AuSink {
    let fanouts: Vec<_> = lanes.iter().map(|lane| lane.fanout.clone()).collect();
    let rising = Mutex::new(Rising::default());
    Arc::new(move |mut unit: AccessUnit| {
        count.fetch_add(1, Ordering::Relaxed);
        let mut rising = lock(&rising);
        rising.apply(&mut unit);
        for fanout in &fanouts {
            fanout.push(unit.clone());
        }
    })
}

fn start_worker(
    path: &Arc<AudioPath>,
    resolver: Resolver<AudioInput>,
    maker: Maker,
    encoder: &Slot,
) -> Result<Worker<Job>> {
    let (path, slot) = (path.clone(), encoder.clone());
    Worker::start("sound", move |job| match job {
        Job::Close => path.close(),
        Job::Encoder => maker.replace(&slot),
        Job::Open => {
            path.close();
            let lost = maker.reporter.clone();
            let ended: FaultSink =
                Arc::new(move |reason| lost.report(MediaEvent::MicLost { reason }));
            if let Err(e) = resolver().and_then(|input| path.open(&input, ended)) {
                maker
                    .reporter
                    .report(MediaEvent::MicLost { reason: e.report() });
            }
        }
    })
}
