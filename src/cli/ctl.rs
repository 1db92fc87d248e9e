//! `boothcast ctl`: command and watch a box: the one that runs on this machine over its control socket, or any over MQTT.

mod afar;
mod audience;
mod camera;
mod client;
mod find;
mod group;
mod order;
mod page;
mod peer;
mod raw;
mod snapshot;
mod stage;
mod texts;
mod update;
mod values;
mod watch;
mod what;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::broker::args::{BrokerArgs, Whom};
use super::check::ConfigArgs;
use super::outcome::{self, Trouble, accepted};
use afar::Afar;
use peer::Peer;
pub use what::What;

const HELP: &str = "Examples:
  boothcast ctl status                              how the box is
  boothcast ctl status --watch --json               a line of JSON at each change
  boothcast ctl live start                          push to the enabled destinations
  boothcast ctl camera list                         what the camera can be told
  boothcast ctl camera set brightness 120
  boothcast ctl camera set power_line_frequency \"50 Hz\"
  boothcast ctl profile bitrate 1500k
  boothcast ctl destination set youtube rtmps://a.rtmps.youtube.com/live2 --key-file youtube.key
  boothcast ctl overlay text \"Back at 14:00\" --seconds 600
  boothcast ctl lower-third \"Ada Lovelace\" \"Countess of computing\" --seconds 8
  boothcast ctl countdown 20:15 \"Doors open\"
  boothcast ctl product pin \"Cap\" \"19.90 €\" --picture cap.png --url https://shop.example/cap
  boothcast ctl update install https://updates.example/boothcast-arm64-1.3.0.raucb
  boothcast ctl panic                               everything of the audience off, and kept off
  boothcast ctl snapshot -o now.jpg --max-width 640

Any box over MQTT, once BOOTHCAST_BROKER=mqtts://broker.example (or --broker, or mqtt.broker) is said:
  boothcast ctl --box kasse-3 status
  boothcast ctl --box kasse-3 live start --timeout 20
  boothcast ctl --group hall-2 audio mute --spread 5 --expect 12

Exit codes: 0 done, or so already; 1 failed; 2 wrong arguments; 65 the box (or its camera) refuses; 69 no box is
running here, or the broker cannot be reached; 75 no answer in time, or busy: try again; 77 you may not command this
box; 78 wrong configuration. With --group 0 says that all who answered did it, and that as many did as --expect says.";

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
    /// Which box.
    #[command(flatten)]
    pub whom: Whom,
    /// Over which broker.
    #[command(flatten)]
    pub broker: BrokerArgs,
    /// What to do.
    #[command(subcommand)]
    pub what: What,
}

/// Runs `ctl` for this process; returns the exit code.
#[must_use]
pub fn run(args: &CtlArgs) -> u8 {
    outcome::exit_code(args.json, |out| try_run(args, out))
}

fn try_run(args: &CtlArgs, out: &mut dyn Write) -> Result<(), Trouble> {
    check(args)?;
    if let Some(group) = &args.whom.group {
        return group::run(args, group, out);
    }
    // What is read from files and standard input is read before anybody is troubled.
    let order = order::order(&args.what)?;
    let peer = &mut connect(args)?;
    let json = args.json;
    let command = match (&args.what, order) {
        (What::Status { watch: true }, _) => return watch::run(peer, json, out),
        (What::Status { watch: false }, _) => {
            let status = peer.status()?;
            return show(json, &status, &page::status(&status), out);
        }
        (What::Setup(what::Setup::Show), _) => {
            let setup = &peer.status()?["setup"];
            let said = Some(page::setup(setup)).filter(|said| !said.is_empty());
            let page = format!("Set-up: {}.\n", said.as_deref().unwrap_or("closed"));
            return show(json, setup, &page, out);
        }
        (What::Camera(camera), _) => return camera::run(camera, peer, json, out),
        (What::Update(update), _) => return update::run(update, peer, json, out),
        (What::Snapshot(snapshot), _) => return snapshot::run(snapshot, peer, json, out),
        (What::Raw { text }, _) => return raw::run(peer, &raw::request(text)?, out),
        (What::Profile(sub), None) => order::custom(*sub, &peer.status()?)?,
        (_, Some(command)) => command,
        (_, None) => return Err(Trouble::Usage("There is nothing to do.".into())),
    };
    let said = peer.command(&command)?;
    match &args.what {
        What::Moderation(audience::Moderation::Queue) => audience::queue(&said, json, out),
        What::Room(_) => audience::acted(&said, json, out),
        What::Notify(_) | What::Danmaku(_) | What::Alert(_) => audience::taken(&said, json, out),
        What::Logs { .. } => texts::logs(&said, json, out),
        What::Config(_) => texts::validated(&said, json, out),
        _ => show(json, &said, &accepted(&said), out),
    }
}

fn connect(args: &CtlArgs) -> Result<Peer, Trouble> {
    let Some(id) = &args.whom.id else {
        let client = find::connect(args.socket.as_deref(), &config_args(args))?;
        return Ok(Peer::Here(client));
    };
    let leaves: &[&str] = match &args.what {
        What::Status { watch: true } => &["status"],
        What::Snapshot(_) => &["snapshot"],
        _ => &[],
    };
    let reach = args.broker.reach(&config_args(args))?;
    Ok(Peer::Afar(Box::new(Afar::connect(reach, id, leaves)?)))
}

/// What is wrong with the arguments is said whether or not a box is running.
fn check(args: &CtlArgs) -> Result<(), Trouble> {
    let usage = |text: &str| Err(Trouble::Usage(text.to_owned()));
    let afar = args.whom.id.is_some() || args.whom.group.is_some();
    if let Some(flag) = args.broker.first_given().filter(|_| !afar) {
        return usage(&format!(
            "{flag} is for boxes over MQTT: add --box ID or --group NAME."
        ));
    }
    if afar && args.socket.is_some() {
        return usage("--socket leads to the box on this machine; leave --box and --group out.");
    }
    if args.whom.group.is_none() && (args.whom.spread.is_some() || args.whom.expect.is_some()) {
        return usage("--spread and --expect are for --group.");
    }
    match &args.what {
        What::FactoryReset { yes: false } => usage(
            "The box would forget its settings and passwords. Add --yes if that is what you want.",
        ),
        What::Reboot { yes: false } => {
            usage("The machine would start anew. Add --yes if that is what you want.")
        }
        What::Snapshot(snapshot) => snapshot::check(snapshot, args.json),
        What::Raw { text } => raw::request(text).and_then(|request| match afar {
            true => raw::command(&request).map(drop),
            false => Ok(()),
        }),
        _ => Ok(()),
    }
}

fn config_args(args: &CtlArgs) -> ConfigArgs {
    ConfigArgs {
        config: args.config.clone(),
        set: args.set.clone(),
    }
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

#[cfg(test)]
mod tests;
