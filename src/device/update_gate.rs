//! The health gate: whether a version on trial does well enough to be kept.
//!
//! ```text
//!   ── no stretch ──(encoder up, data partition takes writes)──> stretch ──120 s, each window well──> well ──> MarkGood
//!          ^                                                       │ │
//!          └── a window with too few frames, a write that failed, <┘ │  another encoder session, other frames per second
//!          └──────────────────────────────────────────────────────────┘
//!   8 minutes after the first start of the service, or started again three times: RollBack
//! ```
//!
//! Frames are counted where they go out (the main fan-out), so the slate's count: a camera that is not there says nothing
//! about a version. They are counted per window of 10 s, so that a stall cannot hide in the mean of a longer time.

use std::time::Duration;

use super::effect::Effect;
use super::encoder::{Encoder, Session};
use super::state::State;
use super::update::{Starts, UpdateStep};

/// How long a trial must go well before the new version is kept.
pub const GATE: Duration = Duration::from_secs(120);
/// Frames are judged over this long.
pub const WINDOW: Duration = Duration::from_secs(10);
/// After this long since the first start of the service the old version returns.
pub const DEADLINE: Duration = Duration::from_secs(480);
/// A service that was started so often since the board was has no hope.
pub const MOST_STARTS: u32 = 4;
/// Frames that must go out, per cent of the nominal.
pub const ENOUGH_PERCENT: u64 = 95;
/// Frames per second that are enough of a camera's own stream: how many it makes is its own affair.
const PASSTHROUGH_FPS: u32 = 5;
/// A write to the data partition that is not heard of for this long has failed.
const DATA_LIMIT: Duration = Duration::from_secs(25);
/// A window that is not closed after this long saw no report of frames.
const WINDOW_LIMIT: Duration = Duration::from_secs(15);
/// How long marking may take before it is asked for again.
const MARK_LIMIT: Duration = Duration::from_secs(10);

/// What must not change within a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Running {
    fps: u32,
    main: Option<Duration>,
    sub: Option<Duration>,
}

/// A time in which everything went well so far.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stretch {
    running: Running,
    begun: (Duration, u64),
    window: (Duration, u64),
}

/// How a trial goes. Monotonic times since start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gate {
    /// How often the service was started since the board was.
    pub starts: Option<Starts>,
    /// Whole seconds that went well so far.
    pub well_s: u64,
    /// Why the last stretch ended, one clause.
    pub why: Option<String>,
    /// The last write to the data partition that was heard of, and whether it was taken.
    data: Option<(Duration, bool)>,
    stretch: Option<Stretch>,
    passed: bool,
    asked: Option<Duration>,
}

impl Gate {
    /// A write to the data partition was taken, or not.
    pub(super) fn data(&mut self, yes: bool, now: Duration) {
        self.data = Some((now, yes));
        if !yes {
            self.spoil("the data partition takes no writes".into());
        }
    }

    /// It could not be marked good.
    pub(super) fn not_marked(&mut self, reason: &str) {
        self.why = Some(format!("it could not be marked good: {reason}"));
    }

