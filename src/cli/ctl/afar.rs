//! One box over MQTT.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::cli::broker::args::Reach;
use crate::cli::broker::link::{Link, Said};
use crate::cli::broker::{self, ask};
use crate::cli::outcome::Trouble;
use crate::config::BoxId;

/// The most messages beside the answer that are kept for whoever looks for them.
const MAX_ASIDE: usize = 64;
/// How long a broker is heard that sends nothing more of what it kept.
const QUIET: Duration = Duration::from_millis(700);
/// How long it is heard in all when the names of the boxes are looked for.
const NAMES_LIMIT: Duration = Duration::from_secs(3);
/// The most names that are suggested.
const SUGGESTED: usize = 3;

/// A box over MQTT.
pub(super) struct Afar {
    runtime: Runtime,
    link: Option<Link>,
    reach: Reach,
    id: BoxId,
    /// The last that was said of its connection.
    conn: Option<Value>,
    /// What came beside answers, oldest first.
    aside: Vec<Said>,
}

impl Afar {
    /// Connects; `leaves` are the topics of the box that are heard besides, such as `status`.
    pub(super) fn connect(reach: Reach, id: &BoxId, leaves: &[&str]) -> Result<Self, Trouble> {
        let topics = reach.fleet.of(id);
        let mut filters = vec![ask::own_topic(&reach), topics.own("conn")];
        filters.extend(leaves.iter().map(|leaf| topics.own(leaf)));
        let runtime = broker::runtime()?;
        let link = runtime.block_on(Link::open(&reach, filters))?;
        Ok(Self {
            runtime,
            link: Some(link),
            reach,
            id: id.clone(),
            conn: None,
            aside: Vec::new(),
        })
    }

    /// Gives a command; the `data` of its answer.
    pub(super) fn command(&mut self, command: &Value) -> Result<Value, Trouble> {
        let mut answer = self.ask(command)?;
        if answer["ok"] == json!(true) {
            Ok(answer["data"].take())
        } else {
            Err(Trouble::Refused(answer["error"].take()))
        }
    }

    /// Gives a command; the whole answer.
    pub(super) fn ask(&mut self, command: &Value) -> Result<Value, Trouble> {
        let Self {
            runtime,
            link: Some(link),
            reach,
            id,
            conn,
            aside,
        } = self
        else {
            return Err(closed());
        };
        let of_conn = reach.fleet.of(id).own("conn");
        let mut hear = |said| keep(&of_conn, conn, aside, said);
        let answer = runtime.block_on(ask::one(link, reach, id, command, &mut hear))?;
        match answer {
            Some(answer) => Ok(answer),
            None => Err(self.absent()),
        }
    }

    /// The next message beside answers; nothing when `limit` is over, which without one is never.
    pub(super) fn next_aside(&mut self, limit: Option<Duration>) -> Result<Option<Said>, Trouble> {
        if !self.aside.is_empty() {
            return Ok(Some(self.aside.remove(0)));
        }
        let Some(link) = &mut self.link else {
            return Err(closed());
        };
        let far = Duration::from_secs(365 * 86_400);
        self.runtime
            .block_on(async { link.next(Instant::now() + limit.unwrap_or(far)).await })
    }

    /// Takes note of what was said of the box's connection.
    pub(super) fn note_conn(&mut self, conn: &Value) {
        self.conn = Some(conn.clone());
    }

    /// How long an answer may take.
    pub(super) fn limit(&self) -> Duration {
        self.reach.limit
    }

    /// `P/box/{id}/{leaf}`.
    pub(super) fn topic(&self, leaf: &str) -> String {
        self.reach.fleet.of(&self.id).own(leaf)
    }

    pub(super) fn id(&self) -> &BoxId {
        &self.id
    }

