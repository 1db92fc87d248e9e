//! A small RTMP server for tests: it can do what a real one is hard to make do (stall, refuse, redirect, trickle), and
//! it notes when what arrived.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use boothcast::media::output::rtmp::amf::{self, Value};
use boothcast::media::output::rtmp::chunk::{Lane, Message, Reader, Writer, kind};
use boothcast::media::output::rtmp::outgoing::Outgoing;

/// How the server behaves.
#[derive(Debug, Clone)]
pub enum Manner {
    /// Takes everything.
    Good,
    /// Accepts `publish`, then reads nothing more.
    Stall,
    /// Accepts connections and says nothing.
    Mute,
    /// Refuses `publish` with this code; the description holds the stream key.
    Refuse(&'static str),
    /// Takes the stream for half a second, breaks off, and says so often `BadName` before it takes it again.
    HoldsOld(usize),
    /// Sends the publisher elsewhere.
    Redirect(String),
    /// Takes this many bytes a second once published.
    Trickle(usize),
}

/// What the server saw.
#[derive(Debug, Default, Clone)]
pub struct Seen {
    /// When connections came.
    pub connections: Vec<Instant>,
    /// Commands by name, over all connections.
    pub commands: Vec<String>,
    /// When `publish` was accepted.
    pub accepted: Vec<Instant>,
    /// Pictures: arrival and timestamp.
    pub pictures: Vec<(Instant, u32)>,
    /// AVC sequence headers.
    pub headers: u32,
    /// Audio frames.
    pub sounds: u32,
    /// Connections that the publisher closed in order.
    pub closed: u32,
}

pub struct Peer {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    end: Arc<AtomicBool>,
    alive: Arc<AtomicU32>,
    accepting: Option<JoinHandle<()>>,
}

impl Peer {
    pub fn start(manner: Manner) -> Self {
        Self::on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap(), manner)
    }

