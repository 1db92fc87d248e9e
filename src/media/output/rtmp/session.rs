//! A publisher's session with one server, without any I/O: bytes in, bytes and events out.
//!
//! ```text
//!  Handshake ──S2──> Connect ──_result──> CreateStream ──_result──> Publish ──Publish.Start──> Live
//!      any stage ── error, refusal, redirect, close() ──> Closed
//! ```

use bytes::Bytes;

use super::chunk::{Lane, Message, Reader, Writer, kind};
use super::command::{self, Answer, Refusal};
use super::error::ProtocolError;
use super::handshake::{Handshake, RANDOM, c0_c1};
use super::outgoing::Outgoing;
use super::redact::Redactor;
use super::target::Target;
use crate::config::Secret;

/// Chunk size that we send with, bytes: few headers, and what ffmpeg uses against every server.
const OUT_CHUNK: u32 = 65_536;
/// Acknowledgement window that we ask for, bytes.
const WINDOW: u32 = 2_500_000;
/// With this much unsent, pings are left unanswered: a server that asks but does not read gets no memory of ours.
const MAX_UNSENT: usize = 4 << 20;
/// Largest command taken, bytes: decoded, values take many times their bytes.
const MAX_COMMAND: usize = 64 << 10;
/// User control event types (7.1.7).
const PING_REQUEST: u16 = 6;
const PING_RESPONSE: u16 = 7;

/// How far the session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// C0 and C1 are out.
    Handshake,
    /// `connect` is out.
    Connect,
    /// `createStream` is out.
    CreateStream,
    /// `publish` is out.
    Publish,
    /// The server takes the stream.
    Live,
    /// Over.
    Closed,
}

impl Stage {
    /// What is being waited for, to be put after "waited for".
    #[must_use]
    pub fn awaited(self) -> &'static str {
        match self {
            Self::Handshake => "the RTMP handshake",
            Self::Connect => "the answer to connect",
            Self::CreateStream => "the answer to createStream",
            Self::Publish => "the answer to publish",
            Self::Live | Self::Closed => "nothing",
        }
    }
}

/// What a session tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// `publish` was accepted; media may be sent.
    Accepted,
    /// Refused, or ended by the server.
    Refused(Refusal),
    /// Go elsewhere.
    Redirect(Secret),
}

/// The state machine. Write [`Session::outgoing`] to the socket, feed what the socket gives to [`Session::receive`].
#[derive(Debug)]
pub struct Session {
    stage: Stage,
    app: String,
    tc_url: String,
    key: Secret,
    redactor: Redactor,
    handshake: Handshake,
    reader: Reader,
    writer: Writer,
    out: Outgoing,
    stream: u32,
    received: u32,
    acknowledged: u32,
    window: Option<u32>,
}

impl Session {
    /// Begins a session: the handshake is ready to be written. `random` fills C1.
    #[must_use]
    pub fn new(target: &Target, key: &Secret, random: &[u8; RANDOM]) -> Self {
        let mut out = Outgoing::default();
        out.push(c0_c1(random).into());
        Self {
            stage: Stage::Handshake,
            app: target.app.clone(),
            tc_url: target.tc_url(),
            key: key.clone(),
            redactor: Redactor::new(key),
            handshake: Handshake::default(),
            reader: Reader::default(),
            writer: Writer::default(),
            out,
            stream: 0,
            received: 0,
            acknowledged: 0,
            window: None,
        }
    }

