//! The task: hears steps, network and page, and does one job at a time.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::Parts;
use super::job::{Done, Job, Worker};
use super::page;
use crate::clock::Clock;
use crate::config::code::{SetupCode, WifiCode};
use crate::device::event::Event;
use crate::device::setup::{SetupEvent, SetupStep, Way};
use crate::device::supervisor::Handle;
use crate::edge::mdns::host_of;
use crate::edge::network::ap_policy::{ApPolicy, Order, World};
use crate::edge::network::{Found, Network, State, network_name};
use crate::edge::web::{Site, Web, Wish};

/// Longest time from the step to its outcome: less than the core waits for it (60 s).
const JOIN: Duration = Duration::from_secs(56);
/// Jobs that wait.
const JOBS: usize = 8;
/// The policy looks at the world so often.
const TICK: Duration = Duration::from_secs(1);
/// The page counts as used for so long after somebody used it.
const USED: Duration = Duration::from_secs(120);
/// The radio looks around for the page at most so often.
const SCANS: Duration = Duration::from_secs(15);
/// Wishes of the page that wait.
const WISHES: usize = 8;
/// Longest time for closing the access point at the end.
const CLOSE: Duration = Duration::from_millis(500);

/// What others of this program are told.
pub(super) struct Told {
    /// TCP port of the page while it is served.
    pub page: watch::Sender<Option<u16>>,
    /// The box's own network while it is open.
    pub own_network: watch::Sender<Option<WifiCode>>,
}

/// The task.
pub(super) struct Task {
    handle: Handle,
    clock: Clock,
    network: Network,
    worker: Worker,
    steps: mpsc::Receiver<SetupStep>,
    stop: watch::Receiver<bool>,
    wishes: mpsc::Receiver<Wish>,
    found: watch::Sender<Vec<Found>>,
    /// Why the last step failed, for the page.
    failure: watch::Sender<Option<String>>,
    web: Option<Web>,
    others: Told,
    policy: ApPolicy,
    /// The configuration allows an access point.
    allowed: bool,
    open: bool,
    waiting: VecDeque<Job>,
    running: Option<(Job, JoinHandle<Done>)>,
    /// The access point, from the moment when it is up.
    own: Option<WifiCode>,
    /// What was told last of the network.
    told: Option<Option<String>>,
    /// What the page was told and the core was not yet.
    codes: VecDeque<SetupCode>,
    used: Option<Duration>,
    scanned: Option<Duration>,
}

impl Task {
    pub(super) fn new(
        parts: &Parts<'_>,
        network: Network,
        state_dir: PathBuf,
        steps: mpsc::Receiver<SetupStep>,
        stop: watch::Receiver<bool>,
        others: Told,
    ) -> Self {
        let setup = &parts.config.setup;
        let (wish, wishes) = mpsc::channel(WISHES);
        let (found, found_out) = watch::channel(Vec::new());
        let (failure, failure_out) = watch::channel(None);
        let hardware_id = crate::edge::net::hardware_id();
        let own_name = network_name(hardware_id.as_deref());
        let names = page::names(host_of(hardware_id.as_deref()));
        let site = Site::new(parts.status.clone(), found_out, failure_out, wish, &names);
        let web = page::open(setup.port, site, parts.runtime);
        others
            .page
            .send_replace(web.as_ref().map(|w| w.address().port()));
        Self {
            handle: parts.handle.clone(),
            clock: parts.clock.clone(),
            worker: Worker {
                network: network.clone(),
                state_dir,
                own_name,
            },
            network,
            steps,
            stop,
            wishes,
            found,
            failure,
            web,
            others,
            policy: ApPolicy::default(),
            allowed: setup.access_point,
            open: false,
            waiting: VecDeque::new(),
            running: None,
            own: None,
            told: None,
            codes: VecDeque::new(),
            used: None,
            scanned: None,
        }
    }

