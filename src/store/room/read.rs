//! Events and shows, read.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::{int, unreadable};
use crate::error::Result;
use crate::room::live::event::{Event, Fact};
use crate::store::db::{Answer, Db, Sync};

/// Most events of one page.
pub const PAGE: u32 = 10_000;
/// Most shows of a list.
const SHOWS: u32 = 1000;

/// The highest number of each sort that was ever given, also if what it was given to is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HighestRow {
    /// Events.
    pub seq: u64,
    /// Shows.
    pub show: u64,
    /// Viewers.
    pub viewer: u64,
    /// Lines of the chat.
    pub line: u64,
    /// Polls.
    pub poll: u64,
    /// Questions.
    pub question: u64,
    /// Products.
    pub product: u64,
    /// Pinnings.
    pub pin: u64,
    /// Draws.
    pub draw: u64,
    /// Acts of the staff.
    pub act: u64,
}

/// A show, also one whose events are forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShowRow {
    /// Its number.
    pub show: u64,
    /// Its title; may be empty.
    pub title: String,
    /// Milliseconds since 1970.
    pub begun_ms: i64,
    /// The same; `None`: it runs, or the box was switched off.
    pub ended_ms: Option<i64>,
    /// When the last of it happened.
    pub last_ms: i64,
    /// Events of it are forgotten, so a report of it would be wrong. The sums are right.
    pub expired: bool,
    /// `viewers`, `joins`, `watch_ms`, `lines`, `likes`, `gifts`, `polls`, `votes`, `questions`, `upvotes`, `entries`, `clicks`, `orders`,
    /// `incidents`, and `amount:EUR` and the like in the smallest unit; what is not there is 0.
    pub sums: BTreeMap<String, u64>,
}

impl Db {
    /// All events that are kept, in order, and the highest numbers ever given.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn room_load(&self) -> Result<(Vec<Event>, HighestRow)> {
        self.run(Sync::Lazy, |conn| {
            let sql = "SELECT seq, at_ms, show, viewer, data FROM event ORDER BY seq";
            Ok((events(conn, sql, [])?, highest(conn)?))
        })
        .await
    }

    /// Events of a show after `after_seq`, at most `limit` and [`PAGE`]. 0: those between shows.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn events_page(&self, show: u64, after_seq: u64, limit: u32) -> Result<Vec<Event>> {
        self.run(Sync::Lazy, move |conn| {
            let sql = "SELECT seq, at_ms, show, viewer, data FROM event
                       WHERE show = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";
            events(
                conn,
                sql,
                params![int(show), int(after_seq), limit.min(PAGE)],
            )
        })
        .await
    }

    /// All events of a show that are kept, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn show_events(&self, show: u64) -> Result<Vec<Event>> {
        // Page by page, so that who saves has not to wait for all of it.
        let mut all: Vec<Event> = Vec::new();
        loop {
            let after = all.last().map_or(0, |e| e.seq);
            let mut page = self.events_page(show, after, PAGE).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.append(&mut page);
        }
    }

    /// The shows, newest first, at most 1000.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn shows(&self) -> Result<Vec<ShowRow>> {
        self.run(Sync::Lazy, |conn| {
            let sql = "SELECT show, title, begun_ms, ended_ms, last_ms, expired FROM show ORDER BY show DESC LIMIT ?1";
            let mut shows: Vec<ShowRow> = conn
                .prepare(sql)?
                .query_map([SHOWS], show_row)?
                .collect::<Answer<_>>()?;
            for show in &mut shows {
                show.sums = sums(conn, show.show)?;
            }
            Ok(shows)
        })
        .await
    }

    /// One of them.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn show_row(&self, show: u64) -> Result<Option<ShowRow>> {
        self.run(Sync::Lazy, move |conn| {
            let sql = "SELECT show, title, begun_ms, ended_ms, last_ms, expired FROM show WHERE show = ?1";
            let found = conn.query_row(sql, [int(show)], show_row).optional()?;
            let Some(mut row) = found else {
                return Ok(None);
            };
            row.sums = sums(conn, show)?;
            Ok(Some(row))
        })
        .await
    }
}

/// Events of a query for `seq, at_ms, show, viewer, data`. One that this program does not know, since a newer one wrote it, is left
/// out: the room goes on without it.
fn events(conn: &Connection, sql: &str, params: impl Params) -> Answer<Vec<Event>> {
    let mut found = conn.prepare(sql)?;
    let mut rows = found.query(params)?;
    let (mut all, mut unknown) = (Vec::new(), 0_u64);
    while let Some(row) = rows.next()? {
        match event(row) {
            Ok(event) => all.push(event),
            Err(rusqlite::Error::FromSqlConversionFailure(..)) => unknown += 1,
            Err(e) => return Err(e),
        }
    }
    if unknown > 0 {
        tracing::warn!(
            unknown,
            "events of the room that this version cannot read are left out"
        );
    }
    Ok(all)
}

fn event(row: &Row<'_>) -> Answer<Event> {
    let fact: Fact =
        serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(|e| unreadable(4, e))?;
    Ok(Event {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        at_ms: row.get(1)?,
        show: row.get::<_, i64>(2)?.cast_unsigned(),
        viewer: row.get::<_, i64>(3)?.cast_unsigned(),
        fact,
    })
}

/// The highest numbers.
fn highest(conn: &Connection) -> Answer<HighestRow> {
    let mut found = conn.prepare("SELECT name, value FROM highest")?;
    let rows = found.query_map([], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    })?;
    let mut all = HighestRow::default();
    for row in rows {
        let (name, value) = row?;
        let place = match name.as_str() {
            "seq" => &mut all.seq,
            "show" => &mut all.show,
            "viewer" => &mut all.viewer,
            "line" => &mut all.line,
            "poll" => &mut all.poll,
            "question" => &mut all.question,
            "product" => &mut all.product,
            "pin" => &mut all.pin,
            "draw" => &mut all.draw,
            "act" => &mut all.act,
            _ => continue,
        };
        *place = value.cast_unsigned();
    }
    Ok(all)
}

fn show_row(row: &Row<'_>) -> Answer<ShowRow> {
    Ok(ShowRow {
        show: row.get::<_, i64>(0)?.cast_unsigned(),
        title: row.get(1)?,
        begun_ms: row.get(2)?,
        ended_ms: row.get(3)?,
        last_ms: row.get(4)?,
        expired: row.get(5)?,
        sums: BTreeMap::new(),
    })
}

fn sums(conn: &Connection, show: u64) -> Answer<BTreeMap<String, u64>> {
    conn.prepare("SELECT what, n FROM show_sum WHERE show = ?1")?
        .query_map([int(show)], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
        })?
        .collect()
}
