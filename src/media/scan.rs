//! Looks for QR codes of set-up in the camera's picture, while it is told to.
//!
//! ```text
//!  camera ──frame──> Eye::look ──(a look at a flag; the luma is copied while the reader is hungry)──> mailbox of one picture
//!  camera's own H.264 ──keyframe──> Eye::passed ──(the bytes are shared)──────────────────────────────>  │
//!                                                                                                       v
//!                        Seen, Unreadable <── code.rs <── read.rs (rqrr) <── halved, or as it is <── thread "scan"
//! ```
//!
//! What is looked at is the camera's picture as it came: neither the slate nor what is drawn for viewers. At most three
//! pictures a second are looked at, and the thread rests three times as long as the last one took it, at a low priority:
//! encoders and streams go first. One picture is kept at a time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer_video as video;
use gstreamer_video::prelude::*;

use super::access_unit::AccessUnit;
use super::output::snapshot;
use super::raw::RawFormat;
use super::sync::lock;
use crate::config::code::SetupCode;
use crate::device::setup::{SetupEvent, Way};
use crate::error::{Error, Kind, Result};

mod corners;
mod luma;
mod read;

#[cfg(test)]
mod tests;

use luma::Luma;

/// Between two raw pictures at least.
const PACE: Duration = Duration::from_millis(333);
/// Between two pictures of a camera that encodes itself: each must be decoded first.
const PACE_CODED: Duration = Duration::from_secs(1);
/// The thread rests this many times as long as a picture took.
const REST: u32 = 3;
/// And at most this long.
const REST_CAP: Duration = Duration::from_secs(30);
/// Every other picture is looked at this wide: a code that is near and blurred is found sooner, and for less.
const SMALL: u32 = 960;
/// The others at most this wide.
const LARGE: u32 = 1920;
/// How long the end waits for the thread.
const JOIN_LIMIT: Duration = Duration::from_secs(1);

/// Takes what was seen. Must not block.
pub type SetupSink = Arc<dyn Fn(SetupEvent) + Send + Sync>;

/// The thread that looks, and its switch.
pub struct Scanner {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Where pictures are offered; clones share it.
#[derive(Clone)]
pub struct Eye(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// The thread waits for a picture.
    hungry: AtomicBool,
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    on: bool,
    stop: bool,
    picture: Option<Picture>,
    /// Memory of the last picture, for the next one.
    spare: Vec<u8>,
}

enum Picture {
    Raw(Luma),
    /// A keyframe of a camera that encodes itself.
    Coded(AccessUnit),
}

impl Scanner {
    /// Starts the thread, which looks at nothing yet.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(sink: SetupSink) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let inner = shared.clone();
        let thread = std::thread::Builder::new()
            .name("scan".into())
            .spawn(move || {
                step_back();
                inner.run(&sink);
            })
            .map_err(|e| {
                Error::new(Kind::Internal, "The scan thread could not be started.").caused_by(e)
            })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Where pictures are offered.
    #[must_use]
    pub fn eye(&self) -> Eye {
        Eye(self.shared.clone())
    }

    /// Looks from now on, or no more.
    pub fn set(&self, on: bool) {
        let mut state = lock(&self.shared.state);
        state.on = on;
        if !on {
            self.shared.hungry.store(false, Ordering::Release);
            state.picture = None;
            state.spare = Vec::new();
        }
        drop(state);
        self.shared.wake.notify_all();
    }

    /// Ends the thread. A thread that is busy with a picture for longer than a second is left behind: it ends after it.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let Some(thread) = self.thread.take() else {
            return;
        };
        self.set(false);
        lock(&self.shared.state).stop = true;
        self.shared.wake.notify_all();
        let end = Instant::now() + JOIN_LIMIT;
        while !thread.is_finished() {
            if Instant::now() >= end {
                tracing::warn!("the search for codes did not end in time and is left behind");
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        if thread.join().is_err() {
            tracing::error!("the search for codes ended by a panic");
        }
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        self.end();
    }
}

impl Eye {
    /// Offers a frame of the camera, which is in `format`. Costs a look at a flag, but for the frame that is taken.
    pub fn look(&self, frame: &gst::Buffer, format: RawFormat) {
        if !self.0.hungry.load(Ordering::Acquire) {
            return;
        }
        // Whoever else is there has it for a moment only; the next frame will do.
        let Ok(mut state) = self.0.state.try_lock() else {
            return;
        };
        if !state.on || state.picture.is_some() {
            return;
        }
        let memory = std::mem::take(&mut state.spare);
        drop(state);
        if let Some(picture) = luma_of(frame, format, memory) {
            self.0.put(Picture::Raw(picture));
        }
    }

