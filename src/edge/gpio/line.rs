//! Chips and lines of the kernel's GPIO character device (`linux/gpio.h`): found, looked at, asked for.
//!
//! The ABI is version 1, that of `gpio-cdev`, which linux-embedded-hal builds on. It has no debouncing (the button does
//! its own) but, since Linux 5.5, resistors: their flags are not in the crate's table and are added here.

use std::error::Error as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use gpio_cdev::{Chip, EventRequestFlags, Line, LineEventHandle, LineHandle, LineRequestFlags};

use crate::config::{Bias, is_offset};
use crate::edge::printable;
use crate::error::{Error, Kind, Result, io_kind};

/// Where the chips are.
const DEV: &str = "/dev";
/// More than any machine has.
const MAX_CHIPS: usize = 64;
/// More than any chip has.
const MAX_LINES: usize = 65_536;
/// `GPIOHANDLE_REQUEST_BIAS_PULL_UP`, `…_PULL_DOWN` and `…_DISABLE` of `linux/gpio.h`.
const PULL_UP: u32 = 1 << 5;
const PULL_DOWN: u32 = 1 << 6;
const NO_BIAS: u32 = 1 << 7;
/// What lets this user at the chips.
const PERMIT: &str = "Put the user that runs Boothcast into the group gpio (usermod -aG gpio USER), or run it as root.";

/// A line that is there.
#[derive(Debug)]
pub struct Found {
    line: Line,
    name: Option<String>,
    chip: String,
    used_by: Option<String>,
}

impl Found {
    /// `line 17 (GPIO17) of GPIO chip pinctrl-bcm2711`.
    #[must_use]
    pub fn describe(&self) -> String {
        let name = self.name.as_ref();
        let name = name.map_or_else(String::new, |n| format!(" ({n})"));
        format!(
            "line {}{name} of GPIO chip {}",
            self.line.offset(),
            self.chip
        )
    }

    /// Who used it when it was looked at; its user may have given no name.
    #[must_use]
    pub fn used_by(&self) -> Option<&str> {
        self.used_by.as_deref()
    }

    /// Takes the line as an output that begins with this level.
    ///
    /// # Errors
    /// `InUse` with the user's name, `Permission`, or what the kernel says.
    pub fn output(&self, high: bool, consumer: &str) -> Result<LineHandle> {
        let flags = LineRequestFlags::OUTPUT;
        self.line
            .request(flags, u8::from(high), consumer)
            .map_err(|e| self.refused(&e))
    }

    /// Takes the line as an input that reports both edges.
    ///
    /// # Errors
    /// `InUse` with the user's name, `Permission`, or what the kernel says (a chip without interrupts).
    pub fn edges(&self, bias: Bias, consumer: &str) -> Result<LineEventHandle> {
        let bias = match bias {
            Bias::PullUp => PULL_UP,
            Bias::PullDown => PULL_DOWN,
            Bias::None => NO_BIAS,
        };
        let flags = LineRequestFlags::from_bits_retain(LineRequestFlags::INPUT.bits() | bias);
        self.line
            .events(flags, EventRequestFlags::BOTH_EDGES, consumer)
            .map_err(|e| self.refused(&e))
    }

    fn refused(&self, e: &gpio_cdev::Error) -> Error {
        let what = self.describe();
        let io = io_error(e);
        if io_kind(&io) == Kind::InUse {
            // Asked anew: whoever has it may have come after the first look.
            let user = self.line.info().ok().and_then(|i| user(&i));
            return in_use(&what, user.as_deref().or(self.used_by()));
        }
        failed(&format!("{what} cannot be used"), io)
    }
}

/// The error of a line that somebody else has.
#[must_use]
pub fn in_use(what: &str, user: Option<&str>) -> Error {
    let who = user.unwrap_or("another program or the kernel");
    Error::new(Kind::InUse, format!("{what} is used by {who}."))
        .mend("End that program, or choose another line.")
}

/// Finds a line: `chip` is a label, a name (`gpiochip0`) or a path, or empty for every chip; `line` is an offset or a
/// name. Takes nothing and changes nothing.
///
/// # Errors
/// `NotFound` with what there is instead, `Permission` with the group that is needed.
pub fn find(chip: &str, line: &str) -> Result<Found> {
    find_in(Path::new(DEV), chip, line)
}

