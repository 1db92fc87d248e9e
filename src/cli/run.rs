//! `boothcast run`: configuration, logging, runtime, signals, exit code.

mod again;
mod safe;

use std::io::IsTerminal;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::Layer as _;
use tracing_subscriber::prelude::*;

use super::check::ConfigArgs;
use super::doctor::{DoctorArgs, EncoderReport, GstReport};
use crate::app::broker::{self, Broker};
use crate::app::log_ring::LogRing;
use crate::app::{App, AppOptions, Begin, End, Ended, mdns, screen, sources};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::error::{Error, Kind, Result};
use crate::store::import_note::ImportNote;
use crate::store::{folder, forget};

/// Exit code of a process that a second signal ended: 128 + SIGINT.
const NOW: i32 = 130;
/// A start that is that close to its end when a signal comes is ended in order.
const ALMOST: Duration = Duration::from_millis(250);

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// Configuration and single keys.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// When the configuration is broken, run with the last good one and say so (always so under systemd).
    #[arg(long)]
    pub keep_going: bool,
    /// Without mqtt.broker in the configuration: run an MQTT broker (mosquitto) of one's own, for this machine only.
    #[arg(long)]
    pub with_broker: bool,
    /// Leave out what could make the box fail, and say so: for boothcast-safe.service.
    #[arg(long, hide = true)]
    pub safe: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorCliArgs {
    /// Configuration and single keys.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// What is shown.
    #[command(flatten)]
    pub doctor: DoctorArgs,
}

/// Runs the box; returns the exit code.
#[must_use]
pub fn run(args: &RunArgs) -> u8 {
    match try_run(args) {
        Ok(code) => code,
        Err(e) => {
            eprintln!("boothcast: {}", e.report());
            e.kind().exit_code()
        }
    }
}

fn try_run(args: &RunArgs) -> Result<u8> {
    let sources = args.config.sources();
    let keep_going = args.keep_going || is_service();
    let state = sources.state_dir();
    let returned = settle_state(&state);
    let keep_going = keep_going || args.safe;
    let mut loaded = match config::load_or_last_good(&sources, &sources.default_state, keep_going) {
        Err(problems) if args.safe => safe::fallback(&sources, problems)?,
        other => other?,
    };
    let logs = LogRing::default();
    start_logging(&loaded.config, &logs)?;
    let mut notices = notices(&loaded);
    notices.extend(returned);
    let begin = begin(args, &loaded, &state);
    notices.extend(begin.safe.iter().chain(&begin.complaint).cloned());
    if args.safe {
        safe::reduce(&mut loaded.config, &mut loaded.board.board);
    }
    tracing::debug!(
        files = crate::edge::system::raise_open_files(),
        "files that may be open"
    );
    let broker = private_broker(args, &mut loaded.config, &mut notices);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("net")
        .enable_all()
        .build()
        .map_err(|e| {
            Error::new(Kind::Internal, "The runtime could not be started.").caused_by(e)
        })?;
    let reboot = loaded.config.box_.reboot.clone();
    let limit = (args.safe && is_service()).then_some(safe::LIMIT);
    let options = AppOptions {
        config: loaded.config,
        board: loaded.board.board,
        clock: Clock::real(),
        notices,
        sources: args.safe.then(|| sources::none(safe::SENTENCE)),
        logs,
        begin,
    };
    let ended = runtime.block_on(serve(options, limit));
    runtime.shutdown_timeout(Duration::from_millis(200));
    let broker_port = broker.as_ref().map(Broker::port);
    // After the box, so that its last words are heard.
    drop(broker);
    let Ended { clean, end } = ended?;
    match end {
        // The service manager has the normal service follow, unless this one failed.
        End::Stop | End::Restart if args.safe && is_service() => Ok(0),
        End::Stop => Ok(u8::from(!clean)),
        End::Restart => Err(again::exec(broker_port)),
        End::Reboot => again::reboot(&reboot).map(|()| 0),
    }
}

