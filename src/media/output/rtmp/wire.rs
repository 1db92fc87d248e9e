//! The connection: name resolution, TCP with the options of a live stream, TLS where wanted.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::client::TlsStream;

use super::backoff::Failure;
use super::target::Target;
use super::tls;

/// So much may wait unsent in the kernel, bytes: the rest waits in our own queue, where it is seen and bounded.
const NOTSENT_LOWAT: u32 = 32 * 1024;
/// Most addresses of a host that are tried.
const MAX_ADDRESSES: usize = 8;
/// The next address is tried beside the first after this long (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// Resolved addresses are used this long while a server is probed.
const KEEP_ADDRESSES: Duration = Duration::from_secs(15);
const TLS_LIMIT: Duration = Duration::from_secs(5);

/// Why a try or a session ended: what it means to the back-off, and one clause for people, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What it means.
    pub failure: Failure,
    /// One clause.
    pub reason: String,
}

impl Fault {
    pub fn new(failure: Failure, reason: impl Into<String>) -> Self {
        Self {
            failure,
            reason: reason.into(),
        }
    }
}

/// TCP, or TLS on it.
#[derive(Debug)]
pub enum Wire {
    /// `rtmp`
    Plain(TcpStream),
    /// `rtmps`
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// The socket is reset on close, and what it has not sent is thrown away: for peers that take nothing.
    pub fn abandon(&self) {
        // A socket that is already dead needs no reset.
        let _ = SockRef::from(self.tcp()).set_linger(Some(Duration::ZERO));
    }
}

/// Connects; remembers addresses of the host.
#[derive(Debug, Default)]
pub struct Dialler {
    resolved: Option<(String, Vec<SocketAddr>, Instant)>,
    tls: tls::Cache,
}

impl Dialler {
    /// A TCP connection within `limit`, name resolution included. With `probing` a recent resolution is used again.
    ///
    /// # Errors
    /// [`Failure::Unreachable`].
    pub async fn dial(
        &mut self,
        target: &Target,
        limit: Duration,
        probing: bool,
    ) -> Result<TcpStream, Fault> {
        let end = Instant::now() + limit;
        let addresses = self.resolve(target, limit, probing).await?;
        let left = end.saturating_duration_since(Instant::now());
        let place = format!("{}:{}", target.host, target.port);
        match timeout(left, race(addresses)).await {
            Ok(Ok(tcp)) => Ok(tcp),
            Ok(Err(e)) => Err(unreachable(format!(
                "cannot connect to {place}: {}",
                clause(&e)
            ))),
            Err(_) => Err(unreachable(format!("cannot connect to {place}: no answer"))),
        }
    }

    async fn resolve(
        &mut self,
        target: &Target,
        limit: Duration,
        probing: bool,
    ) -> Result<Vec<SocketAddr>, Fault> {
        if let Ok(ip) = target.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, target.port)]);
        }
        let place = format!("{}:{}", target.host, target.port);
        let kept = self.resolved.as_ref().filter(|(p, ..)| *p == place);
        if let Some((_, addresses, at)) = kept
            && probing
            && at.elapsed() < KEEP_ADDRESSES
        {
            return Ok(addresses.clone());
        }
        let looked_up = timeout(
            limit,
            tokio::net::lookup_host((target.host.as_str(), target.port)),
        )
        .await;
        let addresses = match looked_up {
            Ok(Ok(found)) => interleave(found),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        if addresses.is_empty() {
            return kept.map(|(_, a, _)| a.clone()).ok_or_else(|| {
                unreachable(format!("the name {} cannot be resolved", target.host))
            });
        }
        self.resolved = Some((place, addresses.clone(), Instant::now()));
        Ok(addresses)
    }

    /// Puts TLS on a connection to an `rtmps` target.
    ///
    /// # Errors
    /// [`Failure::Broken`], with what is wrong with the certificate or its authority.
    pub async fn secure(
        &mut self,
        tcp: TcpStream,
        target: &Target,
        ca: &std::path::Path,
    ) -> Result<Wire, Fault> {
        if !target.tls {
            return Ok(Wire::Plain(tcp));
        }
        let broken = |reason: String| Fault::new(Failure::Broken, reason);
        let config = self
            .tls
            .get(ca)
            .await
            .map_err(|e| broken(tls::one_clause(&e)))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::clone(&config));
        let name = tls::server_name(&target.host).map_err(|e| broken(e.message().to_owned()))?;
        match timeout(TLS_LIMIT, connector.connect(name, tcp)).await {
            Ok(Ok(stream)) => Ok(Wire::Tls(Box::new(stream))),
            Ok(Err(e)) => Err(broken(tls::explain(&e, &target.host))),
            Err(_) => Err(broken(format!(
                "waited 5 s in vain for the TLS handshake of {}",
                target.host
            ))),
        }
    }
}