    pub fn on(listener: TcpListener, manner: Manner) -> Self {
        if matches!(manner, Manner::Stall | Manner::Trickle(_)) {
            // What such a peer's kernel takes is to be little.
            let socket = socket2::SockRef::from(&listener);
            socket.set_recv_buffer_size(16 * 1024).unwrap();
        }
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, end, alive) = <(Arc<Mutex<Seen>>, Arc<AtomicBool>, Arc<AtomicU32>)>::default();
        let shared = (seen.clone(), end.clone(), alive.clone());
        let accepting = std::thread::spawn(move || {
            let (seen, end, alive) = shared;
            while !end.load(Ordering::SeqCst) {
                let Ok((socket, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                };
                let nth = {
                    let mut seen = seen.lock().unwrap();
                    seen.connections.push(Instant::now());
                    seen.connections.len() - 1
                };
                let (seen, end, alive, manner) =
                    (seen.clone(), end.clone(), alive.clone(), manner.clone());
                alive.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    Connection::new(socket, seen, end, manner, nth).serve();
                    alive.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            seen,
            end,
            alive,
            accepting: Some(accepting),
        }
    }

    pub fn url(&self) -> String {
        format!("rtmp://{}/live", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.end.store(true, Ordering::SeqCst);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
        while self.alive.load(Ordering::SeqCst) > 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

struct Connection {
    socket: TcpStream,
    seen: Arc<Mutex<Seen>>,
    end: Arc<AtomicBool>,
    manner: Manner,
    reader: Reader,
    writer: Writer,
    live: bool,
    /// Which connection of the server, from 0.
    nth: usize,
    begun: Instant,
}

impl Connection {
    fn new(
        socket: TcpStream,
        seen: Arc<Mutex<Seen>>,
        end: Arc<AtomicBool>,
        manner: Manner,
        nth: usize,
    ) -> Self {
        socket.set_nonblocking(false).unwrap();
        socket.set_nodelay(true).unwrap();
        socket
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        Self {
            socket,
            seen,
            end,
            manner,
            reader: Reader::default(),
            writer: Writer::default(),
            live: false,
            nth,
            begun: Instant::now(),
        }
    }

    fn over(&self) -> bool {
        self.end.load(Ordering::SeqCst)
    }

    fn idle(&self) {
        while !self.over() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn serve(mut self) {
        if matches!(self.manner, Manner::Mute) {
            return self.idle();
        }
        if self.handshake().is_none() {
            return;
        }
        let mut buffer = [0; 64 * 1024];
        while !self.over() {
            if self.live && matches!(self.manner, Manner::Stall) {
                return self.idle();
            }
            if matches!(self.manner, Manner::HoldsOld(_))
                && self.nth == 0
                && self.begun.elapsed() > Duration::from_millis(500)
            {
                return;
            }
            let size = match self.manner {
                Manner::Trickle(rate) if self.live => {
                    std::thread::sleep(Duration::from_millis(20));
                    rate / 50
                }
                _ => buffer.len(),
            };
            match self.socket.read(&mut buffer[..size]) {
                Ok(0) => {
                    self.seen.lock().unwrap().closed += 1;
                    return;
                }
                Ok(n) => {
                    self.reader.feed(&buffer[..n]);
                    while let Some(m) = self.reader.next_message().unwrap() {
                        if !self.message(&m) {
                            return;
                        }
                    }
                }
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
        }
    }

    fn handshake(&mut self) -> Option<()> {
        let mut hello = [0; 1537];
        self.read_exact(&mut hello)?;
        assert_eq!(hello[0], 3);
        let mut answer = vec![3];
        answer.extend_from_slice(&[7; 1536]);
        answer.extend_from_slice(&hello[1..]);
        self.socket.write_all(&answer).ok()?;
        let mut echo = [0; 1536];
        self.read_exact(&mut echo)
    }

    fn read_exact(&mut self, buffer: &mut [u8]) -> Option<()> {
        let mut at = 0;
        while at < buffer.len() {
            match self.socket.read(&mut buffer[at..]) {
                Ok(0) => return None,
                Ok(n) => at += n,
                Err(e)
                    if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
                        && !self.over() => {}
                Err(_) => return None,
            }
        }
        Some(())
    }

    fn message(&mut self, m: &Message) -> bool {
        match m.kind {
            kind::VIDEO => {
                let mut seen = self.seen.lock().unwrap();
                if m.payload[1] == 0 {
                    seen.headers += 1;
                } else {
                    seen.pictures.push((Instant::now(), m.timestamp));
                }
            }
            kind::AUDIO if m.payload[1] == 1 => self.seen.lock().unwrap().sounds += 1,
            kind::COMMAND => return self.command(&amf::decode_all(&m.payload).unwrap()),
            _ => {}
        }
        true
    }

    fn command(&mut self, values: &[Value]) -> bool {
        let name = values[0].as_str().unwrap();
        self.seen.lock().unwrap().commands.push(name.to_owned());
        let id = values[1].clone();
        match (name, self.manner.clone()) {
            ("connect", Manner::Redirect(url)) => {
                let ex = object(&[("code", 302.0.into()), ("redirect", url.as_str().into())]);
                let info = object(&[
                    ("level", "error".into()),
                    ("code", "NetConnection.Connect.Rejected".into()),
                    ("description", "[ AccessManager.Redirect ]".into()),
                    ("ex", ex),
                ]);
                self.say(&["_error".into(), id, Value::Null, info]);
            }
            ("connect", _) => {
                let info = object(&[("code", "NetConnection.Connect.Success".into())]);
                self.say(&["_result".into(), id, Value::Null, info]);
            }
            ("createStream", _) => self.say(&["_result".into(), id, Value::Null, 1.0.into()]),
            ("publish", Manner::Refuse(code)) => {
                let text = format!("stream {} refused", values[3].as_str().unwrap());
                self.status("error", code, &text);
                return false;
            }
            ("publish", Manner::HoldsOld(n)) if (1..=n).contains(&self.nth) => {
                self.status("error", "NetStream.Publish.BadName", "Already publishing");
                return false;
            }
            ("publish", _) => {
                self.status("status", "NetStream.Publish.Start", "go");
                self.live = true;
                self.seen.lock().unwrap().accepted.push(Instant::now());
            }
            _ => {}
        }
        true
    }

    fn status(&mut self, level: &str, code: &str, description: &str) {
        let info = object(&[
            ("level", level.into()),
            ("code", code.into()),
            ("description", description.into()),
        ]);
        self.say(&["onStatus".into(), 0.0.into(), Value::Null, info]);
    }

    fn say(&mut self, values: &[Value]) {
        let mut out = Outgoing::default();
        let body = [amf::encode_all(values).into()];
        self.writer
            .write(Lane::Command, kind::COMMAND, 0, 0, &body, &mut out);
        let bytes: Vec<u8> = out.io_slices().iter().flat_map(|s| s.to_vec()).collect();
        let _ = self.socket.write_all(&bytes);
    }
}

fn object(fields: &[(&str, Value)]) -> Value {
    Value::Object(
        fields
            .iter()
            .map(|(n, v)| ((*n).to_owned(), v.clone()))
            .collect(),
    )
}
