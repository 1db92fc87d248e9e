//! Notices that the device node of an open source has gone, when its driver says nothing.
//!
//! Most drivers wake who waits for a device that was pulled out, and the pipeline fails at once. This is for the others: twice a
//! second a look at the folder, never at the device. A node that was made anew belongs to another device, even under the
//! same name, so its inode counts.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Distance of looks.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The node of an open source, as it was when it was opened.
#[derive(Debug, Default)]
pub(super) struct Presence {
    node: Option<(PathBuf, (u64, u64))>,
}

impl Presence {
    /// For a camera's node. A path that is not there is not watched: opening it will say so.
    pub(super) fn node(path: &Path) -> Self {
        // A link (`/dev/v4l/by-id/…`) may stay for a moment longer than what it leads to.
        let marked = |path: PathBuf| identity(&path).map(|is| (path, is));
        Self {
            node: path.canonicalize().and_then(marked).ok(),
        }
    }

    /// For an ALSA device such as `hw:CARD=USB,DEV=0` or `hw:1,0`; others (`default`) are not watched.
    pub(super) fn card(pcm: &str) -> Self {
        Self::card_in(Path::new("/"), pcm)
    }

    fn card_in(root: &Path, pcm: &str) -> Self {
        let Some((card, device)) = address(pcm) else {
            return Self::default();
        };
        let index = match card.parse::<u32>() {
            Ok(index) => Some(index),
            // `/proc/asound/<id>` is a link to `card<index>`.
            Err(_) => fs::read_link(root.join("proc/asound").join(card))
                .ok()
                .and_then(|to| to.to_str()?.strip_prefix("card")?.parse().ok()),
        };
        index.map_or_else(Self::default, |index| {
            Self::node(&root.join(format!("dev/snd/pcmC{index}D{device}c")))
        })
    }

    /// Whether the node has gone, or another device has taken its name.
    pub(super) fn gone(&self) -> bool {
        let Some((path, was)) = &self.node else {
            return false;
        };
        match identity(path) {
            Ok(is) => is != *was,
            Err(e) => e.kind() == io::ErrorKind::NotFound,
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|m| (m.dev(), m.ino()))
}

/// Card and device of a PCM name of ALSA's plain kind: `hw:CARD=USB,DEV=0`, `hw:1,0`.
fn address(pcm: &str) -> Option<(&str, u32)> {
    let (_, arguments) = pcm.split_once(':')?;
    let (mut card, mut device) = (None, 0);
    for (n, argument) in arguments.split(',').enumerate() {
        match (argument.split_once('='), n) {
            (Some(("CARD", name)), _) => card = Some(name),
            (Some(("DEV", number)), _) => device = number.parse().ok()?,
            (None, 0) => card = Some(argument),
            (None, 1) => device = argument.parse().ok()?,
            _ => {}
        }
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let card = card.filter(|c| !c.is_empty() && c.chars().all(plain))?;
    Some((card, device))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pcm_names_are_understood() {
        assert_eq!(address("hw:CARD=USB,DEV=1"), Some(("USB", 1)));
        assert_eq!(address("plughw:2,3"), Some(("2", 3)));
        assert_eq!(address("hw:CARD=Loopback"), Some(("Loopback", 0)));
        for other in ["default", "hw:", "hw:CARD=../x", "hw:1,x", ""] {
            assert_eq!(address(other), None, "{other}");
        }
    }

    #[test]
    fn a_node_that_is_removed_or_made_anew_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let node = dir.path().join("video0");
        assert!(!Presence::node(&node).gone(), "what never was is not gone");
        fs::write(&node, b"").unwrap();
        let presence = Presence::node(&node);
        assert!(!presence.gone());
        // Made before the old one goes, so that it cannot get its inode.
        let other = dir.path().join("new");
        fs::write(&other, b"").unwrap();
        fs::rename(&other, &node).unwrap();
        assert!(presence.gone(), "another device of the same name");
        let presence = Presence::node(&node);
        fs::remove_file(&node).unwrap();
        assert!(presence.gone());
    }

    #[test]
    fn a_card_is_found_by_its_id_or_number() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("proc/asound")).unwrap();
        fs::create_dir_all(root.join("dev/snd")).unwrap();
        std::os::unix::fs::symlink("card3", root.join("proc/asound/USB")).unwrap();
        let node = root.join("dev/snd/pcmC3D1c");
        fs::write(&node, b"").unwrap();
        let cards = ["hw:CARD=USB,DEV=1", "hw:3,1"].map(|pcm| Presence::card_in(root, pcm));
        assert!(cards.iter().all(|c| !c.gone()));
        fs::remove_file(&node).unwrap();
        assert!(cards.iter().all(Presence::gone));
        assert!(!Presence::card_in(root, "hw:CARD=None,DEV=1").gone());
    }
}
