//! `boothcast ctl`: command and watch the box that runs on this machine, over its control socket.

mod camera;
mod client;
mod find;
mod outcome;
mod page;
mod values;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::check::ConfigArgs;
use crate::config::{DestinationName, Profile, VideoSettings};
use crate::device::command::Command;
use client::Client;
use outcome::{Trouble, accepted};

/// Least time between two pages of `status --watch`.
const PAGE_PAUSE: Duration = Duration::from_secs(1);

const HELP: &str = "Examples:
  boothcast ctl status                              how the box is
  boothcast ctl status --watch --json               a line of JSON at each change
  boothcast ctl live start                          push to the enabled destinations
  boothcast ctl camera list                         what the camera can be told
  boothcast ctl camera set brightness 120
  boothcast ctl camera set power_line_frequency \"50 Hz\"
  boothcast ctl profile bitrate 1500k

Exit codes: 0 done, or so already; 1 failed; 2 wrong arguments; 65 the box (or its camera) refuses; 69 no box is
running here; 75 no answer in time, or busy: try again; 77 you may not command this box; 78 wrong configuration.";

/// Arguments of `ctl`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct CtlArgs {
    /// Configuration file of the box, if it runs with one of its own
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One key of its configuration, such as paths.state=/tmp/box; may be repeated
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// The control socket itself, instead of the one that the configuration leads to
    #[arg(long, global = true, value_name = "PATH", value_hint = clap::ValueHint::FilePath)]
    pub socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Say how the box is: health, picture, sound, encoders, destinations, readers.
    Status {
        /// Go on and say it again at each change, until Ctrl-C.
        #[arg(short, long)]
        watch: bool,
    },
    /// Begin or end pushing to the destinations.
    #[command(subcommand)]
    Live(Live),
    /// Switch one destination on or off.
    #[command(subcommand)]
    Destination(Destination),
    /// Controls of the camera: brightness, exposure, focus, zoom and so on.
    #[command(subcommand)]
    Camera(camera::Camera),
    /// The microphone's own volume and switch, in the sound card.
    #[command(subcommand)]
    Mic(Mic),
    /// The sound on air: gain, mute, offset against the picture.
    #[command(subcommand)]
    Audio(Audio),
    /// Size, rate and bitrate of the picture.
    #[command(subcommand)]
    Profile(ProfileSub),
    /// Blink, so that a person finds the box.
    Identify,
    /// Forget settings, passwords and what was wanted, and begin anew.
    FactoryReset {
        /// Yes, really.
        #[arg(long)]
        yes: bool,
    },
    /// End the box in order.
    Shutdown,
    /// Send a command as JSON, such as '{"name":"live-start"}', and print the answer.
    Raw {
        /// A command, or a whole request.
        #[arg(value_name = "JSON")]
        text: String,
    },
}

/// `ctl live`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Live {
    /// Push to all enabled destinations.
    Start,
    /// Push to nobody; RTSP goes on.
    Stop,
}

/// `ctl destination`.
#[derive(Debug, Subcommand)]
pub enum Destination {
    /// Push to it whenever the box is live.
    Enable {
        /// Its name in the configuration.
        name: DestinationName,
    },
    /// Do not push to it.
    Disable {
        /// Its name in the configuration.
        name: DestinationName,
    },
}

/// `ctl mic`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Mic {
    /// Set the capture volume of the card.
    Volume {
        /// Per cent of the card's range, 0 to 100.
        #[arg(value_parser = values::percent)]
        percent: u8,
    },
    /// Let sound through.
    On,
    /// Let no sound through.
    Off,
}

/// `ctl audio`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Audio {
    /// Digital gain.
    Gain {
        /// dB, -60 to 30.
        #[arg(value_parser = values::gain, allow_hyphen_values = true)]
        db: f32,
    },
    /// Silence on air.
    Mute,
    /// Sound on air.
    Unmute,
    /// Sound later than the picture; below zero: earlier.
    Offset {
        /// Milliseconds, -2000 to 2000.
        #[arg(allow_hyphen_values = true)]
        ms: i32,
    },
}

