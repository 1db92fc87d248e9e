//! What a player outside sees of vivid: its colour bars and whether they move, and the times of frames.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::{Daemon, Rig};
use crate::support::probe::{packet_times, record};
use crate::support::the_box::run_to_end;

/// Size to which a recording is scaled to look at it.
const WIDTH: usize = 320;
const HEIGHT: usize = 180;

/// The bars of vivid's first test pattern from left to right: red, green, blue.
pub const BARS: [[f64; 3]; 8] = [
    [191.0, 191.0, 191.0],
    [191.0, 191.0, 0.0],
    [0.0, 191.0, 191.0],
    [0.0, 191.0, 0.0],
    [191.0, 0.0, 191.0],
    [191.0, 0.0, 0.0],
    [0.0, 0.0, 191.0],
    [0.0, 0.0, 0.0],
];

/// A recording from RTSP.
pub struct Film {
    file: PathBuf,
    /// Red, green, blue of each pixel.
    frames: Vec<Vec<u8>>,
}

impl Film {
    /// Records the main rendition for some seconds. What a reader is given first is up to a keyframe interval old, and was
    /// perhaps made before what the test did; so what is looked at is of the second half.
    pub fn record(rig: &Rig, daemon: &Daemon<'_>, name: &str, seconds: u32) -> Self {
        let file = rig.folder().join(format!("{name}.mkv"));
        record(&daemon.url("main"), "tcp", seconds, &file);
        let mut frames = decode(&file);
        frames.drain(..frames.len() / 2);
        assert!(
            frames.len() >= 5,
            "{name}: {} frames in {seconds} s",
            frames.len()
        );
        Self { file, frames }
    }

    /// Where it lies.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Width and height, as encoded.
    pub fn size(&self) -> (u64, u64) {
        let found = crate::support::probe::ffprobe(
            &self.file.to_string_lossy(),
            &["-show_streams", "-select_streams", "v"],
            Duration::from_secs(20),
        );
        let stream = &found["streams"][0];
        (
            stream["width"].as_u64().unwrap(),
            stream["height"].as_u64().unwrap(),
        )
    }

    /// Mean colour of each of eight bars in the last frame. `edge`: the share of the picture's width that is border at
    /// either side. Taken below the text, from the middle half of the bar.
    pub fn bars(&self, edge: f64) -> [[f64; 3]; 8] {
        let frame = self.frames.last().unwrap();
        let inner = WIDTH as f64 * (1.0 - 2.0 * edge) / 8.0;
        std::array::from_fn(|bar| {
            let left = WIDTH as f64 * edge + bar as f64 * inner;
            let columns = (left + inner * 0.3) as usize..(left + inner * 0.7) as usize;
            let mut sum = [0.0; 3];
            let mut count = 0.0;
            for y in HEIGHT * 82 / 100..HEIGHT * 96 / 100 {
                for x in columns.clone() {
                    let at = (y * WIDTH + x) * 3;
                    for (sum, value) in sum.iter_mut().zip(&frame[at..at + 3]) {
                        *sum += f64::from(*value);
                    }
                    count += 1.0;
                }
            }
            sum.map(|s| s / count)
        })
    }

    /// Mean brightness of the last frame below the text, 0 to 255.
    pub fn brightness(&self) -> f64 {
        let bars = self.bars(0.0);
        bars.as_flattened().iter().sum::<f64>() / 24.0
    }

    /// Share of neighbouring frames that differ in the upper third, where vivid writes time and frame counter.
    pub fn counting(&self) -> f64 {
        let upper = WIDTH * HEIGHT / 3 * 3;
        let differ = |a: &[u8], b: &[u8]| {
            let strong = a[..upper]
                .iter()
                .zip(&b[..upper])
                .filter(|(a, b)| a.abs_diff(**b) > 24)
                .count();
            strong >= 3
        };
        let pairs = self.frames.len() - 1;
        let moved = self
            .frames
            .windows(2)
            .filter(|w| differ(&w[0], &w[1]))
            .count();
        moved as f64 / pairs as f64
    }

    /// Times of the frames, s.
    pub fn times(&self) -> Vec<f64> {
        packet_times(&self.file, "v")
    }
}

/// Compares bars with those of vivid; colours are converted several times on the way.
pub fn are_bars(seen: [[f64; 3]; 8], what: &str) {
    for (bar, (seen, wanted)) in seen.iter().zip(&BARS).enumerate() {
        let close = seen.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 30.0);
        assert!(close, "{what}: bar {bar} is {seen:.0?}, not {wanted:.0?}");
    }
}

/// Rate of a camera from the times of its frames, and the share of frames that came. The rate within a tenth of the nominal
/// one whose grid fits the times best: the mean of unit vectors, turned once per frame, is longest. So neither frames that a
/// busy machine lost nor those that it stamped late count as another rate; over 20 s the grids of rates that are 1 %
/// apart come apart by three frames. Panics where no grid fits.
pub fn rate(times: &[f64], nominal: f64) -> (f64, f64) {
    let fit = |rate: f64| {
        let (mut x, mut y) = (0.0, 0.0);
        for time in times {
            let angle = std::f64::consts::TAU * rate * time;
            x += angle.cos();
            y += angle.sin();
        }
        f64::hypot(x, y) / times.len() as f64
    };
    let rates = (0..=400).map(|step| nominal * (0.9 + 0.0005 * f64::from(step)));
    let best = rates.max_by(|a, b| fit(*a).total_cmp(&fit(*b))).unwrap();
    assert!(
        fit(best) > 0.4,
        "no steady rate: {best}/s fits {}",
        fit(best)
    );
    let (first, last) = (times.first().unwrap(), times.last().unwrap());
    (best, (times.len() - 1) as f64 / ((last - first) * best))
}

fn decode(file: &Path) -> Vec<Vec<u8>> {
    let out = file.with_extension("rgb");
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-y", "-i"])
        .arg(file)
        .args(["-map", "0:v:0", "-vsync", "passthrough", "-vf"])
        .arg(format!("scale={WIDTH}:{HEIGHT}:flags=area"))
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo"])
        .arg(&out);
    let (code, _, error) = run_to_end(&mut command, Duration::from_secs(60));
    assert_eq!(code, Some(0), "{error}");
    let bytes = std::fs::read(&out).unwrap();
    std::fs::remove_file(&out).unwrap();
    bytes
        .chunks_exact(WIDTH * HEIGHT * 3)
        .map(<[u8]>::to_vec)
        .collect()
}

#[test]
fn the_rate_is_that_of_the_camera_whatever_was_lost_or_late() {
    for (true_rate, within) in [(15.3, false), (15.0, true), (14.8, false)] {
        let times: Vec<f64> = (0..300)
            .filter(|n| n % 10 != 3)
            .map(|n| (f64::from(n) + f64::from(n * 7 % 11) / 25.0) / true_rate)
            .collect();
        let (rate, share) = rate(&times, 15.0);
        assert!((rate - true_rate).abs() < 0.03, "{rate}");
        assert_eq!((14.85..15.15).contains(&rate), within);
        assert!((0.88..0.92).contains(&share), "{share}");
    }
}
