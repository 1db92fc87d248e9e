//! The status LED: a pattern of [`crate::device::led`] on one pin, or on three for red, green and blue.
//!
//! A machine without waits: whoever drives it calls [`Led::tick`] and comes back when it says. A pin is written to only
//! when its level changes. A write that fails is told once and tried again every [`RETRY`]; so is its success.

use std::time::Duration;

use embedded_hal::digital::{OutputPin, PinState};

use crate::device::led::{LedPattern, Light, lit, may_be_interrupted, notice, stays};

/// Time between tries to write to a pin that failed.
pub const RETRY: Duration = Duration::from_secs(3);

/// The pins.
enum Pins<P> {
    Single(P),
    Rgb([P; 3]),
}

/// A light on pins of any kind.
pub struct Led<P> {
    pins: Pins<P>,
    active_low: bool,
    /// Lit or dark, as last written; unknown at first and after a failure.
    written: [Option<bool>; 3],
    pattern: Option<(LedPattern, Duration)>,
    /// When the blink for a notification began.
    blink: Option<Duration>,
    /// When the last try failed.
    failed: Option<Duration>,
}

/// What a tick comes to.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn<E> {
    /// When to tick again; `None`: not before another pattern is shown.
    pub next: Option<Duration>,
    /// What is new about the pins.
    pub news: Option<News<E>>,
}

/// What is new about the pins.
#[derive(Debug, PartialEq, Eq)]
pub enum News<E> {
    /// A pin could not be written to. Told once; it is tried again by itself.
    Failed(E),
    /// They can be written to again.
    Works,
}

impl<P: OutputPin> Led<P> {
    /// A light of one colour.
    #[must_use]
    pub fn single(pin: P, active_low: bool) -> Self {
        Self::new(Pins::Single(pin), active_low)
    }

    /// A light of red, green and blue.
    #[must_use]
    pub fn rgb(pins: [P; 3], active_low: bool) -> Self {
        Self::new(Pins::Rgb(pins), active_low)
    }

    fn new(pins: Pins<P>, active_low: bool) -> Self {
        Self {
            pins,
            active_low,
            written: [None; 3],
            pattern: None,
            blink: None,
            failed: None,
        }
    }

    /// Shows a pattern from its beginning; one that is shown already goes on. Takes effect with the next tick.
    pub fn show(&mut self, pattern: LedPattern, now: Duration) {
        if self.pattern.is_none_or(|(shown, _)| shown != pattern) {
            self.pattern = Some((pattern, now));
        }
    }

    /// Blinks once over what is shown, if that may be interrupted; one that is under way is not begun anew. Takes effect
    /// with the next tick.
    pub fn blink(&mut self, now: Duration) {
        let under_way = self
            .blink
            .is_some_and(|begun| notice(now.saturating_sub(begun)).is_some());
        if !under_way {
            self.blink = Some(now);
        }
    }

    /// The light at `now`, and for how long it stays so.
    fn light(&self, now: Duration) -> (Light, Option<Duration>) {
        let Some((pattern, start)) = self.pattern else {
            return (Light::Off, None);
        };
        let blinking = self.blink.filter(|_| may_be_interrupted(pattern));
        if let Some((light, left)) = blinking.and_then(|begun| notice(now.saturating_sub(begun))) {
            return (light, Some(left));
        }
        let since = now.saturating_sub(start);
        (lit(pattern, since), stays(pattern, since))
    }

    /// Brings the pins to where they must be at `now`, a monotonic time. Without a pattern the light is dark.
    pub fn tick(&mut self, now: Duration) -> Turn<P::Error> {
        let retry = self.failed.map(|at| at + RETRY);
        if retry.is_some_and(|at| now < at) {
            return Turn {
                next: retry,
                news: None,
            };
        }
        let (light, stays) = self.light(now);
        match (self.put(light), self.failed) {
            (Ok(()), failed) => {
                self.failed = None;
                Turn {
                    next: stays.map(|d| now + d),
                    news: failed.map(|_| News::Works),
                }
            }
            (Err(e), failed) => {
                self.failed = Some(now);
                Turn {
                    next: Some(now + RETRY),
                    news: failed.is_none().then_some(News::Failed(e)),
                }
            }
        }
    }

    /// Dark, at once; no pattern is shown any more.
    ///
    /// # Errors
    /// The pin's own.
    pub fn dark(&mut self) -> Result<(), P::Error> {
        self.pattern = None;
        self.put(Light::Off)
    }

    fn put(&mut self, light: Light) -> Result<(), P::Error> {
        let (pins, lit): (&mut [P], _) = match (&mut self.pins, light) {
            (Pins::Single(pin), light) => (std::slice::from_mut(pin), [light.is_on(); 3]),
            (Pins::Rgb(pins), Light::On(colour)) => (pins, colour.rgb()),
            (Pins::Rgb(pins), Light::Off) => (pins, [false; 3]),
        };
        for ((pin, lit), written) in pins.iter_mut().zip(lit).zip(&mut self.written) {
            if *written == Some(lit) {
                continue;
            }
            *written = None;
            pin.set_state(PinState::from(lit != self.active_low))?;
            *written = Some(lit);
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "led_tests.rs"]
mod tests;
