//! Pipelines of ours, and how their CPU is measured.

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use boothcast::media::overlay::canvas::Canvas;
use boothcast::media::raw::{Pixel, RawFormat};
use gstreamer as gst;
use gstreamer::prelude::*;

use super::film::{Clock, Film};

/// Frames before the measured ones: pools are filled, threads have begun.
const FIRST: u64 = 30;
const FRAMES: u64 = 300;
const LIMIT: Duration = Duration::from_secs(120);

/// Of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u32,
    pub height: u32,
}

impl Size {
    pub const HD: Self = Self {
        width: 1280,
        height: 720,
    };
    pub const FULL_HD: Self = Self {
        width: 1920,
        height: 1080,
    };

    pub fn name(self) -> String {
        format!("{}p30", self.height)
    }

    pub fn format(self) -> RawFormat {
        RawFormat {
            pixel: Pixel::I420,
            width: self.width,
            height: self.height,
            fps: 30,
        }
    }
}

/// A pipeline of `source ! middle ! fakesink`; the source's frames pass an `identity` called `in`.
pub fn pipeline(size: Size, pattern: &str, middle: &str) -> gst::Pipeline {
    let line = format!(
        "videotestsrc pattern={pattern} ! {} ! identity name=in silent=true ! {middle} ! fakesink sync=false",
        size.format().caps()
    );
    let made = gst::parse::launch(&line).unwrap_or_else(|e| panic!("{line}: {e}"));
    made.downcast().unwrap()
}

/// The pad through which each frame comes.
pub fn frames_of(pipeline: &gst::Pipeline) -> gst::Pad {
    pipeline.by_name("in").unwrap().static_pad("src").unwrap()
}

pub fn bare(size: Size) -> gst::Pipeline {
    pipeline(size, "black", "identity silent=true")
}

/// The encoder's settings are those of `src/media/encode/tune.rs`; the picture is easy to encode, so that the share of all
/// else is rather over- than understated.
pub fn encoded(size: Size) -> gst::Pipeline {
    let cores = std::thread::available_parallelism().unwrap().get();
    let kbps = if size == Size::HD { 2500 } else { 4500 };
    let threads = cores.clamp(1, 4);
    let x264 = format!(
        "x264enc tune=zerolatency speed-preset=superfast threads={threads} key-int-max=60 bframes=0 byte-stream=true \
         aud=true pass=cbr vbv-buf-capacity=600 cabac=true dct8x8=false option-string=scenecut=0 bitrate={kbps} \
         ! video/x-h264,profile=main"
    );
    pipeline(size, "smpte", &x264)
}

pub fn nothing(size: Size) -> gst::Pipeline {
    drawn(size, Canvas::default(), false, |_| {})
}

pub fn ours(size: Size, film: &Film) -> gst::Pipeline {
    let canvas = Canvas::default();
    let mut clock = Clock::new(film, canvas.clone());
    drawn(size, canvas, false, move |pts| clock.tick(pts))
}

/// As with `sub.clean`: somebody holds each frame as it was.
pub fn ours_and_clean(size: Size, film: &Film) -> gst::Pipeline {
    let canvas = Canvas::default();
    let mut clock = Clock::new(film, canvas.clone());
    drawn(size, canvas, true, move |pts| clock.tick(pts))
}

/// Each frame passes `canvas`; `tick` hears its time before.
fn drawn(
    size: Size,
    canvas: Canvas,
    clean: bool,
    tick: impl FnMut(u64) + Send + 'static,
) -> gst::Pipeline {
    let pipeline = pipeline(size, "black", "identity silent=true");
    let (format, tick) = (size.format(), Mutex::new(tick));
    frames_of(&pipeline).add_probe(gst::PadProbeType::BUFFER, move |_, info| {
        if let Some(gst::PadProbeData::Buffer(frame)) = info.data.take() {
            tick.lock().unwrap()(frame.pts().unwrap().nseconds());
            let held = clean.then(|| frame.clone());
            let frame = canvas.draw(format, frame);
            drop(held);
            info.data = Some(gst::PadProbeData::Buffer(frame));
        }
        gst::PadProbeReturn::Ok
    });
    pipeline
}

/// User CPU of this process from frame [`FIRST`] on, for [`FRAMES`] frames, s. The pipeline is stopped.
pub fn user_seconds(pipeline: &gst::Pipeline) -> f64 {
    let (tell, hear) = mpsc::sync_channel(2);
    let count = Arc::new(Mutex::new(0_u64));
    let source = pipeline.by_name("in").unwrap().static_pad("sink").unwrap();
    source.add_probe(gst::PadProbeType::BUFFER, move |_, _| {
        let mut count = count.lock().unwrap();
        if *count == FIRST || *count == FIRST + FRAMES {
            let _ = tell.try_send(user_time());
        }
        *count += 1;
        gst::PadProbeReturn::Ok
    });
    pipeline.set_state(gst::State::Playing).unwrap();
    let next = || {
        hear.recv_timeout(LIMIT)
            .unwrap_or_else(|e| panic!("{e}: {:?}", pipeline.bus().unwrap().pop()))
    };
    let (begun, ended) = (next(), next());
    pipeline.set_state(gst::State::Null).unwrap();
    ended - begun
}

/// User CPU of this process so far, s.
fn user_time() -> f64 {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the kernel writes a whole `rusage` to the address, which is valid for it; zeroes are a valid one as well.
    let usage = unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()), 0);
        usage.assume_init()
    };
    usage.ru_utime.tv_sec as f64 + usage.ru_utime.tv_usec as f64 / 1e6
}

/// What one call costs with nothing to draw, which is too little to be seen in a pipeline.
pub fn cost_of_a_look() {
    const CALLS: u32 = 2_000_000;
    let (format, canvas) = (Size::FULL_HD.format(), Canvas::default());
    let mut frame = gst::Buffer::with_size(16).unwrap();
    let begun = Instant::now();
    for _ in 0..CALLS {
        frame = std::hint::black_box(canvas.draw(format, frame));
    }
    let each = begun.elapsed().as_secs_f64() / f64::from(CALLS);
    println!(
        "`Canvas::draw` with nothing to draw: {:.1} ns a frame.",
        each * 1e9
    );
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The least and the most.
pub fn ends(values: &[f64]) -> (f64, f64) {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    (least, values.iter().copied().fold(0.0, f64::max))
}
