//! A real mosquitto of the test's own: its folder, its port, its log; ended with the test.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Guard, free_port, wait_for};

pub struct Broker {
    pub port: u16,
    pub dir: tempfile::TempDir,
    process: Option<Guard>,
}

impl Broker {
    /// Anonymous, plain, on loopback.
    pub fn start() -> Self {
        Self::with("allow_anonymous true\n", |_| {})
    }

    /// With further lines of configuration after `listener`; `prepare` puts files into the folder first.
    pub fn with(lines: &str, prepare: impl FnOnce(&std::path::Path)) -> Self {
        Self::with_files(lines, prepare)
    }

    /// The same; `DIR` in the lines stands for the folder.
    pub fn with_files(lines: &str, prepare: impl FnOnce(&std::path::Path)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        prepare(dir.path());
        let lines = lines.replace("DIR", &dir.path().to_string_lossy());
        let port = free_port();
        let config = format!(
            "listener {port} 127.0.0.1\nlog_dest file {}\nlog_type all\n{lines}",
            dir.path().join("log").display()
        );
        fs::write(dir.path().join("mosquitto.conf"), config).unwrap();
        // As root, mosquitto goes on as its own user, who must reach the folder.
        let open = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o777);
        fs::set_permissions(dir.path(), open).unwrap();
        let mut broker = Self {
            port,
            dir,
            process: None,
        };
        broker.run();
        broker
    }

    /// Starts it (again), with the same port and folder, and waits until it takes connections.
    pub fn run(&mut self) {
        let mut command = Command::new("mosquitto");
        command
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(Guard::spawn(&mut command));
        let port = self.port;
        wait_for("mosquitto", Duration::from_secs(10), || {
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
    }

    /// Kills it: no goodbye to anybody, nothing saved.
    pub fn kill(&mut self) {
        drop(self.process.take());
    }

    /// Sends a signal, such as SIGSTOP and SIGCONT to freeze and thaw it.
    pub fn signal(&self, signal: i32) {
        self.process.as_ref().unwrap().signal(signal);
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}
