//! Picture: source pipelines and the selection between camera and slate.
//!
//! Each source is a pipeline of its own (`video/build.rs`) on a thread of its own, ending in callbacks with running
//! times. A camera's frames go from its streaming thread straight through `VideoSelect` into the encoder, without a
//! queue or another thread between.

mod build;
mod colour;
mod pace;
mod select;
mod still;

use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;

use self::colour::Correction;
use self::pace::Pace;
use self::still::Still;
use super::worker::{Signal, Worker, time};
use super::{CameraStream, VideoInput, live, looped, test_source};
use crate::error::{Error, Kind, Result};
use crate::media::raw::{BufferSink, FaultSink, RawFormat, StillSink};
use crate::media::time::MediaClock;

pub use select::{SLATE_AFTER, STALLED_AFTER, VideoSelect};
pub use still::STILL_AFTER;

/// How long [`VideoCapture::open`] waits for a source to start.
const START_LIMIT: Duration = Duration::from_secs(6);

/// A running picture source. Dropping it stops it, too.
#[derive(Debug)]
pub struct VideoCapture {
    worker: Worker,
}

/// What a source needs while it runs.
#[derive(Clone)]
struct Job {
    input: VideoInput,
    format: RawFormat,
    clock: MediaClock,
    frames: BufferSink,
    units: Option<BufferSink>,
    still: Option<StillSink>,
}

impl VideoCapture {
    /// Opens a source and lets it run. `frames` gets pictures in exactly `format`, with the running time of their capture
    /// as PTS, never more than `format.fps` a second. For [`CameraStream::H264Passthrough`] `frames` gets nothing, and
    /// `units` gets byte-stream access units (annex B, SPS and PPS before each IDR picture, PTS in running time,
    /// `DELTA_UNIT` unset on keyframes). `ended` is called at most once, when a source that had started ends by itself.
    /// `still` hears, from a real camera only, when the picture has not changed by a bit for [`STILL_AFTER`] (true), and when it
    /// changes (false; also at the first change after the opening).
    /// Blocks until the source has started, at most 7 s.
    ///
    /// # Errors
    /// One sentence on why the source cannot be started: not there, busy, no permission, a missing plug-in.
    pub fn open(
        input: &VideoInput,
        format: RawFormat,
        clock: &MediaClock,
        frames: BufferSink,
        units: Option<BufferSink>,
        ended: FaultSink,
        still: Option<StillSink>,
    ) -> Result<Self> {
        if let VideoInput::File { path } = input {
            looped::check(path)?;
        }
        let job = Job {
            input: input.clone(),
            format,
            clock: clock.clone(),
            frames,
            units,
            still,
        };
        let (tell, started) = mpsc::sync_channel(1);
        let worker = Worker::spawn("capture-video", Signal::default(), move |signal| {
            supervise(&job, signal, &tell, &ended);
        })?;
        match started.recv_timeout(START_LIMIT) {
            Ok(Ok(())) => Ok(Self { worker }),
            Ok(Err(e)) => Err(e),
            Err(_) => Err(Error::new(
                Kind::Timeout,
                format!("{} does not start", name(input)),
            )),
        }
    }

    /// Stops the source. Returns after a second at the latest; a thread that is stuck in a driver is left behind, and
    /// nothing comes out of it any more.
    pub fn stop(self) {
        drop(self.worker);
    }
}

/// What people call a source, in sentences.
fn name(input: &VideoInput) -> String {
    match input {
        VideoInput::V4l2 { path, .. } => format!("camera {}", path.display()),
        VideoInput::Libcamera { id } if id.is_empty() => "CSI camera".to_owned(),
        VideoInput::Libcamera { id } => format!("CSI camera {id}"),
        VideoInput::Test { pattern } => format!("test picture {pattern}"),
        VideoInput::File { path } => looped::name(path),
    }
}

/// Runs a source to its end, and says how it began and how it ended.
fn supervise(job: &Job, signal: &Signal, tell: &mpsc::SyncSender<Result<()>>, ended: &FaultSink) {
    let began = std::cell::Cell::new(false);
    let started = || {
        began.set(true);
        let _ = tell.try_send(Ok(()));
    };
    let Err(e) = run(job, signal, &started) else {
        return;
    };
    if began.get() {
        ended(e.report().trim_end_matches('.').to_owned());
    } else {
        let _ = tell.try_send(Err(e));
    }
}

