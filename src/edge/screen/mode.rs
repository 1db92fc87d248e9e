//! Which of a screen's modes is set: its own favourite, but no more than a box needs.

/// Pixels of a picture that costs 8 MB.
const ENOUGH: u64 = 1920 * 1080;

/// A mode, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// Pictures a second.
    pub rate: u32,
    /// The screen prefers it.
    pub preferred: bool,
    /// Half of the lines at a time.
    pub interlaced: bool,
}

impl Facts {
    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// The place of the mode to set: the preferred one, or the first; where it is larger than 1920×1080, the largest that is not, at up
/// to 60 pictures a second, if the screen has one.
pub fn choose(modes: &[Facts]) -> Option<usize> {
    let favourite = modes
        .iter()
        .position(|m| m.preferred)
        .or((!modes.is_empty()).then_some(0))?;
    let own = modes.get(favourite)?;
    if own.pixels() <= ENOUGH && !own.interlaced {
        return Some(favourite);
    }
    let fits = |m: &Facts| m.pixels() <= ENOUGH && m.width.min(m.height) >= 480 && !m.interlaced;
    // As its own shape, where it has that: nothing is stretched then.
    let shape = |m: &Facts| {
        let (a, b) = (
            u64::from(m.width) * u64::from(own.height),
            u64::from(m.height) * u64::from(own.width),
        );
        a.abs_diff(b) * 50 <= a.max(b)
    };
    let best = modes
        .iter()
        .enumerate()
        .filter(|(_, m)| fits(m))
        .max_by_key(|(n, m)| {
            (
                shape(m),
                m.pixels(),
                m.rate <= 60,
                m.rate.min(60),
                std::cmp::Reverse(*n),
            )
        });
    Some(best.map_or(favourite, |(n, _)| n))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(width: u16, height: u16, rate: u32) -> Facts {
        Facts {
            width,
            height,
            rate,
            preferred: false,
            interlaced: false,
        }
    }

    fn preferred(m: Facts) -> Facts {
        Facts {
            preferred: true,
            ..m
        }
    }

    fn chosen(modes: &[Facts]) -> (u16, u16, u32) {
        let m = modes[choose(modes).unwrap()];
        (m.width, m.height, m.rate)
    }

    #[test]
    fn the_screens_own_favourite_is_taken_up_to_full_hd() {
        let modes = [
            mode(1920, 1080, 60),
            preferred(mode(1280, 1024, 75)),
            mode(640, 480, 60),
        ];
        assert_eq!(chosen(&modes), (1280, 1024, 75));
        assert_eq!(chosen(&modes[..1]), (1920, 1080, 60));
        assert_eq!(chosen(&[preferred(mode(1080, 1920, 60))]), (1080, 1920, 60));
        assert_eq!(choose(&[]), None);
    }

    #[test]
    fn a_larger_screen_is_set_to_full_hd_in_its_shape() {
        let four_k = [
            preferred(mode(3840, 2160, 60)),
            mode(2560, 1440, 60),
            mode(1920, 1080, 120),
            mode(1920, 1080, 60),
            Facts {
                interlaced: true,
                ..mode(1920, 1080, 60)
            },
            mode(1600, 1200, 60),
            mode(1280, 720, 60),
        ];
        assert_eq!(chosen(&four_k), (1920, 1080, 60));
        // Nothing of its shape is small enough: any that is.
        let wide = [
            preferred(mode(3440, 1440, 60)),
            mode(1920, 1080, 60),
            mode(1024, 768, 60),
        ];
        assert_eq!(chosen(&wide), (1920, 1080, 60));
        // Nothing smaller but toys: its own.
        let only = [preferred(mode(3840, 2160, 30)), mode(320, 240, 60)];
        assert_eq!(chosen(&only), (3840, 2160, 30));
        // A favourite with half of the lines makes way for whole ones.
        let half = Facts {
            interlaced: true,
            ..preferred(mode(1920, 1080, 60))
        };
        assert_eq!(chosen(&[half, mode(1280, 720, 50)]), (1280, 720, 50));
        assert_eq!(chosen(&[half]), (1920, 1080, 60));
    }
}
