//! Many events of one plug become one. Pure.

use std::time::Duration;

use crate::device::event::DeviceClass;

/// Quiet after which a change is told.
pub(super) const QUIET: Duration = Duration::from_millis(200);
/// A change is told after this at the latest, even when there is never any quiet.
pub(super) const LONGEST: Duration = Duration::from_secs(1);

/// When the changes of one class began, and when the newest came.
#[derive(Debug, Clone, Copy)]
struct Burst {
    class: DeviceClass,
    first: Duration,
    last: Duration,
}

impl Burst {
    fn due(self) -> Duration {
        (self.last + QUIET).min(self.first + LONGEST)
    }
}

/// Collects changes until they have settled. Times are monotonic.
#[derive(Debug, Default)]
pub(super) struct Settle {
    bursts: Vec<Burst>,
}

impl Settle {
    /// Something of `class` changed.
    pub(super) fn note(&mut self, class: DeviceClass, now: Duration) {
        match self.bursts.iter_mut().find(|b| b.class == class) {
            Some(burst) => burst.last = now,
            None => self.bursts.push(Burst {
                class,
                first: now,
                last: now,
            }),
        }
    }

    /// How long nothing is due; `None`: nothing is waiting.
    pub(super) fn wait(&self, now: Duration) -> Option<Duration> {
        self.bursts
            .iter()
            .map(|b| b.due().saturating_sub(now))
            .min()
    }

    /// Takes a class that has settled.
    pub(super) fn take(&mut self, now: Duration) -> Option<DeviceClass> {
        let at = self.bursts.iter().position(|b| b.due() <= now)?;
        Some(self.bursts.remove(at).class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeviceClass::{Camera, Sound};

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_burst_is_told_once_after_quiet_and_classes_apart() {
        let mut settle = Settle::default();
        assert_eq!(settle.wait(ms(0)), None);
        for n in [0, 20, 150] {
            settle.note(Camera, ms(n));
        }
        settle.note(Sound, ms(160));
        assert_eq!(settle.wait(ms(160)), Some(ms(190)));
        assert_eq!(settle.take(ms(349)), None);
        assert_eq!(settle.take(ms(350)), Some(Camera));
        assert_eq!(settle.take(ms(350)), None);
        assert_eq!(settle.wait(ms(350)), Some(ms(10)));
        assert_eq!(settle.take(ms(400)), Some(Sound));
        assert_eq!((settle.take(ms(9000)), settle.wait(ms(9000))), (None, None));
    }

    #[test]
    fn a_device_that_never_settles_is_told_once_a_second() {
        let mut settle = Settle::default();
        let mut told = 0;
        for n in 0..1000_u64 {
            settle.note(Sound, ms(n * 10));
            told += usize::from(settle.take(ms(n * 10)).is_some());
        }
        assert!((9..=10).contains(&told), "{told} in 10 s");
    }
}