fn find_in(dev: &Path, chip: &str, line: &str) -> Result<Found> {
    if chip.starts_with('/') {
        let opened = open(Path::new(chip))?;
        return line_of(&opened, line)?.ok_or_else(|| no_line(&opened, line));
    }
    let (chips, locked) = chips(dev)?;
    let named = |c: &&Chip| chip.is_empty() || c.label() == chip || c.name() == chip;
    let mut last = None;
    for candidate in chips.iter().filter(named) {
        match line_of(candidate, line)? {
            Some(found) => return Ok(found),
            None => last = Some(candidate),
        }
    }
    // It may well be on the chip that could not be opened.
    if let Some(e) = locked {
        return Err(e);
    }
    Err(match last {
        Some(c) if !chip.is_empty() => no_line(c, line),
        _ => missing(&chips, chip, line),
    })
}

fn missing(chips: &[Chip], chip: &str, line: &str) -> Error {
    let names: Vec<String> = chips.iter().map(title).collect();
    let here = if names.is_empty() {
        "this machine has none".to_owned()
    } else {
        format!("chips here: {}", names.join(", "))
    };
    let what = if chip.is_empty() {
        format!("no GPIO chip has a line named {line}")
    } else {
        format!("there is no GPIO chip named {chip}")
    };
    let mend = "Correct chip and line in the configuration; gpioinfo lists them.";
    Error::new(Kind::NotFound, format!("{what}; {here}.")).mend(mend)
}

fn no_line(chip: &Chip, line: &str) -> Error {
    let has = match chip.num_lines() {
        0 => "it has no lines".to_owned(),
        n => format!("it has lines 0 to {}", n - 1),
    };
    let named = if is_offset(line) { "" } else { "named " };
    let text = format!(
        "GPIO chip {} has no line {named}{line}; {has}.",
        title(chip)
    );
    Error::new(Kind::NotFound, text).mend("Correct the line; gpioinfo lists them all.")
}

/// `pinctrl-bcm2711 (gpiochip0)`.
fn title(chip: &Chip) -> String {
    let (label, name) = (printable(chip.label()), printable(chip.name()));
    match label.as_str() {
        "" => name,
        l if l == name => name,
        l => format!("{l} ({name})"),
    }
}

fn user(info: &gpio_cdev::LineInfo) -> Option<String> {
    let named = info.consumer().map(printable).filter(|c| !c.is_empty());
    // The flag that is called "kernel" says that anybody has it.
    let unnamed = || info.is_kernel().then(|| "another program".to_owned());
    named.or_else(unnamed)
}

