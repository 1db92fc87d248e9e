//! A supervisor on a simulated box, its socket, and clients of several manners.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as Blocking;
use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::clock::Clock;
use crate::device::command::Command;
use crate::device::effect::Effect;
use crate::device::event::{Event, MediaEvent};
use crate::device::state::{State, Wanted};
use crate::device::supervisor::Supervisor;
use crate::device::supervisor_world::disk;
use crate::device::testing::setup;
use crate::edge::codec::MAX_REQUEST;

/// Much longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);

struct Bench {
    dir: tempfile::TempDir,
    handle: Handle,
    local: Option<Local>,
    runtime: tokio::runtime::Runtime,
    _effects: mpsc::Receiver<Effect>,
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (tx, effects) = mpsc::channel(256);
        let state = State::new(setup(), Wanted::new(false));
        let (handle, _task) = Supervisor::spawn(runtime.handle(), state, Clock::real(), tx);
        let effects = disk(runtime.handle(), &handle, effects);
        let dir = tempfile::tempdir().unwrap();
        let local = Local::start(
            dir.path(),
            None,
            handle.clone(),
            Desk::core(handle.clone()),
            runtime.handle(),
        )
        .unwrap();
        Self {
            dir,
            handle,
            local: Some(local),
            runtime,
            _effects: effects,
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join(SOCKET)
    }

    fn client(&self) -> Peer {
        let stream = Blocking::connect(self.path()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        Peer(BufReader::new(stream))
    }

    fn stop(&mut self) -> Duration {
        let begun = Instant::now();
        self.runtime.block_on(self.local.take().unwrap().stop());
        begun.elapsed()
    }
}

struct Peer(BufReader<Blocking>);

impl Peer {
    fn send(&mut self, line: &[u8]) {
        self.0.get_mut().write_all(line).unwrap();
        self.0.get_mut().write_all(b"\n").unwrap();
    }

    /// The next line; `None` when the box has closed.
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_str(&line).unwrap()),
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(e) => panic!("{e}"),
        }
    }

    fn ask(&mut self, request: &Value) -> Value {
        self.send(request.to_string().as_bytes());
        self.next().unwrap()
    }
}

fn code(answer: &Value) -> &str {
    assert_eq!(answer["ok"], false, "{answer}");
    answer["error"]["code"].as_str().unwrap()
}

#[test]
fn commands_and_status_are_answered_and_only_user_and_group_may_ask() {
    let bench = Bench::new();
    let mode = std::fs::metadata(bench.path())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut peer = bench.client();
    let said = peer.ask(&json!({"id": "a", "command": {"name": "live-start"}}));
    assert_eq!(
        said,
        json!({"id": "a", "ok": true, "data": {"outcome": "accepted"}})
    );
    let said = peer.ask(&json!({"id": "b", "command": {"name": "live-start"}}));
    assert_eq!(said["data"]["outcome"], "already_so");
    let said = peer.ask(&json!({"id": "c", "status": true}));
    assert_eq!(
        (&said["id"], &said["data"]["live"]),
        (&json!("c"), &json!(true))
    );
    let unknown =
        json!({"name": "destination-enable", "args": {"destination": "vimeo", "enabled": true}});
    let said = peer.ask(&json!({"id": "d", "command": unknown}));
    assert_eq!(code(&said), "bad_request");
    assert_eq!(said["error"]["reason"], "unknown_destination");
}

#[test]
fn rubbish_is_answered_and_the_connection_goes_on() {
    let bench = Bench::new();
    let mut peer = bench.client();
    let long = [
        b"{\"id\":\"1\",\"status\":",
        &vec![b' '; MAX_REQUEST][..],
        b"true}",
    ]
    .concat();
    for (line, want) in [
        (&b"hello"[..], "bad_request"),
        (b"\xff\xfe\x00", "bad_request"),
        (&long, "too_large"),
        (
            b"{\"id\":\"1\",\"command\":{\"name\":\"explode\"}}",
            "unknown_command",
        ),
    ] {
        peer.send(line);
        assert_eq!(code(&peer.next().unwrap()), want);
    }
    assert_eq!(peer.ask(&json!({"id": "z", "status": true}))["ok"], true);
}

