//! What a screen at the box shows: name, state, addresses, destinations, how to set it up, a QR code. Pure but for the fonts.
//!
//! ```text
//!   wide                                   tall
//!   ┌──────────────────────────────┐       ┌───────────────┐
//!   │ name                 version │       │ name          │
//!   │ ▌ state                      │       │ ▌ state       │
//!   │ lines               ┌──────┐ │       │ lines         │
//!   │ lines               │ code │ │       │   ┌──────┐    │
//!   │ lines               └──────┘ │       │   │ code │    │
//!   └──────────────────────────────┘       └───┴──────┴────┘
//! ```
//!
//! Lines are as large as they fit, down to 42 thousandths of the shorter side, so that they are read from 3 m on a screen of 24
//! inches. What does not fit even so is left out, the least needed first.

mod lines;

use std::sync::Arc;

use super::cards::Page;
use super::kit;
use super::sprite::Sprite;
use super::text::{Letters, Run, Style};
use crate::config::Secret;
use crate::device::health::Severity;
use crate::device::led::LedPattern;
use lines::{Line, Tone};

const GROUND: [u8; 3] = [14, 17, 24];
const PANEL: [u8; 3] = [32, 38, 50];
const WHITE: [u8; 3] = [255; 3];
const GREY: [u8; 3] = [184, 192, 204];
const GREEN: [u8; 3] = [88, 205, 130];
const RED: [u8; 3] = [255, 96, 84];

/// Sizes of lines, thousandths of the shorter side; the first at which all find room is taken.
const BODY: [u32; 4] = [66, 57, 49, 42];
/// Between groups of lines, thousandths of the shorter side.
const GAP: u32 = 16;

/// Sizes of the picture at least, pixels: less is drawn as if it were that.
const LEAST: u32 = 64;
/// And at most.
const MOST: u32 = 8192;

/// What it says. Two that are equal look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPage {
    /// Name of the box.
    pub name: String,
    /// The state in one sentence.
    pub sentence: String,
    /// How bad it is.
    pub severity: Severity,
    /// What the light does.
    pub light: LedPattern,
    /// Where the box is found, the best first: names and addresses.
    pub addresses: Vec<String>,
    /// Destinations that are switched on.
    pub destinations: Vec<Destination>,
    /// Version of the program.
    pub version: String,
    /// The last word on set-up.
    pub note: Option<String>,
    /// How it is set up, while that is open.
    pub setup: Option<SetUp>,
    /// The box's own Wi-Fi network, while it is open.
    pub access_point: Option<AccessPoint>,
    /// The page of the box, while there is one: `http://192.168.1.20/`.
    pub page: Option<String>,
}

/// Where the stream goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// It takes the stream.
    pub live: bool,
}

/// How the box is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUp {
    /// Codes shown to the camera are taken.
    pub camera: bool,
    /// Minutes until it closes, where it does.
    pub closes_in_min: Option<u64>,
}

/// The box's own Wi-Fi network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessPoint {
    /// Its name.
    pub ssid: String,
    /// Its password.
    pub password: Option<Secret>,
    /// What a phone reads from a QR code to join it.
    pub code: Secret,
}

/// Draws the page, `width` by `height` pixels (64 to 8192), with nothing to shine through. An empty sprite where there is no
/// room for such a picture.
#[must_use]
pub fn draw(page: &StatusPage, width: u32, height: u32, letters: &mut Letters) -> Sprite {
    let size = Page::new(width.clamp(LEAST, MOST), height.clamp(LEAST, MOST));
    let mut sheet = Sheet {
        sprite: Sprite::filled(px(size.width), px(size.height), 255, GROUND),
        size,
        letters,
    };
    let edge = size.part(45);
    let top = sheet.head(page, edge);
    let top = sheet.state(page, edge, top) + size.part(30);
    let code = sheet.code(page);
    if size.width >= size.height {
        sheet.beside(page, edge, top, code.as_ref());
    } else {
        sheet.below(page, edge, top, code.as_ref());
    }
    sheet.sprite
}

