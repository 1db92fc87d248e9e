//! The state of the live room: what may be done in it ([`Live::decide`]), and what happened to it ([`Live::apply`]).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::act::{Act, By, Done, Refusal, Why};
use super::chat::{Chat, Draft};
use super::draws::Draws;
use super::event::{Event, Fact};
use super::gifts::Gifts;
use super::people::People;
use super::polls::Polls;
use super::questions::Questions;
use super::shop::Shop;
use super::staff::Desk;
use super::texts::Texts;
use crate::config::ModerationConfig;
use crate::error::Result;

/// Longest announcement.
const MAX_ANNOUNCEMENT: usize = 200;
/// Longest title of a show.
const MAX_TITLE: usize = 80;

/// Time, both kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Does not jump; begins anew with the program.
    pub mono: Duration,
    /// Milliseconds since 1970; may jump.
    pub wall_ms: i64,
}

/// The owner's settings for texts.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveSettings {
    /// `[moderation]`.
    pub moderation: ModerationConfig,
    /// Lines of `moderation.words_file`.
    pub words: Vec<String>,
}

/// The highest numbers that were ever given: what comes is numbered after them, whatever was deleted since.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Highest {
    /// Of an event.
    pub seq: u64,
    /// Of a viewer.
    pub viewer: u64,
    /// Of a line.
    pub line: u64,
    /// Of a poll.
    pub poll: u64,
    /// Of a question.
    pub question: u64,
    /// Of a product.
    pub product: u64,
    /// Of a pinning.
    pub pin: u64,
    /// Of a draw.
    pub draw: u64,
    /// Of an act of the staff.
    pub act: u64,
    /// Of a show.
    pub show: u64,
}

impl Highest {
    /// Takes the numbers of an event into account.
    pub fn see(&mut self, event: &Event) {
        self.seq = self.seq.max(event.seq);
        self.show = self.show.max(event.show);
        self.viewer = self.viewer.max(event.viewer);
        let (own, number) = match &event.fact {
            Fact::Said { line, .. } => (&mut self.line, *line),
            Fact::PollOpened { poll, .. } => (&mut self.poll, *poll),
            Fact::Asked { question, .. } => (&mut self.question, *question),
            Fact::ProductSet { product, .. } => (&mut self.product, *product),
            Fact::Pinned { pin, .. } => (&mut self.pin, *pin),
            Fact::DrawOpened { draw, .. } => (&mut self.draw, *draw),
            Fact::Moderated { act, .. } => (&mut self.act, *act),
            _ => return,
        };
        *own = number.max(*own);
    }

    /// The higher of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            seq: self.seq.max(other.seq),
            viewer: self.viewer.max(other.viewer),
            line: self.line.max(other.line),
            poll: self.poll.max(other.poll),
            question: self.question.max(other.question),
            product: self.product.max(other.product),
            pin: self.pin.max(other.pin),
            draw: self.draw.max(other.draw),
            act: self.act.max(other.act),
            show: self.show.max(other.show),
        }
    }
}

/// The secret seed of a draw, by its number.
pub type Seeds<'a> = &'a dyn Fn(u64) -> [u8; 32];

/// What is to be done about a wish.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// This happens; then it is done so.
    Facts {
        /// In this order; none: nothing changes.
        facts: Vec<Fact>,
        /// What is answered.
        done: Done,
    },
    /// It is a line of the chat that is to be judged first; then [`Live::said`].
    Judge(Draft),
}

impl Decision {
    /// These facts, and the number of what they made.
    pub(super) fn of(facts: Vec<Fact>, id: Option<u64>) -> Self {
        let done = Done {
            id,
            ..Done::default()
        };
        Self::Facts { facts, done }
    }

    /// It is so already.
    pub(super) fn again(id: Option<u64>) -> Self {
        let done = Done {
            id,
            again: true,
            held: false,
        };
        Self::Facts {
            facts: Vec::new(),
            done,
        }
    }
}

