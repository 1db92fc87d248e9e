//! A delay line for encoded access units of one track: with a sound offset below zero the picture comes later.
//!
//! Units are held for the delay and their times moved by it. Without delay they pass straight through, in the caller's
//! thread. The delay can change at any time: what is held is then due earlier or later, and times still strictly rise.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use gstreamer as gst;

use super::access_unit::{AccessUnit, Rising};
use super::raw::AuSink;
use super::time::MediaClock;

/// Longest delay.
const MAX_DELAY_MS: u32 = 2500;
/// Most units held; beyond (the thread was starved) the oldest goes out early. 2.5 s of 60 pictures/s and to spare.
const MAX_UNITS: usize = 512;

/// What is held, and when it is due. Pure: time comes from outside, in ns.
#[derive(Default)]
struct Line {
    delay_ns: u64,
    held: VecDeque<(u64, AccessUnit)>,
    rising: Rising,
    stopped: bool,
}

impl Line {
    fn push(&mut self, now: u64, unit: AccessUnit) {
        self.held.push_back((now, unit));
    }

    /// The next unit that is due, with the times that it goes out with.
    fn pop(&mut self, now: u64) -> Option<AccessUnit> {
        let due = self.due()? <= now || self.held.len() > MAX_UNITS;
        let (_, mut unit) = if due {
            self.held.pop_front()?
        } else {
            return None;
        };
        unit.pts = unit.pts.saturating_add(self.delay_ns);
        unit.dts = unit.dts.saturating_add(self.delay_ns);
        self.rising.apply(&mut unit);
        Some(unit)
    }

    fn due(&self) -> Option<u64> {
        let (arrived, _) = self.held.front()?;
        Some(arrived.saturating_add(self.delay_ns))
    }
}

