//! The picture: the open source, the selection between it and the slate, and the slate's text.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::VideoResolver;
use super::encoders::{self, Encoders, raw_format};
use super::worker::{Jobs, Worker};
use crate::config::{Config, SlateConfig, VideoSettings};
use crate::device::event::{MediaEvent, Rendition};
use crate::device::observe::PASSTHROUGH;
use crate::error::Result;
use crate::media::capture::VideoInput;
use crate::media::capture::slate;
use crate::media::capture::video::{VideoCapture, VideoSelect};
use crate::media::encode::UnitMaker;
use crate::media::overlay::Canvas;
use crate::media::raw::{BufferSink, FaultSink, RawFormat, StillSink};
use crate::media::report::Reporter;
use crate::media::scan::Eye;
use crate::media::time::MediaClock;

enum Job {
    Open,
    Slate(String),
    Resize(VideoSettings),
    Close,
}

/// Handle of the picture's worker.
pub(super) struct Picture {
    worker: Worker<Job>,
}

impl Picture {
    pub(super) fn start(
        config: &Config,
        resolver: VideoResolver,
        clock: &MediaClock,
        encoders: &Arc<Encoders>,
        encode: Jobs<encoders::Job>,
        (canvas, eye): (Canvas, Eye),
        reporter: &Reporter,
    ) -> Result<Self> {
        let mut state = State::new(
            config,
            resolver,
            clock,
            encoders,
            encode,
            (canvas, eye),
            reporter,
        );
        let worker = Worker::start("picture", move |job| state.run(job))?;
        Ok(Self { worker })
    }

    pub(super) fn open(&self) {
        self.worker.send(Job::Open);
    }

    pub(super) fn slate_text(&self, sentence: String) {
        self.worker.send(Job::Slate(sentence));
    }

    /// The main rendition has other numbers: sources deliver in its size from now on.
    pub(super) fn resize(&self, video: &VideoSettings) {
        self.worker.send(Job::Resize(video.clone()));
    }

    pub(super) fn stop(self) {
        self.worker.send(Job::Close);
        self.worker.stop(Duration::from_millis(1500));
    }
}

/// What the worker thread owns.
struct State {
    capture: Option<VideoCapture>,
    /// True while the callbacks of the open capture count; a replaced one may still be speaking.
    current: Arc<AtomicBool>,
    select: Option<Arc<VideoSelect>>,
    raw: RawFormat,
    resolver: VideoResolver,
    slate: SlateConfig,
    box_name: String,
    sentence: String,
    clock: MediaClock,
    encoders: Arc<Encoders>,
    encode: Jobs<encoders::Job>,
    /// Words are drawn on it into whatever goes on air.
    canvas: Canvas,
    /// Looks for codes of set-up in what the camera brings.
    eye: Eye,
    reporter: Reporter,
}

impl State {
    fn new(
        config: &Config,
        resolver: VideoResolver,
        clock: &MediaClock,
        encoders: &Arc<Encoders>,
        encode: Jobs<encoders::Job>,
        (canvas, eye): (Canvas, Eye),
        reporter: &Reporter,
    ) -> Self {
        let mut state = Self {
            capture: None,
            current: Arc::default(),
            select: None,
            raw: encoders.input(),
            resolver,
            slate: config.slate.clone(),
            box_name: config.box_.name.to_string(),
            sentence: String::new(),
            clock: clock.clone(),
            encoders: encoders.clone(),
            encode,
            canvas,
            eye,
            reporter: reporter.clone(),
        };
        state.start_select();
        state
    }

    fn run(&mut self, job: Job) {
        match job {
            Job::Open => self.open(),
            Job::Slate(sentence) => {
                self.sentence = sentence;
                self.show_slate();
            }
            Job::Resize(video) => self.resize(&video),
            Job::Close => {
                self.close();
                self.stop_select();
            }
        }
    }

    /// A new selection for the raw format in force.
    fn start_select(&mut self) {
        let encoders = self.encoders.clone();
        let (raw, canvas) = (self.raw, self.canvas.clone());
        let out: BufferSink = Arc::new(move |buffer| {
            // Held here as well, a frame that is drawn on is copied first: only then, and only where somebody wants it clean.
            let clean = encoders.wants_clean().then(|| buffer.clone());
            let programme = canvas.draw(raw, buffer);
            encoders.frame(raw, &programme, clean.as_ref().unwrap_or(&programme));
        });
        let (inner, encoders) = (self.reporter.clone(), self.encoders.clone());
        let reporter = Reporter::new(move |event| {
            if let MediaEvent::SlateOnAir(true) = event {
                // After a passed-through camera the encoder has rested: readers need a keyframe from it.
                encoders.force_keyframe(Rendition::Main);
            }
            inner.report(event);
        });
        let select = VideoSelect::start(self.raw, &self.clock, out, reporter);
        self.select = Some(Arc::new(select));
        self.show_slate();
    }

