//! `boothcast qr`: codes for the set-up of a box, as a picture and in the terminal.

mod draw;
mod secrets;

use std::io::Write;
use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use serde_json::{Value, json};

use super::outcome::{self, Trouble};
use crate::config::code::{BoxCode, SetupCode, WifiCode};
use crate::config::{BoxId, BoxName, BrokerUrl, FleetName, Secret, StreamUrl};
use draw::Drawn;
use secrets::Secrets;

const EXAMPLES: &str = "Examples:
  boothcast qr wifi --ssid Shop                          ask for the password, show the code here
  boothcast qr wifi --ssid Shop --password-file - --out wifi.png < password.txt
  boothcast qr box --name 'Hall 2' --url rtmps://live.example/app --key-file key.txt --out box.png
  boothcast qr box --url rtmp://10.0.0.5/live --new-claim claim.txt

Show the code to the camera of a box that waits to be set up; of one that is set up, hold its button for 3 s first.
Passwords, keys and tokens come from files (- is standard input: one line each, in the order key, password, claim token),
or are asked for; they are never arguments, which every user of this machine can read. Who sees the code has them, too.";

/// Arguments of `boothcast qr`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct QrArgs {
    /// Which kind.
    #[command(subcommand)]
    pub what: What,
}

/// Kinds of code.
#[derive(Debug, Subcommand)]
pub enum What {
    /// A Wi-Fi network, as phones make them as well.
    Wifi(WifiArgs),
    /// What the box is to be: where it goes live, its name, its fleet, who it belongs to.
    Box(Box<BoxArgs>),
}

/// Where the code goes.
#[derive(Debug, Clone, Args)]
pub struct Output {
    /// Write a PNG, readable by you alone; left out: the code is drawn in the terminal
    #[arg(long, value_name = "FILE.png")]
    pub out: Option<PathBuf>,
    /// Pixels of a module in the PNG, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub scale: u32,
    /// Print what the code holds, without secrets, as JSON
    #[arg(long)]
    pub json: bool,
}

/// `qr wifi`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("way").args(["open", "password_file"])))]
pub struct WifiArgs {
    /// Name of the network
    #[arg(long, value_name = "NAME")]
    pub ssid: String,
    /// The network has no password
    #[arg(long)]
    pub open: bool,
    /// File with the password as its only line; -: standard input; left out: it is asked for
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The network does not say its name
    #[arg(long)]
    pub hidden: bool,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
}

/// `qr box`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("token").args(["claim_file", "new_claim"])))]
pub struct BoxArgs {
    /// Name of the box
    #[arg(long, value_name = "NAME")]
    pub name: Option<BoxName>,
    /// Where it goes live: server and application, without the stream key
    #[arg(long, value_name = "URL")]
    pub url: Option<StreamUrl>,
    /// File with the stream key as its only line; -: standard input; left out: it is asked for
    #[arg(long, value_name = "FILE", requires = "url")]
    pub key_file: Option<PathBuf>,
    /// Its fleet
    #[arg(long, value_name = "NAME")]
    pub fleet: Option<FleetName>,
    /// Its id in the fleet
    #[arg(long, value_name = "ID")]
    pub id: Option<BoxId>,
    /// Broker of the fleet, such as mqtts://broker.example
    #[arg(long, value_name = "URL")]
    pub broker: Option<BrokerUrl>,
    /// User at the broker
    #[arg(long, value_name = "NAME", requires = "broker")]
    pub user: Option<String>,
    /// File with the password at the broker; -: standard input; left out: it is asked for
    #[arg(long, value_name = "FILE", requires = "user")]
    pub password_file: Option<PathBuf>,
    /// File with the claim token: later codes must carry the same; -: standard input
    #[arg(long, value_name = "FILE")]
    pub claim_file: Option<PathBuf>,
    /// Make a claim token and keep it in this file, for later codes
    #[arg(long, value_name = "FILE")]
    pub new_claim: Option<PathBuf>,
    /// Where it goes.
    #[command(flatten)]
    pub output: Output,
}

