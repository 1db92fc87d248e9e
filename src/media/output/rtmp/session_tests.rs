//! Tests of the session against a scripted server, without sockets.

use proptest::prelude::*;

use super::super::amf::{self, Value};
use super::super::handshake::PACKET;
use super::*;

const KEY: &str = "canary-key-1?a=b";

fn session() -> Session {
    let target = Target::parse("rtmp://server/live").unwrap();
    Session::new(&target, &Secret::new(KEY), &[1; RANDOM])
}

fn drain(out: &mut Outgoing) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !out.is_empty() {
        let some: Vec<u8> = out.io_slices().iter().flat_map(|s| s.to_vec()).collect();
        out.advance(some.len());
        bytes.extend(some);
    }
    bytes
}

fn written(s: &mut Session) -> Vec<u8> {
    drain(&mut s.out)
}

/// The server's side: writes chunks, reads ours.
#[derive(Default)]
struct Server {
    reader: Reader,
    writer: Writer,
}

impl Server {
    fn bytes(&mut self, kind: u8, body: &[u8]) -> Vec<u8> {
        let mut out = Outgoing::default();
        let body = Bytes::copy_from_slice(body);
        self.writer
            .write(Lane::Command, kind, 0, 0, &[body], &mut out);
        drain(&mut out)
    }

    fn command(&mut self, values: &[Value]) -> Vec<u8> {
        self.bytes(kind::COMMAND, &amf::encode_all(values))
    }

    fn status(&mut self, level: &str, code: &str) -> Vec<u8> {
        let info = vec![
            ("level".to_owned(), level.into()),
            ("code".to_owned(), code.into()),
        ];
        self.command(&[
            "onStatus".into(),
            0.0.into(),
            Value::Null,
            Value::Object(info),
        ])
    }

    fn reads(&mut self, bytes: &[u8]) -> Vec<Message> {
        self.reader.feed(bytes);
        std::iter::from_fn(|| self.reader.next_message().unwrap()).collect()
    }
}

