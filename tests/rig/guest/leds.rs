//! An LED of the kernel's class, made through `/dev/uleds` (Documentation/leds/uleds.rst), and its brightness told.

use std::fs::OpenOptions;
use std::io::{Read, Write};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::gpio::monotonic_ms;
use crate::options::Options;
use crate::stop;

/// For `--help`.
pub const USAGE: &str = "\
leds: an LED in /sys/class/leds until SIGTERM; prints a JSON line {\"ms\",\"line\",\"level\"} for each change of its
  brightness, where level is 1 for any light; ms is CLOCK_MONOTONIC
    --name TEXT  (rig::status)  --max N  (255)";

/// `LED_MAX_NAME_SIZE` of `linux/uleds.h`; an `int` follows.
const NAME_SIZE: usize = 64;

/// Runs the tool.
pub fn main(options: &Options) -> Result<()> {
    stop::listen();
    let name = options.text("name").unwrap_or("rig::status");
    if name.len() >= NAME_SIZE {
        bail!("--name {name}: longer than {NAME_SIZE} bytes");
    }
    let mut user = name.as_bytes().to_vec();
    user.resize(NAME_SIZE, 0);
    user.extend(options.number("max", 255i32)?.to_ne_bytes());
    let mut device = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/uleds")
        .context("/dev/uleds (is the module uleds there?)")?;
    device.write_all(&user).context("the LED was refused")?;
    let tell = |brightness: i32| {
        let level = u8::from(brightness != 0);
        println!(
            "{}",
            json!({ "ms": monotonic_ms(), "line": 0, "level": level })
        );
    };
    tell(0);
    let mut last = 0;
    while !stop::asked() {
        let mut brightness = [0; 4];
        // Not `read_exact`, which begins anew after a signal.
        match device.read(&mut brightness) {
            Ok(_) => {
                let now = i32::from_ne_bytes(brightness);
                if now != last {
                    tell(now);
                    last = now;
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(())
}