#[test]
fn a_request_needs_neither_line_end_nor_an_open_side() {
    let bench = Bench::new();
    let mut peer = bench.client();
    peer.0
        .get_mut()
        .write_all(b"{\"id\":\"1\",\"status\":true}")
        .unwrap();
    peer.0
        .get_ref()
        .shutdown(std::net::Shutdown::Write)
        .unwrap();
    assert_eq!(peer.next().unwrap()["ok"], true);
    assert_eq!(peer.next(), None);
}

#[test]
fn one_who_watches_hears_each_change_and_may_ask_beside_it() {
    let bench = Bench::new();
    let mut peer = bench.client();
    let first = peer.ask(&json!({"id": "w", "watch": true}));
    assert_eq!(
        (&first["id"], &first["data"]["rtsp_readers"]),
        (&json!("w"), &json!(0))
    );
    bench.handle.media(MediaEvent::RtspReaders(3));
    let changed = std::iter::from_fn(|| peer.next()).find(|s| s["data"]["rtsp_readers"] == 3);
    assert!(changed.unwrap()["data"]["generation"].as_u64() > first["data"]["generation"].as_u64());
    peer.send(b"{\"id\":\"s\",\"status\":true}");
    let mut ids = std::iter::from_fn(|| peer.next()).map(|s| s["id"].clone());
    assert!(ids.any(|id| id == "s"));
    // It says no more, and still hears.
    peer.0
        .get_ref()
        .shutdown(std::net::Shutdown::Write)
        .unwrap();
    bench.handle.media(MediaEvent::RtspReaders(4));
    let mut later = std::iter::from_fn(|| peer.next());
    assert!(later.any(|s| s["data"]["rtsp_readers"] == 4));
}

#[test]
fn one_who_does_not_read_holds_up_nobody_and_gets_the_newest_afterwards() {
    let bench = Bench::new();
    let mut lazy = bench.client();
    lazy.send(b"{\"id\":\"w\",\"watch\":true}");
    let mut other = bench.client();
    // Many times what fits into the socket's buffers.
    let changes = 3000;
    for n in 1..=changes {
        bench.handle.event(Event::Media(MediaEvent::RtspReaders(n)));
        if n % 10 == 0 {
            let said = other.ask(&json!({"id": "s", "status": true}));
            assert!(said["data"]["rtsp_readers"].as_u64().unwrap() <= u64::from(changes));
        }
    }
    let mut heard = 0;
    while let Some(status) = lazy.next() {
        heard += 1;
        if status["data"]["rtsp_readers"] == changes {
            break;
        }
    }
    assert!(heard < changes, "every change was kept for it: {heard}");
}

#[test]
fn the_seventeenth_hears_that_there_is_no_room_and_gets_one_later() {
    let bench = Bench::new();
    let mut peers: Vec<Peer> = (0..MAX_CLIENTS).map(|_| bench.client()).collect();
    for peer in &mut peers {
        assert_eq!(peer.ask(&json!({"id": "1", "status": true}))["ok"], true);
    }
    let mut late = bench.client();
    let said = late.next().unwrap();
    assert_eq!(code(&said), "busy");
    assert_eq!(said["error"]["retryable"], true);
    assert_eq!(late.next(), None);
    peers.pop();
    let begun = Instant::now();
    loop {
        let mut again = bench.client();
        let _ = again
            .0
            .get_mut()
            .write_all(b"{\"id\":\"1\",\"status\":true}\n");
        if again.next().unwrap()["ok"] == true {
            break;
        }
        assert!(begun.elapsed() < LONG, "the room was never given back");
    }
}

#[test]
fn the_end_is_told_and_bounded_and_the_file_goes() {
    let mut bench = Bench::new();
    let mut idle = bench.client();
    let mut watching = bench.client();
    watching.send(b"{\"id\":\"w\",\"watch\":true}");
    watching.next().unwrap();
    let mut stuck = bench.client();
    // Never reads: its answers fill the socket.
    stuck.0.get_ref().set_nonblocking(true).unwrap();
    for _ in 0..20_000 {
        if stuck
            .0
            .get_mut()
            .write_all(b"{\"id\":\"s\",\"status\":true}\n")
            .is_err()
        {
            break;
        }
    }
    let ended = bench.runtime.block_on(async {
        let said = bench
            .handle
            .command(crate::device::command::Origin::Signal, Command::Shutdown);
        said.await
    });
    assert!(ended.is_ok());
    let took = bench.stop();
    assert!(took < STOP_LIMIT + Duration::from_secs(2), "{took:?}");
    assert!(!bench.path().exists());
    assert_eq!(idle.next(), None);
    let last = std::iter::from_fn(|| watching.next()).last().unwrap();
    assert_eq!(last["data"]["ending"], true);
}

