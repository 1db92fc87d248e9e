//! The output node of the kernel's UVC function (`g_uvc`): its ioctls, events and buffers.
//!
//! Figures are from `include/uapi/linux/usb/g_uvc.h` and `videodev2.h`. The node is opened by hand, for the `v4l`
//! crate's device type knows neither the private events nor `UVCIOC_SEND_RESPONSE`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use v4l::v4l_sys as sys;
use v4l::v4l2::vidioc;

const EVENT_BASE: u32 = 0x0800_0000;
/// `_IOW('U', 1, struct uvc_request_data)`: a length and 60 bytes.
const SEND_RESPONSE: libc::c_ulong = 1 << 30 | 64 << 16 | 0x55 << 8 | 1;
/// `_IOR('V', 89, struct v4l2_event)`.
const DEQUEUE_EVENT: libc::c_ulong =
    2 << 30 | (size_of::<sys::v4l2_event>() as libc::c_ulong) << 16 | 0x56 << 8 | 89;
/// `_IOW('V', 90, struct v4l2_event_subscription)`.
const SUBSCRIBE_EVENT: libc::c_ulong =
    1 << 30 | (size_of::<sys::v4l2_event_subscription>() as libc::c_ulong) << 16 | 0x56 << 8 | 90;
const OUTPUT: u32 = sys::v4l2_buf_type_V4L2_BUF_TYPE_VIDEO_OUTPUT;
const MMAP: u32 = sys::v4l2_memory_V4L2_MEMORY_MMAP;

/// What the host does to the camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It has configured the device.
    Connect,
    /// It is gone, or the device was pulled out.
    Disconnect,
    /// It wants frames: the frames' buffers must be queued and the stream started before it goes on.
    StreamOn,
    /// It wants no more frames; it waits until the stream is stopped.
    StreamOff,
    /// A class request; it must be answered.
    Setup(Setup),
    /// The data stage of the last `SET_CUR`.
    Data(Vec<u8>),
}

/// A class request to one of the two interfaces (USB 2.0 §9.3, UVC 1.1 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// `SET_CUR` 0x01, `GET_CUR` 0x81 …
    pub request: u8,
    /// High byte of wValue.
    pub selector: u8,
    /// High byte of wIndex: unit or terminal; 0 is the interface itself.
    pub entity: u8,
    /// Whether it is for the streaming interface; else for the control interface. (The kernel puts 1 and 0 in place
    /// of the interfaces' numbers.)
    pub streaming: bool,
    /// wLength.
    pub length: u16,
}

/// The open node with its mapped buffers.
#[derive(Debug)]
pub struct Node {
    file: File,
    buffers: Vec<Mapped>,
    free: Vec<usize>,
    on: bool,
}

#[derive(Debug)]
struct Mapped {
    start: *mut libc::c_void,
    length: usize,
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: exactly what mmap gave, and nobody borrows from it any more.
        unsafe { libc::munmap(self.start, self.length) };
    }
}

