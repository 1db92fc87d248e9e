//! Temperature and power supply of the board, as the kernel tells them in sysfs. Reads only.
//!
//! **Temperature**: `thermal_zone*/temp`, thousandths of a degree Celsius (Linux
//! `Documentation/driver-api/thermal/sysfs-api.rst`). What cannot be a processor's temperature is refused, so that a
//! broken sensor neither shrinks the picture nor hides heat.
//!
//! **Supply**: a Raspberry Pi's firmware tells the kernel, which shows it in two places:
//! - `get_throttled` of the firmware device, hexadecimal digits ([`Throttled`]), only in Raspberry Pi's own kernels and
//!   not on all of them (a Pi 5's has none). It is found by its driver, as its path differs between boards. The kernel
//!   complains once in its log that the file is read; there is no other way to hear of throttling.
//! - hwmon `rpi_volt`, `in0_lcrit_alarm` (Linux `drivers/hwmon/raspberrypi-hwmon.c`): under-voltage only.
//!
//! That hwmon driver asks the firmware every 2 s and clears the bits "has occurred" each time: with it they mean "within
//! the last seconds", not "since the start". Whoever wants the latter must remember it.

#[cfg(test)]
mod tests;

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::deadline::within;
use super::printable;
use crate::config::ThermalConfig;
use crate::config::board::Board;
use crate::device::event::PowerState;
use crate::error::{Error, Kind, Result, io_kind};

/// How long one look may take: sysfs answers at once, a firmware's mailbox within a second.
pub const LIMIT: Duration = Duration::from_secs(3);
/// Bytes read of a file of sysfs: a number, or a name.
const FILE_MAX: u64 = 64;
/// Zones looked at: more than any machine has.
const MAX_ZONES: usize = 64;
/// What a processor that runs can have, thousandths of a degree Celsius.
const PLAUSIBLE: std::ops::RangeInclusive<i64> = -40_000..=150_000;

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `/sys` in production.
    pub sysfs: PathBuf,
    /// The sensor that the configuration names: no other is asked then.
    pub wanted: Option<PathBuf>,
    /// The board's sensor: the first to be asked.
    pub usual: Option<PathBuf>,
}

impl Places {
    /// Those of the configuration and the board.
    #[must_use]
    pub fn of(config: &ThermalConfig, board: &Board) -> Self {
        let wanted = &config.sensor;
        Self {
            sysfs: "/sys".into(),
            wanted: (!wanted.as_os_str().is_empty()).then(|| wanted.clone()),
            usual: board.thermal.as_ref().map(|t| t.sensor.clone()),
        }
    }
}

/// A temperature.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// °C.
    pub celsius: f32,
    /// Which sensor: the kernel's name of it, else its path.
    pub sensor: String,
}

/// What one look saw.
#[derive(Debug)]
pub struct Look {
    /// The processor's temperature; `None`: this machine has no sensor for it.
    pub temperature: Result<Option<Reading>>,
    /// What the board says of its supply; `None`: nothing.
    pub supply: Option<Supply>,
}

/// Looks at everything, without a time limit.
#[must_use]
pub fn look(places: &Places) -> Look {
    Look {
        temperature: temperature(places),
        supply: supply(&places.sysfs),
    }
}

/// [`look`], given up after [`LIMIT`].
///
/// # Errors
/// `Timeout`.
pub fn look_in_time(places: &Places) -> Result<Look> {
    let places = places.clone();
    within(LIMIT, "The temperature sensor", move || Ok(look(&places)))
}

/// The processor's temperature: the configured sensor's; else the board's; else the hottest of the zones that are the
/// processor's. `None`: there is no sensor.
///
/// # Errors
/// The configured sensor cannot be read or gives no temperature; or the board's does not, and no other is there.
pub fn temperature(places: &Places) -> Result<Option<Reading>> {
    if let Some(path) = &places.wanted {
        return read_sensor(path).map(Some).map_err(|e| {
            e.mend("Correct thermal.sensor, or leave it empty: then one is looked for.")
        });
    }
    let usual = places.usual.as_deref().map(read_sensor);
    if let Some(Ok(reading)) = usual {
        return Ok(Some(reading));
    }
    match (hottest(&zones(&places.sysfs)), usual) {
        (Some(found), _) => Ok(Some(found)),
        // A board whose sensor is not there at all (an emulator) has none.
        (None, Some(Err(e))) if e.kind() != Kind::NotFound => Err(e),
        (None, _) => Ok(None),
    }
}

/// A thermal zone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Zone {
    /// The kernel's name of it.
    pub name: String,
    /// °C.
    pub celsius: f32,
}

/// The zones that give a temperature, the hottest first.
#[must_use]
pub fn zones(sysfs: &Path) -> Vec<Zone> {
    let read = |folder: &PathBuf| {
        Some(Zone {
            name: printable(&read(&folder.join("type")).ok()?),
            celsius: celsius(&read(&folder.join("temp")).ok()?).ok()?,
        })
    };
    let folders = folders(&sysfs.join("class/thermal"), "thermal_zone");
    let mut zones: Vec<Zone> = folders.iter().filter_map(read).collect();
    zones.sort_by(|a, b| b.celsius.total_cmp(&a.celsius));
    zones
}

/// How surely a zone of this name is the processor: 2 surely, 1 perhaps (a PC's firmware), 0 not. Names of graphics,
/// memory, batteries and radios do not say how hot the processor is.
fn likeness(name: &str) -> u8 {
    let name = name.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| name.contains(w));
    if has(&[
        "cpu", "soc", "x86_pkg", "coretemp", "k10temp", "package", "core",
    ]) {
        2
    } else {
        u8::from(has(&["acpitz"]))
    }
}

