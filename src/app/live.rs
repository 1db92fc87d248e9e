//! The live room, and what joins it with the rest of the box.
//!
//! ```text
//!   pages, MQTT, ctl ──Act──> LiveHandle ──events──> database
//!   overlay's room ──Noted──> bridges.rs ──^ │
//!   status ───────────────> course.rs ─────^ │ told (never waits)
//!                                            ├──> picture.rs ──commands──> desk
//!                                            └──> facts.rs ──> MQTT P/room/{room}/event/{kind}
//!   judge.rs <── a line ── LiveHandle        keep.rs: what is old goes
//!   pages.rs: the web server, with records.rs (database) and watching.rs (picture) behind it
//! ```

pub mod bridges;
mod cards;
mod course;
pub mod facts;
mod judge;
mod keep;
/// Secrets of the room in the state folder.
pub(crate) mod keys;
mod pages;
mod picture;
mod records;
mod watching;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::clock::Clock;
use crate::config::Config;
use crate::device::status::Status;
use crate::edge::desk::Desk;
use crate::edge::net;
use crate::error::Result;
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::Fanout;
use crate::media::opus::OpusFeed;
use crate::room::actor::RoomHandle;
use crate::room::live::actor::{self, LiveHandle, Safety};
use crate::room::live::event::Event;
use crate::room::live::state::{Highest, LiveSettings};
use crate::room::noted::Noted;
use crate::store::db::Db;
use crate::store::room::HighestRow;
use bridges::BridgedOrders;
use facts::Facts;
use pages::Pages;
pub use pages::PagesSeen;
use picture::Links;

/// What it needs.
pub struct Parts<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// Clock of the core.
    pub clock: &'a Clock,
    /// Where everything is kept.
    pub db: &'a Db,
    /// Where commands go.
    pub desk: &'a Desk,
    /// The overlay's room.
    pub overlay: &'a RoomHandle,
    /// The words of the owner's file.
    pub words: Vec<String>,
    /// What the overlay's room notes.
    pub notes: mpsc::Receiver<Noted>,
    /// Where facts for MQTT go.
    pub facts: Facts,
    /// What the box is doing.
    pub status: &'a watch::Receiver<Status>,
    /// The picture.
    pub main: &'a Fanout<AccessUnit>,
    /// Its sound for WebRTC.
    pub opus: Option<OpusFeed>,
    /// Port of the RTSP server.
    pub rtsp: Option<u16>,
    /// Where tasks run.
    pub runtime: &'a tokio::runtime::Handle,
}

/// The room while it runs.
pub struct LiveRoom {
    handle: LiveHandle,
    pages: Option<Pages>,
    tasks: Vec<JoinHandle<()>>,
}

/// Milliseconds since 1970 by the box's clock.
#[must_use]
pub fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
}

