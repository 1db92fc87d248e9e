//! The task that serves all viewers: it sleeps until a datagram, a unit, a wish or a timer is there.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use str0m::Input;
use str0m::net::{Protocol, Receive};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Sleep;

use super::session::{Desk, Session};
use super::socket::{Received, Udp};

/// Datagrams taken in one go.
const TURN: usize = 64;
/// Datagrams that may wait for the network; then the oldest go: 20 MiB.
const MAX_OUT: usize = 16_384;
/// Largest datagram that is looked at.
const MAX_DATAGRAM: usize = 2048;
/// Longest sleep.
const IDLE: Duration = Duration::from_secs(1);

/// What others want of the task.
pub(super) enum Command {
    /// A viewer is about to come.
    Join(Box<Session>),
    /// End the viewer of this id; says whether there was one.
    End(String, oneshot::Sender<bool>),
    /// Say goodbye to all and end.
    Stop(oneshot::Sender<()>),
}

/// What the task owns.
pub(super) struct Service {
    socket: Udp,
    commands: mpsc::Receiver<Command>,
    sessions: Vec<Session>,
    desk: Desk,
    sleep: Pin<Box<Sleep>>,
    buffer: Vec<u8>,
    stopping: Option<oneshot::Sender<()>>,
}

impl Service {
    pub(super) fn new(socket: Udp, commands: mpsc::Receiver<Command>) -> Self {
        Self {
            socket,
            commands,
            sessions: Vec::new(),
            desk: Desk::default(),
            sleep: Box::pin(tokio::time::sleep(IDLE)),
            buffer: vec![0; MAX_DATAGRAM],
            stopping: None,
        }
    }

    /// Runs until it is told to stop, or nobody is left who could.
    pub(super) async fn run(mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.obey(cx);
        if self.stopping.is_some() {
            for session in &mut self.sessions {
                session.close(&mut self.desk);
            }
            self.send(cx);
            self.sessions.clear();
            if let Some(done) = self.stopping.take() {
                let _ = done.send(());
            }
            return Poll::Ready(());
        }
        let mut more = self.receive(cx);
        for session in &mut self.sessions {
            more |= session.play(cx, &mut self.desk);
        }
        more |= self.tick(cx);
        self.send(cx);
        if more {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn obey(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(command) = self.commands.poll_recv(cx) {
            match command {
                Some(Command::Join(session)) => self.sessions.push(*session),
                Some(Command::End(id, told)) => {
                    let found = self.sessions.iter_mut().find(|s| s.id == id);
                    let _ = told.send(found.is_some());
                    if let Some(session) = found {
                        session.close(&mut self.desk);
                    }
                }
                Some(Command::Stop(done)) => self.stopping = Some(done),
                None => self.stopping = Some(oneshot::channel().0),
            }
            if self.stopping.is_some() {
                return;
            }
        }
    }

    /// Takes what came in; whether there may be more.
    fn receive(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..TURN {
            match self.socket.poll_receive(cx, &mut self.buffer) {
                Poll::Ready(Ok(received)) => self.dispatch(received),
                // An earlier datagram could not be delivered: the viewer's timeout sees to that.
                Poll::Ready(Err(e)) => tracing::trace!(error = %e, "WebRTC socket"),
                Poll::Pending => return false,
            }
        }
        true
    }

    /// Gives a datagram to whom it belongs; nobody's is dropped.
    fn dispatch(&mut self, received: Received) {
        let Received {
            length,
            source,
            destination,
        } = received;
        let Some(data) = self.buffer.get(..length) else {
            return;
        };
        let Ok(receive) = Receive::new(Protocol::Udp, source, destination, data) else {
            return;
        };
        let now = Instant::now();
        let input = Input::Receive(now, receive);
        if let Some(session) = self.sessions.iter_mut().find(|s| s.accepts(&input)) {
            session.receive(input, now, &mut self.desk);
        }
    }

    /// Timers, and sessions that ended; whether something is due already.
    fn tick(&mut self, cx: &mut Context<'_>) -> bool {
        let now = Instant::now();
        for session in &mut self.sessions {
            if session.due <= now {
                session.tick(now, &mut self.desk);
            }
        }
        self.sessions.retain(|session| match session.over() {
            Some(why) => {
                tracing::info!(viewer = %session.id, why, "a viewer by WebRTC is gone");
                false
            }
            None => true,
        });
        let due = self.sessions.iter().map(|s| s.due);
        let due = due.fold(now + IDLE, Instant::min);
        self.sleep.as_mut().reset(due.into());
        self.sleep.as_mut().poll(cx).is_ready()
    }

    fn send(&mut self, cx: &mut Context<'_>) {
        while let Some(t) = self.desk.out.front() {
            let (source, to) = (t.source.ip(), t.destination);
            match self.socket.poll_send(cx, source, to, &t.contents) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(e)) => tracing::trace!(error = %e, %to, "a datagram was not sent"),
            }
            self.desk.out.pop_front();
        }
        let late = self.desk.out.len().saturating_sub(MAX_OUT);
        self.desk.out.drain(..late);
    }
}