    /// Runs until it is told to end.
    pub(super) async fn run(mut self) {
        let mut state = self.network.state();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = self.stop.changed() => break,
                step = self.steps.recv() => match step {
                    Some(step) => self.take(step),
                    None => break,
                },
                changed = state.changed() => {
                    if changed.is_err() { break; }
                    let now = state.borrow_and_update().clone();
                    self.on_network(&now);
                }
                Some(wish) = self.wishes.recv() => self.on_wish(wish),
                done = finished(&mut self.running) => self.on_done(done),
                _ = tick.tick() => self.look(),
            }
            self.next_job();
        }
        self.end().await;
    }

    fn take(&mut self, step: SetupStep) {
        match step {
            SetupStep::Scan(_) => {}
            SetupStep::Open(open) => {
                self.open = open;
                if open {
                    self.scan();
                }
                self.look();
            }
            SetupStep::Join(code) => self.answer_soon(Job::Join(code, Instant::now() + JOIN)),
            SetupStep::Adopt(code) => self.answer_soon(Job::Adopt(code)),
        }
    }

    /// The core waits for the outcome: looking around has to wait.
    fn answer_soon(&mut self, job: Job) {
        self.failure.send_replace(None);
        self.waiting.retain(|job| *job != Job::Scan);
        if let Some((Job::Scan, work)) = &self.running {
            work.abort();
        }
        self.queue(job);
    }

    fn queue(&mut self, job: Job) {
        if self.waiting.len() < JOBS {
            self.waiting.push_back(job);
        } else {
            self.tell(SetupEvent::Failed {
                reason: "too much is to be done at once; try again in a minute".into(),
            });
        }
    }

    fn next_job(&mut self) {
        if self.running.is_none()
            && let Some(job) = self.waiting.pop_front()
        {
            // Between order and turn things may have changed; the policy closes then what was not opened, which does no harm.
            if job == Job::Open && !self.is_needed() {
                return;
            }
            let work = tokio::spawn(self.worker.clone().run(job.clone()));
            self.running = Some((job, work));
        }
    }

    /// Whether an access point would be of use now.
    fn is_needed(&self) -> bool {
        self.open && !self.joining() && self.network.state().borrow().clause.is_none()
    }

    fn joining(&self) -> bool {
        let running = self.running.iter().map(|(job, _)| job);
        running
            .chain(&self.waiting)
            .any(|job| matches!(job, Job::Join(..)))
    }

    fn on_network(&mut self, state: &State) {
        if self.told.as_ref() != Some(&state.clause) {
            self.told = Some(state.clause.clone());
            self.tell(SetupEvent::Network(state.clause.clone()));
        }
        let idle = self.running.is_none() && self.waiting.is_empty();
        match (&self.own, state.access_point) {
            // The join closed it: phones are not told of it until it is over.
            (Some(_), false) if self.joining() => self.down(),
            (Some(_), false) if idle => {
                tracing::warn!("the access point of the box went down");
                self.down();
                self.policy.failed(self.clock.now());
            }
            // Of a process before this one.
            (None, true) if idle => self.queue(Job::Close),
            _ => {}
        }
        self.look();
    }

    /// Has the policy look at the world.
    fn look(&mut self) {
        let state = self.network.state().borrow().clone();
        let now = self.clock.now();
        let world = World {
            possible: self.allowed && state.manager && state.radio,
            setup: self.open,
            network: state.clause.is_some(),
            joining: self.joining(),
            known: state.known,
            used: self.used.is_some_and(|at| now < at + USED),
        };
        match self.policy.look(world, now) {
            Some(Order::Open) => self.queue(Job::Open),
            // The join closes it itself, once the page has answered.
            Some(Order::Close) if world.joining => {}
            Some(Order::Close) => self.queue(Job::Close),
            None => {}
        }
    }

    fn on_wish(&mut self, wish: Wish) {
        self.used = Some(self.clock.now());
        match wish {
            Wish::Used => {}
            Wish::LookAround => self.scan(),
            Wish::Codes(codes) => {
                self.codes = codes.into();
                self.next_code();
            }
        }
    }

    /// Hands the next code of the page to the core, which takes one at a time.
    fn next_code(&mut self) {
        if let Some(code) = self.codes.pop_front() {
            self.tell(SetupEvent::Seen {
                way: Way::Page,
                code,
            });
        }
    }

    /// Looks around for networks, unless that was just done, or the radio is busy as an access point.
    fn scan(&mut self) {
        let now = self.clock.now();
        let recent = self.scanned.is_some_and(|at| now < at + SCANS);
        let busy = self.own.is_some() || self.running.is_some() || !self.waiting.is_empty();
        if self.open && !recent && !busy {
            self.scanned = Some(now);
            self.queue(Job::Scan);
        }
    }

    fn on_done(&mut self, done: Option<Done>) {
        match done {
            None => {
                self.codes.clear();
                self.tell(SetupEvent::Failed {
                    reason: "a fault of the program; restart the box".into(),
                });
            }
            Some(Done::Nothing) => {}
            Some(Done::Join(joined)) => {
                self.down();
                let joined_now = joined.is_ok();
                self.outcome(joined);
                // What the box is to be follows its network; without one whoever filled in the form tries again.
                if joined_now {
                    self.policy.joined();
                    self.next_code();
                } else {
                    self.codes.clear();
                }
            }
            Some(Done::Adopt(kept)) => self.outcome(kept),
            Some(Done::Scan(found)) => self.on_found(found),
            Some(Done::Open(opened, found)) => {
                if let Some(found) = found {
                    self.found.send_replace(found);
                }
                self.on_opened(opened);
            }
            Some(Done::Close(closed)) => {
                if let Err(e) = closed {
                    tracing::warn!("the access point is not closed: {}", e.report());
                }
                self.down();
            }
        }
    }

    fn on_found(&mut self, found: crate::error::Result<Vec<Found>>) {
        match found {
            Ok(found) => {
                self.found.send_replace(found);
            }
            Err(e) => tracing::debug!("no list of networks: {}", e.report()),
        }
    }

    fn on_opened(&mut self, opened: crate::error::Result<WifiCode>) {
        match opened {
            Ok(own) => {
                tracing::info!(network = %own.ssid, "the access point of the box is open");
                self.policy.opened();
                self.own = Some(own.clone());
                self.others.own_network.send_replace(Some(own.clone()));
                self.tell(SetupEvent::AccessPoint(Some(own)));
            }
            Err(e) => {
                tracing::warn!("{}", e.report());
                self.policy.failed(self.clock.now());
            }
        }
    }

    fn outcome(&self, done: crate::error::Result<()>) {
        self.tell(match done {
            Ok(()) => SetupEvent::Done,
            Err(e) => {
                self.failure.send_replace(Some(e.report()));
                SetupEvent::Failed {
                    reason: e.report().trim_end_matches('.').to_owned(),
                }
            }
        });
    }

    /// The access point is closed.
    fn down(&mut self) {
        if self.own.take().is_some() {
            self.others.own_network.send_replace(None);
            self.tell(SetupEvent::AccessPoint(None));
        }
    }

    fn tell(&self, event: SetupEvent) {
        self.handle.event(Event::Setup(event));
    }

    /// Nothing of what was begun goes on; an open access point without a page would be of no use.
    async fn end(mut self) {
        if let Some((_, work)) = self.running.take() {
            work.abort();
        }
        if self.own.is_some()
            && timeout(CLOSE, self.network.close_access_point())
                .await
                .is_err()
        {
            tracing::warn!("the access point is not closed in time");
        }
        if let Some(web) = self.web.take() {
            self.others.page.send_replace(None);
            web.stop().await;
        }
    }
}

/// Waits for the running job; for ever while there is none. `None`: one whose outcome the core waits for ended by a fault.
async fn finished(running: &mut Option<(Job, JoinHandle<Done>)>) -> Option<Done> {
    let Some((job, work)) = running else {
        return std::future::pending().await;
    };
    let done = match work.await {
        Ok(done) => Some(done),
        Err(e) => {
            if !e.is_cancelled() {
                tracing::error!(error = %e, "a job of set-up ended by a fault of ours");
            }
            let awaited = matches!(job, Job::Join(..) | Job::Adopt(_));
            (!awaited).then_some(Done::Nothing)
        }
    };
    *running = None;
    done
}
