//! `boothcast fleet cmd`.

use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::gather::{self, gather};
use super::known::{Boxes, Conn};
use crate::cli::broker::args::Reach;
use crate::cli::broker::ask::{self, Round};
use crate::cli::broker::block_on;
use crate::cli::broker::link::Link;
use crate::cli::outcome::Trouble;
use crate::config::{BoxId, GroupName};
use crate::edge::codec;

/// Arguments of `cmd`.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("whom").required(true)))]
pub struct CmdArgs {
    /// Its name, such as live/start
    pub name: String,
    /// Its arguments as JSON, such as '{"gain_db":-3}'
    #[arg(value_name = "ARGS-JSON")]
    pub args: Option<String>,
    /// This box; may be repeated
    #[arg(long = "box", value_name = "ID", group = "whom")]
    pub boxes: Vec<BoxId>,
    /// The boxes of this group
    #[arg(long, value_name = "NAME", group = "whom")]
    pub group: Option<GroupName>,
    /// All boxes that are online
    #[arg(long, group = "whom")]
    pub all: bool,
    /// Spread it over so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=3600))]
    pub spread: u32,
}

pub(super) fn run(
    args: &CmdArgs,
    reach: impl FnOnce() -> Result<Reach, Trouble>,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<(), Trouble> {
    let command = command(args)?;
    let reach = reach()?;
    let round = block_on(async {
        let mut filters = vec![ask::own_topic(&reach)];
        if args.boxes.is_empty() {
            filters.extend(gather::filters(&reach));
        }
        if args.group.is_some() {
            filters.push(ask::group_filter(&reach, &command));
        }
        let mut link = Link::open(&reach, filters).await?;
        let round = give(args, &command, &mut link, &reach).await;
        link.close().await;
        round
    })?;
    round.show(as_json, out)
}

async fn give(
    args: &CmdArgs,
    command: &Value,
    link: &mut Link,
    reach: &Reach,
) -> Result<Round, Trouble> {
    let spread = Duration::from_secs(args.spread.into());
    if !args.boxes.is_empty() {
        return ask::several(link, reach, &args.boxes, command, spread).await;
    }
    let known = gather(link, reach).await?;
    let Some(group) = &args.group else {
        let all = online(&known, None);
        if all.is_empty() {
            return Err(nobody());
        }
        return ask::several(link, reach, &all, command, spread).await;
    };
    let meant = online(&known, Some(group));
    let spread = (args.spread > 0).then_some(args.spread);
    ask::group(link, reach, group, command, spread, None, &meant).await
}

fn nobody() -> Trouble {
    Trouble::TimedOut("No box of this fleet is online.".into())
}

fn online(known: &Boxes, group: Option<&GroupName>) -> Vec<BoxId> {
    known
        .all
        .iter()
        .filter(|(_, k)| k.state == Conn::Online && group.is_none_or(|g| k.in_group(g)))
        .map(|(id, _)| id.clone())
        .collect()
}

/// The command as boxes take it; what they would refuse is refused here.
fn command(args: &CmdArgs) -> Result<Value, Trouble> {
    let mut command = json!({"name": args.name.replace('/', "-")});
    if let Some(text) = &args.args {
        command["args"] = serde_json::from_str(text)
            .map_err(|e| Trouble::Usage(format!("The arguments are no JSON: {e}.")))?;
    }
    codec::command(&command).map_err(|failure| Trouble::Usage(failure.message))?;
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_checked_before_it_goes_out() {
        let command = |name: &str, args: Option<&str>| {
            command(&CmdArgs {
                name: name.into(),
                args: args.map(str::to_owned),
                boxes: Vec::new(),
                group: None,
                all: true,
                spread: 0,
            })
        };
        assert_eq!(
            command("live/start", None),
            Ok(json!({"name": "live-start"}))
        );
        assert_eq!(
            command("audio-gain", Some(r#"{"gain_db":-3}"#)).unwrap()["args"],
            json!({"gain_db": -3})
        );
        let key = r#"{"destination":"yt","url":"rtmp://a/b","key":"canary-1"}"#;
        assert_eq!(
            command("destination/set", Some(key)).unwrap()["args"]["key"],
            "canary-1",
            "what is sent is what was written"
        );
        for (name, args, word) in [
            ("explode", None, "explode"),
            ("audio/gain", Some("{"), "JSON"),
            ("audio/gain", Some(r#"{"gain":1}"#), "gain_db"),
            ("live/start", Some(r#"{"x":1}"#), "live-start"),
        ] {
            let Err(Trouble::Usage(text)) = command(name, args) else {
                panic!("{name} {args:?}")
            };
            assert!(text.contains(word), "{text}");
        }
    }
}
