//! What is known of one viewer is taken out of everything: names, texts, address. What they did stays as a count without a name.
//!
//! ```text
//!   note ──> events, in slices ──> tables, outbox ──> log emptied ~~ sweep: file written anew, damaged ones removed ──> note away
//!     └── crash: the next start goes on from here ─────────────────────────────────────────────────────────────────────┘
//! ```

use rusqlite::{Connection, OptionalExtension, params};

use super::put::Pen;
use super::{copies, int, word};
use crate::error::Result;
use crate::room::live::event::{Fact, Winner};
use crate::store::db::{Answer, Db, Sync};

/// The name of somebody whose data was erased.
pub const ERASED: &str = "erased";
/// Rows of one go.
const ROWS: i64 = 300;

impl Db {
    /// Takes the names, texts and address of a viewer out of every row. `false`: nothing is known of this number. Copies in unused
    /// parts of the file go with the next [`Db::erase_sweep`]. A state in memory must be made anew.
    ///
    /// # Errors
    /// When it cannot be written; then it goes on at the next [`Db::erase_unfinished`].
    pub async fn erase_viewer(&self, viewer: u64) -> Result<bool> {
        let id = int(viewer);
        if viewer == 0 || !self.run(Sync::Full, move |conn| note(conn, id)).await? {
            return Ok(false);
        }
        self.erase_rest(id).await?;
        Ok(true)
    }

    /// After erasures: writes the database's file anew, so that no byte of them is left, the copies of it too. Everything waits meanwhile, seconds on a slow card: to be called while no show runs. Whether there was anything
    /// to do.
    ///
    /// # Errors
    /// When there is no room, or it cannot be written; it is to be called again then.
    pub async fn erase_sweep(&self) -> Result<bool> {
        let due = self.run(Sync::Lazy, |conn| {
            let sql = "SELECT viewer FROM erasure WHERE blanked = 1";
            conn.prepare(sql)?
                .query_map([], |row| row.get::<_, i64>(0))?
                .collect::<Answer<Vec<_>>>()
        });
        let due = due.await?;
        if due.is_empty() {
            return Ok(false);
        }
        self.write_anew().await?;
        copies::erase(self, due.clone()).await?;
        self.run(Sync::Full, move |conn| {
            let sql = "DELETE FROM erasure WHERE viewer = ?1 AND blanked = 1";
            due.iter()
                .try_for_each(|viewer| conn.execute(sql, [viewer]).map(drop))
        })
        .await?;
        Ok(true)
    }

    /// Goes on with what a crash or an error broke off, and sweeps; how many viewers. To be called at a start, before events are read.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn erase_unfinished(&self) -> Result<u32> {
        let left: Vec<(i64, bool)> = self
            .run(Sync::Lazy, |conn| {
                conn.prepare("SELECT viewer, blanked FROM erasure ORDER BY viewer")?
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .await?;
        let mut n = 0;
        for (viewer, blanked) in left {
            if !blanked {
                self.erase_rest(viewer).await?;
            }
            n += 1;
        }
        self.erase_sweep().await?;
        Ok(n)
    }

    async fn erase_rest(&self, viewer: i64) -> Result<()> {
        while self
            .run(Sync::Full, move |conn| events(conn, viewer))
            .await?
        {}
        while self
            .run(Sync::Full, move |conn| messages(conn, viewer))
            .await?
            > 0
        {}
        self.run(Sync::Full, move |conn| tables(conn, viewer))
            .await?;
        self.settle_log().await
    }
}

/// All of it in one transaction, for a copy that nobody else uses.
pub fn at_once(conn: &Connection, viewer: i64) -> Answer<()> {
    if note(conn, viewer)? {
        while events(conn, viewer)? {}
        while messages(conn, viewer)? > 0 {}
        tables(conn, viewer)?;
    }
    let sql = "DELETE FROM erasure WHERE viewer = ?1";
    conn.execute(sql, [viewer]).map(drop)
}

/// Notes that it begins, if there is anything of this viewer.
fn note(conn: &Connection, viewer: i64) -> Answer<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM viewer WHERE viewer = ?1) OR EXISTS (SELECT 1 FROM event WHERE viewer = ?1)";
    let known: bool = conn.query_row(sql, [viewer], |row| row.get(0))?;
    if known {
        let sql = "INSERT INTO erasure (viewer) VALUES (?1) ON CONFLICT DO UPDATE SET done_seq = 0, blanked = 0";
        conn.execute(sql, [viewer])?;
    }
    Ok(known)
}

