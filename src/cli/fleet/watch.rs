//! `boothcast fleet watch`: a line for each change of any box.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::gather;
use super::known::{Boxes, Known, Leaf, called};
use crate::cli::broker::args::Reach;
use crate::cli::broker::block_on;
use crate::cli::broker::link::{Link, Said};
use crate::cli::outcome::Trouble;
use crate::config::{BoxId, GroupName};

/// Arguments of `watch`.
#[derive(Debug, Clone, Default, Args)]
pub struct WatchArgs {
    /// Only the boxes of this group
    #[arg(long, value_name = "NAME")]
    pub group: Option<GroupName>,
}

pub(super) fn run(
    args: &WatchArgs,
    reach: &Reach,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    block_on(async {
        let mut filters = gather::filters(reach);
        filters.push(reach.fleet.every("evt/+"));
        let mut link = Link::open(reach, filters).await?;
        let watched = follow(args, &mut link, reach, as_json, out).await;
        link.close().await;
        watched
    })
}

/// Until nobody reads any more.
async fn follow(
    args: &WatchArgs,
    link: &mut Link,
    reach: &Reach,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let mut boxes = Boxes::default();
    let far = Duration::from_secs(365 * 86_400);
    while let Some(said) = link.next(Instant::now() + far).await? {
        let Some((id, change)) = change(&mut boxes, reach, &said) else {
            continue;
        };
        let known = boxes.all.get(&id);
        if let Some(group) = &args.group
            && !known.is_some_and(|k| k.in_group(group))
        {
            continue;
        }
        let line = if as_json {
            change.json(&id).to_string()
        } else {
            change.line(&id)
        };
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Something that is to be said.
#[derive(Debug, PartialEq)]
enum Change {
    Conn(String),
    Status(String, Value),
    Settings(String, Value),
    Event(Value),
}

/// What of a message is new to people.
fn change(boxes: &mut Boxes, reach: &Reach, said: &Said) -> Option<(BoxId, Change)> {
    let (id, leaf) = reach.fleet.split(&said.topic)?;
    if leaf.starts_with("evt/") {
        let event = serde_json::from_slice(&said.payload).ok()?;
        return Some((id, Change::Event(event)));
    }
    let before = boxes.all.get(&id).cloned().unwrap_or_default();
    let (_, leaf) = boxes.take(&reach.fleet, said)?;
    let after = boxes.all.get(&id)?;
    let change = match leaf {
        Leaf::Conn => {
            (before.state != after.state).then(|| Change::Conn(after.state.word().into()))
        }
        Leaf::Status => (shown(&before) != shown(after))
            .then(|| Change::Status(shown(after), json!(after.status))),
        Leaf::Reported => (before.settings != after.settings)
            .then(|| Change::Settings(settings(after), json!(after.settings))),
        Leaf::Info => None,
    };
    Some((id, change?))
}

fn shown(known: &Known) -> String {
    let Some(status) = &known.status else {
        return "says nothing".into();
    };
    let live = if status.live { "live" } else { "not live" };
    format!("{live}, {}: {}", called(status.severity), status.sentence)
}

fn settings(known: &Known) -> String {
    let Some(settings) = &known.settings else {
        return "no settings".into();
    };
    let note = if let Some(why) = &settings.rolled_back {
        format!(" rolled back: {why}")
    } else if let Some(error) = &settings.first_error {
        format!(" with {} errors, the first: {error}", settings.errors)
    } else if settings.trial {
        " on trial".to_owned()
    } else {
        " taken up".to_owned()
    };
    format!("settings {}{note}", settings.version)
}

impl Change {
    fn line(&self, id: &BoxId) -> String {
        let text = match self {
            Self::Conn(state) => state.clone(),
            Self::Status(text, _) | Self::Settings(text, _) => text.clone(),
            Self::Event(event) => {
                let word = |field: &str| event[field].as_str().unwrap_or_default();
                format!(
                    "{} ({}): {}",
                    word("type"),
                    word("severity"),
                    word("message")
                )
            }
        };
        let text = text.replace(char::is_control, " ");
        format!("{} {id} {text}", clock())
    }

    fn json(&self, id: &BoxId) -> Value {
        let (what, data) = match self {
            Self::Conn(state) => ("conn", json!(state)),
            Self::Status(_, data) => ("status", data.clone()),
            Self::Settings(_, data) => ("settings", data.clone()),
            Self::Event(event) => ("event", event.clone()),
        };
        json!({"at": unix_s(), "box": id, "what": what, "data": data})
    }
}

/// `14:03:59Z`, the time of day of this machine.
fn clock() -> String {
    let s = unix_s() % 86_400;
    format!("{:02}:{:02}:{:02}Z", s / 3600, s / 60 % 60, s % 60)
}

/// Seconds since 1970 by this machine's clock.
fn unix_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| d.as_secs())
}
