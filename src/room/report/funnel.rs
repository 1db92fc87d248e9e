//! What viewers did per view, and how many of them came how far.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::audience::Audience;
use super::evidence::{Count, Figure};
use super::line::Line;
use super::wilson::{Interval, wilson};
use crate::room::live::event::Fact;

/// Interactions per view. Only what viewers of this room did is counted, since only they are among the views; of orders all
/// are, because a shop does not say whose they are.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Engagement {
    /// Interactions per view; `None` without views.
    pub per_view: Option<Figure>,
    /// Sum of the parts.
    pub interactions: Count,
    /// Lines of the chat.
    pub messages: Count,
    /// Likes.
    pub likes: Count,
    /// Gifts.
    pub gifts: Count,
    /// First votes in polls; a vote instead of another is none more.
    pub votes: Count,
    /// Questions.
    pub questions: Count,
    /// Votes for questions; those that were taken back are counted too.
    pub up_votes: Count,
    /// Clicks on pinned products.
    pub clicks: Count,
    /// Orders.
    pub orders: Count,
    /// Entries in draws.
    pub draw_entries: Count,
}

impl Engagement {
    pub(super) fn of(line: &Line<'_>, views: &Count) -> Self {
        let mut all = Self::default();
        for (_, event) in line.during() {
            let here = event.viewer != 0;
            match &event.fact {
                Fact::Said { .. } if here => all.messages.one(event),
                Fact::Liked { n } if here => all.likes.more(u64::from(*n), event),
                Fact::Gave { more, .. } if here => all.gifts.more(u64::from(*more), event),
                Fact::Voted {
                    instead_of: None, ..
                } if here => all.votes.one(event),
                Fact::Asked { .. } if here => all.questions.one(event),
                Fact::UpVoted { on: true, .. } if here => all.up_votes.one(event),
                Fact::Clicked { .. } if here => all.clicks.one(event),
                Fact::Ordered { .. } => all.orders.one(event),
                Fact::DrawEntered { .. } if here => all.draw_entries.one(event),
                _ => {}
            }
        }
        let mut sum = Count::default();
        for (_, part) in all.parts() {
            sum.n = sum.n.saturating_add(part.n);
            sum.from.add_all(&part.from);
        }
        all.interactions = sum;
        if views.n > 0 {
            let mut per_view = all.interactions.per(views.n as f64);
            per_view.from.add_all(&views.from);
            all.per_view = Some(per_view);
        }
        all
    }

    /// Name and number of each part.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, &Count); 9] {
        [
            ("messages", &self.messages),
            ("likes", &self.likes),
            ("gifts", &self.gifts),
            ("votes", &self.votes),
            ("questions", &self.questions),
            ("up_votes", &self.up_votes),
            ("clicks", &self.clicks),
            ("orders", &self.orders),
            ("draw_entries", &self.draw_entries),
        ]
    }
}

/// A stage of the funnel: distinct viewers who came so far. Who ordered without having spoken counts as one who ordered.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Stage {
    /// `viewers`, `chat`, `click` or `order`.
    pub stage: &'static str,
    /// How many. An order of nobody known counts as one buyer.
    pub count: Count,
    /// Of all viewers, with the 95 % interval; `None` without viewers, or with more unknown buyers than viewers.
    pub of_viewers: Option<Interval>,
}

/// The stages.
pub(super) fn funnel(line: &Line<'_>, audience: &Audience) -> Vec<Stage> {
    let viewers = &audience.viewers;
    let stages = [("chat", "said"), ("click", "clicked"), ("order", "ordered")];
    let first = Stage {
        stage: "viewers",
        count: viewers.clone(),
        of_viewers: wilson(viewers.n, viewers.n),
    };
    let rest = stages.into_iter().map(|(stage, kind)| {
        let (mut who, mut count) = (BTreeSet::new(), Count::default());
        for (_, event) in line.during().iter().filter(|(_, e)| e.fact.kind() == kind) {
            let known = event.viewer != 0;
            if known && who.insert(event.viewer) || !known && kind == "ordered" {
                count.n += 1;
            }
            if known || kind == "ordered" {
                count.from.add(event);
            }
        }
        Stage {
            stage,
            of_viewers: wilson(count.n, viewers.n),
            count,
        }
    });
    std::iter::once(first).chain(rest).collect()
}