fn run(job: &Job, signal: &Signal, started: &dyn Fn()) -> Result<()> {
    match &job.input {
        VideoInput::Test { pattern } if pattern == "clock" => {
            started();
            test_source::run(job.format, &job.clock, &job.frames, signal)
        }
        VideoInput::File { path } => {
            let converter = build::converter(&job.input, job.format)?;
            let colours = colour::watch(&converter);
            let plan = looped::Plan {
                path: path.clone(),
                kept: looped::Kept::Picture,
                chain: vec![converter],
                caps: build::sink_caps(job.format),
                lead: 0,
            };
            let mut pass = Pass::new(job, colours);
            looped::run(
                &plan,
                &job.clock,
                signal,
                &mut |s, pts| pass.frame(s, pts),
                started,
            )
        }
        _ => run_live(job, signal, started),
    }
}

/// Runs a camera; one whose driver cannot export dmabufs after all is opened again without them.
fn run_live(job: &Job, signal: &Signal, started: &dyn Fn()) -> Result<()> {
    let dmabuf = build::wants_dmabuf(&job.input, job.format);
    let got_one = Arc::new(Mutex::new(false));
    let outcome = run_pipeline(job, signal, dmabuf, &got_one, started);
    let silent = !*got_one.lock().unwrap_or_else(PoisonError::into_inner);
    match outcome {
        Err(e)
            if dmabuf
                && silent
                && !matches!(e.kind(), Kind::NotFound | Kind::InUse | Kind::Permission) =>
        {
            tracing::info!(error = %e, "the camera's driver gives no dmabufs; going on without");
            run_pipeline(job, signal, false, &got_one, started)
        }
        outcome => outcome,
    }
}

fn run_pipeline(
    job: &Job,
    signal: &Signal,
    dmabuf: bool,
    got_one: &Arc<Mutex<bool>>,
    started: &dyn Fn(),
) -> Result<()> {
    let (pipeline, colours) = build::live(&job.input, job.format, dmabuf, &name(&job.input))?;
    let state = Mutex::new((Pass::new(job, colours), got_one.clone()));
    let on_sample: live::OnSample = Arc::new(move |sample, pts| {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        *state.1.lock().unwrap_or_else(PoisonError::into_inner) = true;
        state.0.frame(sample, pts);
    });
    live::run(&pipeline, &job.clock, signal, on_sample, started)
}

/// The last steps between a source and its consumer: time, rate and colour.
struct Pass {
    out: BufferSink,
    /// `None` for H.264 of the camera, which is never thinned out.
    pace: Option<Pace>,
    correction: Correction,
    /// For a real camera that somebody asks about.
    still: Option<(Still, StillSink)>,
}

impl Pass {
    fn new(job: &Job, colours: colour::Slot) -> Self {
        let passthrough = matches!(
            job.input,
            VideoInput::V4l2 {
                stream: CameraStream::H264Passthrough,
                ..
            }
        );
        let still = if passthrough {
            Still::units()
        } else {
            Still::frames(job.format)
        };
        Self {
            out: match &job.units {
                Some(units) if passthrough => units.clone(),
                _ => job.frames.clone(),
            },
            pace: (!passthrough).then(|| Pace::new(job.format.fps)),
            correction: Correction::new(job.format, colours),
            still: job
                .still
                .clone()
                .filter(|_| job.input.is_camera())
                .map(|tell| (still, tell)),
        }
    }

    fn frame(&mut self, sample: gst::Sample, pts: u64) {
        if self.pace.as_mut().is_some_and(|pace| !pace.keep(pts)) {
            return;
        }
        let Some(mut buffer) = sample.buffer_owned() else {
            return;
        };
        if let Some((still, tell)) = &mut self.still
            && let Some(verdict) = still.frame(&buffer, pts)
        {
            tell(verdict);
        }
        // The only holder now, where the source keeps none: what follows changes the frame in place.
        drop(sample);
        if self.pace.is_some() {
            self.correction.apply(&mut buffer);
        }
        // Copies the buffer's head, not its memory, where somebody else holds it as well.
        let head = buffer.make_mut();
        // Decoding time keeps its distance to the presentation time; raw frames have none.
        let dts = match (head.pts(), head.dts()) {
            (Some(old), Some(dts)) if self.pace.is_none() => {
                Some((dts + time(pts)).saturating_sub(old))
            }
            _ => None,
        };
        head.set_pts(time(pts));
        head.set_dts(dts);
        (self.out)(buffer);
    }
}