/// One slice of the events; whether there may be more.
fn events(conn: &Connection, viewer: i64) -> Answer<bool> {
    let sql = "SELECT done_seq FROM erasure WHERE viewer = ?1";
    let Some(done) = conn
        .query_row(sql, [viewer], |row| row.get::<_, i64>(0))
        .optional()?
    else {
        return Ok(false);
    };
    // Draws are closed by somebody else and name the winners.
    let own = "SELECT seq, show, kind, data FROM event WHERE viewer = ?1 AND viewer > 0 AND seq > ?2 ORDER BY seq LIMIT ?3";
    let drawn = "SELECT seq, show, kind, data FROM event WHERE kind = 'draw-done'";
    let mut rows = read(conn, own, params![viewer, done, ROWS])?;
    let last = rows.last().map(|row| row.seq);
    if last.is_none() {
        rows = read(conn, drawn, [])?;
    }
    let mut pen = Pen::new(conn);
    pen.run("INSERT INTO event_gate (one) VALUES (1)", [])?;
    for row in rows {
        let data = match serde_json::from_str::<Fact>(&row.data) {
            Ok(mut fact) => {
                blank(&mut pen, &mut fact, &row, viewer)?;
                word(&fact)?
            }
            // Of a newer version: what it says of whom is not known, so all of it goes.
            Err(_) => serde_json::json!({ "kind": row.kind }).to_string(),
        };
        if data != row.data {
            pen.run("UPDATE event SET data = ?2 WHERE seq = ?1", (row.seq, data))?;
        }
    }
    pen.run("DELETE FROM event_gate", [])?;
    if let Some(last) = last {
        pen.run(
            "UPDATE erasure SET done_seq = ?2 WHERE viewer = ?1",
            (viewer, last),
        )?;
    }
    Ok(last.is_some())
}

struct Row {
    seq: i64,
    show: i64,
    kind: String,
    data: String,
}

