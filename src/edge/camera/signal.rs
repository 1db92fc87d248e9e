//! The signal at the input of a capture device (HDMI and the like): whether it is there, its timings, and which of the
//! device's modes fit it. Pure; `ioctl/input.rs` asks the driver.
//!
//! A webcam's picture is always there. A device that captures somebody else's picture is different: the other end says
//! size and rate, may change them at any time, and may be off. Its timings are set before it is opened
//! (`VIDIOC_QUERY_DV_TIMINGS`, `VIDIOC_S_DV_TIMINGS`), and of the sizes to which it scales only those are offered that
//! keep the signal's aspect ratio.

use serde::Serialize;

use super::mode::Mode;

/// What is at the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A camera of its own, or a driver that cannot say.
    Steady,
    /// A signal with these timings.
    Present(Timings),
    /// None; why, one clause.
    Absent(String),
    /// One that cannot be shown; why, one clause.
    Unfit(String),
}

/// Timings of a signal (`struct v4l2_bt_timings`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Timings {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Two fields make a picture.
    pub interlaced: bool,
    /// Pictures per second as numerator and denominator.
    pub fps: (u32, u32),
}

impl Timings {
    /// From the active size, the pixel clock in Hz and the pixels of a whole picture, blanking included. `None` without
    /// a picture or a clock.
    #[must_use]
    pub fn new(size: (u32, u32), interlaced: bool, clock: u64, total: u64) -> Option<Self> {
        if size.0 == 0 || size.1 == 0 || clock == 0 || total == 0 {
            return None;
        }
        // Thousandths are enough: 59.94 and 60 differ, and a clock that is measured trembles below that.
        let thousandths = u32::try_from(u128::from(clock) * 1000 / u128::from(total)).ok()?;
        let fps = super::expand::rate_of((1000, thousandths))?;
        Some(Self {
            width: size.0,
            height: size.1,
            interlaced,
            fps,
        })
    }

    /// For people: `1920×1080 at 60/s`.
    #[must_use]
    pub fn describe(&self) -> String {
        let fps = format!(
            "{:.2}",
            f64::from(self.fps.0) / f64::from(self.fps.1.max(1))
        );
        let fps = fps.trim_end_matches('0').trim_end_matches('.');
        let kind = if self.interlaced { ", interlaced" } else { "" };
        format!("{}×{} at {fps}/s{kind}", self.width, self.height)
    }
}

impl Signal {
    /// Why a device that was opened with this signal must be opened anew now that it is `now`; `None`: it need not.
    #[must_use]
    pub fn changed(&self, now: &Self) -> Option<String> {
        match (self, now) {
            (_, Self::Absent(why) | Self::Unfit(why)) => Some(why.clone()),
            (Self::Present(before), Self::Present(after)) if before != after => Some(format!(
                "the signal at its input changed from {} to {}",
                before.describe(),
                after.describe()
            )),
            _ => None,
        }
    }

    /// Why nothing can be shown, as the beginning of a sentence ("There is no signal at the HDMI input"), and what to do.
    #[must_use]
    pub fn problem(&self) -> Option<(String, &'static str)> {
        let (why, mend) = match self {
            Self::Steady | Self::Present(_) => return None,
            Self::Absent(why) => (
                why,
                "Check the cable and that the device at its other end is on.",
            ),
            Self::Unfit(why) => (
                why,
                "Set the device at its other end to a progressive resolution, such as 1920×1080 at 30 or 60/s.",
            ),
        };
        let mut letters = why.chars();
        let first = letters.next()?;
        Some((first.to_uppercase().chain(letters).collect(), mend))
    }

    /// The modes that fit: those of the signal's own size, and those of its aspect ratio where the device scales.
    /// All of them where there is no signal with timings, or where none fits.
    #[must_use]
    pub fn fitting(&self, modes: Vec<Mode>) -> Vec<Mode> {
        let Self::Present(t) = self else {
            return modes;
        };
        let fits = |m: &Mode| {
            u64::from(m.width) * u64::from(t.height) == u64::from(t.width) * u64::from(m.height)
        };
        if modes.iter().any(fits) {
            modes.into_iter().filter(fits).collect()
        } else {
            modes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge::camera::PixelFormat;

    fn timings(width: u32, height: u32, clock: u64, total: u64) -> Timings {
        Timings::new((width, height), false, clock, total).unwrap()
    }

    #[test]
    fn rates_come_from_clock_and_whole_picture() {
        // VIC 4 (720p60), and the same reduced by 1000/1001.
        assert_eq!(timings(1280, 720, 74_250_000, 1650 * 750).fps, (60, 1));
        let ntsc = timings(1280, 720, 74_175_824, 1650 * 750);
        assert_eq!(ntsc.fps, (2997, 50));
        assert_eq!(ntsc.describe(), "1280×720 at 59.94/s");
        assert_eq!(Timings::new((1280, 720), false, 0, 5), None);
        assert_eq!(Timings::new((1280, 0), false, 5, 5), None);
        assert_eq!(
            Timings::new((1, 1), false, u64::MAX, 1),
            None,
            "no such rate"
        );
    }

    #[test]
    fn loss_and_other_timings_are_changes_and_the_same_are_not() {
        let (a, b) = (
            Signal::Present(timings(1280, 720, 74_250_000, 1650 * 750)),
            Signal::Present(timings(1920, 1080, 148_500_000, 2200 * 1125)),
        );
        assert_eq!(
            a.changed(&b).as_deref(),
            Some("the signal at its input changed from 1280×720 at 60/s to 1920×1080 at 60/s")
        );
        assert_eq!(a.changed(&a), None);
        assert_eq!(
            a.changed(&Signal::Absent("gone".into())).as_deref(),
            Some("gone")
        );
        assert_eq!(a.changed(&Signal::Steady), None);
        let (why, mend) = Signal::Absent("no light".into()).problem().unwrap();
        assert_eq!(why, "No light");
        assert!(mend.contains("cable"), "{mend}");
        let (_, mend) = Signal::Unfit("too odd".into()).problem().unwrap();
        assert!(mend.contains("progressive"), "{mend}");
        assert_eq!(a.problem(), None);
        assert_eq!(Signal::Steady.changed(&Signal::Steady), None);
    }

    #[test]
    fn only_sizes_of_the_signals_aspect_are_offered() {
        let mode = |width, height| Mode {
            format: PixelFormat::Yuyv,
            width,
            height,
            fps: (60, 1),
        };
        let modes = vec![
            mode(640, 480),
            mode(1280, 720),
            mode(1920, 1080),
            mode(4096, 2160),
        ];
        let hd = Signal::Present(timings(1920, 1080, 148_500_000, 2200 * 1125));
        assert_eq!(
            hd.fitting(modes.clone()),
            [mode(1280, 720), mode(1920, 1080)]
        );
        assert_eq!(Signal::Steady.fitting(modes.clone()), modes);
        let odd = Signal::Present(timings(720, 400, 35_500_000, 936 * 446));
        assert_eq!(odd.fitting(modes.clone()), modes);
    }
}
