//! The words on the picture: a thread that prepares them whenever they or the size of the picture change.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::worker::Worker;
use crate::device::notice::Words;
use crate::error::Result;
use crate::media::overlay::{Canvas, Painter};
use crate::media::raw::RawFormat;
use crate::media::sync::lock;

/// What is wanted now; only the newest counts.
struct Wanted {
    words: Words,
    format: RawFormat,
}

/// Handle of the thread.
pub(super) struct WordsOnAir {
    canvas: Canvas,
    wanted: Arc<Mutex<Wanted>>,
    /// A job waits that will see what is wanted then.
    waiting: Arc<AtomicBool>,
    worker: Worker<()>,
}

impl WordsOnAir {
    pub(super) fn start(format: RawFormat) -> Result<Self> {
        let canvas = Canvas::default();
        let wanted = Arc::new(Mutex::new(Wanted {
            words: Words::default(),
            format,
        }));
        let waiting = Arc::new(AtomicBool::new(false));
        let mut painter = Painter::default();
        let (asked, taken, onto) = (wanted.clone(), waiting.clone(), canvas.clone());
        let worker = Worker::start("words", move |()| {
            taken.store(false, Ordering::SeqCst);
            let (words, format) = {
                let wanted = lock(&asked);
                (wanted.words.clone(), wanted.format)
            };
            painter.paint(&words, format, &onto);
        })?;
        Ok(Self {
            canvas,
            wanted,
            waiting,
            worker,
        })
    }

    /// What the words are drawn on.
    pub(super) fn canvas(&self) -> Canvas {
        self.canvas.clone()
    }

    pub(super) fn show(&self, words: &Words) {
        lock(&self.wanted).words.clone_from(words);
        self.paint();
    }

    /// Pictures come in this format from now on.
    pub(super) fn resize(&self, format: RawFormat) {
        lock(&self.wanted).format = format;
        self.paint();
    }

    fn paint(&self) {
        if !self.waiting.swap(true, Ordering::SeqCst) {
            self.worker.send(());
        }
    }

    pub(super) fn stop(self) {
        self.worker.stop(Duration::from_millis(500));
    }
}