impl Node {
    /// Opens it and subscribes to everything; with that the camera shows on the bus.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        let node = Self {
            file,
            buffers: Vec::new(),
            free: Vec::new(),
            on: false,
        };
        // SETUP comes last: it connects the device, and nothing before it shall be missed.
        for event in [0, 1, 2, 3, 5, 4] {
            // SAFETY: plain data, all zero is valid.
            let mut ask: sys::v4l2_event_subscription = unsafe { std::mem::zeroed() };
            ask.type_ = EVENT_BASE + event;
            node.ioctl(SUBSCRIBE_EVENT, &mut ask)
                .with_context(|| format!("cannot subscribe to events of {}", path.display()))?;
        }
        Ok(node)
    }

    /// For `poll`: `POLLPRI` says there is an event, `POLLOUT` that a buffer came back.
    pub fn fd(&self) -> RawFd {
        self.file.as_raw_fd()
    }

    /// The next event, if there is one.
    pub fn event(&self) -> Result<Option<Event>> {
        // SAFETY: plain data, all zero is valid.
        let mut event: sys::v4l2_event = unsafe { std::mem::zeroed() };
        match self.ioctl(DEQUEUE_EVENT, &mut event) {
            Ok(()) => {}
            Err(error)
                if [Some(libc::ENOENT), Some(libc::EAGAIN)].contains(&error.raw_os_error()) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error).context("cannot take an event"),
        }
        // SAFETY: all members of the union are plain bytes.
        let data: [u8; 64] = unsafe { event.u.data };
        let word = |at: usize| u16::from_le_bytes([data[at], data[at + 1]]);
        Ok(Some(match event.type_.wrapping_sub(EVENT_BASE) {
            0 => Event::Connect,
            1 => Event::Disconnect,
            2 => Event::StreamOn,
            3 => Event::StreamOff,
            4 => Event::Setup(Setup {
                request: data[1],
                selector: data[3],
                entity: data[5],
                streaming: data[4] == 1,
                length: word(6),
            }),
            5 => {
                let length = i32::from_le_bytes([data[0], data[1], data[2], data[3]]);
                let length = usize::try_from(length).unwrap_or(0).min(60);
                Event::Data(data[4..4 + length].to_vec())
            }
            other => bail!("an event of unknown type {other}"),
        }))
    }

    /// Answers a `GET` with data, or takes `answer.len()` bytes of a `SET`.
    pub fn respond(&self, answer: &[u8]) -> Result<()> {
        self.send(i32::try_from(answer.len())?, answer)
    }

    /// Refuses the request (a stall on the control pipe).
    pub fn stall(&self) -> Result<()> {
        self.send(-1, &[])
    }

    fn send(&self, length: i32, answer: &[u8]) -> Result<()> {
        let mut data = [0u8; 64];
        data[..4].copy_from_slice(&length.to_le_bytes());
        for (to, from) in data[4..].iter_mut().zip(answer) {
            *to = *from;
        }
        match self.ioctl(SEND_RESPONSE, &mut data) {
            // The host has gone away meanwhile; the event that says so follows.
            Err(error) if error.raw_os_error() == Some(libc::ESHUTDOWN) => Ok(()),
            other => other.context("cannot answer a request of the host"),
        }
    }

    /// Sets the format and gets `count` buffers for it. Stops what was before.
    pub fn prepare(&mut self, fourcc: [u8; 4], width: u32, height: u32, count: u32) -> Result<()> {
        self.stop()?;
        // SAFETY: plain data, all zero is valid.
        let mut format: sys::v4l2_format = unsafe { std::mem::zeroed() };
        format.type_ = OUTPUT;
        let size = width * height * 2;
        // SAFETY: of the union, `pix` is the member for this buffer type.
        let pix = unsafe { &mut format.fmt.pix };
        pix.width = width;
        pix.height = height;
        pix.pixelformat = u32::from_le_bytes(fourcc);
        pix.field = sys::v4l2_field_V4L2_FIELD_NONE;
        pix.sizeimage = size;
        self.ioctl(vidioc::VIDIOC_S_FMT, &mut format)
            .context("cannot set the format")?;
        let got = self.request(count)?;
        for index in 0..got {
            let mapped = self.map(index)?;
            self.buffers.push(mapped);
            self.free.push(index as usize);
        }
        Ok(())
    }

    fn request(&self, count: u32) -> Result<u32> {
        // SAFETY: plain data, all zero is valid.
        let mut ask: sys::v4l2_requestbuffers = unsafe { std::mem::zeroed() };
        ask.count = count;
        ask.type_ = OUTPUT;
        ask.memory = MMAP;
        self.ioctl(vidioc::VIDIOC_REQBUFS, &mut ask)
            .context("cannot get buffers")?;
        Ok(ask.count)
    }

    fn map(&self, index: u32) -> Result<Mapped> {
        let mut buffer = empty_buffer();
        buffer.index = index;
        self.ioctl(vidioc::VIDIOC_QUERYBUF, &mut buffer)
            .context("cannot look at a buffer")?;
        let length = buffer.length as usize;
        // SAFETY: offset and length are the driver's own; the result is checked.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                self.fd(),
                libc::off_t::from(buffer.m.offset),
            )
        };
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error()).context("cannot map a buffer");
        }
        Ok(Mapped { start, length })
    }

    /// Starts the stream. The host waits for it.
    pub fn start(&mut self) -> Result<()> {
        let mut kind = OUTPUT;
        self.ioctl(vidioc::VIDIOC_STREAMON, &mut kind)
            .context("cannot start the stream")?;
        self.on = true;
        Ok(())
    }

    /// Stops the stream and gives the buffers back.
    pub fn stop(&mut self) -> Result<()> {
        if self.on {
            self.on = false;
            let mut kind = OUTPUT;
            self.ioctl(vidioc::VIDIOC_STREAMOFF, &mut kind)
                .context("cannot stop the stream")?;
        }
        if !self.buffers.is_empty() {
            self.buffers.clear();
            self.free.clear();
            self.request(0)?;
        }
        Ok(())
    }

    /// A buffer to fill, if one is free: hand its number to [`Self::queue`] afterwards.
    pub fn take(&mut self) -> Result<Option<usize>> {
        loop {
            let mut buffer = empty_buffer();
            match self.ioctl(vidioc::VIDIOC_DQBUF, &mut buffer) {
                Ok(()) => self.free.push(buffer.index as usize),
                Err(error) if error.raw_os_error() == Some(libc::EAGAIN) => break,
                Err(error) => return Err(error).context("cannot take a buffer back"),
            }
        }
        Ok(self.free.pop())
    }

    /// The memory of a buffer that [`Self::take`] gave.
    pub fn memory(&mut self, index: usize) -> &mut [u8] {
        let mapped = &self.buffers[index];
        // SAFETY: the mapping lives as long as `self`, is as long as said, and the driver does not read it before
        // it is queued.
        unsafe { std::slice::from_raw_parts_mut(mapped.start.cast(), mapped.length) }
    }

    /// Sends `used` bytes of the buffer as one frame.
    pub fn queue(&mut self, index: usize, used: usize) -> Result<()> {
        let mut buffer = empty_buffer();
        buffer.index = u32::try_from(index)?;
        buffer.bytesused = u32::try_from(used)?;
        buffer.field = sys::v4l2_field_V4L2_FIELD_NONE;
        self.ioctl(vidioc::VIDIOC_QBUF, &mut buffer)
            .context("cannot send a frame")
    }

    fn ioctl<T>(&self, request: libc::c_ulong, argument: &mut T) -> io::Result<()> {
        // SAFETY: the request codes are those of the structures that are passed here.
        if unsafe { libc::ioctl(self.fd(), request, std::ptr::from_mut(argument)) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

fn empty_buffer() -> sys::v4l2_buffer {
    // SAFETY: plain data, all zero is valid.
    let mut buffer: sys::v4l2_buffer = unsafe { std::mem::zeroed() };
    buffer.type_ = OUTPUT;
    buffer.memory = MMAP;
    buffer
}
