//! What unit tests of several files here need.

use super::amf::{self, Value};
use super::chunk::{Lane, Writer, kind};
use super::handshake::{PACKET, RANDOM};
use super::outgoing::Outgoing;
use super::session::{Event, Session};
use super::target::Target;
use crate::config::Secret;

/// A session that a scripted server has accepted, with nothing left to write.
pub fn live_session() -> Session {
    let target = Target::parse("rtmp://server/live").unwrap();
    let mut session = Session::new(&target, &Secret::new("k"), &[0; RANDOM]);
    let mut hello = vec![3];
    hello.extend_from_slice(&[0; 2 * PACKET]);
    session.receive(&hello).unwrap();
    let code = vec![("code".to_owned(), "NetStream.Publish.Start".into())];
    let mut writer = Writer::default();
    let mut event = None;
    for values in [
        ["_result".into(), 1.0.into(), Value::Null, Value::Null],
        ["_result".into(), 4.0.into(), Value::Null, 1.0.into()],
        [
            "onStatus".into(),
            0.0.into(),
            Value::Null,
            Value::Object(code),
        ],
    ] {
        let mut out = Outgoing::default();
        let body = amf::encode_all(&values).into();
        writer.write(Lane::Command, kind::COMMAND, 0, 0, &[body], &mut out);
        let wire: Vec<u8> = out.io_slices().iter().flat_map(|s| s.to_vec()).collect();
        event = session.receive(&wire).unwrap();
    }
    assert_eq!(event, Some(Event::Accepted));
    let rest = session.outgoing().len();
    session.outgoing().advance(rest);
    session
}
