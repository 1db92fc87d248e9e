//! Controls: listing, reading, setting.

use std::io;
use std::mem::size_of;
use std::os::fd::AsRawFd;

use super::{Node, clean, sys, zeroed};
use crate::edge::camera::control::{Control, ControlKind};
use v4l::v4l2::{self, vidioc};

/// Far above what real drivers list; bounds for one that never ends.
const MAX_CONTROLS: usize = 512;
const MAX_CHOICES: i64 = 256;

/// `V4L2_CTRL_FLAG_NEXT_CTRL | V4L2_CTRL_FLAG_NEXT_COMPOUND`: the control after this id, of any kind.
const NEXT_CONTROL: u32 = 0x8000_0000 | 0x4000_0000;

impl Node {
    /// Every control, with its value where it is a plain number.
    pub(in crate::edge::camera) fn controls(&self) -> Vec<Control> {
        let mut out = Vec::new();
        let mut last = 0;
        for _ in 0..MAX_CONTROLS {
            let Ok(raw) = self.query(last | NEXT_CONTROL) else {
                break;
            };
            if raw.id <= last {
                break;
            }
            last = raw.id;
            out.extend(self.complete(&raw));
        }
        out
    }

    /// One control as it is now; `None` where the driver does not know it or has disabled it.
    pub(in crate::edge::camera) fn control(&self, id: u32) -> Option<Control> {
        self.query(id).ok().and_then(|raw| self.complete(&raw))
    }

    /// Sets one control: 32 bits by `VIDIOC_S_CTRL`, 64 bits by `VIDIOC_S_EXT_CTRLS`.
    pub(in crate::edge::camera) fn set_control(
        &self,
        control: &Control,
        value: i64,
    ) -> io::Result<()> {
        if control.kind == ControlKind::Integer64 {
            return self
                .value64(vidioc::VIDIOC_S_EXT_CTRLS, control.id, value)
                .map(|_| ());
        }
        let mut raw: sys::v4l2_control = zeroed();
        raw.id = control.id;
        raw.value = match control.kind {
            // All 32 bits may be set; the kernel's field is signed nevertheless.
            ControlKind::Bitmask => u32::try_from(value).ok().map(u32::cast_signed),
            _ => i32::try_from(value).ok(),
        }
        .ok_or_else(|| io::Error::from_raw_os_error(libc::ERANGE))?;
        self.call(vidioc::VIDIOC_S_CTRL, &mut raw)
    }

    fn query(&self, id: u32) -> io::Result<sys::v4l2_query_ext_ctrl> {
        let mut raw: sys::v4l2_query_ext_ctrl = zeroed();
        raw.id = id;
        self.call(vidioc::VIDIOC_QUERY_EXT_CTRL, &mut raw)?;
        Ok(raw)
    }

    fn complete(&self, raw: &sys::v4l2_query_ext_ctrl) -> Option<Control> {
        let name: Vec<u8> = raw.name.iter().map(|c| c.to_ne_bytes()[0]).collect();
        let mut control = Control::from_raw(
            (raw.id, raw.type_, raw.flags),
            clean(&name),
            (raw.minimum, raw.maximum, raw.step, raw.default_value),
        )?;
        if matches!(control.kind, ControlKind::Menu | ControlKind::IntegerMenu) {
            control.choices = self.choices(&control);
        }
        if control.is_readable(raw.flags) {
            control.value = self.value(&control);
        }
        Some(control)
    }

    fn value(&self, control: &Control) -> Option<i64> {
        if control.kind == ControlKind::Integer64 {
            return self.value64(vidioc::VIDIOC_G_EXT_CTRLS, control.id, 0).ok();
        }
        let mut raw: sys::v4l2_control = zeroed();
        raw.id = control.id;
        self.call(vidioc::VIDIOC_G_CTRL, &mut raw).ok()?;
        Some(match control.kind {
            ControlKind::Bitmask => i64::from(raw.value.cast_unsigned()),
            _ => i64::from(raw.value),
        })
    }

    /// The choices of a menu; those that the driver leaves out are left out.
    fn choices(&self, menu: &Control) -> Vec<(i64, String)> {
        (menu.min.max(0)..=menu.max)
            .take(usize::try_from(MAX_CHOICES).unwrap_or(usize::MAX))
            .filter_map(|index| {
                let mut raw: sys::v4l2_querymenu = zeroed();
                raw.id = menu.id;
                raw.index = u32::try_from(index).ok()?;
                self.call(vidioc::VIDIOC_QUERYMENU, &mut raw).ok()?;
                let text = if menu.kind == ControlKind::IntegerMenu {
                    // SAFETY: for this kind the kernel fills `value`; any bits are integers.
                    unsafe { raw.__bindgen_anon_1.value }.to_string()
                } else {
                    // SAFETY: for menus of text the kernel fills `name`; any bits are bytes.
                    clean(&unsafe { raw.__bindgen_anon_1.name })
                };
                Some((index, text))
            })
            .collect()
    }

    /// `VIDIOC_G_EXT_CTRLS` or `VIDIOC_S_EXT_CTRLS` of one control of 64 bits.
    fn value64(&self, request: vidioc::_IOC_TYPE, id: u32, value: i64) -> io::Result<i64> {
        // SAFETY: all zeroes are a value of both: integers, unions of integers and pointers, and a pointer.
        let (mut one, mut all): (sys::v4l2_ext_control, sys::v4l2_ext_controls) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        one.id = id;
        one.__bindgen_anon_1.value64 = value;
        all.count = 1;
        all.controls = &raw mut one;
        if (request >> 16) & 0x3fff != size_of::<sys::v4l2_ext_controls>() as vidioc::_IOC_TYPE {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        // SAFETY: the descriptor is open, `all` is as large as the request says, and its one pointer is to `count`
        // controls that outlive the call. `size` is 0, so the kernel follows no pointer in the control itself.
        unsafe { v4l2::ioctl(self.0.as_raw_fd(), request, (&raw mut all).cast()) }?;
        // SAFETY: a control of 64 bits has `value64`; any bits are an integer.
        Ok(unsafe { one.__bindgen_anon_1.value64 })
    }
}
