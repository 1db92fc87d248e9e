//! A camera that delivers, but always the same picture. It may hang, or it may be shown something that does not move (a
//! slide over HDMI), and no one can tell from the picture alone. So it is restarted once; if the picture is the same after
//! that, it is taken for one that does not move, until it has moved for 60 s.

use std::time::Duration;

/// Why it was restarted, one clause.
pub const REASON: &str = "the camera sent the same picture for 8 s, so it was restarted";
/// After moving for this long, a picture that stands still means a camera that hangs again.
pub const MOVES_FOR: Duration = Duration::from_secs(60);

/// What is known of it. Times are monotonic, since start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Still {
    /// The picture has stood still since the camera was opened or restarted, or moved last.
    pub now: bool,
    /// Restarts since start.
    pub restarts: u32,
    /// When the last one was.
    pub restarted_at: Option<Duration>,
    /// It was restarted for this, and the picture has not moved long enough since.
    tried: bool,
    moving_since: Option<Duration>,
}

impl Still {
    /// The camera came: its picture counts as moving until it is seen to stand.
    pub fn opened(&mut self, now: Duration) {
        self.now = false;
        self.moving_since = Some(now);
    }

    /// The camera went.
    pub fn closed(&mut self) {
        self.now = false;
        self.moving_since = None;
    }

    /// The picture stands still, or moves again; true when the camera must be restarted now.
    pub fn report(&mut self, still: bool, now: Duration) -> bool {
        self.tick(now);
        self.now = still;
        if !still {
            self.moving_since.get_or_insert(now);
            return false;
        }
        self.moving_since = None;
        if self.tried {
            return false;
        }
        self.tried = true;
        self.restarts = self.restarts.saturating_add(1);
        self.restarted_at = Some(now);
        true
    }

    /// Time went on.
    pub fn tick(&mut self, now: Duration) {
        let long = |since| now.saturating_sub(since) >= MOVES_FOR;
        if self.tried && self.moving_since.is_some_and(long) {
            self.tried = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_picture_that_never_moves_is_restarted_once() {
        let mut still = Still::default();
        still.opened(s(0));
        assert!(still.report(true, s(8)));
        still.closed();
        still.opened(s(9));
        for n in 1..200 {
            assert!(!still.report(true, s(17 * n)));
            assert!(still.now);
        }
        // Slides that change now and then do not count as moving.
        for n in 200..400 {
            assert!(!still.report(false, s(17 * n)));
            assert!(!still.report(true, s(17 * n + 8)));
        }
        assert_eq!(still.restarts, 1);
    }

    #[test]
    fn after_a_minute_of_moving_it_counts_as_hanging_again() {
        let mut still = Still::default();
        still.opened(s(0));
        assert!(still.report(true, s(8)));
        still.closed();
        still.opened(s(10));
        still.tick(s(69));
        assert!(!still.report(true, s(69)));
        still.report(false, s(80));
        still.report(false, s(100));
        assert!(still.report(true, s(140)), "moved from 80 to 140");
        assert_eq!((still.restarts, still.restarted_at), (2, Some(s(140))));
    }

    #[test]
    fn a_camera_that_is_away_does_not_move() {
        let mut still = Still::default();
        still.opened(s(0));
        assert!(still.report(true, s(8)));
        still.opened(s(10));
        still.closed();
        still.tick(s(500));
        still.opened(s(500));
        assert!(!still.report(true, s(508)));
    }
}
