//! Clock, date and countdown as text: pure but for the zones that the machine knows.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::device::stage::Countdown;

/// Longest clock, characters.
const MOST: usize = 80;
/// For so long a countdown that has ended stays at 0, s.
const STAYS: i64 = 3;
/// No countdown is longer, s: 99 days.
const LONGEST: i64 = 99 * 86_400;

/// What is wrong with a clock as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Fault {
    Zone(String),
    Format(String),
}

/// A format in a zone.
#[derive(Debug, Clone)]
pub(in super::super) struct Clock {
    format: String,
    zone: TimeZone,
    /// Whether it changes every second; else every minute at most.
    seconds: bool,
}

impl Clock {
    /// `None` where no clock is wanted. With a zone that nobody knows it goes by the machine's; a format that cannot be
    /// written gives no clock.
    pub(in super::super) fn new(format: &str, zone: &str) -> (Option<Self>, Vec<Fault>) {
        let mut faults = Vec::new();
        if format.trim().is_empty() {
            return (None, faults);
        }
        let zone = if zone.is_empty() {
            TimeZone::system()
        } else {
            TimeZone::get(zone).unwrap_or_else(|e| {
                faults.push(Fault::Zone(format!("{zone}: {e}")));
                TimeZone::system()
            })
        };
        let mut clock = Self {
            format: format.to_owned(),
            zone,
            seconds: false,
        };
        let even = Timestamp::from_second(1_700_000_040).unwrap_or_default();
        let odd = Timestamp::from_second(1_700_000_041).unwrap_or_default();
        match (clock.written(even), clock.written(odd)) {
            (Ok(a), Ok(b)) => {
                clock.seconds = a != b;
                (Some(clock), faults)
            }
            (Err(why), _) | (_, Err(why)) => {
                faults.push(Fault::Format(why));
                (None, faults)
            }
        }
    }

    /// What it shows.
    pub(in super::super) fn text(&self, wall: Timestamp) -> String {
        let text = self.written(wall).unwrap_or_default();
        text.chars()
            .filter(|c| !c.is_control())
            .take(MOST)
            .collect()
    }

    fn written(&self, wall: Timestamp) -> Result<String, String> {
        let zoned = wall.to_zoned(self.zone.clone());
        strtime::format(&self.format, &zoned).map_err(|e| e.to_string())
    }

    /// How long it shows the same.
    pub(in super::super) fn stays(&self, wall: Timestamp) -> Duration {
        let second = until_second(wall);
        if self.seconds {
            return second;
        }
        // Zones differ by whole minutes today, and by whole seconds long ago.
        let past = wall.to_zoned(self.zone.clone()).second();
        let more = u64::try_from(59 - i64::from(past)).unwrap_or_default();
        second + Duration::from_secs(more)
    }
}

/// What a countdown shows: `None` after it has ended.
pub(in super::super) fn left(countdown: &Countdown, wall: Timestamp) -> Option<String> {
    let left = countdown.until.saturating_sub(whole(wall));
    if left <= -STAYS {
        return None;
    }
    let left = left.clamp(0, LONGEST);
    let (hours, minutes, seconds) = (left / 3600, left / 60 % 60, left % 60);
    Some(if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    })
}

/// How long it shows the same.
pub(in super::super) fn until_second(wall: Timestamp) -> Duration {
    let past = wall.as_nanosecond().rem_euclid(1_000_000_000);
    let past = u64::try_from(past).unwrap_or_default();
    Duration::from_nanos(1_000_000_000 - past)
}

/// Seconds since 1970, rounded down also before that.
fn whole(wall: Timestamp) -> i64 {
    let seconds = wall.as_nanosecond().div_euclid(1_000_000_000);
    i64::try_from(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, ns: i32) -> Timestamp {
        Timestamp::new(seconds, ns).unwrap()
    }

    #[test]
    fn a_clock_shows_its_zone_and_knows_when_it_changes() {
        // 2023-11-14 22:13:20 UTC
        let wall = at(1_700_000_000, 250_000_000);
        let (clock, faults) = Clock::new("%d.%m. %H:%M:%S", "Asia/Shanghai");
        let clock = clock.unwrap();
        assert_eq!(faults, []);
        assert_eq!(clock.text(wall), "15.11. 06:13:20");
        assert_eq!(clock.stays(wall), Duration::from_millis(750));
        let (clock, _) = Clock::new("%H:%M", "Europe/Berlin");
        let clock = clock.unwrap();
        assert_eq!(clock.text(wall), "23:13");
        assert_eq!(clock.stays(wall), Duration::from_millis(39_750));
        assert_eq!(clock.text(at(1_700_000_039, 999_999_999)), "23:13");
        assert_eq!(clock.text(at(1_700_000_040, 0)), "23:14");
    }

    #[test]
    fn a_wrong_zone_is_told_and_the_machines_is_taken() {
        let (clock, faults) = Clock::new("%H", "Nowhere/Atall");
        assert!(clock.is_some());
        assert!(matches!(&faults[..], [Fault::Zone(why)] if why.starts_with("Nowhere/Atall")));
    }

    #[test]
    fn a_wrong_format_is_told_and_no_empty_one_makes_a_clock() {
        let (clock, faults) = Clock::new("%H:%Ö", "");
        assert!(clock.is_none() && matches!(&faults[..], [Fault::Format(_)]));
        let (clock, faults) = Clock::new(" ", "UTC");
        assert!(clock.is_none() && faults.is_empty());
    }

    #[test]
    fn a_countdown_counts_to_zero_and_goes_after_a_moment() {
        let countdown = |until| Countdown { title: None, until };
        let now = at(1_000, 900_000_000);
        let shown = |until| left(&countdown(until), now);
        assert_eq!(shown(1_065).as_deref(), Some("01:05"));
        assert_eq!(shown(1_000 + 3_600).as_deref(), Some("1:00:00"));
        assert_eq!(shown(1_000).as_deref(), Some("00:00"));
        assert_eq!(shown(998).as_deref(), Some("00:00"));
        assert_eq!(shown(997), None);
        assert_eq!(shown(i64::MIN), None);
        assert_eq!(shown(i64::MAX).as_deref(), Some("2376:00:00"));
        assert_eq!(until_second(now), Duration::from_millis(100));
    }
}
