//! Events put into the tables.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Params, Statement};

use super::{int, people, shop, sums, talk, votes, word};
use crate::room::live::event::{Event, Fact, Moderation};
use crate::store::db::Answer;

/// Statements of one job, each prepared once.
pub struct Pen<'c> {
    conn: &'c Connection,
    made: HashMap<&'static str, Statement<'c>>,
}

impl<'c> Pen<'c> {
    pub fn new(conn: &'c Connection) -> Self {
        let made = HashMap::new();
        Self { conn, made }
    }

    /// Runs it; how many rows it changed.
    pub fn run(&mut self, sql: &'static str, params: impl Params) -> Answer<usize> {
        self.of(sql)?.execute(params)
    }

    /// The first number that it finds.
    pub fn number(&mut self, sql: &'static str, params: impl Params) -> Answer<Option<i64>> {
        let mut rows = self.of(sql)?.query(params)?;
        rows.next()?.map(|row| row.get(0)).transpose()
    }

    fn of(&mut self, sql: &'static str) -> Answer<&mut Statement<'c>> {
        use std::collections::hash_map::Entry;
        Ok(match self.made.entry(sql) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(self.conn.prepare(sql)?),
        })
    }
}

/// What is gathered over a batch and written once.
#[derive(Default)]
pub struct Gathered {
    highest: BTreeMap<&'static str, u64>,
    sums: BTreeMap<(u64, String), u64>,
    seen: BTreeMap<u64, i64>,
    shows: BTreeMap<u64, i64>,
}

impl Gathered {
    /// Adds to a sum of a show. Between shows nothing is summed.
    pub fn add(&mut self, show: u64, what: impl Into<String>, n: u64) {
        if show > 0 && n > 0 {
            let sum = self.sums.entry((show, what.into())).or_default();
            *sum = sum.saturating_add(n);
        }
    }

    fn number(&mut self, name: &'static str, n: u64) {
        let highest = self.highest.entry(name).or_default();
        *highest = n.max(*highest);
    }

    fn write(self, pen: &mut Pen<'_>) -> Answer<()> {
        for (name, n) in self.highest {
            let sql = "UPDATE highest SET value = max(value, ?2) WHERE name = ?1";
            pen.run(sql, (name, int(n)))?;
        }
        for ((show, what), n) in self.sums {
            let sql = "INSERT INTO show_sum (show, what, n) VALUES (?1, ?2, ?3)
                       ON CONFLICT DO UPDATE SET n = n + excluded.n";
            pen.run(sql, (int(show), what, int(n)))?;
        }
        for (viewer, at_ms) in self.seen {
            let sql = "UPDATE viewer SET last_ms = max(last_ms, ?2) WHERE viewer = ?1";
            pen.run(sql, (int(viewer), at_ms))?;
        }
        for (show, at_ms) in self.shows {
            let sql = "UPDATE show SET last_ms = max(last_ms, ?2) WHERE show = ?1";
            pen.run(sql, (int(show), at_ms))?;
        }
        Ok(())
    }
}

/// Puts events into the database, with all that follows from them.
pub fn all(conn: &Connection, events: &[Event]) -> Answer<()> {
    let mut pen = Pen::new(conn);
    let mut gathered = Gathered::default();
    for event in events {
        let sql = "INSERT INTO event (seq, at_ms, show, viewer, kind, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let data = word(&event.fact)?;
        let (seq, show, viewer) = (int(event.seq), int(event.show), int(event.viewer));
        pen.run(
            sql,
            (seq, event.at_ms, show, viewer, event.fact.kind(), data),
        )?;
        numbers(&mut gathered, event);
        sums::gather(&mut gathered, event);
        stand(&mut pen, event)?;
        follow(&mut pen, &mut gathered, event)?;
    }
    gathered.write(&mut pen)
}

/// The tables that follow.
fn follow(pen: &mut Pen<'_>, gathered: &mut Gathered, event: &Event) -> Answer<()> {
    people::put(pen, gathered, event)?;
    talk::put(pen, event)?;
    votes::put(pen, gathered, event)?;
    shop::put(pen, gathered, event)
}

/// The numbers that were given with it.
fn numbers(gathered: &mut Gathered, event: &Event) {
    gathered.number("seq", event.seq);
    gathered.number("show", event.show);
    gathered.number("viewer", event.viewer);
    if event.viewer > 0 {
        let seen = gathered.seen.entry(event.viewer).or_insert(event.at_ms);
        *seen = event.at_ms.max(*seen);
    }
    if event.show > 0 {
        let last = gathered.shows.entry(event.show).or_insert(event.at_ms);
        *last = event.at_ms.max(*last);
    }
    match &event.fact {
        Fact::Said { line, .. } => gathered.number("line", *line),
        Fact::PollOpened { poll, .. } => gathered.number("poll", *poll),
        Fact::Asked { question, .. } => gathered.number("question", *question),
        Fact::ProductSet { product, .. } => gathered.number("product", *product),
        Fact::Pinned { pin, .. } => gathered.number("pin", *pin),
        Fact::DrawOpened { draw, .. } => gathered.number("draw", *draw),
        Fact::Moderated { act, .. } => gathered.number("act", *act),
        _ => {}
    }
}

/// Notes what of the room this event says until another one says it; retention spares those.
fn stand(pen: &mut Pen<'_>, event: &Event) -> Answer<()> {
    let viewer = event.viewer;
    let (what, on) = match &event.fact {
        Fact::ShowBegun { .. } => ("show".to_owned(), true),
        Fact::ShowEnded => ("show".to_owned(), false),
        Fact::Came { .. } => (format!("viewer:{viewer}"), true),
        Fact::Renamed { .. } => (format!("name:{viewer}"), true),
        Fact::ProductSet { product, .. } => (format!("product:{product}"), true),
        Fact::ProductRemoved { product } => (format!("product:{product}"), false),
        Fact::Pinned { .. } => ("pin".to_owned(), true),
        Fact::Unpinned { .. } => ("pin".to_owned(), false),
        Fact::Announced { text } => ("announcement".to_owned(), !text.is_empty()),
        Fact::Moderated { what, .. } => match what {
            Moderation::TimeOut { viewer, until_ms } => (format!("mute:{viewer}"), *until_ms > 0),
            Moderation::Ban { viewer, on } => (format!("ban:{viewer}"), *on),
            Moderation::Slow { .. } => ("slow".to_owned(), true),
            Moderation::Words { .. } => ("words".to_owned(), true),
            Moderation::Danmaku { .. } => ("danmaku".to_owned(), true),
            Moderation::Panic { .. } => ("panic".to_owned(), true),
            Moderation::Approve { .. } | Moderation::Hide { .. } => return Ok(()),
        },
        _ => return Ok(()),
    };
    if on {
        let sql = "INSERT INTO standing (what, seq) VALUES (?1, ?2)
                   ON CONFLICT DO UPDATE SET seq = excluded.seq";
        pen.run(sql, (what, int(event.seq))).map(drop)
    } else {
        pen.run("DELETE FROM standing WHERE what = ?1", [what])
            .map(drop)
    }
}
