//! `boothcast ctl update`: a new version of the box's software.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use clap::Subcommand;
use serde_json::{Value, json};

use super::order::bare;
use super::peer::Peer;
use super::show;
use crate::cli::outcome::{Trouble, accepted};
use crate::device::command::Command;

/// A status comes at least so often.
const QUIET: Duration = Duration::from_secs(30);
/// Lines of progress that are no terminal's: one each so many per cent.
const STEP: u64 = 10;

/// `ctl update`.
#[derive(Debug, Subcommand)]
pub enum Update {
    /// Install a signed bundle into the other slot; the box restarts by itself, when it is not live, and keeps the new
    /// version if it does well for two minutes.
    Install {
        /// A path on the box, file:///… or http(s)://…
        #[arg(value_hint = clap::ValueHint::FilePath)]
        source: String,
        /// Also while the box is live: the show is interrupted
        #[arg(long)]
        force: bool,
        /// Take also a version that is not newer
        #[arg(long)]
        downgrade: bool,
        /// Do not wait until it is installed
        #[arg(long)]
        no_wait: bool,
        /// Wait at most so long
        #[arg(long = "wait", value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=14_400))]
        wait_s: u64,
    },
    /// Say which versions are there, and how the last update went.
    Status,
    /// Go back to the version in the other slot.
    Rollback {
        /// Also while the box is live, or during a trial
        #[arg(long)]
        force: bool,
    },
}

impl Update {
    /// The command for the box.
    pub(super) fn command(&self) -> Command {
        match self {
            Self::Install {
                source,
                force,
                downgrade,
                ..
            } => Command::UpdateInstall {
                source: source.clone(),
                force: *force,
                downgrade: *downgrade,
            },
            Self::Status => Command::Status,
            Self::Rollback { force } => Command::UpdateRollback { force: *force },
        }
    }
}

pub(super) fn run(
    update: &Update,
    peer: &mut Peer,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    match update {
        Update::Status => {
            let status = peer.status()?;
            let update = &status["update"];
            show(as_json, update, &page(update), out)
        }
        Update::Install {
            no_wait: false,
            wait_s,
            ..
        } => {
            peer.command(&bare(&update.command()))?;
            let end = Instant::now() + Duration::from_secs(*wait_s);
            let update = installed(peer, end, as_json, out)?;
            let note = update["note"].as_str().unwrap_or("It is installed.");
            show(as_json, &update, note, out)
        }
        Update::Install { .. } | Update::Rollback { .. } => {
            let said = peer.command(&bare(&update.command()))?;
            show(as_json, &said, &accepted(&said), out)
        }
    }
}

/// Waits until the other slot is written.
fn installed(
    peer: &mut Peer,
    end: Instant,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Value, Trouble> {
    peer.watch()?;
    let mut line = Line::default();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let said =
                "The update is still being installed. Look with boothcast ctl update status.";
            return Err(Trouble::TimedOut(said.into()));
        }
        let status = peer.next_status(left.min(QUIET))?;
        let update = &status["update"];
        match update["state"].as_str() {
            Some("installing") if as_json => {}
            Some("installing") => line.show(update, out),
            Some("waiting") => {
                line.end(out);
                return Ok(update.clone());
            }
            _ => {
                line.end(out);
                let note = update["note"].as_str();
                let why = note.unwrap_or("The update was not installed.");
                return Err(Trouble::refused("conflict", why));
            }
        }
    }
}

/// Progress: one line that is written over on a terminal, else a line now and then.
#[derive(Default)]
struct Line {
    said: String,
    percent: Option<u64>,
}

impl Line {
    fn show(&mut self, update: &Value, out: &mut dyn Write) {
        let percent = update["percent"].as_u64().unwrap_or(0);
        let text = format!(
            "{percent:3} % {}",
            update["step"].as_str().unwrap_or_default()
        );
        if text == self.said {
            return;
        }
        let terminal = std::io::stdout().is_terminal();
        let due = self.percent.is_none_or(|p| percent >= p + STEP);
        let _ = if terminal {
            write!(out, "\r\x1b[K{text}").and_then(|()| out.flush())
        } else if due {
            self.percent = Some(percent);
            writeln!(out, "{text}").and_then(|()| out.flush())
        } else {
            Ok(())
        };
        self.said = text;
    }

    fn end(&self, out: &mut dyn Write) {
        if std::io::stdout().is_terminal() && !self.said.is_empty() {
            let _ = writeln!(out);
        }
    }
}

/// The update's part of the status, for people.
pub(super) fn page(update: &Value) -> String {
    let text = |key: &str| update[key].as_str();
    let Some(slot) = text("slot") else {
        return "This box was not started from Boothcast's image, so it cannot update itself."
            .into();
    };
    let mut lines = vec![format!(
        "Version {} in slot {slot}{}.",
        text("version").unwrap_or("?"),
        if update["trial"] == json!(true) {
            ", on trial"
        } else {
            ""
        }
    )];
    lines.extend(text("other").map(|v| format!("Version {v} in the other slot ran well.")));
    lines.extend(text("note").map(str::to_owned));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_is_there() {
        let update = json!({"slot": "B", "version": "1.2.0", "trial": true, "other": "1.1.0", "note": "New."});
        assert_eq!(
            page(&update),
            "Version 1.2.0 in slot B, on trial.\nVersion 1.1.0 in the other slot ran well.\nNew."
        );
        assert!(page(&json!({"slot": null})).contains("cannot update itself"));
    }

    #[test]
    fn progress_that_no_terminal_sees_is_a_line_now_and_then() {
        let mut out = Vec::new();
        let mut line = Line::default();
        for percent in 0..=35 {
            line.show(&json!({"percent": percent, "step": "copying"}), &mut out);
        }
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(text.ends_with(" 30 % copying\n"), "{text}");
    }
}
