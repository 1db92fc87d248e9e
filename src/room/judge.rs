//! What of that which comes may be seen: form, moderation, rates. The cheap questions come first, so that a flood costs little.
//!
//! | | by a bridge | by command |
//! |---|---|---|
//! | comment of a viewer, question | limits of authors and of the room, then the mode | limit of the room, then the mode |
//! | comment of the staff | limit of the room, then the mode | at once |
//! | comment that was paid for | limit of the room (in advance of what others may), then the mode | at once |
//! | follower, chat, question as an alert | limits of alerts, then the mode | the mode |
//! | gift, order | limit of alerts, then the mode; an unfit name or text is left out | at once |
//!
//! The words of the list, links and the length count for all of them. What comes by command with the rank of the staff or of
//! money is trusted, for whoever may command the box may also approve.

use std::time::Duration;

use super::alerts::same_combo;
use super::intake::{Event, Incoming};
use super::item::{
    Alert, AlertKind, Comment, Item, ItemId, MAX_AMOUNT, MAX_COUNT, MAX_PLATFORM, MAX_WHO, Rank,
};
use super::moderation::Moderator;
use super::noted::{BridgedNote, Noted};
use super::reason::Reason;
use super::state::{Room, Verdict, Via};

/// Stands for a name that is not fit to be seen.
const NOBODY: &str = "***";

impl Room {
    pub(super) fn judge_payload(
        &mut self,
        source: &str,
        payload: &[u8],
        now: Duration,
    ) -> Result<Verdict, Reason> {
        if self.panic {
            return Err(Reason::Panic);
        }
        let incoming = Incoming::read(payload)?;
        if let Some(id) = &incoming.id
            && !self.seen.is_new(source, id)
        {
            return Err(Reason::Duplicate);
        }
        match incoming.event(source)? {
            Event::Likes(n) => {
                self.counts.likes += 1;
                self.counts.hearts = self.counts.hearts.saturating_add(n);
                let source = source.to_owned();
                self.notes.add(|| Noted::Likes { source, n });
                Ok(Verdict::Counted)
            }
            Event::Item(item) => {
                let via = Via::Bridge(source);
                let (verdict, item) =
                    self.judge_item(via, item, incoming.author.as_deref(), now)?;
                self.note_bridged(source, &incoming, item, verdict);
                Ok(verdict)
            }
        }
    }

    fn note_bridged(&mut self, source: &str, said: &Incoming<'_>, item: Item, verdict: Verdict) {
        let (item_id, held) = match verdict {
            Verdict::Shown(id) | Verdict::Delayed(id, _) => (Some(id), false),
            Verdict::Held(id) => (Some(id), true),
            Verdict::Counted | Verdict::Passed => (None, false),
            Verdict::Refused(_) => return,
        };
        self.notes.add(|| {
            Noted::Bridged(Box::new(BridgedNote {
                source: source.to_owned(),
                id: said.id.as_deref().map(str::to_owned),
                kind: said.kind,
                item,
                item_id,
                held,
            }))
        });
    }

    pub(super) fn judge(
        &mut self,
        via: Via<'_>,
        item: Item,
        author: Option<&str>,
        now: Duration,
    ) -> Result<Verdict, Reason> {
        self.judge_item(via, item, author, now)
            .map(|(verdict, _)| verdict)
    }

    /// The verdict, and the item as it may be seen.
    fn judge_item(
        &mut self,
        via: Via<'_>,
        item: Item,
        author: Option<&str>,
        now: Duration,
    ) -> Result<(Verdict, Item), Reason> {
        if self.panic {
            return Err(Reason::Panic);
        }
        let author = author_of(via, &item, author);
        let trusted = is_trusted(via, &item);
        match item {
            Item::Comment(comment) if matches!(via, Via::Live { .. }) => {
                self.judge_line(via, comment, trusted, now)
            }
            Item::Comment(comment) => {
                let comment = self.judge_comment(via, comment, author.as_deref(), now)?;
                let item = Item::Comment(comment);
                let verdict = self.place(trusted, item.clone(), author, now)?;
                Ok((verdict, item))
            }
            Item::Alert(alert) => {
                let alert = self.judge_alert(via, alert, author.as_deref(), now)?;
                if let Some(verdict) = self.join(&alert, now) {
                    self.counts.joined += 1;
                    return Ok((verdict, Item::Alert(alert)));
                }
                let item = Item::Alert(alert);
                let verdict = self.place(trusted, item.clone(), author, now)?;
                Ok((verdict, item))
            }
        }
    }

    /// A line of the box's own room: its words are looked at whatever else there is; where the picture has no room for it, it
    /// is not drawn, and still seen on the pages.
    fn judge_line(
        &mut self,
        via: Via<'_>,
        mut comment: Comment,
        trusted: bool,
        now: Duration,
    ) -> Result<(Verdict, Item), Reason> {
        comment.text = self.moderator.text(&comment.text)?.text;
        comment.who = comment
            .who
            .and_then(|who| self.moderator.short(&who, MAX_WHO).ok());
        let must_wait = self.waits_for_approval(trusted);
        let drawn = matches!(via, Via::Live { drawn: true });
        let rank = comment.rank;
        let item = Item::Comment(comment);
        if !must_wait && (!drawn || self.take_room(via, rank, now).is_err()) {
            self.counts.passed += 1;
            return Ok((Verdict::Passed, item));
        }
        if !drawn {
            // It waits in the live room alone: approved there, it must not run over the picture.
            self.counts.passed += 1;
            return Ok((Verdict::Held(ItemId(0)), item));
        }
        match self.place(trusted, item.clone(), None, now) {
            Err(Reason::Overflow) => {
                self.counts.passed += 1;
                Ok((Verdict::Passed, item))
            }
            verdict => Ok((verdict?, item)),
        }
    }

