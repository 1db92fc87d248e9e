//! Connections within limits: how many, from whom, for how long, how much. A client that is slow, or a hundred of them, holds up
//! nobody but itself.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// What a connection may be.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; more wait to be taken.
    pub most: usize,
    /// Of one address; more are closed at once.
    pub most_of_one: usize,
    /// A request must be there this long after its first byte.
    pub request: Duration,
    /// A connection without a request is closed after this, and so is one that takes nothing of its answer.
    pub idle: Duration,
    /// No connection lives longer.
    pub life: Duration,
    /// What the kernel keeps of an answer that the other side does not take, bytes; `None`: as it likes.
    pub send_buffer: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            most: 64,
            most_of_one: 24,
            request: Duration::from_secs(10),
            idle: Duration::from_secs(15),
            life: Duration::from_secs(300),
            send_buffer: None,
        }
    }
}

/// Bytes that a peer may send before it is answered: head and body of a request, and what a browser sends ahead.
pub const UNANSWERED: usize = 64 * 1024;
/// Connections that the kernel keeps for us.
const BACKLOG: i32 = 256;
/// Pause after the system gave no connection (no descriptors left).
const PAUSE: Duration = Duration::from_millis(200);

/// Listens on the first of these addresses that there is.
pub fn bind(addresses: &[SocketAddr]) -> io::Result<StdListener> {
    let mut refused = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses {
        match bind_one(*address) {
            Ok(listener) => return Ok(listener),
            Err(e) => refused = e,
        }
    }
    Err(refused)
}

fn bind_one(address: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        // IPv4 comes in here, too.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How many connections each address has.
type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The listener.
pub struct Door {
    listener: TcpListener,
    room: Arc<Semaphore>,
    counts: Counts,
    limits: Limits,
}

impl Door {
    /// Around a listener that does not block; called inside a runtime.
    pub fn new(listener: StdListener, limits: Limits) -> io::Result<Self> {
        Ok(Self {
            listener: TcpListener::from_std(listener)?,
            room: Arc::new(Semaphore::new(limits.most)),
            counts: Counts::default(),
            limits,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Listener for Door {
    type Io = Guarded;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guarded, SocketAddr) {
        loop {
            // Never closed.
            let Ok(permit) = self.room.clone().acquire_owned().await else {
                return std::future::pending().await;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    if let Some(seat) = Seat::take(&self.counts, peer.ip(), self.limits.most_of_one)
                    {
                        let _ = stream.set_nodelay(true);
                        if let Some(bytes) = self.limits.send_buffer {
                            let _ = socket2::SockRef::from(&stream).set_send_buffer_size(bytes);
                        }
                        return (Guarded::new(stream, permit, seat, self.limits), peer);
                    }
                }
                Err(e) => {
                    tracing::debug!(error = %e, "no connection");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// One of the connections that an address may have.
struct Seat {
    counts: Counts,
    of: IpAddr,
}

impl Seat {
    fn take(counts: &Counts, of: IpAddr, most: usize) -> Option<Self> {
        let mut all = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(of).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Self {
            counts: counts.clone(),
            of,
        })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.of);
            }
        }
    }
}

/// A connection within its limits.
pub struct Guarded {
    stream: TcpStream,
    /// When it is closed, unless something happens before.
    due: Pin<Box<Sleep>>,
    end: Instant,
    limits: Limits,
    unanswered: usize,
    /// It became a WebSocket, which has limits of its own.
    lasting: Arc<AtomicBool>,
    _permit: OwnedSemaphorePermit,
    _seat: Seat,
}

impl Guarded {
    fn new(stream: TcpStream, permit: OwnedSemaphorePermit, seat: Seat, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            stream,
            due: Box::pin(sleep_until(now + limits.idle)),
            end: now + limits.life,
            limits,
            unanswered: 0,
            lasting: Arc::default(),
            _permit: permit,
            _seat: seat,
        }
    }

    /// Set once it is a WebSocket: from then on none of the limits of time hold.
    pub fn lasting(&self) -> Arc<AtomicBool> {
        self.lasting.clone()
    }

    /// The address of the box that was called.
    pub fn local(&self) -> IpAddr {
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        self.stream
            .local_addr()
            .map_or(unknown, |a| a.ip().to_canonical())
    }

    fn postpone(&mut self, by: Duration) {
        let due = (Instant::now() + by).min(self.end);
        self.due.as_mut().reset(due);
    }

    /// Ready with an error once the time is over.
    fn late(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.lasting.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.due
            .as_mut()
            .poll(cx)
            .map(|()| io::Error::from(io::ErrorKind::TimedOut))
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                if self.lasting.load(Ordering::Relaxed) {
                    return Poll::Ready(Ok(()));
                }
                let n = buf.filled().len() - before;
                // The first byte of a request.
                if self.unanswered == 0 && n > 0 {
                    let wait = self.limits.request;
                    self.postpone(wait);
                }
                self.unanswered += n;
                if self.unanswered > UNANSWERED {
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(e) => Poll::Ready(e),
            Poll::Pending => self.late(cx).map(Err),
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Ready(Ok(n)) => {
                self.unanswered = 0;
                let wait = self.limits.idle;
                self.postpone(wait);
                Poll::Ready(Ok(n))
            }
            Poll::Ready(e) => Poll::Ready(e),
            Poll::Pending => self.late(cx).map(Err),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(cx) {
            Poll::Pending => self.late(cx).map(Err),
            ready => ready,
        }
    }
}

/// Between whom a connection is.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The address of the box that was called; unspecified where that is not known.
    pub local: IpAddr,
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self {
            local: stream.io().local(),
        }
    }
}
