//! Records and pictures that need no disk and no camera.

use super::*;
use crate::error::Result;

#[derive(Default)]
pub struct Memory {
    pub accounts: Mutex<Vec<Account>>,
    pub sessions: Mutex<Vec<([u8; 32], Session)>>,
    pub attempts: Mutex<HashMap<String, Attempts>>,
    pub audit: Mutex<Vec<AuditLine>>,
    pub events: Mutex<Vec<Event>>,
}

fn now<T: Send + 'static>(value: T) -> Later<Result<T>> {
    Box::pin(async move { Ok(value) })
}

impl Memory {
    pub fn put(&self, name: &str, role: Role, word: &str, now_ms: i64) {
        let mut accounts = self.accounts.lock().unwrap();
        if !accounts.iter().any(|a| a.name == name) {
            let hash = "$argon2id$".to_owned();
            accounts.push(Account {
                name: name.into(),
                role,
                hash,
                first: false,
                viewer: 0,
                made_ms: now_ms,
            });
        }
        drop(accounts);
        self.open(sign::digest(word.as_bytes()), name, role, now_ms);
    }

    fn open(&self, token: [u8; 32], name: &str, role: Role, now_ms: i64) -> i64 {
        let mut sessions = self.sessions.lock().unwrap();
        let id = sessions.iter().map(|(_, s)| s.id).max().unwrap_or(0) + 1;
        let (addr, agent) = (String::new(), "test".into());
        let session = Session {
            id,
            account: name.into(),
            role,
            made_ms: now_ms,
            used_ms: now_ms,
            addr,
            agent,
        };
        sessions.push((token, session));
        id
    }

    pub fn audited(&self, what: &str) -> usize {
        self.audit
            .lock()
            .unwrap()
            .iter()
            .filter(|l| l.what == what)
            .count()
    }
}

