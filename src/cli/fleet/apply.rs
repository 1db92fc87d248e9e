//! `boothcast fleet apply`: settings over those of many boxes, in stages.

use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::time::Instant;

use super::drive::{Drive, End, World, on_interrupt};
use super::gather::QUIET;
use super::known::{Conn, Leaf};
use super::report::{self, Report};
use super::rollout::{Rollout, Rules};
use super::settings;
use crate::cli::broker::args::Reach;
use crate::cli::broker::block_on;
use crate::cli::broker::link::Link;
use crate::cli::outcome::Trouble;
use crate::config::{BoxId, GroupName};

/// With more boxes than this, pictures are judged by the status alone: telemetry of all would be too much.
const TELEMETRY_BOXES: usize = 1000;
/// Filters in one subscription.
const FILTERS: usize = 100;

/// Arguments of `apply`.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true).multiple(true)))]
pub struct ApplyArgs {
    /// Settings in TOML or JSON: what is left out stays as it is
    #[arg(value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,
    /// This box; may be repeated
    #[arg(long = "box", value_name = "ID", group = "whom")]
    pub boxes: Vec<BoxId>,
    /// The boxes of this group; may be repeated
    #[arg(long = "group", value_name = "NAME", group = "whom")]
    pub groups: Vec<GroupName>,
    /// All boxes
    #[arg(long, group = "whom", conflicts_with_all = ["boxes", "groups"])]
    pub all: bool,
    /// Shares of the boxes that have the settings after each stage, per cent; at least one box a stage
    #[arg(long, value_name = "PERCENT,…", default_value = "1,10,50,100", value_parser = stages)]
    pub stages: Stages,
    /// How long the boxes of a stage may take to take the settings
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub wait: u32,
    /// How long they are looked at after that
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub settle: u32,
    /// Stop when more than this share of the boxes that have the settings got worse
    #[arg(long, value_name = "PERCENT", default_value = "1%", value_parser = percent)]
    pub max_worse: f64,
    /// When it stops, write back what was before to all boxes that have the settings
    #[arg(long)]
    pub rollback: bool,
    /// Also write to boxes that are not online, after the last stage; they take it when they come
    #[arg(long)]
    pub offline: bool,
    /// Show what would change, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Makes the order of the boxes, which is random otherwise
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
}

/// Rising per cent.
#[derive(Debug, Clone, PartialEq)]
pub struct Stages(Vec<f64>);

fn stages(text: &str) -> Result<Stages, String> {
    let stages: Vec<f64> = text.split(',').map(percent).collect::<Result<_, _>>()?;
    let rising = stages.windows(2).all(|pair| pair[0] < pair[1]);
    if rising && stages.iter().all(|s| *s > 0.0) {
        Ok(Stages(stages))
    } else {
        Err("choose rising shares such as 1,10,50,100".into())
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim().parse::<f64>().ok();
    number
        .filter(|p| (0.0..=100.0).contains(p))
        .ok_or_else(|| "choose 0 to 100 per cent".to_owned())
}

/// Who gets the settings, and who not.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan {
    /// In stages.
    pub online: Vec<BoxId>,
    /// Not there now.
    pub offline: Vec<BoxId>,
    /// All of it is in force there.
    pub already: Vec<BoxId>,
}

impl ApplyArgs {
    fn rules(&self) -> Rules {
        Rules {
            stages: self.stages.0.clone(),
            max_worse: self.max_worse,
            wait: Duration::from_secs(self.wait.into()),
            settle: Duration::from_secs(self.settle.into()),
        }
    }

    fn plan(&self, world: &World, file: &Value) -> Result<Plan, Trouble> {
        let all = &world.boxes.all;
        if let Some(id) = self.boxes.iter().find(|id| !all.contains_key(*id)) {
            return Err(Trouble::Usage(format!(
                "The broker knows no box {id}. boothcast fleet ls shows all of them."
            )));
        }
        let mut plan = Plan::default();
        for (id, known) in all {
            let meant = self.all
                || self.boxes.contains(id)
                || self.groups.iter().any(|g| known.in_group(g));
            match known.state {
                _ if !meant => {}
                Conn::Online if settings::in_force(file, &world.reported(id).1) => {
                    plan.already.push(id.clone());
                }
                Conn::Online => plan.online.push(id.clone()),
                _ => plan.offline.push(id.clone()),
            }
        }
        Ok(plan)
    }
}