    /// How far it is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What is to be written.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.out
    }

    /// Takes what the socket gave; answers are put into [`Session::outgoing`]. At most one event comes of it: what
    /// follows a refusal does not matter.
    ///
    /// # Errors
    /// The server does not keep to RTMP or to our bounds; the session is then closed.
    pub fn receive(&mut self, data: &[u8]) -> Result<Option<Event>, ProtocolError> {
        let result = self.take(data);
        if result.is_err() {
            self.stage = Stage::Closed;
        }
        result
    }

    fn take(&mut self, data: &[u8]) -> Result<Option<Event>, ProtocolError> {
        match self.stage {
            Stage::Closed => return Ok(None),
            Stage::Handshake => {
                let (c2, rest) = self.handshake.receive(data)?;
                if let Some(c2) = c2 {
                    self.out.push(c2.into());
                }
                if self.handshake.done() {
                    self.connect();
                }
                self.reader.feed(&rest);
            }
            _ => self.reader.feed(data),
        }
        self.received = self
            .received
            .wrapping_add(u32::try_from(data.len()).unwrap_or(u32::MAX));
        let mut event = None;
        while let Some(message) = self.reader.next_message()? {
            if let Some(e) = self.message(&message)? {
                event = Some(e);
            }
            if self.stage == Stage::Closed {
                break;
            }
        }
        self.acknowledge();
        Ok(event)
    }

    fn connect(&mut self) {
        self.control(kind::SET_CHUNK_SIZE, &OUT_CHUNK.to_be_bytes());
        self.writer.set_chunk(OUT_CHUNK as usize);
        self.control(kind::WINDOW_ACK, &WINDOW.to_be_bytes());
        self.command(0, command::connect(&self.app, &self.tc_url));
        self.stage = Stage::Connect;
    }

    fn message(&mut self, message: &Message) -> Result<Option<Event>, ProtocolError> {
        let word = |at: usize| {
            message
                .payload
                .get(at..)
                .and_then(|p| p.first_chunk::<4>())
                .map(|b| u32::from_be_bytes(*b))
                .ok_or(ProtocolError::Control)
        };
        match message.kind {
            kind::WINDOW_ACK => self.window = Some(word(0)?.max(1)),
            kind::PEER_BANDWIDTH => {
                let window = word(0)?;
                self.control(kind::WINDOW_ACK, &window.to_be_bytes());
            }
            kind::USER_CONTROL => {
                let event = message
                    .payload
                    .first_chunk::<2>()
                    .map(|b| u16::from_be_bytes(*b));
                if event == Some(PING_REQUEST) {
                    let mut pong = PING_RESPONSE.to_be_bytes().to_vec();
                    pong.extend_from_slice(&word(2)?.to_be_bytes());
                    self.control(kind::USER_CONTROL, &pong);
                }
            }
            kind::COMMAND => return self.answer(&message.payload),
            // The AMF3 envelope is one byte in front of AMF0.
            kind::COMMAND_AMF3 => return self.answer(message.payload.get(1..).unwrap_or_default()),
            _ => {}
        }
        Ok(None)
    }

    fn answer(&mut self, body: &[u8]) -> Result<Option<Event>, ProtocolError> {
        if body.len() > MAX_COMMAND {
            return Err(ProtocolError::MessageSize(body.len()));
        }
        Ok(match (command::read(body, &self.redactor)?, self.stage) {
            (Answer::Connected, Stage::Connect) => {
                for (name, id) in [
                    ("releaseStream", command::transaction::RELEASE),
                    ("FCPublish", command::transaction::FC_PUBLISH),
                ] {
                    self.command(0, command::with_key(name, id, &self.key));
                }
                self.command(0, command::create_stream());
                self.stage = Stage::CreateStream;
                None
            }
            (Answer::Created(stream), Stage::CreateStream) => {
                self.stream = stream;
                self.command(stream, command::publish(&self.key));
                self.stage = Stage::Publish;
                None
            }
            (Answer::Started, Stage::Publish) => {
                self.stage = Stage::Live;
                Some(Event::Accepted)
            }
            (Answer::Refused(refusal), _) => {
                self.stage = Stage::Closed;
                Some(Event::Refused(refusal))
            }
            (Answer::Redirect(url), _) => {
                self.stage = Stage::Closed;
                Some(Event::Redirect(url))
            }
            _ => None,
        })
    }

    fn acknowledge(&mut self) {
        let Some(window) = self.window else { return };
        if self.received.wrapping_sub(self.acknowledged) >= window {
            self.acknowledged = self.received;
            let received = self.received;
            self.control(kind::ACK, &received.to_be_bytes());
        }
    }

    fn control(&mut self, kind: u8, body: &[u8]) {
        if self.out.len() < MAX_UNSENT {
            let body = Bytes::copy_from_slice(body);
            self.writer
                .write(Lane::Control, kind, 0, 0, &[body], &mut self.out);
        }
    }

    fn command(&mut self, stream: u32, body: Vec<u8>) {
        let body = [Bytes::from(body)];
        self.writer.write(
            Lane::Command,
            kind::COMMAND,
            stream,
            0,
            &body,
            &mut self.out,
        );
    }

    /// Queues one audio message. Does nothing unless live.
    pub fn audio(&mut self, timestamp: u32, parts: &[Bytes]) {
        self.media(Lane::Audio, kind::AUDIO, timestamp, parts);
    }

    /// Queues one video message. Does nothing unless live.
    pub fn video(&mut self, timestamp: u32, parts: &[Bytes]) {
        self.media(Lane::Video, kind::VIDEO, timestamp, parts);
    }

    /// Queues one data message. Does nothing unless live.
    pub fn data(&mut self, timestamp: u32, body: Bytes) {
        self.media(Lane::Data, kind::DATA, timestamp, &[body]);
    }

    fn media(&mut self, lane: Lane, kind: u8, timestamp: u32, parts: &[Bytes]) {
        if self.stage == Stage::Live {
            self.writer
                .write(lane, kind, self.stream, timestamp, parts, &mut self.out);
        }
    }

    /// Says goodbye where there is a stream to end: `FCUnpublish`, `deleteStream`. Nothing is taken in after that.
    pub fn close(&mut self) {
        if matches!(self.stage, Stage::Publish | Stage::Live) {
            let unpublish =
                command::with_key("FCUnpublish", command::transaction::FC_UNPUBLISH, &self.key);
            self.command(0, unpublish);
            self.command(0, command::delete_stream(self.stream));
        }
        self.stage = Stage::Closed;
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
