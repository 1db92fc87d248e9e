//! The configuration as the rest of the program sees it: plain data with every default in place.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::gpio::{ButtonConfig, LedConfig};
use super::mqtt::MqttConfig;
use super::setup::SetupConfig;
use super::show::{DanmakuConfig, ModerationConfig, OverlayConfig, RoomConfig};
use super::types::{BoxName, DestinationName, Secret, StreamUrl};
use super::web::{WatchConfig, WebConfig};
use super::wifi::WifiConfig;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who this box is.
    #[serde(rename = "box")]
    pub box_: BoxConfig,
    /// Where the picture comes from.
    pub video: VideoConfig,
    /// Where the sound comes from.
    pub audio: AudioConfig,
    /// How the main rendition is encoded.
    pub encode: EncodeConfig,
    /// The optional small rendition.
    pub sub: SubConfig,
    /// The local RTSP server.
    pub rtsp: RtspConfig,
    /// Where the stream is pushed.
    #[serde(default)]
    pub destination: Vec<Destination>,
    /// Bitrate that follows the link.
    pub adaptive: AdaptiveConfig,
    /// What is shown when there is no camera picture.
    pub slate: SlateConfig,
    /// The status light.
    pub led: LedConfig,
    /// The button.
    pub button: ButtonConfig,
    /// What heat does to the picture.
    pub thermal: ThermalConfig,
    /// The broker and who the box is there.
    pub mqtt: MqttConfig,
    /// What is drawn on the picture.
    pub overlay: OverlayConfig,
    /// Comments that run over it.
    pub danmaku: DanmakuConfig,
    /// What keeps the audience's text decent.
    pub moderation: ModerationConfig,
    /// Who talks.
    pub room: RoomConfig,
    /// The room's pages.
    pub web: WebConfig,
    /// The live picture in them.
    pub watch: WatchConfig,
    /// How the box is told what it is.
    pub setup: SetupConfig,
    /// The network of a box that was set up by a file.
    pub wifi: Option<WifiConfig>,
    /// Folders.
    pub paths: PathsConfig,
    /// Logging.
    pub log: LogConfig,
}

/// `[box]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoxConfig {
    /// Name shown on the slate and in the RTSP session.
    pub name: BoxName,
    /// Command that starts the machine anew, its parts separated by spaces.
    pub reboot: String,
}

/// Kinds of video source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VideoSourceKind {
    /// The first camera that there is, else the test picture.
    Auto,
    /// A V4L2 camera.
    V4l2,
    /// A CSI camera through libcamera.
    Libcamera,
    /// A made picture with clock, frame counter and a flash each second.
    Test,
    /// A media file, played live in a loop.
    File,
}

/// Pixel or stream formats that a camera can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CameraFormat {
    /// Best by the rule of `edge/camera/mode.rs`.
    Auto,
    /// Semi-planar 4:2:0.
    Nv12,
    /// Packed 4:2:2.
    Yuyv,
    /// Motion JPEG.
    Mjpeg,
    /// H.264 made by the camera.
    H264,
}

/// `[video]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoConfig {
    /// Kind of source.
    pub source: VideoSourceKind,
    /// Stable id (`by-id`/`by-path` name), path or bus of the camera; empty: the first.
    pub device: String,
    /// Media file for `source = "file"`.
    pub file: PathBuf,
    /// Format asked of the camera.
    pub format: CameraFormat,
    /// Whether a camera's own H.264 is passed through without encoding again.
    pub passthrough: bool,
    /// Test picture: `clock` (with clock, counter, flash), or a pattern name of `videotestsrc`.
    pub test_pattern: String,
}

/// Kinds of audio source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudioSourceKind {
    /// The default card if it can be opened for capture; else a tone when the video is the test picture, else silence.
    Auto,
    /// An ALSA capture card.
    Alsa,
    /// A test tone with a beep each second, in step with the flash of the test picture.
    Test,
    /// The sound of the media file.
    File,
    /// No sound track at all.
    None,
}

/// `[audio]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioConfig {
    /// Kind of source.
    pub source: AudioSourceKind,
    /// Name or stable id of the card; empty: the default card.
    pub device: String,
    /// Media file for `source = "file"`; empty: the video's file.
    pub file: PathBuf,
    /// Samples per second: 44100 or 48000.
    pub rate: u32,
    /// Channels: 1 or 2.
    pub channels: u32,
    /// AAC bitrate in bit/s.
    pub bitrate: u32,
    /// Gain in dB, −60 to +30.
    pub gain_db: f32,
    /// Sound later than picture by this many milliseconds, −2000 to +2000.
    pub offset_ms: i32,
}