/// The line of this chip; nothing where it has none such.
fn line_of(chip: &Chip, line: &str) -> Result<Option<Found>> {
    let look = |l: Line| {
        let info = l.info().map_err(|e| {
            let what = format!("GPIO chip {} does not tell of its lines", title(chip));
            failed(&what, io_error(&e))
        })?;
        Ok(Found {
            name: info.name().map(printable).filter(|n| !n.is_empty()),
            chip: title(chip),
            used_by: user(&info),
            line: l,
        })
    };
    // `line` of the chip's own iterator rather than `get_line`, which wants a chip that can be changed.
    let lines = || chip.lines().take(MAX_LINES);
    if is_offset(line) {
        let offset = line.parse::<u32>().ok();
        return lines()
            .find(|l| Some(l.offset()) == offset)
            .map(look)
            .transpose();
    }
    for l in lines() {
        let found = look(l)?;
        if found.name.as_deref() == Some(line) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The chips that can be opened, in the kernel's order, and the error of the first that may not be.
fn chips(dev: &Path) -> Result<(Vec<Chip>, Option<Error>)> {
    let folder =
        fs::read_dir(dev).map_err(|e| failed(&format!("{} cannot be listed", dev.display()), e))?;
    let mut paths: Vec<(u32, PathBuf)> = folder
        .flatten()
        .filter_map(|e| {
            let number = e.file_name().to_str()?.strip_prefix("gpiochip")?.parse();
            Some((number.ok()?, e.path()))
        })
        .collect();
    paths.sort();
    let (mut chips, mut locked) = (Vec::new(), None);
    for (_, path) in paths.into_iter().take(MAX_CHIPS) {
        match open(&path) {
            Ok(chip) => chips.push(chip),
            Err(e) if e.kind() == Kind::Permission => locked = locked.or(Some(e)),
            // Pulled out just now.
            Err(e) => tracing::debug!("{}", e.report()),
        }
    }
    Ok((chips, locked))
}

fn open(path: &Path) -> Result<Chip> {
    // Opening some other device could wait for ever, or start a watchdog.
    let real = fs::canonicalize(path).map_err(|e| {
        let text = format!("there is no GPIO chip {}.", path.display());
        Error::new(io_kind(&e), text)
            .mend("Correct chip in the configuration; gpiodetect lists them.")
    })?;
    let name = real.file_name().unwrap_or_default().to_string_lossy();
    if !name.starts_with("gpiochip") {
        let text = format!("{} is not a GPIO chip.", path.display());
        return Err(Error::new(Kind::NotFound, text)
            .mend("Correct chip in the configuration; gpiodetect lists them."));
    }
    Chip::new(&real).map_err(|e| {
        failed(
            &format!("GPIO chip {} cannot be opened", path.display()),
            io_error(&e),
        )
    })
}

/// What the system said, as an error of ours.
fn failed(what: &str, e: io::Error) -> Error {
    let kind = io_kind(&e);
    let error = match kind {
        Kind::Permission => Error::new(kind, format!("{what}: this user may not.")).mend(PERMIT),
        _ => Error::new(kind, format!("{what}.")),
    };
    error.caused_by(e)
}

/// The system's error inside the crate's, which keeps it to itself: an `io::Error`, or a number whose text begins with its
/// name.
#[must_use]
pub fn io_error(e: &gpio_cdev::Error) -> io::Error {
    let Some(source) = e.source() else {
        return io::Error::other(e.to_string());
    };
    if let Some(io) = source.downcast_ref::<io::Error>() {
        return match io.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(io.kind(), io.to_string()),
        };
    }
    let text = source.to_string();
    let code = match text.split(':').next() {
        Some("EBUSY") => libc::EBUSY,
        Some("EACCES") => libc::EACCES,
        Some("EPERM") => libc::EPERM,
        Some("ENODEV") => libc::ENODEV,
        Some("ENXIO") => libc::ENXIO,
        Some("EINVAL") => libc::EINVAL,
        Some("ENOTTY") => libc::ENOTTY,
        _ => return io::Error::other(text),
    };
    io::Error::from_raw_os_error(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_chips_says_so_and_names_what_was_wanted() {
        let dev = tempfile::tempdir().unwrap();
        let e = find_in(dev.path(), "pinctrl-bcm2711", "17").unwrap_err();
        assert_eq!(e.kind(), Kind::NotFound);
        assert_eq!(
            e.message(),
            "there is no GPIO chip named pinctrl-bcm2711; this machine has none."
        );
        let e = find_in(dev.path(), "", "STATUS").unwrap_err();
        assert_eq!(
            e.message(),
            "no GPIO chip has a line named STATUS; this machine has none."
        );
    }

    #[test]
    fn what_is_no_chip_is_not_opened() {
        let dev = tempfile::tempdir().unwrap();
        // A pipe that nobody writes to would hold whoever opens it.
        let pipe = dev.path().join("watchdog");
        let path = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
        // SAFETY: a NUL-terminated path.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        let text = pipe.to_str().unwrap();
        let e = find_in(dev.path(), text, "1").unwrap_err();
        assert_eq!(e.message(), format!("{text} is not a GPIO chip."));
        let gone = dev.path().join("gpiochip7");
        let e = find_in(dev.path(), gone.to_str().unwrap(), "1").unwrap_err();
        assert_eq!(e.kind(), Kind::NotFound);
        // A file that has a chip's name but is none is left out of the list; the kernel's own answer is kept.
        fs::write(&gone, "").unwrap();
        let no_chip = Chip::new(&gone).unwrap_err();
        assert_eq!(io_error(&no_chip).raw_os_error(), Some(libc::ENOTTY));
        let e = find_in(dev.path(), "", "A").unwrap_err();
        assert!(e.message().ends_with("this machine has none."), "{e}");
    }

    #[test]
    fn a_user_without_the_right_learns_the_group() {
        let e = failed(
            "GPIO chip x cannot be opened",
            io::Error::from_raw_os_error(libc::EACCES),
        );
        assert_eq!(e.kind(), Kind::Permission);
        assert!(e.report().contains("group gpio"), "{}", e.report());
        let e = in_use("line 3 of GPIO chip rig", Some("gpioset"));
        assert_eq!(e.message(), "line 3 of GPIO chip rig is used by gpioset.");
    }
}
