//! Servers that go away, refuse or hang; and stopping whatever they do.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Instant;

use boothcast::device::event::DestinationState;

use super::peer::{Manner, Peer};
use super::rig::{Log, Nginx, Source, destination, push, runtime};
use super::{SOON, reason, rejected, secs, waiting};
use crate::support::{free_port, wait_for};

#[test]
fn after_outages_of_2_7_and_12_s_it_is_back_within_a_second() {
    let (rt, source, (log, reporter)) = (runtime(), Source::start(320, 180, 300), Log::new());
    let names = ["two", "seven", "twelve"];
    let mut servers = names.map(|_| Nginx::start(free_port(), ""));
    for server in &servers {
        server.listening();
    }
    let begun = Instant::now();
    let pushes: Vec<_> = names
        .iter()
        .zip(&servers)
        .map(|(name, server)| {
            push(
                &rt,
                &source,
                destination(name, &server.url(), "cam"),
                None,
                &reporter,
            )
        })
        .collect();
    for name in names {
        log.wait_live(name, begun, SOON);
    }
    std::thread::sleep(secs(1.0));
    let cut = Instant::now();
    for server in &mut servers {
        server.kill();
    }
    let mut took = Vec::new();
    for ((name, server), outage) in names.iter().zip(&mut servers).zip([2.0, 7.0, 12.0]) {
        std::thread::sleep(secs(outage).saturating_sub(cut.elapsed()));
        let begun = Instant::now();
        server.begin();
        let listening = server.listening();
        let live = log.wait_live(name, begun, SOON);
        took.push(live.saturating_duration_since(listening));
    }
    println!("recovery after 2, 7 and 12 s: {took:?}");
    assert!(took.iter().all(|t| *t <= secs(1.0)), "{took:?}");
    rt.block_on(async {
        for p in pushes {
            p.stop().await;
        }
    });
}

#[test]
fn a_refused_key_is_told_and_tried_no_more_than_once_in_30_s() {
    let (rt, source, (log, reporter)) = (runtime(), Source::start(320, 180, 300), Log::new());
    let gate = Gate::start();
    let locked = Nginx::start(
        free_port(),
        &format!("on_publish http://127.0.0.1:{}/auth;", gate.port),
    );
    let busy = Nginx::start(free_port(), "");
    let refusing = Peer::start(Manner::Refuse("NetStream.Publish.Unauthorized"));
    locked.listening();
    busy.listening();
    let begun = Instant::now();
    let first = push(
        &rt,
        &source,
        destination("first", &busy.url(), "cam"),
        None,
        &reporter,
    );
    log.wait_live("first", begun, SOON);
    let pushes = [
        ("locked", locked.url()),
        ("second", busy.url()),
        ("peer", refusing.url()),
    ]
    .map(|(name, url)| {
        push(
            &rt,
            &source,
            destination(name, &url, "cam"),
            None,
            &reporter,
        )
    });
    for name in ["locked", "second", "peer"] {
        log.wait(name, "rejected", begun, SOON, rejected);
    }
    let (_, state) = log
        .states("second")
        .into_iter()
        .find(|(_, s)| rejected(s))
        .unwrap();
    assert!(
        reason(&state).contains("NetStream.Publish.BadName"),
        "{state:?}"
    );
    let (tries, connections) = (gate.tries(), refusing.seen().connections.len());
    assert_eq!(connections, 1);
    assert!(
        tries <= 2,
        "a closed connection is tried once more: {tries}"
    );
    std::thread::sleep(secs(6.0));
    assert_eq!(
        (gate.tries(), refusing.seen().connections.len()),
        (tries, connections)
    );
    assert!(
        log.states("first").iter().all(|(_, s)| !waiting(s)),
        "the first publisher goes on"
    );
    rt.block_on(async {
        first.stop().await;
        for p in pushes {
            p.stop().await;
        }
    });
}

/// Answers every HTTP request with 403, and counts them.
struct Gate {
    port: u16,
    tries: std::sync::Arc<std::sync::atomic::AtomicUsize>,
}

