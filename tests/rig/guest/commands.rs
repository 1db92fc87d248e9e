//! Commands for a running tool over a Unix socket: one line in, one line out.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::options::Options;

/// For `--help`.
pub const USAGE: &str = "\
tell SOCKET COMMAND…: gives a command to a running tool and prints its answer";

/// Runs `tell`.
pub fn main(options: &Options) -> Result<()> {
    let socket = options.at(0, "the socket")?;
    println!("{}", tell(Path::new(socket), &options.rest[1..].join(" "))?);
    Ok(())
}

/// Gives the command and waits up to 10 s for the answer.
fn tell(socket: &Path, command: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket)
        .with_context(|| format!("nobody listens on {}", socket.display()))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    writeln!(stream, "{command}")?;
    let mut answer = String::new();
    BufReader::new(&stream)
        .read_line(&mut answer)
        .with_context(|| format!("no answer to `{command}`"))?;
    match answer.trim_end() {
        "" => bail!("the tool went away without an answer to `{command}`"),
        answer => match answer.strip_prefix("error: ") {
            Some(error) => bail!("`{command}`: {error}"),
            None => Ok(answer.to_owned()),
        },
    }
}

/// The tool's end of the socket; it goes away with the value.
#[derive(Debug)]
pub struct Commands {
    listener: UnixListener,
    path: PathBuf,
}

impl Commands {
    /// Listens on `--socket`, or on `/run/NAME.sock`.
    pub fn listen(options: &Options, name: &str) -> Result<Self> {
        let path = options
            .text("socket")
            .map_or_else(|| format!("/run/{name}.sock").into(), PathBuf::from);
        let _stale = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path)
            .with_context(|| format!("cannot listen on {}", path.display()))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path })
    }

    /// For `poll`: readable when a command waits.
    pub fn fd(&self) -> RawFd {
        self.listener.as_raw_fd()
    }

    /// Takes the command that waits, if there is one, and sends what `act` makes of it.
    pub fn serve(&self, act: impl FnOnce(&str) -> Result<String>) {
        if let Ok((stream, _)) = self.listener.accept() {
            // Whoever went away without listening to the answer is not our trouble.
            let _gone = answer(&stream, act);
        }
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        let _gone = std::fs::remove_file(&self.path);
    }
}

fn answer(stream: &UnixStream, act: impl FnOnce(&str) -> Result<String>) -> Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let answer = act(line.trim()).unwrap_or_else(|error| format!("error: {error:#}"));
    let mut to = stream;
    writeln!(to, "{answer}")?;
    Ok(())
}

/// A descriptor to wait for; −1 is none.
pub fn poll_fd(fd: RawFd, events: libc::c_short) -> libc::pollfd {
    libc::pollfd {
        fd,
        events,
        revents: 0,
    }
}

/// Waits at most that long; a signal ends it early.
pub fn poll(fds: &mut [libc::pollfd], patience: Duration) {
    let timeout = libc::timespec {
        tv_sec: patience.as_secs().min(3600) as libc::time_t,
        tv_nsec: libc::c_long::from(patience.subsec_nanos()),
    };
    // SAFETY: the array and its length belong together; no signal mask.
    unsafe {
        libc::ppoll(
            fds.as_mut_ptr(),
            fds.len() as libc::nfds_t,
            &raw const timeout,
            std::ptr::null(),
        );
    }
}
