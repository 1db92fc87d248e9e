//! What is to be told over MQTT and must not be lost while there is no broker: 10,000 rows or 8 MiB; when it is full the
//! oldest telemetry goes first, then the oldest plain event, an alarm never.

use rusqlite::{Connection, params};

use super::db::{Answer, Db, Sync};
use crate::error::{Error, Kind, Result};

/// Most rows.
pub const MAX_ROWS: u64 = 10_000;
/// Most bytes of payload.
pub const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Most bytes of one payload.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// Bytes of payload after which one reading ends.
const READ_AT_ONCE: usize = 1024 * 1024;

/// How much a row is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Numbers.
    Telemetry,
    /// Something happened.
    Event,
    /// Something is wrong.
    Alarm,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Rises by at least one with each row, across restarts.
    pub seq: u64,
    /// How much it is worth.
    pub class: Class,
    /// Topic below the box, such as `evt/live`.
    pub leaf: String,
    /// Content, JSON.
    pub payload: Vec<u8>,
}

impl Db {
    /// Adds a row, and syncs unless it is telemetry. `payload` is given the row's `seq`. Where there is no room the oldest
    /// of the least worth goes, be it this very row.
    ///
    /// # Errors
    /// When it cannot be written; when it is larger than [`MAX_PAYLOAD`]; for an alarm also when there is room for no more
    /// alarms, since none is ever dropped.
    pub async fn outbox_push(
        &self,
        class: Class,
        leaf: String,
        payload: impl FnOnce(u64) -> Vec<u8> + Send + 'static,
    ) -> Result<u64> {
        let sync = if class == Class::Telemetry {
            Sync::Lazy
        } else {
            Sync::Full
        };
        let pushed = self.run(sync, move |conn| push(conn, &BOUNDS, class, &leaf, payload));
        pushed.await?
    }

    /// The oldest rows after `after`, at most `limit`, and about 1 MiB of payload.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn outbox_next(&self, after: u64, limit: u32) -> Result<Vec<Row>> {
        self.run(Sync::Lazy, move |conn| {
            let sql =
                "SELECT seq, class, leaf, payload FROM outbox WHERE seq > ?1 ORDER BY seq LIMIT ?2";
            let mut found = conn.prepare(sql)?;
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            let mut rows = Vec::new();
            let mut bytes = 0;
            for row in found.query_map(params![after, limit], read)? {
                let row = row?;
                bytes += row.payload.len();
                rows.push(row);
                if bytes >= READ_AT_ONCE {
                    break;
                }
            }
            Ok(rows)
        })
        .await
    }

    /// The broker has this row. After a power cut it may be there again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn outbox_sent(&self, seq: u64) -> Result<()> {
        self.run(Sync::Lazy, move |conn| {
            let seq = i64::try_from(seq).unwrap_or(i64::MAX);
            conn.execute("DELETE FROM outbox WHERE seq = ?1", [seq])
                .map(drop)
        })
        .await
    }

    /// Rows that were dropped for want of room since the database was made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn outbox_dropped(&self) -> Result<u64> {
        self.run(Sync::Lazy, |conn| Ok(sums(conn)?.dropped.cast_unsigned()))
            .await
    }
}

/// How much may wait.
struct Bounds {
    rows: u64,
    bytes: u64,
}

const BOUNDS: Bounds = Bounds {
    rows: MAX_ROWS,
    bytes: MAX_BYTES,
};

fn push(
    conn: &Connection,
    bounds: &Bounds,
    class: Class,
    leaf: &str,
    payload: impl FnOnce(u64) -> Vec<u8>,
) -> Answer<Result<u64>> {
    let seq = sums(conn)?.last_seq.saturating_add(1);
    let payload = payload(seq.cast_unsigned());
    if payload.len() > MAX_PAYLOAD {
        return Ok(Err(too_large(leaf)));
    }
    if class == Class::Alarm && !alarms_leave_room(conn, bounds, payload.len())? {
        return Ok(Err(full(leaf)));
    }
    conn.execute(
        "INSERT INTO outbox (seq, class, leaf, payload) VALUES (?1, ?2, ?3, ?4)",
        params![seq, worth(class), leaf, payload],
    )?;
    make_room(conn, bounds)?;
    Ok(Ok(seq.cast_unsigned()))
}

struct Sums {
    last_seq: i64,
    rows: i64,
    bytes: i64,
    dropped: i64,
}

impl Sums {
    fn beyond(&self, bounds: &Bounds) -> bool {
        self.rows.cast_unsigned() > bounds.rows || self.bytes.cast_unsigned() > bounds.bytes
    }
}

fn sums(conn: &Connection) -> Answer<Sums> {
    let sql = "SELECT last_seq, rows, bytes, dropped FROM outbox_sums";
    conn.query_row(sql, [], |row| {
        Ok(Sums {
            last_seq: row.get(0)?,
            rows: row.get(1)?,
            bytes: row.get(2)?,
            dropped: row.get(3)?,
        })
    })
}

/// Whether one more alarm fits where everything else has gone. Counted only once the box is full of anything at all.
fn alarms_leave_room(conn: &Connection, bounds: &Bounds, more: usize) -> Answer<bool> {
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    let mut after = sums(conn)?;
    after.rows += 1;
    after.bytes = after.bytes.saturating_add(more);
    if !after.beyond(bounds) {
        return Ok(true);
    }
    let sql = "SELECT count(*), coalesce(sum(length(payload)), 0) FROM outbox WHERE class = ?1";
    conn.query_row(sql, [worth(Class::Alarm)], |row| {
        after.rows = row.get::<_, i64>(0)? + 1;
        after.bytes = row.get::<_, i64>(1)?.saturating_add(more);
        Ok(!after.beyond(bounds))
    })
}

/// Drops the oldest of the least worth until it fits. Ends: each turn takes a row, and alarms alone always fit.
fn make_room(conn: &Connection, bounds: &Bounds) -> Answer<()> {
    let sql = "DELETE FROM outbox WHERE seq =
               (SELECT seq FROM outbox WHERE class < ?1 ORDER BY class, seq LIMIT 1)";
    while sums(conn)?.beyond(bounds) {
        if conn.execute(sql, [worth(Class::Alarm)])? == 0 {
            break;
        }
        conn.execute("UPDATE outbox_sums SET dropped = dropped + 1", [])?;
    }
    Ok(())
}

fn read(row: &rusqlite::Row<'_>) -> Answer<Row> {
    Ok(Row {
        seq: row.get::<_, i64>(0)?.cast_unsigned(),
        class: match row.get::<_, i64>(1)? {
            0 => Class::Telemetry,
            1 => Class::Event,
            _ => Class::Alarm,
        },
        leaf: row.get(2)?,
        payload: row.get(3)?,
    })
}

/// As it stands in the table.
fn worth(class: Class) -> i64 {
    match class {
        Class::Telemetry => 0,
        Class::Event => 1,
        Class::Alarm => 2,
    }
}

fn too_large(leaf: &str) -> Error {
    Error::new(
        Kind::Internal,
        format!("A message for {leaf} is larger than {MAX_PAYLOAD} bytes."),
    )
}

fn full(leaf: &str) -> Error {
    Error::new(
        Kind::Internal,
        format!("The outbox is full of alarms, so one more for {leaf} has no room."),
    )
    .mend("Let the box reach its broker.")
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
