//! `boothcast doctor`: what is there, what works, what does not and how to mend it. Changes nothing and ends in time,
//! whatever a device does.
//!
//! `system`, `plugins` and the peers in `edge` look; `findings` judges (pure); `render` writes the table.
//! The structure of `--json` is documented at `report`.

mod findings;
mod gpio;
/// The elements that are needed, and the packages that bring them.
pub mod plugins;
mod render;
/// What was seen, as plain data.
pub mod report;
mod system;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::app::live;
use crate::config::board::Detected;
use crate::config::{ButtonConfig, LedConfig, ThermalConfig};
use crate::edge::camera::{self, Wish};
use crate::edge::deadline::within;
use crate::edge::{net, screen, sound};
use crate::error::Result;
use crate::media::overlay::text::{Written, survey};

pub use render::table;
use report::{BoardReport, CameraReport, CardReport, Problem, RoomReport};
pub use report::{EncoderReport, GstReport, Report};

/// How long trying all encoders may take: each is a real encode of a few frames.
const ENCODERS_LIMIT: Duration = Duration::from_secs(90);
/// How long GStreamer may take to look through its plug-ins, for the first time after an installation too.
const GSTREAMER_LIMIT: Duration = Duration::from_secs(60);

/// How long looking through the fonts may take.
const FONTS_LIMIT: Duration = Duration::from_secs(30);

/// Arguments of `boothcast doctor`.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct DoctorArgs {
    /// Print the whole report as JSON instead of the table.
    #[arg(long)]
    pub json: bool,
}

/// What the settings say of the room's pages.
#[derive(Debug, Clone)]
pub struct RoomSetup {
    /// TCP ports: HTTP and HTTPS; 0: any.
    pub ports: (u16, u16),
    /// UDP port of the live picture; `None`: the pages show none.
    pub watch: Option<u16>,
}

/// What the settings in force say.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The board in force.
    pub board: Detected,
    /// Folder for what must survive.
    pub state_dir: PathBuf,
    /// The light.
    pub led: LedConfig,
    /// The button.
    pub button: ButtonConfig,
    /// What is wanted of a camera: the doctor says which mode would be used.
    pub wish: Wish,
    /// At which temperatures the picture is made smaller.
    pub thermal: ThermalConfig,
    /// The name that the box announces, if any.
    pub name: Option<String>,
    /// The room's pages, if there are any.
    pub room: Option<RoomSetup>,
    /// Whether a screen may be used.
    pub screen: bool,
    /// Folder of fonts, and family; empty: those of the system.
    pub fonts: (PathBuf, String),
}

/// Looks, prints to `out`, and says the exit code: 0 when the box can go live with at least the test picture, else 1.
///
/// `encoders` tries the board's encoders; `gstreamer` gets the names of elements and says which of them are installed.
/// Both come from the media side and run on threads of their own, with a time limit.
///
/// # Errors
/// None of what is looked at: only `out` itself, when it cannot be written.
pub fn run(
    args: &DoctorArgs,
    setup: &Setup,
    encoders: impl FnOnce() -> Result<Vec<EncoderReport>> + Send + 'static,
    gstreamer: impl FnOnce(&[&str]) -> Result<GstReport> + Send + 'static,
    out: &mut dyn Write,
) -> std::io::Result<u8> {
    let report = examine(setup, encoders, gstreamer);
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &report)?;
        writeln!(out)?;
    } else {
        out.write_all(table(&report.findings).as_bytes())?;
    }
    out.flush()?;
    Ok(u8::from(!report.can_go_live))
}

/// Looks at everything. See [`run`].
pub fn examine(
    setup: &Setup,
    encoders: impl FnOnce() -> Result<Vec<EncoderReport>> + Send + 'static,
    gstreamer: impl FnOnce(&[&str]) -> Result<GstReport> + Send + 'static,
) -> Report {
    let mut problems = Vec::new();
    let mut note = |what: &str, e: &crate::Error| problems.push(Problem::new(what, e));
    let gst = within(GSTREAMER_LIMIT, "GStreamer", move || {
        gstreamer(&plugins::names())
    })
    .inspect_err(|e| note("gstreamer", e))
    .unwrap_or_default();
    let encoders = within(ENCODERS_LIMIT, "The try of the encoders", encoders)
        .inspect_err(|e| note("encoders", e))
        .unwrap_or_default();
    let cards = sound::list()
        .inspect_err(|e| note("sound", e))
        .unwrap_or_default();
    let fonts = fonts(setup)
        .inspect_err(|e| note("fonts", e))
        .unwrap_or_default();
    let (cameras, camera_problems) = cameras(setup);
    let mut report = Report {
        version: 1,
        boothcast: env!("CARGO_PKG_VERSION"),
        can_go_live: false,
        board: BoardReport {
            id: setup.board.board.id.clone(),
            title: setup.board.board.title.clone(),
            why: setup.board.why.clone(),
        },
        cameras,
        camera_problems,
        capture_cards: cards.into_iter().map(card).collect(),
        problems,
        led: gpio::led(&setup.led),
        button: gpio::button(&setup.button),
        encoders,
        gstreamer: plugins::judge(&gst),
        fonts,
        network: net::look(),
        name: setup.name.clone(),
        screens: setup.screen.then(screen::look),
        room: setup.room.as_ref().map(|room| room_report(room, setup)),
        disk: system::disk(&setup.state_dir),
        clock: net::clock().ok(),
        memory: system::memory(Path::new("/")),
        thermal: system::thermal(&setup.thermal, &setup.board.board),
        findings: Vec::new(),
    };
    report.can_go_live = findings::can_go_live(&report);
    report.findings = findings::judge(&report);
    report
}

fn room_report(room: &RoomSetup, setup: &Setup) -> RoomReport {
    RoomReport {
        port: room.ports.0,
        tls_port: room.ports.1,
        watch_port: room.watch,
        fingerprint: live::keys::fingerprint(&setup.state_dir),
        first_password: live::keys::has_first_password(&setup.state_dir),
    }
}

fn fonts(setup: &Setup) -> Result<Vec<Written>> {
    let (folder, family) = setup.fonts.clone();
    within(FONTS_LIMIT, "The look through the fonts", move || {
        let folder = Some(folder.as_path()).filter(|f| !f.as_os_str().is_empty());
        survey(folder, Some(&family))
    })
}

fn cameras(setup: &Setup) -> (Vec<CameraReport>, Vec<Problem>) {
    let scan = camera::scan();
    let failed = scan
        .failed
        .iter()
        .map(|(path, e)| Problem::new(path.display().to_string(), e))
        .collect();
    let cameras = scan.cameras.into_iter().map(|camera| {
        let choice = camera::choose(&camera.modes, &setup.wish);
        CameraReport {
            usable: choice.is_ok(),
            choice: choice.map_or_else(
                |e| e.message().trim_end_matches('.').to_owned(),
                |c| c.reason,
            ),
            // A camera that gives pictures but no controls is a camera all the same.
            controls: camera::list_controls(&camera.path).unwrap_or_default(),
            camera,
        }
    });
    (cameras.collect(), failed)
}

fn card(card: sound::Card) -> CardReport {
    // Many cards have no mixer: that is no fault of theirs.
    let controls = sound::capture_controls(&card).unwrap_or_default();
    let microphone = sound::main_capture(&card).unwrap_or_default();
    CardReport {
        card,
        controls,
        microphone,
    }
}
