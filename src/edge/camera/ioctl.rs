//! The kernel's V4L2 calls that look at a camera and change nothing (`linux/videodev2.h`).
//!
//! The structures, numbers and the call itself are those of the `v4l` crate; its `Device` on top of them is not used,
//! because it panics on what real cameras say: a model name that is no UTF-8 (the kernel cuts it at 32 bytes, in the
//! middle of a letter), a control kind that is younger than its table, a menu with step 0. It also knows no
//! multi-planar cameras and does not tell a continuous range from one with steps. Here every text is cleaned, every
//! loop has a bound, and what is not understood is left out.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::{self, size_of};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use v4l::v4l_sys as sys;
use v4l::v4l2::{self, vidioc};

use super::control::Control;
use super::expand::{Intervals, Sizes};

/// Far above what real drivers list; bounds for one that never ends.
const MAX_FORMATS: u32 = 64;
const MAX_SIZES: u32 = 128;
const MAX_INTERVALS: u32 = 64;
const MAX_CONTROLS: usize = 512;

/// `V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND`: the control after this id, of any kind.
const NEXT_CONTROL: u32 = 0x8000_0000 | 0x4000_0000;

/// C structures of integers and unions of them.
///
/// # Safety
/// All zeroes must be a value of the type, and so must be whatever the kernel writes into it.
unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($name:ident),*) => {
        // SAFETY: each is a C structure of integers, arrays of integers and unions of such.
        $(unsafe impl Plain for sys::$name {})*
    };
}

plain!(
    v4l2_capability,
    v4l2_fmtdesc,
    v4l2_frmsizeenum,
    v4l2_frmivalenum,
    v4l2_streamparm,
    v4l2_requestbuffers,
    v4l2_query_ext_ctrl,
    v4l2_control
);

fn zeroed<T: Plain>() -> T {
    // SAFETY: `Plain` promises that all zeroes are a value.
    unsafe { mem::zeroed() }
}

/// Who a device says that it is (`VIDIOC_QUERYCAP`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Capability {
    pub driver: String,
    pub card: String,
    pub bus: String,
    /// `V4L2_CAP_…` of this very node.
    pub caps: u32,
}

/// Kind of queue of a camera: single- or multi-planar (`enum v4l2_buf_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Queue {
    Capture = 1,
    CaptureMplane = 9,
}

/// An open device node.
pub(super) struct Node(File);

