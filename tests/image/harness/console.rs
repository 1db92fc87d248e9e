//! The serial console: what the machine says from U-Boot on, and a root shell in test images.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The prompt of the test image's shell on the console (`image-build/test-overlay`).
const PROMPT: &str = "guest# ";
/// A terminal in canonical mode takes lines of 4095 bytes.
const LINE: usize = 3000;

/// How a command inside ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Exit code; 124: it took longer than it was given.
    pub code: i32,
    /// stdout and stderr together.
    pub out: String,
}

#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    closed: bool,
}

type Shared = Arc<(Mutex<Heard>, Condvar)>;

/// The machine's first serial port.
pub struct Console {
    port: UnixStream,
    heard: Shared,
    reader: Option<std::thread::JoinHandle<()>>,
    /// Up to here the text was looked at.
    seen: usize,
    commands: usize,
}

impl Console {
    pub fn connect(path: &Path) -> Self {
        let port = super::monitor::connect(path);
        let heard = Shared::default();
        let (mut from, to) = (port.try_clone().unwrap(), heard.clone());
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = from.read(&mut buffer) {
                to.0.lock().unwrap().bytes.extend(&buffer[..n]);
                to.1.notify_all();
            }
            to.0.lock().unwrap().closed = true;
            to.1.notify_all();
        });
        Self {
            port,
            heard,
            reader: Some(reader),
            seen: 0,
            commands: 0,
        }
    }

    /// Waits until one of the texts shows up after what was looked at before; gives which, and what stood before it.
    pub fn wait_any(&mut self, texts: &[&str], limit: Duration) -> Result<(usize, String), String> {
        let end = Instant::now() + limit;
        let mut heard = self.heard.0.lock().unwrap();
        loop {
            let new = &heard.bytes[self.seen..];
            let first = texts
                .iter()
                .enumerate()
                .filter_map(|(i, text)| Some((find(new, text.as_bytes())?, i)))
                .min();
            if let Some((at, which)) = first {
                let before = String::from_utf8_lossy(&new[..at]).into_owned();
                self.seen += at + texts[which].len();
                return Ok((which, before));
            }
            if heard.closed {
                return Err(format!("the emulator ended while {texts:?} was awaited"));
            }
            let Some(left) = end.checked_duration_since(Instant::now()) else {
                return Err(format!("waited {limit:?} in vain for {texts:?}"));
            };
            heard = self.heard.1.wait_timeout(heard, left).unwrap().0;
        }
    }

    /// Waits for the shell and makes it quiet, so that only answers come over the console from now on.
    pub fn shell(&mut self, limit: Duration) -> Result<(), String> {
        self.wait_any(&[PROMPT], limit)?;
        self.say("PS1= PS2=; stty -echo; mkdir -p /run/image-test; dmesg -n 1; echo @@qu\"\"iet");
        self.wait_any(&["@@quiet"], Duration::from_secs(30))?;
        Ok(())
    }

    /// Runs a script inside, in a bash of its own without input.
    pub fn run(&mut self, script: &str, limit: Duration) -> Result<Outcome, String> {
        self.commands += 1;
        let n = self.commands;
        let at = format!("/run/image-test/{n}");
        let code = STANDARD.encode(script);
        self.say(&format!(": >{at}.b64"));
        for chunk in code.as_bytes().chunks(LINE) {
            let chunk = std::str::from_utf8(chunk).unwrap();
            self.say(&format!("echo -n {chunk} >>{at}.b64"));
        }
        self.say(&format!(
            "base64 -d <{at}.b64 >{at}.sh; timeout {s} bash {at}.sh >{at}.out 2>&1 </dev/null; echo \"@@begin {n} $?.\"; \
             head -c 2000000 {at}.out | base64; echo \"@@end {n}.\"; rm -f {at}.*",
            s = limit.as_secs().max(1)
        ));
        // Beyond the command's own limit: the emulated serial port is slow, and the machine may be busy.
        let patience = limit + Duration::from_secs(30);
        self.wait_any(&[&format!("@@begin {n} ")], patience)?;
        let (_, code) = self.wait_any(&["."], Duration::from_secs(30))?;
        let (_, out) = self.wait_any(&[&format!("@@end {n}.")], Duration::from_secs(60))?;
        let packed: String = out.split_whitespace().collect();
        let out = STANDARD
            .decode(&packed)
            .map_err(|e| format!("the answer to {script:?} was garbled on the console: {e}"))?;
        Ok(Outcome {
            code: code.parse().map_err(|e| format!("{code:?}: {e}"))?,
            out: String::from_utf8_lossy(&out).into_owned(),
        })
    }

    /// Types a line.
    pub fn say(&mut self, line: &str) {
        // A machine that is gone says so where its answer is awaited.
        let _ = self.port.write_all(format!("{line}\n").as_bytes());
    }

    /// All that was heard since the start.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.heard.0.lock().unwrap().bytes).into_owned()
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.port.shutdown(std::net::Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn find(hay: &[u8], needle: &[u8]) -> Option<usize> {
    hay.windows(needle.len()).position(|w| w == needle)
}
