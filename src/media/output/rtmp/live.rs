//! One session on one connection: negotiation, then media until something ends it.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::backoff::Failure;
use super::command::{Refusal, RefusalKind};
use super::meter::{KernelQueue, Meter, Waiting};
use super::mux::Mux;
use super::session::{Event, Session, Stage};
use super::wire::{Fault, Wire};
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::Consumer;

/// Time for each step of handshake and commands.
const STEP_LIMIT: Duration = Duration::from_secs(5);
/// A server that takes nothing for this long has stalled.
const STALL_LIMIT: Duration = Duration::from_secs(8);
/// Samples for figures and adaptive bitrate.
const TICK: Duration = Duration::from_millis(250);
/// Goodbye: for writing what is begun, and for the server to close in turn.
const GOODBYE_LIMIT: Duration = Duration::from_millis(400);
const LAST_READ_LIMIT: Duration = Duration::from_millis(200);
const READ_SIZE: usize = 8 * 1024;

/// What waiting on the connection brought.
#[derive(Debug)]
enum Progress {
    /// The session tells something.
    Event(Event),
    /// Bytes came or everything was written.
    Moved,
}

/// A session and its connection.
pub struct Connection {
    wire: Wire,
    session: Session,
    written: u64,
    unflushed: bool,
    /// A write failed; what the server said before it closed is still read.
    broken: Option<io::Error>,
}

/// How media ended.
#[derive(Debug)]
pub enum End {
    /// Nobody wants it any more: asked to stop, or the producer is gone.
    Stopped,
    /// The connection or the server.
    Fault(Fault),
}

impl Connection {
    pub fn new(wire: Wire, session: Session) -> Self {
        Self {
            wire,
            session,
            written: 0,
            unflushed: false,
            broken: None,
        }
    }

    /// Until the server accepts, refuses or sends us elsewhere.
    ///
    /// # Errors
    /// The connection broke, a step took longer than 5 s, or the server does not speak RTMP.
    pub async fn negotiate(&mut self) -> Result<Event, Fault> {
        let mut stage = self.session.stage();
        let mut deadline = Instant::now() + STEP_LIMIT;
        loop {
            let progress = tokio::select! {
                biased;
                progress = poll_fn(|cx| self.poll_io(cx)) => progress,
                () = sleep_until(deadline) => {
                    let awaited = self.session.stage().awaited();
                    return Err(Fault::new(Failure::Broken, format!("waited 5 s in vain for {awaited}")));
                }
            };
            match progress {
                Ok(Progress::Event(event)) => return Ok(event),
                Ok(Progress::Moved) => {}
                Err(reason) if stage == Stage::Publish => {
                    return Err(Fault::new(
                        Failure::ClosedAtPublish,
                        format!("{reason} in answer to publish"),
                    ));
                }
                Err(reason) => {
                    return Err(Fault::new(
                        Failure::Broken,
                        format!("{reason} before {} came", stage.awaited()),
                    ));
                }
            }
            if self.session.stage() != stage {
                stage = self.session.stage();
                deadline = Instant::now() + STEP_LIMIT;
            }
        }
    }