impl Node {
    /// Opens without waiting. The node is closed on drop and not inherited by child processes.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)
            .map(Self)
    }

    pub(super) fn capability(&self) -> io::Result<Capability> {
        let mut raw: sys::v4l2_capability = zeroed();
        self.call(vidioc::VIDIOC_QUERYCAP, &mut raw)?;
        // Kernels before 3.4 have no capabilities per node; then those of the device stand.
        let per_node = raw.capabilities & sys::V4L2_CAP_DEVICE_CAPS != 0;
        Ok(Capability {
            driver: clean(&raw.driver),
            card: clean(&raw.card),
            bus: clean(&raw.bus_info),
            caps: if per_node {
                raw.device_caps
            } else {
                raw.capabilities
            },
        })
    }

    /// Four-character codes.
    pub(super) fn formats(&self, queue: Queue) -> Vec<u32> {
        let item = |index| {
            let mut raw: sys::v4l2_fmtdesc = zeroed();
            raw.index = index;
            raw.type_ = queue as u32;
            self.call(vidioc::VIDIOC_ENUM_FMT, &mut raw)
                .map(|()| Some(raw.pixelformat))
        };
        collect(MAX_FORMATS, item)
    }

    pub(super) fn sizes(&self, fourcc: u32) -> Vec<Sizes> {
        let item = |index| {
            let mut raw: sys::v4l2_frmsizeenum = zeroed();
            raw.index = index;
            raw.pixel_format = fourcc;
            self.call(vidioc::VIDIOC_ENUM_FRAMESIZES, &mut raw)
                .map(|()| decode_size(&raw))
        };
        collect(MAX_SIZES, item)
    }

    pub(super) fn intervals(&self, fourcc: u32, (width, height): (u32, u32)) -> Vec<Intervals> {
        let item = |index| {
            let mut raw: sys::v4l2_frmivalenum = zeroed();
            raw.index = index;
            raw.pixel_format = fourcc;
            raw.width = width;
            raw.height = height;
            self.call(vidioc::VIDIOC_ENUM_FRAMEINTERVALS, &mut raw)
                .map(|()| decode_interval(&raw))
        };
        collect(MAX_INTERVALS, item)
    }

    /// The frame interval that is set now, in seconds, for drivers that do not list any.
    pub(super) fn current_interval(&self, queue: Queue) -> Option<(u32, u32)> {
        let mut raw: sys::v4l2_streamparm = zeroed();
        raw.type_ = queue as u32;
        self.call(vidioc::VIDIOC_G_PARM, &mut raw).ok()?;
        // SAFETY: for capture queues the kernel fills `capture`; any bits are integers.
        let t = unsafe { raw.parm.capture.timeperframe };
        (t.numerator > 0 && t.denominator > 0).then_some((t.numerator, t.denominator))
    }

    /// Whether another program streams from it: giving back our (none) buffers is refused to all but the owner.
    pub(super) fn is_busy(&self, queue: Queue) -> bool {
        let mut raw: sys::v4l2_requestbuffers = zeroed();
        raw.type_ = queue as u32;
        raw.memory = sys::v4l2_memory_V4L2_MEMORY_MMAP;
        self.call(vidioc::VIDIOC_REQBUFS, &mut raw)
            .is_err_and(|e| e.raw_os_error() == Some(libc::EBUSY))
    }

    /// Every control, with its value where it is a plain number.
    pub(super) fn controls(&self) -> Vec<Control> {
        let mut out = Vec::new();
        let mut last = 0;
        for _ in 0..MAX_CONTROLS {
            let mut raw: sys::v4l2_query_ext_ctrl = zeroed();
            raw.id = last | NEXT_CONTROL;
            let answer = self.call(vidioc::VIDIOC_QUERY_EXT_CTRL, &mut raw);
            if answer.is_err() || raw.id <= last {
                break;
            }
            last = raw.id;
            let name: Vec<u8> = raw.name.iter().map(|c| c.to_ne_bytes()[0]).collect();
            let control = Control::from_raw(
                (raw.id, raw.type_, raw.flags),
                clean(&name),
                (raw.minimum, raw.maximum, raw.step, raw.default_value),
            );
            if let Some(mut control) = control {
                if control.is_readable(raw.flags) {
                    control.value = self.value(control.id);
                }
                out.push(control);
            }
        }
        out
    }

    fn value(&self, id: u32) -> Option<i64> {
        let mut raw: sys::v4l2_control = zeroed();
        raw.id = id;
        self.call(vidioc::VIDIOC_G_CTRL, &mut raw).ok()?;
        Some(i64::from(raw.value))
    }

    fn call<T: Plain>(&self, request: vidioc::_IOC_TYPE, arg: &mut T) -> io::Result<()> {
        // `_IOC_SIZE`: how much the kernel reads and writes.
        if (request >> 16) & 0x3fff != size_of::<T>() as vidioc::_IOC_TYPE {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let mut tries = 0;
        loop {
            // SAFETY: the descriptor is open, `arg` is exactly as large as the request says, holds no pointers that
            // the kernel would follow for the requests of this file, and any bits are a value of it.
            let answer =
                unsafe { v4l2::ioctl(self.0.as_raw_fd(), request, std::ptr::from_mut(arg).cast()) };
            tries += 1;
            match answer {
                Err(e) if e.kind() == io::ErrorKind::Interrupted && tries < 10 => {}
                other => return other,
            }
        }
    }
}

/// Items 0, 1, 2, … until the driver says that there are no more; `None` for one that is not understood.
fn collect<T>(max: u32, item: impl Fn(u32) -> io::Result<Option<T>>) -> Vec<T> {
    (0..max)
        .map_while(|index| item(index).ok())
        .flatten()
        .collect()
}

fn decode_size(raw: &sys::v4l2_frmsizeenum) -> Option<Sizes> {
    match raw.type_ {
        sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_DISCRETE => {
            // SAFETY: this type says that `discrete` is filled; any bits are integers.
            let d = unsafe { raw.__bindgen_anon_1.discrete };
            Some(Sizes::One(d.width, d.height))
        }
        sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_STEPWISE
        | sys::v4l2_frmsizetypes_V4L2_FRMSIZE_TYPE_CONTINUOUS => {
            // SAFETY: these types say that `stepwise` is filled; any bits are integers.
            let s = unsafe { raw.__bindgen_anon_1.stepwise };
            Some(Sizes::Range {
                width: (s.min_width, s.max_width, s.step_width),
                height: (s.min_height, s.max_height, s.step_height),
            })
        }
        _ => None,
    }
}

