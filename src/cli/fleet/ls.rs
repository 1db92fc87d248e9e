//! `boothcast fleet ls`.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::gather::{self, gather};
use super::known::{Boxes, Conn, Known, called};
use crate::cli::broker::args::Reach;
use crate::cli::broker::block_on;
use crate::cli::broker::link::Link;
use crate::cli::outcome::Trouble;
use crate::cli::table::table;
use crate::config::{BoxId, GroupName};
use crate::device::health::Severity;

/// The longest sentence in the table, in characters.
const SHOWN: usize = 60;

/// Arguments of `ls`.
#[derive(Debug, Clone, Default, Args)]
pub struct LsArgs {
    /// Only the boxes of this group
    #[arg(long, value_name = "NAME")]
    pub group: Option<GroupName>,
    /// Only those that somebody should look at
    #[arg(long)]
    pub problem: bool,
    /// Only those that are not online
    #[arg(long)]
    pub offline: bool,
}

impl LsArgs {
    fn wants(&self, known: &Known) -> bool {
        self.group.as_ref().is_none_or(|g| known.in_group(g))
            && (!self.problem || known.has_trouble())
            && (!self.offline || known.state != Conn::Online)
    }
}

pub(super) fn run(
    args: &LsArgs,
    reach: &Reach,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let boxes = block_on(async {
        let mut link = Link::open(reach, gather::filters(reach)).await?;
        let boxes = gather(&mut link, reach).await;
        link.close().await;
        boxes
    })?;
    if let Some(doubt) = gather::doubt(&boxes) {
        let _ = writeln!(std::io::stderr(), "boothcast: {doubt}");
    }
    // An output that is gone is no trouble of the boxes.
    let _ = if as_json {
        writeln!(out, "{:#}", for_programs(args, &boxes))
    } else {
        write!(out, "{}", page(args, &boxes))
    };
    Ok(())
}

fn chosen<'a>(args: &LsArgs, boxes: &'a Boxes) -> Vec<(&'a BoxId, &'a Known)> {
    boxes.all.iter().filter(|(_, k)| args.wants(k)).collect()
}

fn for_programs(args: &LsArgs, boxes: &Boxes) -> Value {
    let chosen = chosen(args, boxes);
    let all: BTreeMap<&BoxId, &Known> = chosen.iter().copied().collect();
    let counts = Counts::of(&chosen);
    json!({"boxes": all, "counts": counts.json()})
}

fn page(args: &LsArgs, boxes: &Boxes) -> String {
    let chosen = chosen(args, boxes);
    if chosen.is_empty() {
        let what = if boxes.all.is_empty() {
            "The broker knows no box of this fleet."
        } else {
            "No box is so."
        };
        return format!("{what}\n");
    }
    let head = [
        "box", "state", "live", "health", "version", "profile", "kbit/s", "°C", "groups",
        "settings", "",
    ];
    let rows = chosen.iter().map(|(id, known)| row(id, known));
    let counts = Counts::of(&chosen);
    format!(
        "{}{}\n",
        table(std::iter::once(head.map(str::to_owned)).chain(rows)),
        counts.sentence()
    )
}

fn row(id: &BoxId, known: &Known) -> [String; 11] {
    let or_dash = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.to_owned()
        }
    };
    let status = known.status.as_ref();
    let groups: Vec<&str> = known.groups().iter().map(GroupName::as_str).collect();
    [
        id.to_string(),
        known.state.word().to_owned(),
        status
            .map_or("-", |s| if s.live { "live" } else { "no" })
            .to_owned(),
        called(known.severity()).to_owned(),
        or_dash(&known.version),
        status.map_or_else(|| "-".into(), |s| or_dash(&s.profile)),
        status.map_or_else(|| "-".into(), |s| (s.bitrate / 1000).to_string()),
        status
            .and_then(|s| s.temperature_c)
            .map_or_else(|| "-".into(), |c| c.to_string()),
        or_dash(&groups.join(",")),
        settings(known),
        remark(known),
    ]
}

fn settings(known: &Known) -> String {
    let Some(settings) = &known.settings else {
        return "-".into();
    };
    let note = match settings {
        s if s.rolled_back.is_some() => " rolled back",
        s if s.errors > 0 => " errors",
        s if s.trial => " trial",
        _ => "",
    };
    format!("{}{note}", settings.version)
}

/// What there is to say of one that is not simply well.
fn remark(known: &Known) -> String {
    let settings = known.settings.as_ref();
    let rolled_back = settings.and_then(|s| s.rolled_back.as_deref());
    let error = settings.and_then(|s| s.first_error.as_deref());
    let unwell = known
        .status
        .as_ref()
        .filter(|s| s.severity > Some(Severity::Notice));
    let text = unwell.map(|s| &*s.sentence).or(rolled_back).or(error);
    let text = text.unwrap_or_default();
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    online: usize,
    live: usize,
    warning: usize,
    problem: usize,
    versions: BTreeMap<String, usize>,
}

impl Counts {
    fn of(boxes: &[(&BoxId, &Known)]) -> Self {
        let mut counts = Self::default();
        for (_, known) in boxes {
            counts.all += 1;
            counts.online += usize::from(known.state == Conn::Online);
            counts.live += usize::from(known.status.as_ref().is_some_and(|s| s.live));
            counts.warning += usize::from(known.severity() == Some(Severity::Warning));
            counts.problem += usize::from(known.severity() == Some(Severity::Problem));
            *counts
                .versions
                .entry(known.version.to_string())
                .or_default() += 1;
        }
        counts
    }

    fn sentence(&self) -> String {
        let boxes = if self.all == 1 { "box" } else { "boxes" };
        let versions = self.versions.iter().filter(|(v, _)| !v.is_empty());
        let versions: Vec<String> = versions.map(|(v, n)| format!("{v} on {n}")).collect();
        let mut text = format!(
            "{} {boxes}: {} online, {} not; {} live; {} with a problem, {} with a warning.",
            self.all,
            self.online,
            self.all - self.online,
            self.live,
            self.problem,
            self.warning
        );
        if !versions.is_empty() {
            text += &format!(" Version {}.", versions.join(", "));
        }
        text
    }

    fn json(&self) -> Value {
        json!({"all": self.all, "online": self.online, "live": self.live, "problem": self.problem,
            "warning": self.warning, "versions": self.versions})
    }
}

#[cfg(test)]
#[path = "ls_tests.rs"]
mod tests;
