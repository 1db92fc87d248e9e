//! Sources, selection, slate and sound path with real GStreamer and files made by ffmpeg.
#![allow(clippy::unwrap_used)]

mod files;
mod picture;
mod select;
mod sound;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boothcast::config::SlateConfig;
use boothcast::device::event::MediaEvent;
use boothcast::media::capture::audio::{AudioOptions, AudioPath, BLOCK_FRAMES};
use boothcast::media::capture::test_source::{FLASH_FRAMES, read_strip};
use boothcast::media::capture::video::{VideoCapture, VideoSelect};
use boothcast::media::capture::{AudioInput, CameraStream, VideoInput, slate};
use boothcast::media::raw::{BufferSink, FaultSink, Pixel, RawFormat};
use boothcast::media::report::Reporter;
use boothcast::media::time::MediaClock;
use gstreamer as gst;

use super::support::wait_for;

const FORMAT: RawFormat = RawFormat {
    pixel: Pixel::I420,
    width: 640,
    height: 360,
    fps: 30,
};
const SECOND: u64 = 1_000_000_000;

/// Keeps what a stage gives.
#[derive(Clone, Default)]
struct Tape(Arc<Mutex<Vec<(gst::Buffer, Instant)>>>);

impl Tape {
    /// Copies what it takes: sources make frames from a bounded pool, and a tape would drain it.
    fn sink(&self) -> BufferSink {
        let tape = self.0.clone();
        Arc::new(move |buffer| {
            let copy = buffer.copy_deep().unwrap();
            tape.lock().unwrap().push((copy, Instant::now()));
        })
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn buffers(&self) -> Vec<gst::Buffer> {
        self.0
            .lock()
            .unwrap()
            .iter()
            .map(|(b, _)| b.clone())
            .collect()
    }

    fn pts(&self) -> Vec<u64> {
        self.buffers().iter().map(pts).collect()
    }

    fn wait_len(&self, n: usize) {
        wait_for(&format!("{n} buffers"), Duration::from_secs(20), || {
            (self.len() >= n).then_some(())
        });
    }
}

fn pts(buffer: &gst::Buffer) -> u64 {
    buffer.pts().unwrap().nseconds()
}

/// Keeps reasons and reports.
#[derive(Clone)]
struct Notes<T>(Arc<Mutex<Vec<T>>>);

impl<T> Default for Notes<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone + Send + 'static> Notes<T> {
    fn add(&self, note: T) {
        self.0.lock().unwrap().push(note);
    }

    fn all(&self) -> Vec<T> {
        self.0.lock().unwrap().clone()
    }
}

fn faults(notes: &Notes<String>) -> FaultSink {
    let notes = notes.clone();
    Arc::new(move |reason| notes.add(reason))
}

fn reporter(notes: &Notes<MediaEvent>) -> Reporter {
    let notes = notes.clone();
    Reporter::new(move |event| notes.add(event))
}

fn clock() -> MediaClock {
    gst::init().unwrap();
    MediaClock::start()
}

fn test_picture(pattern: &str) -> VideoInput {
    VideoInput::Test {
        pattern: pattern.to_owned(),
    }
}

fn open(
    input: &VideoInput,
    format: RawFormat,
    clock: &MediaClock,
    tape: &Tape,
) -> (VideoCapture, Notes<String>) {
    let ended = Notes::default();
    let capture = VideoCapture::open(
        input,
        format,
        clock,
        tape.sink(),
        None,
        faults(&ended),
        None,
    )
    .unwrap();
    (capture, ended)
}

/// The strip of a frame of default layout (sizes here need no padding in luma).
fn strip(buffer: &gst::Buffer, format: RawFormat) -> Option<(u32, u32)> {
    let map = buffer.map_readable().unwrap();
    read_strip(&map, format.width as usize, format.width, format.height)
}

fn bytes(format: RawFormat) -> usize {
    (format.width * format.height * 3 / 2) as usize
}

fn assert_rising(pts: &[u64]) {
    for pair in pts.windows(2) {
        assert!(pair[1] > pair[0], "PTS {} after {}", pair[1], pair[0]);
    }
}

/// A file of `seconds` with a picture (frame number readable as brightness is not needed) and a tone.
fn make_file(dir: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = dir.join(name);
    let done = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments)
        .arg(&path)
        .status()
        .unwrap();
    assert!(done.success());
    path
}

fn options() -> AudioOptions {
    AudioOptions {
        rate: 48_000,
        channels: 2,
        gain_db: 0.0,
        muted: false,
        delay_ms: 0,
    }
}

fn samples(buffers: &[gst::Buffer]) -> Vec<f32> {
    let left = |b: &gst::Buffer| -> Vec<f32> {
        let map = b.map_readable().unwrap();
        map.chunks_exact(4)
            .map(|f| f32::from(i16::from_le_bytes([f[0], f[1]])) / 32768.0)
            .collect()
    };
    buffers.iter().flat_map(left).collect()
}

/// Running times at which a loud beep begins.
fn beeps(buffers: &[gst::Buffer], from: f32) -> Vec<u64> {
    let samples = samples(buffers);
    let begin = pts(&buffers[0]);
    let mut quiet_since = 0;
    let mut found = Vec::new();
    for (n, s) in samples.iter().enumerate() {
        if s.abs() > from {
            if n - quiet_since > 4800 {
                found.push(begin + n as u64 * SECOND / 48_000);
            }
            quiet_since = n;
        }
    }
    found
}