impl Records for Memory {
    fn accounts(&self) -> Later<Result<Vec<Account>>> {
        now(self.accounts.lock().unwrap().clone())
    }
    fn account(&self, name: String) -> Later<Result<Option<Account>>> {
        now(self
            .accounts
            .lock()
            .unwrap()
            .iter()
            .find(|a| a.name == name)
            .cloned())
    }
    fn account_add(&self, account: Account) -> Later<Result<bool>> {
        let mut accounts = self.accounts.lock().unwrap();
        let free = !accounts.iter().any(|a| a.name == account.name);
        if free {
            accounts.push(account);
        }
        now(free)
    }
    fn account_password(&self, name: String, hash: String) -> Later<Result<bool>> {
        let mut accounts = self.accounts.lock().unwrap();
        let found = accounts.iter_mut().find(|a| a.name == name);
        now(found.map(|a| (a.hash, a.first) = (hash, false)).is_some())
    }
    fn account_viewer(&self, name: String, viewer: u64) -> Later<Result<()>> {
        let mut accounts = self.accounts.lock().unwrap();
        if let Some(account) = accounts.iter_mut().find(|a| a.name == name) {
            account.viewer = viewer;
        }
        now(())
    }
    fn account_remove(&self, name: String) -> Later<Result<bool>> {
        self.sessions
            .lock()
            .unwrap()
            .retain(|(_, s)| s.account != name);
        let mut accounts = self.accounts.lock().unwrap();
        let before = accounts.len();
        accounts.retain(|a| a.name != name);
        now(accounts.len() != before)
    }
    fn session_add(&self, session: NewSession) -> Later<Result<i64>> {
        let accounts = self.accounts.lock().unwrap();
        let role = accounts
            .iter()
            .find(|a| a.name == session.account)
            .unwrap()
            .role;
        now(self.open(session.token, &session.account, role, session.now_ms))
    }
    fn session(&self, token: [u8; 32], _: i64) -> Later<Result<Option<(Session, Account)>>> {
        let sessions = self.sessions.lock().unwrap();
        let found = sessions
            .iter()
            .find(|(t, _)| *t == token)
            .map(|(_, s)| s.clone());
        let accounts = self.accounts.lock().unwrap();
        now(found.and_then(|s| {
            let account = accounts.iter().find(|a| a.name == s.account)?.clone();
            Some((s, account))
        }))
    }
    fn session_used(&self, id: i64, now_ms: i64) -> Later<Result<()>> {
        for (_, session) in self.sessions.lock().unwrap().iter_mut() {
            if session.id == id {
                session.used_ms = now_ms;
            }
        }
        now(())
    }
    fn sessions(&self, account: Option<String>) -> Later<Result<Vec<Session>>> {
        let sessions = self.sessions.lock().unwrap();
        let wanted = |s: &&Session| account.as_ref().is_none_or(|a| s.account == *a);
        now(sessions
            .iter()
            .map(|(_, s)| s)
            .filter(wanted)
            .cloned()
            .collect())
    }
    fn sessions_end(&self, which: Ending) -> Later<Result<u64>> {
        let mut sessions = self.sessions.lock().unwrap();
        let before = sessions.len();
        sessions.retain(|(_, s)| match &which {
            Ending::One(id) => s.id != *id,
            Ending::Account(name) => s.account != *name,
            Ending::Others { account, but } => s.account != *account || s.id == *but,
        });
        now((before - sessions.len()) as u64)
    }
    fn attempts(&self, key: String) -> Later<Result<Option<Attempts>>> {
        now(self.attempts.lock().unwrap().get(&key).copied())
    }
    fn attempts_set(&self, key: String, attempts: Option<Attempts>) -> Later<Result<()>> {
        let mut all = self.attempts.lock().unwrap();
        match attempts {
            Some(attempts) => all.insert(key, attempts),
            None => all.remove(&key),
        };
        now(())
    }
    fn audit(&self, line: AuditLine) -> Later<Result<()>> {
        self.audit.lock().unwrap().push(line);
        now(())
    }
    fn audit_lines(&self, _: Option<u64>, limit: u32) -> Later<Result<Vec<AuditLine>>> {
        let lines = self.audit.lock().unwrap();
        now(lines.iter().rev().take(limit as usize).cloned().collect())
    }
    fn shows(&self) -> Later<Result<Vec<ShowLine>>> {
        let line = ShowLine {
            show: 1,
            title: "One".into(),
            begun_ms: 1,
            ended_ms: None,
            viewers: None,
        };
        now(vec![line])
    }
    fn show_events(&self, show: u64) -> Later<Result<Vec<Event>>> {
        let events = self.events.lock().unwrap();
        now(events.iter().filter(|e| e.show == show).cloned().collect())
    }
    fn export(&self, viewer: u64) -> Later<Result<Option<Value>>> {
        now((viewer != 0).then(|| json!({ "viewer": viewer })))
    }
    fn erase(&self, viewer: u64) -> Later<Result<bool>> {
        now(viewer != 0 && viewer < 1000)
    }
}

pub struct Pictures;

impl Watching for Pictures {
    fn whep(&self, offer: String) -> Later<Result<WhepAnswer>> {
        Box::pin(async move {
            if !offer.starts_with("v=0") {
                return Err(Error::new(Kind::Unsupported, "The offer is no SDP."));
            }
            Ok(WhepAnswer {
                sdp: "v=0\r\nanswer".into(),
                id: "abc-1".into(),
            })
        })
    }
    fn whep_end(&self, id: String) -> Later<Result<bool>> {
        now(id == "abc-1")
    }
    fn whep_viewers(&self) -> u64 {
        3
    }
    fn fmp4(&self) -> Later<Result<Box<dyn Fmp4>>> {
        now(Box::new(Reel(0)))
    }
    fn on_air(&self) -> bool {
        true
    }
}

struct Reel(u8);

impl Fmp4 for Reel {
    fn next(&mut self) -> std::pin::Pin<Box<dyn Future<Output = Option<Piece>> + Send + '_>> {
        self.0 += 1;
        let piece = match self.0 {
            1 => Piece::Format("{\"mime\":\"video/mp4\"}".into()),
            2 => Piece::Data(bytes::Bytes::from_static(b"ftypmoov")),
            _ => return Box::pin(std::future::pending()),
        };
        Box::pin(async move { Some(piece) })
    }
}
