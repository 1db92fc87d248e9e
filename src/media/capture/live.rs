//! Runs a live source pipeline (camera, sound card) that ends in an `appsink`, from start to stop.

use std::sync::Arc;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::presence::{LOOK_EVERY, Presence};
use super::worker::Signal;
use crate::error::{Error, Kind, Result};
use crate::media::bus;
use crate::media::time::MediaClock;

/// A pipeline that is ready to run.
#[derive(Debug)]
pub(super) struct Pipeline {
    /// What people call the source, for sentences.
    pub(super) name: String,
    /// Ends in `sink`.
    pub(super) pipeline: gst::Pipeline,
    pub(super) sink: gst_app::AppSink,
    /// Whether the end of the stream is the end of the source (a file begins again).
    pub(super) ends: bool,
    /// The device's node, where there is one.
    pub(super) presence: Presence,
}

/// Takes a sample and its PTS as running time in ns; called on the streaming thread.
pub(super) type OnSample = Arc<dyn Fn(gst::Sample, u64) + Send + Sync>;

/// An `appsink` that never waits for the clock, never makes its source wait, and keeps no frame (a frame held elsewhere cannot be
/// changed in place).
pub(super) fn live_sink(caps: &gst::Caps) -> gst_app::AppSink {
    gst_app::AppSink::builder()
        .caps(caps)
        .sync(false)
        .enable_last_sample(false)
        .max_buffers(2)
        .drop(true)
        .build()
}

/// Running time of a sample's PTS in ns, or `None` for a sample without a time.
pub(super) fn running_time(sample: &gst::Sample) -> Option<u64> {
    let pts = sample.buffer()?.pts()?;
    match sample
        .segment()
        .and_then(|s| s.downcast_ref::<gst::ClockTime>())
    {
        Some(segment) => segment.to_running_time(pts).map(gst::ClockTime::nseconds),
        None => Some(pts.nseconds()),
    }
}

/// Puts errors and the end of the stream into `signal`.
pub(super) fn watch(p: &Pipeline, signal: &Signal) {
    let (Some(bus), name, signal) = (p.pipeline.bus(), p.name.clone(), signal.clone()) else {
        return;
    };
    let ends = p.ends;
    bus.set_sync_handler(move |_, message| {
        match message.view() {
            gst::MessageView::Error(e) => {
                tracing::debug!(source = %name, error = %e.error(), debug = ?e.debug(), "pipeline error");
                signal.fault(bus::message_sentence(e, &name));
            }
            gst::MessageView::Eos(_) if ends => {
                signal.fault((Kind::NotFound, format!("{name} ended")));
            }
            _ => {}
        }
        gst::BusSyncReply::Drop
    });
}

/// Ends a pipeline. May block as long as a driver does: only on a worker thread.
pub(super) fn halt(pipeline: &gst::Pipeline) {
    let _ = pipeline.set_state(gst::State::Null);
    if let Some(bus) = pipeline.bus() {
        bus.unset_sync_handler();
    }
}

/// Starts the pipeline.
///
/// # Errors
/// What an element said against it.
pub(super) fn start(p: &Pipeline, clock: &MediaClock, signal: &Signal) -> Result<()> {
    clock.apply(&p.pipeline);
    watch(p, signal);
    if p.pipeline.set_state(gst::State::Playing).is_err() {
        let (kind, text) = signal
            .take_fault()
            .unwrap_or_else(|| (Kind::Internal, format!("{} cannot be started", p.name)));
        halt(&p.pipeline);
        return Err(Error::new(kind, text));
    }
    Ok(())
}

/// Runs the pipeline until `signal` says stop (`Ok`), or until it fails.
///
/// # Errors
/// One clause on why the source ended.
pub(super) fn run(
    p: &Pipeline,
    clock: &MediaClock,
    signal: &Signal,
    on_sample: OnSample,
    started: impl FnOnce(),
) -> Result<()> {
    let gate = signal.clone();
    p.sink.set_callbacks(
        gst_app::AppSinkCallbacks::builder()
            .new_sample(move |sink| {
                let sample = sink.pull_sample().map_err(|_| gst::FlowError::Eos)?;
                // After a stop that had to leave a stuck thread behind, nothing may come out of it any more.
                if gate.stopped() {
                    return Err(gst::FlowError::Flushing);
                }
                if let Some(pts) = running_time(&sample) {
                    on_sample(sample, pts);
                }
                Ok(gst::FlowSuccess::Ok)
            })
            .build(),
    );
    start(p, clock, signal)?;
    started();
    while !signal.wait(LOOK_EVERY) {
        if p.presence.gone() {
            signal.fault((Kind::NotFound, format!("{} is gone (unplugged?)", p.name)));
        }
    }
    let fault = signal.take_fault();
    let wanted = signal.stopped();
    bus::graph(&p.pipeline, &p.name);
    halt(&p.pipeline);
    // The callbacks hold the consumer; let go of it now rather than when the last reference to the sink goes.
    p.sink
        .set_callbacks(gst_app::AppSinkCallbacks::builder().build());
    match fault {
        Some((kind, text)) if !wanted => Err(Error::new(kind, text)),
        _ => Ok(()),
    }
}
