//! Ranges of sizes and rates into lists of common ones: pure.
//!
//! V4L2 drivers give frame sizes and intervals either one by one or as a range with steps
//! (`VIDIOC_ENUM_FRAMESIZES`, `VIDIOC_ENUM_FRAMEINTERVALS`). A range is expanded to the sizes and rates that people
//! ask for, and to its largest size and highest rate.

/// Frame sizes as a driver gives them, pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// One size.
    One(u32, u32),
    /// A range; a step of 0 counts as 1 (continuous).
    Range {
        /// Smallest, largest, step.
        width: (u32, u32, u32),
        /// Smallest, largest, step.
        height: (u32, u32, u32),
    },
}

/// Frame intervals as a driver gives them: seconds as numerator and denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intervals {
    /// One interval.
    One((u32, u32)),
    /// Everything from the shortest to the longest interval, in steps; no step: continuous.
    Range {
        /// Shortest, so the highest rate.
        min: (u32, u32),
        /// Longest.
        max: (u32, u32),
        /// Distance of two neighbours.
        step: Option<(u32, u32)>,
    },
}

const COMMON_SIZES: [(u32, u32); 24] = [
    (160, 120),
    (176, 144),
    (320, 180),
    (320, 240),
    (352, 288),
    (424, 240),
    (640, 360),
    (640, 480),
    (720, 576),
    (800, 600),
    (848, 480),
    (854, 480),
    (960, 540),
    (1024, 576),
    (1024, 768),
    (1280, 720),
    (1280, 960),
    (1280, 1024),
    (1600, 1200),
    (1920, 1080),
    (1920, 1200),
    (2560, 1440),
    (3840, 2160),
    (4096, 2160),
];

/// Frames per second.
const COMMON_RATES: [(u32, u32); 13] = [
    (5, 1),
    (10, 1),
    (15, 1),
    (20, 1),
    (24, 1),
    (25, 1),
    (30000, 1001),
    (30, 1),
    (50, 1),
    (60000, 1001),
    (60, 1),
    (90, 1),
    (120, 1),
];

/// The sizes that are meant, each once, in rising order. Sizes of zero are left out.
#[must_use]
pub fn sizes(given: &[Sizes]) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    for sizes in given {
        match *sizes {
            Sizes::One(w, h) => out.push((w, h)),
            Sizes::Range { width, height } => {
                out.extend(
                    COMMON_SIZES
                        .iter()
                        .filter(|(w, h)| on_grid(*w, width) && on_grid(*h, height)),
                );
                out.push((largest(width), largest(height)));
            }
        }
    }
    out.retain(|&(w, h)| w > 0 && h > 0);
    out.sort_unstable();
    out.dedup();
    out
}

/// Whether a driver that gives these sizes takes `size`, too.
#[must_use]
pub fn allows(given: &[Sizes], size: (u32, u32)) -> bool {
    given.iter().any(|sizes| match *sizes {
        Sizes::One(w, h) => (w, h) == size,
        Sizes::Range { width, height } => on_grid(size.0, width) && on_grid(size.1, height),
    })
}

fn on_grid(value: u32, (min, max, step): (u32, u32, u32)) -> bool {
    (min..=max).contains(&value) && (value - min).is_multiple_of(step.max(1))
}

fn largest((min, max, step): (u32, u32, u32)) -> u32 {
    let room = max.saturating_sub(min);
    min.saturating_add(room - room % step.max(1))
}

/// The rates that are meant, frames per second in lowest terms, each once, in rising order. Intervals with a zero in
/// them are left out.
#[must_use]
pub fn rates(given: &[Intervals]) -> Vec<(u32, u32)> {
    let mut out = Vec::new();
    for intervals in given {
        match *intervals {
            Intervals::One(interval) => out.extend(rate_of(interval)),
            Intervals::Range { min, max, step } => {
                out.extend(COMMON_RATES.iter().filter(|rate| {
                    let interval = (rate.1, rate.0);
                    !less(interval, min) && !less(max, interval) && on_step(interval, min, step)
                }));
                out.extend(rate_of(min));
            }
        }
    }
    out.sort_unstable_by(|a, b| cross(*a, *b).cmp(&cross(*b, *a)));
    out.dedup();
    out
}

