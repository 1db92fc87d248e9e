//! What can come of a command, as a sentence, as JSON and as an exit code.

use std::io::Write;

use serde_json::{Value, json};

/// The box, or its camera, refuses (`EX_DATAERR` of sysexits.h).
pub(super) const REFUSED: u8 = 65;
/// No box is running here, or the broker cannot be reached (`EX_UNAVAILABLE`).
pub(super) const NOT_RUNNING: u8 = 69;
/// No answer in time, or busy (`EX_TEMPFAIL`).
pub(super) const TRY_AGAIN: u8 = 75;
/// The socket may not be opened (`EX_NOPERM`).
pub(super) const FORBIDDEN: u8 = 77;
/// The configuration that leads to the socket is wrong (`EX_CONFIG`).
pub(super) const CONFIG: u8 = 78;

/// Why it was not done; each text is a sentence or more for people.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Trouble {
    /// Wrong arguments.
    Usage(String),
    /// Nothing listens.
    NotRunning(String),
    /// The broker cannot be reached.
    NoBroker(String),
    /// The socket may not be opened.
    Forbidden(String),
    /// The configuration is wrong.
    Config(String),
    /// No answer in time.
    TimedOut(String),
    /// The box answered something that it should not, or went.
    Broken(String),
    /// The box, or its camera, refuses: the `error` of the answer.
    Refused(Value),
    /// All was said; only the exit code is left.
    Shown(u8),
}

impl Trouble {
    /// A refusal that the status tells, not an answer.
    pub(super) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::Refused(json!({"code": code, "message": message.into(), "retryable": false}))
    }

    /// What there is to say, for people.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Shown(_) => None,
            Self::Refused(error) => error["message"].as_str(),
            Self::Usage(text)
            | Self::NotRunning(text)
            | Self::NoBroker(text)
            | Self::Forbidden(text)
            | Self::Config(text)
            | Self::TimedOut(text)
            | Self::Broken(text) => Some(text),
        }
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::NotRunning(_) | Self::NoBroker(_) => NOT_RUNNING,
            Self::Forbidden(_) => FORBIDDEN,
            Self::Config(_) => CONFIG,
            Self::TimedOut(_) => TRY_AGAIN,
            Self::Broken(_) => 1,
            Self::Refused(error) => refusal_code(error),
            Self::Shown(code) => *code,
        }
    }

    /// Says it: as JSON to `out`, for people to `err`.
    pub(super) fn print(&self, as_json: bool, out: &mut dyn Write, err: &mut dyn Write) {
        let (code, message) = match self {
            Self::Shown(_) => return,
            Self::Refused(error) => ("", error["message"].as_str().unwrap_or("The box refuses.")),
            Self::Usage(text) => ("usage", text.as_str()),
            Self::NotRunning(text) => ("not_running", text.as_str()),
            Self::NoBroker(text) => ("no_broker", text.as_str()),
            Self::Forbidden(text) => ("forbidden", text.as_str()),
            Self::Config(text) => ("config", text.as_str()),
            Self::TimedOut(text) => ("timed_out", text.as_str()),
            Self::Broken(text) => ("broken", text.as_str()),
        };
        let _ = if !as_json {
            writeln!(err, "boothcast: {message}")
        } else if let Self::Refused(error) = self {
            writeln!(out, "{:#}", json!({"ok": false, "error": error}))
        } else {
            let retryable = matches!(
                self,
                Self::TimedOut(_) | Self::NotRunning(_) | Self::NoBroker(_)
            );
            let error = json!({"code": code, "message": message, "retryable": retryable});
            writeln!(out, "{:#}", json!({"ok": false, "error": error}))
        };
    }
}

/// Runs with standard output, says what is in the way, and gives the exit code.
pub(super) fn exit_code(
    as_json: bool,
    run: impl FnOnce(&mut dyn Write) -> Result<(), Trouble>,
) -> u8 {
    let out = &mut std::io::stdout().lock();
    match run(out) {
        Ok(()) => 0,
        Err(trouble) => {
            trouble.print(as_json, out, &mut std::io::stderr().lock());
            trouble.exit_code()
        }
    }
}

/// The exit code of an answer's `error`.
pub(super) fn refusal_code(error: &Value) -> u8 {
    if error["retryable"] == json!(true) {
        TRY_AGAIN
    } else {
        REFUSED
    }
}

/// What is said of an answer's `data` to a command.
pub(super) fn accepted(data: &Value) -> String {
    match data["message"].as_str() {
        Some(how) => how.to_owned(),
        None => "Accepted.".to_owned(),
    }
}
