//! The real pins of a light: lines of the GPIO character device, or LEDs of the kernel.

use std::io;
use std::path::Path;

use embedded_hal::digital::{self, ErrorType, OutputPin};
use linux_embedded_hal::{CdevPin, CdevPinError};

use super::class::{CLASS, ClassError, ClassPin};
use super::led::Led;
use super::{LED_CONSUMER, line};
use crate::config::Lamp;
use crate::error::{Error, Kind, Result};

/// A pin of a light.
pub enum RealPin {
    /// A GPIO line. High and low are those of the wire.
    Line(CdevPin),
    /// An LED of the kernel.
    Class(ClassPin),
}

/// A write that failed.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// On a GPIO line.
    #[error("the line could not be set: {}", line::io_error(.0.inner()))]
    Line(CdevPinError),
    /// On an LED of the kernel.
    #[error("{0}")]
    Class(ClassError),
}

impl PinError {
    /// One clause about `what`, the light in words.
    #[must_use]
    pub fn clause(&self, what: &str) -> String {
        let cause = match self {
            Self::Line(e) => line::io_error(e.inner()),
            Self::Class(e) if e.cause.kind() == io::ErrorKind::NotFound => {
                io::Error::from_raw_os_error(libc::ENODEV)
            }
            Self::Class(e) => return format!("{what} cannot be set: {e}"),
        };
        match cause.raw_os_error() {
            Some(libc::ENODEV) => format!("{what} has gone"),
            _ => format!("{what} cannot be set: {cause}"),
        }
    }
}

impl digital::Error for PinError {
    fn kind(&self) -> digital::ErrorKind {
        digital::ErrorKind::Other
    }
}

impl ErrorType for RealPin {
    type Error = PinError;
}

impl OutputPin for RealPin {
    fn set_low(&mut self) -> Result<(), PinError> {
        match self {
            Self::Line(pin) => pin.set_low().map_err(PinError::Line),
            Self::Class(pin) => pin.set_low().map_err(PinError::Class),
        }
    }

    fn set_high(&mut self) -> Result<(), PinError> {
        match self {
            Self::Line(pin) => pin.set_high().map_err(PinError::Line),
            Self::Class(pin) => pin.set_high().map_err(PinError::Class),
        }
    }
}

/// Takes the first of the lights that is there; also says in words which one it is. It is dark at first.
///
/// # Errors
/// That of the first light, when none of them is there; that of one that is there but cannot be had.
pub fn open(lamps: &[Lamp]) -> Result<(Led<RealPin>, String)> {
    open_at(Path::new(CLASS), lamps)
}

fn open_at(class: &Path, lamps: &[Lamp]) -> Result<(Led<RealPin>, String)> {
    let mut first = None;
    for lamp in lamps {
        let opened = match lamp {
            Lamp::Gpio {
                chip,
                lines,
                active_low,
            } => gpio(chip, lines, *active_low),
            Lamp::Class { names } => kernel(class, names),
        };
        match opened {
            Err(e) if e.kind() == Kind::NotFound => first = first.or(Some(e)),
            other => return other,
        }
    }
    Err(first.unwrap_or_else(|| Error::new(Kind::NotFound, "there is no light.")))
}

fn gpio(chip: &str, lines: &[String], active_low: bool) -> Result<(Led<RealPin>, String)> {
    let mut words = Vec::new();
    let pins = lines.iter().map(|line| {
        let found = line::find(chip, line)?;
        words.push(found.describe());
        // Dark from the first moment on.
        let handle = found.output(active_low, LED_CONSUMER)?;
        let pin = CdevPin::new(handle).map_err(|e| {
            let text = format!("{} cannot be used.", found.describe());
            Error::new(Kind::Internal, text).caused_by(line::io_error(&e))
        })?;
        Ok(RealPin::Line(pin))
    });
    let pins: Vec<_> = pins.collect::<Result<_>>()?;
    Ok((led(pins, active_low)?, words.join(", ")))
}

fn kernel(class: &Path, names: &[String]) -> Result<(Led<RealPin>, String)> {
    let pins = names.iter().map(|n| ClassPin::open(class, n));
    let pins: Vec<_> = pins.map(|p| p.map(RealPin::Class)).collect::<Result<_>>()?;
    Ok((
        led(pins, false)?,
        format!("kernel LED {}", names.join(", ")),
    ))
}

fn led(pins: Vec<RealPin>, active_low: bool) -> Result<Led<RealPin>> {
    let count = pins.len();
    let mut pins = pins.into_iter();
    match (pins.next(), pins.next(), pins.next(), count) {
        (Some(pin), None, None, 1) => Ok(Led::single(pin, active_low)),
        (Some(r), Some(g), Some(b), 3) => Ok(Led::rgb([r, g, b], active_low)),
        _ => Err(Error::new(
            Kind::BadConfig,
            format!("a light has one pin or three, not {count}."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::led::News;
    use super::*;
    use crate::device::led::{LedPattern, Trouble};
    use std::fs;
    use std::time::Duration;

    fn class(names: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            let led = dir.path().join(name);
            fs::create_dir(&led).unwrap();
            fs::write(led.join("max_brightness"), "9").unwrap();
            fs::write(led.join("brightness"), "").unwrap();
        }
        dir
    }

    fn names(names: &[&str]) -> Lamp {
        let names = names.iter().map(ToString::to_string).collect();
        Lamp::Class { names }
    }

    #[test]
    fn the_next_light_stands_in_for_one_that_is_not_there() {
        let dir = class(&["ACT"]);
        let gone = Lamp::Gpio {
            chip: "no-such-chip".into(),
            lines: vec!["1".into()],
            active_low: false,
        };
        let lamps = [gone.clone(), names(&["nope"]), names(&["ACT"])];
        let (_led, words) = open_at(dir.path(), &lamps).unwrap();
        assert_eq!(words, "kernel LED ACT");
        let e = open_at(dir.path(), &lamps[..2]).err().unwrap();
        assert!(e.message().contains("no-such-chip"), "{e}");
        assert_eq!(
            open_at(dir.path(), &[]).err().unwrap().kind(),
            Kind::NotFound
        );
    }

    #[test]
    fn three_leds_of_the_kernel_make_a_colour() {
        let dir = class(&["r", "g", "b"]);
        let (mut led, _) = open_at(dir.path(), &[names(&["r", "g", "b"])]).unwrap();
        led.show(LedPattern::Error(Trouble::Camera), Duration::ZERO);
        let turn = led.tick(Duration::ZERO);
        assert!(turn.news.is_none());
        let level = |n: &str| fs::read_to_string(dir.path().join(n).join("brightness")).unwrap();
        let levels = ["r", "g", "b"].map(level);
        assert_eq!(levels, ["9", "0", "9"]);
        drop(led);
        assert_eq!(level("r"), "0");
    }

    #[test]
    fn a_light_that_is_pulled_out_has_gone() {
        let dir = class(&["a"]);
        let (mut led, words) = open_at(dir.path(), &[names(&["a"])]).unwrap();
        fs::remove_dir_all(dir.path().join("a")).unwrap();
        led.show(LedPattern::Live, Duration::ZERO);
        match led.tick(Duration::ZERO).news {
            Some(News::Failed(e)) => assert_eq!(e.clause(&words), "kernel LED a has gone"),
            _ => panic!("nothing was told"),
        }
    }
}
