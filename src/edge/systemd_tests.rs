//! Against a real datagram socket, as systemd would hold it.

use std::ffi::OsString;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::device::state::{State, Wanted};
use crate::device::testing::setup;

const LONG: Duration = Duration::from_secs(20);

fn status() -> Status {
    let (state, _) = State::new(setup(), Wanted::new(false)).start(Duration::ZERO);
    Status::of(&state)
}

/// systemd's end.
struct Manager {
    socket: UnixDatagram,
    path: OsString,
    _dir: Option<TempDir>,
}

impl Manager {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self::with(socket, path.into(), Some(dir))
    }

    fn with(socket: UnixDatagram, path: OsString, dir: Option<TempDir>) -> Self {
        socket.set_read_timeout(Some(LONG)).unwrap();
        Self {
            socket,
            path,
            _dir: dir,
        }
    }

    fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let n = self.socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..n].to_vec()).unwrap()
    }

    /// Everything that is there, without waiting.
    fn rest(&self) -> Vec<String> {
        self.socket.set_nonblocking(true).unwrap();
        let mut all = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(n) = self.socket.recv(&mut buffer) {
            all.push(String::from_utf8(buffer[..n].to_vec()).unwrap());
        }
        self.socket.set_nonblocking(false).unwrap();
        all
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

fn end(runtime: &tokio::runtime::Runtime, task: JoinHandle<()>) {
    runtime.block_on(async { tokio::time::timeout(LONG, task).await.unwrap().unwrap() });
}

#[test]
fn a_pet_needs_half_the_time_and_a_moving_picture() {
    let period = Duration::from_secs(15);
    let last = Pet {
        flow: 100,
        at: Duration::from_secs(10),
    };
    let s = Duration::from_secs;
    for (flow, now, pet) in [
        (130, s(24), false),
        (130, s(25), true),
        (100, s(25), false),
        (100, s(1000), false),
        (101, s(26), true),
        (7, s(25), true),
        (130, s(0), false),
    ] {
        assert_eq!(may_pet(last, flow, now, period), pet, "{flow} at {now:?}");
    }
    assert!(
        !may_pet(Pet::default(), 0, s(60), period),
        "nothing flowed yet"
    );
}

#[test]
fn it_says_ready_each_new_sentence_and_stopping() {
    let manager = Manager::new();
    let runtime = runtime();
    let (tx, rx) = watch::channel(status());
    let notifier = Notifier::new(Some(&manager.path), None);
    let task = notifier.spawn(runtime.handle(), rx);
    assert_eq!(manager.next(), "READY=1");
    assert_eq!(manager.next(), "STATUS=The camera is starting.");
    tx.send_modify(|s| s.health.sentence = "Live to youtube.".into());
    assert_eq!(manager.next(), "STATUS=Live to youtube.");
    // The same sentence is not said again; a line end cannot smuggle an assignment in.
    tx.send_modify(|s| s.generation += 1);
    tx.send_modify(|s| s.health.sentence = "Odd\nMAINPID=1\r\n".into());
    assert_eq!(manager.next(), "STATUS=Odd MAINPID=1  ");
    tx.send_modify(|s| s.ending = true);
    assert_eq!(manager.next(), "STOPPING=1");
    end(&runtime, task);
    assert!(manager.rest().is_empty());
}

#[test]
fn it_ends_when_the_status_is_closed() {
    let manager = Manager::new();
    let runtime = runtime();
    let (tx, rx) = watch::channel(status());
    let task = Notifier::new(Some(&manager.path), None).spawn(runtime.handle(), rx);
    drop(tx);
    end(&runtime, task);
    assert_eq!(
        manager.rest().last().map(String::as_str),
        Some("STOPPING=1")
    );
}

#[test]
fn the_watchdog_is_petted_only_while_the_picture_moves() {
    let manager = Manager::new();
    let runtime = runtime();
    let (tx, rx) = watch::channel(status());
    let notifier = Notifier::new(Some(&manager.path), Some(Duration::from_millis(40)));
    let task = notifier.spawn(runtime.handle(), rx);
    assert_eq!(manager.next(), "READY=1");
    manager.next();
    // No picture yet: many periods go by in silence.
    std::thread::sleep(Duration::from_millis(300));
    assert!(manager.rest().is_empty());
    for n in 1..=3 {
        tx.send_modify(|s| s.flow.main = n * 30);
        assert_eq!(manager.next(), "WATCHDOG=1");
        // One pet for one advance, however much is published.
        for _ in 0..10 {
            tx.send_modify(|s| s.generation += 1);
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(manager.rest().is_empty());
    }
    tx.send_modify(|s| s.ending = true);
    assert_eq!(manager.next(), "STOPPING=1");
    end(&runtime, task);
}

#[test]
fn a_name_in_the_abstract_space_works_too() {
    let name = format!("boothcast-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    let manager = Manager::with(socket, format!("@{name}").into(), None);
    Notifier::new(Some(&manager.path), None).status("Ready.");
    assert_eq!(manager.next(), "STATUS=Ready.");
}

#[test]
fn without_a_manager_nothing_happens_and_it_still_ends() {
    let runtime = runtime();
    let gone = tempfile::tempdir().unwrap().path().join("gone");
    for socket in [
        None,
        Some(OsStr::new("")),
        Some(OsStr::new("vsock:2:1")),
        Some(gone.as_os_str()),
    ] {
        let (tx, rx) = watch::channel(status());
        let notifier = Notifier::new(socket, Some(Duration::from_millis(10)));
        assert!(!notifier.send(&[NotifyState::Ready]));
        let task = notifier.spawn(runtime.handle(), rx);
        tx.send_modify(|s| s.flow.main = 1);
        tx.send_modify(|s| s.ending = true);
        end(&runtime, task);
    }
}
