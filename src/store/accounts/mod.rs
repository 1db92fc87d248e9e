//! Accounts of the staff and of viewers who registered, their sessions, failed logins, and the audit log.

mod audit;
mod failures;
mod sessions;

pub use audit::AuditRow;
pub use failures::Failures;
pub use sessions::{NewSession, Session};

use rusqlite::{OptionalExtension, Row, params};

use super::db::{Answer, Db, Sync};
use super::room::{role_of, role_word};
use crate::error::Result;
use crate::room::live::event::Role;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name, as it was first written; whether letters are large or small makes no difference.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// When it was made, seconds since 1970.
    pub created_s: i64,
}

/// Whether an account was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It was.
    Yes,
    /// There is none of this name.
    NotFound,
    /// It stays: without it the box would have no owner.
    LastOwner,
}

impl Db {
    /// Makes an account. `false`: the name is taken.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn account_create(
        &self,
        name: String,
        role: Role,
        hash: String,
        now_s: i64,
    ) -> Result<bool> {
        self.run(Sync::Full, move |conn| {
            let sql = "INSERT INTO account (name, role, hash, created_s) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
            Ok(conn.execute(sql, params![name, role_word(role), hash, now_s])? > 0)
        })
        .await
    }

    /// The account of this name, and the hash of its password as a PHC string.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn account_find(&self, name: String) -> Result<Option<(Account, String)>> {
        self.run(Sync::Lazy, move |conn| {
            let sql = "SELECT name, role, created_s, hash FROM account WHERE name = ?1";
            conn.query_row(sql, [name], |row| Ok((account(row)?, row.get(3)?)))
                .optional()
        })
        .await
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        self.run(Sync::Lazy, |conn| {
            conn.prepare("SELECT name, role, created_s FROM account ORDER BY name")?
                .query_map([], account)?
                .collect()
        })
        .await
    }

    /// Removes an account, and ends its sessions. The last owner stays.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn account_remove(&self, name: String) -> Result<Removed> {
        self.run(Sync::Full, move |conn| {
            let sql = "DELETE FROM account WHERE name = ?1 AND (role <> 'owner' OR
                       EXISTS (SELECT 1 FROM account WHERE role = 'owner' AND name <> ?1))";
            if conn.execute(sql, [&name])? > 0 {
                return Ok(Removed::Yes);
            }
            let sql = "SELECT 1 FROM account WHERE name = ?1";
            let there = conn.query_row(sql, [&name], |_| Ok(())).optional()?;
            Ok(there.map_or(Removed::NotFound, |()| Removed::LastOwner))
        })
        .await
    }

    /// Sets another password. `false`: there is no such account. Its sessions go on: [`Db::sessions_end_all`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn account_set_hash(&self, name: String, hash: String) -> Result<bool> {
        self.run(Sync::Full, move |conn| {
            let sql = "UPDATE account SET hash = ?2 WHERE name = ?1";
            Ok(conn.execute(sql, [name, hash])? > 0)
        })
        .await
    }
}

fn account(row: &Row<'_>) -> Answer<Account> {
    Ok(Account {
        name: row.get(0)?,
        role: role_of(&row.get::<_, String>(1)?),
        created_s: row.get(2)?,
    })
}

#[cfg(test)]
mod tests;
