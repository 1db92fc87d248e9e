//! How media code tells the core what happened: a cheap, cloneable callback that never blocks.

use std::fmt;
use std::sync::Arc;

use crate::device::event::MediaEvent;

/// Takes [`MediaEvent`]s from any thread.
#[derive(Clone)]
pub struct Reporter(Arc<dyn Fn(MediaEvent) + Send + Sync>);

impl Reporter {
    /// `f` must not block: it is called from streaming threads.
    pub fn new(f: impl Fn(MediaEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(f))
    }

    /// Reports one event.
    pub fn report(&self, event: MediaEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter")
    }
}
