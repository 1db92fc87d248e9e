//! What is older than the owner wants to keep goes, but for numbers, sums, and events that still say how the room is.
//!
//! Order counts, not the clock of single events, since the clock of a box may jump: everything goes up to the last event that is
//! old and lies before the first one that is young.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::put::Pen;
use super::{copies, int};
use crate::error::Result;
use crate::room::live::event::Fact;
use crate::store::db::{Answer, Db, Sync};

/// A clock that says less was not set: 2024-01-01.
const SET_MS: i64 = 1_704_067_200_000;
/// A clock that says more than this above now was set wrongly.
const DAY_MS: i64 = 86_400_000;
/// Events that are looked at in one go.
const LOOK: i64 = 20_000;
/// After so long the writer is free for others again.
const SLICE: Duration = Duration::from_millis(20);
/// Rows of one go, at most.
const ROWS: i64 = 300;

/// What went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retained {
    /// Events.
    pub events: u64,
    /// Viewers who were not here for so long.
    pub viewers: u64,
}

/// Where the search for the first young event stands.
#[derive(Clone, Copy, Default)]
struct Search {
    /// Looked at up to here.
    at: i64,
    /// The last one that is surely old; 0: none.
    old: i64,
    ended: bool,
}

impl Db {
    /// Forgets what is older than `days`; 0 keeps everything. Works in slices, so that others come in between. To be called only
    /// while the clock is right.
    ///
    /// # Errors
    /// When it cannot be written; what went before that is gone.
    pub async fn retention(&self, now_ms: i64, days: u32) -> Result<Retained> {
        let mut gone = Retained::default();
        if days == 0 {
            return Ok(gone);
        }
        let cut_ms = now_ms.saturating_sub(i64::from(days).saturating_mul(DAY_MS));
        let mut search = Search::default();
        while !search.ended {
            search = self
                .run(Sync::Lazy, move |conn| look(conn, search, cut_ms, now_ms))
                .await?;
        }
        let cut = search.old;
        loop {
            let n = self
                .run(Sync::Lazy, move |conn| viewers(conn, cut, cut_ms))
                .await?;
            gone.viewers += n as u64;
            if n == 0 {
                break;
            }
        }
        let mut after = 0;
        loop {
            let (at, n) = self
                .run(Sync::Lazy, move |conn| slice(conn, after, cut))
                .await?;
            gone.events += n;
            if n == 0 {
                break;
            }
            after = at;
        }
        let mut acts = 0;
        while self
            .run(Sync::Lazy, move |conn| old_acts(conn, cut_ms))
            .await?
            > 0
        {
            acts += 1;
        }
        if gone != Retained::default() || acts > 0 {
            self.settle_log().await?;
        }
        let age = Duration::from_secs(u64::from(days) * 86_400);
        copies::forget_older(self, age).await?;
        Ok(gone)
    }
}

