//! Failed logins, by account or address: kept, so that a restart does not free the way.

use rusqlite::{OptionalExtension, params};

use crate::error::Result;
use crate::store::db::{Db, Sync};

/// After so long without another one they are forgotten, s.
const FORGOTTEN: i64 = 86_400;
/// So many names and addresses at most; the oldest go.
const KEPT: i64 = 10_000;

/// How often it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    /// In a row.
    pub count: u32,
    /// No other try before, seconds since 1970.
    pub until_s: i64,
}

impl Db {
    /// Failed logins of a name or address.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn failures(&self, what: String) -> Result<Failures> {
        self.run(Sync::Lazy, move |conn| {
            let sql = "SELECT count, until_s FROM login_failure WHERE what = ?1";
            let found = conn.query_row(sql, [what], |row| {
                Ok(Failures {
                    count: row.get(0)?,
                    until_s: row.get(1)?,
                })
            });
            Ok(found.optional()?.unwrap_or_default())
        })
        .await
    }

    /// Notes them. Those of others that are older than a day are forgotten.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn failures_set(&self, what: String, failures: Failures, now_s: i64) -> Result<()> {
        self.run(Sync::Full, move |conn| {
            let sql = "DELETE FROM login_failure WHERE last_s < ?1 AND until_s < ?2";
            conn.execute(sql, [now_s - FORGOTTEN, now_s])?;
            let sql = "INSERT INTO login_failure (what, count, last_s, until_s) VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT DO UPDATE SET count = excluded.count, last_s = excluded.last_s, until_s = excluded.until_s";
            conn.execute(sql, params![what, failures.count, now_s, failures.until_s])?;
            let sql = "DELETE FROM login_failure WHERE what IN
                       (SELECT what FROM login_failure ORDER BY last_s DESC LIMIT -1 OFFSET ?1)";
            let many: i64 = conn.query_row("SELECT count(*) FROM login_failure", [], |row| row.get(0))?;
            if many > KEPT {
                conn.execute(sql, [KEPT])?;
            }
            Ok(())
        })
        .await
    }

    /// A login went well.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn failures_clear(&self, what: String) -> Result<()> {
        self.run(Sync::Full, move |conn| {
            conn.execute("DELETE FROM login_failure WHERE what = ?1", [what])
                .map(drop)
        })
        .await
    }
}
