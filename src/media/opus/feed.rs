//! Opus frames to whoever listens; the encoder runs only while somebody does. Pure: neither GStreamer nor tokio.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;

use crate::media::fanout::{Consumer, ConsumerOptions, Fanout, Start, Unit};
use crate::media::sync::lock;

/// What may wait for one listener: sound that is later than this is of no use to anybody.
const MAX_SPAN: Duration = Duration::from_millis(500);
const MAX_BYTES: usize = 256 << 10;

/// One Opus frame of 20 ms (RFC 6716). Cloning shares the bytes.
#[derive(Debug, Clone)]
pub struct OpusFrame {
    /// Presentation time: running time, ns.
    pub pts: u64,
    /// The frame.
    pub data: Bytes,
}

impl Unit for OpusFrame {
    fn is_video(&self) -> bool {
        false
    }

    fn is_keyframe(&self) -> bool {
        true
    }

    fn time_ns(&self) -> u64 {
        self.pts
    }

    fn size(&self) -> usize {
        self.data.len()
    }
}

/// The feed's end for outputs; clones share the same feed.
#[derive(Clone)]
pub struct OpusFeed {
    shared: Arc<Shared>,
}

struct Shared {
    fanout: Fanout<OpusFrame>,
    listeners: Mutex<usize>,
    switch: Box<dyn Fn(bool) + Send + Sync>,
}

impl OpusFeed {
    /// A feed. `switch` hears `true` when the first listener came and `false` when the last one left, in this order; it must
    /// not block.
    pub fn new(switch: impl Fn(bool) + Send + Sync + 'static) -> Self {
        Self {
            shared: Arc::new(Shared {
                fanout: Fanout::audio_only(),
                listeners: Mutex::new(0),
                switch: Box::new(switch),
            }),
        }
    }

    /// Hands a frame to every listener.
    pub fn push(&self, frame: OpusFrame) {
        self.shared.fanout.push(frame);
    }

    /// Joins; the encoder runs at least until the listener is dropped.
    #[must_use]
    pub fn listen(&self, name: &str) -> Listener {
        {
            let mut listeners = lock(&self.shared.listeners);
            *listeners += 1;
            if *listeners == 1 {
                (self.shared.switch)(true);
            }
        }
        Listener {
            frames: self.shared.fanout.subscribe(ConsumerOptions {
                name: name.to_owned(),
                start: Start::NextKeyframe,
                max_span: MAX_SPAN,
                max_bytes: MAX_BYTES,
            }),
            shared: Arc::clone(&self.shared),
        }
    }

    /// How many listen.
    #[must_use]
    pub fn listeners(&self) -> usize {
        *lock(&self.shared.listeners)
    }

    /// Ends the feed: listeners get what is queued, then the end.
    pub fn close(&self) {
        self.shared.fanout.close();
    }
}

impl std::fmt::Debug for OpusFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpusFeed")
            .field("listeners", &self.listeners())
            .finish_non_exhaustive()
    }
}

/// Somebody who listens. Dropped, it leaves.
pub struct Listener {
    /// The frames, in order.
    pub frames: Consumer<OpusFrame>,
    shared: Arc<Shared>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut listeners = lock(&self.shared.listeners);
        *listeners = listeners.saturating_sub(1);
        if *listeners == 0 {
            (self.shared.switch)(false);
        }
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::fanout::Next;

    #[test]
    fn the_encoder_is_wanted_from_the_first_listener_to_the_last() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&told);
        let feed = OpusFeed::new(move |on| lock(&log).push(on));
        let (mut a, b) = (feed.listen("a"), feed.listen("b"));
        assert_eq!(*lock(&told), [true]);
        feed.push(OpusFrame {
            pts: 1,
            data: Bytes::from_static(b"x"),
        });
        assert!(matches!(a.frames.try_next(), Next::Unit(f) if f.pts == 1));
        drop(a);
        assert_eq!((feed.listeners(), lock(&told).len()), (1, 1));
        drop(b);
        let _again = feed.listen("c");
        assert_eq!(*lock(&told), [true, false, true]);
    }
}
