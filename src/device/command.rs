//! What the box can be told to do, and by whom. Plain data: the reply channel travels in an envelope around it.
//!
//! A command's name over MQTT is its name here with the first `-` written as `/`: `live-start` is `live/start`. Those of
//! [`ONE_WORD`] are written the same in both places.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::control::{ControlName, ControlValue};
use super::notice::{Banner, Notice};
use super::stage::{DanmakuChange, Layer, Logo, ModerationChange, Poll, Product};
use crate::config::{DestinationName, Profile, Secret, StreamUrl, VideoSettings};
use crate::room::item::{Alert, Comment, ItemId};
use crate::room::live::act::Act;

/// The name of the one that is urgent ([`Command::is_urgent`]), here and in topics.
pub const URGENT: &str = "panic";

/// Names whose `-` is part of a word: no `/` stands for it over MQTT.
pub const ONE_WORD: [&str; 1] = ["lower-third"];

/// A command's name in a topic, such as `live/start`, by its name here, such as `live-start`.
#[must_use]
pub fn topic_name(name: &str) -> String {
    if ONE_WORD.contains(&name) {
        return name.to_owned();
    }
    name.replacen('-', "/", 1)
}

/// The other way round; `None`: no command is written so in a topic. Each has one way to be written, so that an access
/// list that names `cmd/live/#` cannot be got round.
#[must_use]
pub fn name_of_topic(topic: &str) -> Option<String> {
    let name = topic.replacen('/', "-", 1);
    (topic_name(&name) == topic).then_some(name)
}

