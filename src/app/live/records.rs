//! What the pages keep, in the database.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value;

use super::{keys, wall_ms};
use crate::edge::web::inside::{
    Account, Attempts, AuditLine, Ending, Later, NewSession, Records, Session, ShowLine,
};
use crate::error::{Error, Kind, Result};
use crate::media::sync::lock;
use crate::room::live::actor::LiveHandle;
use crate::room::live::event::{Event, Role};
use crate::store::accounts::{self, Failures, Removed};
use crate::store::db::Db;

/// Shows that are listed.
const SHOWS: usize = 200;

/// The records; cheap to clone.
#[derive(Clone)]
pub struct Kept {
    db: Db,
    live: LiveHandle,
    /// The state folder, in which the first password lies.
    dir: PathBuf,
    /// Viewers of accounts, until the program ends.
    viewers: Arc<Mutex<HashMap<String, u64>>>,
    /// The name of the account that has the first password.
    first: Arc<OnceLock<String>>,
}

fn seconds(ms: i64) -> i64 {
    ms.div_euclid(1000)
}

fn ms(seconds: i64) -> i64 {
    seconds.saturating_mul(1000)
}

impl Kept {
    /// Of these.
    #[must_use]
    pub fn new(db: Db, live: LiveHandle, dir: PathBuf) -> Self {
        Self {
            db,
            live,
            dir,
            viewers: Arc::default(),
            first: Arc::default(),
        }
    }

    fn of(&self, account: &accounts::Account, hash: String) -> Account {
        let name = account.name.to_lowercase();
        let viewer = lock(&self.viewers).get(&name).copied();
        Account {
            first: self.is_first(&name, account.role),
            viewer: viewer.unwrap_or_default(),
            name,
            role: account.role,
            hash,
            made_ms: ms(account.created_s),
        }
    }

    /// The first owner is the one who was made first: `owner`, unless somebody had that name.
    fn is_first(&self, name: &str, role: Role) -> bool {
        let named = self
            .first
            .get()
            .map_or_else(|| name.starts_with("owner"), |first| first == name);
        role == Role::Owner && named && keys::has_first_password(&self.dir)
    }

    async fn find(&self, name: String) -> Result<Option<Account>> {
        let found = self.db.account_find(name).await?;
        Ok(found.map(|(account, hash)| self.of(&account, hash)))
    }

    /// An export has everything; what was erased is gone from the room's memory, too.
    async fn forget(&self, viewer: u64) -> Result<bool> {
        let erased = self.db.erase_viewer(viewer).await?;
        if erased {
            lock(&self.viewers).retain(|_, of| *of != viewer);
            self.live.reload().await?;
        }
        Ok(erased)
    }
}

fn session(of: accounts::Session) -> Session {
    Session {
        id: of.id,
        account: of.account.to_lowercase(),
        role: of.role,
        made_ms: ms(of.opened_s),
        used_ms: ms(of.used_s),
        addr: of.addr,
        agent: of.agent,
    }
}

/// The future of a call that owns what it needs.
macro_rules! later {
    ($of:ident => $it:ident, $body:expr) => {{
        let $it = $of.clone();
        Box::pin(async move { $body })
    }};
}

impl Records for Kept {
    fn accounts(&self) -> Later<Result<Vec<Account>>> {
        later!(self => it, {
            let all = it.db.accounts().await?;
            // Hashes stay where they are.
            Ok(all.into_iter().map(|a| it.of(&a, String::new())).collect())
        })
    }

    fn account(&self, name: String) -> Later<Result<Option<Account>>> {
        later!(self => it, it.find(name).await)
    }

    fn account_add(&self, account: Account) -> Later<Result<bool>> {
        later!(self => it, {
            let Account { name, role, hash, made_ms, first, .. } = account;
            let named = name.clone();
            let added = it.db.account_create(name, role, hash, seconds(made_ms)).await?;
            if added && first {
                let _ = it.first.set(named);
            }
            Ok(added)
        })
    }

    fn account_password(&self, name: String, hash: String) -> Later<Result<bool>> {
        later!(self => it, {
            let before = it.find(name.clone()).await?;
            let changed = it.db.account_set_hash(name, hash).await?;
            if changed && before.is_some_and(|account| account.first) {
                keys::forget_first_password(&it.dir);
            }
            Ok(changed)
        })
    }

    fn account_viewer(&self, name: String, viewer: u64) -> Later<Result<()>> {
        lock(&self.viewers).insert(name.to_lowercase(), viewer);
        Box::pin(std::future::ready(Ok(())))
    }