/// Seconds per frame to frames per second, in lowest terms.
#[must_use]
pub fn rate_of((num, den): (u32, u32)) -> Option<(u32, u32)> {
    let divisor = gcd(num, den);
    (num > 0 && den > 0).then(|| (den / divisor, num / divisor))
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn cross(a: (u32, u32), b: (u32, u32)) -> u64 {
    u64::from(a.0) * u64::from(b.1)
}

fn less(a: (u32, u32), b: (u32, u32)) -> bool {
    cross(a, b) < cross(b, a)
}

/// Whether `interval` is `min` plus a whole number of steps.
fn on_step(interval: (u32, u32), min: (u32, u32), step: Option<(u32, u32)>) -> bool {
    let Some(step) = step.filter(|s| s.0 > 0 && s.1 > 0) else {
        return true;
    };
    // (interval − min) / step, as one fraction.
    let wide = |n: u32| u128::from(n);
    let above = wide(interval.0) * wide(min.1);
    let below = wide(min.0) * wide(interval.1);
    let numerator = above.saturating_sub(below) * wide(step.1);
    let denominator = wide(interval.1) * wide(min.1) * wide(step.0);
    denominator > 0 && numerator.is_multiple_of(denominator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_range_of_sizes_gives_the_common_ones_on_its_grid_and_its_largest() {
        let range = Sizes::Range {
            width: (320, 1920, 16),
            height: (180, 1080, 4),
        };
        assert_eq!(
            sizes(&[range]),
            [
                (320, 180),
                (320, 240),
                (352, 288),
                (640, 360),
                (640, 480),
                (720, 576),
                (800, 600),
                (848, 480),
                (960, 540),
                (1024, 576),
                (1024, 768),
                (1280, 720),
                (1280, 960),
                (1280, 1024),
                (1920, 1080),
            ],
            "854 and 424 are not on a grid of 16, 1600×1200 is too high"
        );
    }

    #[test]
    fn a_continuous_range_and_an_odd_largest_size_are_kept() {
        let range = Sizes::Range {
            width: (16, 1000, 0),
            height: (16, 500, 0),
        };
        let got = sizes(&[range, Sizes::One(2592, 1944), Sizes::One(0, 5)]);
        assert!(got.contains(&(854, 480)));
        assert!(got.contains(&(1000, 500)));
        assert!(got.contains(&(2592, 1944)));
        assert!(allows(&[range], (1000, 17)) && !allows(&[range], (1001, 17)));
        assert!(allows(&[Sizes::One(640, 480)], (640, 480)));
        assert!(!got.contains(&(0, 5)));
    }

    #[test]
    fn intervals_become_rates_in_lowest_terms() {
        let given = [
            Intervals::One((333_333, 10_000_000)),
            Intervals::One((2, 60)),
            Intervals::One((1, 30)),
            Intervals::One((0, 30)),
            Intervals::One((1001, 30000)),
        ];
        assert_eq!(
            rates(&given),
            [(30000, 1001), (30, 1), (10_000_000, 333_333)]
        );
    }

    #[test]
    fn ranges_of_intervals_give_the_common_rates_inside() {
        let continuous = Intervals::Range {
            min: (1, 45),
            max: (1, 14),
            step: None,
        };
        assert_eq!(
            rates(&[continuous]),
            [
                (15, 1),
                (20, 1),
                (24, 1),
                (25, 1),
                (30000, 1001),
                (30, 1),
                (45, 1)
            ]
        );
        // 20 ms, 40 ms, 60 ms, … 200 ms: of the common rates only 50, 25, 10 and 5 are on it.
        let steps = Intervals::Range {
            min: (20, 1000),
            max: (200, 1000),
            step: Some((20, 1000)),
        };
        assert_eq!(rates(&[steps]), [(5, 1), (10, 1), (25, 1), (50, 1)]);
    }

    proptest! {
        #[test]
        fn nothing_that_a_driver_says_breaks_it(
            w in any::<(u32, u32, u32)>(), h in any::<(u32, u32, u32)>(),
            min in any::<(u32, u32)>(), max in any::<(u32, u32)>(), step in any::<Option<(u32, u32)>>(),
        ) {
            for (width, height) in sizes(&[Sizes::Range { width: w, height: h }]) {
                // A driver whose smallest is above its largest contradicts itself; then its smallest stands.
                prop_assert!(width >= w.0 && width <= w.1.max(w.0));
                prop_assert!(height >= h.0 && height <= h.1.max(h.0));
            }
            for (num, den) in rates(&[Intervals::Range { min, max, step }]) {
                prop_assert!(num > 0 && den > 0);
                prop_assert!(!less((den, num), min), "{num}/{den} is faster than {min:?}");
            }
        }
    }
}