/// One order to the box. `Debug` gives its JSON without secrets, fit for the log.
#[derive(Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "name", content = "args", rename_all = "kebab-case")]
pub enum Command {
    /// Push to all enabled destinations.
    LiveStart,
    /// Push to nobody; RTSP goes on.
    LiveStop,
    /// The two in one, for switches.
    LiveSet {
        /// Push, or not.
        live: bool,
    },
    /// Add a destination, or change one that was added so; kept across restarts.
    DestinationSet {
        /// Its name; not that of a destination of the configuration file.
        destination: DestinationName,
        /// Server and application, without the stream key.
        url: StreamUrl,
        /// Stream key; left out: the one that it has.
        #[serde(default)]
        key: Option<Secret>,
        /// On or off; left out: as it is, on if it is new.
        #[serde(default)]
        enabled: Option<bool>,
        /// Highest bitrate of the picture while it is live, bit/s; left out: no ceiling.
        #[serde(default)]
        max_bitrate: Option<u32>,
    },
    /// Forget a destination that was added by command.
    DestinationRemove {
        /// Which.
        destination: DestinationName,
    },
    /// Switch one destination on or off.
    DestinationEnable {
        /// Which.
        destination: DestinationName,
        /// On or off.
        enabled: bool,
    },
    /// Encode the main rendition differently: exactly one of `profile` and `video`.
    ProfileSet {
        /// A named profile, with its usual bitrate.
        #[serde(default)]
        profile: Option<Profile>,
        /// Another bitrate for it, bit/s.
        #[serde(default)]
        bitrate: Option<u32>,
        /// Numbers of one's own.
        #[serde(default)]
        video: Option<VideoSettings>,
    },
    /// Change the main rendition's bitrate without a new session.
    BitrateSet {
        /// bit/s.
        bitrate: u32,
    },
    /// Sound off or on.
    AudioMute {
        /// Off or on.
        muted: bool,
    },
    /// Digital gain.
    AudioGain {
        /// dB, −60 to +30.
        gain_db: f32,
    },
    /// Sound later than picture.
    AudioOffset {
        /// Milliseconds, −2000 to +2000.
        offset_ms: i32,
    },
    /// Set a control of the camera by name; kept, and set again whenever the camera comes back.
    CameraControl {
        /// Which.
        control: ControlName,
        /// To what.
        value: ControlValue,
    },
    /// Give a control of the camera its default and forget what was wanted of it.
    CameraControlReset {
        /// Which; `None`: all of them.
        #[serde(default)]
        control: Option<ControlName>,
    },
    /// Capture volume of the sound card itself (before the digital gain); kept, and set again when the card returns.
    MicVolume {
        /// Per cent of the card's range, 0 to 100.
        percent: u8,
    },
    /// Capture switch of the sound card itself; kept, and set again when the card returns.
    MicSwitch {
        /// Lets sound through.
        on: bool,
    },
    /// Write a line on the picture.
    OverlayText(Banner),
    /// Take the line off the picture.
    OverlayClear,
    /// Show a chat notification on the picture for a while.
    Notify(Notice),
    /// Show a comment of the audience on the picture, after moderation.
    Danmaku(Comment),
    /// Show an alert of the audience on the picture, after moderation, when its turn comes.
    Alert(Alert),
    /// What waits for somebody's decision before it is shown.
    ModerationQueue,
    /// Show something that waits.
    ModerationApprove {
        /// Which, as the queue names it.
        item: ItemId,
    },
    /// Never show something that waits; take it off where it is shown already.
    ModerationReject {
        /// Which, as the queue names it.
        item: ItemId,
    },
    /// Run the live room: polls, questions, products, draws, announcements, moderation.
    RoomAct(Act),
    /// Show a title on the picture, or who is speaking; without a name it goes.
    LowerThird {
        /// The large line, 1 to 60 characters; left out: it goes.
        #[serde(default)]
        name: Option<String>,
        /// The small line, 1 to 100 characters.
        #[serde(default)]
        line: Option<String>,
        /// Seconds until it goes, 1 to 86,400; left out: it stays until it is taken off.
        #[serde(default)]
        seconds: Option<u32>,
    },
    /// Let a line run along the bottom of the picture; without a text it goes.
    Ticker {
        /// 1 to 500 characters; left out: it goes.
        #[serde(default)]
        text: Option<String>,
    },
    /// Count down on the picture: exactly one of `seconds` and `until`, or neither, and it goes.
    Countdown {
        /// What begins, 1 to 60 characters.
        #[serde(default)]
        title: Option<String>,
        /// How long from now, s, 1 to 31,536,000.
        #[serde(default)]
        seconds: Option<u32>,
        /// Until when, in seconds since 1970-01-01 UTC, within a year from now.
        #[serde(default)]
        until: Option<i64>,
        /// When this was handed in, in seconds since 1970-01-01 UTC: the supervisor says it, as the core has no clock.
        #[serde(skip)]
        now: Option<i64>,
    },
    /// Show a product on the picture, with a QR code of its address.
    ProductPin(Product),
    /// Take it off.
    ProductUnpin,
    /// Show a poll on the picture, or its new numbers.
    PollShow(Poll),
    /// Take it off.
    PollHide,
    /// Show a logo on the picture; what is left out stays as it is, or as it is configured.
    Logo {
        /// Forget the logo that was set so, and show none.
        #[serde(default)]
        off: bool,
        /// Which, where and how large.
        #[serde(flatten)]
        logo: Logo,
    },
    /// Show a layer of the overlay that was hidden.
    LayerShow {
        /// Which.
        layer: Layer,
    },
    /// Hide a layer of the overlay until it is shown again.
    LayerHide {
        /// Which.
        layer: Layer,
    },
    /// Change how comments run over the picture; what is left out stays.
    DanmakuSet {
        /// Forget what was changed before: as configured, but for what stands beside.
        #[serde(default)]
        reset: bool,
        /// What is changed.
        #[serde(flatten)]
        change: DanmakuChange,
    },
    /// Change when the audience's text is shown.
    ModerationSet(ModerationChange),
    /// Take everything of the audience off the picture at once, and show nothing more of it until this is taken back.
    Panic {
        /// False: take it back.
        #[serde(default = "yes")]
        on: bool,
    },
    /// Settings of an operator, applied key by key ([`super::desired`]).
    DesiredApply {
        /// Only rises.
        version: u64,
        /// What is wanted; what is left out stays as it is.
        #[schemars(with = "super::settings::Settings")]
        settings: serde_json::Value,
    },
    /// A picture of what is on air, as JPEG.
    Snapshot {
        /// Largest width in pixels, 64 to 3840.
        #[serde(default)]
        max_width: Option<u32>,
    },
    /// How the box is.
    Status,
    /// The last lines of the log, without secrets.
    Logs {
        /// How many, 1 to 1000; left out: 100.
        #[serde(default)]
        lines: Option<u32>,
    },
    /// Check a configuration file without using it.
    ConfigValidate {
        /// Its text.
        toml: String,
    },
    /// Blink and say the address, so that a person finds the box.
    Identify,
    /// Let codes that are shown to the camera, and the page of the box, set it up anew: for 10 minutes, or no more.
    SetupOpen {
        /// Open, or close.
        #[serde(default = "yes")]
        open: bool,
    },
    /// Install a new version of the box's software from a signed bundle; the box restarts by itself and keeps it if it
    /// does well.
    UpdateInstall {
        /// A path on the box, or an `https://` or `http://` address.
        source: String,
        /// Also while the box is live.
        #[serde(default)]
        force: bool,
        /// Take also a version that is not newer.
        #[serde(default)]
        downgrade: bool,
    },
    /// Go back to the version in the other slot.
    UpdateRollback {
        /// Also while the box is live, or during a trial.
        #[serde(default)]
        force: bool,
    },
    /// End the program in order and start it anew.
    Restart,
    /// Start the machine anew.
    Reboot,
    /// Forget settings, passwords and what was wanted, and begin anew.
    FactoryReset,
    /// End in order.
    Shutdown,
}

