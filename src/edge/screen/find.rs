//! Which connectors there are, and whether a screen is plugged in: from `/sys/class/drm`, without opening a device.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// More than any machine has.
const MOST: usize = 64;

/// Whether a screen is plugged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plugged {
    /// It is.
    Yes,
    /// The driver has not looked yet, or cannot say.
    Perhaps,
    /// It is not.
    No,
}

/// A socket for a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// `card0`.
    pub card: String,
    /// `HDMI-A-1`.
    pub name: String,
    /// Whether there is something in it.
    pub plugged: Plugged,
    /// Sizes that it has, one a line, the best first.
    pub modes: String,
    /// Tells one screen from another.
    pub edid: u64,
}

impl Connector {
    /// Whether this is `before`, with the same screen in it.
    pub fn is_still(&self, before: &Self) -> bool {
        let same = (&self.card, &self.name) == (&before.card, &before.name);
        // What the first look at the wire brings is no change.
        let screen = before.plugged != Plugged::Yes || self.edid == before.edid;
        same && self.plugged != Plugged::No && screen
    }
}

/// All connectors, those with a screen first, then by name.
pub fn connectors(root: &Path) -> Vec<Connector> {
    let folder = root.join("sys/class/drm");
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|e| e.file_name().into_string().ok());
    let mut found: Vec<Connector> = names
        .filter_map(|entry| {
            let (card, name) = entry.split_once('-')?;
            let is_card = card
                .strip_prefix("card")?
                .bytes()
                .all(|b| b.is_ascii_digit());
            (is_card && !name.starts_with("Writeback")).then_some(())?;
            let read = |file: &str| fs::read_to_string(folder.join(&entry).join(file)).ok();
            let plugged = match read("status")?.trim() {
                "connected" => Plugged::Yes,
                "disconnected" => Plugged::No,
                _ => Plugged::Perhaps,
            };
            let modes = read("modes").unwrap_or_default();
            let mut edid = DefaultHasher::new();
            fs::read(folder.join(&entry).join("edid"))
                .unwrap_or_default()
                .hash(&mut edid);
            Some(Connector {
                card: card.to_owned(),
                name: name.to_owned(),
                plugged,
                modes,
                edid: edid.finish(),
            })
        })
        .take(MOST)
        .collect();
    found.sort_by(|a, b| (a.plugged, &a.card, &a.name).cmp(&(b.plugged, &b.card, &b.name)));
    found
}
