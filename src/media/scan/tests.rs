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

impl Shot {
    fn of(self, code: &QrCode) -> Luma {
        let mut data: Vec<f64> = Vec::new();
        for y in 0..self.height {
            for x in 0..self.width {
                // Nine rays for each pixel.
                let mut sum = 0.0;
                for (dx, dy) in (0..9).map(|n| (f64::from(n % 3), f64::from(n / 3))) {
                    sum += self.ray(code, f64::from(x) + dx / 3.0, f64::from(y) + dy / 3.0);
                }
                data.push(sum / 9.0);
            }
        }
        for _ in 0..2 {
            self.smear(&mut data);
        }
        let mut noise = Noise(7);
        let plane: Vec<u8> = data
            .iter()
            .map(|v| (v + noise.next() * self.noise * 2.55).clamp(0.0, 255.0) as u8)
            .collect();
        Luma::copied(
            &plane,
            self.width as usize,
            (self.width, self.height),
            Vec::new(),
        )
        .unwrap()
    }

    /// What a ray through this place of the picture meets.
    fn ray(&self, code: &QrCode, x: f64, y: f64) -> f64 {
        let (x, y) = (
            x - f64::from(self.width) / 2.0,
            y - f64::from(self.height) / 2.0,
        );
        let side = f64::from(code.size()) * self.module;
        // The plane of the code leans back: what is higher is farther.
        let depth = 1.0 - self.lean * y / side;
        let (x, y) = (x / depth, y / depth);
        let (sin, cos) = self.turn.to_radians().sin_cos();
        let (mut u, v) = (x * cos + y * sin, y * cos - x * sin);
        if self.mirrored {
            u = -u;
        }
        let half = f64::from(code.size()) / 2.0;
        let (u, v) = (u / self.module + half, v / self.module + half);
        let quiet = -4.0..f64::from(code.size()) + 4.0;
        if !quiet.contains(&u) || !quiet.contains(&v) {
            // A room that is not uniform.
            return 110.0 + 20.0 * (x / 90.0).sin() + 15.0 * (y / 70.0).cos();
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

#[test]
fn codes_are_read_however_they_are_held() {
    for shot in [
        PLAIN,
        Shot {
            turn: 90.0,
            ..PLAIN
        },
        Shot {
            turn: 180.0,
            ..PLAIN
        },
        Shot {
            turn: 270.0,
            ..PLAIN
        },
        Shot {
            turn: 33.0,
            ..PLAIN
        },
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
        Shot {
            module: 3.0,
            ..PLAIN
        },
        Shot {
            module: 9.0,
            ..PLAIN
        },
        Shot {
            width: 1920,
            height: 1080,
            module: 5.0,
            ..PLAIN
        },
        Shot {
            width: 640,
            height: 480,
            module: 4.0,
            ..PLAIN
        },
    ] {
        for text in [WIFI, BOX] {
            assert!(shot.reads(text), "{shot:?}: {text}");
        }
    }
}

#[test]
fn codes_are_read_in_a_bad_picture() {
    for shot in [
        // Pale, as on a dim phone in a bright room.
        Shot {
            levels: (90.0, 130.0),
            ..PLAIN
        },
        Shot {
            levels: (10.0, 50.0),
            ..PLAIN
        },
        Shot { blur: 2, ..PLAIN },
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
    ] {
        for text in [WIFI, BOX] {
            assert!(shot.reads(text), "{shot:?}: {text}");
        }
    }
}

/// The figures of `docs/set-up.md`: print them with `--no-capture`.
#[test]
fn modules_of_two_and_a_half_pixels_are_enough() {
    for (width, height) in [(640, 480), (1280, 720), (1920, 1080)] {
        for text in [WIFI, BOX] {
            let size = code(text).size();
            let reads = |tenths: u32, turn: f64| {
                Shot {
                    width,
                    height,
                    module: f64::from(tenths) / 10.0,
                    noise: 2.0,
                    turn,
                    ..PLAIN
                }
                .reads(text)
            };
            // Straight and turned a little, this size and every larger one of the row.
            let least = (12..=40)
                .rev()
                .step_by(2)
                .take_while(|t| reads(*t, 0.0) && reads(*t, 7.0))
                .last();
            let share = |t: u32| f64::from(t) / 10.0 * f64::from(size) / f64::from(height) * 100.0;
            println!(
                "{width}x{height}, {size} modules: {least:?} tenths of a pixel, {:?} % of the height",
                least.map(share)
            );
            assert!(
                least.is_some_and(|t| t <= 25),
                "{width}x{height} {size}: {least:?}"
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

/// A sheet of finder patterns, which suggest a code everywhere: the costliest picture that we know of.
#[test]
fn a_sheet_of_corners_does_not_take_for_ever() {
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
    let begun = Instant::now();
    let (event, _) = look_at(Picture::Raw(luma), 2);
    println!("a sheet of corners took {:?}", begun.elapsed());
    assert_eq!(event, None);
    assert!(
        begun.elapsed() < Duration::from_secs(60),
        "{:?}",
        begun.elapsed()
    );
}

const RAW: RawFormat = RawFormat {
    pixel: Pixel::I420,
    width: 640,
    height: 480,
    fps: 30,
};

fn frame(luma: &Luma) -> gst::Buffer {
    let mut bytes = vec![128; 640 * 480 * 3 / 2];
    for (n, byte) in bytes.iter_mut().take(640 * 480).enumerate() {
        *byte = luma.at(n % 640, n / 640);
    }
    gst::Buffer::from_slice(bytes)
}

fn scanner() -> (Scanner, Receiver<SetupEvent>) {
    crate::media::init().unwrap();
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let scanner = Scanner::start(Arc::new(move |event| drop(lock(&tell).send(event)))).unwrap();
    (scanner, told)
}

fn shown() -> gst::Buffer {
    frame(
        &Shot {
            width: 640,
            height: 480,
            module: 5.0,
            ..PLAIN
        }
        .of(&code(WIFI)),
    )
}

/// Offers the frame until something is said, as a camera does.
fn offer(
    eye: &Eye,
    frame: &gst::Buffer,
    told: &Receiver<SetupEvent>,
    limit: Duration,
) -> Option<SetupEvent> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        eye.look(frame, RAW);
        if let Ok(event) = told.recv_timeout(Duration::from_millis(30)) {
            return Some(event);
        }
    }
    None
}

#[test]
fn it_looks_while_it_is_told_to_and_only_then() {
    let (scanner, told) = scanner();
    let (eye, frame) = (scanner.eye(), shown());
    assert_eq!(offer(&eye, &frame, &told, Duration::from_millis(500)), None);
    assert!(
        lock(&scanner.shared.state).picture.is_none(),
        "nothing is copied"
    );
    scanner.set(true);
    assert_eq!(
        offer(&eye, &frame, &told, Duration::from_secs(30)),
        seen(WIFI)
    );
    assert_eq!(
        offer(&eye, &frame, &told, Duration::from_secs(30)),
        seen(WIFI),
        "and again"
    );
    scanner.set(false);
    // One that was being looked at may still be told.
    let _ = told.recv_timeout(Duration::from_secs(2));
    assert_eq!(offer(&eye, &frame, &told, Duration::from_millis(500)), None);
    assert_eq!(frame.refcount(), 1, "no frame is held");
    scanner.stop();
    eye.look(&frame, RAW);
}

#[test]
fn three_pictures_a_second_at_most_are_taken() {
    let (scanner, told) = scanner();
    let (eye, frame) = (scanner.eye(), shown());
    scanner.set(true);
    let begun = Instant::now();
    let mut taken = 0;
    while begun.elapsed() < Duration::from_secs(3) {
        eye.look(&frame, RAW);
        taken += told.try_iter().count();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(
        (1..=10).contains(&taken),
        "{taken} in {:?}",
        begun.elapsed()
    );
    scanner.stop();
}

#[test]
fn frames_of_another_size_than_they_say_are_left() {
    let (scanner, told) = scanner();
    scanner.set(true);
    let eye = scanner.eye();
    let small = gst::Buffer::from_slice(vec![0_u8; 100]);
    assert_eq!(offer(&eye, &small, &told, Duration::from_millis(300)), None);
    assert_eq!(
        offer(&eye, &shown(), &told, Duration::from_secs(30)),
        seen(WIFI)
    );
    scanner.stop();
}
