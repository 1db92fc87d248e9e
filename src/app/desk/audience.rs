//! Commands that the room answers: they are about what the audience says.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::{LIMIT, late};
use crate::clock::Clock;
use crate::device::command::Command;
use crate::device::policy::{Denial, DenialCode};
use crate::edge::codec::{Code, Failure};
use crate::edge::desk::Done;
use crate::error::{Error, Kind};
use crate::room::actor::{Answer, Ask, RoomHandle};
use crate::room::item::Item;
use crate::room::{Verdict, Waiting};

/// Hands a command to the room and waits for its answer.
pub async fn run(room: &RoomHandle, clock: &Clock, command: Command) -> Result<Done, Failure> {
    let ask = match command {
        Command::Notify(notice) => take(Item::Alert(notice.into())),
        Command::Danmaku(comment) => take(Item::Comment(comment)),
        Command::Alert(alert) => take(Item::Alert(alert)),
        Command::ModerationQueue => Ask::Queue,
        Command::ModerationApprove { item } => Ask::Approve(item),
        Command::ModerationReject { item } => Ask::Reject(item),
        _ => {
            return Err(Failure::new(
                Code::Internal,
                "The room knows no such command.",
            ));
        }
    };
    let reply = room.ask(ask).map_err(|e| failure(&e))?;
    let answer = timeout(LIMIT, reply).await.map_err(|_| late())?;
    let answer = answer.map_err(|_| ending())?;
    match answer.map_err(|e| failure(&e))? {
        Answer::Done => Ok(Done::Accepted),
        Answer::Verdict(verdict) => said(verdict),
        Answer::Queue(waiting) => Ok(Done::Data(queue(&waiting, clock.now()))),
    }
}

fn ending() -> Failure {
    let said = "The box is shutting down. Try again when it is back.";
    Failure::from(&Denial::new(DenialCode::ShuttingDown, said))
}

fn take(item: Item) -> Ask {
    Ask::Take { item, author: None }
}

fn said(verdict: Verdict) -> Result<Done, Failure> {
    Ok(Done::Data(match verdict {
        Verdict::Shown(id) => json!({ "item": id, "state": "shown" }),
        Verdict::Delayed(id, wait) => {
            json!({ "item": id, "state": "delayed", "in_s": tenths(wait) })
        }
        Verdict::Held(id) => json!({ "item": id, "state": "held" }),
        Verdict::Counted => json!({ "state": "counted" }),
        Verdict::Passed => json!({ "state": "passed" }),
        Verdict::Refused(reason) => {
            return Err(Failure::refused(reason.code(), reason.sentence()));
        }
    }))
}

/// What waits, oldest first.
fn queue(waiting: &[Waiting], now: Duration) -> Value {
    let entry = |w: &Waiting| {
        let due = w.due.map(|due| tenths(due.saturating_sub(now)));
        let age = tenths(now.saturating_sub(w.since));
        let (what, kind, who, text, platform) = match &w.item {
            Item::Comment(c) => {
                let (who, text) = (c.who.as_deref(), Some(c.text.as_str()));
                ("comment", json!(c.rank), who, text, &c.platform)
            }
            Item::Alert(a) => {
                let (who, text) = (Some(a.who.as_str()), a.what.as_deref());
                ("alert", json!(a.kind), who, text, &a.platform)
            }
        };
        json!({
            "item": w.id, "what": what, "kind": kind, "who": who, "text": text,
            "platform": platform, "age_s": age, "in_s": due,
        })
    };
    json!({ "waiting": waiting.iter().map(entry).collect::<Vec<_>>() })
}

/// Seconds with one decimal.
fn tenths(time: Duration) -> f64 {
    (time.as_secs_f64() * 10.0).round() / 10.0
}

fn failure(e: &Error) -> Failure {
    let code = match e.kind() {
        Kind::NotFound => Code::BadRequest,
        Kind::Refused => Code::Refused,
        Kind::InUse => Code::Busy,
        _ => Code::Internal,
    };
    Failure::new(code, e.report())
}