/// `ctl profile`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ProfileSub {
    /// 1920×1080 at 30 frames/s.
    #[command(name = "1080p30")]
    P1080(Rate),
    /// 1280×720 at 30 frames/s.
    #[command(name = "720p30")]
    P720(Rate),
    /// 854×480 at 30 frames/s.
    #[command(name = "480p30")]
    P480(Rate),
    /// A size of your own.
    Custom {
        /// Pixels, even.
        width: u32,
        /// Pixels, even.
        height: u32,
        /// Frames per second, 1 to 60.
        fps: u32,
        /// Its bitrate.
        #[command(flatten)]
        rate: Rate,
    },
    /// Change the bitrate alone, without a gap.
    Bitrate {
        /// Such as 2500k or 2.5M, in bit/s.
        #[arg(value_parser = values::bitrate)]
        bitrate: u32,
    },
}

/// A bitrate beside a size.
#[derive(Debug, Clone, Copy, Args)]
pub struct Rate {
    /// Such as 2500k or 2.5M, in bit/s; else the one usual for that size, or the one in force.
    #[arg(long, value_parser = values::bitrate)]
    pub bitrate: Option<u32>,
}

/// Runs `ctl` for this process; returns the exit code.
#[must_use]
pub fn run(args: &CtlArgs) -> u8 {
    let out = &mut std::io::stdout().lock();
    match try_run(args, out) {
        Ok(()) => 0,
        Err(trouble) => {
            trouble.print(args.json, out, &mut std::io::stderr().lock());
            trouble.exit_code()
        }
    }
}

fn try_run(args: &CtlArgs, out: &mut dyn Write) -> Result<(), Trouble> {
    check(&args.what)?;
    let client = &mut find::connect(args.socket.as_deref(), &config_args(args))?;
    let command = match &args.what {
        What::Status { watch: true } => return watch(client, args.json, out),
        What::Status { watch: false } => {
            let status = client.status()?;
            return show(args.json, &status, &page::status(&status), out);
        }
        What::Camera(camera) => return camera::run(camera, client, args.json, out),
        What::Raw { text } => return raw_answer(client, &raw_request(text)?, out),
        What::Live(Live::Start) => Command::LiveStart,
        What::Live(Live::Stop) => Command::LiveStop,
        What::Destination(Destination::Enable { name }) => enable(name, true),
        What::Destination(Destination::Disable { name }) => enable(name, false),
        What::Mic(Mic::Volume { percent }) => Command::MicVolume { percent: *percent },
        What::Mic(Mic::On) => Command::MicSwitch { on: true },
        What::Mic(Mic::Off) => Command::MicSwitch { on: false },
        What::Audio(Audio::Gain { db }) => Command::AudioGain { gain_db: *db },
        What::Audio(Audio::Mute) => Command::AudioMute { muted: true },
        What::Audio(Audio::Unmute) => Command::AudioMute { muted: false },
        What::Audio(Audio::Offset { ms }) => Command::AudioOffset { offset_ms: *ms },
        What::Profile(ProfileSub::Bitrate { bitrate }) => Command::BitrateSet { bitrate: *bitrate },
        What::Profile(sub) => Command::ProfileSet {
            profile: None,
            bitrate: None,
            video: Some(profile(*sub, &client.status()?)?),
        },
        What::Identify => Command::Identify,
        What::FactoryReset { .. } => Command::FactoryReset,
        What::Shutdown => Command::Shutdown,
    };
    let said = client.command(&command)?;
    show(args.json, &said, &accepted(&said), out)
}

/// What is wrong with the arguments is said whether or not a box is running.
fn check(what: &What) -> Result<(), Trouble> {
    match what {
        What::FactoryReset { yes: false } => Err(Trouble::Usage(
            "The box would forget its settings and passwords. Add --yes if that is what you want."
                .into(),
        )),
        What::Raw { text } => raw_request(text).map(|_| ()),
        _ => Ok(()),
    }
}