fn names(messages: &[Message]) -> Vec<String> {
    messages
        .iter()
        .filter(|m| m.kind == kind::COMMAND)
        .map(|m| {
            amf::decode_all(&m.payload).unwrap()[0]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

/// Brings a session to the stage after `publish` was sent.
fn published() -> (Session, Server) {
    let (mut s, mut server) = (session(), Server::default());
    assert_eq!(written(&mut s).len(), 1 + PACKET);
    let mut hello = vec![3];
    hello.extend_from_slice(&[2; 2 * PACKET]);
    assert_eq!(s.receive(&hello).unwrap(), None);
    let out = written(&mut s);
    let first = server.reads(&out[PACKET..]);
    assert_eq!(first[0].kind, kind::SET_CHUNK_SIZE);
    assert_eq!(names(&first), ["connect"]);
    let ok = server.command(&["_result".into(), 1.0.into(), Value::Null, Value::Null]);
    s.receive(&ok).unwrap();
    let out = written(&mut s);
    assert_eq!(
        names(&server.reads(&out)),
        ["releaseStream", "FCPublish", "createStream"]
    );
    let created = server.command(&["_result".into(), 4.0.into(), Value::Null, 1.0.into()]);
    s.receive(&created).unwrap();
    let out = written(&mut s);
    let publish = server.reads(&out);
    assert_eq!(names(&publish), ["publish"]);
    let values = amf::decode_all(&publish[0].payload).unwrap();
    assert_eq!(values[3].as_str(), Some(KEY));
    assert_eq!(publish[0].stream, 1);
    assert_eq!(s.stage(), Stage::Publish);
    (s, server)
}

#[test]
fn from_handshake_to_goodbye() {
    let (mut s, mut server) = published();
    s.video(0, &[Bytes::from_static(b"early")]);
    assert!(
        written(&mut s).is_empty(),
        "no media before the server accepted"
    );
    let start = server.status("status", "NetStream.Publish.Start");
    assert_eq!(s.receive(&start).unwrap(), Some(Event::Accepted));
    s.video(7, &[Bytes::from_static(b"ab"), Bytes::from_static(b"c")]);
    s.audio(9, &[Bytes::from_static(b"d")]);
    s.close();
    let out = written(&mut s);
    let messages = server.reads(&out);
    assert_eq!((messages[0].kind, messages[0].timestamp), (kind::VIDEO, 7));
    assert_eq!(&messages[0].payload[..], b"abc");
    assert_eq!((messages[1].kind, messages[1].timestamp), (kind::AUDIO, 9));
    assert_eq!(names(&messages), ["FCUnpublish", "deleteStream"]);
}

#[test]
fn pings_windows_and_bandwidth_are_answered() {
    let (mut s, mut server) = published();
    let ping = server.bytes(kind::USER_CONTROL, &[0, 6, 1, 2, 3, 4]);
    s.receive(&ping).unwrap();
    let out = written(&mut s);
    assert_eq!(&server.reads(&out)[0].payload[..], [0, 7, 1, 2, 3, 4]);
    let bandwidth = server.bytes(kind::PEER_BANDWIDTH, &[0, 0, 4, 0, 2]);
    s.receive(&bandwidth).unwrap();
    let out = written(&mut s);
    let m = server.reads(&out).remove(0);
    assert_eq!(
        (m.kind, &m.payload[..]),
        (kind::WINDOW_ACK, &[0, 0, 4, 0][..])
    );
    let window = server.bytes(kind::WINDOW_ACK, &[0, 0, 0, 200]);
    s.receive(&window).unwrap();
    let out = written(&mut s);
    let m = server.reads(&out).remove(0);
    assert_eq!(
        (m.kind, &m.payload[..]),
        (kind::ACK, &s.received.to_be_bytes()[..])
    );
}

#[test]
fn a_server_that_pings_without_reading_gets_no_memory() {
    let (mut s, mut server) = published();
    let ping = server
        .bytes(kind::USER_CONTROL, &[0, 6, 1, 2, 3, 4])
        .repeat(1000);
    for _ in 0..400 {
        s.receive(&ping).unwrap();
    }
    assert!(s.out.len() < MAX_UNSENT + 1000);
}

#[test]
fn a_command_too_large_ends_the_session() {
    let (mut s, mut server) = published();
    let big = server.bytes(kind::COMMAND, &[5; MAX_COMMAND + 1]);
    assert_eq!(
        s.receive(&big),
        Err(ProtocolError::MessageSize(MAX_COMMAND + 1))
    );
    assert_eq!(s.stage(), Stage::Closed);
}

#[test]
fn refusals_end_the_session_at_any_stage() {
    let (mut s, mut server) = published();
    let no = server.status("error", "NetStream.Publish.BadName");
    assert!(matches!(s.receive(&no).unwrap(), Some(Event::Refused(_))));
    assert_eq!(s.stage(), Stage::Closed);
    let start = server.status("status", "NetStream.Publish.Start");
    assert_eq!(s.receive(&start).unwrap(), None);

    let (mut s, mut server) = published();
    s.receive(&server.status("status", "NetStream.Publish.Start"))
        .unwrap();
    let end = server.status("status", "NetStream.Unpublish.Success");
    assert!(matches!(s.receive(&end).unwrap(), Some(Event::Refused(_))));
}

#[test]
fn nothing_of_the_key_is_in_the_debug_form() {
    let (s, _) = published();
    let text = format!("{s:?}");
    assert!(!text.contains("canary"), "{text}");
}

proptest! {
    #[test]
    fn any_bytes_at_any_stage_do_no_harm(
        live in any::<bool>(), blocks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..20),
    ) {
        let mut s = if live {
            let (mut s, mut server) = published();
            s.receive(&server.status("status", "NetStream.Publish.Start")).unwrap();
            s
        } else {
            session()
        };
        for block in blocks {
            if s.receive(&block).is_err() {
                prop_assert_eq!(s.stage(), Stage::Closed);
                break;
            }
        }
        prop_assert!(s.out.len() < MAX_UNSENT + 100_000);
    }

    #[test]
    fn commands_of_any_shape_do_no_harm(kind in 0u8..23, body in proptest::collection::vec(any::<u8>(), 0..100)) {
        let (mut s, mut server) = published();
        let _ = s.receive(&server.bytes(kind, &body));
    }
}
