//! RTMP chunks (Adobe RTMP 1.0, section 5.3): a reader for untrusted input, a writer that interleaves headers with
//! shared slices of the payload. Pure.

use std::collections::HashMap;

use bytes::{Buf, Bytes, BytesMut};

use super::error::ProtocolError;
use super::outgoing::Outgoing;

/// Chunk size before anybody says otherwise (5.4.1).
pub const DEFAULT_CHUNK: usize = 128;
/// Largest message taken from a server.
pub const MAX_MESSAGE: usize = 1 << 20;
/// Most bytes of unfinished messages, over all chunk streams.
const MAX_UNFINISHED: usize = 2 << 20;
/// Most chunk streams that a server may use.
const MAX_STREAMS: usize = 64;
/// From here on a timestamp stands in the extended field (5.3.1.3).
const EXTENDED: u32 = 0xFF_FFFF;

/// Message type ids (5.4, 7.1).
pub mod kind {
    /// Set Chunk Size.
    pub const SET_CHUNK_SIZE: u8 = 1;
    /// Abort Message.
    pub const ABORT: u8 = 2;
    /// Acknowledgement.
    pub const ACK: u8 = 3;
    /// User Control Message.
    pub const USER_CONTROL: u8 = 4;
    /// Window Acknowledgement Size.
    pub const WINDOW_ACK: u8 = 5;
    /// Set Peer Bandwidth.
    pub const PEER_BANDWIDTH: u8 = 6;
    /// Audio.
    pub const AUDIO: u8 = 8;
    /// Video.
    pub const VIDEO: u8 = 9;
    /// Command, AMF3 envelope.
    pub const COMMAND_AMF3: u8 = 17;
    /// Data, AMF0.
    pub const DATA: u8 = 18;
    /// Command, AMF0.
    pub const COMMAND: u8 = 20;
}

/// A whole message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Type id, see [`kind`].
    pub kind: u8,
    /// Message stream id.
    pub stream: u32,
    /// Milliseconds, wraps.
    pub timestamp: u32,
    /// Body.
    pub payload: Bytes,
}

#[derive(Debug, Default)]
struct Incoming {
    kind: u8,
    stream: u32,
    timestamp: u32,
    /// Last delta, for a message that begins with a type 3 header.
    delta: u32,
    extended: bool,
    length: usize,
    body: BytesMut,
}

/// Puts messages together from whatever the socket gives.
#[derive(Debug)]
pub struct Reader {
    input: BytesMut,
    streams: HashMap<u32, Incoming>,
    chunk: usize,
    unfinished: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            input: BytesMut::new(),
            streams: HashMap::new(),
            chunk: DEFAULT_CHUNK,
            unfinished: 0,
        }
    }
}

/// A chunk header as read, with its length on the wire.
struct Header {
    id: u32,
    format: u8,
    /// Timestamp (format 0) or delta; `None` for format 3.
    time: Option<u32>,
    length: usize,
    kind: u8,
    stream: u32,
    extended: bool,
    wire: usize,
}

impl Reader {
    /// Adds input; then call [`Reader::next_message`] until it gives `None`.
    pub fn feed(&mut self, data: &[u8]) {
        self.input.extend_from_slice(data);
    }

    /// The next whole message. Set Chunk Size and Abort are obeyed here and handed out as well.
    ///
    /// # Errors
    /// See [`ProtocolError`]; the reader is of no use after one.
    pub fn next_message(&mut self) -> Result<Option<Message>, ProtocolError> {
        loop {
            let Some(header) = self.header()? else {
                return Ok(None);
            };
            let known = self.streams.get(&header.id);
            let (length, have) = match known {
                Some(s) if !s.body.is_empty() => (s.length, s.body.len()),
                Some(s) if header.format >= 2 => (s.length, 0),
                _ => (header.length, 0),
            };
            let take = (length - have).min(self.chunk);
            if self.input.len() < header.wire + take {
                return Ok(None);
            }
            self.input.advance(header.wire);
            let body = self.input.split_to(take);
            if let Some(message) = self.accept(&header, &body)? {
                self.obey(&message)?;
                return Ok(Some(message));
            }
        }
    }

    /// Reads the header at the front without taking it; `None` if it is not all there.
    fn header(&self) -> Result<Option<Header>, ProtocolError> {
        let input = &self.input[..];
        let Some(&first) = input.first() else {
            return Ok(None);
        };
        let (format, low) = (first >> 6, u32::from(first & 0x3F));
        let (id, basic) = match (low, input) {
            (0, [_, a, ..]) => (64 + u32::from(*a), 2),
            (1, [_, a, b, ..]) => (64 + u32::from(*a) + 256 * u32::from(*b), 3),
            (0 | 1, _) => return Ok(None),
            _ => (low, 1),
        };
        let known = self.streams.get(&id);
        if known.is_none() && format != 0 {
            // Some servers begin with type 1; without a message stream id that is still read (id 0), but types 2 and
            // 3 have no length to go by.
            if format >= 2 {
                return Err(ProtocolError::NoHeader);
            }
        }
        let size = [11, 7, 3, 0][usize::from(format)];
        let Some(fields) = input.get(basic..basic + size) else {
            return Ok(None);
        };
        let mut header = Header {
            id,
            format,
            time: None,
            length: known.map_or(0, |s| s.length),
            kind: known.map_or(0, |s| s.kind),
            stream: known.map_or(0, |s| s.stream),
            extended: known.is_some_and(|s| s.extended),
            wire: basic + size,
        };
        if let [a, b, c, ..] = *fields {
            let time = u32::from_be_bytes([0, a, b, c]);
            header.time = Some(time);
            header.extended = time == EXTENDED;
        }
        if let [_, _, _, a, b, c, kind, ..] = *fields {
            header.length = u32::from_be_bytes([0, a, b, c]) as usize;
            header.kind = kind;
            if header.length > MAX_MESSAGE {
                return Err(ProtocolError::MessageSize(header.length));
            }
        }
        if let [.., a, b, c, d] = *fields
            && format == 0
        {
            header.stream = u32::from_le_bytes([a, b, c, d]);
        }
        if header.extended {
            let Some(&[a, b, c, d]) = input
                .get(header.wire..header.wire + 4)
                .and_then(|x| x.first_chunk::<4>())
            else {
                return Ok(None);
            };
            header.wire += 4;
            header.time = header.time.map(|_| u32::from_be_bytes([a, b, c, d]));
        }
        Ok(Some(header))
    }

