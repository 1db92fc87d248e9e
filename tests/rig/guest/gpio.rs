//! A GPIO chip of gpio-sim: making one, watching its lines' levels, pressing its buttons.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::gadget::modprobe;
use crate::options::Options;
use crate::stop;

/// For `--help`.
pub const USAGE: &str = "\
gpio ACTION: a GPIO chip of gpio-sim. Its folder has a file sim_gpioN/value and sim_gpioN/pull for each line
  chip                makes one, keeps it until SIGTERM, prints its folder
    --lines N  (8)  --label TEXT  (rig2)  --names A,B,…  of the first lines
  sample              prints a JSON line {\"ms\",\"line\",\"level\"} for each level at the start and each change of one,
                      until SIGTERM; ms is CLOCK_MONOTONIC, so that lines of several samplers can be compared
    --dir FOLDER  (/run/gpio)  --line N[,N…]  (0)  --every MS  (2)
  press               pulls a line for a time and lets go, prints {\"ms\",\"pressed_ms\"} with its start and true length
    --dir FOLDER  --line N  (0)  --ms N  (120)  --bounce N  edges of bounce before and after, 0.5 to 3 ms apart (0)
    --active-low      pressed is pulled down (else up)";

const CONFIGFS: &str = "/sys/kernel/config/gpio-sim";

/// Runs the action.
pub fn main(options: &Options) -> Result<()> {
    stop::listen();
    match options.at(0, "the action (chip, sample or press)")? {
        "chip" => chip(options),
        "sample" => sample(options),
        "press" => press(options),
        other => bail!("there is no action `{other}`; there are chip, sample and press"),
    }
}

struct Chip(PathBuf);

impl Drop for Chip {
    fn drop(&mut self) {
        let _off = fs::write(self.0.join("live"), "0");
        let bank = self.0.join("bank0");
        for line in bank.read_dir().into_iter().flatten().flatten() {
            let _own = fs::remove_dir(line.path());
        }
        let _gone = fs::remove_dir(&bank).and_then(|()| fs::remove_dir(&self.0));
    }
}

fn chip(options: &Options) -> Result<()> {
    modprobe(&["gpio-sim"])?;
    let label = options.text("label").unwrap_or("rig2");
    let chip = Chip(Path::new(CONFIGFS).join(label));
    let bank = chip.0.join("bank0");
    fs::create_dir_all(&bank).with_context(|| format!("cannot make {}", bank.display()))?;
    set(
        &bank,
        "num_lines",
        &options.number("lines", 8u32)?.to_string(),
    )?;
    set(&bank, "label", label)?;
    for (index, name) in options
        .text("names")
        .into_iter()
        .flat_map(|names| names.split(','))
        .enumerate()
    {
        let line = bank.join(format!("line{index}"));
        fs::create_dir(&line).with_context(|| format!("cannot make {}", line.display()))?;
        set(&line, "name", name)?;
    }
    set(&chip.0, "live", "1")?;
    let read = |path: PathBuf| {
        fs::read_to_string(&path)
            .map(|text| text.trim().to_owned())
            .with_context(|| format!("cannot read {}", path.display()))
    };
    let (device, name) = (
        read(chip.0.join("dev_name"))?,
        read(bank.join("chip_name"))?,
    );
    println!("/sys/devices/platform/{device}/{name}");
    while !stop::asked() {
        sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn sample(options: &Options) -> Result<()> {
    let lines = options.text("line").unwrap_or("0");
    let lines: Vec<u32> = lines
        .split(',')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .with_context(|| format!("--line {lines}: not a list of numbers"))?;
    let every = Duration::from_millis(options.number("every", 2)?);
    let mut last = vec![None; lines.len()];
    while !stop::asked() {
        for (line, last) in lines.iter().zip(&mut last) {
            let path = line_file(options, *line, "value");
            let level = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let level = u8::from(level.trim() == "1");
            if *last != Some(level) {
                *last = Some(level);
                println!(
                    "{}",
                    json!({ "ms": monotonic_ms(), "line": line, "level": level })
                );
            }
        }
        sleep(every);
    }
    Ok(())
}

fn press(options: &Options) -> Result<()> {
    let line = options.number("line", 0)?;
    let path = line_file(options, line, "pull");
    let (pressed, released) = if options.has("active-low") {
        ("pull-down", "pull-up")
    } else {
        ("pull-up", "pull-down")
    };
    let pull =
        |to: &str| fs::write(&path, to).with_context(|| format!("cannot write {}", path.display()));
    let bounces: u32 = options.number("bounce", 0)?;
    let bounce = |to: &str, back: &str| -> Result<()> {
        for edge in 0..bounces {
            pull(if edge % 2 == 0 { to } else { back })?;
            // Uneven, as contacts are, and the same each time.
            sleep(Duration::from_micros(500 + u64::from(edge * 7 % 6) * 500));
        }
        pull(to)
    };
    let (begun, at) = (Instant::now(), monotonic_ms());
    bounce(pressed, released)?;
    let hold = Duration::from_millis(options.number("ms", 120)?);
    while begun.elapsed() < hold && !stop::asked() {
        let left = hold.saturating_sub(begun.elapsed());
        sleep(left.min(Duration::from_millis(100)));
    }
    let length = begun.elapsed();
    bounce(released, pressed)?;
    println!(
        "{}",
        json!({ "ms": at, "pressed_ms": length.as_secs_f64() * 1e3 })
    );
    Ok(())
}

fn line_file(options: &Options, line: u32, name: &str) -> PathBuf {
    let dir = options.text("dir").unwrap_or("/run/gpio");
    Path::new(dir).join(format!("sim_gpio{line}")).join(name)
}

fn set(dir: &Path, name: &str, value: &str) -> Result<()> {
    let path = dir.join(name);
    fs::write(&path, value).with_context(|| format!("cannot write {value:?} to {}", path.display()))
}

/// `CLOCK_MONOTONIC` in ms.
pub fn monotonic_ms() -> f64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: writes the structure it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
}
