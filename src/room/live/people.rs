//! Who is known, who is here, and who may not speak.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::act::{By, Refusal, Why};
use super::event::{Fact, Role};
use super::state::{Decision, Live, Now};
use super::texts::{bad, unknown};

/// Viewers that are kept in memory.
const MAX_PEOPLE: usize = 50_000;
/// Addresses that are kept in memory.
const MAX_ADDRS: usize = 20_000;
/// New viewers of one address in a day: a shop's Wi-Fi is one address.
const MAX_NEW: u32 = 10_000;
const DAY_MS: i64 = 86_400_000;
/// How long newcomers of the address of somebody banned are slowed down.
const WATCHED_MS: i64 = 600_000;
/// Their time between two lines, s.
const WATCHED_SLOW_S: u32 = 30;

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct One {
    pub name: String,
    pub role: Role,
    pub addr: String,
    pub here: bool,
    /// Since when, ms since 1970.
    pub since_ms: i64,
    /// Slowed down until: somebody of the same address was banned just before they came.
    pub slow_until_ms: i64,
}

#[derive(Debug, Default)]
struct Addr {
    day: i64,
    new: u32,
    watched_until_ms: i64,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct People {
    pub all: BTreeMap<u64, One>,
    pub here: u64,
    pub banned: BTreeSet<u64>,
    pub muted: BTreeMap<u64, i64>,
    addrs: HashMap<String, Addr>,
}

impl People {
    pub(super) fn came(&mut self, viewer: u64, name: &str, role: Role, addr: &str, at_ms: i64) {
        let mut slow_until_ms = 0;
        if !addr.is_empty() {
            if self.addrs.len() >= MAX_ADDRS && !self.addrs.contains_key(addr) {
                let day = at_ms.div_euclid(DAY_MS);
                self.addrs.retain(|_, a| a.day >= day && a.new > 1);
            }
            let known = self.addrs.entry(addr.to_owned()).or_default();
            let day = at_ms.div_euclid(DAY_MS);
            if known.day != day {
                (known.day, known.new) = (day, 0);
            }
            known.new = known.new.saturating_add(1);
            if known.watched_until_ms > at_ms {
                slow_until_ms = known.watched_until_ms;
            }
        }
        let one = One {
            name: name.to_owned(),
            role,
            addr: addr.to_owned(),
            here: false,
            since_ms: at_ms,
            slow_until_ms,
        };
        self.all.insert(viewer, one);
        if self.all.len() > MAX_PEOPLE {
            let gone = self.all.iter().find(|(_, one)| !one.here);
            if let Some(viewer) = gone.map(|(viewer, _)| *viewer) {
                self.all.remove(&viewer);
            }
        }
    }

    pub(super) fn set_here(&mut self, viewer: u64, here: bool, at_ms: i64) {
        if let Some(one) = self.all.get_mut(&viewer)
            && one.here != here
        {
            (one.here, one.since_ms) = (here, at_ms);
            self.here = if here {
                self.here + 1
            } else {
                self.here.saturating_sub(1)
            };
        }
    }

    pub(super) fn rename(&mut self, viewer: u64, name: &str, role: Role) {
        if let Some(one) = self.all.get_mut(&viewer) {
            name.clone_into(&mut one.name);
            one.role = role;
        }
    }

    pub(super) fn set_muted(&mut self, viewer: u64, until_ms: i64) {
        if until_ms > 0 {
            self.muted.insert(viewer, until_ms);
        } else {
            self.muted.remove(&viewer);
        }
    }

    pub(super) fn set_banned(&mut self, viewer: u64, on: bool, at_ms: i64) {
        let addr = self.all.get(&viewer).map(|one| one.addr.clone());
        let until = if on {
            at_ms.saturating_add(WATCHED_MS)
        } else {
            0
        };
        if let Some(known) = addr.and_then(|addr| self.addrs.get_mut(&addr)) {
            known.watched_until_ms = until;
        }
        if on {
            self.banned.insert(viewer);
        } else {
            self.banned.remove(&viewer);
        }
    }