    /// Whether everything went well for long enough.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.passed
    }

    /// The trial is over.
    pub(super) fn forget(&mut self) {
        *self = Self {
            starts: self.starts,
            ..Self::default()
        };
    }

    fn spoil(&mut self, why: String) {
        if self.stretch.take().is_some() || self.why.is_none() {
            self.why = Some(why);
        }
        self.passed = false;
        self.well_s = 0;
    }

    fn data_is_well(&self, now: Duration) -> bool {
        self.data
            .is_some_and(|(at, yes)| yes && now.saturating_sub(at) < DATA_LIMIT)
    }

    /// The count of frames at `now`; `running`: what makes them, if anything does.
    fn frames(&mut self, count: u64, running: Option<Running>, now: Duration) {
        let Some(running) = running else {
            self.spoil("the encoder does not run".into());
            return;
        };
        if !self.data_is_well(now) {
            self.spoil("the data partition takes no writes".into());
            return;
        }
        let begin = |gate: &mut Self| {
            gate.stretch = Some(Stretch {
                running,
                begun: (now, count),
                window: (now, count),
            });
        };
        let Some(stretch) = &mut self.stretch else {
            begin(self);
            return;
        };
        if stretch.running != running {
            self.spoil("the encoder began anew".into());
            begin(self);
            return;
        }
        let (window, begun) = (stretch.window, stretch.begun);
        if count < window.1 {
            self.spoil("the frames were counted anew".into());
            begin(self);
            return;
        }
        if now.saturating_sub(window.0) >= WINDOW {
            if !enough(running.fps, window, (now, count)) {
                self.spoil(too_few(running.fps, window, (now, count)));
                begin(self);
                return;
            }
            stretch.window = (now, count);
            let time = now.saturating_sub(begun.0);
            self.passed = time >= GATE && enough(running.fps, begun, (now, count));
            self.well_s = time.min(GATE).as_secs();
        }
    }

    /// What makes the frames is what made them all along; `None`: nothing does.
    fn still(&mut self, running: Option<Running>) {
        let Some(stretch) = &self.stretch else {
            return;
        };
        if running != Some(stretch.running) {
            self.spoil("the encoder began anew".into());
        }
    }

    /// Time without a word is not well.
    fn quiet(&mut self, now: Duration) {
        let Some(stretch) = &self.stretch else {
            return;
        };
        if now.saturating_sub(stretch.window.0) > WINDOW_LIMIT {
            self.spoil("no frames were counted".into());
        } else if !self.data_is_well(now) {
            self.spoil("the data partition takes no writes".into());
        }
    }
}

/// Whether enough frames went out between two counts.
fn enough(fps: u32, (from, before): (Duration, u64), (to, after): (Duration, u64)) -> bool {
    let ms = u64::try_from(to.saturating_sub(from).as_millis()).unwrap_or(u64::MAX);
    let wanted = u64::from(fps)
        .saturating_mul(ms)
        .saturating_mul(ENOUGH_PERCENT);
    after.saturating_sub(before).saturating_mul(100_000) >= wanted
}

fn too_few(fps: u32, (from, before): (Duration, u64), (to, after): (Duration, u64)) -> String {
    let s = to.saturating_sub(from).as_secs().max(1);
    let out = after.saturating_sub(before);
    let nominal = u64::from(fps).saturating_mul(s);
    format!("only {out} of about {nominal} frames went out in {s} s")
}

impl State {
    /// Frames were counted.
    pub(super) fn gate_frames(&mut self) {
        if !self.actual.update.on_trial() {
            return;
        }
        let running = self.running();
        let (count, now) = (self.actual.flow.main, self.now);
        self.actual.update.gate.frames(count, running, now);
    }

    fn running(&self) -> Option<Running> {
        let since = |encoder: &Encoder| match encoder.session {
            Session::Up { since, .. } => Some(since),
            _ => None,
        };
        if self.actual.passthrough {
            return Some(Running {
                fps: PASSTHROUGH_FPS,
                main: None,
                sub: None,
            });
        }
        Some(Running {
            fps: self.video().fps,
            main: Some(since(&self.actual.main)?),
            sub: self.actual.sub.as_ref().and_then(since),
        })
    }

    /// Keeps the version on trial, gives it up, or waits.
    pub(super) fn tick_gate(&mut self, effects: &mut Vec<Effect>) {
        let now = self.now;
        let running = self.running();
        let gate = &mut self.actual.update.gate;
        gate.quiet(now);
        gate.still(running);
        let asked_lately = gate
            .asked
            .is_some_and(|at| now.saturating_sub(at) < MARK_LIMIT);
        if asked_lately {
            return;
        }
        let starts = gate.starts;
        let since_first = now.saturating_add(starts.map_or(Duration::ZERO, |s| s.first_ago));
        let reason = if self.setup.safe.is_some() {
            // Its picture flows, but it is no show: the service failed too often, or cannot use its settings.
            "it came up in safe mode only".to_owned()
        } else if let Some(starts) = starts.filter(|s| s.count >= MOST_STARTS) {
            format!("the service was started {} times", starts.count)
        } else if since_first >= DEADLINE {
            let why = gate.why.as_deref().unwrap_or("nothing was heard of it");
            format!(
                "it did not do well for {} s within {} minutes: {why}",
                GATE.as_secs(),
                DEADLINE.as_secs() / 60
            )
        } else {
            if gate.passed {
                gate.asked = Some(now);
                effects.push(Effect::Update(UpdateStep::MarkGood));
            }
            return;
        };
        self.leave(reason, effects);
    }
}
