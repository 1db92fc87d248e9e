//! One line of text as a sprite, by pango through GStreamer's `textoverlay`, which shapes every script that a font is
//! installed for. A pipeline per line, made and gone: for the thread that prepares words, not for the video's.

use std::fmt::Write as _;
use std::time::Duration;

use gstreamer as gst;
use gstreamer::prelude::*;

use super::blend::{Sprite, premultiplied};
use crate::error::{Error, Kind, Result};
use crate::media::bus;
use crate::media::oneshot::OneShot;

/// Longest time for one try.
const LIMIT: Duration = Duration::from_secs(2);
/// Widest canvas, pixels.
const WIDEST: usize = 12_288;
/// Characters that are drawn at most.
const MOST: usize = 160;
/// A line becomes smaller down to this part of its size before it is cut.
const SMALLEST: (usize, usize) = (2, 3);
/// Tries until it fits; what is too wide then is cut off hard.
const TRIES: usize = 6;

/// A part of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// What it says; control characters become spaces.
    pub text: String,
    /// Its colour.
    pub rgb: [u8; 3],
    /// Heavier.
    pub bold: bool,
    /// Three quarters of the size.
    pub small: bool,
}

/// Height of a line of letters of `size` pixels.
#[must_use]
pub fn line_height(size: usize) -> usize {
    size * 3 / 2
}

/// Draws `runs` in letters of `size` pixels, at most `width` pixels wide: smaller where that is enough, else cut with `…`.
/// The sprite is as wide as what is seen, and [`line_height`] of the size that was taken high.
///
/// # Errors
/// Pango or its plug-in is missing, or fails. A line without anything to see is a sprite of no width.
pub fn line(runs: &[Run], size: usize, width: usize) -> Result<Sprite> {
    let all = runs.iter().map(|r| r.text.chars().count()).sum::<usize>();
    let (mut size, mut take) = (size.max(6), all.min(MOST));
    let mut drawn = draw(runs, take, size, width)?;
    let least = (size * SMALLEST.0 / SMALLEST.1).max(6);
    for _ in 0..TRIES {
        if drawn.width <= width {
            return Ok(drawn);
        }
        if size > least {
            size = (size * width / drawn.width).clamp(least, size - 1);
        } else {
            take = (take * width / drawn.width)
                .min(take * 9 / 10)
                .saturating_sub(1);
        }
        drawn = draw(runs, take, size, width)?;
    }
    Ok(cropped(&drawn, 0, drawn.width.min(width)))
}

/// The first `take` characters, with `…` if that is not all, on a canvas on which they surely fit.
fn draw(runs: &[Run], take: usize, size: usize, width: usize) -> Result<Sprite> {
    let markup = markup(runs, take);
    if markup.is_empty() {
        return Ok(Sprite::filled(0, line_height(size), 0, [0; 3]));
    }
    let wide = ((take + 2) * size * 5 / 4).max(2 * width).clamp(16, WIDEST);
    let tall = line_height(size);
    let caps = gst::Caps::builder("video/x-raw")
        .field("format", "BGRA")
        .field("width", pixels(wide))
        .field("height", pixels(tall))
        .field("framerate", gst::Fraction::new(1, 1))
        .field("pixel-aspect-ratio", gst::Fraction::new(1, 1))
        .build();
    let mut empty = gst::Buffer::from_mut_slice(vec![0_u8; wide * tall * 4]);
    if let Some(head) = empty.get_mut() {
        head.set_pts(gst::ClockTime::ZERO);
        head.set_duration(gst::ClockTime::SECOND);
    }
    let sample = OneShot {
        name: "text on the picture",
        input: &caps,
        buffers: vec![empty],
        chain: &[text(&markup, size)?],
        output: &caps,
        limit: LIMIT,
    }
    .run()?;
    let lost = || Error::new(Kind::Internal, "text on the picture has no picture");
    let buffer = sample.buffer().ok_or_else(lost)?;
    let map = buffer.map_readable().map_err(|e| lost().caused_by(e))?;
    if map.len() < wide * tall * 4 {
        return Err(lost());
    }
    let pixels = map.chunks_exact(4).take(wide * tall);
    let canvas = Sprite {
        width: wide,
        height: tall,
        argb: pixels
            .map(|p| premultiplied(p[3], [p[2], p[1], p[0]]))
            .collect(),
    };
    let (left, right) = ink(&canvas);
    Ok(cropped(&canvas, left, right))
}

fn pixels(n: usize) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Letters in the top left corner, where the same size always has the same base line.
fn text(markup: &str, size: usize) -> Result<gst::Element> {
    let element = bus::element("textoverlay")?;
    element.set_property("text", markup);
    element.set_property("font-desc", format!("Sans {size}px"));
    element.set_property("auto-resize", false);
    element.set_property_from_str("wrap-mode", "none");
    element.set_property_from_str("halignment", "left");
    element.set_property_from_str("valignment", "top");
    element.set_property("xpad", 0_i32);
    element.set_property("ypad", 0_i32);
    element.set_property("draw-shadow", false);
    element.set_property("draw-outline", false);
    Ok(element)
}

/// The first `take` characters of all runs as pango markup; everything special is escaped.
fn markup(runs: &[Run], take: usize) -> String {
    let mut left = take;
    let mut out = String::new();
    for run in runs.iter().filter(|r| !r.text.is_empty()) {
        let [r, g, b] = run.rgb;
        let _ = write!(out, "<span foreground=\"#{r:02x}{g:02x}{b:02x}\"");
        if run.bold {
            out.push_str(" weight=\"bold\"");
        }
        if run.small {
            out.push_str(" size=\"75%\"");
        }
        out.push('>');
        for c in run.text.chars().take(left) {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                c if c.is_control() => out.push(' '),
                c => out.push(c),
            }
        }
        let cut = run.text.chars().nth(left).is_some();
        left = left.saturating_sub(run.text.chars().count());
        if cut {
            out.push('…');
        }
        out.push_str("</span>");
        if cut {
            break;
        }
    }
    out
}

/// First column of `sprite` in which there is something to see, and the one after the last.
fn ink(sprite: &Sprite) -> (usize, usize) {
    let rows = || sprite.argb.chunks(sprite.width.max(1));
    let seen = |p: &[u8; 4]| p[0] > 0;
    let first = rows().filter_map(|row| row.iter().position(seen)).min();
    let last = rows().filter_map(|row| row.iter().rposition(seen)).max();
    first.zip(last).map_or((0, 0), |(f, l)| (f, l + 1))
}

fn cropped(sprite: &Sprite, left: usize, right: usize) -> Sprite {
    let rows = sprite.argb.chunks(sprite.width.max(1));
    Sprite {
        width: right - left,
        height: sprite.height,
        argb: rows.flat_map(|row| &row[left..right]).copied().collect(),
    }
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
