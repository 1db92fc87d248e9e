//! ffmpeg as a player outside.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::Guard;

/// Decoded pictures: RGB, all of one size.
pub struct Frames {
    pub width: usize,
    pub height: usize,
    pub pictures: Vec<Vec<u8>>,
}

impl Frames {
    /// Mean difference of two pictures, 0 to 255.
    pub fn difference(&self, a: usize, b: usize) -> f64 {
        let sum: u64 = self.pictures[a]
            .iter()
            .zip(&self.pictures[b])
            .map(|(x, y)| u64::from(x.abs_diff(*y)))
            .sum();
        sum as f64 / self.pictures[a].len() as f64
    }

    /// How many differ from the one before them: a still picture gives none, but for the noise of the encoder.
    pub fn moving(&self, least: f64) -> usize {
        (1..self.pictures.len())
            .filter(|&i| self.difference(i - 1, i) > least)
            .count()
    }

    /// Colour at a place, as shares of width and height.
    pub fn colour(&self, picture: usize, x: f64, y: f64) -> [u8; 3] {
        let column = (x * self.width as f64) as usize;
        let row = (y * self.height as f64) as usize;
        let at = (row * self.width + column) * 3;
        self.pictures[picture][at..at + 3].try_into().unwrap()
    }
}

/// Decodes `count` pictures of a stream, scaled; none when they do not come in time.
pub fn frames(
    url: &str,
    count: usize,
    (width, height): (usize, usize),
    limit: Duration,
) -> Option<Frames> {
    let out = super::folder().join("frames.rgb");
    let mut command = ffmpeg(url);
    command
        .args(["-an", "-frames:v", &count.to_string()])
        .args(["-vf", &format!("scale={width}:{height}")])
        .args(["-pix_fmt", "rgb24", "-f", "rawvideo"])
        .arg(&out);
    to_end(&mut command, limit)?;
    let bytes = fs::read(&out).ok()?;
    let pictures: Vec<Vec<u8>> = bytes
        .chunks_exact(width * height * 3)
        .map(<[u8]>::to_vec)
        .collect();
    (pictures.len() == count).then_some(Frames {
        width,
        height,
        pictures,
    })
}

/// Strength of one tone in a stream's sound, and of all of it: root mean squares, 1.0 is full scale.
pub fn loudness(url: &str, seconds: u32, hertz: f64) -> Option<(f64, f64)> {
    const RATE: u32 = 16_000;
    let out = super::folder().join("sound.pcm");
    let mut command = ffmpeg(url);
    command
        .args(["-vn", "-t", &seconds.to_string(), "-ac", "1"])
        .args(["-ar", &RATE.to_string(), "-f", "s16le"])
        .arg(&out);
    to_end(&mut command, Duration::from_secs(u64::from(seconds) + 45))?;
    let samples: Vec<f64> = fs::read(&out)
        .ok()?
        .chunks_exact(2)
        .map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0)
        .collect();
    // What comes first may be silence of before the tone.
    let heard = samples.get(samples.len() / 3..)?;
    if heard.len() < RATE as usize {
        return None;
    }
    let n = heard.len() as f64;
    let all = (heard.iter().map(|s| s * s).sum::<f64>() / n).sqrt();
    // One bin of a Fourier transform per 100 ms: a tone that was resampled does not keep its phase for seconds.
    let bins: Vec<f64> = heard
        .chunks_exact(RATE as usize / 10)
        .map(|c| bin(c, hertz / f64::from(RATE)))
        .collect();
    // As a root mean square, too: what is missing (a busy machine drops some) is missing in both.
    let tone = (bins.iter().map(|b| b * b).sum::<f64>() / bins.len() as f64).sqrt();
    Some((tone, all))
}

/// Root mean square of one frequency (as a share of the sample rate).
fn bin(samples: &[f64], frequency: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, sample) in samples.iter().enumerate() {
        let angle = std::f64::consts::TAU * frequency * i as f64;
        re += sample * angle.cos();
        im += sample * angle.sin();
    }
    re.hypot(im) * std::f64::consts::SQRT_2 / samples.len() as f64
}

#[test]
fn a_tone_is_told_from_noise_of_the_same_strength() {
    let tone: Vec<f64> = (0..1600)
        .map(|i| (std::f64::consts::TAU * 440.0 / 16_000.0 * f64::from(i)).sin())
        .collect();
    let half = std::f64::consts::FRAC_1_SQRT_2;
    assert!((bin(&tone, 440.0 / 16_000.0) - half).abs() < 0.01);
    assert!(bin(&tone, 1000.0 / 16_000.0) < 0.05);
}

/// Waits until an RTSP server answers at this port.
pub fn wait_server(port: u16, limit: Duration) -> bool {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if greeted(port).is_some() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    false
}

fn greeted(port: u16) -> Option<()> {
    let mut peer = TcpStream::connect(("127.0.0.1", port)).ok()?;
    peer.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    peer.write_all(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
        .ok()?;
    let mut answer = [0; 8];
    peer.read_exact(&mut answer).ok()?;
    (&answer == b"RTSP/1.0").then_some(())
}

fn ffmpeg(url: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y", "-rtsp_transport", "tcp"]);
    command.args(["-i", url]);
    command
}

/// Runs a command; gives its stdout when it ends well and in time. Its complaints are kept in the test's folder.
pub fn to_end(command: &mut Command, limit: Duration) -> Option<String> {
    let folder = super::folder();
    let file = |name: &str| fs::File::create(folder.join(name)).unwrap();
    command
        .stdin(Stdio::null())
        .stdout(file("player.out"))
        .stderr(file("player.err"));
    let mut guard = Guard::spawn(command);
    guard
        .wait(limit)
        .filter(std::process::ExitStatus::success)?;
    fs::read_to_string(folder.join("player.out")).ok()
}
