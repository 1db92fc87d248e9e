//! Opens, spawns and joins everything, in a written order: the only place that knows everyone.
//!
//! Start: state folder, wanted state, encoder probe, sources, supervisor, engine, systemd.
//! End (each stage logged and bounded): supervisor hears `Shutdown` and takes no more commands; pushes; RTSP;
//! sources; encoders; fan-outs; systemd; state folder unlocked.

mod audience;
mod banner;
/// A private broker.
pub mod broker;
mod desk;
mod effects;
mod encoders;
mod hardware;
/// The live room, and what joins it with the rest of the box.
pub(crate) mod live;
/// The last lines of the log.
pub mod log_ring;
pub(crate) mod mdns;
mod onboard;
mod prepare;
mod presence;
mod public;
mod remote;
pub(crate) mod screen;
pub mod sources;
mod updates;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::config::Config;
use crate::config::board::Board;
use crate::device::command::{Command, Origin};
use crate::device::event::Event;
use crate::device::state::State;
use crate::device::status::Status;
use crate::device::supervisor::{Handle, Supervisor};
use crate::edge::desk::Desk;
use crate::edge::local::{self, Local};
use crate::edge::systemd;
use crate::error::Result;
use crate::media::access_unit::AccessUnit;
use crate::media::engine::{Engine, EngineOptions};
use crate::media::fanout::Fanout;
use crate::media::report::Reporter;
use crate::media::time::MediaClock;
use crate::store::folder;
use audience::Audience;
use hardware::Hardware;
use log_ring::LogRing;
use onboard::Onboard;
pub use prepare::Begin;
use prepare::{hide_secrets, load_wanted, rtsp_options, setup};
use presence::Presence;

/// The longest an orderly end may take before it is cut short.
const END_LIMIT: Duration = Duration::from_millis(2500);

/// How long the last answers have to reach the broker, and the database to close.
const LAST_WORDS: Duration = Duration::from_millis(1000);

/// What a run needs.
pub struct AppOptions {
    /// The configuration in force.
    pub config: Config,
    /// The board's facts.
    pub board: Board,
    /// Monotonic clock of the core.
    pub clock: Clock,
    /// Sentences about the configuration that people should see (a layer set aside).
    pub notices: Vec<String>,
    /// Sources to use instead of what the configuration and the devices say (tests).
    pub sources: Option<sources::Sources>,
    /// The last lines of the log: learns the secrets, answers who asks.
    pub logs: LogRing,
    /// How the run begins, if not well.
    pub begin: Begin,
}

/// What comes after the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum End {
    /// Nothing; whoever started the program may start it again.
    #[default]
    Stop,
    /// The program once more, in this process.
    Restart,
    /// The machine starts anew.
    Reboot,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Everything ended by itself, within the limit.
    pub clean: bool,
    /// What comes now.
    pub end: End,
}

/// A running box.
pub struct App {
    /// Commands and events go in here.
    pub handle: Handle,
    /// What the box is doing.
    pub status: watch::Receiver<Status>,
    /// RTSP ports in use: plain, and TLS.
    pub rtsp_ports: Option<(u16, Option<u16>)>,
    /// The main rendition's access units.
    pub main: Fanout<AccessUnit>,
    /// Clock and base time of everything.
    pub media_clock: MediaClock,
    supervisor: tokio::task::JoinHandle<State>,
    effects: std::thread::JoinHandle<()>,
    end: Arc<OnceLock<End>>,
    notifier: tokio::task::JoinHandle<()>,
    local: Option<(Local, Option<folder::DirLock>)>,
    /// Ports of the room's pages: HTTP, HTTPS.
    pub room_ports: Option<(u16, Option<u16>)>,
    public: public::Public,
    presence: Presence,
    _lock: folder::DirLock,
}

