//! What runs across the picture: the same for all.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use boothcast::media::overlay::canvas::{Canvas, Placed, Scene};
use boothcast::media::overlay::ink::Ink;
use boothcast::media::overlay::motion::{Motion, Path};
use boothcast::media::overlay::sprite::{Sprite, premultiplied};
use boothcast::media::overlay::text::{Letters, Run, Style};
use boothcast::media::raw::Pixel;

use super::run::Size;

const SECOND: u64 = 1_000_000_000;
/// As the box does by default: time to cross, letters in per cent of the height, how much of a comment is seen of 256.
const CROSSING: u64 = 8 * SECOND;
const LETTERS: u32 = 5;
const OPACITY: u16 = 230;
/// Comments that run at any time, in so many lanes.
const COMMENTS: usize = 20;
const LANES: usize = 10;

const SAID: [&str; 10] = [
    "first time here, hello everyone",
    "主播好,今天的衣服真好看",
    "does it come in blue?",
    "こんにちは、大阪から見ています",
    "😀😀😀",
    "Wie lange gilt das Angebot noch?",
    "안녕하세요 반갑습니다",
    "the sound is great today, thank you so much",
    "666666",
    "¿Hacen envíos a Canarias?",
];

/// A comment and its ways across the picture, one after the other.
pub struct Comment {
    pub sprite: Arc<Sprite>,
    ways: Vec<Motion>,
}

impl Comment {
    /// Where it is at `pts` ns.
    pub fn at(&self, pts: u64) -> Option<(i32, i32)> {
        let at = self.ways.iter().find_map(|way| way.at(pts))?;
        Some((at.x, at.y))
    }

    /// Its pixels as they are to be seen where nobody else makes them less opaque.
    pub fn faded(&self) -> Sprite {
        let mut sprite = (*self.sprite).clone();
        for value in sprite.argb.iter_mut().flatten() {
            *value = (u16::from(*value) * OPACITY / 256) as u8;
        }
        sprite
    }
}

/// All of it for one size of the picture.
pub struct Film {
    size: Size,
    pub comments: Vec<Comment>,
    /// What the clock says in turns.
    times: Vec<Arc<Sprite>>,
    logo: Arc<Sprite>,
}

impl Film {
    pub fn new(size: Size) -> Self {
        let mut letters = Letters::load(None, None).unwrap();
        let style = style(size);
        let said = (0..COMMENTS).map(|n| {
            let run = Run::new(SAID[n % SAID.len()], [255, 255, 255]);
            letters.line(&[run], &style, u32::MAX / 4)
        });
        let comments = said
            .collect::<Vec<_>>()
            .into_iter()
            .enumerate()
            .map(|(n, sprite)| comment(size, n, sprite))
            .collect();
        let times = (0..15).map(|s| {
            let run = Run::new(format!("2026-11-21 20:15:{s:02}"), [255, 255, 255]);
            letters.line(&[run], &Style::shadowed(style.px * 3 / 4), u32::MAX / 4)
        });
        Self {
            size,
            comments,
            times: times.collect(),
            logo: Arc::new(logo(size)),
        }
    }

    /// Letters in pixels of the picture that are not wholly clear.
    fn seen(&self) -> usize {
        let all = self.comments.iter().flat_map(|c| &c.sprite.argb);
        all.filter(|p| p[0] > 0).count()
    }
}

impl fmt::Display for Film {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let area: usize = self.comments.iter().map(|c| c.sprite.argb.len()).sum();
        let inks: usize = self.comments.iter().map(|c| ink(&c.sprite).bytes()).sum();
        write!(
            f,
            "{}: {COMMENTS} comments of {} px letters, {} pixels, {} % of them seen; {} KiB prepared",
            self.size.name(),
            style(self.size).px,
            area,
            self.seen() * 100 / area.max(1),
            inks / 1024
        )
    }
}

fn style(size: Size) -> Style {
    Style::outlined(size.height * LETTERS / 100)
}

fn ink(sprite: &Sprite) -> Ink {
    Ink::new(sprite, Pixel::I420)
}

