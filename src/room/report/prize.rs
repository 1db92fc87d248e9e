//! Draws.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::Count;
use super::line::Line;
use crate::room::live::event::{Fact, Winner};

/// One draw.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct DrawReport {
    /// Its number.
    pub draw: u64,
    /// What could be won.
    pub title: String,
    /// How many could win.
    pub winners: u32,
    /// Who took part.
    pub entries: Count,
    /// SHA-256 of the seed, hex, as it was announced.
    pub commitment: String,
    /// SHA-256 of the entries, hex, once it was closed.
    pub digest: Option<String>,
    /// The seed, hex, once it was done.
    pub seed: Option<String>,
    /// Who won, in the order of being drawn.
    pub won: Vec<Winner>,
}

/// Draws that were announced, closed or done during the show.
pub(super) fn draws(line: &Line<'_>) -> Vec<DrawReport> {
    let mut all: BTreeMap<u64, (bool, DrawReport)> = BTreeMap::new();
    for (inside, event) in line.all() {
        let (id, draw) = match &event.fact {
            Fact::DrawOpened { draw, .. }
            | Fact::DrawEntered { draw }
            | Fact::DrawClosed { draw, .. }
            | Fact::DrawDone { draw, .. } => (*draw, all.entry(*draw).or_default()),
            _ => continue,
        };
        draw.0 |= inside;
        let draw = &mut draw.1;
        draw.draw = id;
        match &event.fact {
            Fact::DrawOpened {
                title,
                winners,
                commitment,
                ..
            } => {
                draw.title.clone_from(title);
                draw.winners = *winners;
                draw.commitment.clone_from(commitment);
            }
            Fact::DrawEntered { .. } => draw.entries.one(event),
            Fact::DrawClosed { digest, .. } => draw.digest = Some(digest.clone()),
            Fact::DrawDone { seed, winners, .. } => {
                draw.seed = Some(seed.clone());
                draw.won.clone_from(winners);
            }
            _ => {}
        }
    }
    all.into_values()
        .filter(|(inside, _)| *inside)
        .map(|(_, draw)| draw)
        .collect()
}
