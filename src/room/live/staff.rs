//! Acts of the staff, and how they are taken back.

use std::collections::VecDeque;

use super::act::{Act, By, Refusal, Why};
use super::event::{Fact, LineState, Moderation, Role};
use super::state::{Decision, Live, Now};
use super::texts::{bad, unknown};
use super::view::ActDone;

/// Acts that are kept in memory; the store keeps all of them.
const MAX_ACTS: usize = 300;
/// Lists of words among them that can be brought back.
const MAX_LISTS: usize = 10;
/// Longest time-out, s.
const MAX_TIME_OUT: u32 = 86_400;

/// How it was before an act.
#[derive(Debug, Clone, PartialEq)]
enum Before {
    /// It cannot be brought back.
    Unknown,
    Line(LineState),
    Until(i64),
    On(bool),
    Slow(u32),
    Words(Vec<String>),
}

#[derive(Debug)]
struct Entry {
    act: u64,
    at_ms: i64,
    by: String,
    what: Moderation,
    about: String,
    before: Before,
    /// It took another back.
    undoes: bool,
    undone: bool,
}

/// Switches of the room, and what the staff did.
#[derive(Debug)]
pub(super) struct Desk {
    pub slow_s: u32,
    pub danmaku: bool,
    pub panic: bool,
    acts: VecDeque<Entry>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            slow_s: 0,
            danmaku: true,
            panic: false,
            acts: VecDeque::new(),
        }
    }
}

/// What an act is about: two of the same undo one another.
fn subject(what: &Moderation) -> (u8, u64) {
    match what {
        Moderation::Approve { line } | Moderation::Hide { line } => (0, *line),
        Moderation::TimeOut { viewer, .. } => (1, *viewer),
        Moderation::Ban { viewer, .. } => (2, *viewer),
        Moderation::Slow { .. } => (3, 0),
        Moderation::Words { .. } => (4, 0),
        Moderation::Danmaku { .. } => (5, 0),
        Moderation::Panic { .. } => (6, 0),
    }
}

impl Desk {
    /// Whether an act can be taken back: nothing that still counts was done about the same thing since.
    fn can_undo(&self, at: usize) -> bool {
        let Some(entry) = self.acts.get(at) else {
            return false;
        };
        let counts = |e: &Entry| !e.undoes && !e.undone;
        let later = || self.acts.iter().skip(at + 1);
        counts(entry)
            && entry.before != Before::Unknown
            && !later().any(|e| counts(e) && subject(&e.what) == subject(&entry.what))
    }

    pub(super) fn view(&self) -> Vec<ActDone> {
        let view = |(at, entry): (usize, &Entry)| ActDone {
            act: entry.act,
            at_ms: entry.at_ms,
            by: entry.by.clone(),
            what: entry.what.clone(),
            can_undo: self.can_undo(at),
            about: entry.about.clone(),
        };
        self.acts
            .iter()
            .enumerate()
            .rev()
            .take(100)
            .map(view)
            .collect()
    }
}

impl Live {
    /// The state of what an act is about, before it.
    fn before(&self, what: &Moderation) -> Before {
        match what {
            Moderation::Approve { line } | Moderation::Hide { line } => self
                .line(*line)
                .map_or(Before::Unknown, |line| Before::Line(line.state)),
            Moderation::TimeOut { viewer, .. } => Before::Until(self.people.muted_until(*viewer)),
            Moderation::Ban { viewer, .. } => Before::On(self.people.banned.contains(viewer)),
            Moderation::Slow { .. } => Before::Slow(self.desk.slow_s),
            Moderation::Words { .. } => Before::Words(self.texts.words().to_vec()),
            Moderation::Danmaku { .. } => Before::On(self.desk.danmaku),
            Moderation::Panic { .. } => Before::On(self.desk.panic),
        }
    }

    fn about(&self, what: &Moderation) -> String {
        match what {
            Moderation::Approve { line } | Moderation::Hide { line } => self
                .line(*line)
                .map(|line| line.text.clone())
                .unwrap_or_default(),
            Moderation::TimeOut { viewer, .. } | Moderation::Ban { viewer, .. } => {
                self.name_of(*viewer)
            }
            _ => String::new(),
        }
    }

