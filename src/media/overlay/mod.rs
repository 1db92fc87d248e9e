//! Words on the picture, drawn into the raw frames between selection and encoder.
//!
//! ```text
//!   words ──> place, render (a thread of the engine's) ──> patches ─┐
//!                                                              Canvas
//!   frame ──> draw (the thread that brings the frame) ──────────────┴──> frame
//! ```
//!
//! With nothing to draw a frame costs one look at a flag. Else only the bytes under the words are written; a frame whose memory
//! somebody else reads as well is copied first.

mod blend;
/// What is drawn into each frame.
pub mod canvas;
/// Cards of alerts, polls and products.
pub mod cards;
/// Comments that run over the picture.
pub mod danmaku;
/// A sprite prepared for raw pictures.
pub mod ink;
/// Boxes, pictures and QR codes.
pub mod kit;
/// Where a sprite is at a moment.
pub mod motion;
mod place;
mod render;
/// A picture with alpha.
pub mod sprite;
/// Text as sprites.
pub mod text;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use gstreamer as gst;
use gstreamer_video as video;

use super::raw::RawFormat;
use super::sync::lock;
use crate::device::notice::{Notice, Words};
use crate::error::Result;
use blend::Patch;

/// What is drawn into each frame; clones share it.
#[derive(Clone, Default)]
pub struct Canvas(Arc<Shared>);

#[derive(Default)]
struct Shared {
    any: AtomicBool,
    drawn: Mutex<Option<Arc<Drawn>>>,
    /// One row of a patch, kept so that no frame needs memory.
    row: Mutex<Vec<u8>>,
}

/// Patches for pictures of one format.
struct Drawn {
    format: RawFormat,
    info: video::VideoInfo,
    patches: Vec<Arc<Patch>>,
}

impl std::fmt::Debug for Canvas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canvas")
    }
}

impl Canvas {
    /// Draws what is to be seen into a frame of `format`. Never blocks, and gives the frame back as it is where nothing is
    /// to be drawn, or where it cannot be written.
    #[must_use]
    pub fn draw(&self, format: RawFormat, mut frame: gst::Buffer) -> gst::Buffer {
        if !self.0.any.load(Ordering::Acquire) {
            return frame;
        }
        // For a moment after a change of size there are no words of the right size.
        let drawn = lock(&self.0.drawn).clone();
        let Some(drawn) = drawn.filter(|d| d.format == format) else {
            return frame;
        };
        // A shared head is copied here; shared or read-only memory when it is mapped.
        if self.write(&drawn, frame.make_mut()) {
            return frame;
        }
        if let Ok(mut copy) = frame.copy_deep()
            && copy.get_mut().is_some_and(|head| self.write(&drawn, head))
        {
            return copy;
        }
        frame
    }

    fn write(&self, drawn: &Drawn, frame: &mut gst::BufferRef) -> bool {
        match video::VideoFrameRef::from_buffer_ref_writable(frame, &drawn.info) {
            Ok(mut frame) => {
                let row = &mut *lock(&self.0.row);
                drawn.patches.iter().for_each(|p| p.draw(&mut frame, row));
                true
            }
            Err(_) => false,
        }
    }

    fn set(&self, drawn: Option<Drawn>) {
        let any = drawn.as_ref().is_some_and(|d| !d.patches.is_empty());
        *lock(&self.0.drawn) = drawn.map(Arc::new);
        self.0.any.store(any, Ordering::Release);
    }
}

/// Prepares words for a canvas; keeps what it made until it changes.
#[derive(Debug, Default)]
pub struct Painter {
    banner: Option<(String, RawFormat, Option<Arc<Patch>>)>,
    notice: Option<(Notice, RawFormat, Option<Arc<Patch>>)>,
}

impl Painter {
    /// Makes `words` be seen on frames of `format`, instead of what was seen before. Blocks for as long as drawing takes, some
    /// ten milliseconds a line. Words that cannot be drawn are left out with a warning.
    pub fn paint(&mut self, words: &Words, format: RawFormat, canvas: &Canvas) {
        let banner = kept(&mut self.banner, words.banner.as_ref(), format, |text| {
            place::banner(text, format)
        });
        let notice = kept(&mut self.notice, words.notice.as_ref(), format, |notice| {
            place::notice(notice, format)
        });
        let patches: Vec<Arc<Patch>> = banner.into_iter().chain(notice).collect();
        canvas.set(info(format).map(|info| Drawn {
            format,
            info,
            patches,
        }));
    }
}

fn info(format: RawFormat) -> Option<video::VideoInfo> {
    video::VideoInfo::from_caps(&format.caps()).ok()
}

/// The patch of `wanted`: the one that was made before, or a new one.
fn kept<T: Clone + PartialEq>(
    slot: &mut Option<(T, RawFormat, Option<Arc<Patch>>)>,
    wanted: Option<&T>,
    format: RawFormat,
    make: impl FnOnce(&T) -> Result<Patch>,
) -> Option<Arc<Patch>> {
    let Some(wanted) = wanted else {
        *slot = None;
        return None;
    };
    if let Some((of, in_format, patch)) = slot
        && of == wanted
        && *in_format == format
    {
        return patch.clone();
    }
    let patch = make(wanted)
        .inspect_err(|e| tracing::warn!("words cannot be shown: {}", e.report()))
        .ok()
        .map(Arc::new);
    *slot = Some((wanted.clone(), format, patch.clone()));
    patch
}

#[cfg(test)]
mod tests;
