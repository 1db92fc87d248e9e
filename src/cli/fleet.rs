//! `boothcast fleet`: many boxes over MQTT: who is there, what they do, settings in stages, commands.

mod apply;
mod cmd;
mod drive;
mod gather;
mod known;
mod ls;
mod report;
mod rollout;
mod settings;
mod watch;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::broker::args::{BrokerArgs, Reach};
use super::check::ConfigArgs;
use super::outcome::{self, Trouble};

const HELP: &str = "Examples:
  export BOOTHCAST_BROKER=mqtts://broker.example BOOTHCAST_FLEET=shops BOOTHCAST_USER=operator
  export BOOTHCAST_PASSWORD_FILE=$HOME/operator.key
  boothcast fleet ls                                        all boxes, and how they are
  boothcast fleet ls --problem --json                       those with trouble, for programs
  boothcast fleet watch --group hall-2                      a line at each change
  boothcast fleet apply quieter.toml --all --dry-run        what would change
  boothcast fleet apply quieter.toml --all --rollback       1 %, 10 %, 50 %, all; back if more than 1 % get worse
  boothcast fleet cmd overlay/text '{\"text\":\"Back at 14:00\"}' --group hall-2
  boothcast fleet cmd restart --all --spread 600            within ten minutes

Exit codes: 0 done; 1 failed; 2 wrong arguments; 65 a box refuses, or too many got worse; 69 the broker cannot be
reached; 75 somebody did not answer in time; 77 the broker does not allow it; 78 wrong configuration; 130 Ctrl-C.";

/// Arguments of `fleet`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct FleetArgs {
    /// Configuration file whose [mqtt] section leads to the broker
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One key of it, such as mqtt.fleet=shops; may be repeated
    #[arg(long, global = true, value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Over which broker.
    #[command(flatten)]
    pub broker: BrokerArgs,
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum What {
    /// List the boxes: who is online, what they do, versions, health.
    Ls(ls::LsArgs),
    /// Go on and say what changes: a line each, until Ctrl-C.
    Watch(watch::WatchArgs),
    /// Lay settings over those of many boxes, in stages; stop when boxes get worse.
    Apply(apply::ApplyArgs),
    /// Give a command to many boxes, and show what each answered.
    Cmd(cmd::CmdArgs),
}

/// Runs `fleet` for this process; returns the exit code.
#[must_use]
pub fn run(args: &FleetArgs) -> u8 {
    outcome::exit_code(args.json, |out| try_run(args, out))
}

fn try_run(args: &FleetArgs, out: &mut dyn Write) -> Result<(), Trouble> {
    match &args.what {
        What::Ls(ls) => ls::run(ls, &reach(args)?, args.json, out),
        What::Watch(watch) => watch::run(watch, &reach(args)?, args.json, out),
        What::Apply(apply) => apply::run(apply, || reach(args), args.json, out),
        What::Cmd(cmd) => cmd::run(cmd, || reach(args), args.json, out),
    }
}

fn reach(args: &FleetArgs) -> Result<Reach, Trouble> {
    args.broker.reach(&ConfigArgs {
        config: args.config.clone(),
        set: args.set.clone(),
    })
}
