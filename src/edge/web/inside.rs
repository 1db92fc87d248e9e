//! What the room's server gets from the rest of the box. `app` stands behind it: the edge knows neither database nor media.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use crate::config::Secret;
use crate::device::status::Status;
use crate::edge::desk::Desk;
use crate::error::Result;
pub use crate::room::live::actor::Later;
use crate::room::live::actor::LiveHandle;
use crate::room::live::event::{Event, Role};

/// Milliseconds since 1970 by the box's clock, which may jump.
pub type Wall = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What the server stands on.
#[derive(Clone)]
pub struct Inside {
    /// The room.
    pub live: LiveHandle,
    /// Takes the commands of the owner (`Origin::Web`), the log and the snapshot among them.
    pub desk: Desk,
    /// How the box is.
    pub status: watch::Receiver<Status>,
    /// Accounts and what else is kept.
    pub records: Arc<dyn Records>,
    /// The live picture.
    pub media: Arc<dyn Watching>,
    /// Names of the box on the local network, without `.local`.
    pub names: Vec<String>,
    /// Signs cookies and hashes addresses; kept in the state folder, the same after a restart.
    pub key: [u8; 32],
    /// Signs the shop's orders; `None`: orders are not taken.
    pub order_secret: Option<Secret>,
    /// The box's clock.
    pub wall: Wall,
    /// The settings as a JSON schema, for the forms of the owner's desk.
    pub schema: Arc<dyn Fn() -> Value + Send + Sync>,
    /// Port and path of the RTSP server, such as `8554/main`; `None`: there is none.
    pub rtsp: Option<String>,
}

impl fmt::Debug for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inside")
    }
}

/// Where and how the server listens.
#[derive(Debug, Clone)]
pub struct HallOptions {
    /// HTTP; 0: any free port.
    pub port: u16,
    /// HTTPS; 0: any free port; `None`: no HTTPS.
    pub tls_port: Option<u16>,
    /// For HTTPS; `None`: no HTTPS.
    pub certificate: Option<Certificate>,
    /// `/metrics`; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
    /// Staff may log in and work without HTTPS.
    pub staff_over_http: bool,
    /// Browsers in the room at once.
    pub max_viewers: usize,
    /// The same of one address: the Wi-Fi of a shop is one.
    pub max_per_address: usize,
    /// Listen on loopback only (tests).
    pub only_here: bool,
}

impl Default for HallOptions {
    fn default() -> Self {
        Self {
            port: 8080,
            tls_port: None,
            certificate: None,
            metrics: None,
            staff_over_http: false,
            max_viewers: 1500,
            max_per_address: 1200,
            only_here: false,
        }
    }
}

/// The box's own certificate with its key (`tls::make`).
#[derive(Clone)]
pub struct Certificate {
    /// PEM.
    pub cert: String,
    /// PEM.
    pub key: String,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

/// Where the server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// HTTP.
    pub http: SocketAddr,
    /// HTTPS.
    pub https: Option<SocketAddr>,
    /// `/metrics`.
    pub metrics: Option<SocketAddr>,
}

/// Somebody with a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Unique, lower case.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Argon2id as a PHC string.
    pub hash: String,
    /// The password is the one that the box made; `account_password` ends that.
    pub first: bool,
    /// Their viewer in the room; 0: not there yet.
    pub viewer: u64,
    /// Since when, ms since 1970.
    pub made_ms: i64,
}

/// Somebody logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// SHA-256 of what the cookie says: the cookie itself is nowhere kept.
    pub token: [u8; 32],
    /// Whose.
    pub account: String,
    /// Now, ms since 1970.
    pub now_ms: i64,
    /// It ends by itself then, ms since 1970.
    pub expires_ms: i64,
    /// Keyed hash of the address.
    pub addr: String,
    /// The browser, as it calls itself; at most 120 characters.
    pub agent: String,
}

/// Somebody is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number; says nothing of the token.
    pub id: i64,
    /// Whose.
    pub account: String,
    /// What they may do.
    pub role: Role,
    /// Since when, ms since 1970.
    pub made_ms: i64,
    /// Last seen; noted at most each 5 minutes.
    pub used_ms: i64,
    /// Keyed hash of the address that logged in.
    pub addr: String,
    /// The browser, as it calls itself.
    pub agent: String,
}

/// Which sessions end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// This one.
    One(i64),
    /// All of this account.
    Account(String),
    /// All of this account but that one.
    Others {
        /// Whose.
        account: String,
        /// The one that stays.
        but: i64,
    },
}

