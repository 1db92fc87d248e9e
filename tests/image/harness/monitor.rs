//! QEMU's own control socket (QMP), and through it the monitor for people.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// Connects to a socket that QEMU is about to make.
pub fn connect(path: &Path) -> UnixStream {
    crate::support::wait_for("QEMU's sockets", Duration::from_secs(20), || {
        UnixStream::connect(path).ok()
    })
}

/// A connection to QMP.
pub struct Monitor {
    to: UnixStream,
    answers: Receiver<Value>,
    events: Arc<Mutex<Vec<Value>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Monitor {
    pub fn connect(path: &Path) -> Self {
        let to = connect(path);
        let (sender, answers) = channel();
        let events = Arc::new(Mutex::new(Vec::new()));
        let (from, kept) = (BufReader::new(to.try_clone().unwrap()), events.clone());
        let reader = std::thread::spawn(move || {
            for line in from.lines() {
                let Ok(line) = line else { break };
                let Ok(value) = serde_json::from_str::<Value>(&line) else {
                    continue;
                };
                if value.get("event").is_some() {
                    kept.lock().unwrap().push(value);
                } else if value.get("QMP").is_none() && sender.send(value).is_err() {
                    break;
                }
            }
        });
        let monitor = Self {
            to,
            answers,
            events,
            reader: Some(reader),
        };
        monitor.tell("qmp_capabilities", &json!({}));
        monitor
    }

    /// A command; gives what it returns, panics when QEMU refuses it.
    pub fn tell(&self, command: &str, arguments: &Value) -> Value {
        let line = json!({"execute": command, "arguments": arguments}).to_string();
        (&self.to).write_all(line.as_bytes()).unwrap();
        let answer = self
            .answers
            .recv_timeout(Duration::from_secs(20))
            .unwrap_or_else(|e| panic!("QEMU does not answer {command}: {e}"));
        assert!(answer.get("return").is_some(), "{command}: {answer}");
        answer["return"].clone()
    }

    /// A command of the monitor for people.
    pub fn human(&self, line: &str) -> String {
        let answer = self.tell("human-monitor-command", &json!({"command-line": line}));
        answer.as_str().unwrap_or_default().to_owned()
    }

    /// A 32-bit word of the machine's physical memory or registers.
    pub fn word(&self, address: u64) -> u32 {
        let answer = self.human(&format!("xp /1wx {address:#x}"));
        let hex = answer.rsplit("0x").next().unwrap_or_default().trim();
        u32::from_str_radix(hex, 16).unwrap_or_else(|e| panic!("{e}: {answer}"))
    }

    /// How often the machine was reset since its start.
    pub fn resets(&self) -> usize {
        self.count("RESET")
    }

    /// How often an event was heard.
    pub fn count(&self, event: &str) -> usize {
        let events = self.events.lock().unwrap();
        events.iter().filter(|e| e["event"] == event).count()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.to.shutdown(std::net::Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
