//! LEDs of the kernel's class, `/sys/class/leds/NAME` (Documentation/leds/leds-class.rst): where a board has only that.
//!
//! While one is used its trigger is `none`; at the end it is dark, and the trigger is again what it was (a trigger's own
//! settings, such as the delays of `timer`, are forgotten by the kernel when it is changed).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use embedded_hal::digital::{self, ErrorType, OutputPin};

use crate::edge::printable;
use crate::error::{Error, Kind, Result, io_kind};

/// Where the kernel has its LEDs.
pub const CLASS: &str = "/sys/class/leds";
/// A list of triggers longer than this is cut.
const MAX_TEXT: u64 = 64 * 1024;

/// An LED as an output pin: high is its full brightness, low is dark. Whether it is wired the other way round is the
/// kernel's affair.
#[derive(Debug)]
pub struct ClassPin {
    folder: PathBuf,
    full: u32,
    /// What is to be restored.
    trigger: Option<String>,
}

/// A write that failed.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", file.display())]
pub struct ClassError {
    file: PathBuf,
    /// The system's reason.
    pub cause: io::Error,
}

impl digital::Error for ClassError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

impl ErrorType for ClassPin {
    type Error = ClassError;
}

impl OutputPin for ClassPin {
    fn set_low(&mut self) -> Result<(), ClassError> {
        self.brightness(0)
    }

    fn set_high(&mut self) -> Result<(), ClassError> {
        self.brightness(self.full)
    }
}

impl ClassPin {
    /// Takes the LED `name` of the class at `class` ([`CLASS`], but for tests).
    ///
    /// # Errors
    /// `NotFound` with the names that there are; `Permission`; what the kernel says.
    pub fn open(class: &Path, name: &str) -> Result<Self> {
        let folder = class.join(name);
        let full = read(&folder.join("max_brightness")).map_err(|e| {
            if e.kind() == io::ErrorKind::NotFound {
                return missing(class, name);
            }
            failed(name, e)
        })?;
        let mut pin = Self {
            full: full.trim().parse().unwrap_or(1).max(1),
            trigger: None,
            folder,
        };
        let file = pin.folder.join("trigger");
        // A kernel without triggers has no such file.
        if let Ok(text) = read(&file)
            && let Some(trigger) = chosen(&text).filter(|t| *t != "none")
        {
            write(&file, "none").map_err(|e| failed(name, e))?;
            pin.trigger = Some(trigger.to_owned());
        }
        pin.brightness(0).map_err(|e| failed(name, e.cause))?;
        Ok(pin)
    }

    fn brightness(&self, value: u32) -> Result<(), ClassError> {
        let file = self.folder.join("brightness");
        write(&file, &value.to_string()).map_err(|cause| ClassError { file, cause })
    }
}

impl Drop for ClassPin {
    fn drop(&mut self) {
        // The LED may be gone; then there is nothing to restore.
        let _ = self.brightness(0);
        if let Some(trigger) = &self.trigger
            && let Err(e) = write(&self.folder.join("trigger"), trigger)
        {
            tracing::debug!("the trigger {trigger} was not restored: {e}");
        }
    }
}

/// The one in brackets of `none [mmc0] timer`.
fn chosen(triggers: &str) -> Option<&str> {
    let (_, rest) = triggers.split_once('[')?;
    rest.split_once(']').map(|(name, _)| name)
}

/// The names that there are.
fn names(class: &Path) -> Vec<String> {
    let folder = std::fs::read_dir(class).into_iter().flatten().flatten();
    let mut names: Vec<String> = folder
        .take(64)
        .map(|e| printable(&e.file_name().to_string_lossy()))
        .collect();
    names.sort();
    names
}

fn missing(class: &Path, name: &str) -> Error {
    let names = names(class);
    let here = if names.is_empty() {
        "the kernel has none".to_owned()
    } else {
        format!("LEDs here: {}", names.join(", "))
    };
    let text = format!("there is no kernel LED named {name}; {here}.");
    Error::new(Kind::NotFound, text).mend("Correct led.name; ls /sys/class/leds lists them.")
}