    /// Sends media until the session ends; calls `tick` four times a second with the time since it began. Safe to
    /// cancel; then call [`Connection::goodbye`].
    pub async fn stream(
        &mut self,
        consumer: &mut Consumer<AccessUnit>,
        mux: &mut Mux,
        mut tick: impl FnMut(Duration, &mut Meter, &Waiting, &Consumer<AccessUnit>),
    ) -> End {
        let begun = Instant::now();
        let mut meter = Meter::default();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut delivered, mut moved) = (0, begun);
        loop {
            // One unit at a time: what the peer has not taken waits in the fan-out, where it is bounded. Before reading,
            // so that a server that talks without end starves nobody.
            let idle = self.session.outgoing().is_empty();
            tokio::select! {
                biased;
                _ = ticks.tick() => {
                    let waiting = self.waiting(consumer);
                    tick(begun.elapsed(), &mut meter, &waiting, consumer);
                    let now = Meter::delivered(&waiting);
                    if now != delivered || (waiting.unwritten == 0 && waiting.kernel.unacked == 0) {
                        (delivered, moved) = (now, Instant::now());
                    }
                    if moved.elapsed() >= STALL_LIMIT {
                        self.wire.abandon();
                        return End::Fault(Fault::new(
                            Failure::Lost,
                            format!("the server has taken nothing for {} s", STALL_LIMIT.as_secs()),
                        ));
                    }
                }
                unit = consumer.next(), if idle => match unit {
                    Some(unit) => {
                        meter.took(&unit);
                        mux.unit(&unit, &mut self.session);
                    }
                    None => return End::Stopped,
                },
                progress = poll_fn(|cx| self.poll_io(cx)) => match progress {
                    Ok(Progress::Moved) => {}
                    Ok(Progress::Event(event)) => return End::Fault(ended(event)),
                    Err(reason) => return End::Fault(Fault::new(Failure::Lost, reason)),
                },
            }
        }
    }

    fn waiting(&mut self, consumer: &Consumer<AccessUnit>) -> Waiting {
        let stats = consumer.stats();
        Waiting {
            queued_ns: stats.queued_ns,
            queued_bytes: stats.queued_bytes as u64,
            unwritten: self.session.outgoing().len() as u64,
            written: self.written,
            kernel: KernelQueue::of(self.wire.tcp().as_fd()),
        }
    }

    /// Ends in order where the server lets us: rest of a begun message, `FCUnpublish`, `deleteStream`, close. At most
    /// 0.6 s; a server that takes nothing is cut off.
    pub async fn goodbye(mut self) {
        self.session.close();
        let flush = async {
            while self.broken.is_none() && !self.session.outgoing().is_empty() {
                if poll_fn(|cx| self.poll_write(cx)).await.is_err() {
                    return false;
                }
            }
            self.wire.shutdown().await.is_ok()
        };
        if timeout(GOODBYE_LIMIT, flush).await != Ok(true) {
            self.wire.abandon();
            return;
        }
        // Closing with unread input resets the connection, which can overtake our last words.
        let drain =
            async { while matches!(poll_fn(|cx| self.poll_read(cx)).await, Ok(n) if n > 0) {} };
        let _ = timeout(LAST_READ_LIMIT, drain).await;
    }

    /// Reads, then writes, as far as both go. Reading comes first, so that a refusal is heard although the server has
    /// closed the connection behind it. An error is one clause.
    fn poll_io(&mut self, cx: &mut Context<'_>) -> Poll<Result<Progress, String>> {
        loop {
            match self.poll_session(cx) {
                Poll::Ready(Ok(Some(event))) => return Poll::Ready(Ok(Progress::Event(event))),
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(Progress::Moved)),
                Poll::Ready(Err(reason)) => return Poll::Ready(Err(reason)),
                Poll::Pending => {}
            }
            if let Some(e) = self.broken.take() {
                return Poll::Ready(Err(lost(&e)));
            }
            match self.poll_write(cx) {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(Progress::Moved)),
                Poll::Ready(Ok(false)) | Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(e)) => self.broken = Some(e),
            }
        }
    }

    fn poll_session(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Event>, String>> {
        let mut buffer = [0; READ_SIZE];
        let mut buffer = ReadBuf::new(&mut buffer);
        match Pin::new(&mut self.wire).poll_read(cx, &mut buffer) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(e)) => Poll::Ready(Err(lost(&e))),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
                Poll::Ready(Err("the server closed the connection".into()))
            }
            Poll::Ready(Ok(())) => Poll::Ready(
                self.session
                    .receive(buffer.filled())
                    .map_err(|e| e.to_string()),
            ),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = [0; READ_SIZE];
        let mut buffer = ReadBuf::new(&mut buffer);
        Pin::new(&mut self.wire)
            .poll_read(cx, &mut buffer)
            .map_ok(|()| buffer.filled().len())
    }

    /// Writes what is queued. Ready with whether anything was done: false when there is nothing to write.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut wrote = false;
        loop {
            let out = self.session.outgoing();
            if out.is_empty() {
                break;
            }
            let slices = out.io_slices();
            match Pin::new(&mut self.wire).poll_write_vectored(cx, &slices) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => {
                    out.advance(n);
                    self.written += n as u64;
                    self.unflushed = true;
                    wrote = true;
                }
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                Poll::Pending => return Poll::Pending,
            }
        }
        // TLS keeps a part of its records until flushed.
        if self.unflushed {
            match Pin::new(&mut self.wire).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(e)) => return Poll::Ready(Err(e)),
                Poll::Pending if !wrote => return Poll::Pending,
                Poll::Pending => {}
            }
        }
        Poll::Ready(Ok(wrote))
    }
}

fn lost(e: &io::Error) -> String {
    format!("the connection broke: {}", super::wire::clause(e))
}

/// What an event means once media flows.
fn ended(event: Event) -> Fault {
    match event {
        Event::Refused(refusal) => Fault::new(
            Failure::Lost,
            format!("the server ended the stream: {}", refusal.text),
        ),
        Event::Accepted | Event::Redirect(_) => {
            Fault::new(Failure::Lost, "the server ended the stream")
        }
    }
}

/// What a refusal means before that.
pub fn refused(refusal: &Refusal) -> Fault {
    let failure = match refusal.kind {
        RefusalKind::BadName => Failure::BadName,
        RefusalKind::Key => Failure::Refused,
        RefusalKind::Fault => Failure::Broken,
    };
    Fault::new(failure, format!("the server said {}", refusal.text))
}
