//! Sound: source pipelines, timeline, drift, levels, silence.
//!
//! ```text
//!  card | file | tone ──blocks with capture times──> feeds ──on the media clock──> gain ─> meter ─> mute ─> S16 blocks
//!   (own thread)                                     drift, resampler, fades        (one output thread)
//! ```
//!
//! The output never stops and never drifts: a thread wakes for each block of 1024 frames, 60 ms after the block's time, and takes
//! from `feed.rs` what was captured then, or silence. PTS of block *n* is the start plus *n*·1024/rate, exactly.

mod drift;
mod feed;
mod level;
mod output;
mod resample;
mod source;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use self::feed::Feeds;
use self::output::Output;
use super::AudioInput;
use super::worker::{Signal, Worker};
use crate::error::{Error, Kind, Result};
use crate::media::raw::{BufferSink, FaultSink};
use crate::media::report::Reporter;
use crate::media::sync::lock;
use crate::media::time::MediaClock;

/// Frames of an output block: those of an AAC-LC access unit.
pub const BLOCK_FRAMES: u32 = 1024;
/// Largest delay, ms.
const DELAY_MAX_MS: u32 = 2000;
/// Range of the gain, dB.
const GAIN_DB: std::ops::RangeInclusive<f32> = -60.0..=30.0;

/// How the sound path begins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AudioOptions {
    /// Samples per second, 44100 or 48000.
    pub rate: u32,
    /// Channels, 1 or 2.
    pub channels: u32,
    /// Gain in dB, −60 to +30.
    pub gain_db: f32,
    /// Whether silence goes out instead.
    pub muted: bool,
    /// Sound later than captured by this many milliseconds, 0 to 2000.
    pub delay_ms: u32,
}

/// What the output thread reads and callers set.
struct Shared {
    options: AudioOptions,
    clock: MediaClock,
    reporter: Reporter,
    feeds: Mutex<Feeds>,
    /// Bits of the linear gain.
    gain: std::sync::atomic::AtomicU32,
    muted: AtomicBool,
    /// The source that is open.
    current: Mutex<Option<Current>>,
}

/// An open source, as the output thread watches it.
struct Current {
    description: String,
    /// Running time of the newest samples' arrival, ns; at first of the opening.
    heard: Arc<AtomicU64>,
    /// Samples have come.
    up: Arc<AtomicBool>,
    told_up: bool,
    ended: Once,
}

/// A [`FaultSink`] that is called at most once.
#[derive(Clone)]
struct Once(Arc<AtomicBool>, FaultSink);

impl Once {
    fn call(&self, reason: String) {
        if !self.0.swap(true, Ordering::SeqCst) {
            (self.1)(reason);
        }
    }
}

fn linear(db: f32) -> f32 {
    let db = if db.is_finite() { db } else { 0.0 };
    10_f32.powf(db.clamp(*GAIN_DB.start(), *GAIN_DB.end()) / 20.0)
}

fn delay_ns(ms: u32) -> u64 {
    u64::from(ms.min(DELAY_MAX_MS)) * 1_000_000
}

/// The sound that goes on air. It runs from start to stop, with a source or without.
pub struct AudioPath {
    shared: Arc<Shared>,
    source: Mutex<Option<Worker>>,
    output: Option<Worker>,
}

impl AudioPath {
    /// Starts. From now on `out` gets blocks of [`BLOCK_FRAMES`] frames, S16LE interleaved, whose PTS are
    /// exactly n·1024/rate after the first in running time; silence where there is no source. Reports `MicUp`
    /// at the first samples of a source, `Levels` four times a second and `Drift` each 10 s while one delivers. Levels are taken after
    /// the gain and before the mute.
    #[must_use]
    pub fn start(
        options: AudioOptions,
        clock: &MediaClock,
        out: BufferSink,
        reporter: Reporter,
    ) -> Self {
        let channels = usize::try_from(options.channels).unwrap_or(1);
        let shared = Arc::new(Shared {
            options,
            clock: clock.clone(),
            reporter,
            feeds: Mutex::new(Feeds::new(
                options.rate,
                channels,
                delay_ns(options.delay_ms),
            )),
            gain: linear(options.gain_db).to_bits().into(),
            muted: options.muted.into(),
            current: Mutex::new(None),
        });
        let mut output = Output::new(shared.clone(), out);
        let worker = Worker::spawn("audio-path", Signal::default(), move |signal| {
            output.run(signal);
        });
        if let Err(e) = &worker {
            tracing::error!(error = %e.report(), "there will be no sound");
        }
        Self {
            shared,
            source: Mutex::new(None),
            output: worker.ok(),
        }
    }