    fn stop_select(&mut self) {
        // Callbacks of the capture hold it weakly: this is the last owner, and dropping it ends it.
        self.select = None;
    }

    fn show_slate(&self) {
        let Some(select) = &self.select else { return };
        match slate::render(&self.slate, &self.box_name, &self.sentence, self.raw) {
            Ok(buffer) => select.set_slate(buffer),
            Err(e) => tracing::warn!("the slate could not be made: {}", e.report()),
        }
    }

    fn resize(&mut self, video: &VideoSettings) {
        let raw = raw_format(video, self.raw.pixel);
        if raw == self.raw {
            return;
        }
        let was_open = self.capture.is_some();
        self.close();
        self.stop_select();
        self.raw = raw;
        self.encoders.set_input(raw);
        self.encode.send(encoders::Job::Reinput);
        self.start_select();
        if was_open {
            self.open();
        }
    }

    fn close(&mut self) {
        self.current.store(false, Ordering::SeqCst);
        if let Some(select) = &self.select {
            select.set_camera_open(false);
        }
        if let Some(capture) = self.capture.take() {
            capture.stop();
        }
    }

    fn open(&mut self) {
        let begun = Instant::now();
        self.close();
        self.current = Arc::new(AtomicBool::new(true));
        let closed = begun.elapsed();
        let found = (self.resolver)(self.raw);
        let resolved = begun.elapsed();
        let opened = found.and_then(|input| self.open_input(&input));
        tracing::debug!(?closed, ?resolved, opened = ?begun.elapsed(), good = opened.is_ok(), "the picture source was opened");
        match opened {
            Ok(capture) => {
                self.capture = Some(capture);
                if let Some(select) = &self.select {
                    select.set_camera_open(true);
                }
            }
            Err(e) => self
                .reporter
                .report(MediaEvent::CameraLost { reason: e.report() }),
        }
    }

    fn open_input(&self, input: &VideoInput) -> Result<VideoCapture> {
        let description = input.describe();
        let announce = {
            let (reporter, said) = (self.reporter.clone(), AtomicBool::new(false));
            let current = self.current.clone();
            Arc::new(move || {
                if current.load(Ordering::SeqCst) && !said.swap(true, Ordering::Relaxed) {
                    let description = description.clone();
                    reporter.report(MediaEvent::CameraUp { description });
                }
            })
        };
        let frames = self.frames(announce.clone());
        let units = self.units(announce);
        VideoCapture::open(
            input,
            self.raw,
            &self.clock,
            frames,
            Some(units),
            self.ended(),
            Some(self.still()),
        )
    }

    fn weak_select(&self) -> Weak<VideoSelect> {
        self.select.as_ref().map_or_else(Weak::new, Arc::downgrade)
    }

    fn frames(&self, announce: Arc<impl Fn() + Send + Sync + 'static>) -> BufferSink {
        let input = self.select.as_ref().map(|select| select.input());
        let (eye, raw) = (self.eye.clone(), self.raw);
        Arc::new(move |buffer| {
            announce();
            eye.look(&buffer, raw);
            if let Some(input) = &input {
                input(buffer);
            }
        })
    }

    /// H.264 from the camera itself: past the encoder, and a sign of life for the selection.
    fn units(&self, announce: Arc<impl Fn() + Send + Sync + 'static>) -> BufferSink {
        let (select, encoders) = (self.weak_select(), self.encoders.clone());
        let eye = self.eye.clone();
        let maker = std::sync::Mutex::new(UnitMaker::new(self.raw.fps));
        let (reporter, said) = (self.reporter.clone(), AtomicBool::new(false));
        Arc::new(move |buffer| {
            announce();
            if !said.swap(true, Ordering::Relaxed) {
                let (rendition, encoder) = (Rendition::Main, PASSTHROUGH.to_owned());
                reporter.report(MediaEvent::EncoderUp { rendition, encoder });
            }
            if let Some(select) = select.upgrade() {
                select.camera_alive();
            }
            let unit = maker
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .video(&buffer);
            if let Some(unit) = unit {
                eye.passed(&unit);
                encoders.passthrough(unit);
            }
        })
    }

    fn still(&self) -> StillSink {
        let (reporter, current) = (self.reporter.clone(), self.current.clone());
        Arc::new(move |still| {
            if current.load(Ordering::SeqCst) {
                reporter.report(MediaEvent::CameraStill(still));
            }
        })
    }

    fn ended(&self) -> FaultSink {
        let (reporter, select) = (self.reporter.clone(), self.weak_select());
        let current = self.current.clone();
        Arc::new(move |reason| {
            if !current.swap(false, Ordering::SeqCst) {
                return;
            }
            if let Some(select) = select.upgrade() {
                select.set_camera_open(false);
            }
            reporter.report(MediaEvent::CameraLost { reason });
        })
    }
}
