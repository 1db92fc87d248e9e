//! One clock and one base time for every pipeline, so that running times are comparable across all of them and stay
//! so when a pipeline is torn down and rebuilt.

use gstreamer as gst;
use gstreamer::prelude::*;

/// The shared clock (the system's monotonic clock) and the base time of the whole run.
#[derive(Debug, Clone)]
pub struct MediaClock {
    clock: gst::Clock,
    base: gst::ClockTime,
}

impl MediaClock {
    /// Starts running time now. `gst::init` must have been called.
    #[must_use]
    pub fn start() -> Self {
        let clock = gst::SystemClock::obtain();
        let base = clock.time();
        Self { clock, base }
    }

    /// Running time now: since [`MediaClock::start`].
    #[must_use]
    pub fn now(&self) -> gst::ClockTime {
        self.clock.time().saturating_sub(self.base)
    }

    /// Makes `pipeline` use this clock and base time, whatever its elements would rather provide. Call before PLAYING.
    pub fn apply(&self, pipeline: &gst::Pipeline) {
        pipeline.use_clock(Some(&self.clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        pipeline.set_base_time(self.base);
    }

    /// The clock itself.
    #[must_use]
    pub fn clock(&self) -> &gst::Clock {
        &self.clock
    }

    /// The base time itself.
    #[must_use]
    pub fn base(&self) -> gst::ClockTime {
        self.base
    }
}
