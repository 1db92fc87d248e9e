//! The two ways in which a change is seen: the kernel's uevents, and the folders of device nodes.
//!
//! Uevents come at once and say what it was, but not everywhere (a container may refuse the socket, or stay silent). The
//! folders also show when udev gives a node its group, a moment after the uevent. Both together miss nothing.

use std::ffi::CString;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

use socket2::{Domain, Protocol, Socket, Type};

use super::uevent;
use crate::device::event::DeviceClass;

/// Reads of one wake at most, so that a flood cannot keep the thread from hearing its end.
const READS: usize = 64;

/// What tells a change.
pub(super) enum Eye {
    /// The kernel's uevents.
    Uevents(Socket),
    /// `/dev` and `/dev/snd`.
    Folders(Folders),
}

/// inotify on the folders of device nodes.
pub(super) struct Folders {
    fd: std::fs::File,
    /// Watch of `/dev/snd`, which comes and goes with the cards.
    cards: Option<i32>,
    root: CString,
    sound: CString,
}

impl Eye {
    /// Listens to the kernel.
    pub(super) fn uevents() -> io::Result<Self> {
        let family = Domain::from(libc::AF_NETLINK);
        let protocol = Protocol::from(libc::NETLINK_KOBJECT_UEVENT);
        let socket = Socket::new(family, Type::DGRAM, Some(protocol))?;
        socket.set_nonblocking(true)?;
        // SAFETY: all zero is a valid address, and the fields written are plain numbers within the storage.
        let (_, address) = unsafe {
            socket2::SockAddr::try_init(|storage, len| {
                let address = storage.cast::<libc::sockaddr_nl>();
                (*address).nl_family = libc::AF_NETLINK as libc::sa_family_t;
                // Group 1 is the kernel's own; group 2 is udevd's.
                (*address).nl_groups = 1;
                *len = size_of::<libc::sockaddr_nl>() as libc::socklen_t;
                Ok(())
            })
        }?;
        socket.bind(&address)?;
        Ok(Self::Uevents(socket))
    }

    /// Watches the folder of device nodes, usually `/dev`.
    pub(super) fn folders(dev: &Path) -> io::Result<Self> {
        let path = |p: &Path| CString::new(p.as_os_str().as_encoded_bytes());
        // SAFETY: takes flags only.
        let fd = unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was opened just now, and nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut folders = Folders {
            fd: fd.into(),
            cards: None,
            root: path(dev)?,
            sound: path(&dev.join("snd"))?,
        };
        folders.watch(&folders.root)?;
        folders.cards = folders.watch(&folders.sound).ok();
        Ok(Self::Folders(folders))
    }

    /// The descriptor to wait for.
    pub(super) fn fd(&self) -> RawFd {
        match self {
            Self::Uevents(socket) => socket.as_raw_fd(),
            Self::Folders(folders) => folders.fd.as_raw_fd(),
        }
    }

    /// Reads what is there. When something was lost in a flood, both classes are told.
    ///
    /// # Errors
    /// This way of seeing has failed for good.
    pub(super) fn look(&mut self, seen: &mut impl FnMut(DeviceClass)) -> io::Result<()> {
        let mut buffer = [0_u8; uevent::MAX_MESSAGE];
        for _ in 0..READS {
            let got = match self {
                Self::Uevents(socket) => (&*socket).read(&mut buffer),
                Self::Folders(folders) => folders.fd.read(&mut buffer),
            };
            match got {
                Ok(n) => {
                    let message = &buffer[..n];
                    match self {
                        Self::Uevents(_) => uevent::class(message).into_iter().for_each(&mut *seen),
                        Self::Folders(folders) => folders.changes(message, seen),
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.raw_os_error() == Some(libc::ENOBUFS) => both(seen),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

fn both(seen: &mut impl FnMut(DeviceClass)) {
    seen(DeviceClass::Camera);
    seen(DeviceClass::Sound);
}

impl Folders {
    fn watch(&self, path: &CString) -> io::Result<i32> {
        let mask = libc::IN_CREATE | libc::IN_DELETE | libc::IN_ATTRIB | libc::IN_ONLYDIR;
        // SAFETY: an open descriptor and a text that ends in NUL.
        let watch = unsafe { libc::inotify_add_watch(self.fd.as_raw_fd(), path.as_ptr(), mask) };
        if watch < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(watch)
    }

    fn changes(&mut self, bytes: &[u8], seen: &mut impl FnMut(DeviceClass)) {
        for record in records(bytes) {
            if record.mask & libc::IN_Q_OVERFLOW != 0 {
                both(seen);
            } else if record.mask & libc::IN_IGNORED != 0 {
                // The folder went away with its last card; a new one of that name is seen in the folder above.
                if self.cards == Some(record.watch) {
                    self.cards = None;
                }
            } else if self.cards == Some(record.watch) {
                if record.name.starts_with(b"pcm") || record.name.starts_with(b"control") {
                    seen(DeviceClass::Sound);
                }
            } else if record.name == b"snd" {
                self.cards = self.watch(&self.sound).ok().or(self.cards);
                seen(DeviceClass::Sound);
            } else if record.name.starts_with(b"video") {
                seen(DeviceClass::Camera);
            }
        }
    }
}

/// One record of inotify.
#[derive(Debug, PartialEq, Eq)]
struct Record<'a> {
    watch: i32,
    mask: u32,
    name: &'a [u8],
}

/// Takes apart what a read of inotify gave (`struct inotify_event`: watch, mask, cookie, length of name, name with NULs).
fn records(mut bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let word =
            |at: usize| Some(<[u8; 4]>::try_from(bytes.get(at..at + 4)?).unwrap_or_default());
        let watch = i32::from_ne_bytes(word(0)?);
        let mask = u32::from_ne_bytes(word(4)?);
        let len = usize::try_from(u32::from_ne_bytes(word(12)?)).ok()?;
        let rest = bytes.get(16..)?;
        let (name, after) = (rest.get(..len)?, rest.get(len..)?);
        bytes = after;
        let end = name.iter().position(|b| *b == 0).unwrap_or(len);
        Some(Record {
            watch,
            mask,
            name: &name[..end],
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(watch: i32, mask: u32, name: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&watch.to_ne_bytes());
        out.extend_from_slice(&mask.to_ne_bytes());
        out.extend_from_slice(&0_u32.to_ne_bytes());
        let padded = name.len().next_multiple_of(16);
        out.extend_from_slice(&u32::try_from(padded).unwrap().to_ne_bytes());
        out.extend_from_slice(name);
        out.resize(16 + padded, 0);
        out
    }

    #[test]
    fn records_are_taken_apart_and_a_broken_end_is_left() {
        let mut bytes = record(1, libc::IN_CREATE, b"video0");
        bytes.extend(record(2, libc::IN_IGNORED, b""));
        let whole = bytes.len();
        bytes.extend(&record(3, libc::IN_CREATE, b"cut")[..20]);
        let found: Vec<_> = records(&bytes).collect();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].watch, found[0].name), (1, &b"video0"[..]));
        assert_eq!((found[1].mask, found[1].name), (libc::IN_IGNORED, &b""[..]));
        assert_eq!(records(&bytes[..whole - 1]).count(), 1);
    }

    proptest! {
        #[test]
        fn odd_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let total: usize = records(&bytes).map(|r| 16 + r.name.len()).sum();
            prop_assert!(total <= bytes.len());
        }
    }
}
