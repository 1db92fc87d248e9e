//! From edges to gestures: pure, by the times that the kernel gave the edges.
//!
//! A level counts once it has held for the debounce time; it counts from the moment it began. So a bouncing contact makes
//! one press, and a spike makes none.
//!
//! ```text
//!            press                3 s      10 s
//!  up ───────┐ ┐┌┐                 │         │          ┌─ up
//!            └─┘└┘└────────────────┴─────────┴──────────┘
//!                └ held from here  Long      VeryLong   nothing more; before 3 s: Short
//! ```

use std::time::Duration;

use crate::device::event::Gesture;

/// Held for this long it is `Long`.
pub const LONG: Duration = Duration::from_secs(3);
/// Held for this long it is `VeryLong`.
pub const VERY_LONG: Duration = Duration::from_secs(10);

/// A gesture and when it happened.
pub type Told = (Gesture, Duration);

/// The machine. Times are monotonic and of one clock; one that goes back is taken for the latest.
#[derive(Debug)]
pub struct Gestures {
    debounce: Duration,
    /// Level as last heard, and since when.
    raw: (bool, Duration),
    /// Level that counts.
    settled: bool,
    /// The press that is going on.
    press: Option<Press>,
    now: Duration,
}

#[derive(Debug)]
struct Press {
    since: Duration,
    last: Option<Gesture>,
}

impl Press {
    /// What comes next if it is held.
    fn next(&self) -> Option<Told> {
        match self.last {
            None => Some((Gesture::Long, self.since + LONG)),
            Some(Gesture::Long) => Some((Gesture::VeryLong, self.since + VERY_LONG)),
            Some(_) => None,
        }
    }
}

impl Gestures {
    /// A machine that starts with the level `pressed`. A button that is pressed (or stuck) at the start makes no gesture
    /// until it was let go.
    #[must_use]
    pub fn new(debounce: Duration, pressed: bool, now: Duration) -> Self {
        Self {
            debounce,
            raw: (pressed, now),
            settled: pressed,
            press: None,
            now,
        }
    }

    /// An edge to the level `pressed` at `at`. Gestures that were due before it come with it.
    pub fn edge(&mut self, pressed: bool, at: Duration) -> Vec<Told> {
        let mut told = self.tick(at);
        // The same level twice: the edge between them got lost, so it bounces still.
        if pressed != self.raw.0 || self.raw.0 != self.settled {
            self.raw = (pressed, self.now);
        }
        // What waited for the end of a doubt.
        told.extend(self.tick(at));
        told
    }

    /// The level as it was read at `now`: after a burst of edges too long for the kernel's queue, the last ones are
    /// missing.
    pub fn seen(&mut self, pressed: bool, now: Duration) -> Vec<Told> {
        if pressed == self.raw.0 {
            return self.tick(now);
        }
        self.edge(pressed, now)
    }

    /// Time has come to `now`.
    pub fn tick(&mut self, now: Duration) -> Vec<Told> {
        self.now = self.now.max(now);
        let mut told = Vec::new();
        while let Some(at) = self.deadline().filter(|at| *at <= self.now) {
            if self.settles() == Some(at) {
                self.settle(&mut told);
            } else if let Some(press) = &mut self.press
                && let Some(next) = press.next()
            {
                press.last = Some(next.0);
                told.push(next);
            }
        }
        told
    }

    /// When to tick again, if no edge comes before; `None`: an edge must come.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        // While the level is in doubt the held time waits: the press may have ended before it.
        let settles = self.settles();
        settles.or_else(|| Some(self.press.as_ref()?.next()?.1))
    }

    fn settles(&self) -> Option<Duration> {
        (self.raw.0 != self.settled).then(|| self.raw.1 + self.debounce)
    }

    fn settle(&mut self, told: &mut Vec<Told>) {
        let (pressed, since) = self.raw;
        self.settled = pressed;
        if pressed {
            self.press = Some(Press { since, last: None });
            return;
        }
        let Some(mut press) = self.press.take() else {
            return;
        };
        // What was due while the level was in doubt, and before it changed.
        while let Some(next) = press.next().filter(|n| n.1 <= since) {
            press.last = Some(next.0);
            told.push(next);
        }
        if press.last.is_none() {
            told.push((Gesture::Short, since));
        }
    }
}

#[cfg(test)]
#[path = "gesture_tests.rs"]
mod tests;
