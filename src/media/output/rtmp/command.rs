//! The commands of a publisher (Adobe RTMP 1.0, section 7.2) and what answers mean. Pure.

use super::amf::{self, AmfError, Value};
use super::redact::Redactor;
use crate::config::Secret;

/// Transaction ids, fixed because each command is sent once in a session.
pub mod transaction {
    /// `connect` (must be 1, section 7.2.1.1).
    pub const CONNECT: f64 = 1.0;
    /// `releaseStream`.
    pub const RELEASE: f64 = 2.0;
    /// `FCPublish`.
    pub const FC_PUBLISH: f64 = 3.0;
    /// `createStream`.
    pub const CREATE: f64 = 4.0;
    /// `publish`.
    pub const PUBLISH: f64 = 5.0;
    /// `FCUnpublish`.
    pub const FC_UNPUBLISH: f64 = 6.0;
    /// `deleteStream`.
    pub const DELETE: f64 = 7.0;
}

/// `connect` to an application.
#[must_use]
pub fn connect(app: &str, tc_url: &str) -> Vec<u8> {
    let properties = [
        ("app", app.into()),
        ("type", "nonprivate".into()),
        ("flashVer", "FMLE/3.0 (compatible; Boothcast)".into()),
        ("swfUrl", tc_url.into()),
        ("tcUrl", tc_url.into()),
    ];
    let object = properties
        .into_iter()
        .map(|(n, v): (&str, Value)| (n.to_owned(), v))
        .collect();
    amf::encode_all(&[
        "connect".into(),
        transaction::CONNECT.into(),
        Value::Object(object),
    ])
}

/// A command with a null object and the stream key as its argument.
#[must_use]
pub fn with_key(name: &str, transaction: f64, key: &Secret) -> Vec<u8> {
    amf::encode_all(&[
        name.into(),
        transaction.into(),
        Value::Null,
        key.expose().into(),
    ])
}

/// `createStream`.
#[must_use]
pub fn create_stream() -> Vec<u8> {
    amf::encode_all(&[
        "createStream".into(),
        transaction::CREATE.into(),
        Value::Null,
    ])
}

/// `publish`, live.
#[must_use]
pub fn publish(key: &Secret) -> Vec<u8> {
    let mut out = with_key("publish", transaction::PUBLISH, key);
    amf::encode(&"live".into(), &mut out);
    out
}

/// `deleteStream`.
#[must_use]
pub fn delete_stream(stream: u32) -> Vec<u8> {
    amf::encode_all(&[
        "deleteStream".into(),
        transaction::DELETE.into(),
        Value::Null,
        f64::from(stream).into(),
    ])
}

/// Why a server refuses or ends the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The stream name is in use.
    BadName,
    /// Key, application or box refused.
    Key,
    /// A fault of the server; the key may be right.
    Fault,
}

/// A refusal, fit to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind.
    pub kind: RefusalKind,
    /// The server's words, without the key, bounded.
    pub text: String,
}

/// What a command of the server means to a publisher.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// `connect` was accepted.
    Connected,
    /// `createStream` gave this message stream.
    Created(u32),
    /// `publish` was accepted.
    Started,
    /// The server ends or refuses the stream.
    Refused(Refusal),
    /// The server sends us elsewhere. A secret, since it may hold the key.
    Redirect(Secret),
    /// Nothing to a publisher.
    Other,
}

/// Reads a command message.
///
/// # Errors
/// Not AMF0.
pub fn read(body: &[u8], redactor: &Redactor) -> Result<Answer, AmfError> {
    let values = amf::decode_all(body)?;
    let name = values.first().and_then(Value::as_str).unwrap_or_default();
    let id = values.get(1).and_then(Value::as_number).unwrap_or(0.0);
    let info = values.get(3);
    let is = |transaction: f64| (id - transaction).abs() < 0.5;
    Ok(match name {
        "_result" if is(transaction::CONNECT) => {
            // Some servers refuse within a `_result`.
            if text(info, "level") == "error" {
                refused(info, redactor)
            } else {
                Answer::Connected
            }
        }
        "_result" if is(transaction::CREATE) => match info.and_then(Value::as_number) {
            // Message stream 0 is the control stream.
            Some(n) if (1.0..=f64::from(u32::MAX)).contains(&n) => Answer::Created(n as u32),
            _ => Answer::Refused(Refusal {
                kind: RefusalKind::Fault,
                text: "it gave no message stream".into(),
            }),
        },
        "_error" if is(transaction::RELEASE) || is(transaction::FC_PUBLISH) => Answer::Other,
        "_error" => refused(info, redactor),
        "onStatus" => status(info, redactor),
        "close" => Answer::Refused(Refusal {
            kind: RefusalKind::Fault,
            text: "it sent close".into(),
        }),
        _ => Answer::Other,
    })
}

