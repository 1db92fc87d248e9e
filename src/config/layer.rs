//! One layer: what a file, the environment or the flags set; and layers merged, later ones winning.

use std::collections::BTreeMap;

use super::keys::Key;
use super::problems::Origin;
use super::value::Value;

/// A key that was written.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The value; nothing where it was refused (the problem is reported already).
    pub value: Option<Value>,
    /// Where.
    pub at: Origin,
}

/// Keys of one section or destination by `section.name`.
pub type Entries = BTreeMap<&'static str, Entry>;

/// One `[[destination]]`.
#[derive(Debug, Clone)]
pub struct Dest {
    /// Its header, or whatever named it first.
    pub at: Origin,
    /// Its keys.
    pub entries: Entries,
}

impl Dest {
    /// The valid name, if there is one.
    pub fn name(&self) -> Option<&str> {
        match self.entries.get("destination.name")?.value.as_ref()? {
            Value::Text(name) => Some(name),
            _ => None,
        }
    }
}

/// What one layer sets.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    /// Keys of plain sections.
    pub entries: Entries,
    /// Destinations.
    pub destinations: Vec<Dest>,
}

impl Layer {
    /// Sets a key of the destination called `name`, which is made if it is new.
    pub fn set_in_destination(&mut self, name: &str, key: &'static Key, entry: Entry) {
        let at = entry.at.clone();
        let index = match self
            .destinations
            .iter()
            .position(|d| d.name() == Some(name))
        {
            Some(index) => index,
            None => {
                let value = Some(Value::Text(name.to_owned()));
                let named = Entry {
                    value,
                    at: at.clone(),
                };
                let entries = Entries::from([("destination.name", named)]);
                self.destinations.push(Dest { at, entries });
                self.destinations.len() - 1
            }
        };
        self.destinations[index].entries.insert(key.path, entry);
    }

    /// Lays `later` over this layer.
    pub fn merge(&mut self, later: Self) {
        if later.entries.contains_key("encode.profile") {
            // A later layer's profile replaces the numbers of an earlier layer's `custom`.
            for path in ["encode.width", "encode.height", "encode.fps"] {
                self.entries.remove(path);
            }
        }
        self.entries.extend(later.entries);
        let own = self.destinations.len();
        for dest in later.destinations {
            let same = |d: &&mut Dest| d.name().is_some() && d.name() == dest.name();
            // Only destinations of earlier layers are changed: two of one layer with one name are an error.
            match self.destinations[..own].iter_mut().find(same) {
                Some(old) => overlay(old, dest.entries),
                None => self.destinations.push(dest),
            }
        }
    }
}

/// `key` and `key_file` stand for each other, so a later one takes the place of an earlier one.
fn overlay(old: &mut Dest, later: Entries) {
    if later.contains_key("destination.key") || later.contains_key("destination.key_file") {
        old.entries.remove("destination.key");
        old.entries.remove("destination.key_file");
    }
    let name = old.entries.get("destination.name").cloned();
    old.entries.extend(later);
    // Problems with the destination as a whole point at where it was written first.
    if let Some(name) = name {
        old.entries.insert("destination.name", name);
    }
}