/// Named encoding profiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Profile {
    /// 1920×1080 at 30/s, 4.5 Mbit/s.
    #[serde(rename = "1080p30")]
    P1080,
    /// 1280×720 at 30/s, 2.5 Mbit/s.
    #[serde(rename = "720p30")]
    P720,
    /// 854×480 at 30/s, 1.2 Mbit/s.
    #[serde(rename = "480p30")]
    P480,
    /// As written in `width`, `height`, `fps`, `bitrate`.
    #[serde(rename = "custom")]
    Custom,
}

impl Profile {
    /// The name in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::P1080 => "1080p30",
            Self::P720 => "720p30",
            Self::P480 => "480p30",
            Self::Custom => "custom",
        }
    }

    /// Width and height in pixels, frames per second, bit/s. `custom` has none of its own: the numbers of `720p30`
    /// stand where a key is missing (which is an error, reported apart).
    #[must_use]
    pub fn numbers(self) -> (u32, u32, u32, u32) {
        match self {
            Self::P1080 => (1920, 1080, 30, 4_500_000),
            Self::P720 | Self::Custom => (1280, 720, 30, 2_500_000),
            Self::P480 => (854, 480, 30, 1_200_000),
        }
    }
}

/// H.264 profiles (ITU-T H.264 annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum H264Profile {
    /// Constrained baseline.
    ConstrainedBaseline,
    /// Main.
    Main,
    /// High.
    High,
}

/// What one encoder session makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct VideoSettings {
    /// Pixels, even.
    pub width: u32,
    /// Pixels, even.
    pub height: u32,
    /// Frames per second, 1 to 60.
    pub fps: u32,
    /// bit/s, constant.
    pub bitrate: u32,
    /// Seconds between keyframes.
    pub gop_s: f32,
    /// H.264 profile.
    pub h264_profile: H264Profile,
}

/// `[encode]`, resolved: `profile` is kept for display, `video` holds its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncodeConfig {
    /// Named profile.
    pub profile: Profile,
    /// The numbers in force.
    pub video: VideoSettings,
    /// Encoder element to use, or `auto`: the board's table.
    pub encoder: String,
}

/// `[sub]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubConfig {
    /// Whether the small rendition is made.
    pub enabled: bool,
    /// Whether it carries the bare picture, without anything drawn on it.
    pub clean: bool,
    /// Its numbers.
    pub video: VideoSettings,
}

/// RTSP authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RtspAuth {
    /// Digest (RFC 7616 over RTSP), with a password made at first run.
    Digest,
    /// Open to everyone on the network: an explicit choice.
    None,
}

/// `[rtsp]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RtspConfig {
    /// Whether the server runs.
    pub enabled: bool,
    /// Address to listen on.
    pub listen: std::net::IpAddr,
    /// Port; 0: one that the system chooses (tests).
    pub port: u16,
    /// Authentication.
    pub auth: RtspAuth,
    /// User name for digest.
    pub user: String,
    /// Readers at once, over all mounts.
    pub max_readers: u32,
    /// Seconds without a keep-alive until a session is dropped.
    pub session_timeout_s: u32,
    /// PEM certificate; with it RTSPS is served on `tls_port`.
    pub tls_cert: PathBuf,
    /// PEM private key of the certificate.
    pub tls_key: PathBuf,
    /// RTSPS port.
    pub tls_port: u16,
}

/// `[[destination]]`, with the key already read from its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Destination {
    /// Name, unique.
    pub name: DestinationName,
    /// Server and application.
    pub url: StreamUrl,
    /// Stream key.
    pub key: Secret,
    /// Whether it is pushed to when live.
    pub enabled: bool,
    /// Bitrate ceiling in bit/s.
    pub max_bitrate: Option<u32>,
    /// PEM file of a private certificate authority for `rtmps`; empty: the system's.
    pub tls_ca: PathBuf,
}

/// `[adaptive]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveConfig {
    /// Whether the bitrate follows the slowest live destination.
    pub enabled: bool,
    /// Never below this, bit/s.
    pub floor: u32,
}

/// `[slate]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlateConfig {
    /// Own picture (PNG or JPEG); empty: a made one with name and sentence.
    pub picture: PathBuf,
}

/// `[thermal]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThermalConfig {
    /// Whether temperature and supply are watched.
    pub enabled: bool,
    /// File that gives thousandths of a degree Celsius; empty: the board's, else the hottest of the processor's.
    pub sensor: PathBuf,
    /// °C from which the picture is made smaller by a step.
    pub step_down_c: f32,
    /// °C from which it is made as small as can be.
    pub lowest_c: f32,
    /// Seconds for which it must be cool before the picture grows by a step.
    pub recover_s: u32,
}

/// `[paths]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathsConfig {
    /// Folder for what must survive: wanted state, passwords.
    pub state: PathBuf,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// `error`, `warn`, `info`, `debug` or `trace`, or a filter such as `info,boothcast::media=debug`.
    pub level: String,
    /// Whether lines are JSON.
    pub json: bool,
}
