//! The server as clients of all manners find it: over TCP, with the real room behind it, records in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::clock::Clock;
use crate::config::{ModerationConfig, ModerationMode};
use crate::device::command::{Command, Origin};
use crate::device::state::{State, Wanted};
use crate::device::status::Status;
use crate::edge::desk::{Desk, Done as Told, Picture};
use crate::edge::web::inside::*;
use crate::room::live::actor::{Judged, LiveHandle, Parts};
use crate::room::live::event::Event;
use crate::room::live::state::LiveSettings;

mod logins;
mod memory;
mod pages;
mod roles;
mod shop;
mod sockets;

use memory::{Memory, Pictures};

/// Much longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(30);
const SECRET: &str = "shop-secret";

struct Bench {
    hall: Option<Hall>,
    memory: Arc<Memory>,
    now_ms: Arc<AtomicI64>,
    status: watch::Sender<Status>,
    commands: Arc<Mutex<Vec<Command>>>,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|o| o.staff_over_http = true).await
    }

    async fn with(change: impl FnOnce(&mut HallOptions)) -> Self {
        let runtime = tokio::runtime::Handle::current();
        let memory = Arc::new(Memory::default());
        let now_ms = Arc::new(AtomicI64::new(1_800_000_000_000));
        let wall = {
            let now = now_ms.clone();
            move || now.load(Ordering::Relaxed)
        };
        let saved = memory.clone();
        let parts = Parts {
            clock: Clock::real(),
            wall: Box::new(wall.clone()),
            save: Box::new(move |events, _| {
                saved.events.lock().unwrap().extend(events);
                Box::pin(async { Ok(()) })
            }),
            load: Box::new(|| Box::pin(async { Ok((Vec::new(), Default::default())) })),
            judge: Arc::new(|_| Box::pin(async { Judged::Shown { item: None } })),
            told: Box::new(|_, _| {}),
            seeds: Box::new(|_| [7; 32]),
        };
        let settings = LiveSettings {
            moderation: ModerationConfig {
                mode: ModerationMode::Free,
                delay_s: 5.0,
                words: String::new(),
                words_file: std::path::PathBuf::new(),
                links: false,
                max_graphemes: 120,
                repeat_s: 60.0,
                author_per_s: 100.0,
                author_tau_s: 2.0,
                author_burst: 100.0,
                author_suppress: false,
            },
            words: Vec::new(),
        };
        let live =
            LiveHandle::start(parts, Vec::new(), Default::default(), settings, &runtime).unwrap();
        let (state, _) =
            State::new(crate::device::testing::setup(), Wanted::new(false)).start(Duration::ZERO);
        let (status, status_out) = watch::channel(Status::of(&state));
        let commands: Arc<Mutex<Vec<Command>>> = Arc::default();
        let heard = commands.clone();
        let desk = Desk::new(move |origin, command| {
            assert_eq!(origin, Origin::Web);
            heard.lock().unwrap().push(command.clone());
            Box::pin(async move {
                Ok(match command {
                    Command::Snapshot { .. } => Told::Picture(Picture {
                        jpeg: bytes::Bytes::from_static(b"\xff\xd8picture"),
                        width: 1,
                        height: 1,
                    }),
                    Command::Logs { .. } => Told::Data(json!({ "lines": ["a line"] })),
                    _ => Told::Accepted,
                })
            })
        });
        let inside = Inside {
            live,
            desk,
            status: status_out,
            records: memory.clone(),
            media: Arc::new(Pictures),
            names: vec!["boothcast-ab3f".into()],
            key: [9; 32],
            order_secret: Some(crate::config::Secret::new(SECRET)),
            wall: Arc::new(wall),
            schema: Arc::new(|| json!({ "schema": {} })),
            rtsp: Some("8554/main".into()),
        };
        let mut options = HallOptions {
            port: 0,
            metrics: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            only_here: true,
            ..HallOptions::default()
        };
        change(&mut options);
        let hall = Hall::start(options, inside, &runtime).unwrap();
        Self {
            hall: Some(hall),
            memory,
            now_ms,
            status,
            commands,
        }
    }

    fn addresses(&self) -> Addresses {
        self.hall.as_ref().unwrap().addresses()
    }

    fn later(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// A browser of somebody who is logged in.
    fn staff(&self, role: Role) -> Browser {
        let name = format!("{role:?}").to_lowercase();
        let word = sign::hex(&sign::random::<32>().unwrap());
        self.memory
            .put(&name, role, &word, self.now_ms.load(Ordering::Relaxed));
        let mut browser = Browser::new(self.addresses().http);
        browser.cookies.insert("bc_session".into(), word);
        browser
    }

    fn nobody(&self) -> Browser {
        Browser::new(self.addresses().http)
    }

    /// Somebody who is in the room.
    async fn viewer(&self, name: &str) -> Browser {
        let mut browser = self.nobody();
        let reply = browser.post("/api/join", &json!({ "name": name })).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        browser
    }

    async fn end(mut self) {
        let begun = Instant::now();
        let at = self.addresses().http;
        self.hall.take().unwrap().stop().await;
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "the end took too long"
        );
        assert!(TcpStream::connect(at).await.is_err(), "it listens on");
    }
}

/// One that keeps cookies and says what browsers say.
#[derive(Clone)]
struct Browser {
    at: SocketAddr,
    cookies: HashMap<String, String>,
}

struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    /// The code of the error.
    fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    }

    fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines();
        let mut pairs = lines.filter_map(|l| l.split_once(": "));
        let found = pairs.find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, v)| v.to_owned())
    }
}

impl Browser {
    fn new(at: SocketAddr) -> Self {
        Self {
            at,
            cookies: HashMap::new(),
        }
    }

    fn cookie_line(&self) -> String {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        if pairs.is_empty() {
            String::new()
        } else {
            format!("Cookie: {}\r\n", pairs.join("; "))
        }
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.ask("GET", path, "X-Boothcast: 1\r\n", "").await
    }

    async fn post(&mut self, path: &str, body: &Value) -> Reply {
        self.ask(
            "POST",
            path,
            "Content-Type: application/json\r\n",
            &body.to_string(),
        )
        .await
    }

    async fn delete(&mut self, path: &str) -> Reply {
        self.ask("DELETE", path, "X-Boothcast: 1\r\n", "").await
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Reply {
        let host = if headers.contains("Host: ") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.at)
        };
        let (cookies, length) = (self.cookie_line(), body.len());
        let reply = self
            .raw(&format!(
                "{method} {path} HTTP/1.1\r\n{host}Connection: close\r\n{cookies}{headers}Content-Length: {length}\r\n\r\n{body}"
            ))
            .await;
        for line in reply.head.lines() {
            let Some(rest) = line.strip_prefix("set-cookie: ") else {
                continue;
            };
            let (name, value) = rest.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.into(), value.into());
            }
        }
        reply
    }

    async fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        let _ = stream.write_all(request.as_bytes()).await;
        let mut bytes = Vec::new();
        let _ = timeout(LONG, stream.read_to_end(&mut bytes))
            .await
            .expect("an answer");
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .unwrap_or(0);
        Reply {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}