impl App {
    /// Starts everything and prints what was found and chosen. Blocking: call it off the async runtime's workers.
    ///
    /// # Errors
    /// The state folder cannot be used, no encoder works, the RTSP port is taken: one sentence with its mend.
    pub fn start(options: AppOptions, runtime: &tokio::runtime::Handle) -> Result<Self> {
        let AppOptions {
            config,
            board,
            clock,
            notices,
            sources,
            logs,
            begin,
        } = options;
        let safe = begin.safe.is_some();
        hide_secrets(&logs, &config);
        let begun = Instant::now();
        let state_dir = config.paths.state.clone();
        folder::prepare_dir(&state_dir)?;
        let lock = folder::lock_dir(&state_dir)?;
        let (wanted, warning) = load_wanted(&config, safe)?;
        crate::media::init()?;
        let found = sources.unwrap_or_else(|| sources::resolve(&config, &board));
        let table = encoders::choose(&config, &board)?;
        let (rtsp, password) = rtsp_options(&config)?;
        if let Some((_, password)) = rtsp.as_ref().and_then(|r| r.auth.as_ref()) {
            logs.hide(password);
        }

        let setup = setup(&config, &table.usable, found.audio.is_some(), begin);
        let (effects_in, effects_out) = mpsc::channel(256);
        let state = State::new(setup, wanted);
        let wanted_bitrate = state.video().bitrate;
        let (handle, supervisor) = Supervisor::spawn(runtime, state, clock.clone(), effects_in);
        let status = handle.status();
        let media_events = handle.clone();
        let reporter = Reporter::new(move |event| media_events.media(event));
        let codes = handle.clone();
        let media_clock = MediaClock::start();
        let engine = Engine::start(
            EngineOptions {
                config: config.clone(),
                clock: media_clock.clone(),
                encoders: table.usable.clone(),
                pixel: table.pixel,
                video: found.video,
                audio: found.audio,
                rtsp,
                setup: Arc::new(move |event| codes.event(Event::Setup(event))),
                runtime: runtime.clone(),
            },
            &reporter,
        );
        let engine = match engine {
            Ok(engine) => engine,
            Err(e) => {
                supervisor.abort();
                return Err(e);
            }
        };
        engine.set_wanted_bitrate(wanted_bitrate);
        let (rtsp_ports, main, opus) = (engine.rtsp_ports(), engine.main(), engine.opus());
        let hardware = Hardware::start(&hardware::Parts {
            config: &config,
            board: &board,
            clock: &clock,
            handle: &handle,
            status: &status,
            card: &found.card,
            runtime,
            camera: &found.camera,
            stand_in: &found.stand_in,
        });
        let page = banner::Banner {
            config: &config,
            board: &board,
            sources: &found.notes,
            encoder: &table.reason,
            rtsp_ports,
            password: password.as_ref(),
            room: None,
            notices: notices.into_iter().chain(warning).collect(),
        };
        let (observer, notes) = live::bridges::observer();
        let audience = Audience::start(audience::Parts {
            config: &config,
            clock: &clock,
            overlay: engine.audience(),
            blinker: hardware.blinker(),
            handle: &handle,
            observer,
            runtime,
        });
        let audience = match audience {
            Ok(audience) => audience,
            Err(e) => {
                supervisor.abort();
                engine.stop();
                hardware.stop();
                return Err(e);
            }
        };
        let (room, words) = (audience.room(), audience.words());
        let onboard = Onboard::start(&onboard::Parts {
            config: &config,
            clock: &clock,
            handle: &handle,
            status: &status,
            runtime,
        });
        let (page_port, own_network) = (onboard.page(), onboard.own_network());
        let end = Arc::new(OnceLock::new());
        let updates = updates::Updates::start(&updates::Parts {
            state_dir: &state_dir,
            handle: &handle,
            runtime,
            places: crate::edge::rauc::places::Places::default(),
        });
        let effects = effects::spawn(effects::Carrier {
            engine,
            hardware,
            audience,
            onboard,
            updates,
            effects: effects_out,
            state_dir: state_dir.clone(),
            configured: config.encode.video.bitrate,
            address: page.address(),
            handle: handle.clone(),
            logs: logs.clone(),
            end: end.clone(),
            safe,
        })?;
        let behind = desk::Behind::new(
            handle.clone(),
            (room.clone(), clock.clone()),
            logs,
            main.clone(),
            &config,
            &board,
        );
        let the_room = behind.live();
        let desk = desk::desk(behind).limited(config.mqtt.rate_per_s, config.mqtt.rate_burst);
        let (local, unheard) = match open_local(&state_dir, &handle, &desk, runtime) {
            Ok(local) => (Some(local), None),
            Err(e) => {
                tracing::warn!("{}", e.report());
                (None, Some(e.report()))
            }
        };
        let (public, unmanaged) = public::Public::start(public::Parts {
            remote: remote::Parts {
                config: &config,
                board: &board,
                encoders: &table.usable,
                desk: &desk,
                room: &room,
                status: status.clone(),
                runtime,
            },
            clock: &clock,
            words,
            notes,
            main: &main,
            opus,
            rtsp: rtsp_ports.map(|(port, _)| port),
            the_room: &the_room,
        });
        let pages = public.pages();
        let notifier = systemd::Notifier::from_env().spawn(runtime, status.clone());
        let presence = Presence::start(presence::Parts {
            config: &config,
            status: &status,
            rtsp_ports,
            page: page_port,
            room: pages.as_ref().map(|pages| pages.http),
            own_network,
            runtime,
        });
        let page = banner::Banner {
            room: pages.as_ref(),
            notices: page
                .notices
                .into_iter()
                .chain(unheard)
                .chain(unmanaged)
                .collect(),
            ..page
        };
        page.print();
        tracing::info!(ms = begun.elapsed().as_millis(), "started");
        Ok(Self {
            handle,
            status,
            rtsp_ports,
            main,
            media_clock,
            supervisor,
            effects,
            end,
            notifier,
            local,
            room_ports: pages.map(|pages| (pages.http, pages.https)),
            public,
            presence,
            _lock: lock,
        })
    }

