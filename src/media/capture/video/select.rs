//! Chooses between camera and slate, frame by frame.
//!
//! ```text
//!            first frame                       500 ms without a frame
//!   Unknown ────────────> Camera ─────────────────────────────────────> Slate
//!      └──── 500 ms without a frame since start ──────────────────────────^  │
//!                           ^──────── frame (newer than the last slate) ─────┘
//! ```
//!
//! Camera frames pass through on the thread that brings them. Only the slate has a thread, which sleeps while the camera
//! lives. Both write under one lock, so the output is in order and its PTS strictly rise.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;

use super::super::slate;
use super::super::test_source::{frame_time, next_frame};
use super::super::worker::{Signal, Worker, time};
use crate::device::event::MediaEvent;
use crate::media::raw::{BufferSink, RawFormat};
use crate::media::report::Reporter;
use crate::media::time::MediaClock;

/// Camera silence after which the slate takes over.
pub const SLATE_AFTER: Duration = Duration::from_millis(500);
/// Silence of an open camera after which it is reported as lost, so that it is opened again.
pub const STALLED_AFTER: Duration = Duration::from_secs(5);

/// A frame that claims to be captured so far in the future is not believed, ns; no more is one that far behind what went out.
const EARLY: u64 = 500_000_000;
const LATE: u64 = 1_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OnAir {
    Unknown,
    Camera,
    Slate,
}

struct State {
    on_air: OnAir,
    /// Running time of the newest sign of life of the camera, ns; at first the start.
    seen: u64,
    /// PTS of the newest frame that went out, ns.
    last_pts: Option<u64>,
    /// When the camera was opened, while it is supposed to be open, ns.
    opened: Option<u64>,
    stall_told: bool,
    slate: Option<gst::Buffer>,
    stopped: bool,
}

struct Shared {
    format: RawFormat,
    clock: MediaClock,
    out: BufferSink,
    reporter: Reporter,
    state: Mutex<State>,
}

/// The picture that goes on air: the camera's, or the slate. All methods are cheap and may be called from any thread.
pub struct VideoSelect {
    shared: Arc<Shared>,
    worker: Option<Worker>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.clock.now().nseconds()
    }

    /// Notes life of the camera and takes the slate off the air.
    fn alive(&self, state: &mut State) {
        state.seen = self.now();
        state.stall_told = false;
        self.switch(state, OnAir::Camera);
    }

    fn switch(&self, state: &mut State, to: OnAir) {
        if state.on_air != to {
            state.on_air = to;
            self.reporter
                .report(MediaEvent::SlateOnAir(to == OnAir::Slate));
        }
    }

    fn camera_frame(&self, buffer: gst::Buffer) {
        let mut state = self.state();
        let Some(pts) = buffer.pts().map(gst::ClockTime::nseconds) else {
            return;
        };
        if state.stopped {
            return;
        }
        // A camera with a broken clock must neither block the slate nor pass for alive.
        let now = self.now();
        if pts > now + EARLY {
            return;
        }
        // The first frames of a camera that comes back may have been captured before the last slate went out.
        if let Some(last) = state.last_pts.filter(|last| pts <= *last) {
            if last - pts < LATE {
                state.seen = now;
            }
            return;
        }
        self.alive(&mut state);
        state.last_pts = Some(pts);
        (self.out)(buffer);
    }

    /// One turn of the slate's thread; says until when it may sleep (running time, ns).
    fn turn(&self) -> u64 {
        let mut state = self.state();
        let now = self.now();
        if state.stopped {
            return u64::MAX;
        }
        self.check_stall(&mut state, now);
        let due = state.seen + nanos(SLATE_AFTER);
        if now < due {
            return due;
        }
        self.switch(&mut state, OnAir::Slate);
        // On the grid of the nominal rate: the newest point that has passed.
        let n = next_frame(now, self.format.fps).saturating_sub(1);
        let pts = frame_time(n, self.format.fps);
        if state.last_pts.is_none_or(|last| pts > last)
            && let Some(mut frame) = state.slate.clone()
        {
            state.last_pts = Some(pts);
            let head = frame.make_mut();
            head.set_pts(time(pts));
            head.set_dts(None);
            head.set_duration(time(self.format.frame_ns()));
            (self.out)(frame);
        }
        frame_time(n + 1, self.format.fps)
    }

    fn check_stall(&self, state: &mut State, now: u64) {
        let Some(opened) = state.opened else {
            return;
        };
        if !state.stall_told && now >= opened.max(state.seen) + nanos(STALLED_AFTER) {
            state.stall_told = true;
            self.reporter.report(MediaEvent::CameraLost {
                reason: format!("no picture for {} s", STALLED_AFTER.as_secs()),
            });
        }
    }
}

fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}

impl VideoSelect {
    /// Starts with no camera: unless a frame comes first, a plain slate goes on air after [`SLATE_AFTER`]. `out` gets
    /// buffers of `format` with strictly rising PTS in running time, from the camera's thread or the slate's.
    #[must_use]
    pub fn start(
        format: RawFormat,
        clock: &MediaClock,
        out: BufferSink,
        reporter: Reporter,
    ) -> Self {
        let shared = Arc::new(Shared {
            format,
            clock: clock.clone(),
            out,
            reporter,
            state: Mutex::new(State {
                on_air: OnAir::Unknown,
                seen: clock.now().nseconds(),
                last_pts: None,
                opened: None,
                stall_told: false,
                slate: slate::plain(format).ok(),
                stopped: false,
            }),
        });
        let inner = shared.clone();
        let worker = Worker::spawn("slate", Signal::default(), move |signal| {
            let mut until = 0;
            while signal.wait_until(&inner.clock, until) {
                until = inner.turn();
            }
        });
        if let Err(e) = &worker {
            tracing::error!(error = %e.report(), "no slate can be shown");
        }
        Self {
            shared,
            worker: worker.ok(),
        }
    }

    /// Takes a frame of the camera: PTS is the running time of its capture. A frame that is not newer than what went out is left out.
    pub fn camera_frame(&self, buffer: gst::Buffer) {
        self.shared.camera_frame(buffer);
    }

    /// [`VideoSelect::camera_frame`] as a sink for [`super::VideoCapture::open`]; does nothing after the end of the selection.
    #[must_use]
    pub fn input(&self) -> BufferSink {
        let shared = self.shared.clone();
        Arc::new(move |buffer| shared.camera_frame(buffer))
    }

    /// The camera lives though it gives no raw frames (its own H.264 is passed through): no slate.
    pub fn camera_alive(&self) {
        let mut state = self.shared.state();
        if !state.stopped {
            self.shared.alive(&mut state);
        }
    }

    /// Says whether a camera is supposed to be open. While it is, its silence of [`STALLED_AFTER`] is reported once as `CameraLost`.
    pub fn set_camera_open(&self, open: bool) {
        let mut state = self.shared.state();
        state.opened = open.then(|| self.shared.now());
        state.stall_told = false;
    }

    /// Takes another slate, from the next frame on. Its memory is shared by all slate frames.
    pub fn set_slate(&self, slate: gst::Buffer) {
        self.shared.state().slate = Some(slate);
    }

    /// Ends; nothing goes out after this returns. Bounded by a second.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for VideoSelect {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        drop(self.worker.take());
    }
}

impl std::fmt::Debug for VideoSelect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VideoSelect")
            .field("format", &self.shared.format)
            .finish_non_exhaustive()
    }
}
