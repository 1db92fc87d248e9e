//! Where a sprite is at a moment: pure, and the only thing that the video thread works out for each frame.

/// A rectangle of the picture, pixels; it may jut out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Rect {
    /// The first column to its right.
    #[must_use]
    pub fn right(&self) -> i32 {
        self.x.saturating_add_unsigned(self.width)
    }

    /// The first row below it.
    #[must_use]
    pub fn bottom(&self) -> i32 {
        self.y.saturating_add_unsigned(self.height)
    }

    /// Whether the two share a pixel.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.x < other.right()
            && other.x < self.right()
            && self.y < other.bottom()
            && other.y < self.bottom()
    }

    /// The pixels that the two share; `None`: there are none.
    #[must_use]
    pub fn common(&self, other: &Self) -> Option<Self> {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let size = |from: i32, a: i32, b: i32| u32::try_from(a.min(b).checked_sub(from)?).ok();
        let width = size(x, self.right(), other.right()).filter(|w| *w > 0)?;
        let height = size(y, self.bottom(), other.bottom()).filter(|h| *h > 0)?;
        Some(Self {
            x,
            y,
            width,
            height,
        })
    }
}

/// A way over the picture; places are of the sprite's top left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Path {
    /// It stays.
    Still {
        /// Pixels.
        x: i32,
        /// Pixels.
        y: i32,
    },
    /// It runs at an even pace: at `x` when it begins.
    Steady {
        /// Pixels, at [`Motion::begin`].
        x: f64,
        /// Pixels.
        y: i32,
        /// Pixels per second, negative to the left.
        speed: f64,
    },
    /// It moves from one place to another, fast at first and slowly at the end (a cubic curve), and stays there.
    Ease {
        /// Pixels.
        from: (i32, i32),
        /// Pixels.
        to: (i32, i32),
        /// How long it moves, ns.
        ns: u64,
    },
}

/// From when to when a sprite is seen, where, and how much of it. Times are running time of the media clock, ns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Motion {
    /// It appears.
    pub begin: u64,
    /// It is gone; `None`: it stays until it is taken away.
    pub end: Option<u64>,
    /// Its way.
    pub path: Path,
    /// It comes out of nothing for so long, ns.
    pub fade_in: u64,
    /// It goes into nothing for so long before `end`, ns.
    pub fade_out: u64,
    /// How much of it is seen in between, 0 to 256.
    pub opacity: u16,
}

/// What a [`Motion`] says of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Pixels, top left corner.
    pub x: i32,
    /// Pixels.
    pub y: i32,
    /// How much of it is seen, 1 to 256.
    pub opacity: u16,
}

impl Motion {
    /// It stays there from `begin` on, wholly seen.
    #[must_use]
    pub fn still(begin: u64, x: i32, y: i32) -> Self {
        Self {
            begin,
            end: None,
            path: Path::Still { x, y },
            fade_in: 0,
            fade_out: 0,
            opacity: 256,
        }
    }

    /// Where it is at `t` ns; `None`: it is not seen.
    #[must_use]
    pub fn at(&self, t: u64) -> Option<Position> {
        let since = t.checked_sub(self.begin)?;
        let left = match self.end {
            Some(end) => Some(end.checked_sub(t).filter(|left| *left > 0)?),
            None => None,
        };
        let part = |of: u64, whole: u64| {
            let share = if whole == 0 || of >= whole {
                1.0
            } else {
                of as f64 / whole as f64
            };
            share.clamp(0.0, 1.0)
        };
        let seen =
            part(since, self.fade_in).min(left.map_or(1.0, |left| part(left, self.fade_out)));
        let opacity = (f64::from(self.opacity.min(256)) * seen).round() as u16;
        let (x, y) = self.path.at(since);
        (opacity > 0).then_some(Position { x, y, opacity })
    }

    /// Whether it will not be seen any more at `t` ns or later.
    #[must_use]
    pub fn is_over(&self, t: u64) -> bool {
        self.end.is_some_and(|end| t >= end)
    }
}

impl Path {
    /// `since`: ns since it began.
    fn at(&self, since: u64) -> (i32, i32) {
        match *self {
            Self::Still { x, y } => (x, y),
            Self::Steady { x, y, speed } => {
                let moved = x + speed * (since as f64 / 1e9);
                (moved.round() as i32, y)
            }
            Self::Ease { from, to, ns } => {
                let t = if ns == 0 {
                    1.0
                } else {
                    (since as f64 / ns as f64).min(1.0)
                };
                let done = 1.0 - (1.0 - t).powi(3);
                let between = |a: i32, b: i32| {
                    (f64::from(a) + (f64::from(b) - f64::from(a)) * done).round() as i32
                };
                (between(from.0, to.0), between(from.1, to.1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_begun_and_not_ended_is_seen() {
        let motion = Motion {
            end: Some(2_000_000_000),
            fade_in: 100,
            ..Motion::still(1_000_000_000, 7, 8)
        };
        assert_eq!(motion.at(999_999_999), None);
        assert_eq!(motion.at(1_000_000_050).map(|p| p.opacity), Some(128));
        let seen = Position {
            x: 7,
            y: 8,
            opacity: 256,
        };
        assert_eq!(motion.at(1_500_000_000), Some(seen));
        assert_eq!(motion.at(2_000_000_000), None);
        assert!(motion.is_over(2_000_000_000) && !motion.is_over(1_999_999_999));
    }

    #[test]
    fn an_eased_way_ends_where_it_should() {
        let path = Path::Ease {
            from: (-100, 5),
            to: (50, 5),
            ns: 1000,
        };
        assert_eq!(path.at(0), (-100, 5));
        assert!(path.at(500).0 > -25, "fast at first");
        assert_eq!(path.at(1000), (50, 5));
        assert_eq!(path.at(u64::MAX), (50, 5));
    }

    proptest! {
        #[test]
        fn a_steady_way_is_a_line_within_half_a_pixel(
            x in -5_000.0_f64..5_000.0, speed in -3_000.0_f64..3_000.0, t in 0_u64..60_000_000_000,
        ) {
            let (at, _) = Path::Steady { x, y: 0, speed }.at(t);
            prop_assert!((f64::from(at) - (x + speed * t as f64 / 1e9)).abs() <= 0.5 + 1e-6);
        }
    }
}
