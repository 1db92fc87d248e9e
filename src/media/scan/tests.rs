//! Codes as a camera sees them: small, turned, mirrored, in perspective, pale, blurred, in noise.

use std::sync::mpsc::{Receiver, channel};

use qrcodegen::{QrCode, QrCodeEcc};

use super::*;
use crate::media::raw::Pixel;

const WIFI: &str = "WIFI:T:WPA;S:Shop;P:correct horse;;";
const BOX: &str = "BOOTHCAST:V:1;N:Hall 2;U:rtmps://live.example.com/app;K:live_123456_abcdefghijkl;F:shops;C:0123456789abcdef;;";

/// How a code stands before the camera.
#[derive(Debug, Clone, Copy)]
struct Shot {
    width: u32,
    height: u32,
    /// Side of a module in pixels, before the perspective.
    module: f64,
    /// Turned by so many degrees.
    turn: f64,
    /// The far edge is so much shorter than the near one, 0 to 1.
    lean: f64,
    mirrored: bool,
    /// Levels of dark and light.
    levels: (f64, f64),
    /// Radius of the blur in pixels, applied twice.
    blur: usize,
    /// Standard deviation of the noise, per cent of 255.
    noise: f64,
}

const PLAIN: Shot = Shot {
    width: 1280,
    height: 720,
    module: 6.0,
    turn: 0.0,
    lean: 0.0,
    mirrored: false,
    levels: (30.0, 220.0),
    blur: 0,
    noise: 0.0,
};

fn code(text: &str) -> QrCode {
    QrCode::encode_text(text, QrCodeEcc::Medium).unwrap()
}

/// Reproducible noise: a linear congruential generator, four of them summed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        let mut sum = 0.0;
        for _ in 0..4 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            sum += f64::from(u32::try_from(self.0 >> 33).unwrap()) / f64::from(1_u32 << 31) - 0.5;
        }
        // Four uniform numbers of variance 1/12 each.
        sum * 3.0_f64.sqrt()
    }
}

/// A room that is not uniform.
fn room(x: f64, y: f64) -> f64 {
    80.0 + (x.abs() + y.abs()) / 16.0 % 60.0
}

impl Shot {
    fn of(self, code: &QrCode) -> Luma {
        let side = f64::from(code.size()) * self.module;
        let (sin, cos) = self.turn.to_radians().sin_cos();
        let ray = |x: f64, y: f64| self.ray(code, (x, y), side, (sin, cos));
        let (half_width, half_height) = (f64::from(self.width) / 2.0, f64::from(self.height) / 2.0);
        // Turned or leaning, with its quiet zone: no farther out than this.
        let reach = (side + 8.0 * self.module) * 1.2;
        let mut data: Vec<f64> = Vec::new();
        for row in 0..self.height {
            let y = f64::from(row) - half_height;
            for column in 0..self.width {
                let x = f64::from(column) - half_width;
                data.push(if x.abs().max(y.abs()) > reach {
                    room(x, y)
                } else {
                    (ray(x, y) + ray(x + 0.5, y) + ray(x, y + 0.5) + ray(x + 0.5, y + 0.5)) / 4.0
                });
            }
        }
        for _ in 0..2 {
            self.smear(&mut data);
        }
        if self.noise > 0.0 {
            let mut noise = Noise(7);
            for v in &mut data {
                *v += noise.next() * self.noise * 2.55;
            }
        }
        let plane: Vec<u8> = data.iter().map(|v| v.clamp(0.0, 255.0) as u8).collect();
        let size = (self.width, self.height);
        Luma::copied(&plane, self.width as usize, size, Vec::new()).unwrap()
    }

    /// What a ray through this place of the picture meets.
    fn ray(&self, code: &QrCode, (x, y): (f64, f64), side: f64, (sin, cos): (f64, f64)) -> f64 {
        // The plane of the code leans back: what is higher is farther.
        let depth = 1.0 - self.lean * y / side;
        let (x, y) = (x / depth, y / depth);
        let (mut u, v) = (x * cos + y * sin, y * cos - x * sin);
        if self.mirrored {
            u = -u;
        }
        let half = f64::from(code.size()) / 2.0;
        let (u, v) = (u / self.module + half, v / self.module + half);
        let quiet = -4.0..f64::from(code.size()) + 4.0;
        if !quiet.contains(&u) || !quiet.contains(&v) {
            return room(x, y);
        }
        let dark = code.get_module(u.floor() as i32, v.floor() as i32);
        if dark { self.levels.0 } else { self.levels.1 }
    }

    fn smear(&self, data: &mut [f64]) {
        if self.blur == 0 {
            return;
        }
        let (w, h, r) = (self.width as usize, self.height as usize, self.blur);
        for (count, stride, lines, step) in [(w, 1, h, w), (h, w, w, 1)] {
            for line in 0..lines {
                let at = |n: usize| line * step + n * stride;
                let old: Vec<f64> = (0..count).map(|n| data[at(n)]).collect();
                for n in 0..count {
                    let near = &old[n.saturating_sub(r)..(n + r + 1).min(count)];
                    data[at(n)] = near.iter().sum::<f64>() / near.len() as f64;
                }
            }
        }
    }

    /// Whether the code is read, by one of the two looks that the scanner takes in turn.
    fn reads(self, text: &str) -> bool {
        let picture = self.of(&code(text));
        (1..=2).any(|turn| look_at(Picture::Raw(picture.clone()), turn).0 == seen(text))
    }
}

fn seen(text: &str) -> Option<SetupEvent> {
    Some(SetupEvent::Seen {
        way: Way::Camera,
        code: text.parse().unwrap(),
    })
}

