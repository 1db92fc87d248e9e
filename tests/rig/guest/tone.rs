//! Plays a tone into an ALSA device: the other end of snd-aloop, or the gadget's card of `mic`.
//!
//! The device may not be there yet, may go away and come back, or may stand still because nobody records at its other
//! end: the tone goes on when it can.

use std::f64::consts::TAU;
use std::time::Duration;

use alsa::pcm::{Access, Format, HwParams, PCM};
use alsa::{Direction, ValueOr};
use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::commands::{Commands, poll, poll_fd};
use crate::options::Options;
use crate::stop;

/// For `--help`.
pub const USAGE: &str = "\
tone: plays a sine until SIGTERM
  --device PCM        hw:Loopback,0,0, hw:UAC2Gadget … (hw:Loopback,0,0)
  --rate HZ           (48000)                        --channels N      (2)
  --format F          S16_LE, S24_3LE or S32_LE (S16_LE)
  --freq HZ           (1000)                         --level DB        peak, below full scale (-20)
  --silence, --clip   begin so                       --socket PATH     where it takes commands (/run/tone.sock)
commands: tone [HZ [DB]], silence, clip (a sine of three times full scale, cut off), state (JSON)";

/// Frames that are made at once.
const BLOCK: usize = 480;
/// Sound between this process and the device, in µs.
const BUFFER_US: u32 = 100_000;

#[derive(Debug, Clone, Copy)]
enum Kind {
    Tone,
    Silence,
    Clip,
}

struct Tone {
    rate: u32,
    channels: u32,
    format: Format,
    hz: f64,
    amplitude: f64,
    kind: Kind,
    phase: f64,
}

/// Plays until a signal.
pub fn main(options: &Options) -> Result<()> {
    stop::listen();
    let device = options.text("device").unwrap_or("hw:Loopback,0,0");
    let mut tone = Tone {
        rate: options.number("rate", 48_000)?,
        channels: options.number("channels", 2)?,
        format: match options.text("format").unwrap_or("S16_LE") {
            "S16_LE" => Format::S16LE,
            "S24_3LE" => Format::S243LE,
            "S32_LE" => Format::S32LE,
            other => bail!("--format {other}: there are S16_LE, S24_3LE and S32_LE"),
        },
        hz: options.number("freq", 1000.0)?,
        amplitude: amplitude(options.number("level", -20.0)?),
        kind: match (options.has("silence"), options.has("clip")) {
            (true, _) => Kind::Silence,
            (_, true) => Kind::Clip,
            _ => Kind::Tone,
        },
        phase: 0.0,
    };
    let commands = Commands::listen(options, "tone")?;
    // Its library writes to standard error each time that the card is not there.
    let _quiet = alsa::Output::local_error_handler();
    let mut said = Vec::new();
    while !stop::asked() {
        let problem = match tone.open(device) {
            Ok(pcm) => tone.play(&pcm, &commands),
            Err(error) => Err(error),
        };
        if let Err(error) = problem {
            let text = format!("{error:#}");
            if !said.contains(&text) {
                eprintln!("rig-guest tone: {text}; trying again");
                said.push(text);
            }
        }
        tone.pause(&commands, Duration::from_millis(50));
    }
    Ok(())
}

fn amplitude(db: f64) -> f64 {
    10f64.powf(db / 20.0).min(1.0)
}

impl Tone {
    fn open(&self, device: &str) -> Result<PCM> {
        let what = || format!("cannot play into {device}");
        let pcm = PCM::new(device, Direction::Playback, true).with_context(what)?;
        {
            let hw = HwParams::any(&pcm).with_context(what)?;
            hw.set_access(Access::RWInterleaved).with_context(what)?;
            hw.set_format(self.format).with_context(what)?;
            hw.set_channels(self.channels).with_context(what)?;
            hw.set_rate(self.rate, ValueOr::Nearest)
                .with_context(what)?;
            hw.set_buffer_time_near(BUFFER_US, ValueOr::Nearest)
                .with_context(what)?;
            pcm.hw_params(&hw).with_context(what)?;
            let got = hw.get_rate().with_context(what)?;
            if got != self.rate {
                bail!("{device} plays at {got} Hz, not at {}", self.rate);
            }
        }
        Ok(pcm)
    }

    /// Plays until a signal or until the device is gone.
    fn play(&mut self, pcm: &PCM, commands: &Commands) -> Result<()> {
        let frame = self.channels as usize * self.bytes();
        let mut block = Vec::new();
        while !stop::asked() {
            if block.is_empty() {
                block = self.block();
            }
            match pcm.io_bytes().writei(&block) {
                Ok(frames) => {
                    block.drain(..(frames * frame).min(block.len()));
                }
                Err(error) if error.errno() == libc::EAGAIN => {
                    self.pause(commands, Duration::from_millis(5));
                }
                // An underrun, or the other end stopped.
                Err(error) if [libc::EPIPE, libc::EIO, libc::ESTRPIPE].contains(&error.errno()) => {
                    pcm.prepare().context("the device does not start again")?;
                    self.pause(commands, Duration::from_millis(5));
                }
                Err(error) => return Err(error).context("the device is gone"),
            }
        }
        Ok(())
    }

    fn pause(&mut self, commands: &Commands, time: Duration) {
        poll(&mut [poll_fd(commands.fd(), libc::POLLIN)], time);
        commands.serve(|command| self.command(command));
    }

    fn command(&mut self, command: &str) -> Result<String> {
        let mut words = command.split_whitespace();
        match words.next() {
            Some("tone") => {
                if let Some(hz) = words.next() {
                    self.hz = hz
                        .parse()
                        .with_context(|| format!("{hz} is not a frequency"))?;
                }
                if let Some(db) = words.next() {
                    self.amplitude =
                        amplitude(db.parse().with_context(|| format!("{db} is not a level"))?);
                }
                self.kind = Kind::Tone;
            }
            Some("silence") => self.kind = Kind::Silence,
            Some("clip") => self.kind = Kind::Clip,
            Some("state") => {
                let kind = format!("{:?}", self.kind).to_lowercase();
                return Ok(
                    json!({ "kind": kind, "hz": self.hz, "amplitude": self.amplitude }).to_string(),
                );
            }
            _ => bail!("`{command}` is not a command; there are tone, silence, clip, state"),
        }
        Ok("ok".to_owned())
    }

    fn bytes(&self) -> usize {
        match self.format {
            Format::S16LE => 2,
            Format::S243LE => 3,
            _ => 4,
        }
    }

    fn block(&mut self) -> Vec<u8> {
        let bytes = self.bytes();
        let mut out = Vec::with_capacity(BLOCK * bytes * self.channels as usize);
        for _ in 0..BLOCK {
            let sine = (TAU * self.phase).sin();
            self.phase = (self.phase + self.hz / f64::from(self.rate)).fract();
            let level = match self.kind {
                Kind::Tone => sine * self.amplitude,
                Kind::Silence => 0.0,
                Kind::Clip => (sine * 3.0).clamp(-1.0, 1.0),
            };
            // The sample's bytes are the highest of a 32-bit one, in little endian the last.
            let wide = (level * f64::from(i32::MAX)).round() as i32;
            let sample = &wide.to_le_bytes()[4 - bytes..];
            for _ in 0..self.channels {
                out.extend(sample);
            }
        }
        out
    }
}