    /// Offers an access unit of a camera that encodes itself; only keyframes can be looked at.
    pub fn passed(&self, unit: &AccessUnit) {
        if unit.keyframe && self.0.hungry.load(Ordering::Acquire) {
            self.0.put(Picture::Coded(unit.clone()));
        }
    }
}

impl Shared {
    fn put(&self, picture: Picture) {
        let mut state = lock(&self.state);
        if state.on && !state.stop {
            state.picture = Some(picture);
            self.hungry.store(false, Ordering::Release);
            self.wake.notify_all();
        }
    }

    fn run(&self, sink: &SetupSink) {
        let mut turn = 0_u32;
        while let Some(picture) = self.next() {
            let begun = Instant::now();
            let least = match &picture {
                Picture::Raw(_) => PACE,
                Picture::Coded(_) => PACE_CODED,
            };
            turn = turn.wrapping_add(1);
            // A picture that the library stumbles over costs this picture and nothing else.
            let looked = catch_unwind(AssertUnwindSafe(|| look_at(picture, turn)));
            let (event, spare) = looked.unwrap_or_else(|_| {
                tracing::debug!("a picture could not be searched for codes");
                (None, Vec::new())
            });
            lock(&self.state).spare = spare;
            if let Some(event) = event {
                sink(event);
            }
            let took = begun.elapsed();
            let rest = (took * REST).clamp(least.saturating_sub(took), REST_CAP);
            self.rest(rest);
        }
    }

    /// The next picture; `None`: the end.
    fn next(&self) -> Option<Picture> {
        let mut state = lock(&self.state);
        loop {
            if state.stop {
                return None;
            }
            if let Some(picture) = state.picture.take() {
                return Some(picture);
            }
            self.hungry.store(state.on, Ordering::Release);
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn rest(&self, limit: Duration) {
        let state = lock(&self.state);
        let _ = self
            .wake
            .wait_timeout_while(state, limit, |state| !state.stop);
    }
}

/// What is to be said of a picture, and its memory for the next one.
fn look_at(picture: Picture, turn: u32) -> (Option<SetupEvent>, Vec<u8>) {
    let picture = match picture {
        Picture::Raw(luma) => luma,
        Picture::Coded(unit) => match decoded(&unit) {
            Some(luma) => luma,
            None => return (None, Vec::new()),
        },
    };
    let width = if turn % 2 == 1 { SMALL } else { LARGE };
    let smaller = picture.at_most(width);
    let texts = read::texts(smaller.as_ref().unwrap_or(&picture));
    (verdict(&texts), picture.into_memory())
}

/// A code of ours goes before anything else; one that is meant for us and broken before one that is not.
fn verdict(texts: &[String]) -> Option<SetupEvent> {
    let mut wrong: Option<String> = None;
    for text in texts {
        match SetupCode::read(text) {
            Ok(code) => {
                let way = Way::Camera;
                return Some(SetupEvent::Seen { way, code });
            }
            Err(reason) => {
                let ours = SetupCode::is_meant(text);
                if ours || wrong.is_none() {
                    wrong = Some(reason);
                }
            }
        }
    }
    wrong.map(|reason| SetupEvent::Unreadable { reason })
}

/// The luma plane of a frame, copied: the frame goes on, and its memory may be a driver's.
fn luma_of(frame: &gst::Buffer, format: RawFormat, memory: Vec<u8>) -> Option<Luma> {
    let info = video::VideoInfo::from_caps(&format.caps()).ok()?;
    let mapped = video::VideoFrameRef::from_buffer_ref_readable(frame, &info).ok()?;
    let stride = usize::try_from(*mapped.plane_stride().first()?).ok()?;
    Luma::copied(
        mapped.plane_data(0).ok()?,
        stride,
        (format.width, format.height),
        memory,
    )
}

fn decoded(unit: &AccessUnit) -> Option<Luma> {
    let (sample, width, height) = snapshot::decoded(std::slice::from_ref(unit), LARGE)
        .inspect_err(|e| tracing::debug!("no picture to look for codes in: {}", e.report()))
        .ok()?;
    let info = video::VideoInfo::from_caps(sample.caps()?).ok()?;
    let mapped = video::VideoFrameRef::from_buffer_ref_readable(sample.buffer()?, &info).ok()?;
    let stride = usize::try_from(*mapped.plane_stride().first()?).ok()?;
    Luma::copied(
        mapped.plane_data(0).ok()?,
        stride,
        (width, height),
        Vec::new(),
    )
}

/// Lets everybody else go first.
fn step_back() {
    const NICE: libc::c_int = 10;
    // SAFETY: a system call on plain numbers; on Linux it is about the calling thread alone.
    if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) } != 0 {
        tracing::debug!("the search for codes keeps its priority");
    }
}
