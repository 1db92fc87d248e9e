//! Who was there, and how long.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::evidence::{Count, Figure};
use super::line::Line;
use crate::room::live::event::{Event, Fact};

/// Who was there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Audience {
    /// Distinct viewers: whoever was there, or did anything.
    pub viewers: Count,
    /// Views: each time that somebody began to watch, and whoever was there when the show began.
    pub views: Count,
    /// Most at once.
    pub peak: Count,
    /// At once on average over the length of the show.
    pub average: Figure,
    /// Time that all of them watched, ms. Who did not leave stayed until the end.
    pub watch_ms: Count,
    /// The same per viewer who watched: mean, ms.
    pub watch_mean_ms: Figure,
    /// Median, ms.
    pub watch_median_ms: Figure,
    /// Step by step.
    pub over_time: Vec<Here>,
}

/// How many were there during a step of the series.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, JsonSchema)]
pub struct Here {
    /// Most at once.
    pub most: u64,
    /// On average.
    pub mean: f64,
}

/// Who is there while the events go by.
#[derive(Debug, Default)]
struct Presence {
    /// Since when; `None`: from before the show.
    here: BTreeMap<u64, Option<u64>>,
    watched: BTreeMap<u64, u64>,
    /// Time and number, at each change.
    course: Vec<(u64, u64)>,
}

impl Presence {
    fn note(&mut self, elapsed: u64) -> u64 {
        let now = self.here.len() as u64;
        self.course.push((elapsed, now));
        now
    }

    fn add(&mut self, viewer: u64, ms: u64) {
        let sum = self.watched.entry(viewer).or_default();
        *sum = sum.saturating_add(ms);
    }

    fn come(&mut self, viewer: u64, elapsed: u64) {
        // Twice without having left: the box was started anew in between.
        if let Some(since) = self.here.insert(viewer, Some(elapsed)) {
            self.add(viewer, elapsed.saturating_sub(since.unwrap_or(0)));
        }
    }

    fn go(&mut self, viewer: u64, elapsed: u64, stayed_ms: u64) {
        match self.here.remove(&viewer) {
            // By the monotonic clock of the room: better than the times of events.
            Some(Some(_)) => self.add(viewer, stayed_ms),
            Some(None) => self.add(viewer, stayed_ms.min(elapsed)),
            None => {}
        }
    }
}

impl Audience {
    pub(super) fn of(line: &Line<'_>) -> Self {
        let mut audience = Self::default();
        let mut presence = Presence::default();
        let (mut ever, mut presences) = (BTreeSet::new(), Count::default());
        for event in there_at_the_beginning(line) {
            presence.here.insert(event.viewer, None);
            ever.insert(event.viewer);
            audience.views.one(event);
            presences.from.add(event);
            audience.viewers.one(event);
        }
        audience.peak.n = presence.note(0);
        for (elapsed, event) in line.during() {
            if event.viewer != 0 && is_own_doing(&event.fact) && ever.insert(event.viewer) {
                audience.viewers.one(event);
            }
            match event.fact {
                Fact::Joined if event.viewer != 0 => {
                    audience.views.one(event);
                    presence.come(event.viewer, *elapsed);
                }
                Fact::Left { stayed_ms } if event.viewer != 0 => {
                    presence.go(event.viewer, *elapsed, stayed_ms);
                }
                _ => continue,
            }
            presences.from.add(event);
            audience.peak.n = audience.peak.n.max(presence.note(*elapsed));
        }
        for (viewer, since) in std::mem::take(&mut presence.here) {
            presence.add(viewer, line.length_ms().saturating_sub(since.unwrap_or(0)));
        }
        let from = presences.from;
        let times: Vec<u64> = presence.watched.values().copied().collect();
        audience.watch_ms = Count {
            n: times.iter().fold(0, |a, b| a.saturating_add(*b)),
            from: from.clone(),
        };
        audience.watch_mean_ms = audience.watch_ms.per(times.len() as f64);
        audience.watch_median_ms = Figure {
            value: median(times),
            from: from.clone(),
        };
        audience.peak.from = from.clone();
        let (over_time, average) = series(&presence.course, line);
        audience.average = Figure {
            value: average,
            from,
        };
        audience.over_time = over_time;
        audience
    }
}

/// The event of each viewer that shows that they were there when the show began: that they had come, or that they left without
/// having come since.
fn there_at_the_beginning<'a>(line: &Line<'a>) -> Vec<&'a Event> {
    let mut there: BTreeMap<u64, &Event> = BTreeMap::new();
    for event in line.before() {
        match event.fact {
            Fact::Joined => {
                there.insert(event.viewer, event);
            }
            Fact::Left { .. } => {
                there.remove(&event.viewer);
            }
            _ => {}
        }
    }
    let mut seen = BTreeSet::new();
    for (_, event) in line.during() {
        let presence = matches!(event.fact, Fact::Joined | Fact::Left { .. });
        if presence && seen.insert(event.viewer) && event.fact != Fact::Joined {
            there.entry(event.viewer).or_insert(event);
        }
    }
    there.remove(&0);
    there.into_values().collect()
}

/// Whether the viewer of such an event was there and did it.
fn is_own_doing(fact: &Fact) -> bool {
    !matches!(
        fact,
        Fact::Came { .. } | Fact::Renamed { .. } | Fact::Moderated { .. }
    )
}

fn median(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    let middle = times.len() / 2;
    match (
        times.get(middle),
        middle.checked_sub(1).and_then(|i| times.get(i)),
    ) {
        (Some(upper), Some(lower)) if times.len().is_multiple_of(2) => {
            (*upper as f64 + *lower as f64) / 2.0
        }
        (Some(one), _) => *one as f64,
        (None, _) => 0.0,
    }
}

/// Most and mean of each step, and the mean of all.
fn series(course: &[(u64, u64)], line: &Line<'_>) -> (Vec<Here>, f64) {
    let mut steps = vec![Here::default(); line.steps()];
    // Area under the course, viewers × ms.
    let mut areas = vec![0.0_f64; line.steps()];
    for (i, (from, n)) in course.iter().enumerate() {
        let to = course.get(i + 1).map_or(line.length_ms(), |(to, _)| *to);
        for step in line.step_of(*from)..=line.step_of(to) {
            let begin = line.step_ms().saturating_mul(step as u64);
            let (a, b) = (
                (*from).max(begin),
                to.min(begin.saturating_add(line.step_ms())),
            );
            if let (Some(here), Some(area)) = (steps.get_mut(step), areas.get_mut(step)) {
                // The moment of the change counts even if the next one follows at once.
                if b > a || *from >= begin {
                    here.most = here.most.max(*n);
                }
                *area += *n as f64 * b.saturating_sub(a) as f64;
            }
        }
    }
    let all: f64 = areas.iter().sum();
    for (i, (here, area)) in steps.iter_mut().zip(&areas).enumerate() {
        let begin = line.step_ms().saturating_mul(i as u64);
        let width = line.length_ms().saturating_sub(begin).min(line.step_ms());
        here.mean = if width > 0 {
            area / width as f64
        } else {
            here.most as f64
        };
    }
    let length = line.length_ms() as f64;
    (steps, if length > 0.0 { all / length } else { 0.0 })
}
