//! What the staff did, kept as long as the room's events.

use rusqlite::params;
use rusqlite::types::Type;
use serde_json::Value;

use crate::error::Result;
use crate::store::db::{Db, Sync};

/// Most rows of one answer.
const PAGE: u32 = 1000;

/// One act.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Rises.
    pub id: u64,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Who: name of an account, `mqtt` or the like.
    pub account: String,
    /// What, such as `room/ban` or `account/remove`.
    pub what: String,
    /// Whatever belongs to it; no secrets.
    pub detail: Value,
}

impl Db {
    /// Notes an act. Those of the room's [`Moderated`](crate::room::live::event::Fact::Moderated) come by themselves.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn audit(
        &self,
        at_ms: i64,
        account: String,
        what: String,
        detail: Value,
    ) -> Result<()> {
        self.run(Sync::Full, move |conn| {
            let sql = "INSERT INTO audit (at_ms, account, what, detail) VALUES (?1, ?2, ?3, ?4)";
            conn.execute(sql, params![at_ms, account, what, detail.to_string()])
                .map(drop)
        })
        .await
    }

    /// Acts before one, or the last ones, newest first; at most `limit` and 1000.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn audit_list(&self, before: Option<u64>, limit: u32) -> Result<Vec<AuditRow>> {
        self.run(Sync::Lazy, move |conn| {
            let before = before.map_or(i64::MAX, |n| i64::try_from(n).unwrap_or(i64::MAX));
            let sql = "SELECT id, at_ms, account, what, detail FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
            let mut found = conn.prepare(sql)?;
            let rows = found.query_map(params![before, limit.min(PAGE)], |row| {
                let detail = row.get_ref(4)?.as_str()?;
                let detail = serde_json::from_str(detail).map_err(|e| {
                    rusqlite::Error::FromSqlConversionFailure(4, Type::Text, e.into())
                })?;
                Ok(AuditRow {
                    id: row.get::<_, i64>(0)?.cast_unsigned(),
                    at_ms: row.get(1)?,
                    account: row.get(2)?,
                    what: row.get(3)?,
                    detail,
                })
            })?;
            rows.collect()
        })
        .await
    }
}
