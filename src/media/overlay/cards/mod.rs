//! Cards: from data to a sprite. Pure but for the fonts.

mod alert;
mod look;
mod poll;
mod product;

pub use alert::alert;
pub use look::{accent, legible, panel};
pub use poll::poll;
pub use product::product;

use crate::media::raw::RawFormat;

/// The picture that a card is drawn for: sizes follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Page {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// The shorter side, pixels.
    pub short: u32,
}

impl Page {
    /// That of frames of `format`.
    #[must_use]
    pub fn of(format: RawFormat) -> Self {
        Self::new(format.width, format.height)
    }

    /// A picture of this size, pixels.
    #[must_use]
    pub fn new(width: u32, height: u32) -> Self {
        Self {
            width,
            height,
            short: width.min(height),
        }
    }

    /// `per_mille` of the shorter side, at least 1 pixel.
    #[must_use]
    pub fn part(&self, per_mille: u32) -> u32 {
        let part = u64::from(self.short) * u64::from(per_mille) / 1000;
        u32::try_from(part).unwrap_or(u32::MAX).max(1)
    }
}

#[cfg(test)]
mod tests;
