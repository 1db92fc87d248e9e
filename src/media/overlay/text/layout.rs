//! From shaped words to lines: where to break, and in which order words are seen.
//!
//! Our own, because that of `cosmic-text` 0.19 loses a word that runs against the direction of its paragraph where it is the
//! first of it ("4 אב" has no 4), turns words of two fonts around, and overflows lines of both directions.

use cosmic_text::{ShapeGlyph, ShapeLine};

/// A glyph that has its place.
#[derive(Debug, Clone)]
pub(super) struct Placed {
    /// What it looks like.
    pub glyph: ShapeGlyph,
    /// Size of its letters, pixels.
    pub px: f32,
    /// Left edge, pixels from the line's.
    pub x: f32,
    /// Pixels that it takes.
    pub width: f32,
}

/// Glyphs from left to right.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    pub glyphs: Vec<Placed>,
    /// Pixels.
    pub width: f32,
}

impl Line {
    /// Whole pixels that it takes.
    pub fn columns(&self) -> u32 {
        self.width.ceil().clamp(0.0, 1e6) as u32
    }
}

/// A word, or a space, whose glyphs are from left to right.
#[derive(Debug, Clone)]
struct Word {
    glyphs: Vec<ShapeGlyph>,
    blank: bool,
    level: u8,
    width: f32,
}

impl Word {
    fn new(glyphs: Vec<ShapeGlyph>, blank: bool, level: u8, px: f32) -> Self {
        let width = glyphs.iter().map(|g| g.width(px)).sum();
        Self {
            glyphs,
            blank,
            level,
            width,
        }
    }

    fn is_rtl(&self) -> bool {
        self.level % 2 == 1
    }

    /// Its graphemes as words, in the order in which they are read.
    fn split(&self, px: f32) -> Vec<Self> {
        let mut parts: Vec<Vec<ShapeGlyph>> = Vec::new();
        for glyph in &self.glyphs {
            match parts.last_mut() {
                Some(part) if part.iter().any(|g| g.start == glyph.start) => {
                    part.push(glyph.clone());
                }
                _ => parts.push(vec![glyph.clone()]),
            }
        }
        if self.is_rtl() {
            parts.reverse();
        }
        parts
            .into_iter()
            .map(|glyphs| Self::new(glyphs, self.blank, self.level, px))
            .collect()
    }
}

/// Words in the order in which they are read.
fn words(shaped: &ShapeLine, px: f32) -> Vec<Word> {
    let mut out = Vec::new();
    for span in &shaped.spans {
        let level = span.level.number();
        let of_span = span.words.iter().map(|word| {
            let mut glyphs = word.glyphs.clone();
            // The shaper turns the glyphs of a line that is read from right to left, and the words of a span that runs
            // against its line.
            if shaped.rtl {
                glyphs.reverse();
            }
            // A word of more than one font has them one behind the other, whatever its direction.
            if span.level.is_rtl() {
                glyphs.sort_by_key(|g| std::cmp::Reverse(g.start));
            }
            Word::new(glyphs, word.blank, level, px)
        });
        if span.level.is_rtl() == shaped.rtl {
            out.extend(of_span);
        } else {
            out.extend(of_span.rev());
        }
    }
    out
}

/// Lines of at most `room` pixels, or one line as wide as it likes. A word that is wider than a line is broken between
/// graphemes; a single grapheme may jut out.
pub(super) fn lines(shaped: &ShapeLine, px: f32, room: Option<f32>) -> Vec<Line> {
    let words = words(shaped, px);
    let Some(room) = room else {
        return vec![line(words)];
    };
    let mut out = Vec::new();
    let (mut taken, mut width): (Vec<Word>, f32) = (Vec::new(), 0.0);
    let mut next = |word: Word, taken: &mut Vec<Word>, width: &mut f32| {
        if *width + word.width > room && !word.blank && *width > 0.0 {
            out.push(line(std::mem::take(taken)));
            *width = 0.0;
        }
        // A line does not begin with the space at which it was broken.
        if !(word.blank && taken.is_empty()) {
            *width += word.width;
            taken.push(word);
        }
    };
    for word in words {
        if word.width > room && !word.blank {
            for part in word.split(px) {
                next(part, &mut taken, &mut width);
            }
        } else {
            next(word, &mut taken, &mut width);
        }
    }
    if !taken.is_empty() || out.is_empty() {
        out.push(line(taken));
    }
    out
}

/// Puts words beside one another in the order in which they are seen: UAX #9, rule L2. Spaces at the end are left out (L1
/// would put them at the far side).
fn line(mut words: Vec<Word>) -> Line {
    while words.last().is_some_and(|w| w.blank) {
        words.pop();
    }
    let highest = words.iter().map(|w| w.level).max().unwrap_or(0);
    for level in (1..=highest).rev() {
        let mut from = 0;
        while from < words.len() {
            let run = words[from..]
                .iter()
                .take_while(|w| w.level >= level)
                .count();
            words[from..from + run].reverse();
            from += run.max(1);
        }
    }
    let mut out = Line::default();
    for glyph in words.into_iter().flat_map(|w| w.glyphs) {
        let px = glyph.metrics_opt.map_or(0.0, |m| m.font_size);
        let width = glyph.width(px);
        out.glyphs.push(Placed {
            px,
            x: out.width,
            width,
            glyph,
        });
        out.width += width;
    }
    out
}