    /// Ends in order; cut short after [`END_LIMIT`].
    pub async fn stop(self) -> Ended {
        let begun = Instant::now();
        let Self {
            handle,
            supervisor,
            effects,
            notifier,
            local,
            public,
            presence,
            end,
            ..
        } = self;
        if handle
            .command(Origin::Signal, Command::Shutdown)
            .await
            .is_err()
        {
            tracing::debug!("already ending");
        }
        drop(handle);
        let unheard = async {
            if let Some((local, _lock)) = local {
                local.stop().await;
            }
        };
        let rest = async {
            let ended = tokio::task::spawn_blocking(move || effects.join().is_ok()).await;
            let _ = supervisor.await;
            let _ = notifier.await;
            ended.unwrap_or(false)
        };
        let all = async { tokio::join!(unheard, public.stop(LAST_WORDS), presence.stop(), rest).3 };
        let clean = tokio::time::timeout(END_LIMIT, all).await.unwrap_or(false);
        let end = end.get().copied().unwrap_or_default();
        tracing::info!(ms = begun.elapsed().as_millis(), clean, ?end, "ended");
        Ended { clean, end }
    }
}

/// The control socket, in systemd's runtime folder (then with a lock there, and a link in the state folder), else in the
/// state folder, whose lock is held.
fn open_local(
    state_dir: &std::path::Path,
    handle: &Handle,
    desk: &Desk,
    runtime: &tokio::runtime::Handle,
) -> Result<(Local, Option<folder::DirLock>)> {
    let dir = local::runtime_dir().filter(|dir| dir != state_dir);
    let lock = dir.as_deref().map(folder::lock_dir).transpose()?;
    let link = dir.is_some().then_some(state_dir);
    let dir = dir.as_deref().unwrap_or(state_dir);
    let local = Local::start(dir, link, handle.clone(), desk.clone(), runtime)?;
    tracing::info!(socket = %local.path().display(), "boothcast ctl is heard");
    Ok((local, lock))
}

/// Logs each change of the health sentence.
pub async fn log_health(mut status: watch::Receiver<Status>) {
    let mut last = String::new();
    loop {
        let (sentence, severity) = {
            let now = status.borrow_and_update();
            (now.health.sentence.clone(), now.health.severity)
        };
        if sentence != last {
            tracing::info!(?severity, "{sentence}");
            last = sentence;
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}
