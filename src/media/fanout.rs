//! One producer of units, N independent consumers.

use std::sync::Arc;
use std::time::Duration;

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
    /// With the cached GOP, at once; if there is none, at the next keyframe, which is asked for.
    CachedGop,
    /// At the next keyframe, which is asked for.
    NextKeyframe,
}

/// Bounds of one consumer's queue.
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

/// The producer's end; clones share the same fan-out.
#[derive(Debug, Clone)]
pub struct Fanout<U: Unit> {
    inner: Arc<std::marker::PhantomData<fn() -> U>>,
}
