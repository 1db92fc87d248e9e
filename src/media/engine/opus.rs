//! The Opus encoder beside the AAC one: opened when the first listener comes, closed when the last one leaves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use gstreamer as gst;

use super::worker::{Jobs, Worker};
use crate::error::Result;
use crate::media::opus::{OpusEncoder, OpusFeed};
use crate::media::raw::FaultSink;
use crate::media::sync::lock;
use crate::media::time::MediaClock;

/// Least time between two sessions of a failing encoder.
const PAUSE: Duration = Duration::from_secs(2);

enum Job {
    /// Listeners came or went.
    Settle,
    /// The encoder failed.
    Failed,
}

type Slot = Arc<Mutex<Option<OpusEncoder>>>;

/// Way to the worker, known once that runs. Weak: the worker owns what holds it.
type WayIn = Arc<OnceLock<Weak<Jobs<Job>>>>;

/// Handle of the encoder and its worker.
pub(super) struct Opus {
    feed: OpusFeed,
    slot: Slot,
    worker: Worker<Job>,
    way_in: Arc<Jobs<Job>>,
}

fn send(way_in: &WayIn, job: Job) {
    if let Some(jobs) = way_in.get().and_then(Weak::upgrade) {
        jobs.send(job);
    }
}

impl Opus {
    /// For blocks of `rate` samples/s and `channels`.
    pub(super) fn start((rate, channels): (u32, u32), clock: &MediaClock) -> Result<Self> {
        let wanted = Arc::new(AtomicBool::new(false));
        let way_in = WayIn::default();
        let (wish, way) = (wanted.clone(), way_in.clone());
        // The worker reads the newest wish at each job, so it does not matter whether one is lost in a full queue.
        let feed = OpusFeed::new(move |on| {
            wish.store(on, Ordering::SeqCst);
            send(&way, Job::Settle);
        });
        let slot = Slot::default();
        let (out, place, clock, way) = (feed.clone(), slot.clone(), clock.clone(), way_in.clone());
        let told = AtomicBool::new(false);
        let worker = Worker::start("opus", move |job| {
            if matches!(job, Job::Failed) {
                // Taken out first: stopping waits for threads that may be pushing.
                let old = lock(&place).take();
                drop(old);
                std::thread::sleep(PAUSE);
            }
            let (on, runs) = (wanted.load(Ordering::SeqCst), lock(&place).is_some());
            if on && !runs {
                let way = way.clone();
                let failed: FaultSink = Arc::new(move |reason| {
                    tracing::warn!(reason, "the Opus encoder failed");
                    send(&way, Job::Failed);
                });
                match OpusEncoder::open(rate, channels, &clock, &out, failed) {
                    Ok(encoder) => *lock(&place) = Some(encoder),
                    Err(e) if !told.swap(true, Ordering::SeqCst) => {
                        tracing::warn!("Viewers by WebRTC have no sound. {}", e.report());
                    }
                    Err(_) => {}
                }
            } else if !on && runs {
                let old = lock(&place).take();
                drop(old);
            }
        })?;
        let jobs = Arc::new(worker.sender());
        let _ = way_in.set(Arc::downgrade(&jobs));
        Ok(Self {
            feed,
            slot,
            worker,
            way_in: jobs,
        })
    }

    /// For outputs.
    pub(super) fn feed(&self) -> OpusFeed {
        self.feed.clone()
    }

    /// Takes each block that goes to the AAC encoder, too.
    pub(super) fn sink(&self) -> impl Fn(&gst::Buffer) + Send + Sync + 'static {
        let slot = self.slot.clone();
        move |block| {
            if let Some(encoder) = &*lock(&slot) {
                encoder.push(block.clone());
            }
        }
    }

    pub(super) fn stop(self) {
        let Self {
            feed,
            slot,
            worker,
            way_in,
        } = self;
        feed.close();
        drop(way_in);
        worker.stop(Duration::from_secs(1));
        let encoder = lock(&slot).take();
        drop(encoder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fanout::Next;
    use std::time::Instant;

    fn until(what: &str, is: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !is() {
            assert!(Instant::now() < end, "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn the_encoder_runs_while_somebody_listens() {
        gst::init().unwrap();
        let opus = Opus::start((48_000, 2), &MediaClock::start()).unwrap();
        let (feed, sink) = (opus.feed(), opus.sink());
        assert!(lock(&opus.slot).is_none());
        for _ in 0..2 {
            let mut listener = feed.listen("test");
            until("opened", || lock(&opus.slot).is_some());
            for n in 0..20_u64 {
                let mut block = gst::Buffer::from_slice(vec![0_u8; 1024 * 2 * 2]);
                let pts = gst::ClockTime::from_nseconds(n * 1024 * 1_000_000_000 / 48_000);
                block.get_mut().unwrap().set_pts(pts);
                sink(&block);
            }
            let first = listener.frames.next_timeout(Duration::from_secs(5));
            assert!(matches!(first, Next::Unit(_)), "{first:?}");
            drop(listener);
            until("closed", || lock(&opus.slot).is_none());
        }
        let begun = Instant::now();
        opus.stop();
        assert!(begun.elapsed() < Duration::from_millis(900));
    }
}
