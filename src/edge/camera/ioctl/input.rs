//! The input that a capture device takes its picture from: is there a signal, and of which timings?

use std::io;

use v4l::v4l2::vidioc;

use super::{Node, clean, sys, zeroed};
use crate::edge::camera::signal::{Signal, Timings};

/// `VIDIOC_S_DV_TIMINGS`, `VIDIOC_G_DV_TIMINGS` and `VIDIOC_QUERY_DV_TIMINGS` are numbers 87, 88 and 99 of `V`; the
/// `v4l` crate leaves them out. Direction in the two upper bits (1 write, 2 read), size in the next 14.
const fn request(direction: vidioc::_IOC_TYPE, number: u8) -> vidioc::_IOC_TYPE {
    (direction << 30)
        | ((size_of::<sys::v4l2_dv_timings>() as vidioc::_IOC_TYPE) << 16)
        | ((b'V' as vidioc::_IOC_TYPE) << 8)
        | number as vidioc::_IOC_TYPE
}

const S_DV_TIMINGS: vidioc::_IOC_TYPE = request(3, 87);
const G_DV_TIMINGS: vidioc::_IOC_TYPE = request(3, 88);
const QUERY_DV_TIMINGS: vidioc::_IOC_TYPE = request(2, 99);

/// `V4L2_IN_CAP_DV_TIMINGS`.
const HAS_TIMINGS: u32 = 2;
/// `V4L2_IN_ST_NO_POWER`, `V4L2_IN_ST_NO_SIGNAL`.
const NO_POWER: u32 = 1;
const NO_SIGNAL: u32 = 2;

impl Node {
    /// Whether the input in use has a signal. Drivers that cannot say count as steady.
    pub(in crate::edge::camera) fn signal(&self) -> Signal {
        let mut index: libc::c_int = 0;
        let mut input: sys::v4l2_input = zeroed();
        if self.call(vidioc::VIDIOC_G_INPUT, &mut index).is_err() {
            return Signal::Steady;
        }
        input.index = index.cast_unsigned();
        if self.call(vidioc::VIDIOC_ENUMINPUT, &mut input).is_err() {
            return Signal::Steady;
        }
        if input.capabilities & HAS_TIMINGS != 0 {
            return self.timed_signal();
        }
        let name = clean(&input.name);
        if input.status & NO_POWER != 0 {
            Signal::Absent(format!("there is no power at the input {name}"))
        } else if input.status & NO_SIGNAL != 0 {
            Signal::Absent(format!("there is no signal at the input {name}"))
        } else {
            Signal::Steady
        }
    }

    fn timed_signal(&self) -> Signal {
        let mut raw: sys::v4l2_dv_timings = zeroed();
        match self.call(QUERY_DV_TIMINGS, &mut raw) {
            // GStreamer's source gives it as single fields, of which nothing here makes pictures.
            Ok(()) => match decode(&raw) {
                Some(t) if t.interlaced => Signal::Unfit(format!(
                    "there is a signal that cannot be shown, because it is interlaced ({}×{}), at the HDMI input",
                    t.width, t.height
                )),
                Some(t) => Signal::Present(t),
                None => Signal::Steady,
            },
            Err(e) => match e.raw_os_error() {
                Some(libc::ENOLINK) => Signal::Absent("there is no signal at the HDMI input".into()),
                Some(libc::ENOLCK) => {
                    Signal::Absent("there is no steady signal at the HDMI input".into())
                }
                Some(libc::ERANGE) => Signal::Unfit("there is a signal that cannot be shown, for its resolution or rate, at the HDMI input"
                        .into(),
                ),
                _ => Signal::Steady,
            },
        }
    }

    /// Sets the timings of the signal that is there, where others are set.
    pub(in crate::edge::camera) fn follow_signal(&self) -> io::Result<()> {
        let (mut there, mut set): (sys::v4l2_dv_timings, sys::v4l2_dv_timings) =
            (zeroed(), zeroed());
        self.call(QUERY_DV_TIMINGS, &mut there)?;
        let same = self.call(G_DV_TIMINGS, &mut set).is_ok() && decode(&there) == decode(&set);
        if same {
            return Ok(());
        }
        self.call(S_DV_TIMINGS, &mut there)
    }
}

/// `None` for kinds of timings that are not known here, and for such without a picture.
fn decode(raw: &sys::v4l2_dv_timings) -> Option<Timings> {
    const BT_656_1120: u32 = 0;
    if raw.type_ != BT_656_1120 {
        return None;
    }
    // SAFETY: this type says that `bt` is filled; any bits are integers.
    let bt = unsafe { raw.__bindgen_anon_1.bt };
    let sum = |parts: &[u32]| parts.iter().map(|n| u64::from(*n)).sum::<u64>();
    let line = sum(&[bt.width, bt.hfrontporch, bt.hsync, bt.hbackporch]);
    let mut lines = sum(&[bt.height, bt.vfrontporch, bt.vsync, bt.vbackporch]);
    let interlaced = bt.interlaced != 0;
    if interlaced {
        lines += sum(&[bt.il_vfrontporch, bt.il_vsync, bt.il_vbackporch]);
    }
    Timings::new(
        (bt.width, bt.height),
        interlaced,
        bt.pixelclock,
        line.saturating_mul(lines),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_those_of_the_kernel() {
        // From <linux/videodev2.h>: struct v4l2_dv_timings has 132 bytes.
        assert_eq!(S_DV_TIMINGS, 0xc084_5657);
        assert_eq!(G_DV_TIMINGS, 0xc084_5658);
        assert_eq!(QUERY_DV_TIMINGS, 0x8084_5663);
    }

    #[test]
    fn timings_of_cta_861_are_decoded() {
        let mut raw: sys::v4l2_dv_timings = zeroed();
        // VIC 16, 1080p60; then VIC 5, 1080i60 (30 pictures a second).
        raw.__bindgen_anon_1.bt.width = 1920;
        raw.__bindgen_anon_1.bt.height = 1080;
        raw.__bindgen_anon_1.bt.pixelclock = 148_500_000;
        raw.__bindgen_anon_1.bt.hfrontporch = 88;
        raw.__bindgen_anon_1.bt.hsync = 44;
        raw.__bindgen_anon_1.bt.hbackporch = 148;
        raw.__bindgen_anon_1.bt.vfrontporch = 4;
        raw.__bindgen_anon_1.bt.vsync = 5;
        raw.__bindgen_anon_1.bt.vbackporch = 36;
        let got = decode(&raw).unwrap();
        assert_eq!((got.width, got.height, got.fps), (1920, 1080, (60, 1)));
        raw.__bindgen_anon_1.bt.interlaced = 1;
        raw.__bindgen_anon_1.bt.pixelclock = 74_250_000;
        raw.__bindgen_anon_1.bt.vfrontporch = 2;
        raw.__bindgen_anon_1.bt.vbackporch = 15;
        raw.__bindgen_anon_1.bt.il_vfrontporch = 2;
        raw.__bindgen_anon_1.bt.il_vsync = 5;
        raw.__bindgen_anon_1.bt.il_vbackporch = 16;
        let got = decode(&raw).unwrap();
        assert_eq!((got.fps, got.interlaced), ((30, 1), true));
        raw.type_ = 7;
        assert_eq!(decode(&raw), None);
        assert_eq!(decode(&zeroed()), None);
    }
}
