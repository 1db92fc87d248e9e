//! Where the secrets of a code come from: files, standard input, or the person at the terminal. Never from arguments.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rand::TryRng;

use crate::cli::outcome::Trouble;
use crate::config::Secret;

/// The longest secret, bytes.
const LONGEST: u64 = 4096;
/// Random bytes of a claim token.
const CLAIM_BYTES: usize = 16;

/// Reads secrets; lines of standard input one after the other.
pub(super) struct Secrets {
    input: Box<dyn BufRead>,
    /// Whether a person types them.
    asks: bool,
}

impl Secrets {
    /// From this process's standard input.
    pub fn new() -> Self {
        let stdin = io::stdin();
        let asks = stdin.is_terminal();
        Self {
            input: Box::new(stdin.lock()),
            asks,
        }
    }

    #[cfg(test)]
    pub fn of(text: &'static str) -> Self {
        Self {
            input: Box::new(text.as_bytes()),
            asks: false,
        }
    }

    /// The secret called `what` for people, from `file`, or from standard input (`-`, or no file).
    ///
    /// # Errors
    /// It cannot be read, is empty, or its file can be read by others; never with anything of it.
    pub fn take(&mut self, what: &str, file: Option<&Path>) -> Result<Secret, Trouble> {
        let line = match file.filter(|f| *f != Path::new("-")) {
            Some(file) => in_file(file)?,
            None => self.line(what)?,
        };
        let text = line.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(Trouble::Usage(format!("{what}: nothing was given.")));
        }
        Ok(Secret::new(text))
    }

    fn line(&mut self, what: &str) -> Result<String, Trouble> {
        let _silent = self.asks.then(|| {
            let mut err = io::stderr();
            let _ = write!(err, "{what}: ").and_then(|()| err.flush());
            Silent::start()
        });
        let mut line = String::new();
        let read = self
            .input
            .by_ref()
            .take(LONGEST + 1)
            .read_line(&mut line)
            .map_err(|e| {
                Trouble::Usage(format!("{what} cannot be read from standard input: {e}."))
            })?;
        if read as u64 > LONGEST {
            return Err(Trouble::Usage(format!("{what} is longer than 4 KiB.")));
        }
        Ok(line)
    }
}

/// The only line of a file that nobody else can read.
fn in_file(file: &Path) -> Result<String, Trouble> {
    let name = file.display();
    let failed = |e: io::Error| Trouble::Usage(format!("{name} cannot be read: {e}."));
    // Opens without waiting, should it be a pipe that nobody writes to.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(file)
        .map_err(failed)?;
    check(file, &opened).map_err(Trouble::Usage)?;
    let mut text = String::new();
    opened
        .take(LONGEST + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > LONGEST {
        return Err(Trouble::Usage(format!("{name} is longer than 4 KiB.")));
    }
    let line = text.trim_end_matches(['\r', '\n']);
    if line.contains('\n') {
        return Err(Trouble::Usage(format!("{name} has more than one line.")));
    }
    Ok(line.to_owned())
}

fn check(file: &Path, opened: &File) -> Result<(), String> {
    let name = file.display();
    let meta = opened
        .metadata()
        .map_err(|e| format!("{name} cannot be read: {e}."))?;
    if !meta.is_file() {
        return Err(format!("{name} is not a regular file."));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(format!(
            "{name} can be read by others. Run: chmod 600 {name}"
        ));
    }
    Ok(())
}

/// Makes a claim token of 128 random bits and keeps it in `file`, which must not be there yet.
///
/// # Errors
/// The file is there, or cannot be written; the system gives no random numbers.
pub(super) fn new_claim(file: &Path) -> Result<Secret, Trouble> {
    let mut bytes = [0_u8; CLAIM_BYTES];
    rand::rngs::SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|e| Trouble::Broken(format!("The system gives no random numbers: {e}.")))?;
    let token: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    write(file, format!("{token}\n").as_bytes(), false)?;
    Ok(Secret::new(token))
}

/// Writes a file that nobody else can read.
///
/// # Errors
/// It cannot be written, or is there already and must not be replaced.
pub(super) fn write(file: &Path, bytes: &[u8], replace: bool) -> Result<(), Trouble> {
    let name = file.display();
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if replace {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    options
        .open(file)
        .and_then(|mut f| f.write_all(bytes))
        .map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => Trouble::Usage(format!(
                "{name} is there already. Use it with --claim-file, or choose another name."
            )),
            _ => Trouble::Broken(format!("{name} cannot be written: {e}.")),
        })
}

/// The terminal does not show what is typed, until this is dropped.
struct Silent(Option<libc::termios>);

impl Silent {
    fn start() -> Self {
        let fd = io::stdin().as_raw_fd();
        // SAFETY: plain data that the kernel fills in; all zeros are valid for it.
        let mut now: libc::termios = unsafe { std::mem::zeroed() };
        // SAFETY: the descriptor is open, the pointer is to a local of the right type.
        if unsafe { libc::tcgetattr(fd, &raw mut now) } != 0 {
            return Self(None);
        }
        let before = now;
        now.c_lflag &= !libc::ECHO;
        // SAFETY: as above; the settings are those that were read, with one flag less.
        unsafe { libc::tcsetattr(fd, libc::TCSAFLUSH, &raw const now) };
        Self(Some(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Some(before) = self.0 {
            // SAFETY: as in `start`.
            unsafe { libc::tcsetattr(io::stdin().as_raw_fd(), libc::TCSANOW, &raw const before) };
            let _ = writeln!(io::stderr());
        }
    }
}