fn failed(name: &str, e: io::Error) -> Error {
    let error = match io_kind(&e) {
        Kind::Permission => Error::new(
            Kind::Permission,
            format!("kernel LED {name} cannot be used: this user may not."),
        )
        .mend("Give the group of the user that runs Boothcast the right to write its brightness and trigger (a udev rule), or run it as root."),
        kind => Error::new(kind, format!("kernel LED {name} cannot be used.")),
    };
    error.caused_by(e)
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_TEXT).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Never makes a file: what is not there is gone.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).truncate(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Whether the LED is there, and which trigger drives it now. Changes nothing.
///
/// # Errors
/// `NotFound` with the names that there are; `Permission`; what the kernel says.
pub fn look(class: &Path, name: &str) -> Result<String> {
    let file = class.join(name).join("brightness");
    match OpenOptions::new().write(true).open(&file) {
        Ok(_) => {}
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(missing(class, name)),
        Err(e) => return Err(failed(name, e)),
    }
    let text = read(&class.join(name).join("trigger")).unwrap_or_default();
    Ok(chosen(&text).unwrap_or("none").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn class(name: &str, trigger: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let led = dir.path().join(name);
        fs::create_dir(&led).unwrap();
        fs::write(led.join("max_brightness"), "255\n").unwrap();
        fs::write(led.join("brightness"), "7\n").unwrap();
        fs::write(led.join("trigger"), trigger).unwrap();
        dir
    }

    fn text(dir: &tempfile::TempDir, file: &str) -> String {
        fs::read_to_string(dir.path().join(file)).unwrap()
    }

    #[test]
    fn it_is_taken_driven_and_given_back_as_it_was() {
        let dir = class("ACT", "none rc-feedback [mmc0] timer\n");
        assert_eq!(look(dir.path(), "ACT").unwrap(), "mmc0");
        assert_eq!(
            text(&dir, "ACT/brightness"),
            "7\n",
            "a look changes nothing"
        );
        let mut pin = ClassPin::open(dir.path(), "ACT").unwrap();
        assert_eq!(text(&dir, "ACT/trigger"), "none");
        assert_eq!(text(&dir, "ACT/brightness"), "0");
        pin.set_high().unwrap();
        assert_eq!(text(&dir, "ACT/brightness"), "255");
        pin.set_low().unwrap();
        assert_eq!(text(&dir, "ACT/brightness"), "0");
        pin.set_high().unwrap();
        drop(pin);
        assert_eq!(text(&dir, "ACT/brightness"), "0");
        assert_eq!(text(&dir, "ACT/trigger"), "mmc0");
    }

    #[test]
    fn an_led_without_a_trigger_gets_none() {
        let dir = class("a", "[none] timer\n");
        drop(ClassPin::open(dir.path(), "a").unwrap());
        assert_eq!(
            text(&dir, "a/trigger"),
            "[none] timer\n",
            "it was written to"
        );
        fs::remove_file(dir.path().join("a/trigger")).unwrap();
        drop(ClassPin::open(dir.path(), "a").unwrap());
        assert!(!dir.path().join("a/trigger").exists());
    }

    #[test]
    fn a_missing_one_is_told_with_those_that_are_there() {
        let dir = class("ACT", "[none]");
        let e = ClassPin::open(dir.path(), "led0").unwrap_err();
        assert_eq!(
            e.message(),
            "there is no kernel LED named led0; LEDs here: ACT."
        );
        assert_eq!(e.kind(), Kind::NotFound);
        assert_eq!(look(dir.path(), "led0").unwrap_err().kind(), Kind::NotFound);
        let mut pin = ClassPin::open(dir.path(), "ACT").unwrap();
        fs::remove_dir_all(dir.path().join("ACT")).unwrap();
        let e = pin.set_high().unwrap_err();
        assert_eq!(e.cause.kind(), io::ErrorKind::NotFound);
        assert!(e.to_string().contains("ACT/brightness"), "{e}");
    }
}
