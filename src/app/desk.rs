//! What stands behind every edge that takes commands: the core for what changes something, the parts of the box for what
//! only asks. How many of each origin are admitted, the desk itself knows ([`Desk::limited`]).

mod audience;
mod live;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::log_ring::{LogRing, MAX_LINES};
use crate::clock::Clock;
use crate::config::{self, Config, board};
use crate::device::command::{Command, Origin};
use crate::device::stage_policy::nothing_drawn;
use crate::device::supervisor::Handle;
use crate::edge::codec::{Code, Failure};
use crate::edge::desk::{Desk, Done, Picture};
use crate::error::{Error, Kind};
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::Fanout;
use crate::media::output::snapshot;
use crate::room::actor::RoomHandle;
use crate::room::live::actor::LiveHandle;

/// Longest text of a configuration that is checked, bytes.
const MAX_TOML: usize = 32 * 1024;
/// Lines of the log where no number is asked for.
const LINES: u32 = 100;
/// The longest that a snapshot may take.
const SNAPSHOT_LIMIT: Duration = Duration::from_secs(15);
/// The longest that anything else may take that does not go to the core, which has a bound of its own.
const LIMIT: Duration = Duration::from_secs(5);

/// The live room, once it is there: it starts after the desk, to which it gives commands itself.
pub type TheRoom = Arc<OnceLock<LiveHandle>>;

/// What the desk reaches.
#[derive(Clone)]
pub struct Behind {
    handle: Handle,
    room: RoomHandle,
    clock: Clock,
    live: TheRoom,
    logs: LogRing,
    main: Fanout<AccessUnit>,
    board: Arc<board::Detected>,
    can_reboot: bool,
    /// One picture at a time: each costs a decoder.
    snapshots: Arc<Semaphore>,
}

/// The desk of this box.
#[must_use]
pub fn desk(behind: Behind) -> Desk {
    Desk::new(move |origin, command| {
        let behind = behind.clone();
        Box::pin(async move { behind.run(origin, command).await })
    })
}

impl Behind {
    /// The core, the room and its clock, the log, the picture on air, and what the configuration says of commands.
    #[must_use]
    pub fn new(
        handle: Handle,
        (room, clock): (RoomHandle, Clock),
        logs: LogRing,
        main: Fanout<AccessUnit>,
        config: &Config,
        board: &board::Board,
    ) -> Self {
        let board = board::Detected {
            board: board.clone(),
            why: String::new(),
        };
        Self {
            handle,
            room,
            clock,
            live: TheRoom::default(),
            logs,
            main,
            board: Arc::new(board),
            can_reboot: !config.box_.reboot.trim().is_empty(),
            snapshots: Arc::new(Semaphore::new(1)),
        }
    }

    /// Where the live room is to be put.
    #[must_use]
    pub fn live(&self) -> TheRoom {
        Arc::clone(&self.live)
    }

    async fn run(self, origin: Origin, command: Command) -> Result<Done, Failure> {
        match command {
            Command::Status => self.status(),
            Command::Logs { lines } => self.last_lines(lines),
            Command::Snapshot { max_width } => self.snapshot(max_width).await,
            Command::ConfigValidate { toml } => self.validate(toml).await,
            Command::RoomAct(act) => live::act(self.live.get(), origin, act).await,
            command if command.is_for_room() => self.audience(command).await,
            Command::Reboot if !self.can_reboot => Err(Failure::new(
                Code::Unsupported,
                "This box cannot start its machine anew: box.reboot is empty.",
            )),
            command => Done::by(self.handle.command(origin, command).await),
        }
    }

    async fn audience(&self, command: Command) -> Result<Done, Failure> {
        let drawn = matches!(
            command,
            Command::Notify(_) | Command::Danmaku(_) | Command::Alert(_)
        );
        let status = self.handle.status();
        let bare = status.borrow().carries_no_words();
        if drawn && bare {
            return Err(Failure::from(&nothing_drawn()));
        }
        audience::run(&self.room, &self.clock, command).await
    }

    fn status(&self) -> Result<Done, Failure> {
        let status = self.handle.status();
        let value = serde_json::to_value(&*status.borrow());
        value.map(Done::Data).map_err(|e| {
            tracing::error!(error = %e, "the status could not be written");
            Failure::new(Code::Internal, "The status could not be written.")
        })
    }

    fn last_lines(&self, lines: Option<u32>) -> Result<Done, Failure> {
        let n = usize::try_from(lines.unwrap_or(LINES)).unwrap_or(usize::MAX);
        if !(1..=MAX_LINES).contains(&n) {
            let message = format!("{n} lines do not work. Choose 1 to {MAX_LINES}.");
            return Err(Failure::new(Code::BadRequest, message));
        }
        Ok(Done::Data(json!({ "lines": self.logs.last(n) })))
    }

    async fn snapshot(&self, max_width: Option<u32>) -> Result<Done, Failure> {
        let width = max_width.unwrap_or(snapshot::DEFAULT_WIDTH);
        if !snapshot::WIDTHS.contains(&width) {
            let (least, most) = (snapshot::WIDTHS.start(), snapshot::WIDTHS.end());
            let message =
                format!("The width {width} does not work. Choose {least} to {most} pixels.");
            return Err(Failure::new(Code::BadRequest, message));
        }
        let Ok(permit) = self.snapshots.clone().try_acquire_owned() else {
            return Err(Failure::new(
                Code::Busy,
                "Another picture is being taken. Try again in a moment.",
            ));
        };
        let main = self.main.clone();
        let taking = tokio::task::spawn_blocking(move || {
            // Held by the work, not by whoever waits: a decoder that hangs must not be joined by another.
            let _permit = permit;
            snapshot::take(&main, width)
        });
        let taken = timeout(SNAPSHOT_LIMIT, taking).await.map_err(|_| late())?;
        let jpeg = taken
            .unwrap_or_else(|e| {
                Err(Error::new(Kind::Internal, "The snapshot broke off.").caused_by(e))
            })
            .map_err(|e| failure(&e))?;
        Ok(Done::Picture(Picture {
            jpeg: jpeg.data,
            width: jpeg.width,
            height: jpeg.height,
        }))
    }

    async fn validate(&self, toml: String) -> Result<Done, Failure> {
        if toml.len() > MAX_TOML {
            let message = format!("The text is longer than {MAX_TOML} bytes.");
            return Err(Failure::new(Code::TooLarge, message));
        }
        let board = self.board.clone();
        let checking = tokio::task::spawn_blocking(move || config::validate(&toml, &board));
        let checked = timeout(LIMIT, checking).await.map_err(|_| late())?;
        let checked = checked
            .map_err(|_| Failure::new(Code::Internal, "The check broke off by a fault of ours."))?;
        let none: &[config::Problem] = &[];
        Ok(Done::Data(match &checked {
            Ok(warnings) => json!({ "valid": true, "problems": none, "warnings": warnings }),
            Err(problems) => json!({ "valid": false, "problems": problems, "warnings": none }),
        }))
    }
}

fn late() -> Failure {
    Failure::new(Code::Busy, "It took too long. Try again in a moment.")
}

fn failure(e: &Error) -> Failure {
    let code = match e.kind() {
        Kind::Missing | Kind::Unsupported => Code::Unsupported,
        Kind::Timeout => Code::Busy,
        _ => Code::Internal,
    };
    Failure::new(code, e.report())
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
