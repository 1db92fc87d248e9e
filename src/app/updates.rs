//! Carries out the core's steps of an update, with RAUC; tells it what is in the slots, and during a trial how the data
//! partition does.
//!
//! ```text
//!  effects ──apply──> queue ──task "updates"──> RAUC ──UpdateEvent──> core
//!                              │  download: a thread of the runtime's
//!  status: on trial ──task "probe", each 10 s──> a write to the state folder ──DataWritable──> core
//! ```
//!
//! Where RAUC is not there, or is for other boxes, nothing of this runs: the core hears of no slots.

mod notes;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::device::event::Event;
use crate::device::status::Status;
use crate::device::supervisor::Handle;
use crate::device::update::{Install, UpdateEvent, UpdateStep};
use crate::edge::rauc::fetch::Fetch;
use crate::edge::rauc::places::{Places, boot_id};
use crate::edge::rauc::{Bundle, Rauc};
use crate::error::{Error, Kind, Result};
use crate::store::files;
use notes::Notes;

/// Steps that wait; the core never asks for a second one before the first has ended, but for a roll-back.
const QUEUE: usize = 8;
/// Time between two writes during a trial.
const PROBE: Duration = Duration::from_secs(10);
/// A write that takes longer has failed.
const PROBE_LIMIT: Duration = Duration::from_secs(12);
/// How long a slot may take to be marked.
const MARK_LIMIT: Duration = Duration::from_secs(20);
/// RAUC that is there and does not work is asked again so often.
const TRIES: u32 = 6;
/// And after this long.
const AGAIN: Duration = Duration::from_secs(5);
/// How long the end may wait for the tasks.
const STOP_LIMIT: Duration = Duration::from_millis(500);
/// Of how many per cent of an installation from a server the download is.
const FETCHED: u64 = 50;

/// What updates need.
pub struct Parts<'a> {
    /// The state folder.
    pub state_dir: &'a Path,
    /// Events go in here.
    pub handle: &'a Handle,
    /// Where its tasks run.
    pub runtime: &'a tokio::runtime::Handle,
    /// Where the files of the image are.
    pub places: Places,
}

/// Updates while the box runs.
pub struct Updates {
    steps: mpsc::Sender<UpdateStep>,
    stop: watch::Sender<bool>,
    stopped: Arc<AtomicBool>,
    runtime: tokio::runtime::Handle,
    tasks: Vec<JoinHandle<()>>,
}

impl Updates {
    /// Starts it; whether there is anything to update shows later.
    #[must_use]
    pub fn start(parts: &Parts<'_>) -> Self {
        let (steps, queue) = mpsc::channel(QUEUE);
        let (stop, stopping) = watch::channel(false);
        let stopped = Arc::new(AtomicBool::new(false));
        let worker = Worker {
            handle: parts.handle.clone(),
            state_dir: parts.state_dir.to_owned(),
            notes: Notes::new(parts.state_dir),
            places: parts.places.clone(),
            stopped: stopped.clone(),
        };
        let probe = probe(
            parts.handle.clone(),
            parts.state_dir.join("update-probe"),
            stopping.clone(),
        );
        let tasks = vec![
            parts.runtime.spawn(worker.run(queue, stopping)),
            parts.runtime.spawn(probe),
        ];
        Self {
            steps,
            stop,
            stopped,
            runtime: parts.runtime.clone(),
            tasks,
        }
    }

    /// Begins a step; never waits. Its outcome comes back as an event.
    pub fn apply(&self, step: &UpdateStep) {
        if self.steps.try_send(step.clone()).is_err() {
            tracing::error!(?step, "a step of an update found no place");
        }
    }

    /// Ends; bounded. RAUC itself ends what it has begun.
    pub fn stop(self) {
        self.stopped.store(true, Ordering::Relaxed);
        let _ = self.stop.send(true);
        let tasks = self.tasks;
        let ended = self.runtime.block_on(async {
            timeout(STOP_LIMIT, async {
                for mut task in tasks {
                    if timeout(STOP_LIMIT / 2, &mut task).await.is_err() {
                        task.abort();
                    }
                }
            })
            .await
        });
        if ended.is_err() {
            tracing::warn!("updates did not end in time");
        }
    }
}

struct Worker {
    handle: Handle,
    state_dir: PathBuf,
    notes: Notes,
    places: Places,
    stopped: Arc<AtomicBool>,
}

