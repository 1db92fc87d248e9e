//! What people and programs elsewhere reach: the room with its pages, and remote control over MQTT. They share the database,
//! which is opened where there is either.

use std::time::Duration;

use tokio::sync::mpsc;

use super::desk::TheRoom;
use super::live::{self, LiveRoom, PagesSeen};
use super::remote::{self, Remote};
use crate::clock::Clock;
use crate::error::Result;
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::Fanout;
use crate::media::opus::OpusFeed;
use crate::room::noted::Noted;
use crate::store::db::Db;

/// What it needs.
pub struct Parts<'a> {
    /// What remote control needs.
    pub remote: remote::Parts<'a>,
    /// Clock of the core.
    pub clock: &'a Clock,
    /// The words of the owner's file.
    pub words: Vec<String>,
    /// What the overlay's room notes.
    pub notes: mpsc::Receiver<Noted>,
    /// The picture.
    pub main: &'a Fanout<AccessUnit>,
    /// Its sound for WebRTC.
    pub opus: Option<OpusFeed>,
    /// Port of the RTSP server.
    pub rtsp: Option<u16>,
    /// Where commands find the room.
    pub the_room: &'a TheRoom,
}

/// The parts that run; the box does well without any of them.
#[derive(Default)]
pub struct Public {
    room: Option<LiveRoom>,
    remote: Option<Remote>,
    db: Option<Db>,
}

impl Public {
    /// Starts what is wanted, and gives a sentence for each thing that could not be started. Blocking.
    #[must_use]
    pub fn start(parts: Parts<'_>) -> (Self, Vec<String>) {
        let config = parts.remote.config;
        if config.mqtt.broker.is_none() && !config.web.enabled {
            return (Self::default(), Vec::new());
        }
        let mut said = Vec::new();
        let db = match Db::open(&config.paths.state) {
            Ok((db, warning)) => {
                said.extend(warning);
                db
            }
            Err(e) => {
                tracing::warn!("{}", e.report());
                return (Self::default(), vec![e.report()]);
            }
        };
        let (facts, told) = live::facts::channel();
        let room = room(
            &parts.remote,
            &db,
            facts,
            (parts.clock, parts.words, parts.notes),
            (parts.main, parts.opus, parts.rtsp),
        );
        let room = match room {
            Ok((room, wrong)) => {
                said.extend(wrong);
                Some(room)
            }
            Err(e) => {
                tracing::warn!("{}", e.report());
                said.push(e.report());
                None
            }
        };
        if let Some(room) = &room {
            // Set once.
            let _ = parts.the_room.set(room.handle());
        }
        let remote = config
            .mqtt
            .broker
            .is_some()
            .then(|| Remote::start(&parts.remote, told, &db));
        let remote = remote.transpose().unwrap_or_else(|e| {
            tracing::warn!("{}", e.report());
            said.push(e.report());
            None
        });
        let public = Self {
            room,
            remote,
            db: Some(db),
        };
        (public, said)
    }

    /// Where the pages are.
    #[must_use]
    pub fn pages(&self) -> Option<PagesSeen> {
        self.room.as_ref().and_then(LiveRoom::seen)
    }

    /// Ends all of it: commands first, so that their answers are told, then the room, then the database.
    pub async fn stop(self, limit: Duration) {
        let remote = async {
            if let Some(remote) = self.remote {
                remote.stop(limit).await;
            }
        };
        let room = async {
            if let Some(room) = self.room {
                room.stop(limit).await;
            }
        };
        tokio::join!(remote, room);
        if let Some(db) = self.db {
            let closed = tokio::task::spawn_blocking(move || db.close(limit));
            let _ = closed.await;
        }
    }
}

fn room(
    remote: &remote::Parts<'_>,
    db: &Db,
    facts: live::facts::Facts,
    (clock, words, notes): (&Clock, Vec<String>, mpsc::Receiver<Noted>),
    (main, opus, rtsp): (&Fanout<AccessUnit>, Option<OpusFeed>, Option<u16>),
) -> Result<(LiveRoom, Option<String>)> {
    LiveRoom::start(live::Parts {
        config: remote.config,
        clock,
        db,
        desk: remote.desk,
        overlay: remote.room,
        words,
        notes,
        facts,
        status: &remote.status,
        main,
        opus,
        rtsp,
        runtime: remote.runtime,
    })
}