pub(super) fn run(
    args: &ApplyArgs,
    reach: impl FnOnce() -> Result<Reach, Trouble>,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let file = settings::read(&args.file)?;
    let reach = reach()?;
    block_on(async {
        let every = Leaf::ALL.iter().chain(&["desired"]);
        let filters = every.map(|leaf| reach.fleet.every(leaf)).collect();
        let mut link = Link::open(&reach, filters).await?;
        let done = all(args, &file, &mut link, &reach, as_json, out).await;
        link.close().await;
        done
    })
}

async fn all(
    args: &ApplyArgs,
    file: &Value,
    link: &mut Link,
    reach: &Reach,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let mut world = World::default();
    let end = Instant::now() + reach.limit;
    while Instant::now() < end
        && let Some(said) = link.next(end.min(Instant::now() + QUIET)).await?
    {
        world.take(reach, &said);
    }
    let plan = args.plan(&world, file)?;
    if plan == Plan::default() {
        return Err(Trouble::TimedOut(
            "No box is meant: the broker knows none that fits.".into(),
        ));
    }
    if args.dry_run {
        return report::dry_run(&plan, &world, file, as_json, out);
    }
    listen_to_pictures(&plan, link, reach, &mut world).await?;
    let seed = args
        .seed
        .unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let mut rollout = Rollout::new(plan.online.clone(), args.rules(), seed);
    let mut say = |text: &str| {
        let _ = writeln!(std::io::stderr(), "{text}");
    };
    let mut drive = Drive {
        link,
        reach,
        world: &mut world,
        interrupted: on_interrupt(),
        say: &mut say,
    };
    let end = drive.run(&mut rollout, file).await;
    let mut report = Report::new(&plan, &rollout, end, seed);
    let touched: Vec<BoxId> = rollout.touched().cloned().collect();
    match &report.end {
        End::Done if args.offline && !plan.offline.is_empty() => {
            drive.leave(&plan.offline, file).await?;
            report.left_for_later = plan.offline.len();
        }
        End::Worse if args.rollback || (!as_json && asked(touched.len())) => {
            (drive.say)(&format!(
                "Writing back what was before to {} boxes.",
                touched.len()
            ));
            let taken = drive.roll_back(&touched, args.rules().wait).await;
            report.rolled_back = Some(taken);
        }
        _ => {}
    }
    report.show(&world, as_json, out)
}

async fn listen_to_pictures(
    plan: &Plan,
    link: &mut Link,
    reach: &Reach,
    world: &mut World,
) -> Result<(), Trouble> {
    if plan.online.len() > TELEMETRY_BOXES {
        return Ok(());
    }
    for some in plan.online.chunks(FILTERS) {
        let filters = some.iter().map(|id| reach.fleet.of(id).own("tel/stream"));
        let end = Instant::now() + reach.limit;
        link.subscribe(filters.collect(), end, &mut |said| world.take(reach, &said))
            .await?;
    }
    Ok(())
}

/// Asks the person at the terminal, if there is one.
fn asked(boxes: usize) -> bool {
    let (input, err) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !err.is_terminal() {
        return false;
    }
    let _ = write!(&err, "Write back what was before to {boxes} boxes? [y/N] ");
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    read.is_ok() && line.trim().eq_ignore_ascii_case("y")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_rise_and_shares_are_per_cent() {
        assert_eq!(
            stages("1,10,50,100"),
            Ok(Stages(vec![1.0, 10.0, 50.0, 100.0]))
        );
        assert_eq!(stages("0.5%, 100%"), Ok(Stages(vec![0.5, 100.0])));
        for bad in ["", "10,5", "5,5", "0,10", "1,101", "x", "-1"] {
            assert!(stages(bad).is_err(), "{bad}");
        }
        assert_eq!(percent("2.5%"), Ok(2.5));
        assert!(percent("NaN").is_err() && percent("inf").is_err());
    }
}
