//! A process inside the rig, seen from the host.

use std::fs::File;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::wire::{self, ENDED, GUEST, PORT, Request, SIGNAL, STARTED, STDERR, STDIN, STDOUT};

/// How a process ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Exit code; −n: by signal n; −1000: not started; −1001: the rig went away.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

#[derive(Default)]
struct Seen {
    pid: Option<u32>,
    code: Option<i32>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

type Shared = Arc<(Mutex<Seen>, Condvar)>;

/// A running process; dropping it kills it and all that it started.
pub struct Process {
    connection: TcpStream,
    shared: Shared,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Process {
    /// Starts `argv` inside; what it prints is also written to `log` (stdout and stderr together).
    pub fn start(argv: &[&str], env: &[(&str, &str)], log: Option<&Path>) -> Self {
        let address: SocketAddr = format!("{GUEST}:{PORT}").parse().unwrap();
        let mut connection = TcpStream::connect_timeout(&address, Duration::from_secs(5))
            .unwrap_or_else(|e| panic!("the rig does not answer: {e}"));
        connection.set_nodelay(true).unwrap();
        let request = Request {
            argv: argv.iter().map(|&a| a.to_owned()).collect(),
            env: env
                .iter()
                .map(|&(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
        };
        let mut line = serde_json::to_string(&request).unwrap();
        line.push('\n');
        connection.write_all(line.as_bytes()).unwrap();
        let shared = Shared::default();
        let (from, to) = (connection.try_clone().unwrap(), shared.clone());
        let log = log.map(|path| {
            File::options()
                .create(true)
                .append(true)
                .open(path)
                .unwrap()
        });
        let reader = std::thread::spawn(move || read(from, &to, log));
        Self {
            connection,
            shared,
            reader: Some(reader),
        }
    }

    fn seen<T>(&self, f: impl FnOnce(&Seen) -> T) -> T {
        f(&self.shared.0.lock().unwrap())
    }

    /// Its id, inside.
    pub fn pid(&self) -> u32 {
        crate::support::wait_for("the process to start", Duration::from_secs(10), || {
            self.seen(|s| s.pid)
        })
    }

    /// Bytes for its standard input; none: end of input.
    pub fn input(&mut self, bytes: &[u8]) {
        wire::send(&mut self.connection, STDIN, bytes).unwrap();
    }

    pub fn signal(&mut self, signal: i32) {
        let signal = u8::try_from(signal).unwrap();
        wire::send(&mut self.connection, SIGNAL, &[signal]).unwrap();
    }

    pub fn stdout(&self) -> String {
        self.seen(|s| String::from_utf8_lossy(&s.stdout).into_owned())
    }

    /// What it printed since the last call.
    pub fn take_stdout(&self) -> Vec<u8> {
        std::mem::take(&mut self.shared.0.lock().unwrap().stdout)
    }

    pub fn stderr(&self) -> String {
        self.seen(|s| String::from_utf8_lossy(&s.stderr).into_owned())
    }

    pub fn running(&self) -> bool {
        self.seen(|s| s.code.is_none())
    }

    /// Waits for its end, at most `limit`.
    pub fn wait(&self, limit: Duration) -> Option<i32> {
        let end = Instant::now() + limit;
        let mut seen = self.shared.0.lock().unwrap();
        while seen.code.is_none() {
            let left = end.checked_duration_since(Instant::now())?;
            seen = self.shared.1.wait_timeout(seen, left).unwrap().0;
        }
        seen.code
    }

    /// Waits for its end and takes what it said; panics after `limit`.
    pub fn finish(self, limit: Duration) -> Outcome {
        let code = self.wait(limit).unwrap_or_else(|| {
            panic!(
                "still running after {limit:?}: {}{}",
                self.stdout(),
                self.stderr()
            )
        });
        Outcome {
            code,
            stdout: self.stdout(),
            stderr: self.stderr(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.connection.shutdown(std::net::Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn read(mut from: TcpStream, to: &Shared, mut log: Option<File>) {
    let mut frame = || wire::receive(&mut from).ok().flatten();
    while let Some((kind, payload)) = frame() {
        if let (STDOUT | STDERR, Some(log)) = (kind, &mut log) {
            let _ = log.write_all(&payload);
        }
        let four = <[u8; 4]>::try_from(payload.as_slice()).ok();
        let mut seen = to.0.lock().unwrap();
        match kind {
            STDOUT => seen.stdout.extend(payload),
            STDERR => seen.stderr.extend(payload),
            STARTED => seen.pid = four.map(u32::from_be_bytes),
            ENDED => seen.code = four.map(i32::from_be_bytes),
            _ => {}
        }
        to.1.notify_all();
    }
    to.0.lock().unwrap().code.get_or_insert(-1001);
    to.1.notify_all();
}
