//! Lines and blocks of text as sprites, in every script that a font is installed for. On the CPU, for the thread that
//! prepares sprites, never for the video's.
//!
//! ```text
//!   runs ── prepare ──> clusters with a font each ── shape ──> glyphs with places ── draw ──> sprite ──> cache
//!              └── library: which font has it              └── cosmic-text, layout
//! ```
//!
//! Text of any content is bounded in time and memory: so many characters, so many marks on one letter, so many pixels.

mod cache;
mod draw;
mod glyphs;
mod layout;
mod library;
mod prepare;
mod script;
mod shape;
mod style;
mod survey;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use super::sprite::Sprite;
use crate::error::{Error, Kind, Result};
pub use cache::Counts;
use cache::{Cache, Key};
use glyphs::Glyphs;
use layout::Line;
use library::{FamilyId, Library};
use prepare::{Cluster, MOST_CHARS, MOST_CLUSTERS};
use shape::{Shaped, Shaper};
pub use style::{Outline, Run, Shadow, Style};
pub use survey::{Written, survey};

/// Memory of kept sprites, bytes.
const CACHE: usize = 16 * 1024 * 1024;
/// Pixels of a sprite at most; what is larger is cut off.
const MOST_PIXELS: u32 = 8 * 1024 * 1024;
/// A line becomes smaller down to this part of its size before it is cut.
const SMALLEST: (u32, u32) = (5, 8);
/// What stands for what was cut off.
const DOTS: &str = "…";

/// Fonts, and what was drawn with them.
pub struct Letters {
    library: Library,
    base: FamilyId,
    shaper: Shaper,
    glyphs: Glyphs,
    cache: Cache,
    failed: u64,
}

impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letters")
            .field("base", &self.library.name(self.base))
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// Text that has its place.
struct Placed {
    lines: Vec<Line>,
    rtl: bool,
}

impl Letters {
    /// Finds the fonts of `folder` and, after them, those of the system. `family` is used for all letters that it has; an
    /// unknown one is reported as a warning and left out.
    ///
    /// Blocks while all font files are looked through: call it when there is something to write for the first time.
    ///
    /// # Errors
    /// No font with Latin letters is there, or the folder cannot be read.
    pub fn load(folder: Option<&Path>, family: Option<&str>) -> Result<Self> {
        let mut library = Library::open(folder, family)?;
        let base = library.base()?;
        let mut shaper = Shaper::new();
        if !shaper.opens(&library, base) {
            let text = format!("The font {} cannot be read.", library.name(base));
            return Err(Error::new(Kind::Corrupt, text).mend("Install it again."));
        }
        Ok(Self {
            library,
            base,
            shaper,
            glyphs: Glyphs::new(),
            cache: Cache::new(CACHE),
            failed: 0,
        })
    }

    /// One line, at most `max_width` pixels wide: too long, it becomes smaller, down to 5/8; what is still too long is cut
    /// at a grapheme and ends in `…`. [`Style::line_height`] high whatever it says, the base line always in the same row.
    pub fn line(&mut self, runs: &[Run], style: &Style, max_width: u32) -> Arc<Sprite> {
        self.sprite(runs, style, max_width, 0)
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
        self.sprite(runs, style, width, max_lines.clamp(1, 64))
    }

    /// Width of [`line`](Self::line) where it may be as wide as it likes, pixels; nothing is drawn.
    pub fn width(&mut self, runs: &[Run], style: &Style) -> u32 {
        let runs = bounded(runs);
        let widest = widest(style, u32::MAX, 1);
        let inner = self.guarded(|me| {
            let clusters = prepare::clusters(&runs, &mut me.library, me.base);
            me.shape(&clusters, &runs, style.size()).one_line()
        });
        match inner.filter(|line| !line.glyphs.is_empty()) {
            Some(line) => (line.columns() + 2 * style.margin()).min(widest),
            None => 0,
        }
    }