impl Worker {
    async fn run(self, mut steps: mpsc::Receiver<UpdateStep>, mut stop: watch::Receiver<bool>) {
        let work = async {
            let Some(rauc) = self.rauc().await else {
                return;
            };
            self.tell_start(&rauc).await;
            while let Some(step) = steps.recv().await {
                self.step(&rauc, step).await;
            }
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|s| *s) => {}
            () = work => {}
        }
    }

    fn tell(&self, event: UpdateEvent) {
        self.handle.event(Event::Update(event));
    }

    async fn rauc(&self) -> Option<Rauc> {
        for _ in 0..TRIES {
            match Rauc::connect(self.places.clone()).await {
                Ok(None) => {
                    tracing::debug!("RAUC is not here: this box does not update itself");
                    return None;
                }
                Ok(Some(rauc)) => return Some(rauc),
                Err(e) => tracing::warn!("{}", e.report()),
            }
            sleep(AGAIN).await;
        }
        tracing::error!("RAUC does not answer: this box does not update itself");
        None
    }

    /// What is in the slots, how often the service was started, and how the last trial ended.
    async fn tell_start(&self, rauc: &Rauc) {
        let slots = match rauc.slots().await {
            Ok(Some(slots)) => slots,
            Ok(None) => {
                tracing::info!(
                    "the machine was not started from a slot: this box does not update itself"
                );
                return;
            }
            Err(e) => {
                tracing::error!("{}", e.report());
                return;
            }
        };
        tracing::info!(slot = ?slots.booted, version = slots.version, trial = slots.trial, "started from a slot");
        let (booted, trial) = (slots.booted, slots.trial);
        if let Some(starts) = self.notes.started(&boot_id()) {
            self.tell(UpdateEvent::Starts(starts));
        }
        self.tell(UpdateEvent::Slots(slots));
        if let Some(ended) = self.places.ended()
            && ended.slot != booted
        {
            let fresh = self.notes.told(&ended.id);
            let own = self.notes.reason_of(&ended.version);
            let reason = own
                .or(ended.reason)
                .unwrap_or_else(|| "it did not start".into());
            self.tell(UpdateEvent::TakenBack {
                version: ended.version,
                reason,
                fresh,
            });
        }
        if let Some(pending) = self.places.trial()
            && !trial
            && pending.slot != booted
            && pending.state == "installed"
            && pending.boot == boot_id()
        {
            let version = pending.version;
            self.tell(UpdateEvent::Installed { version });
        }
    }

    async fn step(&self, rauc: &Rauc, step: UpdateStep) {
        match step {
            UpdateStep::Install(install) => match self.install(rauc, &install).await {
                Ok(version) => {
                    tracing::info!(version, "a new version is installed");
                    self.tell(UpdateEvent::Installed { version });
                }
                Err(e) => self.failed(&e),
            },
            UpdateStep::UseOther => match self.use_other(rauc).await {
                Ok(version) => self.tell(UpdateEvent::Installed { version }),
                Err(e) => self.failed(&e),
            },
            UpdateStep::MarkGood => match marked(rauc.mark_good()).await {
                Ok(()) => {
                    tracing::info!("the new version is kept");
                    self.notes.forget_reason();
                    self.tell(UpdateEvent::MarkedGood);
                }
                Err(e) => {
                    tracing::error!("{}", e.report());
                    self.tell(UpdateEvent::MarkFailed { reason: e.report() });
                }
            },
            UpdateStep::RollBack { reason } => {
                tracing::error!("the new version is taken back: {reason}");
                self.notes.keep_reason(&self.places.version(), &reason);
                if let Err(e) = marked(rauc.mark_bad()).await {
                    tracing::error!("{}", e.report());
                }
                self.tell(UpdateEvent::RolledBack);
            }
        }
    }

    fn failed(&self, e: &Error) {
        tracing::warn!("the update is not installed: {}", e.report());
        // What the next start finds of it is no news then.
        if let Some(begun) = self.places.trial() {
            let _ = self.notes.told(&begun.id);
        }
        self.tell(UpdateEvent::Failed { reason: e.report() });
    }

    async fn use_other(&self, rauc: &Rauc) -> Result<String> {
        let slots = rauc.slots().await?;
        let Some(version) = slots.and_then(|s| s.other) else {
            let said = "There is no other version on this box that ran well.";
            return Err(Error::new(Kind::Unsupported, said).mend("Install one."));
        };
        marked(rauc.use_other()).await?;
        Ok(version)
    }

    /// Fetches it if it is elsewhere, looks at it, installs it; its version.
    async fn install(&self, rauc: &Rauc, install: &Install) -> Result<String> {
        let source = install.source.as_str();
        let afar = source.starts_with("http://") || source.starts_with("https://");
        let folder = self.state_dir.join("update");
        let path = if afar {
            self.fetch(source, &folder).await?
        } else {
            PathBuf::from(source.strip_prefix("file://").unwrap_or(source))
        };
        let done = self
            .install_file(rauc, &path, install.downgrade, afar)
            .await;
        // A bundle that is fetched once more is fetched whole; one that is refused or installed is of no use here.
        if afar && let Err(e) = std::fs::remove_dir_all(&folder) {
            tracing::debug!(error = %e, "the fetched bundle stays");
        }
        done.map(|bundle| bundle.version)
    }

    async fn install_file(
        &self,
        rauc: &Rauc,
        path: &Path,
        downgrade: bool,
        fetched: bool,
    ) -> Result<Bundle> {
        let Some(path) = path.to_str() else {
            return Err(Error::new(Kind::NotFound, "The path is no text."));
        };
        let bundle = rauc.inspect(path, downgrade).await?;
        self.tell(UpdateEvent::Found {
            version: bundle.version.clone(),
        });
        self.notes.allow_downgrade(downgrade);
        let done = rauc
            .install(path, |percent, step| {
                let percent = if fetched {
                    u8::try_from(FETCHED).unwrap_or(0) + percent / 2
                } else {
                    percent
                };
                let step = step.to_owned();
                self.tell(UpdateEvent::Progress { percent, step });
            })
            .await;
        self.notes.allow_downgrade(false);
        done.map(|()| bundle)
    }

    async fn fetch(&self, url: &str, folder: &Path) -> Result<PathBuf> {
        let (url, folder) = (url.to_owned(), folder.to_owned());
        let (stopped, handle) = (self.stopped.clone(), self.handle.clone());
        let fetching = tokio::task::spawn_blocking(move || {
            let mut said: Option<Instant> = None;
            let mut progress = |have: u64, total: Option<u64>| {
                if said.is_some_and(|at| at.elapsed() < Duration::from_secs(1)) {
                    return;
                }
                said = Some(Instant::now());
                let percent = total.map_or(0, |t| have.saturating_mul(FETCHED) / t.max(1));
                handle.event(Event::Update(UpdateEvent::Progress {
                    percent: u8::try_from(percent).unwrap_or(50),
                    step: format!("fetching it: {} MiB", have >> 20),
                }));
            };
            let mut fetch = Fetch {
                folder: &folder,
                stopped: &|| stopped.load(Ordering::Relaxed),
                progress: &mut progress,
            };
            fetch.bundle(&url)
        });
        fetching.await.unwrap_or_else(|e| {
            Err(Error::new(
                Kind::Internal,
                "The bundle was not fetched by a fault of ours.",
            )
            .caused_by(e))
        })
    }
}

