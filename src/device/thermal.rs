//! Heat: from temperatures to a level, and from the level to a picture that costs the processor less.
//!
//! ```text
//!             step_c (80 °C)               lowest_c (85 °C)
//!   Normal ─────────────────> Reduced ─────────────────────> Lowest     from Normal too
//!      ^                       │   ^                            │
//!      └── cool for the hold ──┘   └──── cool for the hold ─────┘
//! ```
//!
//! Cool means: every reading at least 5 °C below `step_c`. The hold is 60 s unless configured; whenever it gets hot again within 10 minutes
//! of a step back, the next hold is twice as long, up to 16 minutes: a box in the sun must not change its picture for
//! ever. A sensor that is silent for 30 s tells nothing: the level stays where it is, and cooling is counted anew.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Profile, VideoSettings};

/// So far below the first limit is cool, °C.
pub const COOL_BELOW: f32 = 5.0;
/// How long it must be cool before the picture is stepped back, unless [`Limits::hold`] says otherwise.
pub const HOLD: Duration = Duration::from_secs(60);
/// The longest such time.
pub const HOLD_MAX: Duration = Duration::from_secs(960);
/// Heat within this time of a step back makes the hold longer.
pub const RELAPSE: Duration = Duration::from_secs(600);
/// A sensor that says nothing for this long is silent.
pub const SILENT: Duration = Duration::from_secs(30);
/// What no processor has, °C: such a reading is a fault of the sensor.
const ABSURD_C: f32 = 150.0;

/// At which temperatures the picture is made smaller; facts of the board.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// °C from which it is one step smaller.
    pub step_c: f32,
    /// °C from which it is the smallest.
    pub lowest_c: f32,
    /// How long it must be cool before the picture is stepped back; the longer times after a relapse grow with it.
    pub hold: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            step_c: 80.0,
            lowest_c: 85.0,
            hold: HOLD,
        }
    }
}

impl Limits {
    /// A time counted in [`HOLD`]s, in this box's own.
    fn scaled(self, hold: Duration) -> Duration {
        hold.mul_f64(self.hold.as_secs_f64() / HOLD.as_secs_f64())
    }
}

/// What heat does to the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeatLevel {
    /// Nothing.
    #[default]
    Normal,
    /// One step smaller than wanted.
    Reduced,
    /// The smallest.
    Lowest,
}

/// The temperature, and what follows from it. All times are monotonic, since start.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// The level in force.
    pub level: HeatLevel,
    /// The last reading, °C; `None`: none yet, or the sensor is silent.
    pub celsius: Option<f32>,
    /// The sensor gave readings before and is silent now.
    pub silent: bool,
    read_at: Duration,
    cool_since: Option<Duration>,
    stepped_back_at: Option<Duration>,
    hold: Duration,
}

impl Default for Heat {
    fn default() -> Self {
        Self {
            level: HeatLevel::Normal,
            celsius: None,
            silent: false,
            read_at: Duration::ZERO,
            cool_since: None,
            stepped_back_at: None,
            hold: HOLD,
        }
    }
}

impl Heat {
    /// A reading, °C. What no processor can have is not believed.
    pub fn read(&mut self, celsius: f32, limits: Limits, now: Duration) {
        if !(-ABSURD_C..=ABSURD_C).contains(&celsius) {
            return;
        }
        self.tick(now);
        self.celsius = Some(celsius);
        self.silent = false;
        self.read_at = now;
        if celsius >= limits.lowest_c.max(limits.step_c) {
            self.raise(HeatLevel::Lowest, now);
        } else if celsius >= limits.step_c {
            self.raise(HeatLevel::Reduced, now);
        }
        if celsius >= limits.step_c - COOL_BELOW {
            self.cool_since = None;
            return;
        }
        let since = *self.cool_since.get_or_insert(now);
        if now.saturating_sub(since) >= limits.scaled(self.hold) && self.level > HeatLevel::Normal {
            self.level = match self.level {
                HeatLevel::Lowest => HeatLevel::Reduced,
                HeatLevel::Reduced | HeatLevel::Normal => HeatLevel::Normal,
            };
            self.cool_since = Some(now);
            self.stepped_back_at = Some(now);
        }
    }

    fn raise(&mut self, to: HeatLevel, now: Duration) {
        if to <= self.level {
            return;
        }
        self.level = to;
        if let Some(at) = self.stepped_back_at.take() {
            self.hold = if now.saturating_sub(at) < RELAPSE {
                self.hold.saturating_mul(2).min(HOLD_MAX)
            } else {
                HOLD
            };
        }
    }

    /// Time went on.
    pub fn tick(&mut self, now: Duration) {
        if self.celsius.is_some() && now.saturating_sub(self.read_at) >= SILENT {
            self.celsius = None;
            self.cool_since = None;
            self.silent = true;
        }
    }

    /// As small as it gets, and still too hot.
    #[must_use]
    pub fn is_too_much(&self, limits: Limits) -> bool {
        self.level == HeatLevel::Lowest && self.celsius.is_some_and(|c| c >= limits.lowest_c)
    }
}

/// The picture to make at `level` when `wanted` is wanted: that of a named profile below it, in its own shape, and in
/// nothing more than wanted.
#[must_use]
pub fn cap(wanted: &VideoSettings, level: HeatLevel) -> VideoSettings {
    let load = |(w, h, fps, _): (u32, u32, u32, u32)| u64::from(w) * u64::from(h) * u64::from(fps);
    let own = load((wanted.width, wanted.height, wanted.fps, 0));
    let smallest = Profile::P480.numbers();
    let to = match level {
        HeatLevel::Normal => return wanted.clone(),
        HeatLevel::Lowest => smallest,
        HeatLevel::Reduced => [Profile::P1080.numbers(), Profile::P720.numbers()]
            .into_iter()
            .find(|p| load(*p) < own)
            .unwrap_or(smallest),
    };
    let (width, height) = fit(wanted.width, wanted.height, to.0 * to.1);
    VideoSettings {
        width,
        height,
        fps: wanted.fps.min(to.2),
        bitrate: wanted.bitrate.min(to.3),
        ..wanted.clone()
    }
}

/// The size of the same shape with about `pixels` pixels, even numbers; as it is if it has no more.
fn fit(width: u32, height: u32, pixels: u32) -> (u32, u32) {
    let own = f64::from(width) * f64::from(height);
    if own <= f64::from(pixels) {
        return (width, height);
    }
    let scale = (f64::from(pixels) / own).sqrt();
    let even = |n: u32| {
        // From 0 to 65535 by its bounds: nothing is lost in the conversion.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let half = (f64::from(n) * scale / 2.0).round().clamp(8.0, 32_767.0) as u32;
        (half * 2).min(n)
    };
    (even(width), even(height))
}

#[cfg(test)]
#[path = "thermal_tests.rs"]
mod tests;
