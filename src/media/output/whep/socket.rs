//! The one UDP socket of all viewers. It says at which of the box's addresses a datagram came in, and sends from the one that it
//! is told: ICE pairs addresses, and a box with cable and Wi-Fi has several.

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsRawFd, RawFd};
use std::task::{Context, Poll, ready};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use crate::error::{Error, Result, io_kind};

/// Room for the pictures of a moment in the kernel, bytes; it gives less where its own limit is lower.
const BUFFER: usize = 4 << 20;

/// A datagram's length and where it came from and went to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received {
    pub(super) length: usize,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
}

/// A bound socket.
pub(super) struct Udp {
    socket: UdpSocket,
    port: u16,
}

/// Aligned room for one control message with an `in_pktinfo`.
type Control = [u64; 8];

impl Udp {
    /// Binds `port` (0: any) of all IPv4 addresses.
    pub(super) fn bind(port: u16, runtime: &tokio::runtime::Handle) -> Result<Self> {
        let open = || -> io::Result<Self> {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
            socket.set_nonblocking(true)?;
            // Less room is no reason to have none.
            let _ = socket.set_send_buffer_size(BUFFER);
            let _ = socket.set_recv_buffer_size(BUFFER / 4);
            with_destination(socket.as_raw_fd())?;
            socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
            let _runtime = runtime.enter();
            let socket = UdpSocket::from_std(socket.into())?;
            let port = socket.local_addr()?.port();
            Ok(Self { socket, port })
        };
        open().map_err(|e| {
            Error::new(
                io_kind(&e),
                format!("UDP port {port} for the live picture in browsers cannot be opened."),
            )
            .caused_by(e)
            .mend("Set watch.udp_port to another number.")
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The next datagram; one that does not fit is skipped.
    pub(super) fn poll_receive(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<Received>> {
        loop {
            ready!(self.socket.poll_recv_ready(cx))?;
            let fd = self.socket.as_raw_fd();
            let got = self
                .socket
                .try_io(Interest::READABLE, || receive(fd, self.port, buffer));
            match got {
                Ok(Some(received)) => return Poll::Ready(Ok(received)),
                Ok(None) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    /// Sends one datagram from `source`.
    pub(super) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        source: IpAddr,
        destination: SocketAddr,
        data: &[u8],
    ) -> Poll<io::Result<()>> {
        let (IpAddr::V4(source), SocketAddr::V4(destination)) = (source, destination) else {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        };
        loop {
            ready!(self.socket.poll_send_ready(cx))?;
            let fd = self.socket.as_raw_fd();
            let sent = self
                .socket
                .try_io(Interest::WRITABLE, || send(fd, source, destination, data));
            match sent {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                other => return Poll::Ready(other),
            }
        }
    }
}

fn length<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(mem::size_of::<T>()).unwrap_or(0)
}

/// Asks the kernel for the destination of each datagram.
fn with_destination(fd: RawFd) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: `on` lives through the call and its size is the one given.
    let done = unsafe {
        libc::setsockopt(
            fd,
            libc::IPPROTO_IP,
            libc::IP_PKTINFO,
            (&raw const on).cast(),
            length::<libc::c_int>(),
        )
    };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// One `recvmsg`; `None` for a datagram that is of no use.
fn receive(fd: RawFd, port: u16, buffer: &mut [u8]) -> io::Result<Option<Received>> {
    // SAFETY: all three are plain C structures for which zero is a value.
    let (mut name, mut message): (libc::sockaddr_in, libc::msghdr) = unsafe { mem::zeroed() };
    let mut control: Control = [0; 8];
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = length::<libc::sockaddr_in>();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = mem::size_of::<Control>() as _;
    // SAFETY: every pointer in `message` points to memory that lives through the call, with its size beside it.
    let got = unsafe { libc::recvmsg(fd, &raw mut message, 0) };
    let Ok(length) = usize::try_from(got) else {
        return Err(io::Error::last_os_error());
    };
    let broken = message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0;
    if broken || name.sin_family != libc::AF_INET as libc::sa_family_t {
        return Ok(None);
    }
    let source = SocketAddrV4::new(address(name.sin_addr), u16::from_be(name.sin_port));
    // SAFETY: the kernel wrote the control messages into `control`, and `msg_controllen` says how much of it.
    let destination = unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        let mut found = None;
        while let Some(h) = header.as_ref() {
            if h.cmsg_level == libc::IPPROTO_IP && h.cmsg_type == libc::IP_PKTINFO {
                let info: libc::in_pktinfo = libc::CMSG_DATA(h)
                    .cast::<libc::in_pktinfo>()
                    .read_unaligned();
                found = Some(address(info.ipi_addr));
            }
            header = libc::CMSG_NXTHDR(&raw const message, h);
        }
        found
    };
    Ok(destination.map(|ip| Received {
        length,
        source: source.into(),
        destination: SocketAddrV4::new(ip, port).into(),
    }))
}

/// One `sendmsg`.
fn send(fd: RawFd, source: Ipv4Addr, to: SocketAddrV4, data: &[u8]) -> io::Result<()> {
    // SAFETY: all are plain C structures for which zero is a value.
    let (mut name, mut message, mut info): (libc::sockaddr_in, libc::msghdr, libc::in_pktinfo) =
        unsafe { mem::zeroed() };
    name.sin_family = libc::AF_INET as libc::sa_family_t;
    name.sin_port = to.port().to_be();
    name.sin_addr.s_addr = u32::from(*to.ip()).to_be();
    info.ipi_spec_dst.s_addr = u32::from(source).to_be();
    let mut control: Control = [0; 8];
    let mut part = libc::iovec {
        iov_base: data.as_ptr().cast_mut().cast(),
        iov_len: data.len(),
    };
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = length::<libc::sockaddr_in>();
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: `control` is aligned and has room for one header and an `in_pktinfo` (CMSG_SPACE is 32 bytes of 64); every pointer
    // in `message` lives through the call; `sendmsg` does not write to the data.
    let sent = unsafe {
        let size = length::<libc::in_pktinfo>();
        message.msg_controllen = libc::CMSG_SPACE(size) as _;
        let Some(header) = libc::CMSG_FIRSTHDR(&raw const message).as_mut() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        header.cmsg_level = libc::IPPROTO_IP;
        header.cmsg_type = libc::IP_PKTINFO;
        header.cmsg_len = libc::CMSG_LEN(size) as _;
        libc::CMSG_DATA(header)
            .cast::<libc::in_pktinfo>()
            .write_unaligned(info);
        libc::sendmsg(fd, &raw const message, libc::MSG_NOSIGNAL)
    };
    if sent < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

fn address(raw: libc::in_addr) -> Ipv4Addr {
    Ipv4Addr::from(u32::from_be(raw.s_addr))
}
