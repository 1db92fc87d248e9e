//! What stands in a plain dark box: clock, status, banner, lower third, countdown, and the bar of the ticker.

use std::sync::Arc;

use super::Content;
use crate::media::overlay::kit;
use crate::media::overlay::sprite::Sprite;
use crate::media::overlay::text::{Letters, Run, Style};

/// As the panel of cards.
const BOX: [u8; 3] = [14, 17, 24];
const BOX_ALPHA: u8 = 205;
const WHITE: [u8; 3] = [255; 3];
const GREY: [u8; 3] = [204, 211, 220];
const ACCENT: [u8; 3] = [255, 176, 46];
const LIVE: [u8; 3] = [255, 69, 58];
const IDLE: [u8; 3] = [142, 150, 160];

/// The box of `content` with letters of about `px` pixels. It may be larger than `limit`: then it is asked for with smaller ones.
pub(super) fn board(
    content: &Content,
    letters: &mut Letters,
    px: u32,
    limit: (u32, u32),
) -> Sprite {
    let plain = |text: &str| Run::new(text, WHITE);
    match content {
        Content::Clock(text) => {
            let line = line(letters, &[plain(text).bold()], px, limit.0, px);
            // Digits differ in width: a clock whose box changes every second would draw all eyes.
            panel(&[line], px, None, Width::Steps)
        }
        Content::Status { live, text } => {
            let dot = Run::new("● ", if *live { LIVE } else { IDLE });
            let px = px * 4 / 5;
            let line = line(letters, &[dot, plain(text)], px, limit.0, px);
            panel(&[line], px, None, Width::Own)
        }
        Content::Banner(text) => {
            let large = px * 6 / 5;
            let line = line(letters, &[plain(text).bold()], large, limit.0, px);
            panel(&[line], px, None, Width::Own)
        }
        Content::LowerThird(third) => {
            let name = line(
                letters,
                &[plain(&third.name).bold()],
                px * 7 / 5,
                limit.0,
                px,
            );
            let mut lines = vec![name];
            if let Some(text) = third.line.as_deref().filter(|t| !t.is_empty()) {
                lines.push(line(
                    letters,
                    &[Run::new(text, GREY)],
                    px * 9 / 10,
                    limit.0,
                    px,
                ));
            }
            panel(&lines, px, Some(ACCENT), Width::Own)
        }
        Content::Countdown { title, left } => {
            let mut lines = Vec::new();
            if let Some(text) = title.as_deref().filter(|t| !t.is_empty()) {
                lines.push(line(
                    letters,
                    &[Run::new(text, GREY)],
                    px * 11 / 10,
                    limit.0,
                    px,
                ));
            }
            lines.push(line(letters, &[plain(left).bold()], px * 3, limit.0, px));
            panel(&lines, px, None, Width::Centred)
        }
        Content::Ticker(_) => {
            let tall = Style::plain(px).line_height();
            kit::rounded(
                limit.0 as usize,
                tall as usize,
                (px * 2 / 5) as usize,
                BOX_ALPHA,
                BOX,
            )
        }
        Content::Logo(_) | Content::Poll(_) | Content::Product(_) | Content::Alert(..) => {
            Sprite::clear(0, 0)
        }
    }
}

/// A line with its margin, and how tall it shall be.
struct Line {
    sprite: Arc<Sprite>,
    margin: usize,
}

/// A line of letters of `px` pixels in a box with the padding of `pad`.
fn line(letters: &mut Letters, runs: &[Run], px: u32, room: u32, pad: u32) -> Line {
    let style = Style::plain(px);
    let inner = room.saturating_sub(padding(pad) * 2 + bar(pad) + 2);
    Line {
        sprite: letters.line(runs, &style, inner.max(1)),
        margin: style.margin() as usize,
    }
}

fn padding(px: u32) -> u32 {
    (px / 2).max(2)
}

fn bar(px: u32) -> u32 {
    (px / 5).max(2)
}

/// How wide a box is, and where lines stand in it that are not as wide.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Width {
    /// Its widest line; lines at the left.
    Own,
    /// Its widest line; lines in the middle.
    Centred,
    /// In steps of an em; lines in the middle.
    Steps,
}

/// Lines one below the other in a box, with a coloured bar at its left side.
fn panel(lines: &[Line], px: u32, accent: Option<[u8; 3]>, width: Width) -> Sprite {
    let pad = padding(px) as usize;
    let side = accent.map_or(0, |_| bar(px) as usize);
    let inner = |l: &Line| l.sprite.width.saturating_sub(2 * l.margin);
    let wide = lines.iter().map(inner).max().unwrap_or_default();
    let tall: usize = lines.iter().map(|l| l.sprite.height).sum();
    if wide == 0 {
        return Sprite::clear(0, 0);
    }
    let wide = match width {
        Width::Steps => wide.next_multiple_of(px.max(1) as usize),
        Width::Own | Width::Centred => wide,
    };
    // A line of letters has room of its own above and below.
    let edge = pad / 4;
    let (whole, height) = (side + wide + 2 * pad, tall + 2 * edge);
    let mut sprite = Sprite::filled(whole, height, BOX_ALPHA, BOX);
    if let Some(rgb) = accent {
        sprite.lay(&Sprite::filled(side, height, 255, rgb), 0, 0);
    }
    kit::rounded_corners(&mut sprite, (px * 2 / 5) as usize);
    let mut y = edge;
    for line in lines {
        let spare = match width {
            Width::Own => 0,
            Width::Centred | Width::Steps => (wide - inner(line)) / 2,
        };
        let x = (side + pad + spare).saturating_sub(line.margin);
        sprite.lay(&line.sprite, x, y);
        y += line.sprite.height;
    }
    sprite
}
