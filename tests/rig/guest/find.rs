//! Where the host has put what was plugged in.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::options::Options;

/// For `--help`.
pub const USAGE: &str = "\
find camera|card SERIAL: waits for the USB device with that serial number and prints the host's /dev/videoN or ALSA
                      card number
  --within MS         how long (5000)";

/// Runs `find`.
pub fn main(options: &Options) -> Result<()> {
    let (kind, serial) = (
        options.at(0, "camera or card")?,
        options.at(1, "the serial number")?,
    );
    let within = Duration::from_millis(options.number("within", 5000)?);
    let found = match kind {
        "camera" => wait(within, || host_video(serial).filter(|node| node.exists()))
            .map(|node| node.display().to_string()),
        "card" => wait(within, || host_card(serial)).map(|card| card.to_string()),
        other => bail!("`{other}`: there are camera and card"),
    };
    println!(
        "{}",
        found.with_context(|| format!(
            "no {kind} with the serial number {serial} came within {within:?}"
        ))?
    );
    Ok(())
}

/// Each V4L2 device: its folder under /sys/class/video4linux and its node.
pub fn video_nodes() -> Vec<(PathBuf, PathBuf)> {
    let Ok(entries) = Path::new("/sys/class/video4linux").read_dir() else {
        return Vec::new();
    };
    let mut nodes: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("video"))
        .map(|entry| (entry.path(), Path::new("/dev").join(entry.file_name())))
        .collect();
    nodes.sort();
    nodes
}

/// The host's capture node of the camera with that serial number. (uvcvideo makes a second node for metadata.)
pub fn host_video(serial: &str) -> Option<PathBuf> {
    video_nodes().into_iter().find_map(|(class, node)| {
        let index = fs::read_to_string(class.join("index")).ok()?;
        (index.trim() == "0" && usb_serial(&class).as_deref() == Some(serial)).then_some(node)
    })
}

/// The host's ALSA card number of the sound card with that serial number.
pub fn host_card(serial: &str) -> Option<u32> {
    let entries = Path::new("/sys/class/sound").read_dir().ok()?;
    entries.flatten().find_map(|entry| {
        let number = entry
            .file_name()
            .to_str()?
            .strip_prefix("card")?
            .parse()
            .ok()?;
        (usb_serial(&entry.path()).as_deref() == Some(serial)).then_some(number)
    })
}

/// The serial number of the USB device whose interface `class` hangs on.
fn usb_serial(class: &Path) -> Option<String> {
    let interface = fs::canonicalize(class.join("device")).ok()?;
    let serial = fs::read_to_string(interface.parent()?.join("serial")).ok()?;
    Some(serial.trim().to_owned())
}

/// Asks every 5 ms until there is an answer or the time is over.
pub fn wait<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + within;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= end {
            return None;
        }
        sleep(Duration::from_millis(5));
    }
}
