//! The sound: timeline, source and AAC encoder. One encoder feeds every rendition.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::worker::Worker;
use super::{Lane, Resolver, delay_parts};
use crate::config::AudioConfig;
use crate::device::event::MediaEvent;
use crate::error::Result;
use crate::media::access_unit::AccessUnit;
use crate::media::audio_encode::AudioEncoder;
use crate::media::capture::AudioInput;
use crate::media::capture::audio::{AudioOptions, AudioPath};
use crate::media::raw::FaultSink;
use crate::media::report::Reporter;
use crate::media::time::MediaClock;

enum Job {
    Open,
    Close,
}

/// Handle of the running sound.
pub(super) struct Sound {
    path: Arc<AudioPath>,
    encoder: Arc<AudioEncoder>,
    worker: Worker<Job>,
    count: Arc<AtomicU64>,
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
        let counter = count.clone();
        let fanouts: Vec<_> = lanes.iter().map(|lane| lane.fanout.clone()).collect();
        let out = Arc::new(move |unit: AccessUnit| {
            counter.fetch_add(1, Ordering::Relaxed);
            // Sound is already where it belongs in time: only the picture goes through the delay line.
            for fanout in &fanouts {
                fanout.push(unit.clone());
            }
        });
        let failed = encoder_failed(reporter);
        let encoder = Arc::new(AudioEncoder::open(
            config.rate,
            config.channels,
            config.bitrate,
            clock,
            out,
            failed,
        )?);
        let sink = encoder.clone();
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
            Arc::new(move |buffer| sink.push(buffer)),
            reporter.clone(),
        ));
        let worker = start_worker(&path, resolver, reporter)?;
        Ok(Self {
            path,
            encoder,
            worker,
            count,
        })
    }

    /// Counts AAC frames since start.
    pub(super) fn counter(&self) -> Arc<AtomicU64> {
        self.count.clone()
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
            worker,
            ..
        } = self;
        worker.send(Job::Close);
        worker.stop(Duration::from_secs(1));
        // The worker held the only other handle of the path, and the path the only other one of the encoder.
        if let Some(path) = Arc::into_inner(path) {
            path.stop();
        }
        if let Some(encoder) = Arc::into_inner(encoder) {
            encoder.stop();
        }
    }
}

fn start_worker(
    path: &Arc<AudioPath>,
    resolver: Resolver<AudioInput>,
    reporter: &Reporter,
) -> Result<Worker<Job>> {
    let (path, reporter) = (path.clone(), reporter.clone());
    Worker::start("sound", move |job| match job {
        Job::Close => path.close(),
        Job::Open => {
            path.close();
            let lost = reporter.clone();
            let ended: FaultSink =
                Arc::new(move |reason| lost.report(MediaEvent::MicLost { reason }));
            if let Err(e) = resolver().and_then(|input| path.open(&input, ended)) {
                reporter.report(MediaEvent::MicLost { reason: e.report() });
            }
        }
    })
}

fn encoder_failed(reporter: &Reporter) -> FaultSink {
    let reporter = reporter.clone();
    Arc::new(move |reason| {
        reporter.report(MediaEvent::MicLost {
            reason: format!("the AAC encoder failed: {reason}"),
        });
    })
}