    /// The address of somebody, if it is known.
    pub(super) fn addr(&self, viewer: u64) -> Option<&str> {
        let addr = self.all.get(&viewer)?.addr.as_str();
        (!addr.is_empty()).then_some(addr)
    }

    pub(super) fn muted_until(&self, viewer: u64) -> i64 {
        self.muted.get(&viewer).copied().unwrap_or(0)
    }
}

impl Live {
    /// Name of somebody, or how they are called where it is not known any more.
    #[must_use]
    pub fn name_of(&self, viewer: u64) -> String {
        let one = self.people.all.get(&viewer);
        one.map_or_else(|| format!("#{viewer}"), |one| one.name.clone())
    }

    /// Whether somebody is here.
    #[must_use]
    pub fn is_here(&self, viewer: u64) -> bool {
        self.people.all.get(&viewer).is_some_and(|one| one.here)
    }

    pub(super) fn decide_come(
        &self,
        name: &str,
        role: Role,
        addr: &str,
        now: Now,
    ) -> Result<Fact, Refusal> {
        let name = self.texts.name(name)?;
        if addr.chars().nth(128).is_some() {
            return Err(bad("The address is too long."));
        }
        let day = now.wall_ms.div_euclid(DAY_MS);
        let full = self
            .people
            .addrs
            .get(addr)
            .is_some_and(|a| a.day == day && a.new >= MAX_NEW);
        if full && role == Role::Viewer {
            return Err(Refusal::new(
                Why::Full,
                "Too many came from this address today.",
            ));
        }
        Ok(Fact::Came {
            name,
            role,
            addr: addr.to_owned(),
        })
    }

    /// A viewer who is known and not banned.
    pub(super) fn viewer(&self, by: &By) -> Result<&One, Refusal> {
        if by.viewer == 0 {
            return Err(bad("This is for viewers who are in the room: join first."));
        }
        if self.people.banned.contains(&by.viewer) {
            return Err(Refusal::new(Why::Muted, "You may not take part any more."));
        }
        self.people
            .all
            .get(&by.viewer)
            .ok_or_else(|| unknown("viewer", by.viewer))
    }

    /// The name of one who may speak now: a viewer who is not muted, or staff who need not be in the room.
    pub(super) fn speaker(&self, by: &By, now: Now) -> Result<String, Refusal> {
        if by.viewer == 0 && by.role >= Role::Moderator {
            let account = by.account.as_deref().unwrap_or("Boothcast");
            return Ok(self.texts.foreign_name(account));
        }
        let one = self.viewer(by)?;
        let left = self
            .people
            .muted_until(by.viewer)
            .saturating_sub(now.wall_ms);
        if let Ok(left @ 1..) = u64::try_from(left) {
            return Err(Refusal::new(Why::Muted, "You may not speak for a while.").after_ms(left));
        }
        if by.role == Role::Viewer && self.desk.panic {
            return Err(
                Refusal::new(Why::Closed, "The room is closed for the moment.").because("panic"),
            );
        }
        Ok(one.name.clone())
    }

    pub(super) fn decide_rename(&self, by: &By, name: &str, now: Now) -> Result<Decision, Refusal> {
        self.speaker(by, now)?;
        let one = self.viewer(by)?;
        let name = self.texts.name(name)?;
        if name == one.name {
            return Ok(Decision::again(None));
        }
        Ok(Decision::of(
            vec![Fact::Renamed {
                name,
                role: one.role,
            }],
            None,
        ))
    }

    /// How long this viewer has to wait between two lines, s.
    pub(super) fn slow_s(&self, viewer: u64, now: Now) -> u32 {
        let one = self.people.all.get(&viewer);
        let watched = one.is_some_and(|one| one.slow_until_ms > now.wall_ms);
        self.desk
            .slow_s
            .max(if watched { WATCHED_SLOW_S } else { 0 })
    }

    /// How long somebody was here of whose going nobody was told: until the last event.
    pub(super) fn stayed_ms(&self, viewer: u64) -> u64 {
        let since = self
            .people
            .all
            .get(&viewer)
            .map_or(self.last_ms, |one| one.since_ms);
        u64::try_from(self.last_ms.saturating_sub(since)).unwrap_or(0)
    }
}
