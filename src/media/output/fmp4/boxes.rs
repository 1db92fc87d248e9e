//! Boxes of the ISO base media file format (ISO/IEC 14496-12) as bytes. Pure.

/// Appends boxes; each gets its length when it is closed.
#[derive(Debug, Default)]
pub(super) struct Boxes {
    bytes: Vec<u8>,
}

impl Boxes {
    /// A box of `kind` whose content `fill` writes.
    pub(super) fn boxed(&mut self, kind: [u8; 4], fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.u32(0).raw(&kind);
        fill(self);
        let length = u32::try_from(self.bytes.len() - start).unwrap_or(u32::MAX);
        self.patch(start, length);
    }

    /// A *full box*: version and flags in front of its content.
    pub(super) fn full(
        &mut self,
        kind: [u8; 4],
        version: u8,
        flags: u32,
        fill: impl FnOnce(&mut Self),
    ) {
        self.boxed(kind, |b| {
            b.u32(u32::from(version) << 24 | (flags & 0xFF_FFFF));
            fill(b);
        });
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    pub(super) fn zeros(&mut self, count: usize) -> &mut Self {
        self.bytes.resize(self.bytes.len() + count, 0);
        self
    }

    pub(super) fn u8(&mut self, n: u8) -> &mut Self {
        self.raw(&[n])
    }

    pub(super) fn u16(&mut self, n: u16) -> &mut Self {
        self.raw(&n.to_be_bytes())
    }

    pub(super) fn u32(&mut self, n: u32) -> &mut Self {
        self.raw(&n.to_be_bytes())
    }

    pub(super) fn u64(&mut self, n: u64) -> &mut Self {
        self.raw(&n.to_be_bytes())
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Overwrites the 4 bytes at `at`.
    pub(super) fn patch(&mut self, at: usize, n: u32) {
        if let Some(place) = self.bytes.get_mut(at..at + 4) {
            place.copy_from_slice(&n.to_be_bytes());
        }
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.bytes.reserve_exact(more);
    }

    pub(super) fn into_bytes(self) -> bytes::Bytes {
        self.bytes.into()
    }
}
