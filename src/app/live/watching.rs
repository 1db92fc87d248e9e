//! The live picture for browsers, from the fan-out.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::device::status::Status;
use crate::edge::web::inside::{Fmp4, Later, Piece, Watching, WhepAnswer};
use crate::error::{Error, Kind, Result};
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::Fanout;
use crate::media::output::fmp4::{Chunk, Fmp4Stream};
use crate::media::output::whep::Whep;

/// What is watched.
#[derive(Clone)]
pub struct Pictures {
    /// `None`: the pages show no picture, or its port is taken.
    pub whep: Option<Whep>,
    /// `None`: the pages show no picture.
    pub main: Option<Fanout<AccessUnit>>,
    /// Places for those who watch by fMP4.
    pub places: Arc<Semaphore>,
    /// Whether anything flows.
    pub status: watch::Receiver<Status>,
}

fn none() -> Error {
    Error::new(
        Kind::Unsupported,
        "This box shows no live picture in its pages.",
    )
    .mend("Set watch.enabled.")
}

impl Pictures {
    fn open(&self) -> Result<Box<dyn Fmp4>> {
        let main = self.main.as_ref().ok_or_else(none)?;
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let said = "As many watch as this box lets (watch.max_viewers).";
            Error::new(Kind::Refused, said).mend("Try again when somebody has gone.")
        })?;
        Ok(Box::new(Watched {
            stream: Fmp4Stream::open(main),
            _place: place,
        }))
    }
}

impl Watching for Pictures {
    fn whep(&self, offer: String) -> Later<Result<WhepAnswer>> {
        let whep = self.whep.clone();
        Box::pin(async move {
            let answer = whep.ok_or_else(none)?.offer(&offer).await?;
            Ok(WhepAnswer {
                sdp: answer.sdp,
                id: answer.id,
            })
        })
    }

    fn whep_end(&self, id: String) -> Later<Result<bool>> {
        let whep = self.whep.clone();
        Box::pin(async move {
            let Some(whep) = whep else {
                return Ok(false);
            };
            Ok(whep.end(&id).await)
        })
    }

    fn fmp4(&self) -> Later<Result<Box<dyn Fmp4>>> {
        Box::pin(std::future::ready(self.open()))
    }

    fn whep_viewers(&self) -> u64 {
        self.whep.as_ref().map_or(0, Whep::viewers) as u64
    }

    fn on_air(&self) -> bool {
        self.main.is_some() && self.status.borrow().flow.main > 0
    }
}

struct Watched {
    stream: Fmp4Stream,
    _place: OwnedSemaphorePermit,
}

impl Fmp4 for Watched {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<Piece>> + Send + '_>> {
        Box::pin(async move {
            Some(match self.stream.next().await? {
                Chunk::Head(json) => Piece::Format(json),
                Chunk::Data(data) => Piece::Data(data),
            })
        })
    }
}
