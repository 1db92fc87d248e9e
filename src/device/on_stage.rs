//! What stands on the picture of what its owner put there: the part of [`State`] that knows.
//!
//! ```text
//!   commands ──without an end──> Wanted (saved, comes back after a power cut) ──┐
//!            ──with `seconds`──> OnStage, until its time is over                ├──> State::stage() ──> ShowStage
//!            ──votes of a poll─> OnStage, until the poll goes                   ┘
//! ```
//!
//! A newer thing replaces the older one of its kind, whether that has an end or not. Votes are not saved: numbers that
//! change every second would wear the card out; after a power cut a poll stands with the votes that it began with until
//! the next ones come. A countdown goes a moment after its end; one that ends while the box is off is hidden by whoever
//! draws it, as the core has no calendar.

use std::time::Duration;

use serde::Serialize;

use super::command::Command;
use super::effect::Effect;
use super::notice::Banner;
use super::stage::{
    Countdown, DanmakuChange, Layer, Logo, LowerThird, ModerationChange, Poll, Stage, Ticker,
};
use super::state::State;

/// How long a countdown that is over stays.
pub const COUNTDOWN_STAYS: Duration = Duration::from_secs(10);

/// What stands there and is not saved, and what the world was told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OnStage {
    /// The line that has an end, and when that is.
    banner: Option<(String, Duration)>,
    /// The title that has an end, and when that is.
    lower_third: Option<(LowerThird, Duration)>,
    /// When the countdown goes; `None`: not known since the start.
    countdown_goes: Option<Duration>,
    /// The votes of the poll that is wanted, if they are newer than those.
    votes: Option<Vec<u64>>,
    /// What the world was told to show; `None`: nothing yet.
    pub told: Option<Box<Stage>>,
}

/// What the status says of it: no picture, and no text that may be long.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StageStatus {
    /// The line of `overlay/text`.
    pub banner: Option<String>,
    /// The large line of the title.
    pub lower_third: Option<String>,
    /// Something runs along the bottom.
    pub ticker: bool,
    /// When the countdown ends, in seconds since 1970-01-01 UTC.
    pub countdown: Option<i64>,
    /// Name of the product.
    pub product: Option<String>,
    /// Question of the poll.
    pub poll: Option<String>,
    /// A logo was set by command.
    pub logo: bool,
    /// Layers that are hidden by command.
    pub hidden: Vec<Layer>,
    /// Nothing of the audience is shown.
    pub panic: bool,
    /// How comments run, where it was changed by command.
    pub danmaku: DanmakuChange,
    /// When the audience's text is shown, where it was changed by command.
    pub moderation: Option<ModerationChange>,
}

impl StageStatus {
    pub(super) fn of(stage: &Stage) -> Self {
        let hidden = stage.layers.iter().filter(|(_, shown)| !**shown);
        Self {
            banner: stage.banner.clone(),
            lower_third: stage.lower_third.as_ref().map(|l| l.name.clone()),
            ticker: stage.ticker.is_some(),
            countdown: stage.countdown.as_ref().map(|c| c.until),
            product: stage.product.as_ref().map(|p| p.name.clone()),
            poll: stage.poll.as_ref().map(|p| p.question.clone()),
            logo: stage.logo.is_some(),
            hidden: hidden.map(|(layer, _)| *layer).collect(),
            panic: stage.panic,
            danmaku: stage.danmaku.clone(),
            moderation: stage.moderation,
        }
    }
}

