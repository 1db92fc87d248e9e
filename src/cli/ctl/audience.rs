//! `boothcast ctl`: what the audience says, and who decides what of it is shown.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{show, values};
use crate::cli::outcome::{Trouble, accepted};
use crate::cli::table::table;
use crate::config::{ModerationMode, Rgb};
use crate::device::command::Command;
use crate::device::stage::ModerationChange;
use crate::room::item::{self, AlertKind, Comment, ItemId, Rank, Run};
use crate::room::live::act::Act;

/// `ctl danmaku`.
#[derive(Debug, Args)]
pub struct Danmaku {
    /// What is said, 1 to 500 characters.
    pub text: String,
    /// Who says it, at most 40 characters
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// How much it counts: text, staff, question or paid
    #[arg(long, default_value = "text", value_parser = values::word::<Rank>)]
    pub rank: Rank,
    /// Let it stand at the top
    #[arg(long, conflicts_with = "bottom")]
    pub top: bool,
    /// Let it stand at the bottom
    #[arg(long)]
    pub bottom: bool,
    /// Colour of its letters, such as #ff8800; without: that of its rank
    #[arg(long, value_name = "#RRGGBB")]
    pub colour: Option<Rgb>,
    /// From which platform, at most 24 characters
    #[arg(long, value_name = "NAME")]
    pub platform: Option<String>,
}

/// `ctl alert`.
#[derive(Debug, Args)]
pub struct Alert {
    /// About what: chat, follow, question, gift or order.
    #[arg(value_parser = values::word::<AlertKind>)]
    pub kind: AlertKind,
    /// Who, 1 to 40 characters.
    pub who: String,
    /// What they said, gave or bought, at most 500 characters.
    pub what: Option<String>,
    /// Its worth as it is shown, such as "5 €", at most 24 characters
    #[arg(long)]
    pub amount: Option<String>,
    /// How many, 1 to 999999
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub count: u32,
    /// Alerts of the same person and kind with the same word here are one with a rising counter
    #[arg(long, value_name = "WORD")]
    pub combo: Option<String>,
    /// From which platform, at most 24 characters
    #[arg(long, value_name = "NAME")]
    pub platform: Option<String>,
    /// Colour of the name, such as #ff8800
    #[arg(long, value_name = "#RRGGBB")]
    pub colour: Option<Rgb>,
}

/// `ctl moderation`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Moderation {
    /// When the audience's text comes onto the picture.
    Mode {
        /// hold: only what is approved; delay: after a while in which it can be rejected; free: at once.
        #[arg(value_parser = values::word::<ModerationMode>)]
        mode: ModerationMode,
        /// The while of delay, 0 to 30; without: as it is
        #[arg(long, value_name = "SECONDS")]
        delay: Option<f32>,
    },
    /// What waits, oldest first.
    Queue,
    /// Show something that waits.
    Approve {
        /// Its number in the queue.
        item: u64,
    },
    /// Never show something that waits; take it off where it is shown already.
    Reject {
        /// Its number in the queue.
        item: u64,
    },
}

/// `ctl room`.
#[derive(Debug, Args)]
pub struct Room {
    /// What to do, as JSON: '{"do":"poll-open","question":"Tea?","choices":["yes","no"]}'; docs/mqtt/cmd.room-act.schema.json
    /// has all of it.
    #[arg(value_name = "JSON", value_parser = act)]
    pub act: Act,
}

fn act(text: &str) -> Result<Act, String> {
    serde_json::from_str(text).map_err(|e| format!("this is nothing that a room can do: {e}"))
}

impl Room {
    pub(super) fn command(&self) -> Command {
        Command::RoomAct(self.act.clone())
    }
}

impl Danmaku {
    pub(super) fn command(&self) -> Command {
        Command::Danmaku(Comment {
            text: self.text.clone(),
            who: self.who.clone(),
            rank: self.rank,
            run: match (self.top, self.bottom) {
                (true, _) => Run::Top,
                (_, true) => Run::Bottom,
                _ => Run::Scroll,
            },
            colour: self.colour,
            platform: self.platform.clone(),
        })
    }
}

impl Alert {
    pub(super) fn command(&self) -> Command {
        Command::Alert(item::Alert {
            kind: self.kind,
            who: self.who.clone(),
            what: self.what.clone(),
            amount: self.amount.clone(),
            count: self.count,
            combo: self.combo.clone(),
            platform: self.platform.clone(),
            colour: self.colour,
        })
    }
}

impl Moderation {
    pub(super) fn command(self) -> Command {
        match self {
            Self::Mode { mode, delay } => Command::ModerationSet(ModerationChange {
                mode,
                delay_s: delay,
            }),
            Self::Queue => Command::ModerationQueue,
            Self::Approve { item } => Command::ModerationApprove { item: ItemId(item) },
            Self::Reject { item } => Command::ModerationReject { item: ItemId(item) },
        }
    }
}

/// What became of something that the audience says: shown, or why not yet.
pub(super) fn taken(data: &Value, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    let item = &data["item"];
    let text = match data["state"].as_str() {
        Some("shown") => "It is shown as soon as there is room.".to_owned(),
        Some("delayed") => format!(
            "It is shown in {} s, unless you say before: boothcast ctl moderation reject {item}",
            data["in_s"]
        ),
        Some("held") => {
            format!("It waits until you say: boothcast ctl moderation approve {item}")
        }
        Some("counted") => "It is counted in what is shown already.".to_owned(),
        _ => accepted(data),
    };
    show(as_json, data, &text, out)
}

/// What came of an act in the room.
pub(super) fn acted(data: &Value, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    let text = match (data["again"].as_bool(), data["id"].as_u64()) {
        (Some(true), _) => "It was so already.".to_owned(),
        (_, Some(id)) => format!("Done. Its number is {id}."),
        _ => "Done.".to_owned(),
    };
    show(as_json, data, &text, out)
}

/// What waits, as a table. Names and texts of the audience cannot move the cursor of a terminal.
pub(super) fn queue(data: &Value, as_json: bool, out: &mut dyn Write) -> Result<(), Trouble> {
    let waiting = data["waiting"].as_array().map_or(&[][..], Vec::as_slice);
    if waiting.is_empty() {
        return show(as_json, data, "Nothing waits.", out);
    }
    let head = ["ITEM", "WAITS", "SHOWN", "KIND", "WHO", "TEXT"].map(str::to_owned);
    let rows = std::iter::once(head).chain(waiting.iter().map(row));
    show(as_json, data, &table(rows), out)
}

fn row(entry: &Value) -> [String; 6] {
    let word = |field: &str| plain(entry[field].as_str().unwrap_or_default());
    let seconds = |field: &str| entry[field].as_f64().map(|s| format!("{s:.1} s"));
    [
        entry["item"].to_string(),
        seconds("age_s").unwrap_or_default(),
        seconds("in_s").map_or_else(|| "if approved".to_owned(), |s| format!("in {s}")),
        word("kind"),
        word("who"),
        word("text"),
    ]
}

/// Without what a terminal takes for an order, or what turns text.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !crate::config::is_invisible(*c))
        .collect()
}

#[cfg(test)]
#[path = "audience_tests.rs"]
mod tests;
