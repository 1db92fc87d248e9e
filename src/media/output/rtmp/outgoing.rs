//! Bytes on their way to the socket: slices shared with the access units, so that nothing is copied before `writev`.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

/// Most slices handed to one `writev`.
pub const MAX_SLICES: usize = 64;
/// Headers are cut from blocks of this size, so that they cost one allocation in a few hundred.
const ARENA: usize = 4096;

/// A queue of slices. Bounded by its user, who adds a message only when the queue is (nearly) empty.
#[derive(Debug, Default)]
pub struct Outgoing {
    slices: VecDeque<Bytes>,
    len: usize,
    arena: BytesMut,
}

impl Outgoing {
    /// Bytes not yet written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether all is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends shared bytes.
    pub fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.len += bytes.len();
            self.slices.push_back(bytes);
        }
    }

    /// Appends a copy of a few bytes, such as a chunk header.
    pub fn push_small(&mut self, bytes: &[u8]) {
        if self.arena.capacity() < bytes.len() {
            self.arena = BytesMut::with_capacity(ARENA.max(bytes.len()));
        }
        self.arena.extend_from_slice(bytes);
        let header = self.arena.split().freeze();
        self.push(header);
    }

    /// What is next to be written, at most [`MAX_SLICES`] slices.
    #[must_use]
    pub fn io_slices(&self) -> Vec<IoSlice<'_>> {
        self.slices
            .iter()
            .take(MAX_SLICES)
            .map(|b| IoSlice::new(b))
            .collect()
    }

    /// Forgets the first `n` bytes: they were written.
    pub fn advance(&mut self, n: usize) {
        let mut left = n.min(self.len);
        self.len -= left;
        while left > 0 {
            let Some(first) = self.slices.front_mut() else {
                return;
            };
            if first.len() > left {
                first.advance(left);
                return;
            }
            left -= first.len();
            self.slices.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn written_piecemeal_it_is_what_was_pushed(
            parts in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..50)), 0..200),
            steps in proptest::collection::vec(1usize..70, 1..50),
        ) {
            let mut out = Outgoing::default();
            let mut want = Vec::new();
            for (small, part) in &parts {
                want.extend_from_slice(part);
                if *small { out.push_small(part) } else { out.push(Bytes::copy_from_slice(part)) }
            }
            let mut got = Vec::new();
            let mut steps = steps.iter().cycle();
            while !out.is_empty() {
                let all: Vec<u8> = out.io_slices().iter().flat_map(|s| s.to_vec()).collect();
                let n = (*steps.next().unwrap()).min(all.len());
                got.extend_from_slice(&all[..n]);
                out.advance(n);
                prop_assert_eq!(out.len(), want.len() - got.len());
            }
            prop_assert_eq!(got, want);
        }
    }

    #[test]
    fn media_is_shared_not_copied() {
        let media = Bytes::from(vec![7; 1000]);
        let mut out = Outgoing::default();
        out.push_small(&[1, 2, 3]);
        out.push(media.slice(10..900));
        let slices = out.io_slices();
        assert_eq!(slices[1].as_ptr(), media[10..].as_ptr());
    }
}
