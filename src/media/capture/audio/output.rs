//! The output thread of the sound path: a block each 1024 frames of the media clock, come what may.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use gstreamer as gst;

use super::feed::Frame;
use super::level::Meter;
use super::{BLOCK_FRAMES, Shared, channels, linear, lock};
use crate::device::event::MediaEvent;
use crate::media::capture::worker::{Signal, time};
use crate::media::raw::BufferSink;

/// How long after its end a block goes out: what a source may be late, ns.
const LATENCY: u64 = 60_000_000;
/// Blocks made in one go at most, after the machine was asleep.
const CATCH_UP: u32 = 200;
/// An open source that gives nothing for this long has ended, ns.
const STALLED: u64 = 5_000_000_000;
/// Distance of drift reports, ns.
const DRIFT_EVERY: u64 = 10_000_000_000;

/// The output thread.
pub(super) struct Output {
    shared: Arc<Shared>,
    out: BufferSink,
    start: u64,
    n: u64,
    frames: Vec<Frame>,
    /// Gain and mute as they stand at the end of the last block.
    gain: f32,
    open: f32,
    meter: Meter,
    drift_told: u64,
}

impl Output {
    pub(super) fn new(shared: Arc<Shared>, out: BufferSink) -> Self {
        let options = shared.options;
        Self {
            start: shared.clock.now().nseconds(),
            n: 0,
            frames: vec![Frame::default(); BLOCK_FRAMES as usize],
            gain: linear(options.gain_db),
            open: if options.muted { 0.0 } else { 1.0 },
            meter: Meter::new(options.rate, channels(options)),
            drift_told: 0,
            shared,
            out,
        }
    }

    /// Running time of the begin of block `n`, ns.
    fn block_time(&self, n: u64) -> u64 {
        let frames = u128::from(n) * u128::from(BLOCK_FRAMES);
        let ns = frames * 1_000_000_000 / u128::from(self.shared.options.rate.max(1));
        self.start + u64::try_from(ns).unwrap_or(u64::MAX)
    }

    pub(super) fn run(&mut self, signal: &Signal) {
        while signal.wait_until(
            &self.shared.clock.clone(),
            self.block_time(self.n + 1) + LATENCY,
        ) {
            for _ in 0..CATCH_UP {
                self.block();
                if self.block_time(self.n + 1) + LATENCY > self.shared.clock.now().nseconds() {
                    break;
                }
            }
            self.watch();
        }
    }

    fn block(&mut self) {
        let (pts, next) = (self.block_time(self.n), self.block_time(self.n + 1));
        #[expect(
            clippy::cast_precision_loss,
            reason = "stays below 2^53 for a hundred days"
        )]
        lock(&self.shared.feeds).fill(pts as f64, &mut self.frames);
        let samples = self.finish();
        let mut buffer = gst::Buffer::from_mut_slice(samples);
        if let Some(head) = buffer.get_mut() {
            head.set_pts(time(pts));
            head.set_duration(time(next - pts));
        }
        self.n += 1;
        (self.out)(buffer);
    }

    /// Gain, meter, mute, and the step to 16 bits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "clamped; a block's length"
    )]
    fn finish(&mut self) -> Vec<u8> {
        let gain = f32::from_bits(self.shared.gain.load(Ordering::Relaxed));
        let open = if self.shared.muted.load(Ordering::Relaxed) {
            0.0
        } else {
            1.0
        };
        let len = self.frames.len() as f32;
        let (gain_step, open_step) = ((gain - self.gain) / len, (open - self.open) / len);
        let channels = channels(self.shared.options);
        let mut bytes = Vec::with_capacity(self.frames.len() * channels * 2);
        let mut levels = None;
        for frame in &mut self.frames {
            self.gain += gain_step;
            self.open += open_step;
            for sample in frame.iter_mut() {
                *sample *= self.gain;
            }
            levels = self.meter.frame(&frame[..channels]).or(levels);
            for sample in &frame[..channels] {
                let value = (sample * self.open * 32768.0)
                    .round()
                    .clamp(-32768.0, 32767.0);
                bytes.extend_from_slice(&(value as i16).to_le_bytes());
            }
        }
        (self.gain, self.open) = (gain, open);
        if let Some((channels, state)) = levels
            && lock(&self.shared.current)
                .as_ref()
                .is_some_and(|c| c.up.load(Ordering::Relaxed))
        {
            self.shared
                .reporter
                .report(MediaEvent::Levels { channels, state });
        }
        bytes
    }

    /// Reports of the open source: up, drift, stalled.
    fn watch(&mut self) {
        let now = self.shared.clock.now().nseconds();
        let mut current = lock(&self.shared.current);
        let Some(source) = current.as_mut() else {
            self.drift_told = now;
            return;
        };
        let up = source.up.load(Ordering::Relaxed);
        if up && !std::mem::replace(&mut source.told_up, up) {
            self.drift_told = now;
            let description = source.description.clone();
            self.shared
                .reporter
                .report(MediaEvent::MicUp { description });
        }
        if up && now >= self.drift_told + DRIFT_EVERY {
            self.drift_told = now;
            if let Some(ppm) = lock(&self.shared.feeds).ppm() {
                self.shared.reporter.report(MediaEvent::Drift { ppm });
            }
        }
        if now > source.heard.load(Ordering::Relaxed) + STALLED {
            let ended = source.ended.clone();
            *current = None;
            drop(current);
            lock(&self.shared.feeds).close();
            ended.call(format!("no sound for {} s", STALLED / 1_000_000_000));
        }
    }
}
