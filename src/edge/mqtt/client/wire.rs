//! The socket: how it is opened, and whether it moves.
//!
//! A snapshot on a narrow uplink can take longer than the broker is given to show a sign of life. So a socket that was full and
//! takes bytes again counts as a sign of life, too; bytes that merely vanish into a buffer do not, since the buffers of
//! a frozen broker take them as well.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

/// Time for each address that a name has; a try as a whole is bounded elsewhere.
const ADDRESS_LIMIT: Duration = Duration::from_secs(4);
/// Addresses of a name that are tried.
const ADDRESSES: usize = 4;
/// Unsent bytes beyond which the socket counts as full: so that it takes bytes at the speed of the wire.
const UNSENT: u32 = 16 * 1024;

/// When a full socket last took bytes.
#[derive(Debug, Clone)]
pub struct Pulse {
    start: Instant,
    moved_ms: Arc<AtomicU64>,
}

impl Pulse {
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            moved_ms: Arc::default(),
        }
    }

    fn beat(&self) {
        let ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_ms.store(ms, Ordering::Relaxed);
    }

    /// The moment, or when this was made.
    pub fn last(&self) -> Instant {
        self.start + Duration::from_millis(self.moved_ms.load(Ordering::Relaxed))
    }
}

/// A name was not found.
#[derive(Debug, thiserror::Error)]
#[error("the name was not found")]
pub struct NoSuchName;

/// Opens a connection to `host:port`.
///
/// # Errors
/// The last one of the addresses; [`NoSuchName`] inside when there is none.
pub async fn connect(address: String, pulse: Pulse) -> io::Result<Wire> {
    let found: Vec<SocketAddr> = lookup_host(address)
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::NotFound, NoSuchName))?
        .take(ADDRESSES)
        .collect();
    let mut last = io::Error::new(io::ErrorKind::NotFound, NoSuchName);
    for address in found {
        match timeout(ADDRESS_LIMIT, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                tcp.set_nodelay(true)?;
                socket2::SockRef::from(&tcp).set_tcp_notsent_lowat(UNSENT)?;
                return Ok(Wire {
                    tcp,
                    pulse,
                    full: false,
                });
            }
            Ok(Err(e)) => last = e,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// A TCP connection that notes when it was full and moved again.
#[derive(Debug)]
pub struct Wire {
    tcp: TcpStream,
    pulse: Pulse,
    full: bool,
}

impl Wire {
    fn note(&mut self, result: &Poll<io::Result<usize>>) {
        match result {
            Poll::Pending => self.full = true,
            Poll::Ready(Ok(n)) if *n > 0 && std::mem::take(&mut self.full) => self.pulse.beat(),
            Poll::Ready(_) => {}
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.tcp).poll_write(cx, buf);
        self.note(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs);
        self.note(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
