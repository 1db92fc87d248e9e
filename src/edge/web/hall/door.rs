//! HTTPS: handshakes beside one another, each within its time, so that a slow one holds up nobody; and who calls.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::edge::web::listen::{Door, Guarded};

/// A handshake takes no longer.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections that are ready and wait to be taken.
const READY: usize = 64;

/// Who calls, and how.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Their address.
    pub remote: IpAddr,
    /// Over HTTPS.
    pub secure: bool,
    lasting: Arc<AtomicBool>,
}

impl Caller {
    /// The connection becomes a WebSocket: the limits of time of a request do not hold any more.
    pub fn lasts(&self) {
        self.lasting.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, Door>> for Caller {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        Self {
            remote: stream.remote_addr().ip().to_canonical(),
            secure: false,
            lasting: stream.io().lasting(),
        }
    }
}

impl Connected<IncomingStream<'_, TlsDoor>> for Caller {
    fn connect_info(stream: IncomingStream<'_, TlsDoor>) -> Self {
        Self {
            remote: stream.remote_addr().ip().to_canonical(),
            secure: true,
            lasting: stream.io().get_ref().0.lasting(),
        }
    }
}

/// The listener of HTTPS.
pub struct TlsDoor {
    ready: mpsc::Receiver<(TlsStream<Guarded>, SocketAddr)>,
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl TlsDoor {
    /// Around a door; called inside a runtime.
    ///
    /// # Errors
    /// The socket has no address.
    pub fn new(mut door: Door, acceptor: TlsAcceptor) -> io::Result<Self> {
        let address = door.address()?;
        let (out, ready) = mpsc::channel(READY);
        let task = tokio::spawn(async move {
            loop {
                let (stream, peer) = door.accept().await;
                let (acceptor, out) = (acceptor.clone(), out.clone());
                // The door bounds how many of these there are.
                tokio::spawn(async move {
                    let shake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream));
                    match shake.await {
                        Ok(Ok(stream)) => {
                            let _ = out.send((stream, peer)).await;
                        }
                        Ok(Err(e)) => tracing::debug!(error = %e, "no TLS"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    }
                });
            }
        });
        Ok(Self {
            ready,
            address,
            task,
        })
    }
}

impl Drop for TlsDoor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener for TlsDoor {
    type Io = TlsStream<Guarded>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, SocketAddr) {
        match self.ready.recv().await {
            Some(ready) => ready,
            // The task ends only with this door.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