#[test]
fn what_is_left_of_a_dead_box_is_replaced_and_what_is_not_ours_is_left() {
    let mut bench = Bench::new();
    bench.stop();
    drop(std::os::unix::net::UnixListener::bind(bench.path()).unwrap());
    assert!(Blocking::connect(bench.path()).is_err(), "it is dead");
    let start = |dir: &Path, link| {
        Local::start(
            dir,
            link,
            bench.handle.clone(),
            Desk::core(bench.handle.clone()),
            bench.runtime.handle(),
        )
    };
    let state = tempfile::tempdir().unwrap();
    // A link that leads nowhere any more.
    std::os::unix::fs::symlink("/nowhere/control.sock", state.path().join(SOCKET)).unwrap();
    let local = start(bench.dir.path(), Some(state.path())).unwrap();
    let through_link = Blocking::connect(state.path().join(SOCKET));
    assert!(through_link.is_ok(), "{through_link:?}");
    bench.runtime.block_on(local.stop());
    assert!(std::fs::symlink_metadata(state.path().join(SOCKET)).is_err());
    std::fs::write(bench.path(), "a letter").unwrap();
    let refused = start(bench.dir.path(), None).unwrap_err().report();
    assert!(
        refused.contains("control.sock") && refused.contains("no socket"),
        "{refused}"
    );
    assert_eq!(std::fs::read_to_string(bench.path()).unwrap(), "a letter");
    let deep = bench.dir.path().join("x".repeat(120));
    std::fs::create_dir(&deep).unwrap();
    assert!(
        start(&deep, None)
            .unwrap_err()
            .report()
            .contains("control socket")
    );
}

/// The limits, short ones: an idle client hears why, one who does not read its answers is let go.
#[tokio::test]
async fn one_who_asks_nothing_or_reads_nothing_is_let_go() {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    let (tx, _effects) = mpsc::channel(256);
    let state = State::new(setup(), Wanted::new(false));
    let (handle, task) =
        Supervisor::spawn(&tokio::runtime::Handle::current(), state, Clock::real(), tx);
    let (_stop, stopped) = watch::channel(false);
    let serve = |idle, write| {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let limits = Limits { idle, write };
        let server = client::serve(
            theirs,
            handle.clone(),
            Desk::core(handle.clone()),
            stopped.clone(),
            limits,
        );
        (ours, tokio::spawn(server), Instant::now())
    };
    let short = Duration::from_millis(300);

    let (ours, server, begun) = serve(short, LONG);
    let mut line = String::new();
    BufReader::new(ours).read_line(&mut line).await.unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(code(&said), "expired");
    assert!(begun.elapsed() >= short, "{:?}", begun.elapsed());
    timeout(LONG, server).await.unwrap().unwrap();

    let (ours, server, begun) = serve(LONG * 2, short);
    let (_unread, mut write) = ours.into_split();
    let flood = tokio::spawn(async move {
        while write
            .write_all(b"{\"id\":\"s\",\"status\":true}\n")
            .await
            .is_ok()
        {}
    });
    timeout(LONG, server).await.unwrap().unwrap();
    assert!(begun.elapsed() >= short, "{:?}", begun.elapsed());
    timeout(LONG, flood).await.unwrap().unwrap();

    // Watching nothing new is not idling.
    let (ours, server, _) = serve(short, LONG);
    let (read, mut write) = ours.into_split();
    write
        .write_all(b"{\"id\":\"w\",\"watch\":true}\n")
        .await
        .unwrap();
    let mut lines = BufReader::new(read).lines();
    assert!(lines.next_line().await.unwrap().is_some());
    tokio::time::sleep(short * 3).await;
    assert!(!server.is_finished());
    task.abort();
}
