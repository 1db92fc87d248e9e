//! One destination: tries, sessions and waits, one after another, in a task of its own.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use super::abr::{Adaptive, Sample};
use super::backoff::{Backoff, CONNECT_LIMIT, Failure, Next};
use super::handshake::RANDOM;
use super::live::{Connection, End, refused};
use super::meter::{Meter, Waiting};
use super::mux::Mux;
use super::redact::Redactor;
use super::session::{Event, Session};
use super::target::Target;
use super::wire::{Dialler, Fault};
use crate::config::Destination;
use crate::device::event::{DestinationState, MediaEvent, PushFigures};
use crate::media::access_unit::AccessUnit;
use crate::media::fanout::{Consumer, ConsumerOptions, Fanout, Start};
use crate::media::report::Reporter;

/// Bounds of the queue: beyond them the fan-out refuses until the next keyframe.
const MAX_SPAN: Duration = Duration::from_secs(5);
const MAX_BYTES: usize = 8 << 20;
/// Redirects that are followed in one try.
const MAX_REDIRECTS: usize = 2;
/// [`Push::stop`] takes at most this long.
const STOP_LIMIT: Duration = Duration::from_millis(900);
/// Figures are reported this often.
const FIGURES: Duration = Duration::from_secs(1);

/// What a push is to do.
#[derive(Debug, Clone)]
pub struct PushOptions {
    /// Where to.
    pub destination: Destination,
    /// What is pushed.
    pub fanout: Fanout<AccessUnit>,
    /// Whether sound is pushed too.
    pub audio: bool,
    /// The shared adaptive bitrate; `None`: nobody listens to what this link takes, and its ceiling is not kept here.
    pub adaptive: Option<Adaptive>,
}

/// A push that runs. It ends with [`Push::stop`]; dropped, it is cut off.
pub struct Push {
    task: Option<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl fmt::Debug for Push {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Push")
    }
}

impl Push {
    /// Starts pushing on `runtime`. State and figures go to `reporter`; it fails never, it tries again.
    #[must_use]
    pub fn spawn(runtime: &Handle, options: PushOptions, reporter: Reporter) -> Self {
        let (stop, stopped) = watch::channel(false);
        let worker = Worker::new(options, reporter);
        Self {
            task: Some(runtime.spawn(worker.run(stopped))),
            stop,
        }
    }

    /// Ends the session in order (`FCUnpublish`, `deleteStream`), within 1 s whatever the server does. Reports
    /// [`DestinationState::Off`].
    pub async fn stop(mut self) {
        // Fails only when the task has ended already.
        let _ = self.stop.send(true);
        if let Some(mut task) = self.task.take()
            && timeout(STOP_LIMIT, &mut task).await.is_err()
        {
            task.abort();
            let _ = task.await;
        }
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

struct Worker {
    options: PushOptions,
    reporter: Reporter,
    started: Instant,
    dialler: Dialler,
    backoff: Backoff,
    state: Option<DestinationState>,
    figures: PushFigures,
    /// Units refused in sessions that are over.
    refused: u64,
}

impl Drop for Worker {
    /// Also when the task is cut off.
    fn drop(&mut self) {
        if let Some(adaptive) = &self.options.adaptive {
            adaptive.retire(&self.options.destination.name);
        }
        self.quiet();
        self.tell(DestinationState::Off);
    }
}

impl Worker {
    fn new(options: PushOptions, reporter: Reporter) -> Self {
        if let Some(adaptive) = &options.adaptive {
            adaptive.enrol(&options.destination.name, options.destination.max_bitrate);
        }
        Self {
            options,
            reporter,
            started: Instant::now(),
            dialler: Dialler::default(),
            backoff: Backoff::default(),
            state: None,
            figures: PushFigures::default(),
            refused: 0,
        }
    }

    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut next = Next {
            wait: Duration::ZERO,
            rejected: false,
            probing: false,
            connect_limit: CONNECT_LIMIT,
        };
        loop {
            let connected = tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                connected = self.connect(&next) => connected,
            };
            let fault = match connected {
                Ok(connection) => match self.live(connection, &mut stop).await {
                    End::Stopped => return,
                    End::Fault(fault) => fault,
                },
                Err(fault) => fault,
            };
            next = self.failed(fault);
            tokio::select! {
                biased;
                () = stopped(&mut stop) => return,
                () = sleep(next.wait) => {}
            }
        }
    }

    /// A session that the server has accepted; redirects are followed.
    async fn connect(&mut self, next: &Next) -> Result<Connection, Fault> {
        let given_up = |reason: &str| Fault::new(Failure::Broken, reason);
        let mut target = Target::parse(self.options.destination.url.as_str())
            .map_err(|e| given_up(e.message()))?;
        for hop in 0..=MAX_REDIRECTS {
            let (connection, event) = match self.attempt(&target, next).await {
                // The host's name comes from the server, and may hold the key.
                Err(fault) if hop > 0 => {
                    let redactor = Redactor::new(&self.options.destination.key);
                    return Err(Fault::new(fault.failure, redactor.clean(&fault.reason)));
                }
                other => other?,
            };
            match event {
                Event::Accepted => return Ok(connection),
                Event::Refused(refusal) => return Err(refused(&refusal)),
                Event::Redirect(url) => {
                    debug!(destination = %self.options.destination.name, hop, "redirected");
                    let to = Target::parse(url.expose())
                        .map_err(|_| given_up("the server redirects to an address that is none"))?;
                    if target.tls && !to.tls {
                        return Err(given_up(
                            "the server redirects from TLS to an open connection",
                        ));
                    }
                    target = to;
                }
            }
        }
        Err(given_up("the server redirects again and again"))
    }

