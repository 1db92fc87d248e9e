//! The command line.

/// Which broker, and asking boxes over it.
pub mod broker;
/// `boothcast check`.
pub mod check;
/// `boothcast ctl`.
pub mod ctl;
/// `boothcast doctor`.
pub mod doctor;
/// `boothcast fleet`.
pub mod fleet;
mod outcome;
/// `boothcast preview-overlay`.
pub mod preview;
/// `boothcast qr`.
pub mod qr;
/// `boothcast run`.
pub mod run;
/// `boothcast system`.
pub mod system;
mod table;

use std::io::Write as _;

use clap::{CommandFactory, Parser, Subcommand};

/// A camera box: camera and microphone in, RTSP and RTMP out.
#[derive(Debug, Parser)]
#[command(name = "boothcast", version, about, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Sub,
}

const EXAMPLES: &str = "Examples:
  boothcast run                              run with what is found on this machine
  boothcast run -c my.toml                   run with a configuration of your own
  boothcast run --set rtsp.port=9000         change one key for this run
  boothcast check -c my.toml                 find every mistake in a configuration
  boothcast doctor                           see what this machine has and lacks
  boothcast ctl status                       see how the running box is; ctl --help: command it
  boothcast fleet ls                         see how all boxes are, over MQTT
  boothcast qr wifi --ssid Shop              make a QR code that a new box is shown
  boothcast preview-overlay scene.toml out.png   see the overlay without a camera
  boothcast completions bash > ~/.local/share/bash-completion/completions/boothcast

Exit codes: 0 well, 1 failed, 2 wrong arguments, 78 wrong configuration;
those of ctl and fleet: see boothcast ctl --help and boothcast fleet --help.";

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Sub {
    /// Run the box until Ctrl-C or SIGTERM.
    Run(run::RunArgs),
    /// Check the configuration: every mistake with file, line and key.
    Check(check::CheckArgs),
    /// Look at this machine: cameras, sound cards, encoders, network, disk, clock.
    Doctor(run::DoctorCliArgs),
    /// Command and watch a box: the one on this machine, or any over MQTT.
    Ctl(ctl::CtlArgs),
    /// Many boxes over MQTT: list, watch, settings in stages, commands.
    Fleet(fleet::FleetArgs),
    /// Draw what a scene file says onto a picture, without a camera.
    PreviewOverlay(preview::PreviewArgs),
    /// Make QR codes that set up a box that sees them.
    Qr(qr::QrArgs),
    /// What the box's own services do.
    #[command(hide = true)]
    System(system::SystemArgs),
    /// Print shell completions.
    Completions {
        /// For which shell.
        shell: clap_complete::Shell,
    },
}

/// Runs a parsed command line; returns the exit code.
#[must_use]
pub fn main(cli: Cli) -> u8 {
    match cli.command {
        Sub::Run(args) => run::run(&args),
        Sub::Check(args) => check::run(&args),
        Sub::Doctor(args) => run::doctor(&args),
        Sub::Ctl(args) => ctl::run(&args),
        Sub::Fleet(args) => fleet::run(&args),
        Sub::PreviewOverlay(args) => preview::run(&args),
        Sub::Qr(args) => qr::run(&args),
        Sub::System(args) => system::run(&args),
        Sub::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "boothcast", &mut script);
            u8::from(std::io::stdout().write_all(&script).is_err())
        }
    }
}