/// Two comments in each lane, half a crossing apart; a new way begins when the last one ends.
fn comment(size: Size, n: usize, sprite: Arc<Sprite>) -> Comment {
    let phase = CROSSING / 2 * (n / LANES) as u64 + CROSSING / 23 * (n % LANES) as u64;
    let lane = (size.height as usize - size.height as usize / 8) / LANES;
    let width = f64::from(size.width);
    let speed = -(width + sprite.width as f64) / (CROSSING as f64 / 1e9);
    let ways = (0..4).filter_map(|pass| {
        // The first way began before the film.
        let begin = (phase + pass * CROSSING).saturating_sub(CROSSING);
        let missed = if pass == 0 { CROSSING - phase } else { 0 };
        let end = phase + pass * CROSSING;
        (end > begin).then_some(Motion {
            end: Some(end),
            path: Path::Steady {
                x: width + speed * (missed as f64 / 1e9),
                y: (n % LANES * lane) as i32,
                speed,
            },
            opacity: OPACITY,
            ..Motion::still(begin, 0, 0)
        })
    });
    Comment {
        ways: ways.collect(),
        sprite,
    }
}

/// A disc with a soft edge and a ring, an eighth of the height.
fn logo(size: Size) -> Sprite {
    let wide = (size.height / 8) as usize;
    let mut sprite = Sprite::clear(wide, wide);
    let middle = wide as f64 / 2.0;
    for (i, pixel) in sprite.argb.iter_mut().enumerate() {
        let (x, y) = ((i % wide) as f64 - middle, (i / wide) as f64 - middle);
        let inside = (middle - 1.0 - x.hypot(y)).clamp(0.0, 1.0);
        let rgb = if x.hypot(y) > middle * 0.8 {
            [255, 255, 255]
        } else {
            [220, 30, 60]
        };
        *pixel = premultiplied((inside * 255.0) as u8, rgb);
    }
    sprite
}

/// The scene, of which the clock is prepared anew each second, as on the box.
pub struct Clock {
    canvas: Canvas,
    format: boothcast::media::raw::RawFormat,
    times: Vec<Arc<Sprite>>,
    rest: Vec<Placed>,
    second: Option<u64>,
}

impl Clock {
    pub fn new(film: &Film, canvas: Canvas) -> Self {
        let (wide, tall) = (film.size.width as i32, film.size.height as i32);
        let logo = film.logo.clone();
        let mut rest = vec![Placed {
            ink: Arc::new(ink(&logo)),
            motion: Motion::still(0, wide - logo.width as i32 - wide / 20, tall / 20),
            clip: None,
        }];
        for comment in &film.comments {
            let ink = Arc::new(ink(&comment.sprite));
            rest.extend(comment.ways.iter().map(|way| Placed {
                ink: ink.clone(),
                motion: *way,
                clip: None,
            }));
        }
        Self {
            canvas,
            format: film.size.format(),
            times: film.times.clone(),
            rest,
            second: None,
        }
    }

    /// Another second: another scene.
    pub fn tick(&mut self, pts: u64) {
        let second = pts / SECOND;
        if self.second == Some(second) {
            return;
        }
        self.second = Some(second);
        let mut placed = self.rest.clone();
        let says = &self.times[second as usize % self.times.len()];
        placed.push(Placed {
            ink: Arc::new(ink(says)),
            motion: Motion::still(0, 60, self.format.height as i32 - 120),
            clip: None,
        });
        self.canvas.set(Scene {
            format: self.format,
            placed,
        });
    }
}

/// What is done once for a comment, before it is seen for the first time; on another thread than the video's.
pub fn cost_of_a_comment() {
    for size in [Size::HD, Size::FULL_HD] {
        let mut letters = Letters::load(None, None).unwrap();
        let run = |n: usize| [Run::new(format!("{} {n}", SAID[n % SAID.len()]), [255; 3])];
        // Fonts are found and read for the first ones.
        let count = SAID.len();
        (0..count).for_each(|n| drop(letters.line(&run(n), &style(size), u32::MAX / 4)));
        let begun = Instant::now();
        let made: Vec<_> = (count..3 * count)
            .map(|n| letters.line(&run(n), &style(size), u32::MAX / 4))
            .collect();
        let written = begun.elapsed().as_secs_f64() / made.len() as f64;
        let begun = Instant::now();
        made.iter().for_each(|s| drop(std::hint::black_box(ink(s))));
        let inked = begun.elapsed().as_secs_f64() / made.len() as f64;
        println!(
            "{}: a comment takes {:.2} ms for its letters and {:.2} ms to be prepared, once.",
            size.name(),
            written * 1e3,
            inked * 1e3
        );
    }
}
