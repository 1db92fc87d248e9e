//! Temperature, supply and throttling become events.
//!
//! ```text
//!   watch thread ──"look"──> look thread (may hang in a driver) ──Look──> watch thread ──events──> core
//!        ^ stop                                                             every 2 s
//! ```
//!
//! The look thread is asked again only when it has answered, so a driver that hangs costs one thread and no more.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::Parts;
use crate::device::event::{Event, HardwareEvent, PowerState};
use crate::edge::thermal::{self, Look, Places, Reading};

/// Time between looks.
const EVERY: Duration = Duration::from_secs(2);
/// How long a look that is under way may still take at the end.
const LAST_LOOK: Duration = Duration::from_millis(200);

/// What the watch thread hears.
enum Word {
    Seen(Look),
    Stop,
}

/// The running part.
pub struct Thermal {
    running: Option<(SyncSender<Word>, JoinHandle<()>)>,
}

impl Thermal {
    /// Starts it, unless the configuration switches it off.
    #[must_use]
    pub fn start(parts: &Parts<'_>) -> Self {
        if !parts.config.thermal.enabled {
            return Self { running: None };
        }
        let places = Places::of(&parts.config.thermal, parts.board);
        let handle = parts.handle.clone();
        Self::watch(
            EVERY,
            thermal::LIMIT,
            move || thermal::look(&places),
            move |event| handle.event(Event::Hardware(event)),
        )
    }

    /// Starts both threads: `look` every `every`, what it saw to `tell`.
    fn watch(
        every: Duration,
        limit: Duration,
        look: impl Fn() -> Look + Send + 'static,
        tell: impl Fn(HardwareEvent) + Send + 'static,
    ) -> Self {
        // One answer at a time and one stop: neither ever waits for room.
        let (words, inbox) = sync_channel(4);
        let (requests, asked) = sync_channel::<()>(1);
        let answers = words.clone();
        let looker = spawn("thermal-look", move || {
            while asked.recv().is_ok() {
                if answers.send(Word::Seen(look())).is_err() {
                    return;
                }
            }
        });
        let watcher = looker.and_then(|looker| {
            let watch = Watch {
                every,
                limit,
                inbox,
                requests,
                looker,
                tell: Teller::new(tell),
            };
            spawn("thermal", move || watch.run())
        });
        Self {
            running: watcher.map(|thread| (words, thread)),
        }
    }

    /// Ends it; at most [`LAST_LOOK`] later.
    pub fn stop(self) {
        if let Some((words, thread)) = self.running {
            // A thread that has ended already hears nothing and is joined all the same.
            let _ = words.send(Word::Stop);
            if thread.join().is_err() {
                tracing::error!("the watch over the temperature ended by a fault of ours");
            }
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Option<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .inspect_err(|e| tracing::warn!("the temperature is not watched: no thread: {e}"))
        .ok()
}

/// The watch thread.
struct Watch<T> {
    every: Duration,
    limit: Duration,
    inbox: Receiver<Word>,
    requests: SyncSender<()>,
    looker: JoinHandle<()>,
    tell: Teller<T>,
}

impl<T: Fn(HardwareEvent)> Watch<T> {
    fn run(mut self) {
        let mut next = Instant::now();
        // Since when an answer is awaited, and whether it was said that it is late.
        let mut asked: Option<Instant> = None;
        let mut late = false;
        loop {
            let now = Instant::now();
            if asked.is_none() && now >= next {
                if self.requests.try_send(()).is_err() {
                    break;
                }
                asked = Some(now);
                next = now + self.every;
            }
            let wake = match asked {
                Some(at) if !late => at + self.limit,
                Some(_) => now + self.every,
                None => next,
            };
            match self.inbox.recv_timeout(wake.saturating_duration_since(now)) {
                Ok(Word::Seen(look)) => {
                    (asked, late) = (None, false);
                    self.tell.seen(look);
                }
                Ok(Word::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if !late && asked.is_some_and(|at| at.elapsed() >= self.limit) {
                        late = true;
                        self.tell
                            .lost("the temperature sensor does not answer".to_owned());
                    }
                }
            }
        }
        self.end(asked.is_some());
    }

    /// Joins the look thread, or leaves it to itself when it hangs in a driver: it ends when that answers.
    fn end(self, looking: bool) {
        drop(self.requests);
        let answered = !looking || {
            let until = Instant::now() + LAST_LOOK;
            loop {
                let left = until.saturating_duration_since(Instant::now());
                match self.inbox.recv_timeout(left) {
                    Ok(Word::Seen(_)) => break true,
                    Ok(Word::Stop) => {}
                    Err(_) => break false,
                }
            }
        };
        if answered {
            let _ = self.looker.join();
        } else {
            tracing::warn!(
                "the temperature sensor still does not answer; its thread is left behind"
            );
        }
    }
}

/// What was told, so that each thing is told when it changes.
struct Teller<T> {
    tell: T,
    power: Option<PowerState>,
    /// The supply was too weak at some time: the kernel forgets it within seconds.
    weak_before: bool,
    /// Why there is no temperature, as it was logged last.
    trouble: Option<String>,
    /// The sensor in use, as it was logged last.
    sensor: Option<String>,
}

impl<T: Fn(HardwareEvent)> Teller<T> {
    fn new(tell: T) -> Self {
        Self {
            tell,
            power: None,
            weak_before: false,
            trouble: None,
            sensor: None,
        }
    }

    fn seen(&mut self, look: Look) {
        match look.temperature {
            Ok(Some(reading)) => self.temperature(reading),
            Ok(None) => self.none(),
            Err(e) => self.lost(e.report()),
        }
        if let Some(supply) = look.supply {
            self.power(supply.power());
        }
    }

    fn temperature(&mut self, reading: Reading) {
        if self.trouble.take().is_some() || self.sensor.as_ref() != Some(&reading.sensor) {
            tracing::info!(
                sensor = reading.sensor,
                celsius = reading.celsius,
                "temperature"
            );
            self.sensor = Some(reading.sensor);
        }
        (self.tell)(HardwareEvent::Temperature(reading.celsius));
    }

    /// No sensor: a machine that never had one is not spoken of; one that had is.
    fn none(&mut self) {
        if self.sensor.is_some() {
            self.lost("the temperature sensor is gone".to_owned());
        }
    }

    /// Without readings the core keeps the picture as it is and says, after a while, that the sensor is silent.
    fn lost(&mut self, why: String) {
        if self.trouble.as_ref() != Some(&why) {
            tracing::warn!("no temperature: {why}");
            self.trouble = Some(why);
        }
    }

    fn power(&mut self, now: PowerState) {
        self.weak_before |= now.under_voltage || now.under_voltage_before;
        let power = PowerState {
            under_voltage_before: self.weak_before,
            ..now
        };
        if self.power != Some(power) {
            self.power = Some(power);
            (self.tell)(HardwareEvent::Power(power));
        }
    }
}

#[cfg(test)]
#[path = "thermal_tests.rs"]
mod tests;