    fn accept(&mut self, header: &Header, body: &[u8]) -> Result<Option<Message>, ProtocolError> {
        if !self.streams.contains_key(&header.id) && self.streams.len() >= MAX_STREAMS {
            return Err(ProtocolError::ChunkStreams);
        }
        let s = self.streams.entry(header.id).or_default();
        if s.body.is_empty() {
            s.kind = header.kind;
            s.stream = header.stream;
            s.length = header.length;
            s.extended = header.extended;
            match (header.format, header.time) {
                (0, Some(time)) => {
                    s.timestamp = time;
                    // A type 3 header right after a type 0 repeats its timestamp as the delta (5.3.1.2.4).
                    s.delta = time;
                }
                (_, Some(delta)) => {
                    s.delta = delta;
                    s.timestamp = s.timestamp.wrapping_add(delta);
                }
                (_, None) => s.timestamp = s.timestamp.wrapping_add(s.delta),
            }
        }
        s.body.extend_from_slice(body);
        self.unfinished += body.len();
        if s.body.len() < s.length {
            if self.unfinished > MAX_UNFINISHED {
                return Err(ProtocolError::ChunkStreams);
            }
            return Ok(None);
        }
        self.unfinished -= s.body.len();
        Ok(Some(Message {
            kind: s.kind,
            stream: s.stream,
            timestamp: s.timestamp,
            payload: std::mem::take(&mut s.body).freeze(),
        }))
    }

    fn obey(&mut self, message: &Message) -> Result<(), ProtocolError> {
        let word = || {
            message
                .payload
                .first_chunk::<4>()
                .map(|b| u32::from_be_bytes(*b))
                .ok_or(ProtocolError::Control)
        };
        match message.kind {
            kind::SET_CHUNK_SIZE => {
                // The first bit must be zero (5.4.1). No message is larger than 1 MiB, so no chunk need be.
                let size = word()?;
                if size == 0 || size > 0x7FFF_FFFF {
                    return Err(ProtocolError::Control);
                }
                self.chunk = (size as usize).min(MAX_MESSAGE);
            }
            kind::ABORT => {
                if let Some(s) = self.streams.get_mut(&word()?) {
                    self.unfinished -= s.body.len();
                    s.body.clear();
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Chunk streams that we send on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Protocol control (must be 2, section 5.4).
    Control = 2,
    /// Commands.
    Command = 3,
    /// Audio.
    Audio = 4,
    /// Metadata.
    Data = 5,
    /// Video.
    Video = 6,
}

/// Cuts messages into chunks.
#[derive(Debug)]
pub struct Writer {
    chunk: usize,
    /// Timestamp and message stream id of the last message, by lane.
    last: [Option<(u32, u32)>; 8],
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            chunk: DEFAULT_CHUNK,
            last: [None; 8],
        }
    }
}

impl Writer {
    /// The size of chunks from now on. The peer must have been told just before.
    pub fn set_chunk(&mut self, size: usize) {
        self.chunk = size.max(1);
    }

    /// Appends one message; `parts` together are its body, at most 16 MiB (the length field has 24 bits).
    ///
    /// The first message of a lane has a full header (type 0), later ones a delta (type 1): so extended timestamps
    /// occur only after a gap of 4.6 h, where servers disagree on them.
    pub fn write(
        &mut self,
        lane: Lane,
        kind: u8,
        stream: u32,
        timestamp: u32,
        parts: &[Bytes],
        out: &mut Outgoing,
    ) {
        let length: usize = parts.iter().map(Bytes::len).sum();
        let id = lane as u8;
        let last = self.last[usize::from(id)].replace((timestamp, stream));
        let delta = match last {
            Some((time, s)) if s == stream && lane != Lane::Control && lane != Lane::Command => {
                Some(timestamp.wrapping_sub(time)).filter(|d| *d < 1 << 31)
            }
            _ => None,
        };
        let time = delta.unwrap_or(timestamp);
        let mut header = Vec::with_capacity(16);
        header.push(if delta.is_some() { 0x40 | id } else { id });
        header.extend_from_slice(&time.min(EXTENDED).to_be_bytes()[1..]);
        header.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_be_bytes()[1..]);
        header.push(kind);
        if delta.is_none() {
            header.extend_from_slice(&stream.to_le_bytes());
        }
        let extended = (time >= EXTENDED).then(|| time.to_be_bytes());
        header.extend_from_slice(extended.as_ref().map_or(&[][..], |e| &e[..]));
        out.push_small(&header);

        let mut room = self.chunk;
        for part in parts {
            let mut part = part.clone();
            while !part.is_empty() {
                if room == 0 {
                    let mut next = vec![0xC0 | id];
                    next.extend_from_slice(extended.as_ref().map_or(&[][..], |e| &e[..]));
                    out.push_small(&next);
                    room = self.chunk;
                }
                let n = part.len().min(room);
                out.push(part.split_to(n));
                room -= n;
            }
        }
    }
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