fn hottest(zones: &[Zone]) -> Option<Reading> {
    let best = zones.iter().map(|z| likeness(&z.name)).max()?;
    let zone = zones
        .iter()
        .find(|z| best > 0 && likeness(&z.name) == best)?;
    Some(Reading {
        celsius: zone.celsius,
        sensor: zone.name.clone(),
    })
}

fn read_sensor(path: &Path) -> Result<Reading> {
    let shown = path.display();
    let text = read(path).map_err(|e| {
        let sentence = format!("The temperature sensor {shown} cannot be read.");
        Error::new(io_kind(&e), sentence).caused_by(e)
    })?;
    let celsius = celsius(&text).map_err(|what| {
        let sentence = format!("The temperature sensor {shown} gives {what}.");
        Error::new(Kind::Unsupported, sentence)
    })?;
    let name = path.with_file_name("type");
    let name = read(&name).map(|n| printable(&n)).unwrap_or_default();
    Ok(Reading {
        celsius,
        sensor: if name.is_empty() {
            shown.to_string()
        } else {
            name
        },
    })
}

/// °C from thousandths of a degree Celsius in decimal digits.
///
/// # Errors
/// What the text is instead, as the end of "gives …".
// Bounded to numbers that f32 holds to a thousandth.
#[allow(clippy::cast_precision_loss)]
pub fn celsius(text: &str) -> std::result::Result<f32, String> {
    let milli: i64 = text
        .trim()
        .parse()
        .map_err(|_| "no whole number of thousandths of a degree".to_owned())?;
    if PLAUSIBLE.contains(&milli) {
        Ok(milli as f32 / 1000.0)
    } else {
        Err(format!("{milli}, which is no temperature of a processor"))
    }
}

/// The word of a Raspberry Pi's firmware (mailbox tag `GET_THROTTLED`; Raspberry Pi's documentation of
/// `vcgencmd get_throttled`): bit 0 under-voltage, 1 processor's clock capped, 2 throttled, 3 soft temperature limit;
/// bits 16 to 19: the same has occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttled(pub u32);

impl Throttled {
    /// Every bit that has a meaning.
    const KNOWN: u32 = 0x000f_000f;

    /// From hexadecimal digits, with or without `0x`; `None`: something else. Bits without a meaning are dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix("0x").unwrap_or(text);
        // `from_str_radix` alone would take a sign.
        let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let bits = u32::from_str_radix(digits, 16).ok().filter(|_| hex)?;
        Some(Self(bits & Self::KNOWN))
    }

    /// The supply is too weak now.
    #[must_use]
    pub fn under_voltage(self) -> bool {
        self.0 & 1 != 0
    }

    /// The processor is slower than it could be now: clock capped, throttled, or at the soft temperature limit.
    #[must_use]
    pub fn slowed(self) -> bool {
        self.0 & 0b1110 != 0
    }

    /// The supply has been too weak (see the head of this module for since when).
    #[must_use]
    pub fn under_voltage_before(self) -> bool {
        self.0 >> 16 & 1 != 0
    }

    /// The processor has been slowed down.
    #[must_use]
    pub fn slowed_before(self) -> bool {
        self.0 >> 16 & 0b1110 != 0
    }
}

/// What the board says of its supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supply {
    /// The firmware's word, where the kernel shows it.
    pub throttled: Option<Throttled>,
    /// Whether the voltage was too low within the last seconds, where it is measured.
    pub low: Option<bool>,
}

impl Supply {
    /// The same as the core wants it. "Before" is what this look alone says.
    #[must_use]
    pub fn power(self) -> PowerState {
        let bits = self.throttled.unwrap_or(Throttled(0));
        let low = self.low == Some(true);
        PowerState {
            under_voltage: bits.under_voltage() || low,
            throttled: bits.slowed(),
            under_voltage_before: bits.under_voltage_before() || low,
        }
    }
}

/// What the board says of its supply; `None`: nothing.
#[must_use]
pub fn supply(sysfs: &Path) -> Option<Supply> {
    let driver = sysfs.join("bus/platform/drivers/raspberrypi-firmware");
    let throttled = folders(&driver, "")
        .iter()
        .map(|device| device.join("get_throttled"))
        // Where the driver's folder is not shown; the path of all boards before the Pi 5.
        .chain([sysfs.join("devices/platform/soc/soc:firmware/get_throttled")])
        .find_map(|file| Throttled::parse(&read(&file).ok()?));
    let low = folders(&sysfs.join("class/hwmon"), "hwmon")
        .iter()
        .find(|f| read(&f.join("name")).is_ok_and(|n| n.trim() == "rpi_volt"))
        .and_then(|f| alarm(&read(&f.join("in0_lcrit_alarm")).ok()?));
    (throttled.is_some() || low.is_some()).then_some(Supply { throttled, low })
}

/// A flag of hwmon (Linux `Documentation/hwmon/sysfs-interface.rst`).
fn alarm(text: &str) -> Option<bool> {
    match text.trim() {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

fn read(file: &Path) -> io::Result<String> {
    // Nobody waits for the other end of a pipe, should the configuration name one.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(file)?;
    let mut bytes = Vec::new();
    file.take(FILE_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn folders(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with(prefix))
        .take(MAX_ZONES)
        .map(|e| e.path())
        .collect();
    // The order of a folder is any; equals should not change places from look to look.
    folders.sort();
    folders
}
