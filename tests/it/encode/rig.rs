//! An encoder session with what it delivered.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use boothcast::config::{H264Profile, VideoSettings};
use boothcast::media::access_unit::AccessUnit;
use boothcast::media::encode::VideoEncoder;
use boothcast::media::raw::RawFormat;
use boothcast::media::time::MediaClock;
use gstreamer as gst;

use super::picture::frame;
use crate::support::wait_for;

/// Where an encode that works on a busy machine is long done.
pub const LIMIT: Duration = Duration::from_secs(30);
/// Both software encoders come with the packages that the tests need.
pub const ENCODERS: [&str; 2] = ["x264enc", "openh264enc"];

pub fn settings(width: u32, height: u32, fps: u32) -> VideoSettings {
    VideoSettings {
        width,
        height,
        fps,
        bitrate: 1_500_000,
        gop_s: 1.0,
        h264_profile: H264Profile::Main,
    }
}

/// An encoder session with what it delivered.
pub struct Rig {
    pub encoder: VideoEncoder,
    pub input: RawFormat,
    pub units: Arc<Mutex<Vec<AccessUnit>>>,
    pub failures: Arc<Mutex<Vec<String>>>,
    pub failed: Arc<AtomicUsize>,
    pub next: u64,
}

/// Far from zero, as it is after hours of running.
pub const START: u64 = 10_000_000_000_000;

impl Rig {
    pub fn open(element: &str, settings: &VideoSettings, input: RawFormat) -> Self {
        gst::init().unwrap();
        let units = Arc::new(Mutex::new(Vec::new()));
        let failures = Arc::new(Mutex::new(Vec::new()));
        let failed = Arc::new(AtomicUsize::new(0));
        let (sink, faults, count) = (
            Arc::clone(&units),
            Arc::clone(&failures),
            Arc::clone(&failed),
        );
        let encoder = VideoEncoder::open(
            element,
            settings,
            input,
            &MediaClock::start(),
            Arc::new(move |unit| sink.lock().unwrap().push(unit)),
            Arc::new(move |reason| {
                faults.lock().unwrap().push(reason);
                count.fetch_add(1, Ordering::SeqCst);
            }),
        )
        .unwrap();
        Self {
            encoder,
            input,
            units,
            failures,
            failed,
            next: 0,
        }
    }

    pub fn pts(&self, number: u64) -> u64 {
        START + number * self.input.frame_ns()
    }

    /// Pushes `count` frames, each when there is room for it, so that none is dropped.
    pub fn push(&mut self, count: u64, noise: u32) {
        for _ in 0..count {
            let number = self.next;
            self.encoder
                .push(frame(self.input, number, self.pts(number), noise));
            self.next += 1;
            wait_for("the encoder to take a frame", LIMIT, || {
                (self.encoder.waiting() < 3).then_some(())
            });
        }
    }

    pub fn count(&self) -> usize {
        self.units.lock().unwrap().len()
    }

    /// Waits for the access unit of the last pushed frame.
    pub fn settle(&self) -> Vec<AccessUnit> {
        let last = self.pts(self.next - 1);
        wait_for("the last access unit", LIMIT, || {
            let units = self.units.lock().unwrap();
            (units.last()?.pts >= last).then(|| units.clone())
        })
    }
}
