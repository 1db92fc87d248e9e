//! Who is logged in, from which browser.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::{Error, Kind, Result};
use crate::room::live::event::Role;
use crate::store::db::{Answer, Db, Sync};
use crate::store::room::role_of;

/// A login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// SHA-256 of the token, which only the browser has.
    pub token: [u8; 32],
    /// Of which account.
    pub account: String,
    /// Now, seconds since 1970.
    pub now_s: i64,
    /// When it ends by itself.
    pub expires_s: i64,
    /// What the browser calls itself.
    pub agent: String,
    /// Keyed hash of its address.
    pub addr: String,
}

/// A login that lasts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// To end it; no secret.
    pub id: i64,
    /// Of which account.
    pub account: String,
    /// What that account may do now.
    pub role: Role,
    /// Seconds since 1970.
    pub opened_s: i64,
    /// When it was last used.
    pub used_s: i64,
    /// When it ends by itself.
    pub expires_s: i64,
    /// What the browser calls itself.
    pub agent: String,
    /// Keyed hash of its address.
    pub addr: String,
}

const COLUMNS: &str =
    "SELECT s.id, a.name, a.role, s.opened_s, s.used_s, s.expires_s, s.agent, s.addr
    FROM login_session s JOIN account a ON a.name = s.account";

impl Db {
    /// Opens a session; its id. Those that are over go.
    ///
    /// # Errors
    /// `NotFound` when there is no such account; when it cannot be written.
    pub async fn session_open(&self, session: NewSession) -> Result<i64> {
        let opened = self.run(Sync::Full, move |conn| open(conn, &session));
        opened
            .await?
            .ok_or_else(|| Error::new(Kind::NotFound, "The account of this session is gone."))
    }

    /// The session of a token, unless it is over.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn session_find(&self, token: [u8; 32], now_s: i64) -> Result<Option<Session>> {
        self.run(Sync::Lazy, move |conn| {
            let sql = format!("{COLUMNS} WHERE s.token = ?1 AND s.expires_s > ?2");
            conn.query_row(&sql, params![token, now_s], session)
                .optional()
        })
        .await
    }

    /// It is used now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn session_touch(&self, id: i64, now_s: i64) -> Result<()> {
        self.run(Sync::Lazy, move |conn| {
            let sql = "UPDATE login_session SET used_s = ?2 WHERE id = ?1";
            conn.execute(sql, [id, now_s]).map(drop)
        })
        .await
    }

    /// Ends a session. `false`: there is none of this id.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn session_end(&self, id: i64) -> Result<bool> {
        self.run(Sync::Full, move |conn| {
            Ok(conn.execute("DELETE FROM login_session WHERE id = ?1", [id])? > 0)
        })
        .await
    }

    /// The sessions of an account, or of all, the one that was opened last first; also those that are over and not yet gone.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn sessions(&self, account: Option<String>) -> Result<Vec<Session>> {
        self.run(Sync::Lazy, move |conn| {
            let sql = format!("{COLUMNS} WHERE ?1 IS NULL OR a.name = ?1 ORDER BY s.id DESC");
            conn.prepare(&sql)?.query_map([account], session)?.collect()
        })
        .await
    }

    /// Ends all sessions of an account but one; how many.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn sessions_end_all(&self, account: String, except: Option<i64>) -> Result<usize> {
        self.run(Sync::Full, move |conn| {
            let sql = "DELETE FROM login_session WHERE account = (SELECT name FROM account WHERE name = ?1) AND id IS NOT ?2";
            conn.execute(sql, params![account, except])
        })
        .await
    }
}

fn open(conn: &Connection, new: &NewSession) -> Answer<Option<i64>> {
    conn.execute(
        "DELETE FROM login_session WHERE expires_s <= ?1",
        [new.now_s],
    )?;
    let sql = "INSERT INTO login_session (token, account, opened_s, used_s, expires_s, agent, addr)
               SELECT ?1, name, ?3, ?3, ?4, ?5, ?6 FROM account WHERE name = ?2 RETURNING id";
    let values = params![
        new.token,
        new.account,
        new.now_s,
        new.expires_s,
        new.agent,
        new.addr
    ];
    conn.query_row(sql, values, |row| row.get(0)).optional()
}

fn session(row: &Row<'_>) -> Answer<Session> {
    Ok(Session {
        id: row.get(0)?,
        account: row.get(1)?,
        role: role_of(&row.get::<_, String>(2)?),
        opened_s: row.get(3)?,
        used_s: row.get(4)?,
        expires_s: row.get(5)?,
        agent: row.get(6)?,
        addr: row.get(7)?,
    })
}
