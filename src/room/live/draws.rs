//! Draws that anybody can recompute: commit, close, reveal.
//!
//! 1. When a draw is opened, `commitment = SHA-256(seed)` is published; the seed is 32 bytes that only the box knows.
//! 2. When it is closed, `digest = SHA-256(entries)` is published, where `entries` are the numbers of the viewers who take part, in
//!    rising order, in decimal, each followed by a line feed. Who takes part can be asked for from then on.
//! 3. When it is done, the seed is published. Winners are the first `k` of a Fisher–Yates shuffle of the entries, in that order:
//!
//! ```text
//! list = entries, rising; counter = 0
//! for i in 0 .. min(k, n):
//!     m = n − i
//!     repeat:  x = first 8 bytes, big-endian, of HMAC-SHA-256(key = seed, digest ‖ counter as 8 bytes, big-endian); counter += 1
//!     until    x < 2^64 − (2^64 mod m)              (else some places would be likelier than others)
//!     swap list[i] and list[i + x mod m]
//! ```
//!
//! The seed is fixed before anybody takes part, and the entries are fixed before anybody but the box knows it. Who owns the box
//! could still let viewers of their own take part: that no draw without a third party can rule out.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use hmac::{Hmac, Mac};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::act::{By, Refusal, Why};
use super::event::{Event, Fact, Winner};
use super::state::{Decision, Live, Seeds};
use super::texts::{bad, unknown};
use super::view;

/// Draws that are kept; those that are done go first.
const MAX_DRAWS: usize = 20;
/// Draws that are open or closed at a time.
const MAX_RUNNING: usize = 5;
/// Who takes part in one draw of one address.
const MAX_OF_ADDRESS: u32 = 200;

/// All that is needed to recompute a draw, as far as it is public yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DrawProof {
    /// Its number.
    pub draw: u64,
    /// What can be won.
    pub title: String,
    /// How many win.
    pub winners: u32,
    /// `open`, `closed` or `done`.
    pub state: &'static str,
    /// SHA-256 of the seed, hex.
    pub commitment: String,
    /// Numbers of those who take part, rising; once closed.
    pub entries: Option<Vec<u64>>,
    /// SHA-256 of the entries, hex; once closed.
    pub digest: Option<String>,
    /// Hex; once done.
    pub seed: Option<String>,
    /// Once done, in the order of being drawn.
    pub won: Vec<Winner>,
    /// How it is computed.
    pub method: &'static str,
}

/// How winners follow from seed and entries, in one sentence.
const METHOD: &str = "commitment = SHA-256(seed); digest = SHA-256(each entry in rising order, decimal, followed by LF); \
    winners = first places of a Fisher-Yates shuffle of the entries whose i-th step swaps places i and i + x mod (n - i), x = the \
    next first 8 bytes (big-endian) of HMAC-SHA-256(seed, digest || 8-byte big-endian counter from 0) that are below \
    2^64 - (2^64 mod (n - i))";

#[derive(Debug)]
struct One {
    title: String,
    winners: u32,
    commitment: String,
    entries: BTreeSet<u64>,
    addrs: HashMap<String, u32>,
    digest: Option<String>,
    seed: Option<String>,
    won: Vec<Winner>,
}

/// All that are kept.
#[derive(Debug, Default)]
pub(super) struct Draws {
    all: BTreeMap<u64, One>,
}

/// Bytes in hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// SHA-256 over the entries, rising, each with a line feed.
#[must_use]
pub fn digest(entries: &BTreeSet<u64>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for entry in entries {
        hash.update(format!("{entry}\n"));
    }
    hash.finalize().into()
}

