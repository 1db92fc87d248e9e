//! Fragmented MP4 (ISO/IEC 14496-12), for browsers that play it with Media Source Extensions where WebRTC cannot be had.
//!
//! A consumer of the fan-out like any other: nothing is encoded again. A stream begins with a text that names the codecs and
//! with the initialisation segment; then comes one fragment per picture, with the sound that came since the last one. When a format
//! changes, text and segment come anew and the times go on. Times count from the consumer's first picture and are shared by both
//! tracks. A slow consumer loses what the fan-out refuses, up to the next keyframe: the times show the gap.

mod boxes;
mod init;
mod mux;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::media::access_unit::AccessUnit;
use crate::media::fanout::{Consumer, ConsumerOptions, Fanout, Start};
use mux::Mux;

/// What may wait for one consumer.
const MAX_SPAN: Duration = Duration::from_secs(3);
const MAX_BYTES: usize = 8 << 20;

/// What a stream gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// `{"mime":…,"width":…,"height":…}`: an initialisation segment comes next.
    Head(String),
    /// An initialisation segment (after a head), or a fragment.
    Data(Bytes),
}

/// One viewer's stream. Dropped, it leaves the fan-out.
pub struct Fmp4Stream {
    consumer: Consumer<AccessUnit>,
    mux: Mux,
    ready: VecDeque<Chunk>,
}

impl Fmp4Stream {
    /// Joins `source`, with the newest keyframe and everything since.
    #[must_use]
    pub fn open(source: &Fanout<AccessUnit>) -> Self {
        let consumer = source.subscribe(ConsumerOptions {
            name: "fmp4".into(),
            start: Start::CachedGop,
            max_span: MAX_SPAN,
            max_bytes: MAX_BYTES,
        });
        Self {
            consumer,
            mux: Mux::default(),
            ready: VecDeque::new(),
        }
    }

    /// The next chunk; `None` once the fan-out is closed. Safe to cancel: nothing is lost.
    pub async fn next(&mut self) -> Option<Chunk> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Some(chunk);
            }
            let unit = self.consumer.next().await?;
            self.mux.unit(&unit, &mut self.ready);
        }
    }
}

impl std::fmt::Debug for Fmp4Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fmp4Stream")
            .field("consumer", &self.consumer)
            .finish_non_exhaustive()
    }
}