    /// One connection, and the server's answer to `publish`.
    async fn attempt(
        &mut self,
        target: &Target,
        next: &Next,
    ) -> Result<(Connection, Event), Fault> {
        // While probing, "waiting" goes on until the server takes the stream; so does "key rejected".
        if !next.probing && !next.rejected {
            self.tell(DestinationState::Connecting);
        }
        let tcp = self
            .dialler
            .dial(target, next.connect_limit, next.probing)
            .await?;
        let destination = &self.options.destination;
        let wire = self
            .dialler
            .secure(tcp, target, &destination.tls_ca)
            .await?;
        let mut random = [0; RANDOM];
        rand::fill(&mut random[..]);
        let session = Session::new(target, &destination.key, &random);
        let mut connection = Connection::new(wire, session);
        let event = connection.negotiate().await?;
        Ok((connection, event))
    }

    async fn live(&mut self, mut connection: Connection, stop: &mut watch::Receiver<bool>) -> End {
        let name = &self.options.destination.name;
        info!(destination = %name, "live");
        self.backoff.accepted(self.started.elapsed());
        self.figures.sessions = self.figures.sessions.saturating_add(1);
        self.tell(DestinationState::Live);
        // Only now, so that nothing waits for a server that has not accepted.
        let mut consumer = self.options.fanout.subscribe(ConsumerOptions {
            name: format!("rtmp {}", self.options.destination.name),
            start: Start::CachedGop,
            max_span: MAX_SPAN,
            max_bytes: MAX_BYTES,
        });
        let mut mux = Mux::new(self.options.audio);
        let mut last = None;
        let tick = |now, meter: &mut Meter, waiting: &Waiting, consumer: &Consumer<AccessUnit>| {
            let (sample, bps) = meter.sample(now, waiting);
            self.measured(now, sample, bps, consumer.stats().refused, &mut last);
        };
        let end = tokio::select! {
            biased;
            () = stopped(stop) => End::Stopped,
            end = connection.stream(&mut consumer, &mut mux, tick) => end,
        };
        self.refused += consumer.stats().refused;
        drop(consumer);
        if let Some(adaptive) = &self.options.adaptive {
            adaptive.leave(&self.options.destination.name);
        }
        if matches!(end, End::Stopped) {
            connection.goodbye().await;
        } else {
            self.quiet();
        }
        end
    }

    fn failed(&mut self, fault: Fault) -> Next {
        let now = self.started.elapsed();
        let next = self.backoff.failed(now, fault.failure, rand::random());
        let Fault { reason, .. } = fault;
        let name = &self.options.destination.name;
        if next.probing {
            debug!(destination = %name, reason, "probing");
        } else {
            warn!(destination = %name, reason, retry_ms = next.wait.as_millis(), "not live");
        }
        self.tell(if next.rejected {
            DestinationState::KeyRejected { reason }
        } else {
            DestinationState::Waiting {
                reason,
                retry_ms: u64::try_from(next.wait.as_millis()).unwrap_or(u64::MAX),
            }
        });
        next
    }

    /// Reports a state that differs from the last; a probe that fails like the one before is no news.
    fn tell(&mut self, state: DestinationState) {
        use DestinationState::Waiting;
        let news = match (&self.state, &state) {
            (Some(Waiting { reason: a, .. }), Waiting { reason: b, .. }) => a != b,
            (last, state) => last.as_ref() != Some(state),
        };
        if news {
            self.state = Some(state.clone());
            self.reporter.report(MediaEvent::Destination {
                name: self.options.destination.name.clone(),
                state,
            });
        }
    }

    fn measured(
        &mut self,
        now: Duration,
        sample: Sample,
        bps: u32,
        refused: u64,
        last: &mut Option<Duration>,
    ) {
        if let Some(adaptive) = &self.options.adaptive {
            adaptive.sample(&self.options.destination.name, sample);
        }
        self.figures.backlog_ms = sample.backlog_ms;
        self.figures.bps = bps;
        self.figures.refused = self.refused + refused;
        if last.is_none_or(|last| now.saturating_sub(last) >= FIGURES) {
            *last = Some(now);
            self.report_figures();
        }
    }

    /// No session: what waits and what flows is nothing.
    fn quiet(&mut self) {
        self.figures.backlog_ms = 0;
        self.figures.bps = 0;
        self.figures.refused = self.refused;
        self.report_figures();
    }

    fn report_figures(&self) {
        self.reporter.report(MediaEvent::Push {
            name: self.options.destination.name.clone(),
            figures: self.figures,
        });
    }
}

/// Resolves when a stop is asked for, or when nobody is left who could ask.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|s| *s).await;
}
