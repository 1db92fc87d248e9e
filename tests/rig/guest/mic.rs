//! A USB sound card with a microphone. What is played into the gadget's card (`hw:UAC2Gadget`) by the tool `tone` is
//! what the host records from it.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::json;

use crate::commands::{Commands, poll, poll_fd};
use crate::gadget::{Gadget, Identity, MicSpec};
use crate::options::Options;
use crate::stop;

/// For `--help`.
pub const USAGE: &str = "\
mic: a USB sound card on an emulated port; SIGTERM pulls it out and takes it away
  --socket PATH       where it takes commands (/run/NAME.sock)
  --name NAME         folder in configfs (mic0)      --product TEXT    (Rig Microphone)
  --serial TEXT       (RIGMIC1)                      --port N          emulated controller (1)
  --rates LIST        Hz, for example 44100,48000 (48000)
  --channels N        (1)                            --sample-bytes N  2, 3 or 4 (2)
  --no-volume         without volume control and switch
  --unplugged         do not plug it in yet
commands: plug, unplug, state (JSON)";

/// Runs the card until a signal.
pub fn main(options: &Options) -> Result<()> {
    stop::listen();
    let name = options.text("name").unwrap_or("mic0").to_owned();
    let commands = Commands::listen(options, &name)?;
    let rates = options.text("rates").unwrap_or("48000");
    let spec = MicSpec {
        rates: rates.split(',').map(str::parse).collect::<Result<_, _>>()?,
        channels: options.number("channels", 1)?,
        sample_bytes: options.number("sample-bytes", 2)?,
        volume: !options.has("no-volume"),
    };
    if !(1..=27).contains(&spec.channels) {
        bail!("--channels {}: there can be 1 to 27", spec.channels);
    }
    let identity = Identity {
        name,
        product: options
            .text("product")
            .unwrap_or("Rig Microphone")
            .to_owned(),
        serial: options.text("serial").unwrap_or("RIGMIC1").to_owned(),
        ids: (0x1d6b, 0x0101),
        port: options.number("port", 1)?,
    };
    let gadget = Gadget::mic(&identity, &spec)?;
    if !options.has("unplugged") {
        gadget.plug()?;
    }
    while !stop::asked() {
        poll(
            &mut [poll_fd(commands.fd(), libc::POLLIN)],
            Duration::from_millis(500),
        );
        commands.serve(|command| {
            match command {
                "plug" if !gadget.plugged() => gadget.plug()?,
                "plug" => {}
                "unplug" => gadget.unplug()?,
                "state" => return Ok(json!({ "plugged": gadget.plugged() }).to_string()),
                other => bail!("`{other}` is not a command; there are plug, unplug, state"),
            }
            Ok("ok".to_owned())
        });
    }
    Ok(())
}
