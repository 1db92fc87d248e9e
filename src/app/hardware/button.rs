//! The button's gestures become events: a thread that waits for edges. A button that cannot be read is reported once
//! and tried again every 10 s; so is its return.

use std::io::{PipeReader, PipeWriter, pipe};
use std::thread::{self, JoinHandle};

use super::led::{END_LIMIT, RETRY, clause};
use super::{Parts, join};
use crate::clock::Clock;
use crate::config::ButtonLine;
use crate::device::event::{Event, HardwareEvent};
use crate::device::supervisor::Handle;
use crate::edge::gpio::button::{self, monotonic};
use crate::edge::gpio::gesture::Told;
use crate::error::{Error, Kind, Result};

/// The running part. Closing the pipe ends its thread.
pub struct Button(Option<(PipeWriter, JoinHandle<()>)>);

impl Button {
    /// Starts it.
    #[must_use]
    pub fn start(parts: &Parts<'_>) -> Self {
        let Some(line) = parts.config.button.line.clone() else {
            return Self(None);
        };
        let reader = Reader {
            line,
            handle: parts.handle.clone(),
            clock: parts.clock.clone(),
            told: None,
        };
        match spawn(reader) {
            Ok(running) => Self(Some(running)),
            Err(e) => {
                tracing::error!("{}", e.report());
                Self(None)
            }
        }
    }

    /// Ends it.
    pub fn stop(self) {
        if let Some((stop, thread)) = self.0 {
            drop(stop);
            join(thread, "button", END_LIMIT);
        }
    }
}

fn spawn(reader: Reader) -> Result<(PipeWriter, JoinHandle<()>)> {
    let failed = |e: std::io::Error| {
        Error::new(Kind::Internal, "The button's thread could not be started.").caused_by(e)
    };
    let (stopped, stop) = pipe().map_err(failed)?;
    let thread = thread::Builder::new()
        .name("button".into())
        .spawn(move || reader.run(&stopped))
        .map_err(failed)?;
    Ok((stop, thread))
}

struct Reader {
    line: ButtonLine,
    handle: Handle,
    clock: Clock,
    /// The fault that was told last.
    told: Option<String>,
}

impl Reader {
    fn run(mut self, stop: &PipeReader) {
        loop {
            match self.run_once(stop) {
                Ok(()) => return,
                Err(e) => {
                    if self.told.is_none() {
                        tracing::warn!("the button is not read: {}", e.report());
                    }
                    self.tell(Some(clause(&e)));
                }
            }
            if button::stopped(stop, RETRY) {
                return;
            }
        }
    }

    /// Until the end, or until the button cannot be read any more.
    fn run_once(&mut self, stop: &PipeReader) -> Result<()> {
        let mut button = button::Button::open(&self.line)?;
        tracing::info!("the button is on {}", button.describe());
        self.tell(None);
        let (handle, clock) = (&self.handle, &self.clock);
        button.run(stop, |(gesture, at): Told| {
            // From the kernel's clock to ours.
            let age = monotonic().saturating_sub(at);
            let at = clock.now().saturating_sub(age);
            tracing::debug!(?gesture, ?at, "button");
            let event = HardwareEvent::Button { gesture, at };
            handle.event(Event::Hardware(event));
        })
    }

    /// Reports a fault, or its end, when it is another than the one told last.
    fn tell(&mut self, fault: Option<String>) {
        if fault == self.told {
            return;
        }
        self.told.clone_from(&fault);
        let event = HardwareEvent::ButtonFault(fault);
        self.handle.event(Event::Hardware(event));
    }
}