struct Shared {
    line: Mutex<Line>,
    changed: Condvar,
    clock: MediaClock,
    out: AuSink,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        self.clock.now().nseconds()
    }

    /// Hands out what is due. The lock is held meanwhile, so that two threads cannot change the order; `out` never blocks.
    fn release(&self, line: &mut Line) {
        while let Some(unit) = line.pop(self.now()) {
            (self.out)(unit);
        }
    }

    fn run(&self) {
        let mut line = self.lock();
        while !line.stopped {
            self.release(&mut line);
            line = match line.due() {
                Some(due) => {
                    let wait = Duration::from_nanos(due.saturating_sub(self.now()).max(1000));
                    let waited = self.changed.wait_timeout(line, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .changed
                    .wait(line)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}

/// The running delay line. Dropped, it stops, as [`DelayLine::stop`] does.
pub struct DelayLine {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for DelayLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self.shared.lock();
        f.debug_struct("DelayLine")
            .field("delay", &gst::ClockTime::from_nseconds(line.delay_ns))
            .field("held", &line.held.len())
            .finish_non_exhaustive()
    }
}

impl DelayLine {
    /// Starts without delay. `out` is called from the thread of [`DelayLine::push`] or from the line's own, never from
    /// two at once.
    #[must_use]
    pub fn start(clock: &MediaClock, out: AuSink) -> Self {
        let shared = Arc::new(Shared {
            line: Mutex::new(Line::default()),
            changed: Condvar::new(),
            clock: clock.clone(),
            out,
        });
        let inner = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("delay-line".into())
            .spawn(move || inner.run())
            .inspect_err(|e| tracing::error!("no thread for a delay line, so no delay: {e}"))
            .ok();
        Self { shared, thread }
    }

    /// Takes a unit; never blocks.
    pub fn push(&self, unit: AccessUnit) {
        let mut line = self.shared.lock();
        let now = self.shared.now();
        line.push(now, unit);
        if line.delay_ns == 0 || line.held.len() > MAX_UNITS {
            self.shared.release(&mut line);
        } else if line.held.len() == 1 {
            self.shared.changed.notify_one();
        }
    }

    /// Sets the delay, at most 2500 ms, from now on and for what is held.
    pub fn set_delay_ms(&self, delay_ms: u32) {
        if self.thread.is_none() {
            return;
        }
        let mut line = self.shared.lock();
        line.delay_ns = u64::from(delay_ms.min(MAX_DELAY_MS)) * 1_000_000;
        self.shared.changed.notify_one();
    }

    /// Stops; what is held is dropped. Nothing comes out after this.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for DelayLine {
    fn drop(&mut self) {
        {
            let mut line = self.shared.lock();
            line.stopped = true;
            line.held.clear();
            self.shared.changed.notify_one();
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::media::access_unit::{Format, Track};

    const MS: u64 = 1_000_000;

    fn unit(ms: u64) -> AccessUnit {
        AccessUnit {
            track: Track::Video,
            pts: ms * MS,
            dts: ms * MS,
            duration: 33 * MS,
            keyframe: true,
            data: Bytes::from(ms.to_be_bytes().to_vec()),
            format: Arc::new(Format::Aac {
                rate: 0,
                channels: 0,
                config: Bytes::new(),
            }),
        }
    }

    fn drain(line: &mut Line, now_ms: u64) -> Vec<u64> {
        std::iter::from_fn(|| line.pop(now_ms * MS))
            .map(|u| u.pts / MS)
            .collect()
    }

    #[test]
    fn holds_for_the_delay_and_moves_the_times_by_it() {
        let mut line = Line::default();
        line.push(0, unit(0));
        assert_eq!(drain(&mut line, 0), [0]);
        line.delay_ns = 100 * MS;
        line.push(40 * MS, unit(40));
        line.push(80 * MS, unit(80));
        assert_eq!(drain(&mut line, 139), [0u64; 0]);
        assert_eq!(drain(&mut line, 140), [140]);
        // Shorter while one is held: it is due at once, and its time still rises.
        line.delay_ns = 50 * MS;
        assert_eq!(drain(&mut line, 141), [141]);
        line.push(160 * MS, unit(160));
        assert_eq!(drain(&mut line, 210), [210]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_order_is_kept_and_times_rise(
            steps in prop::collection::vec((0u64..60, prop::option::weighted(0.1, 0u64..2500), 0u64..5), 1..300)
        ) {
            let mut line = Line::default();
            let (mut now, mut pushed, mut out) = (0, Vec::new(), Vec::<AccessUnit>::new());
            for (step, delay, pops) in steps {
                now += step;
                if let Some(delay) = delay {
                    line.delay_ns = delay * MS;
                }
                line.push(now * MS, unit(now));
                pushed.push(now);
                for _ in 0..pops {
                    out.extend(line.pop(now * MS));
                }
                prop_assert!(line.held.len() <= MAX_UNITS + 1);
            }
            while let Some(unit) = line.pop(u64::MAX) {
                out.push(unit);
            }
            let contents: Vec<u64> = out
                .iter()
                .map(|u| u64::from_be_bytes(u.data[..].try_into().unwrap()))
                .collect();
            prop_assert_eq!(contents, pushed);
            prop_assert!(out.windows(2).all(|w| w[0].pts < w[1].pts && w[0].dts < w[1].dts));
        }
    }

    #[test]
    fn the_thread_releases_on_time_and_ends_with_stop() {
        gst::init().unwrap();
        let clock = MediaClock::start();
        let (send, out) = mpsc::channel();
        let send = Mutex::new(send);
        let line = DelayLine::start(
            &clock,
            Arc::new(move |unit| {
                let _ = send.lock().unwrap().send((Instant::now(), unit));
            }),
        );
        let mine = std::thread::current().id();
        line.push(unit(1));
        assert_eq!(out.try_recv().unwrap().1.pts, MS, "at once, in {mine:?}");
        line.set_delay_ms(150);
        let begun = Instant::now();
        line.push(unit(40));
        let (at, late) = out.recv_timeout(Duration::from_secs(20)).unwrap();
        assert_eq!(late.pts, 190 * MS);
        assert!(at - begun >= Duration::from_millis(150));
        // Longer than anybody waits; then short again: what is held comes at once.
        line.set_delay_ms(99_999);
        line.push(unit(80));
        line.push(unit(120));
        assert!(out.recv_timeout(Duration::from_millis(50)).is_err());
        let begun = Instant::now();
        line.set_delay_ms(0);
        line.push(unit(160));
        let rest: Vec<u64> = (0..3)
            .map(|_| out.recv_timeout(Duration::from_secs(2)).unwrap().1.pts / MS)
            .collect();
        assert_eq!(rest, [191, 192, 193]);
        assert!(begun.elapsed() < Duration::from_secs(2));
        line.set_delay_ms(2500);
        line.push(unit(3000));
        let begun = Instant::now();
        line.stop();
        assert!(begun.elapsed() < Duration::from_secs(2));
        assert!(matches!(out.recv(), Err(mpsc::RecvError)), "nothing more");
    }
}
