//! One error type for the whole program. An error is a sentence for a person: it names the thing, and the mend.
//!
//! The kind is translated to an exit code here, and (in later edges) to HTTP and MQTT codes in one place each.

use std::error::Error as StdError;
use std::fmt;

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong: decides exit code and whether a retry can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The configuration is wrong (exit 78, `EX_CONFIG` of sysexits.h).
    BadConfig,
    /// A thing that was named does not exist: a device, a file, a box.
    NotFound,
    /// The operating system said no.
    Permission,
    /// A port, a camera or a card is used by somebody else.
    InUse,
    /// The thing exists but cannot do what is wanted.
    Unsupported,
    /// A GStreamer plug-in or a program is not installed.
    Missing,
    /// A peer could not be reached, or the connection broke.
    Network,
    /// A peer understood and refused: a wrong stream key, a full server.
    Refused,
    /// Nothing happened in time.
    Timeout,
    /// Stored data is damaged.
    Corrupt,
    /// A fault of ours.
    Internal,
}

impl Kind {
    /// Process exit code: 78 (`EX_CONFIG`) for configuration, 1 for everything else.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::BadConfig => 78,
            _ => 1,
        }
    }
}

/// An error with a kind, one plain sentence, an optional mend, and what caused it.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    mend: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` whose `message` names the thing. Secrets never belong in `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            mend: None,
            source: None,
        }
    }

    /// Adds what the reader can do about it, as a sentence in the imperative.
    #[must_use]
    pub fn mend(mut self, mend: impl Into<String>) -> Self {
        self.mend = Some(mend.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The sentence without mend and causes.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The mend, if there is one.
    #[must_use]
    pub fn mend_text(&self) -> Option<&str> {
        self.mend.as_deref()
    }

    /// Sentence, causes and mend on one line: what a person is shown.
    #[must_use]
    pub fn report(&self) -> String {
        let mut out = self.message.trim_end_matches('.').to_owned();
        let mut cause = self.source();
        while let Some(e) = cause {
            let text = e.to_string();
            if !out.contains(&text) {
                out.push_str(": ");
                out.push_str(text.trim_end_matches('.'));
            }
            cause = e.source();
        }
        out.push('.');
        if let Some(mend) = &self.mend {
            out.push(' ');
            out.push_str(mend);
        }
        out
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|e| e as &(dyn StdError + 'static))
    }
}

/// Maps an I/O error to the kind that fits it best.
#[must_use]
pub fn io_kind(e: &std::io::Error) -> Kind {
    use std::io::ErrorKind as K;
    match e.kind() {
        K::NotFound => Kind::NotFound,
        K::PermissionDenied | K::ReadOnlyFilesystem => Kind::Permission,
        K::AddrInUse | K::ResourceBusy => Kind::InUse,
        K::TimedOut => Kind::Timeout,
        K::ConnectionRefused
        | K::ConnectionReset
        | K::BrokenPipe
        | K::HostUnreachable
        | K::NetworkUnreachable => Kind::Network,
        _ => Kind::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_names_thing_cause_and_mend_in_one_line() {
        let e = Error::new(Kind::InUse, "Port 8554 is taken.")
            .caused_by(std::io::Error::from(std::io::ErrorKind::AddrInUse))
            .mend("Set rtsp.port to another number.");
        assert_eq!(
            e.report(),
            "Port 8554 is taken: address in use. Set rtsp.port to another number."
        );
        assert_eq!(e.kind().exit_code(), 1);
        assert_eq!(Kind::BadConfig.exit_code(), 78);
    }
}