    pub(super) fn moderated(
        &mut self,
        act: u64,
        by: &str,
        what: &Moderation,
        undoes: Option<u64>,
        at_ms: i64,
    ) {
        let entry = Entry {
            act,
            at_ms,
            by: by.to_owned(),
            what: what.clone(),
            about: self.about(what),
            before: self.before(what),
            undoes: undoes.is_some(),
            undone: false,
        };
        match what {
            // Brought back to where it waited; a line that was shown is shown by the fact that follows.
            Moderation::Approve { line } if undoes.is_some() => {
                self.chat.set(*line, LineState::Held);
            }
            Moderation::Approve { .. } | Moderation::Hide { .. } => {}
            Moderation::TimeOut { viewer, until_ms } => self.people.set_muted(*viewer, *until_ms),
            Moderation::Ban { viewer, on } => self.people.set_banned(*viewer, *on, at_ms),
            Moderation::Slow { seconds } => self.desk.slow_s = *seconds,
            Moderation::Words { words } => self.texts.set_words(words),
            Moderation::Danmaku { on } => self.desk.danmaku = *on,
            Moderation::Panic { on } => self.desk.panic = *on,
        }
        let acts = &mut self.desk.acts;
        if let Some(old) = undoes.and_then(|undoes| acts.iter_mut().find(|e| e.act == undoes)) {
            old.undone = true;
        }
        acts.push_back(entry);
        if acts.len() > MAX_ACTS {
            acts.pop_front();
        }
        let lists = acts
            .iter_mut()
            .rev()
            .filter(|e| matches!(e.before, Before::Words(_)));
        if let Some(old) = lists.into_iter().nth(MAX_LISTS) {
            old.before = Before::Unknown;
            old.what = Moderation::Words { words: Vec::new() };
        }
    }

    fn moderation(
        &self,
        by: &By,
        what: Moderation,
        undoes: Option<u64>,
        then: Option<Fact>,
    ) -> Decision {
        let act = self.highest.act + 1;
        let by = match (&by.account, by.viewer) {
            (Some(account), _) => account.clone(),
            (None, 0) => "box".into(),
            (None, viewer) => self.name_of(viewer),
        };
        let mut facts = vec![Fact::Moderated {
            act,
            by,
            what,
            undoes,
        }];
        facts.extend(then);
        Decision::of(facts, Some(act))
    }

    /// Somebody about whom this member of the staff may decide.
    fn target(&self, by: &By, viewer: u64) -> Result<(), Refusal> {
        let one = self.people.all.get(&viewer);
        let known = one.is_some() || self.people.banned.contains(&viewer);
        if viewer == 0 || !known {
            return Err(unknown("viewer", viewer));
        }
        let role = one.map_or(Role::Viewer, |one| one.role);
        if role >= Role::Moderator && by.role <= role {
            return Err(Refusal::new(Why::Forbidden, "They are of the staff."));
        }
        Ok(())
    }

    pub(super) fn decide_moderation(
        &self,
        by: &By,
        act: &Act,
        now: Now,
    ) -> Result<Decision, Refusal> {
        let what = match act {
            Act::Approve { line } => return self.decide_line(by, *line, LineState::Shown),
            Act::Hide { line } => return self.decide_line(by, *line, LineState::Hidden),
            Act::Undo { act } => return self.decide_undo(by, *act),
            Act::TimeOut { viewer, seconds } => {
                self.target(by, *viewer)?;
                if *seconds > MAX_TIME_OUT {
                    return Err(bad(format!("seconds is 0 to {MAX_TIME_OUT}.")));
                }
                let until_ms = match seconds {
                    0 => 0,
                    seconds => now.wall_ms.saturating_add(i64::from(*seconds) * 1_000),
                };
                Moderation::TimeOut {
                    viewer: *viewer,
                    until_ms,
                }
            }
            Act::Ban { viewer, on } => {
                self.target(by, *viewer)?;
                Moderation::Ban {
                    viewer: *viewer,
                    on: *on,
                }
            }
            Act::Slow { seconds } if *seconds > 3_600 => return Err(bad("seconds is 0 to 3600.")),
            Act::Slow { seconds } => Moderation::Slow { seconds: *seconds },
            Act::Words { words } => Moderation::Words {
                words: self.texts.check_words(words)?,
            },
            Act::Danmaku { on } => Moderation::Danmaku { on: *on },
            Act::Panic { on } => Moderation::Panic { on: *on },
            _ => return Err(bad("It is no act of the staff.")),
        };
        if self.is_so(&what) {
            return Ok(Decision::again(None));
        }
        Ok(self.moderation(by, what, None, None))
    }

