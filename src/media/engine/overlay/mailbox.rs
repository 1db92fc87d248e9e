//! What waits for the overlay's thread: bounded, and whoever puts something in never waits.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::device::stage::Stage;
use crate::media::raw::RawFormat;
use crate::media::sync::lock;
use crate::room::item::{Alert, Comment, ItemId, Output};

/// Comments and withdrawals that may wait; the thread takes them all at once, every [`PACE`] at the latest.
const MOST: usize = 512;

/// Comments alone wake the thread no more often than this: thousands a second may come, and a frame lasts longer.
const PACE: Duration = Duration::from_millis(15);

/// What waits. Of what replaces what was before, only the newest.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) stage: Option<Box<Stage>>,
    pub(super) format: Option<RawFormat>,
    /// Everything of the audience goes before what follows here.
    pub(super) clear: bool,
    pub(super) alert: Option<Option<(ItemId, Alert)>>,
    pub(super) orders: VecDeque<Order>,
    pub(super) stop: bool,
    /// Something waits that comes off the picture.
    hurry: bool,
    /// Comments that found no room.
    lost: u64,
    /// Comments that were taken back while they waited.
    withdrawn: u64,
}

/// What is to be done about one comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Order {
    Draw(ItemId, Comment),
    Withdraw(ItemId),
}

impl Mail {
    fn is_urgent(&self) -> bool {
        self.stop
            || self.hurry
            || self.stage.is_some()
            || self.format.is_some()
            || self.alert.is_some()
    }

    /// Panic clears even if it is taken back before the thread hears of it.
    pub(super) fn set_stage(&mut self, stage: Stage) {
        if stage.panic {
            self.clear();
        }
        self.stage = Some(Box::new(stage));
    }

    /// Takes in what the room wants. What takes something off the picture is never lost: it makes room by losing comments, and
    /// where even that is not enough, everything of the audience goes.
    fn take_in(&mut self, output: Output) {
        match output {
            Output::Comment(id, comment) if self.orders.len() < MOST => {
                self.orders.push_back(Order::Draw(id, comment));
            }
            Output::Comment(..) => self.lost += 1,
            Output::Alert(alert) => self.alert = Some(alert),
            Output::Withdraw(id) => self.withdraw(id),
            Output::Clear => self.clear(),
        }
    }

    fn withdraw(&mut self, id: ItemId) {
        let own = |o: &Order| matches!(o, Order::Draw(i, _) if *i == id);
        if let Some(at) = self.orders.iter().position(own) {
            self.orders.remove(at);
            self.withdrawn += 1;
            return;
        }
        if self.orders.len() >= MOST {
            let comment = |o: &Order| matches!(o, Order::Draw(..));
            match self.orders.iter().rposition(comment) {
                Some(at) => {
                    self.orders.remove(at);
                    self.lost += 1;
                }
                None => return self.clear(),
            }
        }
        self.orders.push_back(Order::Withdraw(id));
        self.hurry = true;
    }

    fn clear(&mut self) {
        let comments = self.orders.iter().filter(|o| matches!(o, Order::Draw(..)));
        self.withdrawn += comments.count() as u64;
        self.orders.clear();
        self.alert = Some(None);
        (self.clear, self.hurry) = (true, true);
    }
}

/// The mailbox; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Mailbox(Arc<(Mutex<Mail>, Condvar)>);

impl Mailbox {
    /// Changes what waits and wakes the thread.
    pub(super) fn put(&self, change: impl FnOnce(&mut Mail)) {
        change(&mut lock(&self.0.0));
        self.0.1.notify_one();
    }

    pub(super) fn output(&self, output: Output) {
        let wake = {
            let mail = &mut lock(&self.0.0);
            mail.take_in(output);
            mail.is_urgent() || mail.orders.len() == 1
        };
        // The thread knows of the first comment and looks at the others when it comes for that one.
        if wake {
            self.0.1.notify_one();
        }
    }

    /// Comments that found no room.
    pub(super) fn lost(&self) -> u64 {
        lock(&self.0.0).lost
    }

    /// Comments that were taken back while they waited here.
    pub(super) fn withdrawn(&self) -> u64 {
        lock(&self.0.0).withdrawn
    }

    /// Takes everything; the counts go on.
    pub(super) fn take(&self) -> Mail {
        let mut mail = lock(&self.0.0);
        let anew = Mail {
            lost: mail.lost,
            withdrawn: mail.withdrawn,
            ..Mail::default()
        };
        std::mem::replace(&mut *mail, anew)
    }

