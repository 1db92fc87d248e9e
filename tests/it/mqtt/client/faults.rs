//! A broker that is killed, frozen, restarted; a reader who does not read.

use std::time::{Duration, Instant};

use boothcast::edge::mqtt::client::{Happening, Link, Qos, Timing};

use super::kit::{LONG, Peer, message, options, publish_with, retained};
use crate::support::broker::Broker;

/// Notices a dead broker within 3 s.
const SOON: Timing = Timing {
    keep_alive: Duration::from_secs(2),
    connect_limit: Duration::from_secs(2),
};

/// 20 messages that a broker keeps, so that it can be asked for each.
fn twenty(peer: &Peer) -> Vec<tokio::task::JoinHandle<boothcast::error::Result<()>>> {
    (0..20)
        .map(|n| {
            let mut m = message(&format!("n/{n:02}"), "x");
            m.retain = true;
            peer.publish_later(m)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_of_twenty_arrive_though_the_broker_that_had_them_is_killed() {
    let mut broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    peer.connected().await;
    // Frozen, it takes them from the wire and acknowledges none; killed, it forgets all it ever had.
    broker.signal(libc::SIGSTOP);
    let sent = twenty(&peer);
    tokio::time::sleep(Duration::from_millis(300)).await;
    broker.kill();
    peer.lost().await;
    assert!(
        sent.iter().all(|s| !s.is_finished()),
        "acknowledged by nobody"
    );
    broker.run();
    for s in sent {
        s.await.unwrap().unwrap();
    }
    assert!(!peer.connected().await, "it kept no session");
    assert_eq!(retained(&broker, "n/#").len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_twenty_is_acknowledged_by_a_broker_that_had_it_though_it_is_killed_in_their_midst()
{
    let mut broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    peer.connected().await;
    let mut had = Vec::new();
    for n in 0..20 {
        let mut m = message(&format!("n/{n:02}"), "x");
        m.retain = true;
        let sent = peer.publish_later(m);
        if n % 7 == 3 {
            broker.kill();
            broker.run();
        }
        sent.await.unwrap().unwrap();
        had.push(format!("n/{n:02}"));
    }
    // The log is one for all three brokers.
    let log = broker.log();
    for topic in had {
        assert!(
            log.lines()
                .any(|l| l.contains("Received PUBLISH from box") && l.contains(&topic)),
            "{topic} never came: {log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_broker_is_found_and_gets_all_of_it_when_it_thaws() {
    let broker = Broker::start();
    let mut peer = Peer::timed(options(&broker, "box"), &["n/#"], SOON);
    peer.connected().await;
    broker.signal(libc::SIGSTOP);
    let began = Instant::now();
    let sent = twenty(&peer);
    let reason = peer.lost().await;
    assert!(reason.contains("silent"), "{reason}");
    // 1.5 × 2 s; the rest is for a loaded machine.
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(matches!(&*peer.client.link().borrow(), Link::Down { .. }));
    broker.signal(libc::SIGCONT);
    for s in sent {
        s.await.unwrap().unwrap();
    }
    assert!(peer.connected().await, "the session is kept");
    assert_eq!(retained(&broker, "n/#").len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn telemetry_into_a_frozen_broker_does_not_hide_that_it_is_frozen() {
    let broker = Broker::start();
    let mut peer = Peer::timed(options(&broker, "box"), &[], SOON);
    peer.connected().await;
    let client = peer.client.clone();
    let telemetry = tokio::spawn(async move {
        let mut m = message("tel", "1");
        m.qos = Qos::AtMostOnce;
        while client.publish(m.clone()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    // Longer than the keep-alive: something goes out all the time, so nothing pings; the client asks by itself.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(*peer.client.link().borrow(), Link::Up);
    broker.signal(libc::SIGSTOP);
    let began = Instant::now();
    assert!(peer.lost().await.contains("silent"));
    assert!(began.elapsed() < Duration::from_secs(10));
    // Without a connection QoS 0 fails at once.
    telemetry.await.unwrap();
    broker.signal(libc::SIGCONT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_who_does_not_read_costs_no_connection_and_loses_nothing() {
    let broker = Broker::start();
    let mut peer = Peer::timed(options(&broker, "box"), &["in"], SOON);
    peer.connected().await;
    for n in 0..100 {
        publish_with(&broker, &["-t", "in", "-q", "1", "-m", &n.to_string()]);
    }
    // Three keep-alives without a reader.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(*peer.client.link().borrow(), Link::Up);
    peer.client.publish(message("out", "x")).await.unwrap();
    let mut came: Vec<i32> = Vec::new();
    while came.len() < 100 {
        match peer.next().await {
            Happening::Received(m) => {
                came.push(
                    String::from_utf8(m.payload.to_vec())
                        .unwrap()
                        .parse()
                        .unwrap(),
                );
                m.ack.done();
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(came, (0..100).collect::<Vec<i32>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_publishes_than_there_is_room_for_wait_and_go() {
    let broker = Broker::start();
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    peer.connected().await;
    broker.signal(libc::SIGSTOP);
    let sent: Vec<_> = (0..3000)
        .map(|n| peer.publish_later(message("n", &n.to_string())))
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(sent.iter().all(|s| !s.is_finished()));
    broker.signal(libc::SIGCONT);
    for s in sent {
        tokio::time::timeout(LONG, s)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_at_the_address_is_said_and_mended_by_itself() {
    let mut broker = Broker::start();
    broker.kill();
    let mut peer = Peer::start(options(&broker, "box"), &[]);
    let mut link = peer.client.link();
    let down = link
        .wait_for(|l| matches!(l, Link::Down { .. }))
        .await
        .unwrap()
        .clone();
    assert_eq!(
        down,
        Link::Down {
            reason: "nobody listens at this address".into()
        }
    );
    broker.run();
    peer.connected().await;

    let mut o = options(&broker, "other");
    o.broker = "mqtt://no-such-host.invalid".parse().unwrap();
    let peer = Peer::start(o, &[]);
    let mut link = peer.client.link();
    let down = link
        .wait_for(|l| matches!(l, Link::Down { .. }))
        .await
        .unwrap()
        .clone();
    let Link::Down { reason } = down else {
        panic!()
    };
    assert!(
        reason.contains("no host named no-such-host.invalid"),
        "{reason}"
    );
}
