//! A broker of one's own (`boothcast run --with-broker`): mosquitto as a child process, for trying things out.
//!
//! It listens on a free port of the loopback only, keeps nothing, and needs no password. It never outlives this process: it is
//! ended in order at the end, and by the kernel when the process is killed. When it dies it is started again, a few times.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::config::BrokerUrl;
use crate::error::{Error, Kind, Result};

/// Names the port to whoever comes after us in this process ([`crate::app::End::Restart`]), so that it stays the same.
pub const PORT: &str = "BOOTHCAST_PRIVATE_BROKER_PORT";
/// Debian keeps it where the `PATH` of a user does not look.
const PLACES: [&str; 3] = [
    "mosquitto",
    "/usr/sbin/mosquitto",
    "/usr/local/sbin/mosquitto",
];
/// Its configuration, in the state folder.
const FILE: &str = "private-broker.conf";
/// Longest time until it takes connections.
const UP: Duration = Duration::from_secs(5);
/// Longest time for its orderly end.
const DOWN: Duration = Duration::from_secs(1);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(50);
/// It is started again so often, unless it lived for [`STABLE`] in between.
const RETRIES: u32 = 8;
const STABLE: Duration = Duration::from_secs(60);
/// The user without rights.
const NOBODY: u32 = 65_534;
/// Ports that are tried.
const PORTS: usize = 3;

/// The broker while it runs.
#[derive(Debug)]
pub struct Broker {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    /// Process id; 0 while there is none.
    pid: AtomicU32,
    /// It took connections once; until then it is not tried again.
    up: AtomicBool,
    /// Started in vain, or died too often.
    given_up: AtomicBool,
}

impl Broker {
    /// Starts it, on `port` if that is free; its configuration goes into `state_dir`. Blocks until it takes connections.
    ///
    /// # Errors
    /// mosquitto is not installed, or does not start: one sentence with its mend.
    pub fn start(state_dir: &Path, port: Option<u16>) -> Result<Self> {
        let program = program().ok_or_else(|| {
            Error::new(
                Kind::Missing,
                "There is no private broker: mosquitto is not installed.",
            )
            .mend("Run `make setup`, or set mqtt.broker.")
        })?;
        let config = state_dir.join(FILE);
        let mut last = failed("no port is free");
        for port in port
            .into_iter()
            .chain((0..PORTS).filter_map(|_| free_port()))
        {
            match Self::on(&program, &config, port) {
                Ok(broker) => return Ok(broker),
                Err(e) => last = e,
            }
        }
        Err(last)
    }

    fn on(program: &Path, config: &Path, port: u16) -> Result<Self> {
        if let Some(dir) = config.parent() {
            crate::store::folder::prepare_dir(dir)?;
        }
        let shared = Arc::new(Shared::default());
        let keeper = Keeper {
            program: program.to_owned(),
            config: config.to_owned(),
            port,
            shared: shared.clone(),
        };
        // The kernel ends the child when the *thread* that made it ends: so this one stays for as long as the child.
        let thread = std::thread::Builder::new()
            .name("broker".into())
            .spawn(move || keeper.run())
            .map_err(|e| failed("there is no thread for it").caused_by(e))?;
        let broker = Self {
            port,
            shared,
            thread: Some(thread),
        };
        let end = Instant::now() + UP;
        while Instant::now() < end && !broker.shared.given_up.load(Ordering::SeqCst) {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            // Somebody else may have taken the port meanwhile; then our child is gone at once.
            if broker.pid().is_some() && TcpStream::connect_timeout(&address, LOOK).is_ok() {
                std::thread::sleep(LOOK);
                if broker.pid().is_some() {
                    broker.shared.up.store(true, Ordering::SeqCst);
                    return Ok(broker);
                }
            }
            std::thread::sleep(LOOK);
        }
        Err(failed("mosquitto does not take connections"))
    }

    /// The port on the loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address; `None` never occurs.
    #[must_use]
    pub fn url(&self) -> Option<BrokerUrl> {
        format!("mqtt://127.0.0.1:{}", self.port).parse().ok()
    }

    /// Its process id while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        Some(self.shared.pid.load(Ordering::SeqCst)).filter(|pid| *pid > 0)
    }
}

impl Drop for Broker {
    /// Ends it in order, after [`DOWN`] by force.
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What its thread needs.
struct Keeper {
    program: PathBuf,
    config: PathBuf,
    port: u16,
    shared: Arc<Shared>,
}

impl Keeper {
    fn run(self) {
        let mut tries = 0;
        while !self.stopped() {
            let begun = Instant::now();
            match self.spawn() {
                Ok(child) => self.watch(child),
                Err(e) => tracing::warn!(error = %e, "the private broker could not be started"),
            }
            if self.stopped() {
                break;
            }
            tries = if begun.elapsed() >= STABLE {
                1
            } else {
                tries + 1
            };
            let up = self.shared.up.load(Ordering::SeqCst);
            if !up || tries > RETRIES {
                tracing::error!(tries, "the private broker does not live and is left alone");
                self.shared.given_up.store(true, Ordering::SeqCst);
                break;
            }
            tracing::warn!(tries, "the private broker is gone; it is started again");
            let pause = Duration::from_millis(100) * 2_u32.pow(tries.min(6));
            let end = Instant::now() + pause;
            while !self.stopped() && Instant::now() < end {
                std::thread::sleep(LOOK);
            }
        }
        let _ = fs::remove_file(&self.config);
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::SeqCst)
    }