impl Gate {
    fn start() -> Self {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let tries = std::sync::Arc::<std::sync::atomic::AtomicUsize>::default();
        let count = tries.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let mut socket = socket.unwrap();
                count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let _ = socket.read(&mut [0; 4096]);
                let _ = socket.write_all(
                    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                );
            }
        });
        Self { port, tries }
    }

    fn tries(&self) -> usize {
        self.tries.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[test]
fn a_server_that_still_holds_the_old_session_is_asked_again() {
    let (rt, source, (log, reporter)) = (runtime(), Source::start(320, 180, 300), Log::new());
    let peer = Peer::start(Manner::HoldsOld(2));
    let begun = Instant::now();
    let pushed = push(
        &rt,
        &source,
        destination("a", &peer.url(), "cam"),
        None,
        &reporter,
    );
    let first = log.wait_live("a", begun, SOON);
    let (cut, _) = log.wait("a", "cut", first, SOON, waiting);
    let live = log.wait_live("a", cut, SOON);
    assert!(live - cut < secs(3.0), "back after {:?}", live - cut);
    assert!(
        log.states("a").iter().all(|(_, s)| !rejected(s)),
        "{:?}",
        log.states("a")
    );
    assert_eq!(peer.seen().connections.len(), 4);
    rt.block_on(pushed.stop());
}

#[test]
fn servers_that_hang_are_given_up_after_5_s() {
    let (rt, source, (log, reporter)) = (runtime(), Source::start(320, 180, 300), Log::new());
    let mute = Peer::start(Manner::Mute);
    // A listener whose queue is full drops further SYNs.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(
        &"127.0.0.1:0"
            .parse::<std::net::SocketAddr>()
            .unwrap()
            .into(),
    )
    .unwrap();
    full.listen(0).unwrap();
    let port = full.local_addr().unwrap().as_socket().unwrap().port();
    let _queued: Vec<_> = (0..3)
        .map_while(|_| {
            std::net::TcpStream::connect_timeout(&([127, 0, 0, 1], port).into(), secs(0.3)).ok()
        })
        .collect();
    let begun = Instant::now();
    let pushes = [
        ("mute", mute.url()),
        ("full", format!("rtmp://127.0.0.1:{port}/live")),
    ]
    .map(|(name, url)| {
        push(
            &rt,
            &source,
            destination(name, &url, "cam"),
            None,
            &reporter,
        )
    });
    for (name, words) in [
        ("mute", "waited 5 s in vain for the RTMP handshake"),
        ("full", "no answer"),
    ] {
        let (at, state) = log.wait(name, "given up", begun, SOON, waiting);
        assert!(reason(&state).contains(words), "{state:?}");
        assert!(
            (secs(4.9)..secs(7.0)).contains(&(at - begun)),
            "{name} after {:?}",
            at - begun
        );
    }
    rt.block_on(async {
        for p in pushes {
            p.stop().await;
        }
    });
}

#[test]
fn stopping_takes_less_than_a_second_and_leaves_nothing_behind() {
    let (rt, source) = (runtime(), Source::start(640, 360, 1500));
    let (good, stalled, mute) = (
        Peer::start(Manner::Good),
        Peer::start(Manner::Stall),
        Peer::start(Manner::Mute),
    );
    let nobody = format!("rtmp://127.0.0.1:{}/live", free_port());
    // One round first, so that what is made once (threads, caches) is made.
    for round in 0..2 {
        let before = (rt.metrics().num_alive_tasks(), open_sockets());
        let (log, reporter) = Log::new();
        let begun = Instant::now();
        let urls = [
            ("good", good.url()),
            ("stalled", stalled.url()),
            ("mute", mute.url()),
            ("nobody", nobody.clone()),
        ];
        let pushes = urls.map(|(name, url)| {
            push(
                &rt,
                &source,
                destination(name, &url, "cam"),
                None,
                &reporter,
            )
        });
        log.wait_live("good", begun, SOON);
        log.wait_live("stalled", begun, SOON);
        log.wait("nobody", "waiting", begun, SOON, waiting);
        wait_for("a backlog at the stalled one", SOON, || {
            log.figures("stalled")
                .iter()
                .any(|f| f.backlog_ms > 1_000)
                .then_some(())
        });
        for (p, name) in pushes
            .into_iter()
            .zip(["good", "stalled", "mute", "nobody"])
        {
            let at = Instant::now();
            rt.block_on(p.stop());
            assert!(at.elapsed() < secs(1.0), "{name} took {:?}", at.elapsed());
            assert_eq!(log.states(name).last().unwrap().1, DestinationState::Off);
        }
        assert!(source.fanout.consumers().is_empty());
        wait_for("tasks to go", SOON, || {
            (rt.metrics().num_alive_tasks() <= before.0).then_some(())
        });
        if round == 1 {
            // The peers still hold their ends of what hangs: one stalled, one mute.
            wait_for("sockets to go", SOON, || {
                (open_sockets() == before.1 + 2).then_some(())
            });
        }
    }
    let seen = good.seen();
    assert_eq!(seen.closed, 2);
    assert_eq!(
        seen.commands
            .iter()
            .filter(|c| *c == "FCUnpublish" || *c == "deleteStream")
            .count(),
        4
    );
}

fn open_sockets() -> usize {
    let links = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|f| std::fs::read_link(f.ok()?.path()).ok());
    links
        .filter(|l| l.to_string_lossy().starts_with("socket:"))
        .count()
}
