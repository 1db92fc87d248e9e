//! The kernel's V4L2 calls (`linux/videodev2.h`) that a camera is looked at with. What is here changes nothing;
//! `ioctl/controls.rs` sets controls, `ioctl/input.rs` the timings of an HDMI input.
//!
//! The structures, numbers and the call itself are those of the `v4l` crate; its `Device` on top of them is not used,
//! because it panics on what real cameras say: a model name that is no UTF-8 (the kernel cuts it at 32 bytes, in the
//! middle of a letter), a control kind that is younger than its table, a menu with step 0. It also knows no
//! multi-planar cameras and does not tell a continuous range from one with steps. Here every text is cleaned, every
//! loop has a bound, and what is not understood is left out.

mod controls;
mod input;

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::{self, size_of};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use v4l::v4l_sys as sys;
use v4l::v4l2::{self, vidioc};

use super::expand::{Intervals, Sizes};

/// Far above what real drivers list; bounds for one that never ends.
const MAX_FORMATS: u32 = 128;
const MAX_SIZES: u32 = 128;
const MAX_INTERVALS: u32 = 64;

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
    v4l2_format,
    v4l2_query_ext_ctrl,
    v4l2_control,
    v4l2_querymenu,
    v4l2_input,
    v4l2_dv_timings
);

// SAFETY: the argument of `VIDIOC_G_INPUT` is a plain `int`.
unsafe impl Plain for libc::c_int {}

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

    /// The frame size that is set now, pixels, for drivers that do not list any.
    pub(super) fn current_size(&self, queue: Queue) -> Option<(u32, u32)> {
        let mut raw: sys::v4l2_format = zeroed();
        raw.type_ = queue as u32;
        self.call(vidioc::VIDIOC_G_FMT, &mut raw).ok()?;
        // SAFETY: for these two kinds of queue the kernel fills `pix` or `pix_mp`; any bits are integers.
        let size = unsafe {
            match queue {
                Queue::Capture => (raw.fmt.pix.width, raw.fmt.pix.height),
                Queue::CaptureMplane => (raw.fmt.pix_mp.width, raw.fmt.pix_mp.height),
            }
        };
        (size.0 > 0 && size.1 > 0).then_some(size)
    }

    /// Whether another program streams from it: giving back our (none) buffers is refused to all but the owner.
    pub(super) fn is_busy(&self, queue: Queue) -> bool {
        let mut raw: sys::v4l2_requestbuffers = zeroed();
        raw.type_ = queue as u32;
        raw.memory = sys::v4l2_memory_V4L2_MEMORY_MMAP;
        self.call(vidioc::VIDIOC_REQBUFS, &mut raw)
            .is_err_and(|e| e.raw_os_error() == Some(libc::EBUSY))
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
#[path = "ioctl/tests.rs"]
mod tests;