fn decode_interval(raw: &sys::v4l2_frmivalenum) -> Option<Intervals> {
    let pair = |f: sys::v4l2_fract| (f.numerator, f.denominator);
    match raw.type_ {
        sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_DISCRETE => {
            // SAFETY: this type says that `discrete` is filled; any bits are integers.
            let d = unsafe { raw.__bindgen_anon_1.discrete };
            Some(Intervals::One(pair(d)))
        }
        kind @ (sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_STEPWISE
        | sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_CONTINUOUS) => {
            // SAFETY: these types say that `stepwise` is filled; any bits are integers.
            let s = unsafe { raw.__bindgen_anon_1.stepwise };
            let stepped = kind == sys::v4l2_frmivaltypes_V4L2_FRMIVAL_TYPE_STEPWISE;
            Some(Intervals::Range {
                min: pair(s.min),
                max: pair(s.max),
                step: stepped.then(|| pair(s.step)),
            })
        }
        _ => None,
    }
}

/// Text from a driver: up to the first NUL, in letters that can be printed.
pub(super) fn clean(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    crate::edge::printable(&String::from_utf8_lossy(&bytes[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_driver_is_cut_and_cleaned() {
        assert_eq!(clean(b"UVC Camera\0junk"), "UVC Camera");
        // 31 bytes and half a letter, as the kernel cuts them.
        assert_eq!(clean(b"Kamera \xc3"), "Kamera \u{fffd}");
        assert_eq!(clean(b"\x1b[31mred\n"), "[31mred");
        assert_eq!(clean(b""), "");
    }

    #[test]
    fn sizes_and_intervals_are_decoded_by_their_type() {
        let mut size: sys::v4l2_frmsizeenum = zeroed();
        size.type_ = 1;
        size.__bindgen_anon_1.discrete = sys::v4l2_frmsize_discrete {
            width: 640,
            height: 480,
        };
        assert_eq!(decode_size(&size), Some(Sizes::One(640, 480)));
        size.type_ = 3;
        size.__bindgen_anon_1.stepwise = sys::v4l2_frmsize_stepwise {
            min_width: 16,
            max_width: 1920,
            step_width: 2,
            min_height: 17,
            max_height: 1080,
            step_height: 3,
        };
        let range = Sizes::Range {
            width: (16, 1920, 2),
            height: (17, 1080, 3),
        };
        assert_eq!(decode_size(&size), Some(range));
        size.type_ = 9;
        assert_eq!(decode_size(&size), None);

        let fract = |numerator, denominator| sys::v4l2_fract {
            numerator,
            denominator,
        };
        let mut interval: sys::v4l2_frmivalenum = zeroed();
        interval.__bindgen_anon_1.stepwise = sys::v4l2_frmival_stepwise {
            min: fract(1, 60),
            max: fract(1, 1),
            step: fract(1, 1),
        };
        let with = |step| {
            Some(Intervals::Range {
                min: (1, 60),
                max: (1, 1),
                step,
            })
        };
        for (kind, expected) in [
            (1, Some(Intervals::One((1, 60)))),
            (2, with(None)),
            (3, with(Some((1, 1)))),
            (0, None),
        ] {
            interval.type_ = kind;
            assert_eq!(decode_interval(&interval), expected);
        }
    }

    #[test]
    fn a_file_that_is_no_camera_gives_errors_and_empty_lists_not_harm() {
        let node = Node::open(Path::new("/dev/null")).unwrap();
        let e = node.capability().unwrap_err();
        assert_eq!(e.raw_os_error(), Some(libc::ENOTTY));
        assert!(node.formats(Queue::Capture).is_empty());
        assert!(node.sizes(0).is_empty());
        assert!(node.intervals(0, (640, 480)).is_empty());
        assert!(node.controls().is_empty());
        assert!(!node.is_busy(Queue::CaptureMplane));
        assert_eq!(node.current_interval(Queue::Capture), None);
    }

    #[test]
    fn a_request_never_gets_a_structure_of_another_size() {
        let node = Node::open(Path::new("/dev/null")).unwrap();
        let mut wrong: sys::v4l2_control = zeroed();
        let e = node.call(vidioc::VIDIOC_QUERYCAP, &mut wrong).unwrap_err();
        assert_eq!(e.kind(), io::ErrorKind::InvalidInput);
    }
}