    fn account_remove(&self, name: String) -> Later<Result<bool>> {
        later!(self => it, {
            let key = name.to_lowercase();
            match it.db.account_remove(name).await? {
                Removed::Yes => {
                    lock(&it.viewers).remove(&key);
                    Ok(true)
                }
                Removed::NotFound => Ok(false),
                Removed::LastOwner => {
                    let said = "This is the last owner; without one nobody could run the box.";
                    Err(Error::new(Kind::Refused, said).mend("Make another owner first."))
                }
            }
        })
    }

    fn session_add(&self, new: NewSession) -> Later<Result<i64>> {
        later!(self => it, {
            let new = accounts::NewSession {
                token: new.token,
                account: new.account,
                now_s: seconds(new.now_ms),
                expires_s: seconds(new.expires_ms),
                agent: new.agent,
                addr: new.addr,
            };
            it.db.session_open(new).await
        })
    }

    fn session(&self, token: [u8; 32], now_ms: i64) -> Later<Result<Option<(Session, Account)>>> {
        later!(self => it, {
            let Some(found) = it.db.session_find(token, seconds(now_ms)).await? else {
                return Ok(None);
            };
            let account = it.find(found.account.clone()).await?;
            Ok(account.map(|account| (session(found), account)))
        })
    }

    fn session_used(&self, id: i64, now_ms: i64) -> Later<Result<()>> {
        later!(self => it, it.db.session_touch(id, seconds(now_ms)).await)
    }

    fn sessions(&self, account: Option<String>) -> Later<Result<Vec<Session>>> {
        later!(self => it, {
            let all = it.db.sessions(account).await?;
            Ok(all.into_iter().map(session).collect())
        })
    }

    fn sessions_end(&self, which: Ending) -> Later<Result<u64>> {
        later!(self => it, {
            let ended = match which {
                Ending::One(id) => usize::from(it.db.session_end(id).await?),
                Ending::Account(account) => it.db.sessions_end_all(account, None).await?,
                Ending::Others { account, but } => {
                    it.db.sessions_end_all(account, Some(but)).await?
                }
            };
            Ok(ended as u64)
        })
    }

    fn attempts(&self, key: String) -> Later<Result<Option<Attempts>>> {
        later!(self => it, {
            let Failures { count, until_s } = it.db.failures(key).await?;
            Ok((count > 0).then_some(Attempts {
                failures: count,
                until_ms: ms(until_s),
            }))
        })
    }

    fn attempts_set(&self, key: String, attempts: Option<Attempts>) -> Later<Result<()>> {
        later!(self => it, {
            let Some(attempts) = attempts else {
                return it.db.failures_clear(key).await;
            };
            let failures = Failures {
                count: attempts.failures,
                // Later rather than earlier.
                until_s: seconds(attempts.until_ms.saturating_add(999)),
            };
            it.db.failures_set(key, failures, seconds(wall_ms())).await
        })
    }

    fn audit(&self, line: AuditLine) -> Later<Result<()>> {
        later!(self => it, {
            let AuditLine { at_ms, by, what, about, .. } = line;
            it.db.audit(at_ms, by, what, about).await
        })
    }

    fn audit_lines(&self, before: Option<u64>, limit: u32) -> Later<Result<Vec<AuditLine>>> {
        later!(self => it, {
            let rows = it.db.audit_list(before, limit).await?;
            let line = |row: accounts::AuditRow| AuditLine {
                id: row.id,
                at_ms: row.at_ms,
                by: row.account,
                what: row.what,
                about: row.detail,
            };
            Ok(rows.into_iter().map(line).collect())
        })
    }

    fn shows(&self) -> Later<Result<Vec<ShowLine>>> {
        later!(self => it, {
            let rows = it.db.shows().await?;
            let line = |row: crate::store::room::ShowRow| ShowLine {
                viewers: row.sums.get("viewers").copied(),
                show: row.show,
                title: row.title,
                begun_ms: row.begun_ms,
                ended_ms: row.ended_ms,
            };
            Ok(rows.into_iter().take(SHOWS).map(line).collect())
        })
    }

    fn show_events(&self, show: u64) -> Later<Result<Vec<Event>>> {
        later!(self => it, it.db.show_events(show).await)
    }

    fn export(&self, viewer: u64) -> Later<Result<Option<Value>>> {
        later!(self => it, it.db.export_viewer(viewer).await)
    }

    fn erase(&self, viewer: u64) -> Later<Result<bool>> {
        later!(self => it, it.forget(viewer).await)
    }
}
