//! The camera beside its picture: controls are listed after each opening and set by effects; at an HDMI input the
//! signal is watched.
//!
//! One thread with a bounded queue. What it asks the driver has a deadline (`edge::camera::ANSWER_LIMIT`); a driver that
//! does not keep it is left alone until the camera is opened anew, so that no more than one stuck thread is left behind
//! for each opening.
//!
//! The signal: a device that was opened at 1080p goes on with garbage when the other end switches to 720p or off, and
//! some drivers say nothing. So while the picture runs, the timings are asked for twice a second; other timings or no
//! signal, seen twice, count as a lost camera, and the core opens it anew. While it is lost for want of a signal, the same
//! question tells when there is one again.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::{Parts, join};
use crate::app::sources::{LastCamera, Located};
use crate::device::control::ControlName;
use crate::device::event::{DeviceClass, Event, HardwareEvent, MediaEvent};
use crate::device::status::{SourceStatus, Status};
use crate::device::supervisor::Handle;
use crate::edge::camera::{self, Signal};
use crate::error::{Kind, Result};

/// Values that may wait: more than a camera has controls, for all of them come at once after an opening.
const QUEUE: usize = 128;
/// How often the thread looks whether the camera was opened, and whether its signal is still the same.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Tries to list the controls after an opening.
const TRIES: u32 = 3;
/// How long the end waits for the thread.
const JOIN_LIMIT: Duration = Duration::from_millis(300);

type Wanted = (ControlName, i64);

/// The running part.
pub struct Camera {
    /// `None` when no thread could be started.
    running: Option<(SyncSender<Wanted>, JoinHandle<()>)>,
    handle: Handle,
}

impl Camera {
    /// Starts it.
    #[must_use]
    pub fn start(parts: &Parts<'_>) -> Self {
        let (jobs, queue) = sync_channel(QUEUE);
        let mut work = Work {
            handle: parts.handle.clone(),
            status: parts.status.clone(),
            camera: parts.camera.clone(),
            listed: None,
            tries: 0,
            hung: None,
            doubts: None,
        };
        let thread = std::thread::Builder::new()
            .name("camera-controls".to_owned())
            .spawn(move || work.run(&queue));
        let running = match thread {
            Ok(thread) => Some((jobs, thread)),
            Err(e) => {
                tracing::error!("no thread for the controls of the camera: {e}");
                None
            }
        };
        Self {
            running,
            handle: parts.handle.clone(),
        }
    }

    /// Sets a control of the open camera; the outcome comes as an event. Never waits.
    pub fn set(&self, control: &ControlName, value: i64) {
        let sent = self
            .running
            .as_ref()
            .map(|(jobs, _)| jobs.try_send((control.clone(), value)));
        let why = match sent {
            Some(Ok(())) => return,
            Some(Err(TrySendError::Full(_))) => {
                "the camera has not yet answered to what was set before"
            }
            Some(Err(TrySendError::Disconnected(_))) | None => {
                "the box cannot set controls now; restart it"
            }
        };
        failed(&self.handle, control.clone(), why.to_owned());
    }

    /// Ends it; a thread that waits for a driver is left behind.
    pub fn stop(self) {
        let Some((jobs, thread)) = self.running else {
            return;
        };
        drop(jobs);
        join(thread, "camera controls", JOIN_LIMIT);
    }
}

fn failed(handle: &Handle, control: ControlName, reason: String) {
    handle.event(Event::Hardware(HardwareEvent::CameraControlFailed {
        control,
        reason,
    }));
}

/// What the thread owns. A *look* is the number of an opening ([`Located::look`]).
struct Work {
    handle: Handle,
    status: watch::Receiver<Status>,
    camera: LastCamera,
    /// The look whose controls were told, or given up.
    listed: Option<u64>,
    /// Tries to list them for the look that is not told yet.
    tries: u32,
    /// The look whose driver did not answer in time.
    hung: Option<u64>,
    /// What the signal was when it differed for the first time.
    doubts: Option<Signal>,
}