/// Looks at some events more for the first that is young.
fn look(conn: &Connection, mut search: Search, cut_ms: i64, now_ms: i64) -> Answer<Search> {
    let sql = "SELECT seq, at_ms FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2";
    let mut found = conn.prepare(sql)?;
    let mut rows = found.query([search.at, LOOK])?;
    let mut n = 0;
    while let Some(row) = rows.next()? {
        let (seq, at_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
        n += 1;
        search.at = seq;
        if (SET_MS..cut_ms).contains(&at_ms) {
            search.old = seq;
        } else if (cut_ms.max(SET_MS)..=now_ms.saturating_add(DAY_MS)).contains(&at_ms) {
            search.ended = true;
            return Ok(search);
        }
    }
    search.ended = n < LOOK;
    Ok(search)
}

/// Forgets viewers who were not here since `cut_ms`: their events stand no longer.
fn viewers(conn: &Connection, cut: i64, cut_ms: i64) -> Answer<usize> {
    let sql = "SELECT v.viewer FROM viewer v JOIN standing s ON s.what = 'viewer:' || v.viewer
               WHERE v.last_ms < ?1 AND s.seq <= ?2 LIMIT ?3";
    let old: Vec<i64> = conn
        .prepare(sql)?
        .query_map([cut_ms, cut, ROWS], |row| row.get(0))?
        .collect::<Answer<_>>()?;
    let mut pen = Pen::new(conn);
    for viewer in &old {
        for what in ["viewer", "name", "mute", "ban"] {
            let key = format!("{what}:{viewer}");
            pen.run("DELETE FROM standing WHERE what = ?1", [key])?;
        }
        pen.run("DELETE FROM presence WHERE viewer = ?1", [viewer])?;
        pen.run("DELETE FROM viewer WHERE viewer = ?1", [viewer])?;
    }
    Ok(old.len())
}

/// Forgets some events up to `cut`; the last of them and how many.
fn slice(conn: &Connection, after: i64, cut: i64) -> Answer<(i64, u64)> {
    let begun = Instant::now();
    let sql = "SELECT seq, show, viewer, at_ms, data FROM event e WHERE seq > ?1 AND seq <= ?2
               AND NOT EXISTS (SELECT 1 FROM standing s WHERE s.seq = e.seq) ORDER BY seq LIMIT ?3";
    let old: Vec<Old> = conn
        .prepare(sql)?
        .query_map([after, cut, ROWS], |row| {
            Ok(Old {
                seq: row.get(0)?,
                show: row.get(1)?,
                viewer: row.get(2)?,
                at_ms: row.get(3)?,
                // One of a newer version has no tables here.
                fact: serde_json::from_str(row.get_ref(4)?.as_str()?).ok(),
            })
        })?
        .collect::<Answer<_>>()?;
    let mut pen = Pen::new(conn);
    let (mut at, mut n) = (after, 0);
    pen.run("INSERT INTO event_gate (one) VALUES (1)", [])?;
    for old in old {
        forget(&mut pen, &old)?;
        pen.run("DELETE FROM event WHERE seq = ?1", [old.seq])?;
        pen.run(
            "UPDATE show SET expired = 1 WHERE show = ?1 AND expired = 0",
            [old.show],
        )?;
        (at, n) = (old.seq, n + 1);
        if begun.elapsed() > SLICE {
            break;
        }
    }
    pen.run("DELETE FROM event_gate", [])?;
    Ok((at, n))
}

struct Old {
    seq: i64,
    show: i64,
    viewer: i64,
    at_ms: i64,
    fact: Option<Fact>,
}

/// Forgets what followed from an event.
fn forget(pen: &mut Pen<'_>, old: &Old) -> Answer<()> {
    let Some(fact) = &old.fact else {
        return Ok(());
    };
    match fact {
        Fact::Joined | Fact::Left { .. } => {
            let sql = "DELETE FROM presence WHERE viewer = ?1 AND show = ?2";
            pen.run(sql, [old.viewer, old.show])?;
        }
        Fact::Said { line, .. } => {
            pen.run("DELETE FROM message WHERE line = ?1", [int(*line)])?;
        }
        Fact::Gave { name, .. } => {
            let giver = if old.viewer == 0 { name.as_str() } else { "" };
            let sql =
                "DELETE FROM gift WHERE show = ?1 AND viewer = ?2 AND giver = ?3 AND last_seq = ?4";
            pen.run(sql, params![old.show, old.viewer, giver, old.seq])?;
        }
        Fact::PollOpened { poll, .. } => {
            pen.run("DELETE FROM vote WHERE poll = ?1", [int(*poll)])?;
            pen.run("DELETE FROM poll WHERE poll = ?1", [int(*poll)])?;
        }
        Fact::Voted { poll, .. } => {
            let sql = "DELETE FROM vote WHERE poll = ?1 AND viewer = ?2 AND at_ms = ?3";
            pen.run(sql, [int(*poll), old.viewer, old.at_ms])?;
        }
        Fact::Asked { question, .. } => {
            pen.run("DELETE FROM upvote WHERE question = ?1", [int(*question)])?;
            pen.run("DELETE FROM question WHERE question = ?1", [int(*question)])?;
        }
        Fact::UpVoted { question, .. } => {
            let sql = "DELETE FROM upvote WHERE question = ?1 AND viewer = ?2 AND at_ms = ?3";
            pen.run(sql, [int(*question), old.viewer, old.at_ms])?;
        }
        Fact::ProductSet { product, .. } | Fact::ProductRemoved { product } => {
            let sql = "DELETE FROM product WHERE product = ?1 AND removed = 1";
            pen.run(sql, [int(*product)])?;
        }
        Fact::Pinned { pin, .. } => {
            pen.run("DELETE FROM pin WHERE pin = ?1", [int(*pin)])?;
        }
        Fact::Clicked { .. } => {
            pen.run("DELETE FROM click WHERE seq = ?1", [old.seq])?;
        }
        Fact::Ordered { order, .. } => {
            let sql = "DELETE FROM shop_order WHERE id = ?1 AND seq = ?2";
            pen.run(sql, params![order, old.seq])?;
        }
        Fact::DrawOpened { draw, .. } => {
            pen.run("DELETE FROM draw_entry WHERE draw = ?1", [int(*draw)])?;
            pen.run("DELETE FROM draw WHERE draw = ?1", [int(*draw)])?;
        }
        Fact::DrawEntered { draw } => {
            let sql = "DELETE FROM draw_entry WHERE draw = ?1 AND viewer = ?2";
            pen.run(sql, [int(*draw), old.viewer])?;
        }
        // Viewers go by when they were here last; the rest has no rows of its own.
        Fact::ShowBegun { .. }
        | Fact::ShowEnded
        | Fact::Incident { .. }
        | Fact::Came { .. }
        | Fact::Renamed { .. }
        | Fact::LineShown { .. }
        | Fact::LineHidden { .. }
        | Fact::Liked { .. }
        | Fact::PollClosed { .. }
        | Fact::PollGone { .. }
        | Fact::QuestionsSeen { .. }
        | Fact::QuestionMoved { .. }
        | Fact::Unpinned { .. }
        | Fact::DrawClosed { .. }
        | Fact::DrawDone { .. }
        | Fact::Announced { .. }
        | Fact::Moderated { .. } => {}
    }
    Ok(())
}

fn old_acts(conn: &Connection, cut_ms: i64) -> Answer<usize> {
    let sql = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at_ms < ?1 LIMIT ?2)";
    conn.execute(sql, [cut_ms, ROWS])
}