    /// Why there may be no answer.
    pub(super) fn absent(&mut self) -> Trouble {
        let waited = self.reach.limit.as_secs();
        let id = &self.id;
        let state = self
            .conn
            .as_ref()
            .map(|c| c["state"].as_str().unwrap_or_default());
        Trouble::TimedOut(match state {
            Some("online") => format!(
                "Box {id} is online, but did not answer within {waited} s. Try again, or wait longer with --timeout."
            ),
            Some("stopped") => {
                format!("Box {id} is off: it ended in order. It did not answer within {waited} s.")
            }
            Some(_) => format!(
                "Box {id} is offline: it lost its connection. It did not answer within {waited} s."
            ),
            None => match self.runtime.block_on(known(&self.reach)) {
                Ok(names) => unknown(id, &self.reach, &names),
                Err(_) => format!(
                    "Box {id} did not answer within {waited} s, and the broker has nothing about it."
                ),
            },
        })
    }
}

impl Drop for Afar {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            self.runtime.block_on(link.close());
        }
    }
}

fn closed() -> Trouble {
    Trouble::Broken("The connection is closed already.".into())
}

fn keep(of_conn: &str, conn: &mut Option<Value>, aside: &mut Vec<Said>, said: Said) {
    if said.topic == of_conn {
        *conn = serde_json::from_slice(&said.payload).ok();
    }
    if aside.len() == MAX_ASIDE {
        aside.remove(0);
    }
    aside.push(said);
}

/// The boxes that the broker has heard of, over a connection of its own.
async fn known(reach: &Reach) -> Result<Vec<String>, Trouble> {
    let mut reach = reach.clone();
    reach.options.client_id.push('n');
    let mut link = Link::open(&reach, vec![reach.fleet.every("conn")]).await?;
    let end = Instant::now() + NAMES_LIMIT;
    let mut names = Vec::new();
    while Instant::now() < end
        && let Some(said) = link.next(Instant::now() + QUIET).await?
    {
        if let Some((id, _)) = reach.fleet.split(&said.topic) {
            names.push(id.to_string());
        }
    }
    link.close().await;
    Ok(names)
}

fn unknown(id: &BoxId, reach: &Reach, names: &[String]) -> String {
    let (fleet, broker) = (&reach.fleet_name, &reach.options.broker);
    if names.is_empty() {
        return format!(
            "Box {id} did not answer: the broker at {broker} knows no box of fleet {fleet} at all. Look at --fleet and --broker."
        );
    }
    let near = nearest(id.as_str(), names);
    let mend = if near.is_empty() {
        "boothcast fleet ls shows all of them.".to_owned()
    } else {
        format!("Did you mean {}?", near.join(" or "))
    };
    format!("There is no box {id} in fleet {fleet} at {broker}. {mend}")
}

/// The names that look most like `word`, best first.
fn nearest<'a>(word: &str, names: &'a [String]) -> Vec<&'a str> {
    let mut scored: Vec<(usize, &str)> = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), name.as_str()))
        .filter(|(distance, _)| *distance <= word.len().max(4) / 2)
        .collect();
    scored.sort_unstable();
    scored.dedup();
    scored
        .into_iter()
        .take(SUGGESTED)
        .map(|(_, name)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first_and_strangers_not_at_all() {
        let names = ["kasse-10", "kasse-1", "stage", "kasse-2", "hall"].map(str::to_owned);
        assert_eq!(
            nearest("kase-1", &names),
            ["kasse-1", "kasse-10", "kasse-2"]
        );
        assert_eq!(nearest("stagge", &names), ["stage"]);
        assert!(nearest("warehouse-17", &names).is_empty());
    }

    #[test]
    fn what_comes_beside_answers_is_bounded() {
        let (mut conn, mut aside) = (None, Vec::new());
        for n in 0..200 {
            let said = Said {
                topic: "t/conn".into(),
                payload: format!("{{\"state\":\"{n}\"}}").into(),
                retain: false,
            };
            keep("t/conn", &mut conn, &mut aside, said);
        }
        assert_eq!(aside.len(), MAX_ASIDE);
        assert_eq!(conn.unwrap()["state"], "199");
    }
}
