//! Bundles from a server: into a file of the data partition, bounded, taken up again where the connection broke. RAUC
//! checks the file's signature afterwards, so plain `http` is good enough where a network has no certificates.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::edge::system;
use crate::error::{Error, Kind, Result};

/// The largest bundle.
pub const MAX_BUNDLE: u64 = 512 << 20;
/// What must stay free on the data partition.
const SPARE: u64 = 32 << 20;
/// Longest wait for a name, a connection, the head of an answer, the next bytes.
const STEP_LIMIT: Duration = Duration::from_secs(20);
/// Longest time for all of it.
const LIMIT: Duration = Duration::from_secs(2 * 3600);
/// Tries without a single new byte before it is given up.
const TRIES: u32 = 5;
/// Wait before the second of them; doubled each time.
const PAUSE: Duration = Duration::from_secs(2);
/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// What was begun, so that the next try goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    url: String,
    /// The server's mark of this very content.
    etag: String,
}

/// Where a download goes, and who may break it off.
pub struct Fetch<'a> {
    /// A folder of its own on the data partition; it is made.
    pub folder: &'a Path,
    /// Whether the box ends.
    pub stopped: &'a (dyn Fn() -> bool + Sync),
    /// Told how many bytes of how many are there.
    pub progress: &'a mut dyn FnMut(u64, Option<u64>),
}

/// How one try ended.
enum Try {
    Done,
    /// It may be tried again; what went wrong.
    Broke(Error),
}

impl Fetch<'_> {
    /// Fetches `url`; the file. Blocking.
    ///
    /// # Errors
    /// One sentence that names the address and the mend. What is there already stays for the next time, unless it can
    /// never be whole.
    pub fn bundle(&mut self, url: &str) -> Result<PathBuf> {
        std::fs::create_dir_all(self.folder).map_err(|e| self.disk(&e))?;
        let agent = agent();
        let end = Instant::now() + LIMIT;
        let (mut tries, mut pause) = (0, PAUSE);
        loop {
            let before = self.length();
            match self.once(&agent, url, end)? {
                Try::Done => return self.finish(),
                Try::Broke(e) => {
                    if self.length() > before {
                        (tries, pause) = (0, PAUSE);
                    }
                    tries += 1;
                    if tries >= TRIES || Instant::now() >= end {
                        return Err(e);
                    }
                    tracing::warn!("{}; trying again", e.report());
                    self.wait(pause)?;
                    pause *= 2;
                }
            }
        }
    }

    fn once(&mut self, agent: &Agent, url: &str, end: Instant) -> Result<Try> {
        let begun = self.begun(url);
        let have = if begun.is_some() { self.length() } else { 0 };
        let mut request = agent.get(url);
        if let Some(begun) = &begun
            && have > 0
        {
            request = request
                .header(header::RANGE, format!("bytes={have}-"))
                .header(header::IF_RANGE, &begun.etag);
        }
        let response = match request.call() {
            Ok(response) => response,
            Err(e) => return unreached(url, e),
        };
        let status = response.status();
        let from = match status {
            StatusCode::OK => 0,
            StatusCode::PARTIAL_CONTENT if starts_at(&response) == Some(have) => have,
            // What is there is as long as the whole, or the server counts otherwise: begin anew.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                self.forget();
                return Ok(Try::Broke(broke(url, "its parts do not fit together")));
            }
            _ => return refused(url, status),
        };
        let total = number(&response, header::CONTENT_LENGTH).map(|n| n.saturating_add(from));
        if total.is_some_and(|t| t > MAX_BUNDLE) {
            return Err(too_large(url));
        }
        self.check_room(total.unwrap_or(MAX_BUNDLE / 4), from)?;
        self.remember(url, &response)?;
        self.take(url, response, (from, total), end)
    }

    /// Writes the body behind what is there already.
    fn take(
        &mut self,
        url: &str,
        response: Response<Body>,
        (from, total): (u64, Option<u64>),
        end: Instant,
    ) -> Result<Try> {
        let mut file = self.open(from).map_err(|e| self.disk(&e))?;
        let mut body = response
            .into_body()
            .into_with_config()
            .limit(MAX_BUNDLE + 1)
            .reader();
        let (mut have, mut chunk) = (from, vec![0; CHUNK]);
        let outcome = loop {
            if (self.stopped)() {
                break Err(ended());
            }
            if Instant::now() >= end {
                break Ok(Try::Broke(broke(url, "it took too long")));
            }
            let n = match body.read(&mut chunk) {
                Ok(0) if total.is_some_and(|t| have < t) => {
                    break Ok(Try::Broke(broke(url, "the connection broke")));
                }
                Ok(0) => break Ok(Try::Done),
                Ok(n) => n,
                Err(e) => break Ok(Try::Broke(broke(url, "the connection broke").caused_by(e))),
            };
            have += n as u64;
            if have > MAX_BUNDLE {
                break Err(too_large(url));
            }
            if let Err(e) = file.write_all(chunk.get(..n).unwrap_or_default()) {
                break Err(self.disk(&e));
            }
            (self.progress)(have, total);
        };
        file.sync_all().map_err(|e| self.disk(&e))?;
        if outcome.is_err() && have > MAX_BUNDLE {
            self.forget();
        }
        outcome
    }

    fn part(&self) -> PathBuf {
        self.folder.join("bundle.part")
    }

    fn mark(&self) -> PathBuf {
        self.folder.join("bundle.from")
    }

    fn length(&self) -> u64 {
        std::fs::metadata(self.part()).map_or(0, |m| m.len())
    }

    fn begun(&self, url: &str) -> Option<Begun> {
        let text = std::fs::read_to_string(self.mark()).ok()?;
        let begun: Begun = serde_json::from_str(&text).ok()?;
        (begun.url == url && !begun.etag.is_empty()).then_some(begun)
    }

    fn remember(&self, url: &str, response: &Response<Body>) -> Result<()> {
        // A weak mark says nothing about bytes, so such a download begins anew.
        let etag = response.headers().get(header::ETAG);
        let etag = etag.and_then(|e| e.to_str().ok()).unwrap_or_default();
        let etag = if etag.starts_with("W/") || etag.len() > 200 {
            ""
        } else {
            etag
        };
        let begun = Begun {
            url: url.to_owned(),
            etag: etag.to_owned(),
        };
        let text = serde_json::to_vec(&begun).unwrap_or_default();
        std::fs::write(self.mark(), text).map_err(|e| self.disk(&e))
    }

    fn open(&self, from: u64) -> std::io::Result<File> {
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.part())?;
        file.set_len(from)?;
        file.seek(SeekFrom::Start(from))?;
        Ok(file)
    }

    fn finish(&self) -> Result<PathBuf> {
        let whole = self.folder.join("bundle.raucb");
        std::fs::rename(self.part(), &whole).map_err(|e| self.disk(&e))?;
        let _ = std::fs::remove_file(self.mark());
        Ok(whole)
    }

    /// Removes what was begun.
    fn forget(&self) {
        for file in [self.part(), self.mark()] {
            let _ = std::fs::remove_file(file);
        }
    }

    fn check_room(&self, total: u64, have: u64) -> Result<()> {
        let Some(free) = system::disk_free(self.folder) else {
            return Ok(());
        };
        let needed = total.saturating_sub(have).saturating_add(SPARE);
        if free >= needed {
            return Ok(());
        }
        let mib = |n: u64| n >> 20;
        Err(Error::new(
            Kind::Unsupported,
            format!(
                "There is no space for the bundle: it needs {} MiB and {} MiB are free on the data partition.",
                mib(needed),
                mib(free)
            ),
        )
        .mend("Remove recordings, or use a larger card."))
    }

    fn wait(&self, time: Duration) -> Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            if (self.stopped)() {
                return Err(ended());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn disk(&self, e: &std::io::Error) -> Error {
        let (kind, mend) = if e.kind() == ErrorKind::StorageFull {
            (
                Kind::Unsupported,
                "Remove recordings, or use a larger card.",
            )
        } else {
            (Kind::Internal, "Check the card.")
        };
        let said = format!(
            "The bundle cannot be kept in {}: {e}.",
            self.folder.display()
        );
        Error::new(kind, said).mend(mend)
    }
}