fn read(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Answer<Vec<Row>> {
    conn.prepare(sql)?
        .query_map(params, |row| {
            Ok(Row {
                seq: row.get(0)?,
                show: row.get(1)?,
                kind: row.get(2)?,
                data: row.get(3)?,
            })
        })?
        .collect()
}

/// Takes out of a fact what is this viewer's own.
fn blank(pen: &mut Pen<'_>, fact: &mut Fact, row: &Row, viewer: i64) -> Answer<()> {
    match fact {
        Fact::Came { name, addr, .. } => {
            ERASED.clone_into(name);
            addr.clear();
        }
        Fact::Renamed { name, .. } => ERASED.clone_into(name),
        Fact::Said {
            name, text, nonce, ..
        } => {
            ERASED.clone_into(name);
            text.clear();
            *nonce = None;
        }
        Fact::Asked { name, text, .. } => {
            ERASED.clone_into(name);
            text.clear();
        }
        Fact::Gave {
            gift,
            name,
            combo,
            origin,
            ..
        } => {
            ERASED.clone_into(name);
            *combo = combo_of(
                pen,
                row,
                viewer,
                (gift, combo, origin.as_deref().unwrap_or("")),
            )?;
        }
        Fact::Ordered { name, .. } => *name = None,
        Fact::DrawDone { winners, .. } => blank_winners(winners, viewer),
        Fact::ShowBegun { .. }
        | Fact::ShowEnded
        | Fact::Incident { .. }
        | Fact::Joined
        | Fact::Left { .. }
        | Fact::LineShown { .. }
        | Fact::LineHidden { .. }
        | Fact::Liked { .. }
        | Fact::PollOpened { .. }
        | Fact::Voted { .. }
        | Fact::PollClosed { .. }
        | Fact::PollGone { .. }
        | Fact::UpVoted { .. }
        | Fact::QuestionsSeen { .. }
        | Fact::QuestionMoved { .. }
        | Fact::ProductSet { .. }
        | Fact::ProductRemoved { .. }
        | Fact::Pinned { .. }
        | Fact::Unpinned { .. }
        | Fact::Clicked { .. }
        | Fact::DrawOpened { .. }
        | Fact::DrawEntered { .. }
        | Fact::DrawClosed { .. }
        | Fact::Announced { .. }
        | Fact::Moderated { .. } => {}
    }
    Ok(())
}

/// Another word for a combo, the same for all events of it: the word was the viewer's own.
fn combo_of(
    pen: &mut Pen<'_>,
    row: &Row,
    viewer: i64,
    (gift, combo, origin): (&str, &str, &str),
) -> Answer<String> {
    let sql = "SELECT id FROM gift WHERE show = ?1 AND viewer = ?2 AND giver = '' AND origin = ?3 AND gift = ?4 AND combo = ?5";
    let known = pen.number(sql, params![row.show, viewer, origin, gift, combo])?;
    Ok(match known {
        Some(id) => format!("{ERASED}-{id}"),
        None => format!("{ERASED}-of-{}", row.seq),
    })
}

fn blank_winners(winners: &mut [Winner], viewer: i64) {
    for winner in winners {
        if int(winner.viewer) == viewer {
            ERASED.clone_into(&mut winner.name);
        }
    }
}

/// Some lines of the chat; how many.
fn messages(conn: &Connection, viewer: i64) -> Answer<usize> {
    let sql = "UPDATE message SET name = ?2, text = '', nonce = NULL WHERE line IN
               (SELECT line FROM message WHERE viewer = ?1 AND viewer > 0
                AND (name <> ?2 OR text <> '' OR nonce IS NOT NULL) LIMIT ?3)";
    conn.execute(sql, params![viewer, ERASED, ROWS])
}

/// The other tables. With them it stands in no row.
fn tables(conn: &Connection, viewer: i64) -> Answer<()> {
    for sql in [
        "UPDATE viewer SET name = ?2, addr = '', erased = 1 WHERE viewer = ?1",
        "UPDATE question SET name = ?2, text = '' WHERE viewer = ?1 AND viewer > 0",
        "UPDATE gift SET name = ?2, combo = ?2 || '-' || id WHERE viewer = ?1 AND viewer > 0",
    ] {
        conn.execute(sql, params![viewer, ERASED])?;
    }
    let sql = "UPDATE shop_order SET name = NULL WHERE viewer = ?1 AND viewer > 0";
    conn.execute(sql, [viewer])?;
    let draws: Vec<(i64, String)> = conn
        .prepare("SELECT draw, won FROM draw WHERE won IS NOT NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Answer<_>>()?;
    for (draw, won) in draws {
        let mut winners: Vec<Winner> =
            serde_json::from_str(&won).map_err(|e| super::unreadable(1, e))?;
        blank_winners(&mut winners, viewer);
        let sql = "UPDATE draw SET won = ?2 WHERE draw = ?1";
        conn.execute(sql, params![draw, word(&winners)?])?;
    }
    // What waits for the broker and is about them. Everything that names a viewer does so under this key.
    let sql = "DELETE FROM outbox WHERE instr(payload, CAST('\"viewer\"' AS BLOB)) > 0 AND CASE
               WHEN json_valid(CAST(payload AS TEXT)) THEN EXISTS (SELECT 1 FROM json_tree(CAST(outbox.payload AS TEXT)) t
               WHERE t.key = 'viewer' AND t.value = ?1) ELSE 1 END";
    conn.execute(sql, [viewer])?;
    let sql = "UPDATE erasure SET blanked = 1 WHERE viewer = ?1";
    conn.execute(sql, [viewer]).map(drop)
}
