//! One track of one reader: the library's stream transport, over the RTSP connection or over UDP.

use std::ffi::CStr;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use bytes::Bytes;
use gstreamer as gst;
use gstreamer::glib::translate::{ToGlibPtr, from_glib};
use gstreamer_rtsp_server as rtsp;
use rtsp::gio;
use rtsp::prelude::*;

use super::rtcp::Report;
use crate::media::access_unit::Track;

/// How packets leave.
enum Way {
    /// Interleaved on the RTSP connection.
    Tcp,
    /// UDP, from the library's sockets to the ports of SETUP.
    Udp {
        rtp: gio::Socket,
        rtcp: Option<gio::Socket>,
        to: SocketAddr,
        rtcp_to: SocketAddr,
    },
}

/// One track of one reader.
pub(super) struct Leg {
    pub track: Track,
    pub transport: rtsp::RTSPStreamTransport,
    way: Way,
    pub packets: u32,
    pub octets: u32,
}

// SAFETY: the transport is a GObject whose calls used here (send, set_message_sent) the library itself makes from its
// streaming threads; its reference count is atomic. `Reader` serialises the calls with a lock.
unsafe impl Send for Leg {}

impl Leg {
    /// Reads the transport that SETUP agreed on; `None` when it is none that packets can be sent on.
    pub(super) fn new(track: Track, transport: &rtsp::RTSPStreamTransport) -> Option<Self> {
        let way = way(transport)?;
        Some(Self {
            track,
            transport: transport.clone(),
            way,
            packets: 0,
            octets: 0,
        })
    }

    pub(super) fn is_tcp(&self) -> bool {
        matches!(self.way, Way::Tcp)
    }

    /// Writes all packets on the RTSP connection without waiting. `false`: an earlier write is still under way.
    pub(super) fn send_list(&self, list: &gst::BufferList) -> bool {
        // SAFETY: both pointers are valid for the call, which takes no ownership.
        unsafe {
            from_glib(rtsp::ffi::gst_rtsp_stream_transport_send_rtp_list(
                self.transport.to_glib_none().0,
                list.as_mut_ptr(),
            ))
        }
    }

    /// Sends packets over UDP without waiting; gives how many went out.
    pub(super) fn send_datagrams(&self, packets: &[Bytes]) -> usize {
        let Way::Udp { rtp, to, .. } = &self.way else {
            return 0;
        };
        send_many(rtp, *to, packets)
    }

    /// Sends an RTCP packet; what cannot go out now is lost, as RTCP allows.
    pub(super) fn send_rtcp(&self, packet: Vec<u8>) {
        match &self.way {
            Way::Tcp => {
                let _ = self.transport.send_rtcp(&gst::Buffer::from_slice(packet));
            }
            Way::Udp {
                rtcp: Some(socket),
                rtcp_to,
                ..
            } => {
                send_many(socket, *rtcp_to, &[Bytes::from(packet)]);
            }
            Way::Udp { rtcp: None, .. } => {}
        }
    }

    /// Fills in what this reader was sent.
    pub(super) fn report(&self, ssrc: u32, ntp: u64, timestamp: u32) -> Report {
        Report {
            ssrc,
            ntp,
            timestamp,
            packets: self.packets,
            octets: self.octets,
        }
    }
}

fn way(transport: &rtsp::RTSPStreamTransport) -> Option<Way> {
    // SAFETY: the structure belongs to the transport, which lives during this call; strings are NUL-terminated or null.
    let (lower, destination, ports) = unsafe {
        let raw = rtsp::ffi::gst_rtsp_stream_transport_get_transport(transport.to_glib_none().0)
            .as_ref()?;
        let destination = if raw.destination.is_null() {
            None
        } else {
            CStr::from_ptr(raw.destination).to_str().ok()
        };
        let destination = destination.and_then(|d| d.parse::<IpAddr>().ok());
        (raw.lower_transport, destination, raw.client_port)
    };
    if lower == rtsp::gst_rtsp::ffi::GST_RTSP_LOWER_TRANS_TCP {
        return Some(Way::Tcp);
    }
    if lower != rtsp::gst_rtsp::ffi::GST_RTSP_LOWER_TRANS_UDP {
        return None;
    }
    let ip = destination?;
    let family = match ip {
        IpAddr::V4(_) => gio::SocketFamily::Ipv4,
        IpAddr::V6(_) => gio::SocketFamily::Ipv6,
    };
    let stream = transport.stream()?;
    let port = |n: i32| u16::try_from(n).ok().filter(|p| *p != 0);
    let rtp_port = port(ports.min)?;
    Some(Way::Udp {
        rtp: stream.rtp_socket(family)?,
        rtcp: stream.rtcp_socket(family),
        to: SocketAddr::new(ip, rtp_port),
        rtcp_to: SocketAddr::new(ip, port(ports.max).unwrap_or(rtp_port)),
    })
}

/// `sendmmsg(2)`: one system call for a frame.
fn send_many(socket: &gio::Socket, to: SocketAddr, packets: &[Bytes]) -> usize {
    let address = socket2::SockAddr::from(to);
    let mut parts: Vec<libc::iovec> = packets
        .iter()
        .map(|p| libc::iovec {
            iov_base: p.as_ptr().cast_mut().cast(),
            iov_len: p.len(),
        })
        .collect();
    let mut messages: Vec<libc::mmsghdr> = parts
        .iter_mut()
        .map(|part| {
            // SAFETY: all-zero is a valid `mmsghdr`; it has padding on some systems, so it has no literal form.
            let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
            message.msg_hdr.msg_name = address.as_ptr().cast_mut().cast();
            message.msg_hdr.msg_namelen = address.len();
            message.msg_hdr.msg_iov = part;
            message.msg_hdr.msg_iovlen = 1;
            message
        })
        .collect();
    let count = u32::try_from(messages.len()).unwrap_or(u32::MAX);
    // SAFETY: address, parts and messages outlive the call; the kernel only reads what `iov_base` points to.
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            messages.as_mut_ptr(),
            count,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        )
    };
    match usize::try_from(sent) {
        Ok(n) => n,
        Err(_) => match std::io::Error::last_os_error().kind() {
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted => 0,
            // Refused by a reader that is gone, or no route: lost, as datagrams may be; its session times out.
            _ => packets.len(),
        },
    }
}