    /// Opens a source, after closing the one before. `ended` is called at most once, when a source that had started ends by
    /// itself or gives nothing for 5 s; close it or open another then. Blocks until the source has started, at most 7 s.
    ///
    /// # Errors
    /// One sentence on why the source cannot be started.
    pub fn open(&self, input: &AudioInput, ended: FaultSink) -> Result<()> {
        self.close();
        if self.output.is_none() {
            return Err(Error::new(Kind::Internal, "the sound path is not running"));
        }
        let heard = Arc::new(AtomicU64::new(self.shared.clock.now().nseconds()));
        let up = Arc::new(AtomicBool::new(false));
        let ended = Once(Arc::new(AtomicBool::new(false)), ended);
        let (shared, h, u) = (self.shared.clone(), heard.clone(), up.clone());
        let job = source::Job {
            input: input.clone(),
            rate: self.shared.options.rate,
            channels: u32::try_from(channels(self.shared.options)).unwrap_or(1),
            clock: self.shared.clock.clone(),
            deliver: Arc::new(move |block| {
                h.store(shared.clock.now().nseconds(), Ordering::Relaxed);
                u.store(true, Ordering::Relaxed);
                lock(&shared.feeds).push(&block);
            }),
        };
        let (shared, once) = (self.shared.clone(), ended.clone());
        let on_end: FaultSink = Arc::new(move |reason| {
            // A thread that had to be left behind may come back after the next source was opened.
            let mut current = lock(&shared.current);
            let mine = current
                .as_ref()
                .is_some_and(|c| Arc::ptr_eq(&c.ended.0, &once.0));
            if mine {
                *current = None;
                lock(&shared.feeds).close();
            }
            drop(current);
            if mine {
                once.call(reason);
            }
        });
        *lock(&self.shared.current) = Some(Current {
            description: source::description(input),
            heard,
            up,
            told_up: false,
            ended,
        });
        match source::start(job, on_end) {
            Ok(worker) => {
                *lock(&self.source) = Some(worker);
                Ok(())
            }
            Err(e) => {
                *lock(&self.shared.current) = None;
                Err(e)
            }
        }
    }

    /// Closes the source; silence stands in. Bounded by a second.
    pub fn close(&self) {
        *lock(&self.shared.current) = None;
        let worker = lock(&self.source).take();
        drop(worker);
        lock(&self.shared.feeds).close();
    }

    /// Sets the gain in dB (−60 to +30); smoothed over a block.
    pub fn set_gain(&self, db: f32) {
        self.shared
            .gain
            .store(linear(db).to_bits(), Ordering::Relaxed);
    }

    /// Mutes or unmutes; smoothed over a block.
    pub fn set_mute(&self, muted: bool) {
        self.shared.muted.store(muted, Ordering::Relaxed);
    }

    /// Sound later than captured by `ms`, 0 to 2000.
    pub fn set_delay_ms(&self, ms: u32) {
        lock(&self.shared.feeds).set_delay(delay_ns(ms));
    }

    /// Ends source and output. Bounded by two seconds.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for AudioPath {
    fn drop(&mut self) {
        self.close();
        drop(self.output.take());
    }
}

impl std::fmt::Debug for AudioPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AudioPath")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

fn channels(options: AudioOptions) -> usize {
    usize::try_from(options.channels)
        .unwrap_or(1)
        .clamp(1, feed::CHANNELS)
}