/// The live room.
#[derive(Debug)]
pub struct Live {
    pub(super) texts: Texts,
    pub(super) highest: Highest,
    pub(super) people: People,
    pub(super) chat: Chat,
    pub(super) gifts: Gifts,
    pub(super) polls: Polls,
    pub(super) questions: Questions,
    pub(super) shop: Shop,
    pub(super) draws: Draws,
    pub(super) desk: Desk,
    pub(super) announcement: String,
    /// 0: none.
    pub(super) show: u64,
    pub(super) title: String,
    /// When the last event was.
    pub(super) last_ms: i64,
}

impl Live {
    /// A room in which nothing happened yet.
    ///
    /// # Errors
    /// `BadConfig` where the list of words cannot be used.
    pub fn new(settings: LiveSettings) -> Result<Self> {
        Ok(Self {
            texts: Texts::new(settings)?,
            highest: Highest::default(),
            people: People::default(),
            chat: Chat::default(),
            gifts: Gifts::default(),
            polls: Polls::default(),
            questions: Questions::default(),
            shop: Shop::default(),
            draws: Draws::default(),
            desk: Desk::default(),
            announcement: String::new(),
            show: 0,
            title: String::new(),
            last_ms: 0,
        })
    }

    /// The room as it is after `events`; numbers go on after `highest`.
    ///
    /// # Errors
    /// As [`Live::new`].
    pub fn load(settings: LiveSettings, highest: Highest, events: &[Event]) -> Result<Self> {
        let mut live = Self::new(settings)?;
        for event in events {
            live.apply(event);
        }
        live.highest = live.highest.max(highest);
        Ok(live)
    }

    /// The highest numbers so far.
    #[must_use]
    pub fn highest(&self) -> Highest {
        self.highest
    }

    /// The show; 0: none.
    #[must_use]
    pub fn show(&self) -> u64 {
        self.show
    }

    /// The event that comes next, with this in it.
    pub(super) fn event(&self, viewer: u64, fact: Fact, now: Now) -> Event {
        let show = match fact {
            Fact::ShowBegun { .. } => self.highest.show + 1,
            _ => self.show,
        };
        let viewer = match fact {
            Fact::Came { .. } => self.highest.viewer + 1,
            _ => viewer,
        };
        Event {
            seq: self.highest.seq + 1,
            at_ms: now.wall_ms,
            show,
            viewer,
            fact,
        }
    }

    /// What is to be done about a wish.
    ///
    /// # Errors
    /// Why it is not done.
    pub fn decide(
        &self,
        by: &By,
        act: &Act,
        now: Now,
        seeds: Seeds<'_>,
    ) -> Result<Decision, Refusal> {
        if by.role < act.needs() {
            return Err(Refusal::new(Why::Forbidden, "This is for the staff."));
        }
        match act {
            Act::Say { text, nonce } => self.decide_say(by, text, nonce.as_deref(), now),
            Act::Like { n } => self.decide_like(by, *n),
            Act::Give { gift, combo, count } => self.decide_give(by, gift, combo, *count, now),
            Act::Vote { poll, choice } => self.decide_vote(by, *poll, *choice),
            Act::Ask { text, nonce } => self.decide_ask(by, text, nonce.as_deref(), now),
            Act::UpVote { question, on } => self.decide_up_vote(by, *question, *on),
            Act::Seen { questions } => self.decide_seen(by, questions),
            Act::Enter { draw } => self.decide_enter(by, *draw),
            Act::Rename { name } => self.decide_rename(by, name, now),
            Act::MoveQuestion { question, state } => self.decide_move(*question, *state),
            Act::PollOpen {
                question,
                choices,
                hidden,
            } => self.decide_poll_open(question, choices, *hidden),
            Act::PollClose { poll } => self.decide_poll_close(*poll),
            Act::PollGone { poll } => self.decide_poll_gone(*poll),
            Act::ProductSet { .. } => self.decide_product_set(act),
            Act::ProductRemove { product } => self.decide_product_remove(*product),
            Act::Pin { product } => self.decide_pin(*product),
            Act::Unpin => self.decide_unpin(),
            Act::DrawOpen { title, winners } => self.decide_draw_open(title, *winners, seeds),
            Act::DrawClose { draw } => self.decide_draw_close(*draw),
            Act::DrawDo { draw } => self.decide_draw_do(*draw, seeds),
            Act::Announce { text } => self.decide_announce(text),
            Act::ShowBegin { title } => self.decide_show(true, title),
            Act::ShowEnd => self.decide_show(false, ""),
            Act::Approve { .. }
            | Act::Hide { .. }
            | Act::TimeOut { .. }
            | Act::Ban { .. }
            | Act::Slow { .. }
            | Act::Words { .. }
            | Act::Danmaku { .. }
            | Act::Panic { .. }
            | Act::Undo { .. } => self.decide_moderation(by, act, now),
        }
    }