impl State {
    /// Everything that its owner has put on the picture and that is to be seen now.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let (wanted, now) = (&self.wanted, &self.actual.stage);
        let mut stage = Stage::clone(&wanted.stage);
        let banner = now.banner.as_ref().map(|(text, _)| text);
        stage.banner = banner.or(wanted.banner.as_ref()).cloned();
        if let Some((title, _)) = &now.lower_third {
            stage.lower_third = Some(title.clone());
        }
        if let (Some(poll), Some(votes)) = (&mut stage.poll, &now.votes) {
            for (choice, votes) in poll.choices.iter_mut().zip(votes) {
                choice.votes = *votes;
            }
        }
        stage
    }

    /// Carries out what [`super::stage_policy`] accepted.
    pub(super) fn wish_stage(&mut self, command: Command) {
        match command {
            Command::OverlayText(banner) => self.wish_banner(banner),
            Command::OverlayClear => {
                self.wanted.banner = None;
                self.actual.stage.banner = None;
            }
            Command::LowerThird {
                name,
                line,
                seconds,
            } => self.wish_title(name.map(|name| LowerThird { name, line }), seconds),
            Command::Ticker { text } => {
                self.wanted.stage.ticker = text.map(|text| Ticker { text });
            }
            Command::Countdown {
                title,
                seconds,
                until,
                now,
            } => self.wish_countdown(title, end_of(seconds, until, now)),
            Command::ProductPin(product) => self.wanted.stage.product = Some(product),
            Command::ProductUnpin => self.wanted.stage.product = None,
            Command::PollShow(poll) => self.wish_poll(Some(poll)),
            Command::PollHide => self.wish_poll(None),
            Command::Logo { off, logo } => self.wish_logo(off, logo),
            Command::LayerShow { layer } => drop(self.wanted.stage.layers.insert(layer, true)),
            Command::LayerHide { layer } => drop(self.wanted.stage.layers.insert(layer, false)),
            Command::DanmakuSet { reset, change } => {
                self.wanted.stage.danmaku = danmaku(&self.wanted.stage, reset, &change);
            }
            Command::ModerationSet(change) => {
                self.wanted.stage.moderation = Some(moderation(&self.wanted.stage, change));
            }
            Command::Panic { on } => self.wanted.stage.panic = on,
            _ => {}
        }
    }

    fn until(&self, seconds: u32) -> Duration {
        self.now.saturating_add(Duration::from_secs(seconds.into()))
    }

    fn wish_banner(&mut self, banner: Banner) {
        let (kept, ends) = match banner.seconds {
            Some(seconds) => (None, Some((banner.text, self.until(seconds)))),
            None => (Some(banner.text), None),
        };
        self.wanted.banner = kept;
        self.actual.stage.banner = ends;
    }

    fn wish_title(&mut self, title: Option<LowerThird>, seconds: Option<u32>) {
        let (kept, ends) = match (title, seconds) {
            (Some(title), Some(seconds)) => (None, Some((title, self.until(seconds)))),
            (title, _) => (title, None),
        };
        self.wanted.stage.lower_third = kept;
        self.actual.stage.lower_third = ends;
    }

    /// `end`: until when, and how far off that is, in seconds.
    fn wish_countdown(&mut self, title: Option<String>, end: Option<(i64, i64)>) {
        self.wanted.stage.countdown = end.map(|(until, _)| Countdown { title, until });
        self.actual.stage.countdown_goes = end.map(|(_, left)| {
            let left = Duration::from_secs(u64::try_from(left).unwrap_or(0));
            self.now.saturating_add(left + COUNTDOWN_STAYS)
        });
    }

    /// New votes of the poll that stands there are shown and not saved.
    fn wish_poll(&mut self, poll: Option<Poll>) {
        let wanted = &mut self.wanted.stage.poll;
        let same = match (wanted.as_ref(), &poll) {
            (Some(old), Some(new)) => with_votes_of(old, new) == *new,
            _ => false,
        };
        let votes = poll.as_ref().map(votes);
        self.actual.stage.votes = votes.filter(|_| same);
        if !same {
            *wanted = poll;
        }
    }

    fn wish_logo(&mut self, off: bool, logo: Logo) {
        let stage = &mut self.wanted.stage;
        if off {
            stage.logo = None;
            stage.layers.insert(Layer::Logo, false);
            return;
        }
        stage.logo = logo_after(stage, logo);
        // It may have been taken off by `off`.
        stage.layers.remove(&Layer::Logo);
    }

    /// What is over goes.
    pub(super) fn tick_stage(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        let over = |end: &Duration| now >= *end;
        let stage = &mut self.actual.stage;
        if stage.banner.as_ref().is_some_and(|(_, end)| over(end)) {
            stage.banner = None;
        }
        if stage.lower_third.as_ref().is_some_and(|(_, end)| over(end)) {
            stage.lower_third = None;
        }
        // One save in a step: what else is saved now goes first, and the next tick comes soon.
        let saves = effects.iter().any(|e| matches!(e, Effect::Persist(_)));
        if stage.countdown_goes.as_ref().is_some_and(over) && !saves {
            stage.countdown_goes = None;
            let before = self.wanted.clone();
            self.wanted.stage.countdown = None;
            self.save(&before, effects);
        }
    }

    /// The world shows what is to be seen now.
    pub(super) fn sync_stage(&mut self, effects: &mut Vec<Effect>) {
        let mut stage = self.stage();
        if let Some(line) = super::setup::line(self, stage.banner.as_deref()) {
            stage.banner = Some(line);
        }
        let told = &mut self.actual.stage.told;
        if told.as_deref() == Some(&stage) {
            return;
        }
        *told = Some(Box::new(stage.clone()));
        effects.push(Effect::ShowStage(Box::new(stage)));
    }
}

/// Until when, and how far off that is, in seconds; `None`: there is to be no countdown, or nobody knows the time.
pub(super) fn end_of(
    seconds: Option<u32>,
    until: Option<i64>,
    now: Option<i64>,
) -> Option<(i64, i64)> {
    let now = now?;
    let until = until.or_else(|| seconds.map(|s| now.saturating_add(s.into())))?;
    Some((until, until.saturating_sub(now)))
}

fn votes(poll: &Poll) -> Vec<u64> {
    poll.choices.iter().map(|c| c.votes).collect()
}

/// `poll` with the votes that `other` has for the same place.
fn with_votes_of(poll: &Poll, other: &Poll) -> Poll {
    let mut poll = poll.clone();
    for (choice, theirs) in poll.choices.iter_mut().zip(&other.choices) {
        choice.votes = theirs.votes;
    }
    poll
}

/// The logo that is set with `logo` on top of the one that was set before; `None`: as configured.
pub(super) fn logo_after(stage: &Stage, logo: Logo) -> Option<Logo> {
    let before = stage.logo.as_ref();
    let after = Logo {
        picture: logo
            .picture
            .or_else(|| before.and_then(|b| b.picture.clone())),
        corner: logo.corner.or_else(|| before.and_then(|b| b.corner)),
        percent: logo.percent.or_else(|| before.and_then(|b| b.percent)),
        opacity: logo.opacity.or_else(|| before.and_then(|b| b.opacity)),
    };
    let nothing = after.picture.is_none()
        && after.corner.is_none()
        && after.percent.is_none()
        && after.opacity.is_none();
    (!nothing).then_some(after)
}

/// How comments run after a change.
pub(super) fn danmaku(stage: &Stage, reset: bool, change: &DanmakuChange) -> DanmakuChange {
    if reset {
        change.clone()
    } else {
        change.after(&stage.danmaku)
    }
}

/// When the audience's text is shown after a change.
pub(super) fn moderation(stage: &Stage, change: ModerationChange) -> ModerationChange {
    let before = stage.moderation.and_then(|m| m.delay_s);
    ModerationChange {
        delay_s: change.delay_s.or(before),
        ..change
    }
}

#[cfg(test)]
#[path = "on_stage_tests.rs"]
mod tests;
