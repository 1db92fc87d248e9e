//! How the host speaks with the agent inside the rig: one TCP connection per process. The host sends one JSON line
//! ([`Request`]), then frames; the agent sends frames. A frame is a kind (1 byte), a length (4 bytes, big endian) and
//! that many bytes. When the host closes the connection the agent kills the process and everything that it started.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

/// Port of the agent.
pub const PORT: u16 = 7070;
/// The rig's address.
pub const GUEST: &str = "10.77.0.2";
/// The host's address, as the rig sees it.
pub const HOST: &str = "10.77.0.1";
/// The longest frame.
const MAX: usize = 1 << 20;

/// A process to start.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Environment besides the agent's own.
    pub env: Vec<(String, String)>,
}

/// Frames from the agent.
pub const STDOUT: u8 = 1;
pub const STDERR: u8 = 2;
/// Payload: the process id, 4 bytes.
pub const STARTED: u8 = 3;
/// Payload: the exit code, 4 bytes; −n for the end by signal n; −1000 when it could not be started.
pub const ENDED: u8 = 4;
/// Frames from the host: bytes for standard input (none: its end); a signal for the process (1 byte).
pub const STDIN: u8 = 5;
pub const SIGNAL: u8 = 6;

/// Writes one frame.
pub fn send(to: &mut impl Write, kind: u8, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let mut frame = vec![kind];
    frame.extend(length.to_be_bytes());
    frame.extend(payload);
    to.write_all(&frame)
}

/// Reads one frame; `None` at the end of the connection.
pub fn receive(from: &mut impl Read) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; 5];
    match from.read_exact(&mut head) {
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    if length > MAX {
        return Err(io::Error::other("a frame is too long"));
    }
    let mut payload = vec![0; length];
    from.read_exact(&mut payload)?;
    Ok(Some((head[0], payload)))
}
