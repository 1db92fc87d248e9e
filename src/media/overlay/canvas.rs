//! What is drawn into each frame on its way to the encoders.
//!
//! ```text
//!   director (a thread of its own) ── set(scene) ──> Canvas <── draw ── the thread that brings the frame
//! ```
//!
//! A scene says where each sprite is at every moment ([`Motion`]), so that it need not be set for each frame. With nothing to
//! draw a frame costs one look at a flag; while nothing of the scene is to be seen, no more than working that out.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use gstreamer as gst;
use gstreamer_video as video;

use super::ink::Ink;
use super::motion::{Motion, Position, Rect};
use crate::media::raw::RawFormat;
use crate::media::sync::lock;

/// A sprite of a scene.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// What is drawn; shared with whoever made it.
    pub ink: Arc<Ink>,
    /// When and where, running time of the media clock.
    pub motion: Motion,
    /// It is seen within this rectangle only.
    pub clip: Option<Rect>,
}

/// All that is drawn into frames of one format, the first one lowest.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Frames of another format stay as they are.
    pub format: RawFormat,
    /// In the order of drawing.
    pub placed: Vec<Placed>,
}

/// What is drawn into each frame; clones share it.
#[derive(Clone, Default)]
pub struct Canvas(Arc<Shared>);

#[derive(Default)]
struct Shared {
    any: AtomicBool,
    scene: Mutex<Option<Arc<Prepared>>>,
    /// Scenes that a frame was being drawn with when they were replaced: their memory is freed here and not by that thread.
    gone: Mutex<Vec<Arc<Prepared>>>,
    /// Room for what of the scene is seen, kept so that no frame needs memory.
    seen: Mutex<Vec<(usize, Position)>>,
}

struct Prepared {
    scene: Scene,
    info: video::VideoInfo,
}

impl std::fmt::Debug for Canvas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canvas")
    }
}

impl Canvas {
    /// Draws this from the next frame on, instead of what was drawn before. For one thread that is not in a hurry: memory of
    /// the scene before is freed here.
    pub fn set(&self, scene: Scene) {
        let any = !scene.placed.is_empty();
        let info = video::VideoInfo::from_caps(&scene.format.caps()).ok();
        let next = info
            .filter(|_| any)
            .map(|info| Arc::new(Prepared { scene, info }));
        let any = next.is_some();
        let before = {
            let mut now = lock(&self.0.scene);
            self.0.any.store(any, Ordering::Release);
            std::mem::replace(&mut *now, next)
        };
        let mut gone = lock(&self.0.gone);
        gone.extend(before);
        // Nobody can take hold of them any more.
        gone.retain(|scene| Arc::strong_count(scene) > 1);
    }

    /// Draws what is to be seen at the PTS of a frame of `format` into it. Never waits, and gives the frame back as it is, not
    /// mapped and not copied, where nothing of the scene is to be seen, where it has no PTS or another format, or where it
    /// cannot be written. Memory that others read as well is copied first.
    #[must_use]
    pub fn draw(&self, format: RawFormat, mut frame: gst::Buffer) -> gst::Buffer {
        if !self.0.any.load(Ordering::Acquire) {
            return frame;
        }
        let scene = lock(&self.0.scene).clone();
        // For a moment after a change of size the scene is for the other size.
        let Some(scene) = scene.filter(|s| s.scene.format == format) else {
            return frame;
        };
        let Some(pts) = frame.pts() else {
            return frame;
        };
        // While a source is replaced two threads may bring frames.
        let mut own = Vec::new();
        let mut kept = match self.0.seen.try_lock() {
            Ok(seen) => Some(seen),
            Err(TryLockError::Poisoned(seen)) => Some(PoisonError::into_inner(seen)),
            Err(TryLockError::WouldBlock) => None,
        };
        let seen = kept.as_deref_mut().unwrap_or(&mut own);
        scene.look(pts.nseconds(), seen);
        if seen.is_empty() {
            return frame;
        }
        // A shared head is copied here; shared or read-only memory when it is mapped.
        if scene.write(frame.make_mut(), seen) {
            return frame;
        }
        if let Ok(mut copy) = frame.copy_deep()
            && copy.get_mut().is_some_and(|head| scene.write(head, seen))
        {
            return copy;
        }
        frame
    }
}

impl Prepared {
    /// What is to be seen at `t`.
    fn look(&self, t: u64, seen: &mut Vec<(usize, Position)>) {
        let picture = Rect {
            x: 0,
            y: 0,
            width: self.scene.format.width,
            height: self.scene.format.height,
        };
        seen.clear();
        for (n, placed) in self.scene.placed.iter().enumerate() {
            let Some(at) = placed.motion.at(t) else {
                continue;
            };
            let rect = placed.ink.rect(at.x, at.y);
            let clipped = placed
                .clip
                .is_some_and(|c| !c.meets(&rect) || !c.meets(&picture));
            if rect.meets(&picture) && !clipped {
                seen.push((n, at));
            }
        }
    }

    fn write(&self, frame: &mut gst::BufferRef, seen: &[(usize, Position)]) -> bool {
        let Ok(mut frame) = video::VideoFrameRef::from_buffer_ref_writable(frame, &self.info)
        else {
            return false;
        };
        for (n, at) in seen {
            let placed = &self.scene.placed[*n];
            placed.ink.draw(&mut frame, *at, placed.clip);
        }
        true
    }
}

#[cfg(test)]
#[path = "canvas_tests.rs"]
mod tests;
