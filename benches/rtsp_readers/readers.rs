//! The readers: a process of its own that only reads.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::client::Client;

/// The process with the readers: answers each line with how many play, and bytes read so far.
pub struct Readers {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Readers {
    pub fn start(count: u32, port: u16) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--readers", &count.to_string(), &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut readers = Self { child, answers };
        readers.state();
        readers
    }

    pub fn state(&mut self) -> (u32, u64) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace();
        let mut word = || words.next().expect("an answer of the readers").to_owned();
        (word().parse().unwrap(), word().parse().unwrap())
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The readers' side: one thread, `poll(2)`, bytes counted and thrown away.
pub fn read(count: u32, port: u16) {
    let mut clients: Vec<Client> = (0..count).map(|_| Client::play(port, "/main")).collect();
    let playing = Arc::new(AtomicU32::new(count));
    let bytes = Arc::new(AtomicU64::new(0));
    let (seen, total) = (Arc::clone(&playing), Arc::clone(&bytes));
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines() {
            let (n, bytes) = (seen.load(Ordering::Relaxed), total.load(Ordering::Relaxed));
            println!("{n} {bytes}");
        }
    });
    let mut buffer = vec![0; 256 << 10];
    let mut polls: Vec<libc::pollfd> = clients
        .iter()
        .map(|c| {
            c.socket.set_nonblocking(true).unwrap();
            libc::pollfd {
                fd: c.socket.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            }
        })
        .collect();
    loop {
        // SAFETY: the array is valid for the call.
        let n = unsafe { libc::poll(polls.as_mut_ptr(), polls.len() as libc::nfds_t, 1000) };
        assert!(n >= 0);
        for (poll, client) in polls.iter_mut().zip(&mut clients) {
            if poll.revents == 0 {
                continue;
            }
            match client.socket.read(&mut buffer) {
                Ok(0) => {
                    playing.fetch_sub(1, Ordering::Relaxed);
                    poll.fd = -1;
                }
                Ok(n) => {
                    bytes.fetch_add(n as u64, Ordering::Relaxed);
                }
                Err(_) => {}
            }
        }
    }
}