/// Who wins, in the order of being drawn: see the top of this file.
#[must_use]
pub fn winners(seed: &[u8; 32], entries: &BTreeSet<u64>, most: u32) -> Vec<u64> {
    let digest = digest(entries);
    let mut counter = 0_u64;
    let mut next = || {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(seed).ok()?;
        mac.update(&digest);
        mac.update(&counter.to_be_bytes());
        counter += 1;
        let bytes = mac.finalize().into_bytes();
        bytes.first_chunk().copied().map(u64::from_be_bytes)
    };
    let mut list: Vec<u64> = entries.iter().copied().collect();
    let most = list.len().min(usize::try_from(most).unwrap_or(usize::MAX));
    for place in 0..most {
        let left = (list.len() - place) as u64;
        // 2^64 mod left, without a number of 65 bits.
        let over = (u64::MAX % left + 1) % left;
        let step = loop {
            // HMAC takes keys of any length: there is always a next.
            let Some(x) = next() else { return Vec::new() };
            if x <= u64::MAX - over {
                break x % left;
            }
        };
        list.swap(place, place + usize::try_from(step).unwrap_or(0));
    }
    list.truncate(most);
    list
}

impl One {
    fn state(&self) -> &'static str {
        match (&self.digest, &self.seed) {
            (_, Some(_)) => "done",
            (Some(_), None) => "closed",
            (None, None) => "open",
        }
    }
}

impl Draws {
    pub(super) fn apply(&mut self, event: &Event, addr: Option<&str>) {
        match &event.fact {
            Fact::DrawOpened {
                draw,
                title,
                winners,
                commitment,
            } => {
                let one = One {
                    title: title.clone(),
                    winners: *winners,
                    commitment: commitment.clone(),
                    entries: BTreeSet::new(),
                    addrs: HashMap::new(),
                    digest: None,
                    seed: None,
                    won: Vec::new(),
                };
                self.all.insert(*draw, one);
                if self.all.len() > MAX_DRAWS {
                    let oldest = self
                        .all
                        .iter()
                        .min_by_key(|(draw, one)| (one.seed.is_none(), **draw));
                    if let Some(draw) = oldest.map(|(draw, _)| *draw) {
                        self.all.remove(&draw);
                    }
                }
            }
            Fact::DrawEntered { draw } => {
                if let Some(one) = self.all.get_mut(draw)
                    && one.entries.insert(event.viewer)
                    && let Some(addr) = addr
                {
                    *one.addrs.entry(addr.to_owned()).or_default() += 1;
                }
            }
            Fact::DrawClosed { draw, digest, .. } => {
                if let Some(one) = self.all.get_mut(draw) {
                    one.digest = Some(digest.clone());
                }
            }
            Fact::DrawDone {
                draw,
                seed,
                winners,
            } => {
                if let Some(one) = self.all.get_mut(draw) {
                    one.seed = Some(seed.clone());
                    one.won.clone_from(winners);
                }
            }
            _ => {}
        }
    }

    /// Those that are open or closed, and the last three that are done.
    pub(super) fn view(&self) -> Vec<view::Draw> {
        let done = self.all.iter().rev().filter(|(_, one)| one.seed.is_some());
        let from = done.map(|(draw, _)| *draw).nth(2).unwrap_or(0);
        let shown = self
            .all
            .iter()
            .filter(|(draw, one)| one.seed.is_none() || **draw >= from);
        let view = |(draw, one): (&u64, &One)| view::Draw {
            draw: *draw,
            title: one.title.clone(),
            winners: one.winners,
            state: one.state(),
            entries: one.entries.len() as u64,
            commitment: one.commitment.clone(),
            digest: one.digest.clone(),
            seed: one.seed.clone(),
            won: one.won.clone(),
        };
        shown.map(view).collect()
    }

    pub(super) fn entered_by(&self, viewer: u64) -> Vec<u64> {
        let entered = self
            .all
            .iter()
            .filter(|(_, one)| one.entries.contains(&viewer));
        entered.map(|(draw, _)| *draw).collect()
    }

    fn get(&self, draw: u64) -> Result<&One, Refusal> {
        self.all.get(&draw).ok_or_else(|| unknown("draw", draw))
    }
}