    fn spawn(&self) -> io::Result<Child> {
        let port = self.port;
        let lines = [
            format!("listener {port} 127.0.0.1"),
            "allow_anonymous true".into(),
            "persistence false".into(),
            // Else an answer waits up to 40 ms for the acknowledgement of what was sent before it.
            "set_tcp_nodelay true".into(),
            "max_packet_size 2097152".into(),
            "max_connections 64".into(),
            "log_dest none".into(),
        ];
        fs::write(&self.config, lines.join("\n") + "\n")?;
        fs::set_permissions(&self.config, fs::Permissions::from_mode(0o644))?;
        let mut command = Command::new(&self.program);
        command
            .args(["-c", "/dev/stdin"])
            .stdin(fs::File::open(&self.config)?)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C in a terminal goes to the whole group: this one ends after us, so that the last words are heard.
            .process_group(0);
        // SAFETY: asks for a number.
        if unsafe { libc::geteuid() } == 0 {
            // It would give up root by itself, but then the kernel forgets that it must not outlive us. As nobody it cannot look
            // into the state folder, so its configuration is handed to it open.
            command.uid(NOBODY).gid(NOBODY);
        }
        let parent = std::process::id();
        // SAFETY: between fork and exec only calls that may be made there: `prctl` and `getppid`.
        unsafe {
            command.pre_exec(move || {
                if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                    return Err(io::Error::last_os_error());
                }
                // The parent may have been killed before that took effect.
                if u32::try_from(libc::getppid()) != Ok(parent) {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Ok(())
            });
        }
        command.spawn()
    }

    /// Waits until it ends by itself, or ends it.
    fn watch(&self, mut child: Child) {
        self.shared.pid.store(child.id(), Ordering::SeqCst);
        let mut ended = None;
        while ended.is_none() && !self.stopped() {
            std::thread::sleep(LOOK);
            ended = child.try_wait().transpose();
        }
        self.shared.pid.store(0, Ordering::SeqCst);
        match ended {
            None => finish(&mut child),
            Some(how) => tracing::debug!(?how, "the private broker ended"),
        }
    }
}

fn finish(child: &mut Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        // SAFETY: plain system call with the id of a child that has not been waited for.
        unsafe { libc::kill(pid, libc::SIGTERM) };
    }
    let end = Instant::now() + DOWN;
    while Instant::now() < end {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
}

fn failed(why: &str) -> Error {
    Error::new(
        Kind::Internal,
        format!("The private broker could not be started: {why}."),
    )
    .mend("Set mqtt.broker, or leave out --with-broker.")
}

fn program() -> Option<PathBuf> {
    let works = |name: &&str| {
        let version = Command::new(name)
            .arg("-h")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        version.is_ok()
    };
    PLACES.into_iter().find(works).map(PathBuf::from)
}

/// A port that was free a moment ago.
fn free_port() -> Option<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    listener.local_addr().ok().map(|a| a.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(what: &str, mut until: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(15);
        while !until() {
            assert!(Instant::now() < end, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The process that was given its configuration out of this folder.
    fn serving(dir: &Path) -> Option<u32> {
        let mut processes = fs::read_dir("/proc").unwrap().flatten();
        let process = processes.find(|p| {
            let input = fs::read_link(p.path().join("fd/0"));
            input.is_ok_and(|i| i.starts_with(dir))
        })?;
        process.file_name().to_str()?.parse().ok()
    }

    fn connects(port: u16) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
    }

    #[test]
    fn it_runs_on_loopback_comes_back_and_ends_with_us() {
        let dir = tempfile::tempdir().unwrap();
        let broker = Broker::start(dir.path(), None).unwrap();
        let (port, pid) = (broker.port(), broker.pid().unwrap());
        assert_eq!(broker.url().unwrap().port(), port);
        assert!(connects(port));
        // Another address of this machine than the loopback is not served.
        let listening = fs::read_to_string("/proc/net/tcp").unwrap();
        let all = format!(" 00000000:{port:04X} ");
        assert!(!listening.contains(&all), "it listens everywhere");
        // SAFETY: ends the child of this test by its id.
        unsafe { libc::kill(i32::try_from(pid).unwrap(), libc::SIGKILL) };
        wait("another mosquitto", || {
            broker.pid().is_some_and(|p| p != pid)
        });
        wait("connections", || connects(port));
        let last = broker.pid().unwrap();
        assert_eq!(serving(dir.path()), Some(last));
        drop(broker);
        // The port itself says little: whoever asked for a free one next may have it by now.
        assert!(!Path::new(&format!("/proc/{last}")).exists(), "it lives on");
        assert_eq!(serving(dir.path()), None, "another one took its turn");
        assert!(!dir.path().join(FILE).exists());
    }

    #[test]
    fn a_wanted_port_is_used_and_a_taken_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port().unwrap();
        let broker = Broker::start(dir.path(), Some(port)).unwrap();
        assert_eq!(broker.port(), port);
        drop(broker);
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let broker = Broker::start(dir.path(), Some(port)).unwrap();
        assert_ne!(broker.port(), port);
    }

    #[test]
    fn one_that_cannot_run_is_given_up_and_told() {
        let dir = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let e = Broker::on(
            Path::new("/nonexistent/mosquitto"),
            &dir.path().join(FILE),
            1,
        );
        let e = e.unwrap_err();
        assert!(e.report().contains("private broker"), "{}", e.report());
        assert!(begun.elapsed() < UP + Duration::from_secs(3));
    }
}