fn unreachable(reason: String) -> Fault {
    Fault::new(Failure::Unreachable, reason)
}

/// An I/O error in a few words.
pub fn clause(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::Other => e.to_string(),
        kind => kind.to_string(),
    }
}

/// IPv6 and IPv4 in turns, beginning with what the resolver put first.
fn interleave(found: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let all: Vec<SocketAddr> = found.take(4 * MAX_ADDRESSES).collect();
    let Some(first) = all.first() else {
        return Vec::new();
    };
    let (same, other): (Vec<SocketAddr>, Vec<SocketAddr>) =
        all.iter().partition(|a| a.is_ipv4() == first.is_ipv4());
    let (mut same, mut other) = (same.into_iter(), other.into_iter());
    let mut out = Vec::new();
    while out.len() < MAX_ADDRESSES {
        let before = out.len();
        out.extend(same.next());
        out.extend(other.next());
        if out.len() == before {
            break;
        }
    }
    out
}

/// Tries addresses side by side, the next a little later or as soon as one fails; the first connection wins and the
/// others are dropped (RFC 8305).
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut left = addresses.into_iter();
    let mut tries = JoinSet::new();
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = left.next() {
            tries.spawn(open(address));
        }
        let more = left.len() > 0;
        tokio::select! {
            done = tries.join_next() => match done {
                Some(Ok(Ok(tcp))) => return Ok(tcp),
                Some(Ok(Err(e))) => last = e,
                Some(Err(e)) => last = io::Error::other(e),
                None => return Err(last),
            },
            () = sleep(STAGGER), if more => {}
        }
    }
}

async fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let tcp = TcpStream::connect(address).await?;
    tcp.set_nodelay(true)?;
    let socket = SockRef::from(&tcp);
    socket.set_tcp_notsent_lowat(NOTSENT_LOWAT)?;
    // A peer that is gone is noticed although nothing is to be sent (no media flows).
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(10))
        .with_interval(Duration::from_secs(5))
        .with_retries(3);
    socket.set_tcp_keepalive(&keepalive)?;
    Ok(tcp)
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_read(cx, buf),
            Self::Tls(s) => Pin::new(s).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_write(cx, buf),
            Self::Tls(s) => Pin::new(s).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_write_vectored(cx, bufs),
            Self::Tls(s) => Pin::new(s).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_flush(cx),
            Self::Tls(s) => Pin::new(s).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(s) => Pin::new(s).poll_shutdown(cx),
            Self::Tls(s) => Pin::new(s).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_in_turns_and_bounded() {
        let a = |s: &str| s.parse::<SocketAddr>().unwrap();
        let six: Vec<_> = (1..=9).map(|i| a(&format!("[::{i}]:1"))).collect();
        let all = six.iter().copied().chain([a("1.1.1.1:1")]);
        let got = interleave(all);
        assert_eq!(got.len(), MAX_ADDRESSES);
        assert_eq!(got[..3], [six[0], a("1.1.1.1:1"), six[1]]);
        assert!(interleave(std::iter::empty()).is_empty());
    }
}
