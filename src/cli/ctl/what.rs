//! What `boothcast ctl` can be told: its subcommands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{audience, camera, stage, update, values};
use crate::config::{DestinationName, Rgb, StreamUrl};
use crate::room::item::AlertKind;

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
    /// Where the stream goes: add, change, switch on and off, forget.
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
    /// A line on the picture.
    #[command(subcommand)]
    Overlay(Overlay),
    /// Show a chat notification on the picture for a while.
    Notify(Notify),
    /// Show a comment of the audience on the picture.
    Danmaku(audience::Danmaku),
    /// Show an alert of the audience on the picture, when its turn comes.
    Alert(audience::Alert),
    /// Decide what the audience's text comes onto the picture.
    #[command(subcommand)]
    Moderation(audience::Moderation),
    /// Run the room of the pages: polls, questions, products, draws, announcements.
    Room(audience::Room),
    /// Take everything of the audience off the picture at once, and show nothing more of it until --off.
    Panic(stage::Panic),
    /// A title on the picture, or who is speaking.
    LowerThird(stage::LowerThird),
    /// A line that runs along the bottom of the picture.
    Ticker(stage::Ticker),
    /// Count down on the picture.
    Countdown(stage::Countdown),
    /// A product on the picture, with a QR code of its address.
    #[command(subcommand)]
    Product(stage::Product),
    /// A poll on the picture.
    #[command(subcommand)]
    Poll(stage::Poll),
    /// The logo on the picture.
    Logo(stage::Logo),
    /// Show and hide layers of the overlay.
    #[command(subcommand)]
    Layer(stage::Layer),
    /// Change how comments run over the picture; what is not given stays.
    DanmakuSet(stage::DanmakuSet),
    /// Fetch a picture of what is on air, as JPEG.
    Snapshot(Snapshot),
    /// Print the last lines of the box's log, without secrets.
    Logs {
        /// How many, 1 to 1000
        #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
        lines: Option<u32>,
    },
    /// Configuration files.
    #[command(subcommand)]
    Config(Config),
    /// Blink, so that a person finds the box.
    Identify,
    /// Set-up: whether codes shown to the camera, and the box's page, are taken.
    #[command(subcommand)]
    Setup(Setup),
    /// New versions of the box's software: install, look, go back.
    #[command(subcommand)]
    Update(update::Update),
    /// End the program in order and start it anew.
    Restart,
    /// Start the machine anew.
    Reboot {
        /// Yes, really.
        #[arg(long)]
        yes: bool,
    },
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

/// `ctl setup`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Setup {
    /// Take codes and the page for 10 minutes, as the button does when it is held for 3 s.
    Open,
    /// Take none. A box that nobody has set up counts as set up then.
    Close,
    /// Say how it stands.
    Show,
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
    /// Add one, or change one that was added so; kept across restarts. Its key comes from a file or from standard input,
    /// never from the command line, which every user of a machine can read.
    Set(DestinationSet),
    /// Forget one that was added so.
    Remove {
        /// Its name.
        name: DestinationName,
    },
}

/// `ctl destination set`.
#[derive(Debug, Args)]
pub struct DestinationSet {
    /// Its name; not that of a destination of the configuration file.
    pub name: DestinationName,
    /// Server and application without the stream key, such as rtmps://live.example/app
    pub url: StreamUrl,
    /// File with the stream key as its only line, mode 600; without: the key that it has
    #[arg(long, value_name = "FILE", conflicts_with = "key_stdin")]
    pub key_file: Option<PathBuf>,
    /// Read the stream key from standard input
    #[arg(long)]
    pub key_stdin: bool,
    /// Highest bitrate of the picture while it is live, such as 2500k or 2.5M; without: no ceiling
    #[arg(long, value_name = "BITRATE", value_parser = values::bitrate)]
    pub max_bitrate: Option<u32>,
    /// Do not push to it yet; without: as it is, on if it is new
    #[arg(long)]
    pub disabled: bool,
}

/// `ctl overlay`.
#[derive(Debug, Subcommand)]
pub enum Overlay {
    /// Write a line on the picture.
    Text {
        /// 1 to 100 characters.
        text: String,
        /// Until it goes by itself, 1 to 86400; without: it stays until overlay clear
        #[arg(long, value_name = "SECONDS")]
        seconds: Option<u32>,
    },
    /// Take the line off the picture.
    Clear,
}

/// `ctl notify`.
#[derive(Debug, Args)]
pub struct Notify {
    /// Who, 1 to 40 characters.
    pub who: String,
    /// What they said or did, 1 to 500 characters.
    pub what: String,
    /// About what: chat, follow, gift, order or question
    #[arg(long, default_value = "chat", value_parser = values::notice_kind)]
    pub kind: AlertKind,
    /// From which platform, at most 24 characters
    #[arg(long)]
    pub platform: Option<String>,
    /// Colour of the name, such as #ff8800
    #[arg(long, value_name = "#RRGGBB")]
    pub colour: Option<Rgb>,
}

/// `ctl snapshot`.
#[derive(Debug, Args)]
pub struct Snapshot {
    /// Where it goes; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "snapshot.jpg", value_hint = clap::ValueHint::FilePath)]
    pub output: PathBuf,
    /// Largest width in pixels, 64 to 3840
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(64..=3840))]
    pub max_width: Option<u32>,
    /// Write over a file that is there
    #[arg(long)]
    pub force: bool,
}

/// `ctl config`.
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Let the box check a configuration file, without using it.
    Validate {
        /// The file; - is standard input.
        #[arg(value_hint = clap::ValueHint::FilePath)]
        file: PathBuf,
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