/// The private broker, where it is asked for and no other is configured; without one the box goes on, and says so.
fn private_broker(
    args: &RunArgs,
    config: &mut Config,
    notices: &mut Vec<String>,
) -> Option<Broker> {
    if !args.with_broker || config.mqtt.broker.is_some() {
        return None;
    }
    let before = std::env::var(broker::PORT).ok();
    let port = before.and_then(|port| port.parse().ok());
    match Broker::start(&config.paths.state, port) {
        Ok(broker) => {
            config.mqtt.broker = broker.url();
            Some(broker)
        }
        Err(e) => {
            notices.push(e.report());
            None
        }
    }
}

/// Whether systemd itself started this process. `INVOCATION_ID` will not do: every child of a unit inherits it.
fn is_service() -> bool {
    let own = std::process::id().to_string();
    std::env::var("SYSTEMD_EXEC_PID").is_ok_and(|pid| pid == own)
}

/// Before anything of the state folder is read: a factory reset that was cut off is ended, and the folder is brought to this
/// version. What fails of it does not keep the box from starting; the sentence is for people.
fn settle_state(state: &std::path::Path) -> Option<String> {
    let settled = finish_reset(state).and_then(|()| super::system::settle_versions(state));
    settled.unwrap_or_else(|e| Some(e.report()))
}

fn finish_reset(state: &std::path::Path) -> Result<()> {
    if !forget::is_begun(state) {
        return Ok(());
    }
    let _lock = folder::lock_dir(state)?;
    forget::forget(state)?;
    if forget::has_services() {
        return Ok(());
    }
    forget::end(state)
}

/// How the run begins, other than well.
fn begin(args: &RunArgs, loaded: &config::Loaded, state: &std::path::Path) -> Begin {
    let broken = loaded.set_aside.as_ref().and_then(|p| p.as_slice().first());
    let broken = broken.map(|first| {
        format!("The configuration is broken, and the last good one is in force: {first}")
    });
    Begin {
        safe: args.safe.then(|| safe::sentence(loaded)),
        complaint: ImportNote::load(state).problem.or(broken),
    }
}

/// What people should know of how the configuration was loaded.
fn notices(loaded: &config::Loaded) -> Vec<String> {
    let mut out: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    if let Some(problems) = &loaded.set_aside {
        out.push("The configuration is broken; the last good one is used instead.".to_owned());
        out.extend(problems.as_slice().iter().map(ToString::to_string));
    }
    out
}