fn text<'a>(info: Option<&'a Value>, name: &str) -> &'a str {
    info.and_then(|i| i.get(name))
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn status(info: Option<&Value>, redactor: &Redactor) -> Answer {
    let code = text(info, "code");
    let ended = [
        "NetStream.Unpublish.Success",
        "NetStream.Publish.Stop",
        "NetConnection.Connect.Closed",
        "NetConnection.Connect.AppShutdown",
    ];
    if code == "NetStream.Publish.Start" {
        Answer::Started
    } else if text(info, "level") == "error" || ended.contains(&code) {
        refused(info, redactor)
    } else {
        Answer::Other
    }
}

fn refused(info: Option<&Value>, redactor: &Redactor) -> Answer {
    let ex = info.and_then(|i| i.get("ex"));
    let redirect = text(ex, "redirect");
    if !redirect.is_empty() {
        return Answer::Redirect(Secret::new(redirect));
    }
    let code = text(info, "code");
    let description = text(info, "description");
    let faults = [
        "NetConnection.Connect.Failed",
        "NetConnection.Connect.Closed",
        "NetConnection.Connect.AppShutdown",
        "NetStream.Failed",
        "NetStream.Publish.Stop",
        "NetStream.Unpublish.Success",
    ];
    let kind = if code.ends_with(".BadName") {
        RefusalKind::BadName
    } else if faults.contains(&code) {
        RefusalKind::Fault
    } else {
        RefusalKind::Key
    };
    let words = match (code.is_empty(), description.is_empty()) {
        (false, false) => format!("{code}: {description}"),
        (true, true) => "no reason given".to_owned(),
        _ => format!("{code}{description}"),
    };
    Answer::Refused(Refusal {
        kind,
        text: redactor.clean(&words),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn object(fields: &[(&str, Value)]) -> Value {
        Value::Object(
            fields
                .iter()
                .map(|(n, v)| ((*n).to_owned(), v.clone()))
                .collect(),
        )
    }

    fn answer(name: &str, id: f64, info: Value) -> Answer {
        let body = amf::encode_all(&[name.into(), id.into(), Value::Null, info]);
        read(&body, &Redactor::new(&Secret::new("canary-key-1"))).unwrap()
    }

    fn code(level: &str, code: &str) -> Value {
        object(&[
            ("level", level.into()),
            ("code", code.into()),
            ("description", "stream canary-key-1".into()),
        ])
    }

    fn kind(a: &Answer) -> Option<RefusalKind> {
        match a {
            Answer::Refused(r) => Some(r.kind),
            _ => None,
        }
    }

    #[test]
    fn answers_mean_what_servers_mean_by_them() {
        assert_eq!(
            answer(
                "_result",
                1.0,
                code("status", "NetConnection.Connect.Success")
            ),
            Answer::Connected
        );
        assert_eq!(answer("_result", 4.0, 1.0.into()), Answer::Created(1));
        assert_eq!(
            kind(&answer("_result", 4.0, (-1.0).into())),
            Some(RefusalKind::Fault)
        );
        assert_eq!(answer("_error", 2.0, Value::Null), Answer::Other);
        assert_eq!(
            answer("onFCPublish", 0.0, code("error", "x")),
            Answer::Other
        );
        assert_eq!(
            answer("onStatus", 0.0, code("status", "NetStream.Publish.Start")),
            Answer::Started
        );
        assert_eq!(
            answer("onStatus", 0.0, code("status", "NetStream.Data.Start")),
            Answer::Other
        );
        for (name, level, c, want) in [
            (
                "onStatus",
                "error",
                "NetStream.Publish.BadName",
                RefusalKind::BadName,
            ),
            (
                "onStatus",
                "error",
                "NetStream.Publish.Unauthorized",
                RefusalKind::Key,
            ),
            (
                "onStatus",
                "error",
                "NetStream.Authenticate.UsherFailed",
                RefusalKind::Key,
            ),
            (
                "_error",
                "error",
                "NetConnection.Connect.Rejected",
                RefusalKind::Key,
            ),
            (
                "_error",
                "error",
                "NetConnection.Connect.Failed",
                RefusalKind::Fault,
            ),
            (
                "onStatus",
                "status",
                "NetStream.Unpublish.Success",
                RefusalKind::Fault,
            ),
        ] {
            assert_eq!(kind(&answer(name, 1.0, code(level, c))), Some(want), "{c}");
        }
    }

    #[test]
    fn a_refusal_shows_the_servers_words_without_the_key() {
        let Answer::Refused(r) =
            answer("onStatus", 0.0, code("error", "NetStream.Publish.BadName"))
        else {
            panic!("not refused");
        };
        assert_eq!(r.text, "NetStream.Publish.BadName: stream ***");
    }

    #[test]
    fn redirects_are_found_and_kept_secret() {
        let ex = object(&[("code", 302.0.into()), ("redirect", "rtmp://b/live".into())]);
        let info = object(&[
            ("code", "NetConnection.Connect.Rejected".into()),
            ("ex", ex),
        ]);
        let a = answer("_error", 1.0, info);
        assert_eq!(a, Answer::Redirect(Secret::new("rtmp://b/live")));
        assert!(!format!("{a:?}").contains("rtmp://b"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&body, &Redactor::new(&Secret::new("canary-key-1")));
        }
    }
}