fn agent() -> Agent {
    let found = rustls_native_certs::load_native_certs().certs;
    let roots: Vec<Certificate<'static>> = found
        .iter()
        .map(|c| Certificate::from_der(c).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::from(roots))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(5)
        .user_agent(concat!("boothcast/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(STEP_LIMIT))
        .timeout_connect(Some(STEP_LIMIT))
        .timeout_recv_response(Some(STEP_LIMIT))
        .timeout_per_read(Some(STEP_LIMIT))
        .timeout_global(Some(LIMIT))
        .build()
        .new_agent()
}

/// Where a part begins, of `Content-Range: bytes 5-9/10`.
fn starts_at(response: &Response<Body>) -> Option<u64> {
    let range = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .ok()?;
    let (from, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    from.parse().ok()
}

fn number(response: &Response<Body>, name: header::HeaderName) -> Option<u64> {
    response.headers().get(name)?.to_str().ok()?.parse().ok()
}

/// An address without what may be a secret in it.
fn bare(url: &str) -> &str {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = url.get(..end).unwrap_or(url);
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some(_), Some((_, host))) => host,
        _ => url,
    }
}

fn unreached(url: &str, e: ureq::Error) -> Result<Try> {
    let said = format!("The server of {} is not reached.", bare(url));
    let error = |kind| Error::new(kind, said.clone()).mend("Check the address and the network.");
    match e {
        ureq::Error::BadUri(_) | ureq::Error::TooManyRedirects | ureq::Error::Http(_) => {
            Err(error(Kind::NotFound).caused_by(e))
        }
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => Err(Error::new(
            Kind::Refused,
            format!("The server of {} does not prove who it is.", bare(url)),
        )
        .mend("Check its certificate, and the box's clock.")
        .caused_by(e)),
        e => Ok(Try::Broke(error(Kind::Network).caused_by(e))),
    }
}

fn refused(url: &str, status: StatusCode) -> Result<Try> {
    let said = format!("The server answers {} for {}.", status.as_u16(), bare(url));
    if status.is_server_error() {
        let e = Error::new(Kind::Network, said).mend("Try again later.");
        return Ok(Try::Broke(e));
    }
    Err(Error::new(Kind::NotFound, said).mend("Check the address."))
}

fn broke(url: &str, why: &str) -> Error {
    let said = format!("The bundle {} was not fetched: {why}.", bare(url));
    Error::new(Kind::Network, said).mend("Try again; what is there already is not fetched twice.")
}

fn too_large(url: &str) -> Error {
    let said = format!(
        "The bundle {} is larger than {} MiB.",
        bare(url),
        MAX_BUNDLE >> 20
    );
    Error::new(Kind::Refused, said).mend("Check the address.")
}

fn ended() -> Error {
    Error::new(Kind::Internal, "The box ends; the bundle is not fetched.")
}

#[cfg(test)]
#[path = "fetch_tests.rs"]
mod tests;