/// Makes the code; returns the exit code.
#[must_use]
pub fn run(args: &QrArgs) -> u8 {
    let output = match &args.what {
        What::Wifi(args) => &args.output,
        What::Box(args) => &args.output,
    };
    outcome::exit_code(output.json, |out| {
        let mut secrets = Secrets::new();
        let (code, mut said) = match &args.what {
            What::Wifi(args) => wifi(args, &mut secrets)?,
            What::Box(args) => boxed(args, &mut secrets)?,
        };
        show(&code, &mut said, output, out)
    })
}

fn wifi(args: &WifiArgs, secrets: &mut Secrets) -> Result<(SetupCode, Value), Trouble> {
    let password = if args.open {
        None
    } else {
        let file = args.password_file.as_deref();
        Some(secrets.take(&format!("Password of {}", args.ssid), file)?)
    };
    let code = WifiCode {
        ssid: args.ssid.clone(),
        password,
        hidden: args.hidden,
    };
    code.check().map_err(|clause| wrong(&clause))?;
    let said = json!({"kind": "wifi", "ssid": code.ssid, "hidden": code.hidden, "password": code.password});
    Ok((SetupCode::Wifi(code), said))
}

fn boxed(args: &BoxArgs, secrets: &mut Secrets) -> Result<(SetupCode, Value), Trouble> {
    let key = match &args.url {
        Some(url) => Some(secrets.take(
            &format!("Stream key at {}", url.host()),
            args.key_file.as_deref(),
        )?),
        None => None,
    };
    let password = match &args.user {
        Some(user) => Some(secrets.take(
            &format!("Password of {user} at the broker"),
            args.password_file.as_deref(),
        )?),
        None => None,
    };
    let mut code = BoxCode {
        name: args.name.clone(),
        url: args.url.clone(),
        key,
        fleet: args.fleet.clone(),
        id: args.id.clone(),
        broker: args.broker.clone(),
        user: args.user.clone(),
        password,
        claim: None,
    };
    // Looked at before the file is made.
    if code != BoxCode::default() {
        code.check().map_err(|clause| wrong(&clause))?;
    }
    code.claim = match (&args.claim_file, &args.new_claim) {
        (Some(file), _) => Some(secrets.take("Claim token", Some(file))?),
        (None, Some(file)) => Some(secrets::new_claim(file)?),
        (None, None) => None,
    };
    code.check().map_err(|clause| wrong(&clause))?;
    let said = json!({
        "kind": "box",
        "name": code.name,
        "url": code.url.as_ref().map(StreamUrl::redacted),
        "key": code.key,
        "fleet": code.fleet,
        "id": code.id,
        "broker": code.broker,
        "user": code.user,
        "password": code.password,
        "claim": code.claim,
    });
    Ok((SetupCode::Box(Box::new(code)), said))
}

fn wrong(clause: &str) -> Trouble {
    let mut chars = clause.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    Trouble::Usage(format!("{first}{}.", chars.as_str()))
}

fn show(
    code: &SetupCode,
    said: &mut Value,
    output: &Output,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let text: Secret = code.text();
    let drawn = Drawn::of(text.expose()).map_err(Trouble::Usage)?;
    if let Some(file) = &output.out {
        secrets::write(file, &drawn.png(output.scale)?, true)?;
    }
    let share = drawn.share_at_720();
    if output.json {
        said["modules"] = json!(drawn.modules());
        said["bytes"] = json!(text.expose().len());
        said["least_percent_of_height_at_720p"] = json!(share);
        if let Some(file) = &output.out {
            said["out"] = json!(file);
            said["pixels"] = json!(drawn.pixels(output.scale));
        }
        let _ = writeln!(out, "{said:#}");
        return Ok(());
    }
    let size = drawn.modules();
    let hint = format!(
        "{size} by {size} modules. The box reads it where it fills {share} % of the height of a picture of 720 lines, or more."
    );
    let _ = match &output.out {
        Some(file) => writeln!(out, "{}: {hint}", file.display()),
        None => writeln!(out, "{}{hint}", drawn.terminal()),
    };
    Ok(())
}

#[cfg(test)]
mod tests;
