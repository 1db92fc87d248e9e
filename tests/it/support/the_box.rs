//! The whole box as a process: its own folder, configuration, ports and logs.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Guard, free_port, wait_for};

pub struct TheBox {
    pub process: Guard,
    pub dir: tempfile::TempDir,
    pub port: u16,
}

/// Environment, extra configuration and arguments of a run.
#[derive(Default)]
pub struct Options<'a> {
    /// Sections besides `[rtsp]` and `[paths]`.
    pub config: &'a str,
    /// Keys of `[rtsp]` besides port and address.
    pub rtsp: &'a str,
    /// More arguments of `run`.
    pub args: &'a [&'a str],
    /// Environment.
    pub env: &'a [(&'a str, &'a str)],
    /// Folder with more files; made anew if absent.
    pub dir: Option<tempfile::TempDir>,
}

impl TheBox {
    /// Starts the box without waiting for it.
    pub fn spawn(options: Options) -> Self {
        let dir = options.dir.unwrap_or_else(|| tempfile::tempdir().unwrap());
        let port = free_port();
        let rtsp = if options.rtsp.is_empty() {
            "auth = \"none\""
        } else {
            options.rtsp
        };
        // Two boxes on one machine must not want the same ports.
        let web = if options.config.contains("[web]") {
            ""
        } else {
            "[web]\nenabled = false\n"
        };
        let config = format!(
            "[paths]\nstate = \"{}\"\n[rtsp]\nlisten = \"127.0.0.1\"\nport = {port}\n{rtsp}\n{web}{}\n",
            dir.path().join("state").display(),
            options.config,
        );
        fs::write(dir.path().join("boothcast.toml"), config).unwrap();
        let out = |name: &str| Stdio::from(File::create(dir.path().join(name)).unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_boothcast"));
        command
            .args(["run", "--config"])
            .arg(dir.path().join("boothcast.toml"))
            .args(options.args)
            .stdin(Stdio::null())
            .stdout(out("stdout"))
            .stderr(out("stderr"))
            .env_remove("NOTIFY_SOCKET")
            .env_remove("INVOCATION_ID")
            .env_remove("RUNTIME_DIRECTORY")
            .envs(options.env.iter().copied());
        Self {
            process: Guard::spawn(&mut command),
            dir,
            port,
        }
    }

    /// Starts the box and waits until it says that it is up.
    pub fn start(config: &str) -> Self {
        let mut it = Self::spawn(Options {
            config,
            ..Options::default()
        });
        it.wait_up();
        it
    }

    pub fn wait_up(&mut self) {
        let stdout = self.dir.path().join("stdout");
        for _ in 0..1500 {
            if fs::read_to_string(&stdout)
                .unwrap()
                .contains("Ctrl-C ends it")
            {
                return;
            }
            if let Some(status) = self.process.0.try_wait().unwrap() {
                panic!("the box ended early, {status}:\n{}", self.stderr());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the box did not come up in 15 s:\n{}", self.stderr());
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn stdout(&self) -> String {
        fs::read_to_string(self.path("stdout")).unwrap()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.path("stderr")).unwrap()).into_owned()
    }

    pub fn url(&self, mount: &str) -> String {
        format!("rtsp://127.0.0.1:{}/{mount}", self.port)
    }

    pub fn wait_log(&self, what: &str, limit: Duration) {
        wait_for(&format!("{what:?} in the log"), limit, || {
            self.stderr().contains(what).then_some(())
        });
    }

    /// SIGINT; gives exit code and how long it took.
    pub fn interrupt(&mut self) -> (Option<i32>, Duration) {
        let begun = std::time::Instant::now();
        self.process.signal(libc::SIGINT);
        let status = self.process.wait(Duration::from_secs(10));
        (
            status.expect("did not end within 10 s").code(),
            begun.elapsed(),
        )
    }
}

/// Runs a program to its end, at most `limit`; gives (exit code, stdout, stderr).
pub fn run_to_end(command: &mut Command, limit: Duration) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| File::create(dir.path().join(name)).unwrap();
    command
        .stdin(Stdio::null())
        .stdout(file("out"))
        .stderr(file("err"));
    let mut guard = Guard::spawn(command);
    let status = guard.wait(limit);
    let text = |name: &str| {
        String::from_utf8_lossy(&fs::read(dir.path().join(name)).unwrap()).into_owned()
    };
    let status =
        status.unwrap_or_else(|| panic!("{command:?} took more than {limit:?}: {}", text("err")));
    (status.code(), text("out"), text("err"))
}