async fn marked(mark: impl Future<Output = Result<()>>) -> Result<()> {
    timeout(MARK_LIMIT, mark).await.unwrap_or_else(|_| {
        Err(Error::new(
            Kind::Timeout,
            "RAUC did not mark the slot in time.",
        ))
    })
}

/// During a trial: writes to the state folder each 10 s and tells whether it was taken. A write that hangs is waited for by
/// a thread that is left behind; no second one is begun meanwhile.
async fn probe(handle: Handle, file: PathBuf, mut stop: watch::Receiver<bool>) {
    let mut status = handle.status();
    let work = async {
        while on_trial(&mut status).await {
            let file = file.clone();
            let mut write = tokio::task::spawn_blocking(move || {
                files::write_atomic(&file, b"the data partition takes writes\n", 0o600)
            });
            let taken = match timeout(PROBE_LIMIT, &mut write).await {
                Ok(Ok(Ok(()))) => true,
                Ok(Ok(Err(e))) => {
                    tracing::error!("{}", e.report());
                    false
                }
                Ok(Err(_)) => false,
                Err(_) => {
                    handle.event(Event::Update(UpdateEvent::DataWritable(false)));
                    let _ = write.await;
                    continue;
                }
            };
            handle.event(Event::Update(UpdateEvent::DataWritable(taken)));
            sleep(PROBE).await;
        }
    };
    tokio::select! {
        biased;
        _ = stop.wait_for(|s| *s) => {}
        () = work => {}
    }
}

/// Waits until a version is on trial; false when the box has ended.
async fn on_trial(status: &mut watch::Receiver<Status>) -> bool {
    status.wait_for(|s| s.update.trial).await.is_ok()
}