fn all_read(shots: &[Shot]) {
    for (n, shot) in shots.iter().enumerate() {
        let text = [BOX, WIFI][n % 2];
        assert!(shot.reads(text), "{shot:?}: {text}");
    }
}

#[test]
fn codes_are_read_however_they_are_turned() {
    let turns = [0.0, 90.0, 180.0, 270.0, 33.0, 7.0];
    all_read(&turns.map(|turn| Shot { turn, ..PLAIN }));
}

#[test]
fn codes_are_read_mirrored_and_leaning() {
    all_read(&[
        Shot {
            mirrored: true,
            ..PLAIN
        },
        Shot {
            mirrored: true,
            turn: 100.0,
            ..PLAIN
        },
        Shot {
            lean: 0.25,
            ..PLAIN
        },
        Shot {
            lean: 0.2,
            turn: 20.0,
            ..PLAIN
        },
    ]);
}

#[test]
fn codes_are_read_near_and_far() {
    all_read(&[
        Shot {
            module: 10.0,
            ..PLAIN
        },
        Shot {
            module: 3.5,
            noise: 2.0,
            turn: 7.0,
            ..PLAIN
        },
        Shot {
            module: 3.5,
            noise: 2.0,
            ..PLAIN
        },
        Shot {
            width: 640,
            height: 480,
            module: 3.5,
            noise: 2.0,
            ..PLAIN
        },
        Shot {
            width: 1920,
            height: 1080,
            module: 3.5,
            noise: 2.0,
            ..PLAIN
        },
        Shot {
            width: 1920,
            height: 1080,
            module: 14.0,
            ..PLAIN
        },
    ]);
}

#[test]
fn codes_are_read_in_a_bad_picture() {
    all_read(&[
        // Pale, as on a dim phone in a bright room.
        Shot {
            levels: (90.0, 130.0),
            ..PLAIN
        },
        Shot {
            levels: (40.0, 100.0),
            ..PLAIN
        },
        Shot { blur: 1, ..PLAIN },
        Shot {
            noise: 10.0,
            ..PLAIN
        },
        Shot {
            noise: 10.0,
            module: 8.0,
            turn: 12.0,
            ..PLAIN
        },
        Shot {
            noise: 4.0,
            blur: 1,
            levels: (60.0, 170.0),
            lean: 0.1,
            ..PLAIN
        },
    ]);
}

#[test]
#[ignore = "measures the figures of docs/set-up.md; takes minutes"]
fn the_smallest_code_that_is_read() {
    for (width, height) in [(640, 480), (1280, 720), (1920, 1080)] {
        for text in [WIFI, BOX] {
            let size = code(text).size();
            let reads = |tenths: u32, turn: f64| {
                let module = f64::from(tenths) / 10.0;
                Shot {
                    width,
                    height,
                    module,
                    noise: 2.0,
                    turn,
                    ..PLAIN
                }
                .reads(text)
            };
            // Straight and turned a little, this size and every larger one of the row.
            let least = [40, 30, 25, 22, 20, 18, 16, 14]
                .into_iter()
                .take_while(|t| reads(*t, 0.0) && reads(*t, 7.0))
                .last();
            let least = least.unwrap();
            let share = f64::from(least) * f64::from(size) / f64::from(height) * 10.0;
            println!(
                "{width}x{height}, {size} modules: {least} tenths of a pixel, {share:.0} % of the height"
            );
        }
    }
}

#[test]
fn a_room_without_a_code_says_nothing() {
    let empty = Shot {
        module: 0.001,
        noise: 10.0,
        ..PLAIN
    }
    .of(&code(WIFI));
    for turn in 1..=2 {
        assert_eq!(look_at(Picture::Raw(empty.clone()), turn).0, None);
    }
}

#[test]
fn the_code_of_ours_counts_among_others() {
    let said = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
        verdict(&texts)
    };
    assert_eq!(said(&[]), None);
    assert_eq!(said(&["https://shop.example", BOX, "WIFI:;;"]), seen(BOX));
    let reason = |event| match event {
        Some(SetupEvent::Unreadable { reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        reason(said(&["https://shop.example"])),
        crate::config::code::NOT_OURS
    );
    let broken = reason(said(&["https://a.example", "WIFI:;;", "https://b.example"]));
    assert!(broken.contains("names no network"), "{broken}");
}

/// A sheet of finder patterns, which suggest a code everywhere: what the library does with it grows with the square of their
/// number, so it is not given to it.
#[test]
fn a_sheet_of_corners_is_left_alone() {
    let corner = |x: i32, y: i32| {
        let ring = (x - 3).abs().max((y - 3).abs());
        (0..7).contains(&x) && (0..7).contains(&y) && ring != 2
    };
    let plane: Vec<u8> = (0..720 * 1280)
        .map(|n| {
            let (x, y) = (n % 1280 / 5 % 10, n / 1280 / 5 % 10);
            if corner(x, y) { 20 } else { 230 }
        })
        .collect();
    let luma = Luma::copied(&plane, 1280, (1280, 720), Vec::new()).unwrap();
    assert!(corners::too_many(&luma));
    assert!(read::texts(&luma).is_empty());
}

#[test]
fn neither_codes_nor_noise_are_taken_for_such_a_sheet() {
    for shot in [
        PLAIN,
        Shot {
            noise: 20.0,
            ..PLAIN
        },
        Shot {
            turn: 45.0,
            module: 10.0,
            ..PLAIN
        },
        Shot {
            module: 0.001,
            noise: 20.0,
            ..PLAIN
        },
    ] {
        assert!(!corners::too_many(&shot.of(&code(BOX))), "{shot:?}");
    }
}

const RAW: RawFormat = RawFormat {
    pixel: Pixel::I420,
    width: 640,
    height: 480,
    fps: 30,
};

#[path = "tests_scanner.rs"]
mod scanner;