impl LiveRoom {
    /// Starts it. Blocking: not on a worker of the runtime. What is wrong with the pages alone is given as a sentence: the
    /// room goes on without them.
    ///
    /// # Errors
    /// The database or the room's key cannot be read.
    pub fn start(parts: Parts<'_>) -> Result<(Self, Option<String>)> {
        let Parts {
            config,
            db,
            runtime,
            ..
        } = parts;
        let key = keys::room_key(&config.paths.state)?;
        let (events, highest) = runtime.block_on(load(db))?;
        let orders = BridgedOrders::default();
        let (teller, painter) = picture::pair(parts.overlay.clone(), orders.clone(), parts.facts);
        let settings = LiveSettings {
            moderation: config.moderation.clone(),
            words: parts.words,
        };
        let draws = keys::derived(&key, "draw", 0);
        let made_of = actor::Parts {
            clock: parts.clock.clone(),
            wall: Box::new(wall_ms),
            save: save(db.clone()),
            load: again(db.clone()),
            judge: judge::judge(parts.overlay.clone()),
            told: Box::new(move |event, live| teller.told(event, live)),
            seeds: Box::new(move |draw| keys::derived(&draws, "seed", draw)),
        };
        let handle = LiveHandle::start(made_of, events, highest, settings, runtime)?;
        let port = Arc::new(OnceLock::new());
        let links = links(Arc::clone(&port));
        let mut tasks = vec![
            runtime.spawn(bridges::run(parts.notes, handle.clone(), orders)),
            runtime.spawn(painter.run(handle.clone(), parts.desk.clone(), links)),
            runtime.spawn(course::run(parts.status.clone(), handle.clone())),
        ];
        if config.web.retention_days > 0 {
            tasks.push(runtime.spawn(keep::run(db.clone(), config.web.retention_days)));
        }
        let pages = config.web.enabled.then(|| {
            Pages::start(&pages::Parts {
                config,
                live: &handle,
                desk: parts.desk,
                db,
                key: keys::derived(&key, "web", 0),
                status: parts.status,
                main: parts.main,
                opus: parts.opus,
                rtsp: parts.rtsp,
                runtime,
            })
        });
        let (pages, wrong) = match pages.transpose() {
            Ok(pages) => (pages, None),
            Err(e) => {
                tracing::warn!("{}", e.report());
                (None, Some(e.report()))
            }
        };
        if let Some(pages) = &pages {
            let _ = port.set(pages.seen().http);
        }
        let wrong = wrong.or_else(|| pages.as_ref().and_then(Pages::complaint));
        Ok((
            Self {
                handle,
                pages,
                tasks,
            },
            wrong,
        ))
    }

    /// The way to the room.
    #[must_use]
    pub fn handle(&self) -> LiveHandle {
        self.handle.clone()
    }

    /// Where the pages are, for the banner.
    #[must_use]
    pub fn seen(&self) -> Option<PagesSeen> {
        self.pages.as_ref().map(Pages::seen)
    }

    /// Ends it within `limit`: nobody new, who watches, what is gathered. The database must be open until this is done.
    pub async fn stop(self, limit: Duration) {
        let rest = async {
            if let Some(pages) = self.pages {
                pages.stop(limit / 2).await;
            }
            self.handle.stop().await;
        };
        if timeout(limit, rest).await.is_err() {
            tracing::warn!("the room did not end in time");
        }
        for task in self.tasks {
            task.abort();
        }
    }
}

/// What is stored; an erasure that was interrupted is ended before.
async fn load(db: &Db) -> Result<(Vec<Event>, Highest)> {
    let erased = db.erase_unfinished().await?;
    if erased > 0 {
        tracing::info!(
            erased,
            "the erasure of viewers that was interrupted is ended"
        );
    }
    stored(db).await
}

async fn stored(db: &Db) -> Result<(Vec<Event>, Highest)> {
    let (events, highest) = db.room_load().await?;
    Ok((events, numbers(&highest)))
}

fn numbers(row: &HighestRow) -> Highest {
    Highest {
        seq: row.seq,
        viewer: row.viewer,
        line: row.line,
        poll: row.poll,
        question: row.question,
        product: row.product,
        pin: row.pin,
        draw: row.draw,
        act: row.act,
        show: row.show,
    }
}

fn save(db: Db) -> actor::SaveFn {
    Box::new(move |events, safety| {
        let db = db.clone();
        Box::pin(async move { db.room_save(events, safety == Safety::Lazy).await })
    })
}

fn again(db: Db) -> actor::LoadFn {
    Box::new(move || {
        let db = db.clone();
        Box::pin(async move { stored(&db).await })
    })
}

/// The address by which phones of the same network reach the pages: an IP address, which every phone understands.
fn links(port: Arc<OnceLock<u16>>) -> Links {
    Arc::new(move || {
        let port = port.get()?;
        let host = net::addresses().into_iter().next()?;
        Some(address("http", host, *port))
    })
}

/// `http://192.0.2.7:8080`
#[must_use]
pub fn address(scheme: &str, host: IpAddr, port: u16) -> String {
    format!("{scheme}://{}", SocketAddr::new(host, port))
}