fn config_args(args: &CtlArgs) -> ConfigArgs {
    ConfigArgs {
        config: args.config.clone(),
        set: args.set.clone(),
    }
}

fn enable(name: &DestinationName, enabled: bool) -> Command {
    Command::DestinationEnable {
        destination: name.clone(),
        enabled,
    }
}

/// The main rendition in force, with another size, rate and bitrate.
fn profile(sub: ProfileSub, status: &Value) -> Result<VideoSettings, Trouble> {
    let now = serde_json::from_value::<VideoSettings>(status["encoders"][0]["video"].clone())
        .map_err(|e| Trouble::Broken(format!("The box does not say what it encodes: {e}.")))?;
    let named = |profile: Profile, rate: Rate| {
        let (width, height, fps, usual) = profile.numbers();
        (width, height, fps, rate.bitrate.unwrap_or(usual))
    };
    let (width, height, fps, bitrate) = match sub {
        ProfileSub::P1080(rate) => named(Profile::P1080, rate),
        ProfileSub::P720(rate) => named(Profile::P720, rate),
        ProfileSub::P480(rate) => named(Profile::P480, rate),
        ProfileSub::Custom {
            width,
            height,
            fps,
            rate,
        } => (width, height, fps, rate.bitrate.unwrap_or(now.bitrate)),
        ProfileSub::Bitrate { bitrate } => (now.width, now.height, now.fps, bitrate),
    };
    Ok(VideoSettings {
        width,
        height,
        fps,
        bitrate,
        ..now
    })
}

/// Text for people, or the same as JSON. An output that is gone is no trouble of the box.
fn show(as_json: bool, value: &Value, text: &str, out: &mut dyn Write) -> Result<(), Trouble> {
    let _ = if as_json {
        writeln!(out, "{value:#}")
    } else {
        writeln!(out, "{}", text.trim_end())
    };
    Ok(())
}

/// Says it at each change, until the box ends or nobody reads: as JSON every change, as pages those that look
/// different, at most one a second.
fn watch(client: &mut Client, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    client.watch()?;
    let mut said = String::new();
    loop {
        let status = client.next_status(None)?;
        let text = if as_json {
            status.to_string()
        } else {
            page::status(&status)
        };
        if text != said {
            let gap = if as_json || said.is_empty() { "" } else { "\n" };
            if writeln!(out, "{gap}{}", text.trim_end())
                .and_then(|()| out.flush())
                .is_err()
            {
                return Ok(());
            }
            said = text;
            if !as_json {
                std::thread::sleep(PAGE_PAUSE);
            }
        }
    }
}

/// A whole request stays as it is; anything else is taken for a command.
fn raw_request(text: &str) -> Result<Value, Trouble> {
    let value: Value =
        serde_json::from_str(text).map_err(|e| Trouble::Usage(format!("This is no JSON: {e}.")))?;
    let whole = ["command", "status", "watch"]
        .iter()
        .any(|field| value.get(field).is_some());
    let mut request = if whole {
        value
    } else {
        json!({ "command": value })
    };
    if let Value::Object(fields) = &mut request {
        fields.entry("id").or_insert_with(|| json!("ctl"));
    }
    Ok(request)
}

/// The whole answer as it came; for `watch` each of them.
fn raw_answer(client: &mut Client, request: &Value, out: &mut dyn Write) -> Result<(), Trouble> {
    client.send(request)?;
    let endless = request["watch"] == json!(true);
    loop {
        let answer = client.receive((!endless).then_some(client::ANSWER_LIMIT))?;
        let gone = writeln!(out, "{answer}")
            .and_then(|()| out.flush())
            .is_err();
        if answer["ok"] != json!(true) {
            return Err(Trouble::Shown(outcome::refusal_code(&answer["error"])));
        }
        if gone || !endless {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