    fn decide_announce(&self, text: &str) -> Result<Decision, Refusal> {
        let text = match text.trim() {
            "" => String::new(),
            text => self.texts.staff(text, MAX_ANNOUNCEMENT)?,
        };
        if text == self.announcement {
            return Ok(Decision::again(None));
        }
        Ok(Decision::of(vec![Fact::Announced { text }], None))
    }

    pub(super) fn decide_show(&self, on: bool, title: &str) -> Result<Decision, Refusal> {
        if on == (self.show != 0) {
            return Ok(Decision::again(Some(self.show).filter(|show| *show != 0)));
        }
        if !on {
            return Ok(Decision::of(vec![Fact::ShowEnded], Some(self.show)));
        }
        let title = match title.trim() {
            "" => String::new(),
            title => self.texts.staff(title, MAX_TITLE)?,
        };
        let show = self.highest.show + 1;
        Ok(Decision::of(vec![Fact::ShowBegun { title }], Some(show)))
    }

    /// The only thing that changes the state. Never fails: what is about something unknown changes nothing.
    pub fn apply(&mut self, event: &Event) {
        self.highest.see(event);
        self.last_ms = event.at_ms;
        let (viewer, at_ms) = (event.viewer, event.at_ms);
        match &event.fact {
            Fact::ShowBegun { title } => {
                self.show = event.show;
                title.clone_into(&mut self.title);
                self.gifts = Gifts::default();
            }
            Fact::ShowEnded => {
                self.show = 0;
                self.title.clear();
            }
            Fact::Incident { .. } => {}
            Fact::Came { name, role, addr } => self.people.came(viewer, name, *role, addr, at_ms),
            Fact::Renamed { name, role } => self.people.rename(viewer, name, *role),
            Fact::Joined => self.people.set_here(viewer, true, at_ms),
            Fact::Left { .. } => self.people.set_here(viewer, false, at_ms),
            Fact::Said { .. } => self.chat.said(event),
            Fact::LineShown { line } => self.chat.set(*line, super::event::LineState::Shown),
            Fact::LineHidden { line, .. } => self.chat.set(*line, super::event::LineState::Hidden),
            Fact::Liked { .. } | Fact::Gave { .. } => self.gifts.apply(event),
            Fact::PollOpened { .. }
            | Fact::Voted { .. }
            | Fact::PollClosed { .. }
            | Fact::PollGone { .. } => self.polls.apply(event, self.people.addr(viewer)),
            Fact::Asked { .. }
            | Fact::UpVoted { .. }
            | Fact::QuestionsSeen { .. }
            | Fact::QuestionMoved { .. } => self.questions.apply(event, self.people.addr(viewer)),
            Fact::ProductSet { .. }
            | Fact::ProductRemoved { .. }
            | Fact::Pinned { .. }
            | Fact::Unpinned { .. }
            | Fact::Clicked { .. }
            | Fact::Ordered { .. } => self.shop.apply(&event.fact),
            Fact::DrawOpened { .. }
            | Fact::DrawEntered { .. }
            | Fact::DrawClosed { .. }
            | Fact::DrawDone { .. } => self.draws.apply(event, self.people.addr(viewer)),
            Fact::Announced { text } => text.clone_into(&mut self.announcement),
            Fact::Moderated {
                act,
                by,
                what,
                undoes,
            } => {
                self.moderated(*act, by, what, *undoes, at_ms);
            }
        }
    }
}