/// Starts, waits for a signal or for the core's own end, and stops.
async fn serve(options: AppOptions, limit: Option<Duration>) -> Result<Ended> {
    let mut signals = Signals::new()?;
    let handle = tokio::runtime::Handle::current();
    let mut starting = tokio::task::spawn_blocking(move || App::start(options, &handle));
    let mut told = false;
    let started = tokio::select! {
        started = &mut starting => started,
        () = signals.next() => {
            told = true;
            // Devices are being tried: there is nothing yet to end in order, unless all of it was up a moment ago.
            match tokio::time::timeout(ALMOST, &mut starting).await {
                Ok(started) => started,
                Err(_) => std::process::exit(NOW),
            }
        }
    };
    let app = started.map_err(|e| {
        Error::new(Kind::Internal, "The start was cut off by a fault of ours.").caused_by(e)
    })??;
    let health = tokio::spawn(crate::app::log_health(app.status.clone()));
    let mut status = app.status.clone();
    let until = async {
        match limit {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = std::future::ready(()), if told => {}
        () = signals.next() => {}
        () = until => tracing::info!("the normal service has its turn again"),
        // The core ended by itself: by a command, or because a part that it cannot do without is gone.
        _ = status.wait_for(|s| s.ending) => {}
    }
    tracing::info!("ending in order; once more ends at once");
    let ended = tokio::select! {
        ended = app.stop() => ended,
        () = signals.next() => {
            tracing::warn!("ended at once");
            std::process::exit(NOW);
        }
    };
    health.abort();
    Ok(ended)
}

/// SIGINT, SIGTERM, and SIGHUP unless `nohup` said to ignore it.
struct Signals {
    interrupt: Signal,
    hangup: Option<Signal>,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let open = |kind| {
            signal(kind)
                .map_err(|e| Error::new(Kind::Internal, "Signals cannot be heard.").caused_by(e))
        };
        Ok(Self {
            hangup: if hangup_is_ignored() {
                None
            } else {
                Some(open(SignalKind::hangup())?)
            },
            interrupt: open(SignalKind::interrupt())?,
            terminate: open(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

fn hangup_is_ignored() -> bool {
    // SAFETY: asks for the disposition only; `old` is plain data that the call fills.
    unsafe {
        let mut old: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGHUP, std::ptr::null(), &raw mut old) == 0
            && old.sa_sigaction == libc::SIG_IGN
    }
}

/// Logs go to standard error; systemd and shells keep them apart from what is printed for people.
fn start_logging(config: &Config, logs: &LogRing) -> Result<()> {
    // What these say in words of their own, their users here say for people; who wants to hear them names them in log.level.
    let level = format!("rumqttc=off,mdns_sd=off,{}", config.log.level);
    let filter = tracing_subscriber::EnvFilter::try_new(level).map_err(|e| {
        Error::new(Kind::BadConfig, "log.level is not a level or filter.")
            .caused_by(e)
            .mend("Use error, warn, info, debug or trace.")
    })?;
    let out = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let out = if config.log.json {
        out.json().boxed()
    } else {
        out.boxed()
    };
    let started = tracing_subscriber::registry()
        .with(filter)
        .with(out)
        .with(logs.clone())
        .try_init();
    started.map_err(|e| {
        Error::new(
            Kind::Internal,
            format!("Logging could not be started: {e}."),
        )
    })
}

/// Runs the doctor; returns the exit code.
#[must_use]
pub fn doctor(args: &DoctorCliArgs) -> u8 {
    let sources = args.config.sources();
    // A broken configuration does not keep the doctor away: the defaults are looked at then.
    let (config, board) = match config::load(&sources) {
        Ok(loaded) => (loaded.config, loaded.board),
        Err(problems) => {
            eprintln!("boothcast: the configuration is broken; looking at the defaults instead.");
            eprintln!("{problems}");
            let defaults = config::Sources {
                files: vec![],
                env: vec![],
                set: vec![],
                ..sources.clone()
            };
            match config::load(&defaults) {
                Ok(loaded) => (loaded.config, loaded.board),
                Err(_) => return Kind::Internal.exit_code(),
            }
        }
    };
    let (table, video) = (board.board.encoders.clone(), config.encode.video.clone());
    let wish = sources::wish(&config, sources::configured(&config));
    let name = mdns::is_wanted(&config).then(mdns::first_name);
    let screen = screen::is_wanted(&config);
    let room = config.web.enabled.then(|| super::doctor::RoomSetup {
        ports: (config.web.port, config.web.tls_port),
        watch: config.watch.enabled.then_some(config.watch.udp_port),
    });
    let setup = super::doctor::Setup {
        board,
        state_dir: config.paths.state,
        led: config.led,
        button: config.button,
        wish,
        thermal: config.thermal,
        name,
        room,
        screen,
        fonts: (config.overlay.fonts, config.overlay.font),
    };
    let encoders = move || try_encoders(&table, &video);
    let out = &mut std::io::stdout().lock();
    // An output that is gone is no problem of this machine.
    super::doctor::run(&args.doctor, &setup, encoders, gstreamer, out).unwrap_or(0)
}

fn try_encoders(table: &[String], video: &config::VideoSettings) -> Result<Vec<EncoderReport>> {
    crate::media::init()?;
    let report = |p: crate::media::encode::Probe| {
        let (ok, detail) = match p.outcome {
            Ok(probed) => {
                let slowly = if probed.slow { ", slow" } else { "" };
                let ms = probed.took.as_millis();
                (true, format!("first picture after {ms} ms{slowly}"))
            }
            Err(why) => (false, why),
        };
        EncoderReport {
            element: p.element,
            ok,
            detail,
        }
    };
    Ok(crate::media::encode::probe(table, video)
        .into_iter()
        .map(report)
        .collect())
}

/// Says which of the elements that the doctor asks for are installed.
fn gstreamer(elements: &[&str]) -> Result<GstReport> {
    crate::media::init()?;
    let installed = elements.iter().filter(|e| crate::media::has_element(e));
    Ok(GstReport {
        version: crate::media::version(),
        present: installed.map(|e| (*e).to_owned()).collect(),
    })
}
