//! Thins out a source that is faster than wanted, by its timestamps. Pure. Nothing is ever doubled.

/// Decides frame by frame.
#[derive(Debug)]
pub(super) struct Pace {
    /// Nominal time between frames, ns.
    frame: u64,
    /// When the next frame is due, ns.
    due: u64,
}

impl Pace {
    pub(super) fn new(fps: u32) -> Self {
        Self {
            frame: 1_000_000_000 / u64::from(fps.max(1)),
            due: 0,
        }
    }

    /// Whether the frame of time `pts` is wanted. A frame may come early by a third of the nominal distance, so that the jitter
    /// of a camera that has just the wanted rate costs no frame.
    pub(super) fn keep(&mut self, pts: u64) -> bool {
        if pts + self.frame / 3 < self.due {
            // Times that fell far back are a source that began anew, not early frames.
            if self.due - pts < 10 * self.frame {
                return false;
            }
            self.due = pts;
        }
        // On the grid of the wanted rate while the source keeps up, else from this frame on.
        self.due = if pts > self.due + self.frame {
            pts + self.frame
        } else {
            self.due + self.frame
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(source_fps: f64, wanted: u32, jitter_ms: f64, seconds: u32) -> usize {
        let mut pace = Pace::new(wanted);
        let mut noise = 12345_u64;
        (0..(source_fps * f64::from(seconds)) as u64)
            .filter(|n| {
                noise = noise
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let jitter = ((noise >> 33) as f64 / (1_u64 << 31) as f64 - 0.5) * 2.0 * jitter_ms;
                let ms = 1000.0 + *n as f64 * 1000.0 / source_fps + jitter;
                pace.keep((ms * 1e6) as u64)
            })
            .count()
    }

    #[test]
    fn a_source_at_the_wanted_rate_loses_nothing_to_jitter_or_drift() {
        assert_eq!(kept(30.0, 30, 0.0, 60), 1800);
        assert_eq!(kept(30.0, 30, 5.0, 60), 1800);
        assert_eq!(kept(25.0, 30, 5.0, 60), 1500);
        // A camera 100 ppm fast gives 0.18 frames too many in a minute.
        assert!(kept(30.003, 30, 3.0, 60) >= 1799);
    }

    #[test]
    fn a_faster_source_is_thinned_out_to_the_wanted_rate() {
        for (source, wanted) in [(60.0, 30), (50.0, 30), (120.0, 30), (30.0, 25), (30.0, 15)] {
            let n = kept(source, wanted, 2.0, 60);
            let want = wanted as usize * 60;
            assert!(n.abs_diff(want) <= want / 100, "{source} to {wanted}: {n}");
        }
    }

    #[test]
    fn a_source_that_begins_anew_is_taken_up_at_once() {
        let mut pace = Pace::new(30);
        assert!(pace.keep(10_000_000_000));
        assert!(pace.keep(2_000_000_000));
        assert!(!pace.keep(2_010_000_000));
    }
}
