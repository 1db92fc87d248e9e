//! Gives a command to a running tool over its socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::super::Options;

/// For `--help`.
pub const USAGE: &str = "\
tell SOCKET COMMAND…: gives a command to a running tool and prints its answer";

/// Runs the tool.
pub fn main(options: &Options) -> Result<()> {
    let socket = options.at(0, "the socket")?;
    println!("{}", tell(Path::new(socket), &options.rest[1..].join(" "))?);
    Ok(())
}

/// Gives the command and waits up to 10 s for the answer.
pub fn tell(socket: &Path, command: &str) -> Result<String> {
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
