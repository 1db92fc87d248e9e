//! What the doctor saw, as plain data: the structure of `--json`.
//!
//! Fields are only ever added; `version` rises if one changes its meaning. Sizes are bytes, temperatures °C, rates pairs
//! of numerator and denominator in frames per second.
//!
//! ```json
//! { "version": 1, "boothcast": "0.1.0", "can_go_live": true,
//!   "board": { "id": "generic", "title": "PC", "why": "there is no device tree" },
//!   "cameras": [ { "id": "…", "name": "…", "path": "/dev/video0", "modes": [ … ], "choice": "…", … } ],
//!   "camera_problems": [ { "what": "/dev/video2", "sentence": "…", "mend": "…" } ],
//!   "capture_cards": [ { "id": "CARD=USB,DEV=0", "capture": { "state": "openable|not_openable", … }, … } ],
//!   "problems": [ { "what": "sound|encoders|gstreamer|fonts", "sentence": "…", "mend": "…" } ],
//!   "led": { "what": "line 17 (GPIO17) of GPIO chip soc", "chosen_by": "configuration|board|nobody", "usable": true, "problem": null },
//!   "button": { … like led … },
//!   "encoders": [ { "element": "x264enc", "ok": true, "detail": "…" } ],
//!   "gstreamer": { "version": "…", "elements": [ { "names": ["…"], "package": "…", "use": "…", "need": "live", "present": true } ] },
//!   "fonts": [ { "script": "Chinese", "family": "WenQuanYi Micro Hei", "package": "fonts-wqy-microhei" } ],
//!   "network": { "addresses": [ … ], "links": [ … ], "route": { … }, "dns": [ … ] },
//!   "name": "boothcast-3f2a.local", "screens": [ "HDMI-A-1 1920x1080" ],
//!   "room": { "port": 8080, "tls_port": 8443, "watch_port": 8189, "fingerprint": "AB:…", "first_password": true },
//!   "disk": { "folder": "…", "writable": true, "free": 1, "total": 2, "problem": null },
//!   "clock": { "synchronised": true, "offset_ms": 0.1, "max_error_ms": 5.0 },
//!   "memory": { "total": 1, "available": 1 },
//!   "thermal": { "watched": true, "zones": [ { "name": "cpu-thermal", "celsius": 48.3 } ], "celsius": 48.3,
//!     "sensor": "cpu-thermal", "problem": null, "step_down_c": 80.0, "lowest_c": 85.0, "firmware_soft_c": null,
//!     "firmware_limit_c": null, "throttled": null, "under_voltage": null, "power": null },
//!   "findings": [ { "section": "…", "mark": "good|bad|note", "name": "…", "text": "…", "mend": null } ] }
//! ```

use std::path::PathBuf;

use serde::Serialize;

use crate::config::ChosenBy;
use crate::device::control::ControlInfo;
use crate::device::event::PowerState;
use crate::edge::camera::Camera;
use crate::edge::net::{ClockState, Network};
use crate::edge::sound::{CaptureControl, Card, MainCapture};
use crate::edge::thermal::Zone;
use crate::error::Error;
use crate::media::overlay::text::Written;

/// An encoder that was tried with a real encode.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EncoderReport {
    /// Name of the GStreamer element.
    pub element: String,
    /// Whether it gave valid H.264.
    pub ok: bool,
    /// How it went, one clause.
    pub detail: String,
}

/// What the media side says of GStreamer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GstReport {
    /// Version, as people write it.
    pub version: String,
    /// Those of the names asked for that are installed.
    pub present: Vec<String>,
}

/// An element, or several of which one is enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ElementReport {
    /// Names, of which one is enough.
    pub names: &'static [&'static str],
    /// Debian package.
    pub package: &'static str,
    /// What it is used for.
    #[serde(rename = "use")]
    pub use_: &'static str,
    /// When it is needed.
    pub need: super::plugins::Need,
    /// Whether one of them is installed.
    pub present: bool,
}

/// GStreamer and its plug-ins.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Gstreamer {
    /// Version; empty when it did not answer.
    pub version: String,
    /// Elements that the program uses.
    pub elements: Vec<ElementReport>,
}

/// The board.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BoardReport {
    /// Id of the profile in use.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// How that is known: a clause that follows "because".
    pub why: String,
}

/// A camera, what would be done with it, and its controls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CameraReport {
    /// The camera.
    #[serde(flatten)]
    pub camera: Camera,
    /// Mode that would be used with the settings in force and why, or why there is none.
    pub choice: String,
    /// Whether `choice` is a mode.
    pub usable: bool,
    /// Its controls, under the names that commands use.
    pub controls: Vec<ControlInfo>,
}