    /// How the cache has served.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            failed: self.failed,
            ..self.cache.counts()
        }
    }

    fn sprite(&mut self, runs: &[Run], style: &Style, width: u32, lines: u32) -> Arc<Sprite> {
        let width = widest(style, width, lines);
        let key = Key {
            runs: bounded(runs),
            style: *style,
            width,
            lines,
        };
        if let Some(sprite) = self.cache.get(&key) {
            return sprite;
        }
        let drawn = self.guarded(|me| {
            let clusters = prepare::clusters(&key.runs, &mut me.library, me.base);
            let room = width.saturating_sub(2 * style.margin()).max(1);
            let placed = match lines {
                0 => me.fit_line(&clusters, &key.runs, style.size(), room),
                most => me.fit_block(&clusters, &key.runs, style.size(), room, most),
            };
            me.draw(&placed, &key.runs, style, width)
        });
        let empty = || Sprite::clear(0, size(style.line_height()));
        let sprite = Arc::new(drawn.unwrap_or_else(empty));
        self.cache.put(key, &sprite);
        sprite
    }

    /// Shaping is the work of others upon the text of strangers: should it panic, this text is left out, and the fonts are
    /// opened anew.
    fn guarded<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let done = catch_unwind(AssertUnwindSafe(|| work(self)));
        if done.is_err() {
            tracing::error!("A text could not be drawn and is left out.");
            self.failed += 1;
            self.shaper = Shaper::new();
            self.glyphs = Glyphs::new();
        }
        done.ok()
    }

    fn shape(&mut self, clusters: &[Cluster], runs: &[Run], px: u32) -> Shaped {
        self.shaper
            .shape(&self.library, self.base, clusters, runs, px)
    }

    /// In one line of at most `room` pixels: smaller, then cut.
    fn fit_line(&mut self, clusters: &[Cluster], runs: &[Run], px: u32, room: u32) -> Placed {
        let least = (px * SMALLEST.0).div_ceil(SMALLEST.1);
        let mut px = px;
        loop {
            let shaped = self.shape(clusters, runs, px);
            let line = shaped.one_line();
            let width = line.columns();
            if width <= room {
                let lines = vec![line];
                return Placed {
                    lines,
                    rtl: shaped.rtl,
                };
            }
            if px <= least {
                return self.cut_line(clusters, runs, &shaped, px, room);
            }
            let fits = u64::from(px) * u64::from(room) / u64::from(width.max(1));
            px = u32::try_from(fits).unwrap_or(px).clamp(least, px - 1);
        }
    }

    /// As many clusters as fit with dots behind them.
    fn cut_line(
        &mut self,
        clusters: &[Cluster],
        runs: &[Run],
        whole: &Shaped,
        px: u32,
        room: u32,
    ) -> Placed {
        let mut left = room as f32 - px as f32 / 2.0;
        let widths = whole.widths();
        let mut take = widths
            .iter()
            .take_while(|w| {
                left -= **w;
                left >= 0.0
            })
            .count();
        loop {
            let shaped = self.shape(&self.cut(clusters, take), runs, px);
            let line = shaped.one_line();
            if line.columns() <= room || take == 0 {
                let lines = vec![line];
                return Placed {
                    lines,
                    rtl: shaped.rtl,
                };
            }
            // Cut letters may join otherwise than in the whole: seldom by more than one.
            take -= 1 + take / 16;
        }
    }

    /// In lines of at most `room` pixels, `most` of them.
    fn fit_block(
        &mut self,
        clusters: &[Cluster],
        runs: &[Run],
        px: u32,
        room: u32,
        most: u32,
    ) -> Placed {
        let most = size(most);
        let whole = self.shape(clusters, runs, px);
        let lines = whole.lines(room);
        if lines.len() <= most {
            let rtl = whole.rtl;
            return Placed { lines, rtl };
        }
        // The most clusters with which it fits, by halving.
        let (mut fits, mut over) = (0, clusters.len());
        while over - fits > 1 {
            let middle = usize::midpoint(fits, over);
            let shaped = self.shape(&self.cut(clusters, middle), runs, px);
            if shaped.lines(room).len() <= most {
                fits = middle;
            } else {
                over = middle;
            }
        }
        let shaped = self.shape(&self.cut(clusters, fits), runs, px);
        let mut lines = shaped.lines(room);
        lines.truncate(most);
        Placed {
            lines,
            rtl: shaped.rtl,
        }
    }

    /// The first `take` clusters without spaces at their end, and dots.
    fn cut(&self, clusters: &[Cluster], take: usize) -> Vec<Cluster> {
        let mut out = clusters[..take.min(clusters.len())].to_vec();
        while out.last().is_some_and(|c| c.text.trim().is_empty()) {
            out.pop();
        }
        let run = out.last().or(clusters.first()).map_or(0, |c| c.run);
        out.push(Cluster {
            text: DOTS.into(),
            run,
            family: self.base,
            missing: false,
        });
        out
    }

    fn draw(&mut self, placed: &Placed, runs: &[Run], style: &Style, width: u32) -> Sprite {
        let margin = style.margin();
        let widest = placed.lines.iter().map(Line::columns).max().unwrap_or(0);
        let wide = (widest + 2 * margin).min(width);
        let inner = placed.lines.iter().all(|l| l.glyphs.is_empty());
        let wide = if inner { 0 } else { wide };
        let rows = u32::try_from(placed.lines.len()).unwrap_or(1).max(1);
        let mut canvas = Sprite::clear(size(wide), size(style.line_height() * rows));
        let mut top = 0;
        for line in &placed.lines {
            let push = if placed.rtl {
                widest.saturating_sub(line.columns())
            } else {
                0
            };
            let place = (signed(margin + push), signed(top + style.baseline()));
            draw::letters(
                &mut canvas,
                line,
                place,
                runs,
                &mut self.shaper,
                &mut self.glyphs,
            );
            top += style.line_height();
        }
        draw::under(canvas, style)
    }
}

/// Runs of at most [`MOST_CHARS`] characters in all and [`MOST_CLUSTERS`] of them: what is behind is never drawn.
fn bounded(runs: &[Run]) -> Vec<Run> {
    let mut left = MOST_CHARS;
    let mut out = Vec::new();
    for run in runs.iter().take(MOST_CLUSTERS) {
        let text: String = run.text.chars().take(left).collect();
        left -= text.chars().count();
        out.push(Run {
            text,
            ..run.clone()
        });
        if left == 0 {
            break;
        }
    }
    out
}

/// The widest sprite of this style that may be made.
fn widest(style: &Style, width: u32, lines: u32) -> u32 {
    width
        .min(MOST_PIXELS / (style.line_height() * lines.max(1)))
        .max(1)
}

fn size(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn signed(n: u32) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_fonts;
