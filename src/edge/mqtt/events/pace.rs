//! No more events of a type than anybody can read.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::{Happened, Kind};

/// Events of one type that are told at once.
pub const BURST: u32 = 5;
/// After those, one of the type in this time.
pub const EVERY: Duration = Duration::from_secs(1);

/// Lets [`BURST`] events of a type (and subject) through at once, then one in [`EVERY`]; of those in between the last is
/// told when its time comes, with their number.
#[derive(Debug, Default)]
pub struct Pace(BTreeMap<(Kind, String), Course>);

#[derive(Debug)]
struct Course {
    /// When the bucket is full again; a token is worth [`EVERY`].
    full_at: Duration,
    waiting: Option<(Happened, u64)>,
}

impl Pace {
    /// Takes an event at monotonic time `now`; gives it back if it may be told at once.
    pub fn offer(&mut self, happened: Happened, now: Duration) -> Option<Happened> {
        let key = (happened.kind, happened.subject.clone());
        let course = self.0.entry(key).or_insert(Course {
            full_at: Duration::ZERO,
            waiting: None,
        });
        match course.waiting.take() {
            None if course.take_token(now) => Some(happened),
            None => {
                course.waiting = Some((happened, 0));
                None
            }
            Some((_, left_out)) => {
                course.waiting = Some((happened, left_out + 1));
                None
            }
        }
    }

    /// What waited and may be told now.
    pub fn due(&mut self, now: Duration) -> Vec<Happened> {
        let mut out = Vec::new();
        for course in self.0.values_mut() {
            if course.waiting.is_some()
                && course.take_token(now)
                && let Some((mut happened, left_out)) = course.waiting.take()
            {
                if let Value::Object(data) = &mut happened.data
                    && left_out > 0
                {
                    data.insert("left_out".into(), left_out.into());
                }
                out.push(happened);
            }
        }
        // What has all of its tokens again is as good as new: the map stays as small as what goes on.
        self.0.retain(|_, c| c.waiting.is_some() || c.full_at > now);
        out
    }
}

impl Course {
    fn take_token(&mut self, now: Duration) -> bool {
        let full_at = self.full_at.max(now) + EVERY;
        let free = full_at <= now + EVERY * BURST;
        if free {
            self.full_at = full_at;
        }
        free
    }
}