/// A capture card and its gain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CardReport {
    /// The card.
    #[serde(flatten)]
    pub card: Card,
    /// Its capture volumes and switches.
    pub controls: Vec<CaptureControl>,
    /// The volume and the switch that `boothcast ctl` sets.
    pub microphone: MainCapture,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What: a device node, a part.
    pub what: String,
    /// Why, one sentence.
    pub sentence: String,
    /// What to do about it.
    pub mend: Option<String>,
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, e: &Error) -> Self {
        Self {
            what: what.into(),
            // Without the mend, which has a field of its own.
            sentence: e.message().to_owned(),
            mend: e.mend_text().map(str::to_owned),
        }
    }
}

/// The light or the button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PinReport {
    /// Which line or kernel LED it is; `None`: there is none, or it is not there.
    pub what: Option<String>,
    /// Who chose it.
    pub chosen_by: ChosenBy,
    /// Whether it can be had, or is in use by this program already.
    pub usable: bool,
    /// Why it cannot.
    pub problem: Option<Problem>,
}

/// The state folder and its disk.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Disk {
    /// The folder for what must survive.
    pub folder: PathBuf,
    /// Whether this user can write there, or make it.
    pub writable: bool,
    /// Free for this user.
    pub free: u64,
    /// Size of the disk.
    pub total: u64,
    /// Why it is not writable, one clause.
    pub problem: Option<String>,
}

/// Memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Memory {
    /// In all.
    pub total: u64,
    /// Can be had without swapping.
    pub available: u64,
}

/// Heat and power.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Thermal {
    /// Whether the box watches them (`thermal.enabled`).
    pub watched: bool,
    /// Temperatures.
    pub zones: Vec<Zone>,
    /// The temperature that counts.
    pub celsius: Option<f32>,
    /// The sensor that gives it.
    pub sensor: Option<String>,
    /// Why there is none, where there should be one.
    pub problem: Option<Problem>,
    /// From this temperature on the picture is a step smaller (`thermal.step_down_c`).
    pub step_down_c: f32,
    /// From this temperature on the picture is as small as can be (`thermal.lowest_c`).
    pub lowest_c: f32,
    /// From this temperature on the board's firmware slows the processor down, where that is known.
    pub firmware_soft_c: Option<f32>,
    /// At this temperature it slows it down hard.
    pub firmware_limit_c: Option<f32>,
    /// The firmware's bits (Raspberry Pi): 0 under-voltage, 1 clock capped, 2 throttled, 3 soft limit; 16 to 19: has been.
    pub throttled: Option<u32>,
    /// The power supply's voltage was too low within the last seconds, where it is measured.
    pub under_voltage: Option<bool>,
    /// Both together, as the box judges them; nothing where the board says nothing.
    pub power: Option<PowerState>,
}

/// The room's pages, as the settings and the state folder say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RoomReport {
    /// TCP port; 0: any.
    pub port: u16,
    /// TCP port of HTTPS; 0: any.
    pub tls_port: u16,
    /// UDP port of the live picture; absent: the pages show none.
    pub watch_port: Option<u16>,
    /// SHA-256 of the certificate, as browsers show it; absent until the box has run once.
    pub fingerprint: Option<String>,
    /// The owner's password is the one that the box made.
    pub first_password: bool,
}

/// Good, bad, or worth a note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// As it should be.
    Good,
    /// Should be mended.
    Bad,
    /// Neither: not there, not needed, not known.
    Note,
}

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Section that it belongs to.
    pub section: &'static str,
    /// Good or bad.
    pub mark: Mark,
    /// What was looked at.
    pub name: String,
    /// What was seen.
    pub text: String,
    /// What to do about it; every bad finding has one.
    pub mend: Option<String>,
}

/// Everything that the doctor saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Of this structure.
    pub version: u32,
    /// Of the program.
    pub boothcast: &'static str,
    /// Whether the box can go live with at least the test picture.
    pub can_go_live: bool,
    /// Board profile.
    pub board: BoardReport,
    /// Cameras.
    pub cameras: Vec<CameraReport>,
    /// Cameras that could not be looked at.
    pub camera_problems: Vec<Problem>,
    /// Capture cards.
    pub capture_cards: Vec<CardReport>,
    /// Other parts that could not be looked at.
    pub problems: Vec<Problem>,
    /// The light.
    pub led: PinReport,
    /// The button.
    pub button: PinReport,
    /// Encoders in the order in which they are tried.
    pub encoders: Vec<EncoderReport>,
    /// GStreamer.
    pub gstreamer: Gstreamer,
    /// Scripts that can be written on the picture, and by which fonts.
    pub fonts: Vec<Written>,
    /// Network.
    pub network: Network,
    /// The name by which the box is found on the network (mDNS), where it announces one.
    pub name: Option<String>,
    /// Screens that are plugged in, with their best mode; absent where none may be used.
    pub screens: Option<Vec<String>>,
    /// The room's pages; absent where there are none.
    pub room: Option<RoomReport>,
    /// State folder.
    pub disk: Disk,
    /// The kernel's clock, where it can be read.
    pub clock: Option<ClockState>,
    /// Memory.
    pub memory: Memory,
    /// Heat and power.
    pub thermal: Thermal,
    /// The above, judged: the lines of the table.
    pub findings: Vec<Finding>,
}