/// A QR code with the line below it.
struct Code {
    sprite: Sprite,
    caption: Arc<Sprite>,
}

impl Code {
    fn width(&self) -> u32 {
        pixels(self.sprite.width.max(self.caption.width))
    }

    fn height(&self) -> u32 {
        pixels(self.sprite.height + self.caption.height)
    }
}

/// The picture while it is drawn.
struct Sheet<'a> {
    sprite: Sprite,
    size: Page,
    letters: &'a mut Letters,
}

impl Sheet<'_> {
    /// Name and version; returns the row below.
    fn head(&mut self, page: &StatusPage, edge: u32) -> u32 {
        let wide = self.size.width - 2 * edge;
        let small = Style::plain(self.size.part(32));
        let version = Run::new(format!("Boothcast {}", page.version), GREY);
        let version = self.letters.line(&[version], &small, wide / 3);
        let style = Style::plain(self.size.part(85));
        let room = wide.saturating_sub(pixels(version.width) + edge);
        let name = Run::new(page.name.as_str(), WHITE).bold();
        let name = self.letters.line(&[name], &style, room);
        let top = edge / 2;
        self.put(&name, edge.saturating_sub(style.margin()), top);
        let down = style.baseline().saturating_sub(small.baseline());
        let right = (edge + wide + small.margin()).saturating_sub(pixels(version.width));
        self.put(&version, right, top + down);
        top + style.line_height()
    }

    /// The sentence in a box with a bar that says how bad it is; returns the row below.
    fn state(&mut self, page: &StatusPage, edge: u32, top: u32) -> u32 {
        let style = Style::plain(self.size.part(58));
        let (wide, bar, pad) = (
            self.size.width - 2 * edge,
            self.size.part(16),
            self.size.part(28),
        );
        let room = wide.saturating_sub(bar + 2 * pad) + 2 * style.margin();
        let most = if self.size.width >= self.size.height {
            3
        } else {
            6
        };
        let text = [Run::new(page.sentence.as_str(), WHITE)];
        let text = self.letters.block(&text, &style, room, most);
        let tall = pixels(text.height) + pad;
        let mut panel = Sprite::filled(px(wide), px(tall), 255, PANEL);
        let colour = Sprite::filled(px(bar), px(tall), 255, of_severity(page.severity));
        panel.lay(&colour, 0, 0);
        kit::rounded_corners(&mut panel, px(self.size.part(14)));
        self.put(&panel, edge, top);
        let left = (edge + bar + pad).saturating_sub(style.margin());
        self.put(&text, left, top + pad / 2);
        top + tall
    }

    /// The QR code, as large as is useful here.
    fn code(&mut self, page: &StatusPage) -> Option<Code> {
        let (text, caption) = match (&page.access_point, &page.page) {
            (Some(own), _) => (
                own.code.expose().to_owned(),
                "Join the box's Wi-Fi".to_owned(),
            ),
            (None, Some(url)) => (url.clone(), "Open the box's page".to_owned()),
            (None, None) => return None,
        };
        // Read from as far away as may be, but lines need room beside it.
        let roomy =
            2 * self.size.width >= 3 * self.size.height || self.size.width < self.size.height;
        let side = self.size.part(if roomy { 470 } else { 380 });
        let sprite = kit::qr(&text, px(side)).ok()?;
        let style = Style::plain(self.size.part(38));
        let caption = Run::new(caption, GREY);
        let caption = self.letters.line(&[caption], &style, self.size.part(440));
        Some(Code { sprite, caption })
    }

    /// Lines at the left, the code at the right.
    fn beside(&mut self, page: &StatusPage, edge: u32, top: u32, code: Option<&Code>) {
        let right = self.size.width - edge;
        let left_of_code = code.map_or(right, |c| right.saturating_sub(c.width()));
        if let Some(code) = code {
            let free = (self.size.height - edge / 2).saturating_sub(top);
            let y = top + free.saturating_sub(code.height()) / 2;
            self.put_code(code, left_of_code, y);
        }
        let room = left_of_code.saturating_sub(edge + self.size.part(30));
        self.lines(page, edge, top, (room, self.size.height - edge / 2));
    }

    /// Lines, and the code below them.
    fn below(&mut self, page: &StatusPage, edge: u32, top: u32, code: Option<&Code>) {
        let bottom = self.size.height - edge;
        let above = code.map_or(bottom, |c| bottom.saturating_sub(c.height()));
        if let Some(code) = code {
            let x = (self.size.width.saturating_sub(code.width())) / 2;
            self.put_code(code, x, above);
        }
        self.lines(page, edge, top, (self.size.width - 2 * edge, above));
    }

    fn put_code(&mut self, code: &Code, x: u32, y: u32) {
        let middle = |inner: usize| (code.width().saturating_sub(pixels(inner))) / 2;
        self.put(&code.sprite, x + middle(code.sprite.width), y);
        let down = y + pixels(code.sprite.height);
        self.put(&code.caption, x + middle(code.caption.width), down);
    }

    /// What there is to say, from `top` on, `room` pixels wide and down to a row: as large as it fits, and where it does not, what is
    /// most needed.
    fn lines(&mut self, page: &StatusPage, edge: u32, top: u32, (room, bottom): (u32, u32)) {
        let tall = bottom.saturating_sub(top);
        let all = lines::of(page);
        let mut drawn = Vec::new();
        for per_mille in BODY {
            let style = Style::plain(self.size.part(per_mille));
            drawn = self.fitting(&all, &style, room, tall);
            if drawn.len() == all.len() {
                break;
            }
        }
        let gap = self.size.part(GAP);
        let (mut y, mut before) = (top, None);
        for (line, style, sprite) in drawn {
            if before.is_some_and(|group| group != line.group) {
                y += gap;
            }
            before = Some(line.group);
            self.put(&sprite, edge.saturating_sub(style.margin()), y);
            y += pixels(sprite.height);
        }
    }

    /// Those lines that find room, the most needed first; in their order.
    fn fitting<'l>(
        &mut self,
        all: &'l [Line],
        style: &Style,
        room: u32,
        tall: u32,
    ) -> Vec<(&'l Line, Style, Arc<Sprite>)> {
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by_key(|n| (all[*n].spare, *n));
        let mut taken: Vec<(usize, Arc<Sprite>)> = Vec::new();
        let mut left = tall;
        for n in order {
            let line = &all[n];
            let runs = [Run::new(line.text.as_str(), of_tone(line.tone))];
            let sprite = self
                .letters
                .block(&runs, style, room + 2 * style.margin(), 3);
            let first = taken.iter().all(|(t, _)| all[*t].group != line.group);
            let gap = if first && !taken.is_empty() {
                self.size.part(GAP)
            } else {
                0
            };
            let cost = pixels(sprite.height) + gap;
            if cost <= left {
                left -= cost;
                taken.push((n, sprite));
            }
        }
        taken.sort_by_key(|(n, _)| *n);
        taken
            .into_iter()
            .map(|(n, sprite)| (&all[n], *style, sprite))
            .collect()
    }

    fn put(&mut self, sprite: &Sprite, x: u32, y: u32) {
        self.sprite.lay(sprite, px(x), px(y));
    }
}

fn of_severity(severity: Severity) -> [u8; 3] {
    match severity {
        Severity::Ok => GREEN,
        Severity::Notice => [86, 170, 245],
        Severity::Warning => [255, 190, 60],
        Severity::Problem => RED,
    }
}

fn of_tone(tone: Tone) -> [u8; 3] {
    match tone {
        Tone::Plain => WHITE,
        Tone::Faint => GREY,
        Tone::Live => RED,
        Tone::Told => [255, 205, 86],
    }
}

fn px(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn pixels(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