impl Live {
    /// A draw with all that is public of it.
    #[must_use]
    pub fn proof(&self, draw: u64) -> Option<DrawProof> {
        let one = self.draws.all.get(&draw)?;
        Some(DrawProof {
            draw,
            title: one.title.clone(),
            winners: one.winners,
            state: one.state(),
            commitment: one.commitment.clone(),
            entries: one
                .digest
                .as_ref()
                .map(|_| one.entries.iter().copied().collect()),
            digest: one.digest.clone(),
            seed: one.seed.clone(),
            won: one.won.clone(),
            method: METHOD,
        })
    }

    pub(super) fn decide_draw_open(
        &self,
        title: &str,
        winners: u32,
        seeds: Seeds<'_>,
    ) -> Result<Decision, Refusal> {
        let title = self.texts.staff(title, 80)?;
        if !(1..=100).contains(&winners) {
            return Err(bad("winners is 1 to 100."));
        }
        if self
            .draws
            .all
            .values()
            .filter(|one| one.seed.is_none())
            .count()
            >= MAX_RUNNING
        {
            return Err(Refusal::new(Why::Full, "Too many draws are not done yet."));
        }
        let draw = self.highest.draw + 1;
        let commitment = hex(&Sha256::digest(seeds(draw)));
        let fact = Fact::DrawOpened {
            draw,
            title,
            winners,
            commitment,
        };
        Ok(Decision::of(vec![fact], Some(draw)))
    }

    pub(super) fn decide_enter(&self, by: &By, draw: u64) -> Result<Decision, Refusal> {
        self.viewer(by)?;
        let one = self.draws.get(draw)?;
        if one.entries.contains(&by.viewer) {
            return Ok(Decision::again(Some(draw)));
        }
        if one.state() != "open" {
            return Err(Refusal::new(Why::Closed, "The draw takes no more entries."));
        }
        let addr = self
            .people
            .addr(by.viewer)
            .and_then(|addr| one.addrs.get(addr));
        if addr.is_some_and(|n| *n >= MAX_OF_ADDRESS) {
            return Err(Refusal::new(
                Why::Full,
                "Too many of this address take part.",
            ));
        }
        Ok(Decision::of(vec![Fact::DrawEntered { draw }], Some(draw)))
    }

    pub(super) fn decide_draw_close(&self, draw: u64) -> Result<Decision, Refusal> {
        let one = self.draws.get(draw)?;
        if one.digest.is_some() {
            return Ok(Decision::again(Some(draw)));
        }
        let fact = Fact::DrawClosed {
            draw,
            entries: one.entries.len() as u64,
            digest: hex(&digest(&one.entries)),
        };
        Ok(Decision::of(vec![fact], Some(draw)))
    }

    pub(super) fn decide_draw_do(&self, draw: u64, seeds: Seeds<'_>) -> Result<Decision, Refusal> {
        let one = self.draws.get(draw)?;
        match one.state() {
            "done" => return Ok(Decision::again(Some(draw))),
            "open" => return Err(Refusal::new(Why::Closed, "Close the draw first.")),
            _ => {}
        }
        let seed = seeds(draw);
        // The box's secret is another one now, or entries were erased: drawing would break what was promised.
        if hex(&Sha256::digest(seed)) != one.commitment {
            return Err(Refusal::new(
                Why::Closed,
                "The seed that was promised is lost: open another draw.",
            ));
        }
        if one.digest.as_deref() != Some(hex(&digest(&one.entries)).as_str()) {
            return Err(Refusal::new(
                Why::Closed,
                "Entries were erased since it was closed: open another draw.",
            ));
        }
        let won = winners(&seed, &one.entries, one.winners);
        let winner = |viewer| Winner {
            viewer,
            name: self.name_of(viewer),
        };
        let fact = Fact::DrawDone {
            draw,
            seed: hex(&seed),
            winners: won.into_iter().map(winner).collect(),
        };
        Ok(Decision::of(vec![fact], Some(draw)))
    }
}
