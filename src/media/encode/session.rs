//! A pipeline from an appsrc to an appsink: what picture and sound encoders have in common.

use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use crate::error::{Error, Kind, Result};
use crate::media::bus;
use crate::media::raw::FaultSink;
use crate::media::time::MediaClock;

/// How long a pipeline may take to stop before it is left alone.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// Calls a [`FaultSink`] at most once: not while the pipeline starts (then the error is the start's), and never after
/// it was disarmed.
pub(in crate::media) struct Fault {
    sink: FaultSink,
    phase: Mutex<Phase>,
}

enum Phase {
    /// With the first error, if there was one.
    Starting(Option<String>),
    Armed,
    Spent,
}

impl Fault {
    pub(in crate::media) fn new(sink: FaultSink) -> Arc<Self> {
        Arc::new(Self {
            sink,
            phase: Mutex::new(Phase::Starting(None)),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fire(&self, reason: String) {
        let mut phase = self.lock();
        match &mut *phase {
            Phase::Starting(first) => {
                first.get_or_insert(reason);
            }
            Phase::Armed => {
                *phase = Phase::Spent;
                drop(phase);
                (self.sink)(reason);
            }
            Phase::Spent => {}
        }
    }

    /// The pipeline runs; what it said meanwhile counts.
    fn arm(&self) {
        let first = match std::mem::replace(&mut *self.lock(), Phase::Armed) {
            Phase::Starting(first) => first,
            Phase::Armed | Phase::Spent => None,
        };
        if let Some(reason) = first {
            self.fire(reason);
        }
    }

    /// The first error so far, and nothing will be reported any more.
    fn disarm(&self) -> Option<String> {
        match std::mem::replace(&mut *self.lock(), Phase::Spent) {
            Phase::Starting(first) => first,
            Phase::Armed | Phase::Spent => None,
        }
    }
}

/// A running pipeline; dropped, it stops within [`STOP_LIMIT`].
pub(in crate::media) struct Session {
    pipeline: gst::Pipeline,
    src: gst_app::AppSrc,
    fault: Arc<Fault>,
}

impl Session {
    /// Links `src ! middle… ! appsink`, starts it, and calls `on_sample` from the streaming thread.
    pub(in crate::media) fn start(
        name: &str,
        src: gst_app::AppSrc,
        middle: &[gst::Element],
        clock: &MediaClock,
        fault: Arc<Fault>,
        mut on_sample: impl FnMut(gst::Sample) + Send + 'static,
    ) -> Result<Self> {
        let sink = gst_app::AppSink::builder()
            .sync(false)
            .async_(false)
            .enable_last_sample(false)
            .qos(false)
            .callbacks(
                gst_app::AppSinkCallbacks::builder()
                    .new_sample(move |sink| {
                        on_sample(sink.pull_sample().map_err(|_| gst::FlowError::Eos)?);
                        Ok(gst::FlowSuccess::Ok)
                    })
                    .build(),
            )
            .build();
        let pipeline = gst::Pipeline::new();
        let session = Self {
            pipeline,
            src,
            fault,
        };
        session
            .link(middle, sink.upcast_ref())
            .map_err(|e| could_not_start(name).caused_by(e))?;
        session.listen(name)?;
        clock.apply(&session.pipeline);
        if let Err(e) = session.pipeline.set_state(gst::State::Playing) {
            let error = could_not_start(name);
            return Err(match session.fault.disarm() {
                Some(clause) => error.caused_by(clause),
                None => error.caused_by(e),
            });
        }
        session.fault.arm();
        Ok(session)
    }

    fn link(
        &self,
        middle: &[gst::Element],
        sink: &gst::Element,
    ) -> Result<(), gst::glib::BoolError> {
        let mut last: &gst::Element = self.src.upcast_ref();
        self.pipeline.add(last)?;
        for element in middle.iter().chain(std::iter::once(sink)) {
            self.pipeline.add(element)?;
            last.link(element)?;
            last = element;
        }
        Ok(())
    }

    /// Errors and the end are heard in the thread that posts them: no thread and no queue of its own is needed.
    fn listen(&self, name: &str) -> Result<()> {
        let bus = self
            .pipeline
            .bus()
            .ok_or_else(|| Error::new(Kind::Internal, "A pipeline has no bus."))?;
        let fault = Arc::clone(&self.fault);
        let name = format!("the encoder {name}");
        bus.set_sync_handler(move |_, message| {
            match message.view() {
                gst::MessageView::Error(e) => {
                    tracing::debug!(encoder = %name, error = %e.error(), debug = ?e.debug(), "pipeline error");
                    fault.fire(with_flow(bus::message_sentence(e, &name).1, e));
                }
                gst::MessageView::Eos(_) => fault.fire(format!("{name} ended by itself")),
                _ => {}
            }
            gst::BusSyncReply::Drop
        });
        Ok(())
    }

    /// Never blocks. A pipeline that failed takes nothing; that was reported.
    pub(in crate::media) fn push(&self, buffer: gst::Buffer) {
        let _ = self.src.push_buffer(buffer);
    }

    /// Buffers that wait in the appsrc.
    pub(in crate::media) fn waiting(&self) -> u64 {
        self.src.current_level_buffers()
    }

    /// Says that what is pushed from now on is something else.
    #[cfg(test)]
    pub(super) fn set_caps(&self, caps: &gst::Caps) {
        self.src.set_caps(Some(caps));
    }

    pub(in crate::media) fn fail(&self, reason: String) {
        self.fault.fire(reason);
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.fault.disarm();
        let pipeline = self.pipeline.clone();
        let (done, stopped) = mpsc::sync_channel(1);
        let stop = move || {
            bus::graph(&pipeline, "encoder");
            let _ = pipeline.set_state(gst::State::Null);
            if let Some(bus) = pipeline.bus() {
                bus.unset_sync_handler();
            }
            let _ = done.send(());
        };
        // A thread of its own, for a driver may hang; then it stays behind, which is better than a show that stops.
        match std::thread::Builder::new()
            .name("encoder-stop".into())
            .spawn(stop)
        {
            Ok(thread) => match stopped.recv_timeout(STOP_LIMIT) {
                Ok(()) => {
                    let _ = thread.join();
                }
                Err(_) => tracing::error!("an encoder did not stop within {STOP_LIMIT:?}"),
            },
            Err(e) => {
                tracing::error!("no thread to stop an encoder: {e}");
                let _ = self.pipeline.set_state(gst::State::Null);
            }
        }
    }
}

fn could_not_start(name: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!("The encoder {name} could not be started."),
    )
}

/// Adds the flow result, where there is one: it tells more than that the stream broke off.
fn with_flow(clause: String, error: &gst::message::Error) -> String {
    let debug = error.debug();
    match debug.as_deref().and_then(|d| d.rsplit_once("reason ")) {
        Some((_, flow)) => format!("{clause} ({flow})"),
        None => clause,
    }
}

/// A live appsrc in time format that never blocks and keeps at most `max_waiting` buffers, the newest.
pub(in crate::media) fn appsrc(caps: &gst::Caps, max_waiting: u64) -> gst_app::AppSrc {
    gst_app::AppSrc::builder()
        .caps(caps)
        .format(gst::Format::Time)
        .is_live(true)
        .block(false)
        .max_bytes(0)
        .max_buffers(max_waiting)
        .leaky_type(gst_app::AppLeakyType::Downstream)
        .build()
}

/// Makes an element that comes with GStreamer's usual plug-ins.
pub(in crate::media) fn make(name: &str) -> Result<gst::Element> {
    gst::ElementFactory::make(name).build().map_err(|e| {
        Error::new(
            Kind::Missing,
            format!("The GStreamer element {name} is not installed."),
        )
        .mend("Install gstreamer1.0-plugins-base, -good, -bad and -ugly.")
        .caused_by(e)
    })
}

/// A capsfilter.
pub(in crate::media) fn filter(caps: &gst::Caps) -> Result<gst::Element> {
    let filter = make("capsfilter")?;
    filter.set_property("caps", caps);
    Ok(filter)
}
