//! What browsers see of the state.

use super::event::{LineState, Role};
use super::gifts::Gifts;
use super::people::One;
use super::state::Live;
use super::view::{Line, Person, Room, Staff, You};

/// People that the staff see at a time.
const MAX_PEOPLE: usize = 500;

impl Live {
    /// The room as all may see it.
    #[must_use]
    pub fn room(&self) -> Room {
        Room {
            seq: self.highest.seq,
            show: self.show,
            title: self.title.clone(),
            viewers: self.people.here,
            likes: self.gifts.likes,
            danmaku: self.desk.danmaku,
            slow_s: self.desk.slow_s,
            panic: self.desk.panic,
            announcement: self.announcement.clone(),
            poll: self.polls.view(),
            questions: self.questions.public(),
            products: self.shop.view(),
            draws: self.draws.view(),
            gifts: Gifts::list(),
        }
    }

    /// What concerns one viewer.
    #[must_use]
    pub fn you(&self, viewer: u64, role: Role) -> You {
        let one = self.people.all.get(&viewer);
        You {
            viewer,
            name: one.map(|one| one.name.clone()).unwrap_or_default(),
            role,
            muted_until_ms: self.people.muted_until(viewer),
            banned: self.people.banned.contains(&viewer),
            vote: self.polls.vote_of(viewer),
            up_voted: self.questions.voted_by(viewer),
            entered: self.draws.entered_by(viewer),
        }
    }

    /// Somebody who is known.
    #[must_use]
    pub fn person(&self, viewer: u64) -> Option<Person> {
        Some(self.as_person(viewer, self.people.all.get(&viewer)?))
    }

    fn as_person(&self, viewer: u64, one: &One) -> Person {
        Person {
            viewer,
            name: one.name.clone(),
            role: one.role,
            muted_until_ms: self.people.muted_until(viewer),
            banned: self.people.banned.contains(&viewer),
            here: one.here,
        }
    }

    /// What the staff see besides.
    #[must_use]
    pub fn staff(&self) -> Staff {
        let lines = self.chat.lines.iter().map(|kept| &kept.line);
        let held = lines.filter(|line| line.state == LineState::Held);
        // Whoever is here, then whoever was silenced and may want to be let back, the last first.
        let all = || self.people.all.iter().rev();
        let silenced =
            |v: &u64| self.people.banned.contains(v) || self.people.muted.contains_key(v);
        let here = all().filter(|(_, one)| one.here);
        let away = all().filter(|(v, one)| !one.here && silenced(v));
        let people = away.take(100).chain(here).take(MAX_PEOPLE);
        Staff {
            held: held
                .map(|line| Line {
                    nonce: None,
                    ..line.clone()
                })
                .collect(),
            pending: self.questions.pending(),
            people: people
                .map(|(viewer, one)| self.as_person(*viewer, one))
                .collect(),
            acts: self.desk.view(),
            words: self.texts.words().to_vec(),
        }
    }

    /// The last `limit` lines after `after` that somebody may see, oldest first: all for the staff, else shown ones and their own
    /// held ones.
    #[must_use]
    pub fn lines(&self, after: Option<u64>, viewer: u64, staff: bool, limit: usize) -> Vec<Line> {
        let after = after.unwrap_or(0);
        let may = |line: &&Line| match line.state {
            _ if staff => true,
            _ if self.desk.panic => false,
            LineState::Shown => true,
            LineState::Held => viewer != 0 && line.viewer == viewer,
            LineState::Hidden => false,
        };
        let lines = self.chat.lines.iter().rev().map(|kept| &kept.line);
        let lines = lines
            .take_while(|line| line.line > after)
            .filter(may)
            .take(limit);
        let own = |line: &Line| Line {
            nonce: line
                .nonce
                .clone()
                .filter(|_| viewer != 0 && line.viewer == viewer),
            ..line.clone()
        };
        let mut lines: Vec<Line> = lines.map(own).collect();
        lines.reverse();
        lines
    }
}
