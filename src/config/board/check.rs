//! What a board profile must hold beyond its types, and profiles from files of the user's own.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::{Board, GpioLine, Thermal};
use crate::config::key_file::reason;
use crate::config::value::checks;

/// Largest file of a profile, bytes: many times what any has.
const FILE_MAX: u64 = 64 * 1024;
/// The kernel's own bounds: `GPIO_MAX_NAME_SIZE` with its NUL, and `LED_MAX_NAME_SIZE` with its NUL.
const CHIP_MAX: usize = 31;
const LED_MAX: usize = 63;
/// More lines than any chip has.
const LINES_MAX: u32 = 1024;
/// Temperatures, °C, at which firmware may sensibly slow a processor down.
const LIMITS: std::ops::RangeInclusive<f32> = 40.0..=110.0;

impl Board {
    /// Checks the facts among one another.
    ///
    /// # Errors
    /// The first that cannot be, as a clause that begins with its key.
    pub fn check(&self) -> Result<(), String> {
        require(is_id(&self.id), "id must be 1 to 32 of a-z, 0-9 and -")?;
        require(is_line(&self.title, 64), "title must be 1 to 64 characters")?;
        require(
            self.models.iter().all(|m| is_line(m, 256)),
            "models must hold texts of 1 to 256 characters",
        )?;
        require(
            self.compatible
                .iter()
                .all(|c| is_line(c, 256) && c.contains(',')),
            "compatible must hold entries such as \"maker,board\"",
        )?;
        let element = |e: &String| checks::element(e).is_ok();
        require(
            !self.encoders.is_empty() && self.encoders.iter().all(element),
            "encoders must hold names of GStreamer elements, at least one",
        )?;
        let mut twice = self.encoders.clone();
        twice.sort();
        twice.dedup();
        require(
            twice.len() == self.encoders.len(),
            "encoders holds one of them twice",
        )?;
        self.lines()?;
        self.thermal.iter().try_for_each(Thermal::check)?;
        self.boot.iter().try_for_each(|boot| {
            let name = |f: &String| is_line(f, 64) && !f.contains('/');
            require(
                boot.folder.is_absolute() && boot.files.iter().all(name),
                "boot must have a folder that begins with / and names of files in it",
            )
        })
    }

    fn lines(&self) -> Result<(), String> {
        self.led.iter().try_for_each(|l| l.check("led"))?;
        self.button.iter().try_for_each(|l| l.check("button"))?;
        let same = |a: &GpioLine, b: &GpioLine| (&a.chip, a.line) == (&b.chip, b.line);
        if let (Some(led), Some(button)) = (&self.led, &self.button) {
            require(!same(led, button), "led and button share a line")?;
        }
        // The names become parts of paths.
        let name = |n: &String| is_line(n, LED_MAX) && !n.contains('/') && !n.starts_with('.');
        require(
            self.led_class.iter().all(name),
            "led_class must hold names of folders in /sys/class/leds",
        )
    }
}

impl GpioLine {
    fn check(&self, key: &str) -> Result<(), String> {
        require(
            is_line(&self.chip, CHIP_MAX),
            &format!("{key}.chip must be the label of a chip, 1 to {CHIP_MAX} characters"),
        )?;
        require(
            self.line < LINES_MAX,
            &format!("{key}.line must be below {LINES_MAX}"),
        )
    }
}

impl Thermal {
    fn check(&self) -> Result<(), String> {
        require(
            self.sensor.is_absolute(),
            "thermal.sensor must begin with /",
        )?;
        require(
            LIMITS.contains(&self.soft_c) && LIMITS.contains(&self.limit_c),
            "thermal.soft_c and thermal.limit_c must be from 40 to 110 °C",
        )?;
        require(
            self.soft_c < self.limit_c,
            "thermal.soft_c must be below thermal.limit_c",
        )
    }
}

fn require(holds: bool, clause: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(clause.to_owned())
    }
}

fn is_id(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(good)
}

fn is_line(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

/// Reads a profile from a file of the user's own.
///
/// # Errors
/// It cannot be read, is too long, is no profile, or holds facts that cannot be: a clause that follows the path.
pub fn read_file(path: &Path) -> Result<Board, String> {
    let failed = |e: std::io::Error| format!("cannot be read: {}", reason(&e));
    let mut text = String::new();
    // Without waiting for the other end, should it be a pipe.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    require(about.is_file(), "is no file")?;
    file.take(FILE_MAX + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    require(text.len() as u64 <= FILE_MAX, "is longer than 64 KiB")?;
    let board: Board = toml::from_str(&text).map_err(|e| {
        let line = e
            .span()
            .map_or(0, |s| text[..s.start].matches('\n').count())
            + 1;
        let message = e.message().lines().next().unwrap_or_default();
        format!("is no board profile: line {line}: {message}")
    })?;
    board
        .check()
        .map_err(|clause| format!("is no board profile: {clause}"))?;
    Ok(board)
}
