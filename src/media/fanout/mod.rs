//! One producer of units, N independent consumers. Pure: no GStreamer, no tokio.
//!
//! ```text
//!             ┌ GOP cache (from the last keyframe on)
//! push(unit) ─┼─> queue 1 ─> Consumer (async or a thread)
//!             ├─> queue 2 ─> Consumer
//!             └─> queue N ─> Consumer, slow: refuses until the next keyframe that fits
//! ```
//!
//! The rules, each with a test:
//! - Order is kept. A consumer gets nothing before a video keyframe, sound included; only a fan-out made by
//!   [`Fanout::audio_only`] starts anywhere.
//! - After a unit that a consumer did not get, the next one that it gets is a video keyframe: what it is handed never
//!   refers to a picture that it lacks.
//! - What is queued is never dropped. A consumer over its bounds refuses new units until the next keyframe that fits;
//!   a keyframe is asked for once its queue is down to half, so that a consumer that is stuck for good asks for none.
//! - [`Fanout::push`] takes each queue's lock for a moment, and no consumer holds it while it works: a stuck one
//!   delays nobody.
//! - When a consumer is dropped it is gone; when the last [`Fanout`] is dropped or closed, consumers drain and end.

use crate::media::sync::lock;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

mod cache;
mod consumer;
mod keyframe;
mod queue;
#[cfg(test)]
mod tests;

pub use consumer::{Consumer, Next};

use cache::GopCache;
use consumer::Slot;
use keyframe::KeyframeRequests;
use queue::Queue;

/// What the fan-out must know of the things it carries: access units, or RTP packets of one access unit.
pub trait Unit: Clone + Send + Sync + 'static {
    /// Picture, or sound.
    fn is_video(&self) -> bool;
    /// Whether a decoder can start here. For sound always true.
    fn is_keyframe(&self) -> bool;
    /// Decoding time, running time in ns.
    fn time_ns(&self) -> u64;
    /// Bytes.
    fn size(&self) -> usize;
}

/// Where a new consumer starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the cached GOP, at once; if there is none, or none that fits the consumer's bounds, at the next keyframe,
    /// which is asked for.
    CachedGop,
    /// At the next keyframe, which is asked for.
    NextKeyframe,
}

/// Bounds of one consumer's queue. An empty queue takes one unit whatever its size.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// For status and logs.
    pub name: String,
    /// Where to start.
    pub start: Start,
    /// Longest span of queued units (newest minus oldest time).
    pub max_span: Duration,
    /// Most bytes queued.
    pub max_bytes: usize,
}

/// What a consumer has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConsumerStats {
    /// Units handed out.
    pub delivered: u64,
    /// Units refused because the queue was full or a keyframe was awaited after that.
    pub refused: u64,
    /// Times that the consumer had to wait for a keyframe because it was slow.
    pub resyncs: u64,
    /// Span of what is queued now, ns.
    pub queued_ns: u64,
    /// Bytes queued now.
    pub queued_bytes: usize,
}

/// The producer's end; clones share the same fan-out, and may push from different threads (picture and sound do).
pub struct Fanout<U: Unit> {
    shared: Arc<Shared<U>>,
}

/// What the clones of a fan-out share; consumers hold it weakly.
struct Shared<U: Unit> {
    state: Mutex<State<U>>,
    requests: KeyframeRequests,
    has_video: bool,
}

struct State<U> {
    slots: Vec<Arc<Slot<U>>>,
    cache: GopCache<U>,
    next_id: u64,
    closed: bool,
}

impl<U: Unit> Fanout<U> {
    /// A fan-out of a stream with video. `request_keyframe` asks the producer for one: it is called at most once per
    /// 500 ms, less often while requests bring nothing, from any thread, and must not block.
    pub fn new(request_keyframe: impl Fn() + Send + Sync + 'static) -> Self {
        Self::build(true, Box::new(request_keyframe))
    }

    /// A fan-out of a stream that has no video at all: a consumer starts with the next unit, and after a refusal goes
    /// on with the next unit that fits.
    #[must_use]
    pub fn audio_only() -> Self {
        Self::build(false, Box::new(|| {}))
    }

    fn build(has_video: bool, request: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            shared: Arc::new(Shared {
                state: Mutex::new(State {
                    slots: Vec::new(),
                    cache: GopCache::default(),
                    next_id: 0,
                    closed: false,
                }),
                requests: KeyframeRequests::new(request),
                has_video,
            }),
        }
    }

    /// Hands `unit` to every consumer. Never waits for one; after [`Fanout::close`] it does nothing.
    pub fn push(&self, unit: U) {
        let mut wakers = Vec::new();
        let mut keyframe_wanted = false;
        {
            let mut state = lock(&self.shared.state);
            if state.closed {
                return;
            }
            for slot in &state.slots {
                let offered = slot.offer(&unit);
                keyframe_wanted |= offered.keyframe_wanted;
                wakers.extend(offered.waker);
            }
            if unit.is_video() && unit.is_keyframe() {
                self.shared.requests.answered();
            }
            if self.shared.has_video {
                state.cache.push(unit);
            }
        }
        // Outside the lock: both run code of others, which may come back here.
        for waker in wakers {
            waker.wake();
        }
        if keyframe_wanted {
            self.request_keyframe();
        }
    }

    /// Adds a consumer. From any thread, at any time; after [`Fanout::close`] the consumer ends at once.
    #[must_use]
    pub fn subscribe(&self, options: ConsumerOptions) -> Consumer<U> {
        let mut queue = Queue::new(&options, self.shared.has_video);
        let mut keyframe_wanted = false;
        let slot = {
            let mut state = lock(&self.shared.state);
            if !state.closed && self.shared.has_video {
                let cached =
                    options.start == Start::CachedGop && queue.preload(state.cache.units());
                keyframe_wanted = !cached;
            }
            let slot = Arc::new(Slot::new(state.next_id, options.name, queue, state.closed));
            state.next_id += 1;
            if !state.closed {
                state.slots.push(Arc::clone(&slot));
            }
            slot
        };
        if keyframe_wanted {
            self.request_keyframe();
        }
        Consumer::new(slot, Arc::downgrade(&self.shared))
    }

    /// Asks the producer for a keyframe, within the rate limit.
    pub fn request_keyframe(&self) {
        self.shared.requests.request(Instant::now());
    }

    /// Ends the stream: consumers get what is queued, then the end.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Name and figures of every consumer, in the order in which they joined.
    #[must_use]
    pub fn consumers(&self) -> Vec<(String, ConsumerStats)> {
        lock(&self.shared.state)
            .slots
            .iter()
            .map(|slot| (slot.name().to_owned(), slot.stats()))
            .collect()
    }
}

impl<U: Unit> Clone for Fanout<U> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<U: Unit> fmt::Debug for Fanout<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = lock(&self.shared.state);
        f.debug_struct("Fanout")
            .field("consumers", &state.slots.len())
            .field("cached", &state.cache.units().len())
            .field("closed", &state.closed)
            .finish_non_exhaustive()
    }
}

impl<U: Unit> Shared<U> {
    fn close(&self) {
        let slots = {
            let mut state = lock(&self.state);
            state.closed = true;
            state.cache = GopCache::default();
            std::mem::take(&mut state.slots)
        };
        for slot in slots {
            slot.close();
        }
    }

    fn leave(&self, id: u64) {
        lock(&self.state).slots.retain(|slot| slot.id() != id);
    }
}

impl<U: Unit> Drop for Shared<U> {
    fn drop(&mut self) {
        self.close();
    }
}