    fn is_so(&self, what: &Moderation) -> bool {
        match (what, self.before(what)) {
            (Moderation::TimeOut { until_ms, .. }, Before::Until(until)) => *until_ms == until,
            (
                Moderation::Ban { on, .. } | Moderation::Danmaku { on } | Moderation::Panic { on },
                Before::On(is),
            ) => *on == is,
            (Moderation::Slow { seconds }, Before::Slow(is)) => *seconds == is,
            (Moderation::Words { words }, Before::Words(is)) => *words == is,
            _ => false,
        }
    }

    fn decide_line(&self, by: &By, line: u64, state: LineState) -> Result<Decision, Refusal> {
        let is = self
            .line(line)
            .ok_or_else(|| unknown("line in memory with the number", line))?
            .state;
        if is == state {
            return Ok(Decision::again(Some(line)));
        }
        Ok(match state {
            LineState::Shown => self.moderation(
                by,
                Moderation::Approve { line },
                None,
                Some(Fact::LineShown { line }),
            ),
            _ => self.moderation(by, Moderation::Hide { line }, None, Some(hidden(line))),
        })
    }

    fn decide_undo(&self, by: &By, act: u64) -> Result<Decision, Refusal> {
        let acts = &self.desk.acts;
        let at = acts
            .iter()
            .position(|e| e.act == act)
            .ok_or_else(|| unknown("act", act))?;
        let Some(entry) = acts.get(at).filter(|_| self.desk.can_undo(at)) else {
            return Err(Refusal::new(
                Why::Closed,
                "It was taken back, or something later counts.",
            ));
        };
        if let Moderation::TimeOut { viewer, .. } | Moderation::Ban { viewer, .. } = entry.what {
            self.target(by, viewer)?;
        }
        let (what, then) = match (&entry.what, &entry.before) {
            (Moderation::Hide { line }, Before::Line(before)) => {
                let shown =
                    (*before == LineState::Shown).then_some(Fact::LineShown { line: *line });
                (Moderation::Approve { line: *line }, shown)
            }
            // It was seen: it does not wait again, it goes.
            (Moderation::Approve { line }, _) => {
                (Moderation::Hide { line: *line }, Some(hidden(*line)))
            }
            (Moderation::TimeOut { viewer, .. }, Before::Until(until)) => (
                Moderation::TimeOut {
                    viewer: *viewer,
                    until_ms: *until,
                },
                None,
            ),
            (Moderation::Ban { viewer, .. }, Before::On(on)) => (
                Moderation::Ban {
                    viewer: *viewer,
                    on: *on,
                },
                None,
            ),
            (Moderation::Slow { .. }, Before::Slow(seconds)) => {
                (Moderation::Slow { seconds: *seconds }, None)
            }
            (Moderation::Words { .. }, Before::Words(words)) => (
                Moderation::Words {
                    words: words.clone(),
                },
                None,
            ),
            (Moderation::Danmaku { .. }, Before::On(on)) => (Moderation::Danmaku { on: *on }, None),
            (Moderation::Panic { .. }, Before::On(on)) => (Moderation::Panic { on: *on }, None),
            _ => {
                return Err(Refusal::new(
                    Why::Closed,
                    "How it was before is not known any more.",
                ));
            }
        };
        Ok(self.moderation(by, what, Some(act), then))
    }
}

fn hidden(line: u64) -> Fact {
    Fact::LineHidden {
        line,
        why: "moderator".into(),
    }
}
