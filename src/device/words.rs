//! The words on the picture: one line, and chat notifications one at a time.
//!
//! ```text
//!   OverlayText ──> line ──its time is over, OverlayClear──> none      (a newer line replaces the older)
//!   Notify ──> queue of 32 ──> shown for 6 s, for 3 s while others wait ──> next
//! ```
//!
//! A line without end is kept across restarts; one with an end, and notifications, are not.

use std::collections::VecDeque;
use std::time::Duration;

use super::effect::Effect;
use super::notice::{Banner, Notice, Words};
use super::policy::{Decision, DenialCode, deny, ignore};
use super::state::State;
use crate::config::is_invisible;

/// Notifications that wait; the oldest makes room.
pub const MAX_NOTICES: usize = 32;
/// How long one is shown.
pub const SHOWN: Duration = Duration::from_secs(6);
/// How long one is shown while others wait.
pub const SHOWN_BRIEFLY: Duration = Duration::from_secs(3);
/// The longest line, and the longest thing said, in characters.
const MAX_TEXT: usize = 100;
/// The longest name, in characters.
const MAX_WHO: usize = 40;
/// The longest name of a platform, in characters.
const MAX_PLATFORM: usize = 24;
/// A line ends within a day, or never.
const MAX_SECONDS: u32 = 86_400;

/// What is to be seen, and what waits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Board {
    /// The line that has an end, and when that is. The one without stands in what is wanted.
    line: Option<(String, Duration)>,
    shown: Option<(Notice, Duration)>,
    waiting: VecDeque<Notice>,
    /// Notifications that made room for newer ones, since start.
    pub dropped: u64,
    /// What the world was told to show.
    pub told: Words,
}

impl Board {
    /// Notifications that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn add(&mut self, notice: Notice) {
        if self.waiting.len() >= MAX_NOTICES {
            self.waiting.pop_front();
            self.dropped = self.dropped.saturating_add(1);
        }
        self.waiting.push_back(notice);
    }

    fn clear(&mut self) {
        self.line = None;
        self.shown = None;
        self.waiting.clear();
    }

    /// Time went on, or something came.
    fn turn(&mut self, now: Duration) {
        if self.line.as_ref().is_some_and(|(_, until)| now >= *until) {
            self.line = None;
        }
        let limit = if self.waiting.is_empty() {
            SHOWN
        } else {
            SHOWN_BRIEFLY
        };
        let over = |(_, since): &(Notice, Duration)| now.saturating_sub(*since) >= limit;
        if self.shown.as_ref().is_none_or(over) {
            self.shown = self.waiting.pop_front().map(|notice| (notice, now));
        }
    }
}

impl State {
    /// Carries out what [`text`], [`clear`] and [`notice`] accepted.
    pub(super) fn wish_line(&mut self, banner: Banner) {
        let now = self.now;
        let until = |s: u32| now.saturating_add(Duration::from_secs(s.into()));
        match banner.seconds {
            Some(seconds) => {
                self.wanted.banner = None;
                self.actual.board.line = Some((banner.text, until(seconds)));
            }
            None => {
                self.wanted.banner = Some(banner.text);
                self.actual.board.line = None;
            }
        }
    }

    pub(super) fn wish_no_words(&mut self) {
        self.wanted.banner = None;
        self.actual.board.clear();
    }

    pub(super) fn wish_notice(&mut self, notice: Notice) {
        self.actual.board.add(notice);
    }

    /// The world shows what is to be seen now.
    pub(super) fn sync_words(&mut self, effects: &mut Vec<Effect>) {
        self.actual.board.turn(self.now);
        let words = self.words();
        if words != self.actual.board.told {
            self.actual.board.told = words.clone();
            effects.push(Effect::ShowWords(words));
        }
    }

    /// What is to be seen now.
    #[must_use]
    pub fn words(&self) -> Words {
        let board = &self.actual.board;
        let line = board.line.as_ref().map(|(text, _)| text);
        Words {
            banner: line.or(self.wanted.banner.as_ref()).cloned(),
            notice: board.shown.as_ref().map(|(notice, _)| notice.clone()),
        }
    }
}

pub(super) fn text(state: &State, banner: &Banner) -> Decision {
    if let Err(refusal) = check_text("The line", &banner.text, MAX_TEXT) {
        return refusal;
    }
    match banner.seconds {
        Some(seconds) if !(1..=MAX_SECONDS).contains(&seconds) => deny(
            DenialCode::OutOfRange,
            format!(
                "A line cannot stay for {seconds} s. Choose 1 to {MAX_SECONDS} s, or leave seconds out."
            ),
        ),
        None if state.words().banner.as_ref() == Some(&banner.text)
            && state.wanted.banner.is_some() =>
        {
            ignore("That line is on the picture already.")
        }
        _ => drawn(state),
    }
}

pub(super) fn clear(state: &State) -> Decision {
    let board = &state.actual.board;
    if state.words() == Words::default() && board.waiting.is_empty() {
        return ignore("There are no words on the picture.");
    }
    Decision::Accept
}

pub(super) fn notice(state: &State, notice: &Notice) -> Decision {
    let platform = notice.platform.as_deref();
    let checked = check_text("The name", &notice.who, MAX_WHO)
        .and_then(|()| check_text("What is said", &notice.what, MAX_TEXT))
        .and_then(|()| platform.map_or(Ok(()), |p| check_text("The platform", p, MAX_PLATFORM)))
        .and_then(|()| notice.colour.as_deref().map_or(Ok(()), check_colour));
    match checked {
        Ok(()) => drawn(state),
        Err(refusal) => refusal,
    }
}

fn drawn(state: &State) -> Decision {
    if state.actual.passthrough {
        return deny(
            DenialCode::Passthrough,
            "The camera makes the stream itself, so nothing can be drawn on it. Set video.passthrough to false.",
        );
    }
    Decision::Accept
}

fn check_text(what: &str, text: &str, most: usize) -> Result<(), Decision> {
    let length = text.chars().count();
    let sentence = if length > most || text.trim().is_empty() {
        format!("{what} must have 1 to {most} characters.")
    } else if text.chars().any(|c| c.is_control() || is_invisible(c)) {
        format!(
            "{what} must be one line without control characters or characters that turn or hide text."
        )
    } else {
        return Ok(());
    };
    Err(deny(DenialCode::Invalid, sentence))
}

fn check_colour(colour: &str) -> Result<(), Decision> {
    let digits = colour.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(())
    } else {
        Err(deny(
            DenialCode::Invalid,
            "The colour must be written as #rrggbb, such as #ff8800.",
        ))
    }
}

#[cfg(test)]
#[path = "words_tests.rs"]
mod tests;
