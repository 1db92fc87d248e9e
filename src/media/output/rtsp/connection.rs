//! The socket under an RTSP connection.

use std::os::fd::{AsRawFd, BorrowedFd};

use gstreamer::glib::translate::{ToGlibPtr, from_glib_none};
use gstreamer_rtsp_server as rtsp;
use rtsp::gio;

/// Most bytes that wait unsent in the kernel for one reader: what is behind is refused in our own queue, GOP-wise, and
/// does not grow into megabytes of old picture.
const UNSENT: libc::c_int = 128 << 10;

/// Small packets at once, little unsent. A socket that cannot do it still works, so failures are only logged.
pub(super) fn tune(client: &rtsp::RTSPClient) {
    let Some(socket) = socket(client) else {
        return;
    };
    // SAFETY: `socket` keeps the descriptor open during this function.
    let fd = unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) };
    let tcp = socket2::SockRef::from(&fd);
    if let Err(e) = tcp.set_tcp_nodelay(true) {
        tracing::debug!("TCP_NODELAY could not be set: {e}");
    }
    // SAFETY: descriptor and value are valid for the call, which copies the value.
    let failed = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            std::ptr::from_ref(&UNSENT).cast(),
            libc::socklen_t::try_from(size_of::<libc::c_int>()).unwrap_or(4),
        )
    };
    if failed != 0 {
        let e = std::io::Error::last_os_error();
        tracing::debug!("TCP_NOTSENT_LOWAT could not be set: {e}");
    }
}

/// Ends the conversation in both directions; the library then finds the end of the stream and clears up by itself.
pub(super) fn shut(client: &rtsp::RTSPClient) {
    if let Some(socket) = socket(client) {
        // SAFETY: `socket` keeps the descriptor open during this call.
        let fd = unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) };
        let _ = socket2::SockRef::from(&fd).shutdown(std::net::Shutdown::Both);
    }
}

fn socket(client: &rtsp::RTSPClient) -> Option<gio::Socket> {
    // SAFETY: the connection is set before the server tells of a client, and lives as long as the client; the socket
    // is borrowed from it, and we take a reference of our own.
    unsafe {
        let connection = rtsp::ffi::gst_rtsp_client_get_connection(client.to_glib_none().0);
        if connection.is_null() {
            return None;
        }
        let socket = rtsp::gst_rtsp::ffi::gst_rtsp_connection_get_write_socket(connection);
        if socket.is_null() {
            return None;
        }
        Some(from_glib_none(socket.cast::<gio::ffi::GSocket>()))
    }
}
