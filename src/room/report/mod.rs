//! The report of a show, from its events alone: the same events give the same report, in whatever order they are handed in.
//!
//! Each number says from which events it comes ([`Evidence`]). What is counted, and how, stands at the fields; shares have
//! Wilson's score interval ([`wilson`]).

mod audience;
mod evidence;
mod funnel;
mod incident;
mod line;
mod polls;
mod prize;
mod questions;
mod shop;
mod talk;
/// How sure a share is.
pub mod wilson;

use schemars::JsonSchema;
use serde::Serialize;

use self::line::Line;
use super::live::event::{Event, Fact};

pub use self::audience::{Audience, Here};
pub use self::evidence::{Count, Evidence, Figure};
pub use self::funnel::{Engagement, Stage};
pub use self::incident::{Acts, Incident};
pub use self::polls::PollReport;
pub use self::prize::DrawReport;
pub use self::questions::{QuestionReport, Questions};
pub use self::shop::{PinReport, ProductReport, Shop};
pub use self::talk::Talk;
pub use self::wilson::Interval;

/// The report of one show.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Number of the show; 0: there is none in the events.
    pub show: u64,
    /// Its title; may be empty.
    pub title: String,
    /// When it began, ms since 1970 by the box's clock.
    pub begun_ms: i64,
    /// When it ended; `None`: it goes on, and the report tells of it so far.
    pub ended_ms: Option<i64>,
    /// How long it took, or takes so far: the sum of the steps forward of the clock from event to event.
    pub length_ms: u64,
    /// Width of a step of the series: a minute, more if there were more than 1,440 of them.
    pub step_ms: u64,
    /// Events of the show.
    pub events: u64,
    /// Events at which the clock went back; times around them are not to be trusted.
    pub clock_jumps: Count,
    /// Who was there.
    pub audience: Audience,
    /// What was said, liked and given.
    pub talk: Talk,
    /// What viewers did, per view.
    pub engagement: Engagement,
    /// Viewers, then those of them who spoke, clicked, ordered.
    pub funnel: Vec<Stage>,
    /// Products, clicks, orders.
    pub shop: Shop,
    /// Polls, in their order.
    pub polls: Vec<PollReport>,
    /// Questions.
    pub questions: Questions,
    /// Draws, in their order.
    pub draws: Vec<DrawReport>,
    /// Faults of the stream.
    pub incidents: Vec<Incident>,
    /// What the staff did about somebody.
    pub moderation: Acts,
}

impl Report {
    /// Of the first show in `events`.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let shows = events.iter().filter(|e| e.show != 0);
        let show = shows.min_by_key(|e| e.seq).map_or(0, |e| e.show);
        Self::of_show(show, events)
    }

    /// Of `show`. Events from before it may be among `events`: they tell who was there when it began, and what products, polls
    /// and draws are called; else nothing of them is counted. Nor is anything of other shows.
    #[must_use]
    pub fn of_show(show: u64, events: &[Event]) -> Self {
        let line = Line::new(show, events);
        let audience = Audience::of(&line);
        let (title, ended_ms) = frame(&line);
        let shop = Shop::of(&line);
        Self {
            show,
            title,
            begun_ms: line.during().first().map_or(0, |(_, e)| e.at_ms),
            ended_ms,
            length_ms: line.length_ms(),
            step_ms: line.step_ms(),
            events: u64::try_from(line.during().len()).unwrap_or(u64::MAX),
            clock_jumps: line.jumps().clone(),
            engagement: Engagement::of(&line, &audience.views),
            funnel: funnel::funnel(&line, &audience),
            audience,
            talk: Talk::of(&line),
            shop,
            polls: polls::polls(&line),
            questions: Questions::of(&line),
            draws: prize::draws(&line),
            incidents: incident::incidents(&line),
            moderation: Acts::of(&line),
        }
    }
}

fn frame(line: &Line<'_>) -> (String, Option<i64>) {
    let (mut title, mut ended) = (String::new(), None);
    for (_, event) in line.during() {
        match &event.fact {
            Fact::ShowBegun { title: t } => title.clone_from(t),
            Fact::ShowEnded => ended = Some(event.at_ms),
            _ => {}
        }
    }
    (title, ended)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
