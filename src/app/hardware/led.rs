//! The status LED follows the status: a thread that sleeps from one change of the light to the next and wakes at once
//! when another pattern is to be shown.
//!
//! A light that cannot be driven is reported once and tried again every 10 s, from the finding of its line on; so is its
//! return. At the end it is dark.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot, watch};

use super::{Parts, join};
use crate::config::Lamp;
use crate::device::event::{Event, HardwareEvent};
use crate::device::status::Status;
use crate::device::supervisor::Handle;
use crate::edge::gpio::led::{self, News};
use crate::edge::gpio::pin::{self, RealPin};
use crate::error::Error;

/// Time between tries to have a light that cannot be had.
pub(super) const RETRY: Duration = Duration::from_secs(10);
/// How long the end of a thread is waited for.
pub(super) const END_LIMIT: Duration = Duration::from_millis(200);

/// The running part.
pub struct Led {
    running: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
    blink: Arc<Notify>,
}

impl Led {
    /// Starts it.
    #[must_use]
    pub fn start(parts: &Parts<'_>) -> Self {
        let blink = Arc::new(Notify::new());
        let lamps = parts.config.led.lamps.clone();
        if lamps.is_empty() {
            return Self {
                running: None,
                blink,
            };
        }
        let (stop, stopped) = oneshot::channel();
        let follower = Follower {
            lamps,
            handle: parts.handle.clone(),
            status: parts.status.clone(),
            begun: Instant::now(),
            lamp: None,
            failing: None,
            told: None,
            blink: blink.clone(),
        };
        let runtime = parts.runtime.clone();
        let thread = thread::Builder::new()
            .name("led".into())
            .spawn(move || runtime.block_on(follower.run(stopped)));
        let running = thread
            .map(|thread| (stop, thread))
            .inspect_err(|e| tracing::error!("the LED's thread could not be started: {e}"))
            .ok();
        Self { running, blink }
    }

    /// Whoever notifies it makes the light blink once, as soon as it can; several before that are one.
    #[must_use]
    pub fn blinker(&self) -> Arc<Notify> {
        self.blink.clone()
    }

    /// Ends it; the light is dark then.
    pub fn stop(self) {
        if let Some((stop, thread)) = self.running {
            drop(stop);
            join(thread, "LED", END_LIMIT);
        }
    }
}

struct Follower {
    lamps: Vec<Lamp>,
    handle: Handle,
    status: watch::Receiver<Status>,
    begun: Instant,
    /// The light, and which one it is.
    lamp: Option<(led::Led<RealPin>, String)>,
    /// When it began to fail, and when it is tried anew.
    failing: Option<Duration>,
    /// The fault that was told last.
    told: Option<String>,
    /// A notification is on the picture.
    blink: Arc<Notify>,
}

impl Follower {
    async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let mut alive = true;
        loop {
            let next = self.turn();
            let wait = async {
                match next {
                    Some(at) => tokio::time::sleep_until((self.begun + at).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = &mut stop => break,
                changed = self.status.changed(), if alive => alive = changed.is_ok(),
                () = self.blink.notified() => {
                    let now = self.now();
                    if let Some((lamp, _)) = &mut self.lamp {
                        lamp.blink(now);
                    }
                }
                () = wait => {}
            }
        }
        if let Some((lamp, _)) = &mut self.lamp
            && let Err(e) = lamp.dark()
        {
            tracing::debug!("the LED stays as it is: {e}");
        }
    }

    fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Brings the light to where it must be now; says when that changes by itself.
    fn turn(&mut self) -> Option<Duration> {
        let now = self.now();
        if self.failing.is_some_and(|since| now >= since + RETRY) {
            // Begun anew: the line may be another one by now.
            self.lamp = None;
            self.failing = None;
        }
        if self.lamp.is_none() && self.failing.is_none() {
            self.open(now);
        }
        let again = self.failing.map(|since| since + RETRY);
        let pattern = self.status.borrow_and_update().health.led;
        let Some((lamp, what)) = &mut self.lamp else {
            return again;
        };
        lamp.show(pattern, now);
        let turn = lamp.tick(now);
        match turn.news {
            None => {}
            Some(News::Failed(e)) => {
                let clause = e.clause(what);
                tracing::warn!("the LED does not work: {clause}");
                self.failing = Some(now);
                self.tell(Some(clause));
            }
            Some(News::Works) => {
                self.failing = None;
                self.tell(None);
            }
        }
        let again = self.failing.map(|since| since + RETRY);
        turn.next.into_iter().chain(again).min()
    }

    fn open(&mut self, now: Duration) {
        match pin::open(&self.lamps) {
            Ok((lamp, what)) => {
                tracing::info!("the LED is on {what}");
                self.lamp = Some((lamp, what));
                self.tell(None);
            }
            Err(e) => {
                self.failing = Some(now);
                if self.told.is_none() {
                    tracing::warn!("the LED stays dark: {}", e.report());
                }
                self.tell(Some(clause(&e)));
            }
        }
    }

    /// Reports a fault, or its end, when it is another than the one told last.
    fn tell(&mut self, fault: Option<String>) {
        if fault == self.told {
            return;
        }
        self.told.clone_from(&fault);
        let event = HardwareEvent::LedFault(fault);
        self.handle.event(Event::Hardware(event));
    }
}

/// The error in one clause.
pub(super) fn clause(e: &Error) -> String {
    e.message().trim_end_matches('.').to_owned()
}
