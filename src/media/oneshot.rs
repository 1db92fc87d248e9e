//! A short pipeline that is made for a few buffers and gone afterwards: decode one picture, draw one line of text.

use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;

use super::bus;
use crate::error::{Error, Kind, Result};

/// What goes in, through which elements, and what is to come out.
pub(super) struct OneShot<'a> {
    /// What people call it, for sentences.
    pub name: &'a str,
    /// What goes in.
    pub input: &'a gst::Caps,
    /// In order; the last one that comes out is the result.
    pub buffers: Vec<gst::Buffer>,
    /// Elements between.
    pub chain: &'a [gst::Element],
    /// What must come out.
    pub output: &'a gst::Caps,
    /// Longest time for all of it.
    pub limit: Duration,
}

impl OneShot<'_> {
    /// Runs it and gives the last sample that came out. Blocks: not for streaming threads.
    ///
    /// # Errors
    /// An element fails, nothing comes out, or it takes longer than the limit.
    pub(super) fn run(self) -> Result<gst::Sample> {
        let source = gst_app::AppSrc::builder()
            .caps(self.input)
            .format(gst::Format::Time)
            .build();
        let sink = gst_app::AppSink::builder()
            .caps(self.output)
            .sync(false)
            .max_buffers(1)
            .drop(true)
            .enable_last_sample(false)
            .build();
        let pipeline = gst::Pipeline::new();
        let mut all: Vec<&gst::Element> = vec![source.upcast_ref()];
        all.extend(self.chain);
        all.push(sink.upcast_ref());
        bus::link(&pipeline, &all)?;
        let failed = |kind, what: &str| Error::new(kind, format!("{} {what}", self.name));
        let sample = if pipeline.set_state(gst::State::Playing).is_err() {
            Err(self
                .fault(&pipeline)
                .unwrap_or_else(|| failed(Kind::Unsupported, "cannot be started")))
        } else {
            for buffer in &self.buffers {
                // A refusal comes with an error on the bus, which is looked at below.
                let _ = source.push_buffer(buffer.clone());
            }
            let _ = source.end_of_stream();
            self.last(&pipeline, &sink)
        };
        let _ = pipeline.set_state(gst::State::Null);
        sample
    }

    fn last(&self, pipeline: &gst::Pipeline, sink: &gst_app::AppSink) -> Result<gst::Sample> {
        let failed = |kind, what: &str| Error::new(kind, format!("{} {what}", self.name));
        let end = Instant::now() + self.limit;
        let mut last = None;
        loop {
            if let Some(sample) = sink.try_pull_sample(gst::ClockTime::from_mseconds(20)) {
                last = Some(sample);
            } else if let Some(error) = self.fault(pipeline) {
                return Err(error);
            } else if sink.is_eos() {
                return last.ok_or_else(|| failed(Kind::Corrupt, "gave nothing"));
            }
            if Instant::now() >= end {
                return Err(failed(Kind::Timeout, "took too long"));
            }
        }
    }

    fn fault(&self, pipeline: &gst::Pipeline) -> Option<Error> {
        let message = pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
        let gst::MessageView::Error(error) = message.view() else {
            return None;
        };
        let (kind, text) = bus::message_sentence(error, self.name);
        Some(Error::new(kind, text))
    }
}
