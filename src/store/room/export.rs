//! Everything that is stored of one viewer, for that viewer.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value, json};

use super::int;
use crate::error::Result;
use crate::store::db::{Answer, Db, Sync};

/// Tables with rows of a viewer, and the columns that are the viewer's own.
const TABLES: [(&str, &str); 9] = [
    ("presence", "SELECT show, joins, stayed_ms FROM presence WHERE viewer = ?1 ORDER BY show"),
    (
        "messages",
        "SELECT line, at_ms, show, name, text, role, origin, state, why, nonce FROM message WHERE viewer = ?1 AND viewer > 0 ORDER BY line",
    ),
    (
        "votes",
        "SELECT v.poll, p.question, v.choice, v.at_ms FROM vote v LEFT JOIN poll p ON p.poll = v.poll WHERE v.viewer = ?1 ORDER BY v.poll",
    ),
    (
        "questions",
        "SELECT question, at_ms, show, name, text, origin, state FROM question WHERE viewer = ?1 AND viewer > 0 ORDER BY question",
    ),
    // Not the texts: they are other people's.
    ("upvotes", "SELECT question, at_ms FROM upvote WHERE viewer = ?1 ORDER BY question"),
    (
        "gifts",
        "SELECT at_ms, show, gift, combo, name, count FROM gift WHERE viewer = ?1 AND viewer > 0 ORDER BY id",
    ),
    (
        "clicks",
        "SELECT at_ms, show, pin, product FROM click WHERE viewer = ?1 AND viewer > 0 ORDER BY seq",
    ),
    (
        "orders",
        "SELECT id, at_ms, show, pin, product, count, amount_minor, currency, name FROM shop_order WHERE viewer = ?1 AND viewer > 0 ORDER BY seq",
    ),
    (
        "draws",
        "SELECT e.draw, d.title, e.at_ms, EXISTS (SELECT 1 FROM json_each(coalesce(d.won, '[]')) w WHERE w.value ->> 'viewer' = e.viewer) AS won
         FROM draw_entry e LEFT JOIN draw d ON d.draw = e.draw WHERE e.viewer = ?1 ORDER BY e.draw",
    ),
];

impl Db {
    /// Everything that is stored of a viewer, and nothing of others. `None`: nothing is known of this number.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn export_viewer(&self, viewer: u64) -> Result<Option<Value>> {
        self.run(Sync::Lazy, move |conn| export(conn, int(viewer)))
            .await
    }
}

fn export(conn: &Connection, viewer: i64) -> Answer<Option<Value>> {
    if viewer == 0 {
        return Ok(None);
    }
    let mut out = Map::new();
    let sql = "SELECT viewer, name, role, addr, came_ms, last_ms, muted_until_ms, banned, erased FROM viewer WHERE viewer = ?1";
    let own = rows(conn, sql, viewer)?.pop();
    let events = events(conn, viewer)?;
    if own.is_none() && events.is_empty() {
        return Ok(None);
    }
    out.insert("viewer".into(), own.unwrap_or(Value::Null));
    for (name, sql) in TABLES {
        out.insert(name.into(), rows(conn, sql, viewer)?.into());
    }
    // What the staff did about them; not who.
    let sql = "SELECT at_ms, data ->> '$.what.act' AS act, data ->> '$.what.on' AS \"on\", data ->> '$.what.until_ms' AS until_ms
               FROM event WHERE kind = 'moderated' AND data ->> '$.what.viewer' = ?1 ORDER BY seq";
    out.insert("moderated".into(), rows(conn, sql, viewer)?.into());
    out.insert("events".into(), events.into());
    let sql = "SELECT 1 FROM erasure WHERE viewer = ?1";
    let erasing = conn
        .query_row(sql, [viewer], |_| Ok(()))
        .optional()?
        .is_some();
    out.insert("being_erased".into(), erasing.into());
    Ok(Some(out.into()))
}

/// The record itself.
fn events(conn: &Connection, viewer: i64) -> Answer<Vec<Value>> {
    let sql =
        "SELECT seq, at_ms, show, data FROM event WHERE viewer = ?1 AND viewer > 0 ORDER BY seq";
    let mut found = conn.prepare(sql)?;
    let mut rows = found.query([viewer])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let mut data: Value = serde_json::from_str(row.get_ref(3)?.as_str()?).unwrap_or_default();
        // Somebody of the staff who drew: the winners are other people.
        if let Some(winners) = data.get_mut("winners").and_then(Value::as_array_mut) {
            winners.retain(|w| w.get("viewer").is_none_or(|v| v.as_i64() == Some(viewer)));
        }
        let (seq, at_ms, show): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        all.push(json!({ "seq": seq, "at_ms": at_ms, "show": show, "data": data }));
    }
    Ok(all)
}

/// Rows as JSON, by the names of their columns.
fn rows(conn: &Connection, sql: &str, viewer: i64) -> Answer<Vec<Value>> {
    let mut found = conn.prepare(sql)?;
    let names: Vec<String> = found.column_names().map(str::to_owned).collect();
    let mut rows = found.query([viewer])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let mut out = Map::new();
        for (i, name) in names.iter().enumerate() {
            let value = match row.get_ref(i)? {
                ValueRef::Integer(n) => n.into(),
                ValueRef::Real(n) => n.into(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
                ValueRef::Null | ValueRef::Blob(_) => Value::Null,
            };
            out.insert(name.clone(), value);
        }
        all.push(out.into());
    }
    Ok(all)
}