impl Work {
    fn run(&mut self, queue: &Receiver<Wanted>) {
        let mut next = Instant::now() + LOOK_EVERY;
        loop {
            match queue.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(first) => {
                    let wanted = std::iter::once(first).chain(queue.try_iter().take(QUEUE));
                    self.set(wanted.collect());
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.look();
                    next = Instant::now() + LOOK_EVERY;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// The camera that may be talked to.
    fn reachable(&self) -> Option<Located> {
        self.camera
            .get()
            .filter(|located| self.hung != Some(located.look))
    }

    fn set(&mut self, wanted: Vec<Wanted>) {
        let names: Vec<ControlName> = wanted.iter().map(|(name, _)| name.clone()).collect();
        let refuse = |handle: &Handle, why: &str| {
            for name in names {
                failed(handle, name, why.to_owned());
            }
        };
        let Some(located) = self.reachable() else {
            return refuse(&self.handle, "there is no camera that takes settings");
        };
        let answer = camera::set(&located.path, wanted);
        match self.heed(&located, answer) {
            Ok(outcome) => {
                for (name, why) in outcome.refused {
                    failed(&self.handle, name, why);
                }
                self.tell(HardwareEvent::CameraControls(outcome.controls));
                self.listed = Some(located.look);
            }
            Err(why) => refuse(&self.handle, why.trim_end_matches('.')),
        }
    }

    fn look(&mut self) {
        let (up, lost) = match &self.status.borrow().camera {
            SourceStatus::Up { .. } => (true, false),
            SourceStatus::Lost { .. } => (false, true),
            SourceStatus::Off | SourceStatus::Opening => (false, false),
        };
        let Some(located) = self.reachable() else {
            self.doubts = None;
            return;
        };
        if up && self.listed != Some(located.look) {
            self.list(&located);
        }
        match &located.signal {
            Signal::Present(_) if up => self.watch(&located),
            Signal::Absent(_) | Signal::Unfit(_) if lost => self.await_signal(&located),
            _ => self.doubts = None,
        }
    }

    fn list(&mut self, located: &Located) {
        let answer = camera::list_controls(&located.path);
        self.tries += 1;
        match self.heed(located, answer) {
            Ok(controls) => self.tell(HardwareEvent::CameraControls(controls)),
            Err(why) if self.tries >= TRIES => {
                tracing::warn!("the controls of the camera could not be listed: {why}");
            }
            Err(_) => return,
        }
        self.listed = Some(located.look);
        self.tries = 0;
    }

    /// Reports a signal that is lost or another one, once it was seen twice.
    fn watch(&mut self, located: &Located) {
        let Ok(now) = self.signal(located) else {
            return;
        };
        match located.signal.changed(&now) {
            None => self.doubts = None,
            Some(reason) if self.doubts.as_ref() == Some(&now) => {
                self.doubts = None;
                tracing::info!(camera = %located.name, "{reason}");
                self.handle.media(MediaEvent::CameraLost { reason });
            }
            Some(_) => self.doubts = Some(now),
        }
    }

    /// Reports a signal that is there again, once it was seen twice.
    fn await_signal(&mut self, located: &Located) {
        match self.signal(located) {
            Ok(Signal::Absent(_) | Signal::Unfit(_)) => self.doubts = None,
            Ok(now) if self.doubts.as_ref() == Some(&now) => {
                self.doubts = None;
                self.tell(HardwareEvent::Plugged(DeviceClass::Camera));
            }
            Ok(now) => self.doubts = Some(now),
            Err(_) => {}
        }
    }

    fn signal(&mut self, located: &Located) -> std::result::Result<Signal, String> {
        let answer = camera::signal_at(&located.path);
        self.heed(located, answer)
    }

    /// Remembers a driver that does not answer.
    fn heed<T>(&mut self, located: &Located, answer: Result<T>) -> std::result::Result<T, String> {
        answer.map_err(|e| {
            if e.kind() == Kind::Timeout {
                self.hung = Some(located.look);
            }
            e.report()
        })
    }

    fn tell(&self, event: HardwareEvent) {
        self.handle.event(Event::Hardware(event));
    }
}