    fn judge_comment(
        &mut self,
        via: Via<'_>,
        mut comment: Comment,
        author: Option<&str>,
        now: Duration,
    ) -> Result<Comment, Reason> {
        let is_viewer = matches!(comment.rank, Rank::Text | Rank::Question);
        if comment.rank == Rank::Text && now < self.full_until {
            return Err(Reason::RoomRate);
        }
        let limited = author.filter(|_| is_viewer && via != Via::Command);
        if let Some(author) = limited {
            self.authors
                .take(author, now)
                .map_err(|_| Reason::AuthorRate)?;
        }
        let passed = self.moderator.text(&comment.text)?;
        if let Some(author) = limited
            && !self
                .sayings
                .is_new(author, &passed.folded, self.repeat, now)
        {
            return Err(Reason::Repeat);
        }
        self.take_room(via, comment.rank, now)?;
        comment.text = passed.text;
        comment.who = comment
            .who
            .and_then(|who| self.moderator.short(&who, MAX_WHO).ok());
        comment.platform = platform(&self.moderator, comment.platform);
        Ok(comment)
    }

    /// Takes a token of the room: what counts more may borrow from those who come later.
    fn take_room(&mut self, via: Via<'_>, rank: Rank, now: Duration) -> Result<(), Reason> {
        let taken = match rank {
            Rank::Text => self.all.take(now),
            Rank::Staff | Rank::Question | Rank::Paid => self.all.owe(now),
        };
        match taken {
            Err(_) if via == Via::Command && matches!(rank, Rank::Staff | Rank::Paid) => Ok(()),
            Err(wait) => {
                if rank == Rank::Text {
                    self.full_until = now + wait;
                }
                Err(Reason::RoomRate)
            }
            Ok(()) => Ok(()),
        }
    }

    fn judge_alert(
        &mut self,
        via: Via<'_>,
        mut alert: Alert,
        author: Option<&str>,
        now: Duration,
    ) -> Result<Alert, Reason> {
        if via != Via::Command {
            self.limit_alert(alert.kind, author, now)?;
        }
        // Somebody gave something: that is shown also where the words are not.
        let lenient =
            via != Via::Command && matches!(alert.kind, AlertKind::Gift | AlertKind::Order);
        let mut stripped = false;
        alert.who = match self.moderator.short(&alert.who, MAX_WHO) {
            Err(_) if lenient => {
                stripped = true;
                NOBODY.to_owned()
            }
            who => who?,
        };
        alert.what = match alert.what.map(|what| self.moderator.text(&what)) {
            None | Some(Err(Reason::Empty)) => None,
            Some(Ok(passed)) => Some(passed.text),
            Some(Err(_)) if lenient => {
                stripped = true;
                None
            }
            Some(Err(reason)) => return Err(reason),
        };
        alert.amount = alert
            .amount
            .and_then(|amount| self.moderator.short(&amount, MAX_AMOUNT).ok());
        alert.platform = platform(&self.moderator, alert.platform);
        alert.count = alert.count.clamp(1, MAX_COUNT);
        self.counts.stripped += u64::from(stripped);
        Ok(alert)
    }

    fn limit_alert(
        &mut self,
        kind: AlertKind,
        author: Option<&str>,
        now: Duration,
    ) -> Result<(), Reason> {
        if matches!(
            kind,
            AlertKind::Follow | AlertKind::Chat | AlertKind::Question
        ) {
            self.follows.take(now).map_err(|_| Reason::RoomRate)?;
        }
        self.events.take(now).map_err(|_| Reason::RoomRate)?;
        match author {
            Some(author)
                if kind == AlertKind::Follow
                    && !self.sayings.is_new(author, &kind, self.repeat, now) =>
            {
                Err(Reason::Repeat)
            }
            _ => Ok(()),
        }
    }

    /// Raises the counter of an alert that is shown or waits.
    fn join(&mut self, alert: &Alert, now: Duration) -> Option<Verdict> {
        if let Some(id) = self.alerts.join(alert, now) {
            return Some(Verdict::Shown(id));
        }
        let same = |item: &Item| matches!(item, Item::Alert(a) if same_combo(a, alert));
        let waiting = self.hold.find(same)?;
        if let Item::Alert(held) = &mut waiting.item {
            held.count = held.count.max(alert.count);
        }
        let (id, due): (ItemId, _) = (waiting.id, waiting.due);
        Some(due.map_or(Verdict::Held(id), |due| {
            Verdict::Delayed(id, due.saturating_sub(now))
        }))
    }
}

fn platform(moderator: &Moderator, platform: Option<String>) -> Option<String> {
    platform.and_then(|name| moderator.short(&name, MAX_PLATFORM).ok())
}

/// What may come by command at once: what was paid for, and what the staff say.
fn is_trusted(via: Via<'_>, item: &Item) -> bool {
    matches!(via, Via::Command | Via::Live { .. })
        && match item {
            Item::Comment(comment) => matches!(comment.rank, Rank::Paid | Rank::Staff),
            Item::Alert(alert) => matches!(alert.kind, AlertKind::Gift | AlertKind::Order),
        }
}

/// The name by which the limits of an author go.
fn author_of(via: Via<'_>, item: &Item, author: Option<&str>) -> Option<String> {
    let (who, platform) = match item {
        Item::Comment(c) => (c.who.as_deref(), c.platform.as_deref()),
        Item::Alert(a) => (Some(a.who.as_str()), a.platform.as_deref()),
    };
    let platform = match via {
        Via::Bridge(source) => source,
        Via::Command | Via::Live { .. } => platform.unwrap_or_default(),
    };
    match author {
        Some(author) => Some(format!("{author}#{platform}")),
        None => who.map(|who| format!("{who}@{platform}")),
    }
}
