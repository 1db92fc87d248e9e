//! What others want to know of the room: which messages of bridges it took, and what became of that which waited.

use super::intake::IncomingKind;
use super::item::{Item, ItemId};

/// Notes that wait to be told at most; more than that in one turn are left out.
pub const MAX_NOTES: usize = 4096;

/// Something that the room did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// It took a message of a bridge, and will show it, or lets it wait.
    Bridged(Box<BridgedNote>),
    /// So many likes came by a bridge.
    Likes {
        /// Its name.
        source: String,
        /// How many.
        n: u64,
    },
    /// What waited is shown now.
    Shown(ItemId),
    /// What waited is never shown, or what was shown was taken off.
    Gone(ItemId),
}

/// A message of a bridge that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BridgedNote {
    /// Name of the bridge.
    pub source: String,
    /// The message's own id on its platform.
    pub id: Option<String>,
    /// What happened there.
    pub kind: IncomingKind,
    /// As it may be seen.
    pub item: Item,
    /// Its name in the room; `None`: it only raised the counter of one that there is.
    pub item_id: Option<ItemId>,
    /// It waits for somebody's approval.
    pub held: bool,
}

/// Notes, kept only while somebody wants them.
#[derive(Debug, Default)]
pub(super) struct Notes {
    wanted: bool,
    notes: Vec<Noted>,
}

impl Notes {
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    /// `note` is made only where somebody wants it.
    pub(super) fn add(&mut self, note: impl FnOnce() -> Noted) {
        if self.wanted && self.notes.len() < MAX_NOTES {
            self.notes.push(note());
        }
    }

    pub(super) fn take(&mut self) -> Vec<Noted> {
        std::mem::take(&mut self.notes)
    }
}

#[cfg(test)]
#[path = "noted_tests.rs"]
mod tests;