/// Logins that failed, of one name at one address. Those of more than a day ago are forgotten by the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// How many since one worked.
    pub failures: u32,
    /// No other is taken before; ms since 1970.
    pub until_ms: i64,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditLine {
    /// Rises; 0 in a line that is to be written.
    pub id: u64,
    /// ms since 1970.
    pub at_ms: i64,
    /// Account; empty: nobody.
    pub by: String,
    /// Such as `login`, `command`, `act`.
    pub what: String,
    /// Details, without secrets.
    pub about: Value,
}

/// A show that is in the records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShowLine {
    /// Its number.
    pub show: u64,
    /// Its title; may be empty.
    pub title: String,
    /// ms since 1970.
    pub begun_ms: i64,
    /// ms since 1970; `None`: it is on.
    pub ended_ms: Option<i64>,
    /// How many came, if it is known.
    pub viewers: Option<u64>,
}

/// What is kept. Each call ends within a bound of its own.
pub trait Records: Send + Sync {
    /// All accounts, by name.
    fn accounts(&self) -> Later<Result<Vec<Account>>>;
    /// One of them.
    fn account(&self, name: String) -> Later<Result<Option<Account>>>;
    /// A new one; `false`: the name is taken.
    fn account_add(&self, account: Account) -> Later<Result<bool>>;
    /// Another hash; `false`: there is no such account.
    fn account_password(&self, name: String, hash: String) -> Later<Result<bool>>;
    /// Its viewer in the room. May be kept in memory only: the account comes into the room anew then.
    fn account_viewer(&self, name: String, viewer: u64) -> Later<Result<()>>;
    /// It goes, with its sessions; `false`: there is no such account.
    fn account_remove(&self, name: String) -> Later<Result<bool>>;

    /// Somebody logs in; gives the number of the session.
    fn session_add(&self, session: NewSession) -> Later<Result<i64>>;
    /// The session of that token, if it has not expired, and its account.
    fn session(&self, token: [u8; 32], now_ms: i64) -> Later<Result<Option<(Session, Account)>>>;
    /// Seen now.
    fn session_used(&self, id: i64, now_ms: i64) -> Later<Result<()>>;
    /// Those of an account, newest first; `None`: all.
    fn sessions(&self, account: Option<String>) -> Later<Result<Vec<Session>>>;
    /// These end; how many did.
    fn sessions_end(&self, which: Ending) -> Later<Result<u64>>;

    /// Failed logins under that key.
    fn attempts(&self, key: String) -> Later<Result<Option<Attempts>>>;
    /// Keeps them; `None` forgets.
    fn attempts_set(&self, key: String, attempts: Option<Attempts>) -> Later<Result<()>>;

    /// Writes a line of the audit log (its `id` is 0).
    fn audit(&self, line: AuditLine) -> Later<Result<()>>;
    /// Lines, newest first; `before`: only older ones than this id.
    fn audit_lines(&self, before: Option<u64>, limit: u32) -> Later<Result<Vec<AuditLine>>>;

    /// Shows, newest first, at most 200.
    fn shows(&self) -> Later<Result<Vec<ShowLine>>>;
    /// All events of a show in order, for its report; empty: there is no such show.
    fn show_events(&self, show: u64) -> Later<Result<Vec<Event>>>;

    /// All that is kept of one viewer; `None`: there is no such viewer.
    fn export(&self, viewer: u64) -> Later<Result<Option<Value>>>;
    /// All that is kept of one viewer goes, from the room, too; `false`: there is no such viewer.
    fn erase(&self, viewer: u64) -> Later<Result<bool>>;
}

/// What a WHEP client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhepAnswer {
    /// SDP.
    pub sdp: String,
    /// Names the session, in URLs: letters, digits, `-`.
    pub id: String,
}

/// The live picture for browsers.
pub trait Watching: Send + Sync {
    /// Takes an SDP offer.
    fn whep(&self, offer: String) -> Later<Result<WhepAnswer>>;
    /// A session ends; `false`: there is no such session.
    fn whep_end(&self, id: String) -> Later<Result<bool>>;
    /// How many watch so now.
    fn whep_viewers(&self) -> u64;
    /// Fragments for Media Source Extensions.
    fn fmp4(&self) -> Later<Result<Box<dyn Fmp4>>>;
    /// Pictures can be had now: a camera or a slate is on air.
    fn on_air(&self) -> bool;
}

/// A piece of fMP4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// What comes from here on, as JSON (`{"mime","width","height"}`); an init segment follows.
    Format(String),
    /// An init segment, or moof and mdat.
    Data(Bytes),
}

/// One who watches fMP4; it ends on drop.
pub trait Fmp4: Send {
    /// The next piece; `None`: no more. May be dropped and called again.
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Piece>> + Send + '_>>;
}