fn yes() -> bool {
    true
}

impl Command {
    /// [`Command::ProfileSet`] with numbers of one's own.
    #[must_use]
    pub fn video(video: VideoSettings) -> Self {
        Self::ProfileSet {
            profile: None,
            bitrate: None,
            video: Some(video),
        }
    }

    /// Whether it only asks: then nothing is changed, and it may be asked again at any time.
    #[must_use]
    pub fn only_asks(&self) -> bool {
        matches!(
            self,
            Self::Snapshot { .. }
                | Self::Status
                | Self::Logs { .. }
                | Self::ConfigValidate { .. }
                | Self::ModerationQueue
        )
    }

    /// Whether the room answers it: it is about what the audience says, and the core knows nothing of that.
    #[must_use]
    pub fn is_for_room(&self) -> bool {
        matches!(
            self,
            Self::Notify(_)
                | Self::Danmaku(_)
                | Self::Alert(_)
                | Self::ModerationQueue
                | Self::ModerationApprove { .. }
                | Self::ModerationReject { .. }
        )
    }

    /// Whether it gets past whatever else waits, and past limits of rate that others have used up: what is burnt into the
    /// picture now cannot be called back. Taking it back goes the same way, so that the two keep their order.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        matches!(self, Self::Panic { .. })
    }

    /// The same command as handed in at `unix_s`, seconds since 1970-01-01 UTC: the core has no clock of that kind.
    #[must_use]
    pub fn at(mut self, unix_s: i64) -> Self {
        if let Self::Countdown { now, .. } = &mut self {
            *now = Some(unix_s);
        }
        self
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Keys stand in there as plain text, under names that may be misspelt.
            Self::DesiredApply { version, settings } => {
                let keys = settings.as_object().map(|o| o.keys().collect::<Vec<_>>());
                write!(f, "desired-apply version {version} of {keys:?}")
            }
            Self::ConfigValidate { toml } => write!(f, "config-validate of {} bytes", toml.len()),
            other => match serde_json::to_value(other) {
                Ok(mut json) => {
                    without_picture(&mut json);
                    write!(f, "{json}")
                }
                Err(_) => f.write_str("a command that is no JSON"),
            },
        }
    }
}

/// A picture is of no use in a log, and long.
fn without_picture(command: &mut serde_json::Value) {
    if let Some(picture) = command.pointer_mut("/args/picture")
        && let Some(base64) = picture.as_str()
    {
        *picture = format!("{} bytes of base64", base64.len()).into();
    }
}

/// Where a command came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// A signal to the process.
    Signal,
    /// The command line.
    Cli,
    /// MQTT.
    Mqtt,
    /// The web pages.
    Web,
    /// The button on the box.
    Button,
    /// A schedule.
    Schedule,
}