    /// Waits until something has come, `until` at the latest; `None`: for as long as it takes.
    pub(super) fn wait(&self, until: Option<Instant>) {
        let paced = Instant::now() + PACE;
        let mut mail = lock(&self.0.0);
        loop {
            let now = Instant::now();
            let end = match (mail.orders.is_empty(), until) {
                (false, Some(until)) => Some(until.min(paced)),
                (false, None) => Some(paced),
                (true, until) => until,
            };
            if mail.is_urgent() || end.is_some_and(|end| end <= now) {
                return;
            }
            // A panic elsewhere must not take the show down; the mail is whole between calls.
            mail = match end {
                Some(end) => {
                    let wait = self.0.1.wait_timeout(mail, end - now);
                    wait.unwrap_or_else(std::sync::PoisonError::into_inner).0
                }
                None => {
                    let wait = self.0.1.wait(mail);
                    wait.unwrap_or_else(std::sync::PoisonError::into_inner)
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(text: &str) -> Comment {
        Comment {
            text: text.to_owned(),
            who: None,
            rank: crate::room::item::Rank::Text,
            run: crate::room::item::Run::Scroll,
            colour: None,
            platform: None,
        }
    }

    #[test]
    fn comments_are_bounded_and_counted_and_what_takes_away_is_never_lost() {
        let mailbox = Mailbox::default();
        for n in 0..5_000 {
            mailbox.output(Output::Comment(ItemId(n), comment("x")));
        }
        assert_eq!(mailbox.lost(), 5_000 - MOST as u64);
        // One that waits still is simply taken out; one that was drawn already is asked for.
        mailbox.output(Output::Withdraw(ItemId(3)));
        mailbox.output(Output::Comment(ItemId(6_000), comment("y")));
        mailbox.output(Output::Withdraw(ItemId(7_000)));
        assert_eq!(mailbox.lost(), 5_000 - MOST as u64 + 1);
        assert_eq!(mailbox.withdrawn(), 1);
        mailbox.wait(None);
        let mail = mailbox.take();
        assert_eq!(mail.orders.len(), MOST);
        assert_eq!(mail.orders.back(), Some(&Order::Withdraw(ItemId(7_000))));
        assert!(
            !mail
                .orders
                .iter()
                .any(|o| *o == Order::Draw(ItemId(3), comment("x")))
        );
        // The count goes on over what was taken.
        assert_eq!(mailbox.lost(), 5_000 - MOST as u64 + 1);
    }

    #[test]
    fn more_withdrawals_than_there_is_room_for_clear_everything() {
        let mailbox = Mailbox::default();
        for n in 0..=MOST as u64 {
            mailbox.output(Output::Withdraw(ItemId(n)));
        }
        mailbox.wait(None);
        let mail = mailbox.take();
        assert!(mail.clear && mail.orders.is_empty());
        assert_eq!(mail.alert, Some(None));
    }

    #[test]
    fn only_the_newest_stage_waits_and_a_clear_counts_for_what_came_before_it() {
        let mailbox = Mailbox::default();
        mailbox.put(|m| m.stage = Some(Box::default()));
        let banner = Stage {
            banner: Some("now".into()),
            ..Stage::default()
        };
        mailbox.put(|m| m.stage = Some(Box::new(banner.clone())));
        mailbox.output(Output::Comment(ItemId(1), comment("before")));
        mailbox.output(Output::Clear);
        mailbox.output(Output::Comment(ItemId(2), comment("after")));
        mailbox.wait(None);
        let mail = mailbox.take();
        assert_eq!(mail.stage.as_deref(), Some(&banner));
        assert!(mail.clear);
        assert_eq!(mailbox.withdrawn(), 1);
        assert_eq!(mail.alert, Some(None));
        assert_eq!(mail.orders, [Order::Draw(ItemId(2), comment("after"))]);
    }

    #[test]
    fn waiting_ends_when_it_should() {
        let mailbox = Mailbox::default();
        let begun = Instant::now();
        mailbox.wait(Some(begun + Duration::from_millis(30)));
        let mail = mailbox.take();
        assert!(begun.elapsed() >= Duration::from_millis(30));
        assert!(mail.orders.is_empty() && !mail.stop);
        let other = mailbox.clone();
        let waiter = std::thread::spawn(move || {
            other.wait(None);
            other.take().stop
        });
        mailbox.put(|m| m.stop = true);
        assert!(waiter.join().unwrap());
    }

    #[test]
    fn a_panic_that_is_taken_back_at_once_has_cleared() {
        let mailbox = Mailbox::default();
        mailbox.output(Output::Comment(ItemId(1), comment("before")));
        let panic = Stage {
            panic: true,
            ..Stage::default()
        };
        mailbox.put(|m| m.set_stage(panic));
        mailbox.put(|m| m.set_stage(Stage::default()));
        let mail = mailbox.take();
        assert!(mail.clear && mail.orders.is_empty());
        assert_eq!(mail.stage.as_deref(), Some(&Stage::default()));
    }
}
